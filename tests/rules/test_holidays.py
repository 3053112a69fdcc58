"""The public holidays of Korea as the official almanac lists them: the library must say the same."""

from datetime import date

import pytest

from scheduler.rules.calendars import public_holidays

ALMANAC = {
    2024: "01-01 02-09 02-10 02-11 02-12 03-01 04-10 05-05 05-06 05-15 06-06 08-15 09-16 "
          "09-17 09-18 10-01 10-03 10-09 12-25",
    2025: "01-01 01-27 01-28 01-29 01-30 03-01 03-03 05-05 05-06 06-03 06-06 08-15 10-03 "
          "10-05 10-06 10-07 10-08 10-09 12-25",
    2026: "01-01 02-16 02-17 02-18 03-01 03-02 05-01 05-05 05-24 05-25 06-03 06-06 07-17 "
          "08-15 08-17 09-24 09-25 09-26 10-03 10-05 10-09 12-25",
    2027: "01-01 02-06 02-07 02-08 02-09 03-01 05-01 05-03 05-05 05-13 06-06 07-17 07-19 "
          "08-15 08-16 09-14 09-15 09-16 10-03 10-04 10-09 10-11 12-25 12-27",
}


@pytest.mark.parametrize("year", ALMANAC)
def test_the_public_holidays_of_a_year_are_those_of_the_almanac(year: int) -> None:
    expected = {date.fromisoformat(f"{year}-{day}") for day in ALMANAC[year].split()}
    assert set(public_holidays("KR", year)) == expected


@pytest.mark.parametrize(("day", "korean", "english"), [
    ("2025-05-05", "부처님오신날, 어린이날", "Buddha's Birthday, Children's Day"),
    ("2026-05-01", "노동절", "Labor Day"),
    ("2026-07-17", "제헌절", "Constitution Day"),
    ("2026-10-05", "개천절 대체 휴일", "Alternative holiday for National Foundation Day"),
])
def test_each_has_its_name_in_both_languages(day: str, korean: str, english: str) -> None:
    found = public_holidays("KR", int(day[:4]))[date.fromisoformat(day)]
    assert ({*found[0].split(", ")}, {*found[1].split(", ")}) == ({*korean.split(", ")}, {*english.split(", ")})


def test_a_year_far_away_still_has_its_fixed_days() -> None:
    assert date(2090, 12, 25) in public_holidays("KR", 2090)
