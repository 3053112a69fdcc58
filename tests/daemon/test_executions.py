"""What a handler does, well or badly, and what the row says afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.daemons import Daemon, Rows, wait_for

Make = Callable[..., Daemon]


def run(rows: Rows, job_type: str, parameters: str = "{}", **columns: Any) -> dict[str, Any]:
    job = rows.add_job(f"job of {job_type} {parameters}"[:190], job_type, parameters=parameters, **columns)
    return rows.ended(rows.run_now(job))


def test_each_end_has_its_status_and_its_words(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()

    assert run(rows, "noop")["status"] == "success"
    assert run(rows, "anoop")["status"] == "success"
    echoed = run(rows, "echo", '{"text": "안녕 \\" \\\\ {0}", "number": 3}', market_codes=["coupang"])
    assert echoed["result"]["text"] == '안녕 " \\ {0}'
    assert echoed["result"]["markets"] == ["coupang"]
    skipped = run(rows, "say", '{"what": "skip"}')
    assert (skipped["status"], skipped["skip_reason"]) == ("skipped", "nothing new")
    gave_up = run(rows, "say", '{"what": "give_up"}')
    assert (gave_up["status"], gave_up["error_class"], gave_up["error_message"]) == ("failed", "GiveUp", "bad key")
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_name LIKE '%%give_up%%'") == 1
    assert run(rows, "plain_parameters", '{"batch_size": 7}')["result"] == {"batch_size": 7, "with_details": True}


@pytest.mark.parametrize(
    ("how", "error_class", "exit_code"),
    [
        ("segfault", "crashed", -11), ("exit", "crashed", 0), ("system_exit", "SystemExit", None),
        ("base", "BaseException", None), ("recursion", "RecursionError", None), ("bad_str", "BadText", None),
        ("memory", "memory", None), ("not_json", "ValueError", None),
    ],
)
def test_a_crash_costs_one_execution(make_daemon: Make, rows: Rows, how: str, error_class: str, exit_code: int | None) -> None:
    make_daemon(memory_mb=1024).start()
    steady = rows.add_job("steady", "echo")

    row = run(rows, "crash", f'{{"how": "{how}"}}', max_retries=0)

    assert (row["status"], row["error_class"], row["exit_code"]) == ("failed", error_class, exit_code)
    assert rows.ended(rows.run_now(steady))["status"] == "success"


def test_output_and_log_lines_are_kept_and_cleaned(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon().start()

    row = run(rows, "talk", '{"lines": 1500}')

    assert row["result"]["nul"] == "a\ufffdb"
    lines = rows.all("SELECT message FROM execution_logs WHERE execution_id = %s ORDER BY line", row["id"])
    assert lines[0].startswith("out 0 한글")
    assert "more lines were not kept" in lines[-1]
    assert len(lines) <= 1001
    log = next(daemon.log_dir.glob("talk_*.log")).read_text()
    assert "execution.success" in log
    assert all(line[:4].isdigit() for line in log.splitlines())


def test_a_secret_reaches_the_handler_and_nothing_else(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon().start(CANARY="canary-8d1f2b")

    row = run(rows, "use_secret", '{"ref": "secret://env/CANARY"}')

    assert row["status"] == "success"
    assert row["result"] == {"value": "***", "environment": False}
    everything = str(rows.all("SELECT row_to_json(e) FROM job_executions e"))
    everything += str(rows.all("SELECT row_to_json(l) FROM execution_logs l"))
    everything += "".join(path.read_text() for path in daemon.log_dir.rglob("*.log")) + daemon.output.read_text()
    assert "printed ***" in everything
    assert "canary-8d1f2b" not in everything


def test_an_unresolvable_secret_gives_up_with_the_reason(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    row = run(rows, "use_secret", '{"ref": "secret://env/NOT_THERE"}')
    assert row["error_class"] == "GiveUp"
    assert "NOT_THERE" in row["error_message"]


def test_children_are_reused_and_a_fresh_process_is_not(make_daemon: Make, rows: Rows) -> None:
    make_daemon(workers=1).start()
    pids = {run(rows, "echo", f'{{"number": {n}}}')["result"]["pid"] for n in range(3)}
    fresh = {run(rows, "fresh", max_retries=n)["result"]["pid"] for n in range(1)}
    assert len(pids) == 1
    assert fresh.isdisjoint(pids)


def test_a_process_that_has_held_much_memory_is_replaced(make_daemon: Make, rows: Rows) -> None:
    make_daemon(workers=1).start()
    small = [run(rows, "gulp", f'{{"megabytes": {n}}}')["result"]["pid"] for n in (1, 2, 3)]
    large = run(rows, "gulp", '{"megabytes": 150}')["result"]["pid"]
    after = run(rows, "echo", '{"number": 9}')["result"]["pid"]
    assert small == [large] * 3
    assert after != large


def test_a_retry_gets_the_checkpoint_and_keeps_the_planned_time(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("flaky", "flaky")

    first = rows.ended(rows.run_now(job))
    rows.connection.execute("UPDATE job_executions SET available_at = now() WHERE status = 'queued'")
    second = rows.ended(rows.one("SELECT id FROM job_executions WHERE retry_of = %s", first["id"]))

    assert first["status"] == "failed"
    assert second["result"] == {"checkpoint": {"done": 1}, "attempt": 2}
    assert (second["trigger"], second["scheduled_for"]) == ("retry", first["scheduled_for"])
    assert rows.one("SELECT last_error FROM schedule_jobs WHERE id = %s", job) is None


def test_retries_end_with_max_retries_and_wait_as_long_as_was_asked(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("retry", "say", parameters='{"what": "retry", "after": 3600}', max_retries=1)

    first = rows.ended(rows.run_now(job))
    waits = rows.one("SELECT extract(epoch FROM available_at - now()) FROM job_executions WHERE retry_of = %s", first["id"])
    rows.connection.execute("UPDATE job_executions SET available_at = now() WHERE status = 'queued'")
    second = rows.ended(rows.one("SELECT id FROM job_executions WHERE retry_of = %s", first["id"]))

    assert waits > 3590
    assert second["status"] == "failed"
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_id = %s", job) == 2
    assert rows.one("SELECT last_error FROM schedule_jobs WHERE id = %s", job) == "later"


def test_progress_is_seen_while_it_runs(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("progress", "count_up", parameters='{"steps": 12, "pause": 0.2}')
    execution = rows.run_now(job)
    seen = wait_for(lambda: rows.one("SELECT progress FROM job_executions WHERE id = %s AND status = 'running'", execution))
    assert seen["total"] == 12
    assert rows.ended(execution)["result"]["counts"] == {"steps": 12}


def test_logs_of_a_type_lie_where_operators_look(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon().start()
    run(rows, "noop")
    daemon.stop()
    assert list((daemon.log_dir / "scheduler").glob("scheduler_*.log"))
    assert list(daemon.log_dir.glob("noop_*.log"))
