"""Jobs over REST: listed, made, read, changed under a condition, deleted and brought back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from psycopg.types.json import Jsonb

from scheduler.web.merge_patch import matches, merged
from scheduler.web.models import JobPatch
from tests.support.daemons import Rows
from tests.web.conftest import Web

PATH = "/api/v1/jobs"
NEW = {"name": "주문 수집", "job_type": "order_collection", "interval": "30m", "market_codes": ["coupang"]}
ENGLISH = {"Accept-Language": "en"}


def _make(web: Web, **more: Any) -> dict[str, Any]:
    answer = web.ask["admin"].post(PATH, json=NEW | more, headers=ENGLISH)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _patch(web: Web, job: int, body: Any, tag: str | None, role: str = "admin") -> httpx.Response:
    headers = ENGLISH | ({} if tag is None else {"If-Match": tag}) | {"Content-Type": "application/merge-patch+json"}
    return web.ask[role].patch(f"{PATH}/{job}", json=body, headers=headers)


def test_a_job_is_made_and_read_by_number_and_by_name(web: Web, rows: Rows) -> None:
    answer = web.ask["admin"].post(PATH, json=NEW | {"timeout": "PT1H", "jitter": "30s", "misfire_grace": "5m"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PATH}/{made['id']}" and answer.headers["etag"] == '"1"'
    assert (made["interval"], made["interval_seconds"], made["interval_months"]) == ("00:30:00", 1800, 0)
    assert (made["timeout_seconds"], made["jitter_seconds"], made["misfire_grace_seconds"]) == (3600, 30, 300)
    assert made["schedule"] == "30분마다" and datetime.fromisoformat(made["created_at"]).tzinfo is not None
    read = web.ask["viewer"].get(f"{PATH}/name:{quote('주문 수집')}", headers=ENGLISH)
    assert read.json() == made | {"schedule": "every 30 minutes"} and read.headers["etag"] == '"1"'
    assert web.ask["viewer"].get(f"{PATH}/{made['id']}?fields=id,status").json() == {"id": made["id"], "status": "active"}
    assert rows.all("SELECT actor, via, action, object, object_name FROM audit_log") == [
        ("admin", "rest", "job.add", f"job:{made['id']}", "주문 수집")]
    assert rows.one("SELECT via FROM job_revisions") == "rest"


def test_a_name_with_slashes_is_an_address_too(web: Web) -> None:
    made = _make(web, name="쿠팡/주문/run it")
    address = f"{PATH}/name:{quote('쿠팡/주문/run it', safe='')}"
    assert web.ask["viewer"].get(address).json()["id"] == made["id"]
    assert web.ask["viewer"].get(f"{address}/next").json()["items"]
    assert web.ask["operator"].post(f"{address}/run").status_code == 202


@pytest.mark.parametrize(("written", "months", "seconds"), [
    ({"interval": "1mo"}, 1, 0), ({"interval": "P1M"}, 1, 0), ({"interval": "P1DT12H"}, 0, 129600),
    ({"interval": "1 day 02:00:00"}, 0, 93600), ({"interval": "00:30:00"}, 0, 1800), ({"interval_seconds": 90 * 60}, 0, 5400),
    ({"interval_seconds": 330.5}, 0, 330.5),
])
def test_an_interval_is_read_in_every_spelling(web: Web, written: dict[str, Any], months: int, seconds: float) -> None:
    made = _make(web, **({"interval": None} | written))
    assert (made["interval_months"], made["interval_seconds"]) == (months, seconds)


@pytest.mark.parametrize(("body", "pointer"), [
    ({"interval": "often"}, "/interval"), ({"interval": "1M"}, "/interval"), ({"interval": "PT0S"}, "/interval"),
    ({"interval": None, "cron_expression": "61 * * * *"}, "/cron_expression"), ({"timezone": "Mars/Base"}, "/timezone"),
    ({"specific_times": ["25:00"]}, "/specific_times/0"), ({"timeout": "1mo"}, "/timeout"), ({"misspelt": 1}, "/misspelt"),
    ({"interval": None, "run_at": "2020-01-01T00:00:00+09:00"}, "/run_at"), ({"run_at": "2030-01-01T00:00:00"}, "/run_at"),
    ({"after": ["nowhere"]}, "/after"), ({"parameters": {"key": "***"}}, "/parameters"), ({"priority": 1001}, "/priority"),
    ({"parameters": {"a": "b\0"}}, "/parameters"), ({"name": None}, "/name"), ({"days_of_week": "noday"}, "/days_of_week"),
])
def test_a_wrong_value_is_refused_at_its_place(web: Web, rows: Rows, body: dict[str, Any], pointer: str) -> None:
    answer = web.ask["admin"].post(PATH, json=NEW | body, headers=ENGLISH)
    problem = answer.json()
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "invalid" and [each["pointer"] for each in problem["errors"]] == [pointer]
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 0


def test_the_database_refuses_in_its_own_words_with_every_fault(web: Web) -> None:
    answer = web.ask["admin"].post(PATH, json=NEW | {"interval": "1m", "specific_times": ["09:00"], "market_codes": ["A!"]},
                                   headers=ENGLISH)
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["detail"].startswith("job '주문 수집' cannot be saved: at most one of interval, specific_times")
    assert [each["pointer"] for each in problem["errors"]] == ["", "/interval", "/market_codes"]
    assert "interval 00:01:00 is not between 00:05:00 and 31 days" in problem["errors"][1]["message"]
    assert problem["hint"]


def test_a_wrong_field_is_told_in_the_language_that_was_asked_for(web: Web) -> None:
    body = {"name": "x", "priority": "high", "misspelt": 1, "overlap_policy": "sometimes", "max_runs": 0}
    korean, english = (web.ask["admin"].post(PATH, json=body, headers={"Accept-Language": each}).json()["errors"]
                       for each in ("ko", "en"))
    assert {each["pointer"]: each["message"] for each in korean} == {
        "/job_type": "꼭 있어야 합니다", "/priority": "정수여야 합니다", "/misspelt": "모르는 항목입니다",
        "/overlap_policy": "skip, queue_one, cancel_running, allow 중 하나를 쓰세요", "/max_runs": "1 이상이어야 합니다"}
    assert all(each["message"].isascii() for each in english)


def test_parameters_go_by_the_handlers_schema(web: Web, rows: Rows) -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "additionalProperties": False}
    rows.connection.execute("INSERT INTO job_types (job_type, source, params_schema) VALUES ('order_collection', 'x', %s)",
                            (Jsonb(schema),))
    answer = web.ask["admin"].post(PATH, json=NEW | {"parameters": {"day": 1}}, headers=ENGLISH)
    assert answer.status_code == 422 and "did you mean" in answer.text
    assert web.ask["admin"].post(PATH, json=NEW | {"parameters": {"days": 1}}).status_code == 201


def test_a_patch_merges_and_null_sets_back(web: Web, rows: Rows) -> None:
    made = _make(web, parameters={"days": 1, "old": True, "deep": {"a": 1, "b": 2}}, owner="kim", priority=5)
    body = {"parameters": {"days": 3, "old": None, "deep": {"b": None}}, "owner": None, "priority": None, "tags": ["new"]}
    answer = _patch(web, made["id"], body, '"1"')
    changed = answer.json()
    assert answer.status_code == 200 and answer.headers["etag"] == '"2"' and changed["revision"] == 2
    assert changed["parameters"] == {"days": 3, "deep": {"a": 1}}
    assert (changed["owner"], changed["priority"], changed["tags"], changed["interval"]) == (None, 0, ["new"], "00:30:00")
    before, after = rows.all("SELECT before, after FROM audit_log WHERE action = 'job.edit'")[0]
    assert before["owner"] == "kim" and after["tags"] == ["new"]


def test_every_setting_may_be_set_back_at_once(web: Web) -> None:
    made = _make(web)
    fields = set(JobPatch.model_fields) - {"name", "job_type"}
    changed = _patch(web, made["id"], dict.fromkeys(fields), "*")
    assert changed.status_code == 200, changed.text
    assert (changed.json()["timezone"], changed.json()["timeout_minutes"], changed.json()["interval"]) == ("Asia/Seoul", 30, None)


def test_a_change_needs_the_present_revision(web: Web) -> None:
    made = _make(web)
    missing = _patch(web, made["id"], {"priority": 1}, None)
    assert missing.status_code == 428 and missing.json()["code"] == "precondition"
    assert _patch(web, made["id"], {"priority": 1}, '"1"').status_code == 200
    stale = _patch(web, made["id"], {"priority": 2}, '"1"')
    assert stale.status_code == 412 and stale.headers["etag"] == '"2"'
    assert stale.json()["current"]["priority"] == 1 and stale.json()["current"]["revision"] == 2
    assert web.ask["admin"].delete(f"{PATH}/{made['id']}", headers={"If-Match": '"1"'}).status_code == 412
    assert _patch(web, made["id"], {"priority": 2}, stale.headers["etag"]).json()["priority"] == 2


def test_an_edit_of_what_it_waits_for_changes_the_etag(web: Web) -> None:
    first, second = _make(web, name="먼저"), _make(web, name="나중", after=["먼저"])
    assert second["after"] == [{"job_id": first["id"], "job": "먼저", "condition": "since_last_run", "outcome": "success",
                                "met": False}]
    tag = web.ask["viewer"].get(f"{PATH}/{second['id']}").headers["etag"]
    changed = _patch(web, second["id"], {"after": [{"job": first["id"], "outcome": "failure"}]}, tag)
    assert changed.json()["after"][0]["outcome"] == "failure" and changed.headers["etag"] != tag
    assert _patch(web, second["id"], {"after": []}, tag).status_code == 412
    assert _patch(web, second["id"], {"after": None}, changed.headers["etag"]).json()["after"] == []
    circle = _patch(web, first["id"], {"after": ["먼저"]}, "*")
    assert circle.status_code == 422


def test_put_sets_back_what_is_not_given_and_keeps_the_pause(web: Web) -> None:
    made = _make(web, owner="kim", parameters={"a": 1}, status="paused", pause_reason="점검")
    _make(web, name="먼저")
    headers = {"If-Match": f'"{made["revision"]}"'}
    body = {"name": "새 이름", "job_type": "stock_sync", "cron_expression": "0 9 * * mon-fri"}
    answer = web.ask["admin"].put(f"{PATH}/{made['id']}", json=body, headers=headers)
    changed = answer.json()
    assert answer.status_code == 200, answer.text
    assert (changed["name"], changed["owner"], changed["parameters"], changed["interval"], changed["market_codes"]) == (
        "새 이름", None, {}, None, [])
    assert (changed["status"], changed["pause_reason"]) == ("paused", "점검")
    assert web.ask["admin"].put(f"{PATH}/{made['id']}", json=body).status_code == 428
    assert web.ask["admin"].put(f"{PATH}/{made['id']}", json={"name": "x"}, headers=headers).status_code == 422


def test_a_job_is_deleted_and_restored(web: Web) -> None:
    made = _make(web)
    assert web.ask["admin"].delete(f"{PATH}/{made['id']}").status_code == 204
    gone = web.ask["viewer"].get(f"{PATH}/{made['id']}", headers=ENGLISH)
    assert gone.status_code == 404 and gone.json()["detail"] == f"there is no job '{made['id']}'"
    listed = web.ask["viewer"].get(f"{PATH}/name:{quote(NEW['name'])}/revisions").json()["items"]
    assert [(each["revision"], each["action"], each["via"]) for each in listed] == [(2, "delete", "rest"), (1, "insert", "rest")]
    back = web.ask["admin"].post(f"{PATH}/{made['id']}/revisions/1/restore")
    assert back.status_code == 200 and back.json()["name"] == NEW["name"]
    assert web.ask["admin"].post(f"{PATH}/{made['id']}/revisions/99/restore").status_code == 404


def test_secrets_are_masked(web: Web) -> None:
    made = _make(web, parameters={"api_key": "abcdef123", "other": "secret://env/KEY"})
    assert made["parameters"] == {"api_key": "***", "other": "secret://env/KEY"}
    read = web.ask["viewer"].get(f"{PATH}/{made['id']}/revisions").text
    exported = web.ask["viewer"].get(f"{PATH}/export").text
    assert "abcdef123" not in read + exported and "***" in exported


def test_a_list_is_paged_filtered_sorted_and_cut_to_fields(web: Web, rows: Rows) -> None:
    for number in range(7):
        rows.add_job(f"작업 {number}", "a" if number < 5 else "b", tags=[f"t{number % 2}"], priority=number,
                     consecutive_failures=number % 3)
    found, address, pages = [], f"{PATH}?limit=3&sort=-name&fields=name", 0
    while address:
        answer = web.ask["viewer"].get(address)
        found += [each["name"] for each in answer.json()["items"]]
        link = answer.headers.get("link")
        assert (link is None) is (answer.json()["next"] is None) and answer.json()["total"] is None
        address, pages = link.split(">")[0][1:] if link else "", pages + 1
    assert found == [f"작업 {number}" for number in reversed(range(7))] and pages == 3
    ask = web.ask["viewer"].get
    assert [each["id"] for each in ask(f"{PATH}?job_type=b&fields=id").json()["items"]] == [6, 7]
    assert ask(f"{PATH}?tag=t1&count=exact&limit=1").json()["total"] == 3
    assert {each["name"] for each in ask(f"{PATH}?failing=true").json()["items"]} == {"작업 1", "작업 2", "작업 4", "작업 5"}
    assert len(ask(f"{PATH}?q=작업 3").json()["items"]) == 1 and ask(f"{PATH}?q=%25").json()["items"] == []
    assert ask(f"{PATH}?status=paused&status=invalid").json()["items"] == []


@pytest.mark.parametrize("sort", ["id", "-id", "name", "next_run_at", "-next_run_at", "last_run_at", "-last_run_at",
                                  "-consecutive_failures"])
def test_every_order_goes_on_where_it_stopped_also_past_nulls(web: Web, rows: Rows, sort: str) -> None:
    for number in range(5):
        job = rows.add_job(f"작업 {number}")
        if number % 2:
            rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() + %s * interval '1 hour', "
                                    "last_run_at = now() WHERE id = %s", (number, job))
    whole = [each["id"] for each in web.ask["viewer"].get(f"{PATH}?sort={sort}").json()["items"]]
    pieces: list[int] = []
    following: str | None = ""
    while following is not None:
        given = {"sort": sort, "limit": 2} | ({"cursor": following} if following else {})
        answer = web.ask["viewer"].get(PATH, params=given).json()
        pieces += [each["id"] for each in answer["items"]]
        following = answer["next"]
    assert pieces == whole and len(whole) == 5


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJpZCIsMSwyXQ", "WyJuYW1lIiwxLDJd", "WyJpZCIsbnVsbF0", "🙂",
                                    "WyJpZCIsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OSwxXQ"])
def test_a_cursor_that_is_none_of_ours_is_refused(web: Web, cursor: str) -> None:
    answer = web.ask["viewer"].get(PATH, params={"cursor": cursor, "sort": "name"})
    assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("address", ["0", "99999999999999999999999", "-1", "name:", "name:%00", "abc", "1e3", "%F0%9F%99%82"])
def test_an_address_of_no_job_is_not_found(web: Web, address: str) -> None:
    for path in (f"{PATH}/{address}", f"{PATH}/{address}/next", f"{PATH}/{address}/revisions"):
        assert web.ask["viewer"].get(path).status_code == 404, path


def test_who_may_do_what(web: Web) -> None:
    made = _make(web)
    one = f"{PATH}/{made['id']}"
    for role, expected in (("none", 401), ("viewer", 403), ("operator", 403)):
        ask = web.ask[role]
        for answer in (ask.post(PATH, json=NEW), ask.put(one, json=NEW), ask.patch(one, json={}), ask.delete(one),
                       ask.post(f"{one}/reschedule", json={"interval": "1h"}), ask.post(f"{one}/duplicate"),
                       ask.post(f"{one}/revisions/1/restore"), ask.post(f"{PATH}/import", content="version: 1")):
            assert answer.status_code == expected, answer.request.url
    for path in ("run", "pause", "resume", "backfill"):
        assert web.ask["viewer"].post(f"{one}/{path}").status_code == 403
    assert web.ask["viewer"].post(f"{PATH}:batch", json={}).status_code == 403
    assert web.ask["none"].get(PATH).status_code == 401


def test_merge_patch_is_as_its_rfc_says() -> None:
    for target, patch, expected in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}), ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}), ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}), (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]), ({"a": "foo"}, None, None), ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}), ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert merged(target, patch) == expected


def test_if_match_names_one_of_several() -> None:
    assert matches('"1", "2"', 2) and matches("*", 9) and not matches('W/"2"', 2)
    assert not matches("2", 2) and not matches('"12"', 2) and not matches("", 2)
