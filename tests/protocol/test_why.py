"""Why did it not run? Staged situations and the first row of the answer, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.daemons import Rows

# A little ago, so that it is a moment of the past for every test.
NOW = datetime.now(UTC) - timedelta(minutes=2)


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


def job(rows: Rows, name: str = "orders", **columns: Any) -> int:
    values = {"name": name, "job_type": "noop", "interval": "30m", **columns}
    number = rows.one(
        f"INSERT INTO schedule_jobs ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
        *values.values())
    # As after a day of service: made long ago, and planned by the daemon since.
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute(
        "UPDATE schedule_jobs SET created_at = now() - interval '9 days', updated_at = now() - interval '9 days',"
        " planned_version = spec_version, next_run_at = CASE WHEN status = 'active' THEN now() + interval '10 minutes' END"
        " WHERE id = %s", (number,))
    rows.connection.execute("RESET application_name")
    rows.connection.execute("UPDATE job_revisions SET changed_at = changed_at - interval '9 days' WHERE job_id = %s", (number,))
    return int(number)


def daemon_writes(rows: Rows, statement: str, *values: Any) -> None:
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute(statement.encode(), values)
    rows.connection.execute("RESET application_name")


def execution(rows: Rows, number: int, **columns: Any) -> int:
    values = {"job_id": number, "job_name": "orders", "job_type": "noop", "trigger": "schedule", **columns}
    return int(rows.one(
        f"INSERT INTO job_executions ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
        *values.values()))


def node(rows: Rows, types: str = "{noop}", workers: int = 2, name: str = "a") -> str:
    return str(rows.one(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, job_types, lease_seconds)"
        " VALUES (gen_random_uuid(), %s, 'h', 1, '1', %s, %s, 60) RETURNING instance_id", name, workers, types))


def why(rows: Rows, number: int, at: datetime | None = None) -> tuple[str, str, str, str]:
    found = rows.all("SELECT rank, cause, ko, en, fix FROM schedule_why(%s, %s)", number, at)
    assert [each[0] for each in found] == list(range(1, len(found) + 1)) and found
    for _, _, korean, english, _ in found:
        assert any("가" <= letter <= "힣" for letter in korean) and english
    _, cause, korean, english, fix = found[0]
    return cause, korean, english, fix


def expect(rows: Rows, number: int, cause: str, korean: str, english: str, at: datetime | None = None) -> None:
    found = why(rows, number, at)
    assert found[0] == cause and korean in found[1] and english in found[2], found


def test_a_paused_job_says_since_when_until_when_and_why(rows: Rows) -> None:
    number = job(rows)
    rows.connection.execute("SELECT set_config('erp_scheduler.actor', 'minji', false)")
    rows.one("SELECT id FROM schedule_pause(%s, now() + interval '2 hours', '서버 점검')", number)
    expect(rows, number, "paused", "minji", "by minji until")
    expect(rows, number, "paused", "서버 점검", "서버 점검")


def test_a_pause_of_the_past_is_remembered(rows: Rows) -> None:
    number = job(rows)
    rows.one("SELECT id FROM schedule_pause(%s, NULL, 'stock count')", number)
    rows.all("SELECT * FROM schedule_resume(%s)", number)
    rows.connection.execute(
        "UPDATE job_revisions SET changed_at = now() - CASE revision WHEN 2 THEN interval '3 hours' ELSE interval '1 hour' END"
        " WHERE revision > 1")
    expect(rows, number, "paused", "stock count", "stock count", NOW - timedelta(hours=2))
    assert why(rows, number, NOW - timedelta(minutes=20))[0] == "no_such_moment"


def test_a_row_that_cannot_be_run_says_its_fault(rows: Rows) -> None:
    number = job(rows)
    daemon_writes(rows, "UPDATE schedule_jobs SET status = 'invalid', last_error = 'cron: 61 is no minute' WHERE id = %s", number)
    expect(rows, number, "invalid", "61 is no minute", "61 is no minute")


@pytest.mark.parametrize(("kind", "korean", "english"), [
    ("holiday", "추석", "Chuseok"), ("day_off", "토요일", "Saturday"), ("overlay", "블랙프라이데이", "Black Friday"),
])
def test_what_the_forecast_leaves_out_is_told_with_its_reason(rows: Rows, kind: str, korean: str, english: str) -> None:
    number = job(rows)
    execution(rows, number, status="success", scheduled_for=NOW - timedelta(days=2), started_at=NOW - timedelta(days=2),
              finished_at=NOW - timedelta(days=2))
    rows.connection.execute("INSERT INTO schedule_forecast VALUES (%s, %s, NULL, %s, %s, %s)",
                            (number, NOW - timedelta(minutes=1), kind, korean, english))
    expect(rows, number, kind, korean, english)
    expect(rows, number, kind, korean, english, NOW - timedelta(minutes=1))
    # What happened later on the same day is not explained by it.
    execution(rows, number, status="success", scheduled_for=NOW, started_at=NOW, finished_at=NOW)
    assert why(rows, number, datetime.now(UTC) - timedelta(seconds=3))[0] != kind


def test_an_overlay_and_a_closed_day_are_told_without_a_forecast(rows: Rows) -> None:
    number = job(rows, interval=None, specific_times="{09:00}", on_holiday="skip", timezone="Asia/Seoul")
    friday = datetime(2027, 6, 4, 0, 0, tzinfo=UTC)      # 09:00 in Seoul
    rows.connection.execute("INSERT INTO calendar_days (day, name) VALUES ('2027-06-04', '창립기념일')")
    expect(rows, number, "holiday", "창립기념일", "창립기념일", friday)
    expect(rows, number, "day_off", "쉬는 요일", "weekday", friday + timedelta(days=1))
    rows.connection.execute("INSERT INTO schedule_overlays (name, starts_at, ends_at, action) VALUES ('이전', %s, %s, 'stop')",
                            (friday - timedelta(days=9), friday + timedelta(days=9)))
    expect(rows, number, "overlay", "이전", "stops it until", friday + timedelta(days=4))


def test_before_its_beginning_and_after_its_end(rows: Rows) -> None:
    number = job(rows, start_at=NOW + timedelta(days=3), end_at=NOW + timedelta(days=5))
    expect(rows, number, "not_started_yet", "부터입니다", "begins at")
    expect(rows, number, "ended", "끝났습니다", "ended at", NOW + timedelta(days=6))
    daemon_writes(rows, "UPDATE schedule_jobs SET status = 'completed', start_at = NULL, end_at = NULL, max_runs = 3,"
                        " occurrence_count = 3 WHERE id = %s", number)
    expect(rows, number, "ended", "정한 횟수 3번", "3 times")


def test_a_held_occurrence_names_the_job_it_waits_for(rows: Rows) -> None:
    former, number = job(rows, "stock"), job(rows, "report")
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (number, former))
    execution(rows, number, status="queued", held_for="dependency", available_at="9999-01-01", scheduled_for=NOW)
    expect(rows, number, "dependency", '"stock"', '"stock", which has not succeeded since')


def test_a_job_run_after_others_alone_says_so(rows: Rows) -> None:
    former, number = job(rows, "stock"), job(rows, "report", interval=None)
    rows.connection.execute(
        "INSERT INTO job_dependencies (job_id, depends_on, outcome) VALUES (%s, %s, 'failure')", (number, former))
    expect(rows, number, "dependency", "실패하지 않았습니다", "has not failed since")


def test_a_skipped_run_names_the_one_in_the_way(rows: Rows) -> None:
    number = job(rows)
    long = execution(rows, number, status="success", scheduled_for=NOW - timedelta(hours=3), started_at=NOW - timedelta(hours=3),
                     finished_at=NOW - timedelta(hours=1))
    execution(rows, number, status="skipped", skip_reason="overlap", scheduled_for=NOW - timedelta(hours=2),
              finished_at=NOW - timedelta(hours=2))
    expect(rows, number, "overlap", f"앞 실행 {long}", f"execution {long} was not over", NOW - timedelta(hours=2))


def test_missed_times_are_told_skipped_or_made_up_for(rows: Rows) -> None:
    number = job(rows)
    made_up = execution(rows, number, status="success", trigger="catchup", missed_count=4, scheduled_for=NOW - timedelta(hours=1),
                        started_at=NOW, finished_at=NOW)
    expect(rows, number, "misfire", f"실행 {made_up}", f"execution {made_up}", NOW - timedelta(hours=2))
    execution(rows, number, status="skipped", skip_reason="misfire", scheduled_for=NOW - timedelta(minutes=30), finished_at=NOW)
    expect(rows, number, "misfire", "늦은 실행", "does not run late")


def test_a_market_that_is_closed_or_used_up(rows: Rows) -> None:
    number = job(rows, market_codes="{coupang}")
    execution(rows, number, status="skipped", scheduled_for=NOW, finished_at=NOW,
              skip_reason="held: coupang/default: maintenance until 2026-11-21 06:00")
    expect(rows, number, "maintenance", "보류", "maintenance until")
    rows.connection.execute("UPDATE job_executions SET skip_reason = 'held: coupang/default: the day''s calls are used up'")
    expect(rows, number, "budget", "보류", "used up")
    rows.connection.execute("UPDATE job_executions SET status = 'success', skip_reason = NULL, started_at = now(), result = %s",
                            ('{"coupang/default": {"held": "coupang/default: maintenance until 06:00", "until": null}}',))
    assert rows.all("SELECT cause FROM schedule_why(%s)", number) == ["ran", "maintenance"]


def test_what_the_shops_refuse_right_now_is_told_too(rows: Rows) -> None:
    number = job(rows, market_codes="{coupang}")
    rows.connection.execute("INSERT INTO market_accounts (market_code, base_url) VALUES ('coupang', 'https://example.com')")
    rows.connection.execute("INSERT INTO market_windows (market_code, starts_at, ends_at)"
                            " VALUES ('coupang', now(), now() + interval '1h')")
    rows.connection.execute("INSERT INTO market_budgets (market_code, account, paused_until, pause_reason)"
                            " VALUES ('coupang', 'default', now() + interval '1h', '429')")
    causes = rows.all("SELECT cause FROM schedule_why(%s)", number)
    assert causes == ["no_such_moment", "maintenance", "budget"]


def test_nobody_is_there_nobody_knows_it_everybody_is_busy(rows: Rows) -> None:
    number = job(rows)
    execution(rows, number, status="queued", scheduled_for=NOW)
    expect(rows, number, "no_node", "데몬이 없습니다", "no daemon is running")
    instance = node(rows, types="{other}")
    expect(rows, number, "missing_handler", "noop", "knows job type noop")
    rows.connection.execute("UPDATE scheduler_nodes SET job_types = '{noop}', workers = 1")
    expect(rows, number, "queued", "곧 시작", "about to start")
    busy = job(rows, "busy")
    execution(rows, busy, status="running", instance_id=instance, started_at=NOW)
    expect(rows, number, "full_pool", "모두 찼습니다", "all 1 slots are busy")


def test_an_overdue_job_without_a_daemon(rows: Rows) -> None:
    number = job(rows)
    daemon_writes(rows, "UPDATE schedule_jobs SET next_run_at = now() - interval '1 hour' WHERE id = %s", number)
    expect(rows, number, "no_node", "데몬이 없습니다", "no daemon")
    expect(rows, number, "no_node", "데몬이 없습니다", "no daemon", datetime.now(UTC) - timedelta(minutes=59))


def test_a_lock_by_hand_and_a_run_in_the_way(rows: Rows) -> None:
    number = job(rows)
    node(rows)
    execution(rows, number, status="queued", scheduled_for=NOW)
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (number,))
    expect(rows, number, "lock_by_hand", "사람이", "a person has locked it")
    rows.connection.execute("DELETE FROM schedule_locks")
    running = execution(rows, number, status="running", node="a", started_at=NOW, scheduled_for=NOW - timedelta(hours=1))
    expect(rows, number, "running", f"실행 {running}", f"execution {running} on node a")
    expect(rows, number, "overlap", f"앞 실행 {running}", f"waits for execution {running}", NOW)


def test_a_retry_that_waits(rows: Rows) -> None:
    number = job(rows)
    failed = execution(rows, number, status="failed", error_message="HTTP 503", scheduled_for=NOW, started_at=NOW,
                       finished_at=NOW)
    execution(rows, number, status="queued", trigger="retry", attempt=2, retry_of=failed, scheduled_for=NOW,
              available_at=NOW + timedelta(hours=4))
    expect(rows, number, "waiting_retry", "HTTP 503", f"attempt 2 after execution {failed}: HTTP 503")


@pytest.mark.parametrize(("status", "korean", "english"), [
    ("failed", "실패했습니다: boom", "failed at"), ("timed_out", "제한 시간", "ran out of time"),
    ("lost", "사라졌습니다", "lost with its node"),
    ("cancelled", "취소되었습니다", "was cancelled"), ("success", "실행되었습니다", "it did run"),
])
def test_how_a_run_ended(rows: Rows, status: str, korean: str, english: str) -> None:
    number = job(rows)
    execution(rows, number, status=status, error_message="boom", scheduled_for=NOW - timedelta(hours=1),
              started_at=NOW - timedelta(hours=1), finished_at=NOW)
    cause = "ran" if status == "success" else status
    expect(rows, number, cause, korean, english)
    expect(rows, number, cause, korean, english, NOW - timedelta(hours=1))


def test_a_moment_that_nobody_planned(rows: Rows) -> None:
    by_hand, number = job(rows, "by hand", interval=None), job(rows)
    expect(rows, by_hand, "no_such_moment", "손으로만", "by hand only")
    rows.connection.execute("INSERT INTO schedule_forecast VALUES (%s, %s, %s)", (number, *[NOW + timedelta(hours=5)] * 2))
    expect(rows, number, "no_such_moment", "다음", "next: ", NOW + timedelta(hours=3))
    expect(rows, number, "planned", "예정입니다", "it will run at", NOW + timedelta(hours=5))


def test_a_deleted_job_and_one_that_never_was(rows: Rows) -> None:
    number = job(rows)
    rows.connection.execute("DELETE FROM schedule_jobs")
    expect(rows, number, "deleted", "지웠습니다", "was deleted at")
    with pytest.raises(psycopg.errors.NoDataFound, match="no job 'nothing'"):
        rows.all("SELECT * FROM schedule_why('nothing')")
