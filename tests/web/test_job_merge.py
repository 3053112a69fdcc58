"""Two people edit one job: what only one of them has changed is kept, whoever saves last."""

from __future__ import annotations

import re
import threading

import pytest

from tests.support.daemons import LIMIT, Rows
from tests.web.conftest import HTML, Web
from tests.web.test_job_conflict import opened

COLUMNS = "SELECT description, owner, timeout_minutes, max_retries FROM schedule_jobs"


def save(web: Web, path: str, form: dict[str, str], language: str = "ko") -> tuple[int, str]:
    answer = web.ask["admin"].post(path, data=form, headers={**HTML, "Accept-Language": language})
    return answer.status_code, answer.text.partition("<main")[2]


def test_fields_that_were_not_touched_take_what_is_stored_now(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path) | {"description": "mine"}
    rows.connection.execute("UPDATE schedule_jobs SET owner = 'theirs', timeout_minutes = 50, interval = '45 minutes'")
    assert save(web, path, form)[0] == 303
    assert rows.one(COLUMNS) == ("mine", "theirs", 50.0, 3)
    assert rows.one("SELECT interval::text FROM schedule_jobs") == "00:45:00"
    assert rows.one("SELECT changed FROM job_revisions ORDER BY id DESC LIMIT 1") == ["description"]


@pytest.mark.parametrize(("language", "kept"), [("ko", "나머지는 그대로"), ("en", "leaves whatever else was changed")])
def test_only_what_both_have_changed_is_a_conflict(web: Web, rows: Rows, language: str, kept: str) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path) | {"description": "mine", "retries": "5"}
    rows.connection.execute("UPDATE schedule_jobs SET owner = 'theirs', timeout_minutes = 50, max_retries = 9")
    status, main = save(web, path, form, language)
    table = main.partition("<table")[2].partition("</table>")[0]
    assert status == 409 and kept in main
    assert table.count("<tr>") == 2 and ">5" in table and ">9" in table and "theirs" not in table
    # The form below holds theirs where nothing was typed, and its SQL names no more than what was.
    assert 'value="theirs"' in main and 'name="timeout" value="50m"' in main
    assert "description" in main and "max_retries" in main and "timeout_minutes" not in main
    again = re.search(r'name="revision" value="(\d+)"', main)
    assert again is not None
    assert save(web, path, {**form, "owner": "theirs", "timeout": "50m", "revision": again[1]})[0] == 303
    assert rows.one(COLUMNS) == ("mine", "theirs", 50.0, 5)


def test_the_same_change_twice_is_no_conflict(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path) | {"retries": "9"}
    rows.connection.execute("UPDATE schedule_jobs SET max_retries = 9, tags = '{night}'")
    assert save(web, path, form)[0] == 303
    assert rows.one("SELECT max_retries, tags FROM schedule_jobs") == (9, ["night"])


def test_a_schedule_is_one_field(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path) | {"every": "2h"}
    rows.connection.execute("UPDATE schedule_jobs SET timezone = 'UTC'")
    assert save(web, path, form)[0] == 409
    assert rows.one("SELECT interval::text, timezone FROM schedule_jobs") == ("00:30:00", "UTC")


def test_edges_and_parameters_are_merged(web: Web, rows: Rows) -> None:
    former = rows.add_job("former", "orders", interval="1 hour")
    job = rows.add_job("orders", "orders", interval="30 minutes", parameters='{"a": 1, "b": 1}')
    path = f"/scheduler/jobs/{job}/edit"
    form = {**opened(web, path), "parameters_json": '{"a": 2, "b": 1}'}
    rows.connection.execute("""UPDATE schedule_jobs SET parameters = '{"a": 1, "b": 7}' WHERE id = %s""", (job,))
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (job, former))
    assert save(web, path, form)[0] == 303
    assert rows.one("SELECT parameters FROM schedule_jobs WHERE id = %s", job) == {"a": 2, "b": 7}
    assert rows.all("SELECT depends_on FROM job_dependencies WHERE job_id = %s", job) == [former]
    rows.connection.execute("""UPDATE schedule_jobs SET parameters = '{"a": 3, "b": 7}' WHERE id = %s""", (job,))
    assert save(web, path, form)[0] == 409
    assert rows.one("SELECT parameters FROM schedule_jobs WHERE id = %s", job) == {"a": 3, "b": 7}


def test_rescheduling_leaves_what_its_page_does_not_show(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/job/{job}/reschedule"
    form = opened(web, path) | {"every": "2h"}
    rows.connection.execute("UPDATE schedule_jobs SET owner = 'theirs', name = 'renamed'")
    assert save(web, path, form)[0] == 303
    assert rows.one("SELECT interval::text, owner, name FROM schedule_jobs") == ("02:00:00", "theirs", "renamed")


def test_preview_and_redraw_keep_to_what_was_typed(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    form = opened(web, f"/scheduler/jobs/{job}/edit") | {"description": "mine", "job": str(job)}
    rows.connection.execute("UPDATE schedule_jobs SET owner = 'theirs'")
    seen = web.ask["admin"].post("/scheduler/jobs/preview", data=form, headers=HTML).text
    assert "description" in seen and "owner" not in seen
    status, main = save(web, f"/scheduler/jobs/{job}/edit", {**form, "do": "redraw"})
    assert status == 200 and 'value="theirs"' in main and f'name="revision" value="{form["revision"]}"' in main


def test_edits_at_the_same_moment_lose_nothing(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path)
    typed = [{"description": "mine"}, {"owner": "mine"}, {"retries": "7"}, {"timeout": "7m"}]
    found: list[int] = []
    threads = [threading.Thread(target=lambda each=each: found.append(save(web, path, form | each)[0])) for each in typed]
    for each in threads:
        each.start()
    for each in threads:
        each.join(LIMIT)
    assert found == [303] * 4
    assert rows.one(COLUMNS) == ("mine", "mine", 7.0, 7)
