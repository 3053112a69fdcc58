"""`erp-scheduler workflows` and `run-once`: from a file to jobs, and a run that waits for every step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from scheduler.rules.workflows import DUE, NOT_RUN, WAITING, Step, steps_ahead
from tests.doors.conftest import Cli, a_type, document
from tests.support.daemons import Daemon

Connection = psycopg.Connection[Any]
FILE = """
name: 아침 정리
description: 주문을 모으고 재고를 맞춥니다
schedule: {mode: recurring, every: weekly, days: "mon,thu", at: 10:30, until: 2030-12-31}
steps:
  - name: 수집
    job_type: noop
    market_codes: [coupang]
  - name: 재고
    job_type: noop
  - name: 알림
    job_type: noop
    after: 수집
    on: failure
"""


@pytest.fixture
def daemon(database: str, tmp_path: Path) -> Iterator[Callable[[], Daemon]]:
    made = Daemon(database, tmp_path)
    yield made.start
    made.remove()


def workflow(name: str, *steps: dict[str, Any], mode: str = "recurring") -> str:
    schedule = {"mode": "recurring", "every": "daily", "at": "04:00"} if mode == "recurring" else {"mode": mode}
    return json.dumps({"name": name, "schedule": schedule, "steps": list(steps)})


def test_a_file_becomes_jobs_and_is_shown(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "아침.yaml"
    file.write_text(FILE, encoding="utf-8")
    assert "made (Mondays and Thursdays 10:30 until 2030-12-31, 3 steps)" in cli("workflows", "save", file).stdout
    assert "saved" in cli("workflows", "save", file).stdout
    rows = connection.execute("SELECT name, specific_times::text, days_of_week FROM schedule_jobs ORDER BY id").fetchall()
    assert rows == [
        ("아침 정리 / 수집", "{10:30:00}", "mon,thu"), ("아침 정리 / 재고", None, None), ("아침 정리 / 알림", None, None)]
    shown = cli("workflows", "show", "아침", env={"ERP_SCHEDULER_LANG": "ko"}).stdout
    assert "매주 월·목요일 10:30 (2030-12-31까지)" in shown and "수집 실패" in shown
    assert [step["name"] for step in document(cli("workflows", "show", "아침", "--json"))["steps"]] == ["수집", "재고", "알림"]
    assert document(cli("workflows", "list", "--json"))[0]["name"] == "아침 정리"
    assert "아침 정리" in cli("workflows", "list").stdout


@pytest.mark.parametrize(("source", "words"), [
    ("nowhere.yaml", "cannot be read"), ("{", "YAML"), ('{"name": "a"}', "has a name and steps"), ("[]", "no workflow"),
    ('{"name": "a", "steps": [], "wehn": 1}', "'wehn' is not known"), ('{"name": "a", "steps": []}', "1 to 100 steps"),
    ('{"name": "a", "steps": [{"name": "x", "job_type": "t"}], "schedule": {"mode": "delayed", "delay": "soon"}}', "'soon'"),
])
def test_a_wrong_document_is_refused(cli: Cli, connection: Connection, source: str, words: str) -> None:
    assert words in cli("workflows", "save", source, code=2).stderr
    assert connection.execute("SELECT count(*) FROM schedule_workflows").fetchone() == (0,)


def test_all_of_a_file_or_nothing(cli: Cli, connection: Connection) -> None:
    good = json.loads(workflow("a", {"name": "x", "job_type": "t"}))
    cli("workflows", "save", json.dumps({"workflows": [good, {**good, "name": "b", "steps": []}]}), code=2)
    assert connection.execute("SELECT count(*) FROM schedule_workflows").fetchone() == (0,)
    cli("workflows", "save", "-", input=json.dumps([good, {**good, "name": "b"}]))
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (2,)


def test_run_queues_the_first_steps_and_a_paused_one_says_how_to_go_on(cli: Cli, connection: Connection) -> None:
    cli("workflows", "save", workflow("w", {"name": "x", "job_type": "t"}, {"name": "y", "job_type": "t"}))
    queued = document(cli("workflows", "run", "w", "--json"))
    assert [each["step"] for each in queued] == ["x"]
    assert connection.execute("SELECT trigger, status FROM job_executions").fetchall() == [("manual", "queued")]
    assert "start -d" in cli("workflows", "run", "w", "--test", code=7).stderr
    cli("workflows", "pause", "w")
    assert "workflows resume 1" in cli("workflows", "run", "w", code=4).stderr
    assert document(cli("workflows", "resume", "1", "--json"))[0]["status"] == "active"
    connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE workflow_step = 'x'")
    assert "the job of step 'x' is paused" in cli("workflows", "run", "w", code=4).stderr


def test_cancel_ends_what_waits_and_what_runs_and_calls_off_what_was_to_run_once(cli: Cli, connection: Connection) -> None:
    steps = [{"name": "x", "job_type": "t"}]
    cli("workflows", "save", json.dumps({"name": "w", "schedule": {"mode": "delayed", "delay": "1 hour"}, "steps": steps}))
    job = connection.execute("SELECT id FROM schedule_jobs").fetchone()
    assert job is not None
    connection.execute("INSERT INTO job_executions (job_id, status, started_at) VALUES (%s, 'running', now())", job)
    cli("workflows", "run", "w")
    ended = document(cli("workflows", "cancel", "w", "--json"))
    assert (len(ended["cancelled"]), len(ended["asked"]), len(ended["dropped"])) == (1, 1, 1)
    rows = connection.execute("SELECT status, cancel_requested FROM job_executions ORDER BY id").fetchall()
    assert rows == [("running", True), ("cancelled", False)]
    assert connection.execute("SELECT status FROM schedule_jobs").fetchone() == ("completed",)


def test_removal_wants_a_yes_and_takes_the_jobs(cli: Cli, connection: Connection) -> None:
    cli("workflows", "save", workflow("w", {"name": "x", "job_type": "t"}))
    assert "--yes" in cli("workflows", "remove", "w", code=9).stderr
    cli("workflows", "remove", "w", "--yes")
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (0,)
    assert "no workflow 'w'" in cli("workflows", "show", "w", code=5).stderr


def test_a_test_run_waits_for_every_step_and_tells_each_result(
    cli: Cli, connection: Connection, daemon: Callable[[], Daemon]
) -> None:
    daemon()
    cli("workflows", "save", workflow(
        "good", {"name": "a", "job_type": "echo", "parameters": {"text": "하나", "number": 1}}, {"name": "b", "job_type": "noop"},
        {"name": "c", "job_type": "noop", "after": ["a"]}, {"name": "d", "job_type": "noop", "after": ["b", "c"]},
        {"name": "alarm", "job_type": "noop", "after": ["a"], "on": "failure"}))
    found = document(cli("workflows", "run", "good", "--test", "--timeout", "60s", "--json"))
    assert {each["step"]: each["status"] for each in found} == {
        "a": "success", "b": "success", "c": "success", "d": "success", "alarm": NOT_RUN}
    assert found[0]["result"]["text"] == "하나"
    assert connection.execute("SELECT trigger, count(*) FROM job_executions GROUP BY 1 ORDER BY 1").fetchall() == [
        ("dependency", 3), ("manual", 1)]


def test_a_test_run_with_a_failure_takes_its_branch_and_exits_with_1(cli: Cli, daemon: Callable[[], Daemon]) -> None:
    daemon()
    cli("workflows", "save", workflow(
        "bad", {"name": "a", "job_type": "say", "parameters": {"what": "give_up"}}, {"name": "b", "job_type": "noop"},
        {"name": "alarm", "job_type": "noop", "after": ["a"], "on": "failure"}))
    ended = cli("workflows", "run", "bad", "--test", "--timeout", "60s", code=1)
    lines = {line.split()[0]: line for line in ended.stdout.splitlines()[1:]}
    assert "failed" in lines["a"] and "bad key" in lines["a"] and "not run" in lines["b"] and "success" in lines["alarm"]


def test_steps_that_can_never_come_are_known(connection: Connection) -> None:
    steps = [Step("c", ("b",)), Step("a"), Step("b", ("a",)), Step("e", ("a",), "failure"), Step("f", ("e",)),
             Step("g", ("a", "b"))]
    assert steps_ahead(steps, {}) == {
        "a": DUE, "b": WAITING, "c": WAITING, "e": WAITING, "f": WAITING, "g": WAITING}
    assert steps_ahead(steps, {"a": "success"}) == {"b": DUE, "c": WAITING, "e": NOT_RUN, "f": NOT_RUN, "g": WAITING}
    assert steps_ahead(steps, {"a": "lost"}) == {"b": NOT_RUN, "c": NOT_RUN, "e": DUE, "f": WAITING, "g": NOT_RUN}


def test_run_once_needs_no_job_and_can_wait_its_time(cli: Cli, connection: Connection) -> None:
    a_type(connection)
    assert "missing parameter: shop" in cli("run-once", "order_collection", code=2).stderr
    made = document(cli("run-once", "order_collection", "-p", "shop=x", "--market", "coupang,naver", "--in", "10m", "--json"))
    row = connection.execute(
        "SELECT parameters, market_codes, available_at - now() BETWEEN '9 minutes' AND '10 minutes' "
        "FROM job_executions WHERE id = %s",
        (made["execution_id"],)).fetchone()
    assert row == ({"shop": "x"}, ["coupang", "naver"], True)
    tomorrow = datetime.now(ZoneInfo("Asia/Seoul")) + timedelta(days=1)
    later = document(cli("run-once", "order_collection", "-p", "shop=y", "--at", f"{tomorrow:%Y-%m-%d %H:%M}", "--json"))
    planned = datetime.fromisoformat(later["available_at"]).astimezone(tomorrow.tzinfo)
    assert f"{planned:%Y-%m-%d %H:%M}" == f"{tomorrow:%Y-%m-%d %H:%M}"
    assert connection.execute("SELECT count(*) FROM schedule_jobs WHERE NOT 'one-off' = ANY (tags)").fetchone() == (0,)
    assert "only one" in cli("run-once", "t", "--in", "1m", "--at", "2031-01-01", code=2).stderr
