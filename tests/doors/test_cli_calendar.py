"""`erp-scheduler calendar`: holidays, days of one's own, and calendars beside the Korean one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.doors.conftest import Cli, a_job, document

Connection = psycopg.Connection[Any]


def days(cli: Cli, *more: str) -> dict[str, dict[str, Any]]:
    return {each["day"]: each for each in document(cli("calendar", "holidays", "2027", "--json", *more))}


def test_the_year_holds_the_public_holidays_in_both_languages(cli: Cli) -> None:
    found = days(cli)
    assert found["2027-03-01"]["ko"] == "삼일절" and found["2027-03-01"]["own"] is False
    assert "삼일절" in cli("calendar", "holidays", "2027", "--lang", "ko").stdout
    english = cli("calendar", "holidays", "2027").stdout
    assert "Independence" in english and "Mon" in english


def test_a_day_that_is_added_closes_and_one_that_is_opened_opens(cli: Cli, connection: Connection) -> None:
    a_job(connection, on_holiday="skip")
    made = document(cli("calendar", "add", "2027-05-06", "임시공휴일", "--json"))
    assert made["jobs"] == 1 and made["is_holiday"] is True
    assert ("calendar_days",) in connection.execute("SELECT source FROM schedule_replans WHERE seen_at IS NULL").fetchall()
    closed = {"day": "2027-05-06", "ko": "임시공휴일", "en": "임시공휴일", "is_holiday": True, "own": True}
    assert days(cli)["2027-05-06"] == closed
    cli("calendar", "add", "2027-03-01", "여는 날", "--open")
    assert days(cli)["2027-03-01"]["is_holiday"] is False
    assert "now closed (Independence" in cli("calendar", "remove", "2027-03-01").stdout
    assert "forgotten, now open" in cli("calendar", "remove", "2027-05-06").stdout
    assert "no day 2027-05-06 of its own" in cli("calendar", "remove", "2027-05-06", code=5).stderr


def test_a_calendar_inherits_from_its_base_and_closes_its_own_weekdays(cli: Cli, connection: Connection) -> None:
    cli("calendar", "make", "courier", "--base", "kr", "--closed", "일", "--description", "택배")
    cli("calendar", "add", "2027-08-14", "택배 없는 날", "--calendar", "courier")
    assert days(cli, "--calendar", "courier")["2027-08-14"]["own"] and "2027-03-01" in days(cli, "--calendar", "courier")
    assert "2027-08-14" not in days(cli)
    listed = {each["name"]: each for each in document(cli("calendar", "list", "--json"))}
    assert listed["courier"]["closed_weekdays"] == "sun" and listed["courier"]["days"] == 1
    a_job(connection, calendar="courier")
    assert document(cli("calendar", "add", "2027-05-06", "x", "--json"))["jobs"] == 1


def test_making_one_that_is_there_changes_only_what_is_said(cli: Cli) -> None:
    def made(*words: str) -> tuple[Any, ...]:
        row = document(cli("calendar", "make", *words, "--json"))
        return row["base"], row["closed_weekdays"], row["description"]

    assert made("courier") == (None, "sat,sun", None)
    assert made("courier", "--base", "kr", "--closed", "일", "--description", "택배") == ("kr", "sun", "택배")
    assert made("courier", "--description", "배송") == ("kr", "sun", "배송")
    assert made("courier", "--closed", "none") == ("kr", "", "배송")
    assert made("courier", "--closed", "mon") == ("kr", "mon", "배송")
    assert made("courier", "--base", "none") == (None, "mon", "배송")
    assert made("courier", "--base", "kr", "--description", "none") == ("kr", "mon", None)
    assert made("courier") == ("kr", "mon", None)
    assert made("kr-holidays", "--description", "공휴일") == ("kr", "", "공휴일")


@pytest.mark.parametrize(("words", "code", "fault"), [
    (["add", "soon", "x"], 2, "is not a day"), (["add", "2027-05-06", "x", "-c", "nowhere"], 5, "no calendar 'nowhere'"),
    (["make", "Courier!"], 2, "small letters, digits"), (["make", "a", "--base", "zz"], 5, "no calendar 'zz'"),
    (["make", "a", "--closed", "blursday"], 2, "cannot be read"), (["holidays", "2027", "-c", "zz"], 5, "no calendar"),
    (["add", "2027-05-06", ""], 2, "1 to 100 characters"), (["add", "9999-12-31", "x"], 2, "between the years 2000 and 2200"),
    (["make", "a-b", "--base", "a-b"], 5, "no calendar 'a-b'"), (["make", "kr", "--base", "kr"], 2, "its own base"),
])
def test_what_cannot_be_meant_is_refused(cli: Cli, words: list[str], code: int, fault: str) -> None:
    assert fault in cli("calendar", *words, code=code).stderr
