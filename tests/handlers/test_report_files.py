"""Where reports lie: replaced whole, pruned by their own names only, never outside their root, all from one snapshot."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handlers import report_generation
from handlers.backup.safe_files import open_folder
from handlers.report_generation import generate_report
from handlers.reports import files
from handlers.reports.periods import Span, before, span_at, span_of
from scheduler.errors import ParameterError
from scheduler.handler import Cancelled, GiveUp
from tests.handlers.report_month import KOREA, START, a_context, fill

SCHEMA = generate_report.__erp_handler__  # type: ignore[attr-defined]


def make(dsn: str, root: Path, *more: Any, **context: Any) -> dict[str, Any]:
    with a_context(dsn, root, **context) as (given, _):
        return generate_report(given, *more)


def test_both_files_are_named_listed_and_readable_by_us_only(database: str, tmp_path: Path) -> None:
    with a_context(database, tmp_path / "reports") as (context, link):
        result = generate_report(context, "sales", "weekly", None, "en")

    folder = tmp_path / "reports" / "sales" / "weekly"
    assert {made["name"] for made in result["artefacts"]} == {"sales_2025-03-24_en.xlsx", "sales_2025-03-24_en.html"}
    for made in result["artefacts"]:
        path = Path(made["path"])
        assert path == folder / made["name"] and made["bytes"] == path.stat().st_size > 0
        assert made["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() and path.suffix == f".{made['kind']}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {name for name in os.listdir(folder) if not name.startswith(".")} == {made["name"] for made in result["artefacts"]}
    steps = [report for report in link.reports if "done" in report]
    assert [step["done"] for step in steps] == [0, 1, 2, 3, 4] and steps[-1]["total"] == 4
    assert context.counts["files"] == 2 and context.counts["bytes"] == sum(made["bytes"] for made in result["artefacts"])
    assert link.lines[-1][0] == "report.made"


def test_a_second_report_on_the_same_period_replaces_the_first(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    first = make(database, tmp_path, "sales", "monthly")
    fill(connection, orders=40)
    second = make(database, tmp_path, "sales", "monthly")

    assert [made["path"] for made in first["artefacts"]] == [made["path"] for made in second["artefacts"]]
    assert first["totals"]["net"] == 0 < second["totals"]["net"]
    for made in second["artefacts"]:
        assert hashlib.sha256(Path(made["path"]).read_bytes()).hexdigest() == made["sha256"]


def test_retention_deletes_only_what_carries_our_name_and_is_old(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "sales" / "daily"
    folder.mkdir(parents=True)
    old = [
        "sales_2023-01-01_ko.xlsx", "sales_2023-01-01_en.html", "sales_2023-01-01_ko_naver+11st.xlsx",
        "sales_2023-01-01_ko.xlsx.new",
    ]
    strangers = [
        "sales_2023-01-01_ko.xlsx.bak", "my sales_2023-01-01_ko.xlsx", "sales_2023-01-01_fr.xlsx", "orders_2023-01-01_ko.xlsx",
        "sales_23-01-01_ko.xlsx", "sales_2023-01-01_ko.pdf", "sales_2023-01-01_ko.xlsx\n", "notes.txt",
    ]
    past = (datetime.now(UTC) - timedelta(days=40)).timestamp()
    for name in (*old, *strangers, "sales_2022-01-01_ko.xlsx"):
        (folder / name).write_text("x")
        os.utime(folder / name, (past, past))
    os.utime(folder / "sales_2022-01-01_ko.xlsx")
    (folder / "sales_2023-02-02_ko.xlsx").mkdir()
    outside = tmp_path / "outside.xlsx"
    outside.write_text("x")
    os.utime(outside, (past, past))
    (folder / "sales_2023-03-03_ko.xlsx").symlink_to(outside)

    result = make(database, tmp_path, "sales", "daily", None, "ko", ("xlsx",), 30)

    assert result["deleted"] == sorted(old[:3])
    left = {name for name in os.listdir(folder) if name != ".manifest.lock"}
    assert left == {*strangers, "sales_2022-01-01_ko.xlsx", "sales_2023-02-02_ko.xlsx", "sales_2023-03-03_ko.xlsx",
                    "sales_2025-03-31_ko.xlsx"}, "an old period reported today is new"
    assert outside.exists()


@pytest.mark.parametrize("linked", ["sales", "sales/daily"])
def test_a_link_below_the_root_is_refused(linked: str, database: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tmp_path / "reports" / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(outside, target_is_directory=True)

    with pytest.raises(GiveUp, match="links are not followed"):
        make(database, tmp_path / "reports", "sales", "daily")
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_report_is_replaced_and_its_target_stays(database: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    folder = tmp_path / "sales" / "daily"
    folder.mkdir(parents=True)
    (folder / "sales_2025-03-31_ko.html").symlink_to(target)
    (folder / "sales_2025-03-31_ko.html.new").symlink_to(target)

    make(database, tmp_path, "sales", "daily")

    assert target.read_text() == "precious" and not (folder / "sales_2025-03-31_ko.html").is_symlink()


@pytest.mark.parametrize("parameters", [
    {"report": "../../etc"}, {"period": "daily/../.."}, {"language": "../x"}, {"formats": ["../sh"]}, {"formats": []},
    {"day": "2025-13-01"}, {"keep_days": 0}, {"report_dir": "/etc"},
])
def test_no_parameter_can_lead_out_of_the_folder(parameters: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        SCHEMA.validate(parameters)


@pytest.mark.parametrize("market", ["../../etc", "nobody"])
def test_a_market_that_nobody_knows_is_refused(market: str, database: str, tmp_path: Path) -> None:
    with pytest.raises(GiveUp, match="is known"):
        make(database, tmp_path, "sales", markets=[market])
    assert list(tmp_path.iterdir()) == []


def test_a_period_that_has_not_begun_or_lies_outside_the_calendar_is_refused(database: str, tmp_path: Path) -> None:
    ahead = datetime.now(KOREA).date() + timedelta(days=40)
    with pytest.raises(GiveUp, match="has not begun"):
        make(database, tmp_path, "sales", "daily", ahead)
    for edge in (date.min, date.max):
        with pytest.raises(GiveUp, match="calendar"):
            make(database, tmp_path, "sales", "monthly", edge)


def test_all_figures_come_from_one_snapshot(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, orders=60)
    read_orders = report_generation.read_orders

    def meanwhile(*given: Any) -> Any:
        connection.execute("DELETE FROM erp.orders")
        return read_orders(*given)

    monkeypatch.setattr(report_generation, "read_orders", meanwhile)
    totals = make(database, tmp_path, "orders", "monthly")["totals"]

    assert connection.execute("SELECT count(*) FROM erp.orders").fetchone() == (0,)
    assert sum(totals["states"].values()) == totals["orders"] > 0


def test_a_report_writes_nothing_to_the_database(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(given: psycopg.Connection[Any], *rest: Any) -> Any:
        given.execute("DELETE FROM erp.orders")

    monkeypatch.setattr(report_generation, "read_lines", write)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        make(database, tmp_path, "sales")


def test_a_full_disk_leaves_the_report_of_before_and_no_draft(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_it = make(database, tmp_path, "sales", "daily", None, "ko", ("html",))["artefacts"][0]

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        make(database, tmp_path, "sales", "daily", None, "ko", ("html",))
    path = Path(before_it["path"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before_it["sha256"]
    assert {name for name in os.listdir(path.parent) if name != ".manifest.lock"} == {path.name}


def test_two_executions_of_one_period_leave_two_whole_files(tmp_path: Path) -> None:
    def publish(letter: bytes) -> None:
        with open_folder(tmp_path, "sales/daily") as store:
            for _ in range(20):
                files.publish(store, "sales_2025-03-31_ko", {"html": letter * 200_000, "xlsx": letter * 200_000})

    threads = [threading.Thread(target=publish, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    page, sheet = ((tmp_path / "sales" / "daily" / f"sales_2025-03-31_ko.{kind}").read_bytes() for kind in ("html", "xlsx"))
    assert page == sheet and page in (b"a" * 200_000, b"b" * 200_000)


def test_a_cancelled_execution_leaves_no_file(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_context(database, tmp_path) as (context, link):
        monkeypatch.setattr(link, "is_cancelled", lambda: len(link.reports) > 1)
        with pytest.raises(Cancelled):
            generate_report(context, "sales", "daily")
    assert list(tmp_path.iterdir()) == []


def test_a_late_attempt_reports_on_the_same_days_as_the_first(database: str, tmp_path: Path) -> None:
    planned = datetime(2025, 3, 3, 0, 5, tzinfo=KOREA)
    assert make(database, tmp_path, "sales", "daily", scheduled_for=planned)["from"] == "2025-03-02"
    assert make(database, tmp_path, "sales", "weekly", scheduled_for=planned)["from"] == "2025-02-24"
    assert make(database, tmp_path, "sales", "monthly", scheduled_for=planned)["from"] == "2025-02-01"


def test_periods_are_whole_days_of_seoul() -> None:
    assert span_of("monthly", date(2024, 2, 29)) == Span(date(2024, 2, 1), date(2024, 3, 1))
    assert before("monthly", span_of("monthly", date(2025, 1, 15))) == Span(date(2024, 12, 1), date(2025, 1, 1))
    assert span_of("weekly", date(2025, 3, 30)) == span_of("weekly", date(2025, 3, 24)) == Span(
        date(2025, 3, 24), date(2025, 3, 31))
    just_before_midnight = datetime(2025, 3, 31, 14, 59, 59, tzinfo=UTC)
    assert span_at("daily", just_before_midnight) == Span(date(2025, 3, 30), date(2025, 3, 31))
    assert span_at("daily", just_before_midnight + timedelta(seconds=1)) == Span(date(2025, 3, 31), date(2025, 4, 1))
    assert span_at("daily", just_before_midnight, current=True) == Span(date(2025, 3, 31), date(2025, 4, 1))
    assert span_of("daily", date(2025, 2, 1)).from_at == START


def test_the_parameters_have_the_defaults_that_were_promised() -> None:
    assert SCHEMA.job_type == "report_generation" and SCHEMA.timeout_seconds == 1800 and SCHEMA.retries == 2
    assert SCHEMA.validate({}) == {
        "report": "sales", "period": "daily", "day": None, "language": "ko", "formats": ("xlsx", "html"), "keep_days": 365,
        "current": False,
    }
    assert SCHEMA.validate({"day": "2025-03-05", "formats": ["html"]})["day"] == date(2025, 3, 5)
