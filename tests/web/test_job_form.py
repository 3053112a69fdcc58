"""The job form: making, editing, previewing, and what stands against it, with nothing typed lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

SCHEMA = {"type": "object", "additionalProperties": False, "properties": {
    "days": {"type": "integer", "default": 1, "minimum": 1, "maximum": 31}, "password": {"type": "string"}}}
NEW = {"name": "주문", "job_type": "orders", "kind": "every", "every": "30m", "p.shown": "orders"}


@pytest.fixture(autouse=True)
def _types(rows: Rows) -> None:
    rows.connection.execute("INSERT INTO job_types (job_type, source, summary, params_schema) VALUES ('orders', 'x:y', '', %s)",
                            (Jsonb(SCHEMA),))


def post(web: Web, path: str, form: Mapping[str, Any], role: str = "admin", language: str = "ko") -> httpx.Response:
    return web.ask[role].post(path, data=form, headers={**HTML, "Accept-Language": language})


def saved_form(web: Web, job: int) -> dict[str, Any]:
    """Return what a browser would send of the edit page as it stands."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.form: dict[str, Any] = {}
            self.open: str | None = None
            self.is_chosen = False

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            given = dict(attributes)
            name = given.get("name")
            if tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
                if given.get("type") == "checkbox":
                    self.form.setdefault(name, []).append(given.get("value"))
                else:
                    self.form[name] = given.get("value") or ""
            if tag in ("textarea", "select") and name:
                self.open, self.form[name], self.is_chosen = name, "", tag == "textarea"
            if tag == "option" and self.open and ("selected" in given or not self.is_chosen):
                self.form[self.open], self.is_chosen = given.get("value") or "", True

        def handle_data(self, data: str) -> None:
            if self.open and self.lasttag == "textarea":
                self.form[self.open] += data

        def handle_endtag(self, tag: str) -> None:
            if tag in ("textarea", "select"):
                self.open = None

    reader = Reader()
    reader.feed(web.page(f"/scheduler/jobs/{job}/edit").text)
    return {name: value for name, value in reader.form.items() if name not in ("csrf", "q", "back")}


def test_a_job_is_made_with_its_audit_line(web: Web, rows: Rows) -> None:
    form = {**NEW, "p.days": "3", "days": ["mon", "fri"], "timeout": "2h", "tags": "a, b"}
    answer = post(web, "/scheduler/jobs/new", form)
    assert answer.status_code == 303, answer.text
    row = rows.one("SELECT name, interval::text, parameters, days_of_week, timeout_minutes, tags, status FROM schedule_jobs")
    assert row == ("주문", "00:30:00", {"days": 3}, "mon,fri", 120, ["a", "b"], "active")
    assert rows.one("SELECT actor, action, object_name FROM audit_log") == ("admin", "job.make", "주문")
    assert rows.one("SELECT via FROM job_revisions") == "rest"
    assert answer.headers["location"] == f"/scheduler/jobs/{rows.one('SELECT id FROM schedule_jobs')}"


@pytest.mark.parametrize(("kind", "field", "value", "column"), [
    ("at", "at", "09:00, 18:30", "specific_times::text = '{09:00:00,18:30:00}'"),
    ("cron", "cron", "0 9 * * 1-5", "cron_expression = '0 9 * * 1-5'"),
    ("once", "run_at", "2100-01-02T03:04", "run_at = '2100-01-02 03:04+09'"),
    ("hand", "every", "ignored", "num_nonnulls(interval, specific_times, cron_expression, run_at) = 0"),
])
def test_each_kind_of_schedule_is_saved(web: Web, rows: Rows, kind: str, field: str, value: str, column: str) -> None:
    assert post(web, "/scheduler/jobs/new", {**NEW, "kind": kind, field: value}).status_code == 303
    assert rows.one(f"SELECT {column} FROM schedule_jobs") is True


def test_faults_stand_at_their_fields_and_nothing_typed_is_lost(web: Web, rows: Rows) -> None:
    form = {**NEW, "name": "12", "every": "10s", "p.days": "99", "owner": "<김>", "retries": "many", "markets": "coupang"}
    for language, words in (("ko", ("31 이하", "숫자라서", "고치세요")), ("en", ("31 or less", "is a number", "mending"))):
        shown = post(web, "/scheduler/jobs/new", form, language=language)
        assert shown.status_code == 422
        assert all(each in shown.text for each in words)
        kept = ('value="10s"', 'value="99"', "&lt;김&gt;", 'value="many"', 'value="coupang" checked', "every-fault", "name-fault")
        assert [each for each in kept if each not in shown.text] == []
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 0


def test_an_edit_names_only_what_changes(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", "orders", interval="30 minutes", parameters=Jsonb({"days": 2}), misfire_grace="1 day 1 minute",
                       start_at="2026-01-01 00:00+09", end_at="2099-12-31 23:59:59+09", market_codes=["coupang"])
    form = saved_form(web, job)
    before = rows.one("SELECT spec_version FROM schedule_jobs")
    assert post(web, f"/scheduler/jobs/{job}/edit", form).status_code == 303
    assert rows.one("SELECT count(*) FROM job_revisions") == 1 and rows.one("SELECT count(*) FROM audit_log") == 0
    assert post(web, f"/scheduler/jobs/{job}/edit", {**form, "retries": "7"}).status_code == 303
    assert rows.one("SELECT changed FROM job_revisions ORDER BY revision DESC LIMIT 1") == ["max_retries"]
    assert rows.one("SELECT before, after FROM audit_log") == ({"max_retries": 3}, {"max_retries": 7})
    assert rows.one("SELECT spec_version FROM schedule_jobs") == before


def test_who_comes_second_sees_the_difference_and_may_insist(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", "orders", interval="30 minutes")
    form = saved_form(web, job)
    rows.connection.execute("UPDATE schedule_jobs SET max_retries = 9, owner = '다른 사람'")
    answer = post(web, f"/scheduler/jobs/{job}/edit", {**form, "retries": "5"})
    assert answer.status_code == 409
    assert "다른 사람" in answer.text and "<td data-label=\"쓴 값\">5번</td>" in answer.text
    assert rows.one("SELECT max_retries FROM schedule_jobs") == 9
    now = str(rows.one("SELECT max(revision) FROM job_revisions"))
    assert f'name="revision" value="{now}"' in answer.text
    assert post(web, f"/scheduler/jobs/{job}/edit", {**form, "retries": "5", "revision": now}).status_code == 303
    assert rows.one("SELECT max_retries FROM schedule_jobs") == 5


def test_a_taken_name_and_a_circle_are_refused_in_the_form(web: Web, rows: Rows) -> None:
    first = rows.add_job("하나", "orders", interval="30 minutes")
    second = rows.add_job("둘", "orders", interval="30 minutes")
    taken = post(web, "/scheduler/jobs/new", {**NEW, "name": "하나"})
    assert taken.status_code == 422 and 'id="name-fault"' in taken.text and "같은 이름" in taken.text
    assert post(web, f"/scheduler/jobs/{second}/edit", {**saved_form(web, second), "after": "하나:ever"}).status_code == 303
    assert rows.one("SELECT depends_on, condition FROM job_dependencies") == (first, "ever")
    circle = post(web, f"/scheduler/jobs/{first}/edit", {**saved_form(web, first), "after": "둘"})
    assert circle.status_code == 422 and "자기 자신을 기다리게 됩니다" in circle.text
    unknown = post(web, f"/scheduler/jobs/{first}/edit", {**saved_form(web, first), "after": "셋"})
    assert unknown.status_code == 422 and 'id="after-fault"' in unknown.text


def test_a_secret_is_never_on_the_page_and_survives_an_edit(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", "orders", interval="30 minutes", parameters=Jsonb({"password": "hunter2secret", "days": 2}))
    for path in (f"/scheduler/jobs/{job}/edit", f"/scheduler/jobs/{job}?tab=parameters", f"/scheduler/job/{job}/run",
                 f"/scheduler/jobs/{job}?tab=revisions", f"/scheduler/jobs/new?copy={job}"):
        assert "hunter2secret" not in web.page(path).text
    form = {**saved_form(web, job), "p.days": "4"}
    assert "hunter2secret" not in post(web, "/scheduler/jobs/preview", {**form, "job": str(job)}).text
    assert post(web, f"/scheduler/jobs/{job}/edit", form).status_code == 303
    assert rows.one("SELECT parameters FROM schedule_jobs") == {"password": "hunter2secret", "days": 4}
    assert "hunter2secret" not in str(rows.all("SELECT before, after FROM audit_log"))


@pytest.mark.parametrize("typed", ['{"password": "***x"}', '{"days": 2, "more": ["***"]}', '{"password": ["***"]}'])
def test_a_mask_is_never_stored_in_the_place_of_a_secret(web: Web, rows: Rows, typed: str) -> None:
    job = rows.add_job("주문", "orders", interval="30 minutes", parameters=Jsonb({"password": "hunter2secret", "days": 2}))
    answer = post(web, f"/scheduler/jobs/{job}/edit", {"shown": "", "revision": "1", "parameters_json": typed})
    assert answer.status_code == 422
    assert rows.one("SELECT parameters ->> 'password' FROM schedule_jobs") == "hunter2secret"


def test_the_form_switches_to_json_and_back_without_saving(web: Web, rows: Rows) -> None:
    as_json = post(web, "/scheduler/jobs/new", {**NEW, "p.days": "5", "do": "json"})
    assert as_json.status_code == 200 and "parameters_json" in as_json.text and "&#34;days&#34;: 5" in as_json.text
    back = post(web, "/scheduler/jobs/new", {**NEW, "parameters_json": '{"days": 6}', "do": "fields"})
    assert 'name="p.days" value="6"' in back.text
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 0


def test_the_preview_says_times_holidays_and_the_same_change_elsewhere(web: Web, rows: Rows) -> None:
    form = {**NEW, "kind": "at", "at": "09:00", "calendar": "kr", "on_holiday": "skip"}
    shown = post(web, "/scheduler/jobs/preview", form)
    assert shown.status_code == 200 and shown.text.count("<li") >= 10
    assert "매일 09:00" in shown.text and "INSERT INTO schedule_jobs" in shown.text and "실행 안 함" in shown.text
    assert "erp-scheduler jobs add --name" in shown.text and "--at 09:00" in shown.text and "--holidays skip" in shown.text
    english = post(web, "/scheduler/jobs/preview", {**form, "name": "orders", "at": "25:00"}, language="en").text
    assert "✕" in english and not any("가" <= letter <= "힣" for letter in english)


def test_the_preview_warns_where_there_is_no_room(web: Web, rows: Rows) -> None:
    others = [rows.add_job(f"다른 {number}", "orders") for number in range(12)]
    rows.connection.execute(
        "INSERT INTO schedule_forecast (job_id, planned_at, run_at) SELECT id, moment, moment FROM unnest(%s::bigint[]) AS id, "
        "LATERAL (SELECT ((date_trunc('day', now() AT TIME ZONE 'Asia/Seoul') + interval '1 day 9 hours') "
        "AT TIME ZONE 'Asia/Seoul') AS moment) AS each", (others,))
    shown = post(web, "/scheduler/jobs/preview", {**NEW, "kind": "at", "at": "09:00"}).text
    assert "13개가 겹칩니다" in shown and "다른 0" in shown
    assert "겹칩니다" not in post(web, "/scheduler/jobs/preview", {**NEW, "kind": "at", "at": "13:00"}).text


def test_what_the_lines_say_is_what_is_saved(web: Web, rows: Rows) -> None:
    from html import unescape
    from re import search

    job = rows.add_job("주문", "orders", interval="30 minutes")
    form = {**saved_form(web, job), "kind": "at", "at": "09:00,18:00", "retries": "5", "job": str(job)}
    shown = post(web, "/scheduler/jobs/preview", form).text
    found = search(r'id="line-sql">(.*?)</pre>', shown)
    assert found is not None
    rows.connection.execute(unescape(found[1]))
    assert rows.one("SELECT interval, specific_times::text, max_retries FROM schedule_jobs") == (None, "{09:00:00,18:00:00}", 5)
    assert f"erp-scheduler jobs edit {job} --at 09:00,18:00 --retries 5" in unescape(shown)


def test_reschedule_leaves_everything_else(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", "orders", interval="30 minutes", max_retries=8, market_codes=["naver"])
    shown = web.page(f"/scheduler/job/{job}/reschedule").text
    assert 'name="retries"' not in shown and 'name="kind"' in shown
    fields = "kind,every,at,cron,run_at,timezone,days,start,end,max_runs,calendar,on_holiday"
    form = {"shown": fields, "revision": "1", "kind": "cron", "cron": "0 3 * * *", "timezone": "Asia/Seoul", "on_holiday": "run"}
    assert post(web, f"/scheduler/job/{job}/reschedule", form).status_code == 303
    row = rows.one("SELECT interval, cron_expression, max_retries, market_codes FROM schedule_jobs")
    assert row == (None, "0 3 * * *", 8, ["naver"])


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_an_admin_edits(web: Web, rows: Rows, role: str) -> None:
    job = rows.add_job("주문", "orders")
    for path in ("/scheduler/jobs/new", f"/scheduler/jobs/{job}/edit", f"/scheduler/job/{job}/reschedule"):
        assert web.page(path, role).status_code == 403
        assert post(web, path, NEW, role).status_code == 403
    assert post(web, "/scheduler/jobs/preview", NEW, role).status_code == 403
