"""The page of the locks, and freeing one."""

from __future__ import annotations

from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web


def test_a_lock_is_shown_and_freed_and_the_deed_is_on_record(web: Web, rows: Rows) -> None:
    assert "잠긴 작업이 없습니다" in web.page("/scheduler/locks").text
    job = rows.add_job("<b>재고</b>")
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    shown = web.page("/scheduler/locks", "viewer", "en").text
    assert "&lt;b&gt;재고&lt;/b&gt;" in shown and "by hand" in shown and "Free" not in shown
    assert web.ask["viewer"].post(f"/scheduler/locks/{job}/release", data={"force": "true"}, headers=HTML).status_code == 403
    freed = web.ask["operator"].post(f"/scheduler/locks/{job}/release", data={"force": "true"}, headers=HTML)
    assert freed.status_code == 303
    assert rows.one("SELECT count(*) FROM schedule_locks") == 0
    assert rows.one("SELECT actor, role, via, action, object FROM audit_log") == ("operator", "operator", "rest", "lock.release",
                                                                               f"job:{job}")


def test_nobody_unknown_sees_anything(web: Web) -> None:
    assert web.ask["none"].get("/scheduler/locks").status_code == 401
    sent_on = web.page("/scheduler/locks", "none")
    assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/login?next=/scheduler/locks")
    assert web.ask["none"].get("/healthz").json() == {"status": "ok"}
    assert web.ask["none"].get("/api/v1/status").json()["code"] == "not-logged-in"
    assert web.ask["viewer"].get("/api/v1/status").json()["active_jobs"] == 0
