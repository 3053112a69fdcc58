"""The smaller nouns of REST: locks, nodes, job types, markets, calendars, overlays, people, tokens, audit, events, metrics."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.support.daemons import Rows, wait_for
from tests.web.conftest import Web


def test_a_lock_is_listed_and_freed(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    assert [each["job_name"] for each in web.ask["viewer"].get("/api/v1/locks").json()["items"]] == ["재고"]
    assert web.ask["viewer"].delete(f"/api/v1/locks/{job}?force=true").status_code == 403
    freed = web.ask["operator"].delete(f"/api/v1/locks/{job}?force=true")
    assert freed.status_code == 200 and len(freed.json()["released"]) == 1
    assert web.ask["operator"].delete(f"/api/v1/locks/{job}").status_code == 404
    assert rows.one("SELECT action FROM audit_log") == "lock.release"


def test_nodes_and_job_types_as_daemons_announce_them(web: Web, rows: Rows) -> None:
    rows.connection.execute("""INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds,
        job_types) VALUES (gen_random_uuid(), 'a', 'h', 1, '1', 4, 60, '{noop}')""")
    rows.connection.execute("""INSERT INTO job_types (job_type, source, params_schema)
        VALUES ('noop', 'x', '{"type": "object"}')""")
    node = web.ask["viewer"].get("/api/v1/nodes").json()["items"][0]
    assert (node["name"], node["workers"], node["living"]) == ("a", 4, True)
    assert [each["job_type"] for each in web.ask["viewer"].get("/api/v1/handlers").json()["items"]] == ["noop"]
    assert web.ask["viewer"].get("/api/v1/handlers/noop").json()["params_schema"] == {"type": "object"}
    near = web.ask["viewer"].get("/api/v1/handlers/nop", headers={"Accept-Language": "en"})
    assert near.status_code == 404 and "did you mean 'noop'?" in near.json()["detail"]


def test_markets_show_budgets_windows_gaps_and_stock_but_no_credential(web: Web, rows: Rows) -> None:
    connection = rows.connection
    connection.execute("""INSERT INTO market_accounts (market_code, base_url, credentials) VALUES
        ('naver', 'http://localhost:1', '{"client_secret": "secret://env/NAVER_SECRET"}')""")
    connection.execute("""INSERT INTO market_budgets (market_code, account, daily_limit, day, used)
        VALUES ('naver', 'default', 1000, (now() AT TIME ZONE 'Asia/Seoul')::date, 40)""")
    connection.execute("INSERT INTO market_windows (market_code, starts_at, ends_at) VALUES ('naver', now(), now() + '1 hour')")
    for begin, end in (("-5 hours", "-4 hours"), ("-2 hours", "0 hours")):
        connection.execute("""INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at,
                lines_read, claims_read, inserted, updated, unchanged)
            VALUES ('naver', 'default', 'orders', now() + %s::interval, now() + %s::interval, 0, 0, 0, 0, 0)""", (begin, end))
    connection.execute("INSERT INTO erp.stock (sku, quantity) VALUES ('A', 10)")
    connection.execute("""INSERT INTO erp.products (market_code, account, product_id, name, seen_at)
        VALUES ('naver', 'default', '1', '가', now())""")
    connection.execute("""INSERT INTO erp.product_options (market_code, account, product_id, item_id, sku, name, price, stock,
        seen_at) VALUES ('naver', 'default', '1', '1', 'A', '가', 100, 7, now())""")
    found = web.ask["viewer"].get("/api/v1/markets")
    account = found.json()["items"][0]
    assert (account["used_today"], account["daily_limit"]) == (40, 1000) and account["closed_until"] is not None
    assert len(found.json()["windows"]) == 1 and len(found.json()["gaps"]) == 1 and "secret" not in found.text
    stock = web.ask["viewer"].get("/api/v1/markets/stock").json()
    assert (stock["total"], stock["items"][0]["wanted"], stock["items"][0]["shops"][0]["stock"]) == (1, 10, 7)


def test_what_comes_and_what_was_with_holidays_between(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고", interval="1 hour")
    for hours, run in ((1, True), (2, False)):
        rows.connection.execute("""INSERT INTO schedule_forecast (job_id, planned_at, run_at, reason)
            SELECT %s, at, CASE WHEN %s THEN at END, CASE WHEN NOT %s THEN 'holiday' END
              FROM (SELECT now() + make_interval(hours => %s) AS at) AS moment""", (job, run, run, hours))
    rows.connection.execute("""INSERT INTO job_executions (job_id, scheduled_for, status, skip_reason, finished_at)
        VALUES (%s, now(), 'skipped', 'overlap', now() - interval '1 minute')""", (job,))
    coming = web.ask["viewer"].get("/api/v1/upcoming", params={"hours": 3}).json()["items"]
    assert [(each["run_at"] is None, each["reason"]) for each in coming] == [(False, None), (True, "holiday")]
    assert len(web.ask["viewer"].get("/api/v1/upcoming", params={"hours": 1.5}).json()["items"]) == 1
    now = rows.one("SELECT now()")
    span = {"from": now.replace(year=now.year - 1, month=12, day=24).isoformat(), "to": now.replace(
        year=now.year - 1, month=12, day=27).isoformat()}
    holidays = web.ask["viewer"].get("/api/v1/calendar", params=span).json()["closed"]
    assert ("Christmas" in holidays[0]["en"], holidays[0]["is_holiday"]) == (True, True)
    whole = web.ask["viewer"].get("/api/v1/calendar", params={"from": now.replace(hour=0).isoformat(), "limit": 1}).json()
    assert len(whole["coming"]) == 1 and whole["truncated"] is True
    for wrong in ({"from": span["to"], "to": span["from"]}, {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
                  {"from": "2026-01-01T00:00:00"}):
        assert web.ask["viewer"].get("/api/v1/calendar", params=wrong).status_code == 422
    assert web.ask["viewer"].get("/api/v1/calendar", params={"calendar": "moon"}).status_code == 404


def test_calendars_and_days_of_ones_own(web: Web, rows: Rows) -> None:
    ask = web.ask["admin"]
    assert ask.put("/api/v1/calendars/shop", json={"base": "kr", "closed_weekdays": "sun"}).json()["closed_weekdays"] == "sun"
    assert ask.put("/api/v1/calendars/shop/days/2026-12-24", json={"name": "창립기념일"}).json()["jobs"] == 0
    days = {each["day"]: each["ko"] for each in web.ask["viewer"].get("/api/v1/calendars/shop?year=2026").json()["days"]}
    assert days["2026-12-24"] == "창립기념일" and "2026-12-25" in days
    assert ask.delete("/api/v1/calendars/shop/days/2026-12-24").status_code == 204
    assert ask.delete("/api/v1/calendars/shop/days/2026-12-24").status_code == 404
    rows.add_job("재고", interval="1 hour", calendar="shop")
    assert ask.delete("/api/v1/calendars/shop").status_code == 409
    rows.connection.execute("UPDATE schedule_jobs SET calendar = NULL")
    assert ask.delete("/api/v1/calendars/shop").status_code == 204
    assert ask.delete("/api/v1/calendars/kr").status_code == 409
    assert ask.put("/api/v1/calendars/a", json={"base": "nothing"}).status_code == 404
    assert web.ask["operator"].put("/api/v1/calendars/shop", json={}).status_code == 403
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == [
        "calendar.set", "calendar.day", "calendar.day_removed", "calendar.delete"]


def test_overlays_are_set_shown_with_what_they_do_and_removed(web: Web, rows: Rows) -> None:
    rows.add_job("재고", interval="1 hour")
    body = {"starts_at": "2027-01-01T00:00:00+09:00", "ends_at": "2027-01-02T00:00:00+09:00", "action": "multiply", "factor": 2}
    path = "/api/v1/overlays/행사"
    assert web.ask["admin"].put(path, json=body).json()["factor"] == 2
    assert web.ask["admin"].put(path, json={**body, "factor": 3, "tags": ["x"]}).json()["tags"] == ["x"]
    assert web.ask["admin"].put(path, json={**body, "factor": 3}).json()["tags"] == []
    effect = web.ask["viewer"].get(path).json()["jobs"][0]
    assert effect["after"] > 2 * effect["before"] > 0
    assert [each["name"] for each in web.ask["viewer"].get("/api/v1/overlays").json()["items"]] == ["행사"]
    for wrong in ({"factor": None}, {"action": "stop"}, {"ends_at": body["starts_at"]}, {"starts_at": "1999-01-01T00:00:00Z"}):
        assert web.ask["admin"].put(path, json={**body, **wrong}).status_code == 422
    assert web.ask["operator"].delete(path).status_code == 403
    assert web.ask["admin"].delete(path).status_code == 204 and web.ask["admin"].delete(path).status_code == 404
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["overlay.set"] * 3 + ["overlay.delete"]


def test_people_are_added_changed_and_shut_out_and_no_hash_is_ever_sent(web: Web, rows: Rows) -> None:
    ask = web.ask["admin"]
    new = ask.post("/api/v1/users", json={"name": "sunwoo", "role": "admin", "password": "좋은 비밀번호 열둘"})
    assert new.status_code == 201
    user = new.json()["id"]
    same = {"name": "Sunwoo", "role": "viewer", "password": "좋은 비밀번호 열둘"}
    assert ask.post("/api/v1/users", json=same).status_code == 409
    assert ask.patch(f"/api/v1/users/{user}", json={"role": "viewer"}).status_code == 409
    assert ask.delete(f"/api/v1/users/{user}").status_code == 409
    other = ask.post("/api/v1/users", json={"name": "minji", "role": "admin", "password": "다른 비밀번호 열둘"}).json()["id"]
    assert ask.patch(f"/api/v1/users/{user}", json={"role": "viewer", "password": "새로운 비밀번호다"}).status_code == 422
    assert ask.get(f"/api/v1/users/{user}").json()["role"] == "admin", "all or nothing"
    assert ask.patch(f"/api/v1/users/{user}", json={"role": "viewer"}).json()["role"] == "viewer"
    assert ask.delete(f"/api/v1/users/{user}").status_code == 204
    assert ask.get(f"/api/v1/users/{user}").json()["disabled_at"] is not None
    assert ask.delete(f"/api/v1/users/{other}").status_code == 409
    listed = ask.get("/api/v1/users")
    assert "argon2" not in listed.text + new.text and len(listed.json()["items"]) == 2
    assert web.ask["operator"].get("/api/v1/users").status_code == 403
    assert "비밀번호" not in json.dumps(rows.all("SELECT after FROM audit_log"), ensure_ascii=False)


def test_a_token_is_shown_once_works_and_is_revoked(web: Web, rows: Rows) -> None:
    ask, key = web.ask["admin"], {"Idempotency-Key": "t"}
    body = {"name": "grafana", "role": "viewer", "expires": "90d"}
    made = ask.post("/api/v1/tokens", json=body, headers=key)
    assert made.status_code == 201
    again = ask.post("/api/v1/tokens", json=body, headers=key)
    assert again.status_code == 409 and made.json()["token"] not in again.text
    assert not rows.all("SELECT 1 FROM web_replies WHERE body LIKE %s", f"%{made.json()['token']}%")
    asked = {"Authorization": f"Bearer {made.json()['token']}"}
    assert web.ask["none"].get("/api/v1/status", headers=asked).status_code == 200
    assert made.json()["token"] not in ask.get("/api/v1/tokens").text
    assert ask.delete(f"/api/v1/tokens/{made.json()['id']}").status_code == 204
    assert web.ask["none"].get("/api/v1/status", headers=asked).status_code == 401
    assert ask.post("/api/v1/tokens", json={**body, "expires": "soon"}).status_code == 422
    assert web.ask["operator"].post("/api/v1/tokens", json=body).status_code == 403


def test_the_audit_log_goes_page_by_page_by_who_and_what(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고", interval="1 hour")
    for role in ("operator", "admin", "operator"):
        assert web.ask[role].post(f"/scheduler/jobs/{job}/pause").status_code == 200
    first = web.ask["admin"].get("/api/v1/audit", params={"limit": 2, "object": f"job:{job}"}).json()
    rest = web.ask["admin"].get("/api/v1/audit", params={"limit": 2, "cursor": first["next"]}).json()
    assert [each["actor"] for each in first["items"] + rest["items"]] == ["operator", "admin", "operator"]
    assert rest["next"] is None and first["items"][0]["trace_id"]
    by_admin = web.ask["admin"].get("/api/v1/audit", params={"actor": "admin", "action": "job", "since": "1h"}).json()
    assert len(by_admin["items"]) == 1
    assert web.ask["viewer"].get("/api/v1/audit").status_code == 403
    seen = web.ask["operator"].get("/api/v1/audit").json()["items"][0]
    assert seen["actor"] == "operator" and {seen[name] for name in ("before", "after", "address", "trace_id")} == {None}


def test_hints_come_as_events(web: Web, rows: Rows) -> None:
    with web.ask["viewer"].stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: hello"
        wait_for(lambda: web.app.state.place.hub.seen is not None)
        rows.add_job("재고")
        assert next(line for line in lines if line == "event: hints")
        assert "jobs" in json.loads(next(line for line in lines if line.startswith("data:"))[5:])


def test_metrics_are_what_prometheus_reads(web: Web, rows: Rows) -> None:
    job = rows.add_job('이름 "둘"\\', interval="1 hour")
    for status in ("success", "failed"):
        rows.connection.execute("""INSERT INTO job_executions (job_id, scheduled_for, status, started_at, finished_at,
            duration_ms) VALUES (%s, clock_timestamp(), %s, now(), now(), 1500)""", (job, status))
    found = web.ask["viewer"].get("/metrics")
    assert found.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = found.text.splitlines()
    for expected in ('erp_scheduler_up 0', 'erp_scheduler_jobs{status="active"} 1',
                     'erp_scheduler_executions_24h{job_type="noop",status="failed"} 1',
                     'erp_scheduler_duration_mean_seconds_24h{job_type="noop"} 1.5',
                     'erp_scheduler_job_consecutive_failures{job="이름 \\"둘\\"\\\\",job_type="noop"} 0'):
        assert expected in lines
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    assert all(name.startswith("erp_scheduler_") and float(value) >= 0 for name, _, value in samples)
    assert len({name for name, _, _ in samples}) == len(samples)
    assert web.ask["none"].get("/metrics").status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/executions", "/api/v1/calendar", "/api/v1/upcoming"])
def test_moments_have_an_offset(web: Web, rows: Rows, path: str) -> None:
    rows.run_now(rows.add_job("재고"))
    found = web.ask["viewer"].get(path).json()
    moments = [found["from"], found["to"]] if "from" in found else [
        each["created_at"] for each in found["items"] if "created_at" in each]
    assert all(datetime.fromisoformat(each).tzinfo is not None for each in moments)
