"""Configuration files: what is read, what is refused with its line, and that what is written is read back the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.rules import config_fields as fields
from scheduler.rules.config import Config, job_entry
from scheduler.rules.config_check import Checked, check
from scheduler.rules.config_names import check_names
from scheduler.rules.config_plan import plan
from scheduler.rules.config_reading import read_text
from scheduler.rules.config_rows import columns_of_job
from scheduler.rules.config_writing import as_json_text, as_yaml
from scheduler.words import set_language

WHOLE = """
version: 1
calendars:
  courier:
    base: kr
    closed_weekdays: sun
    closed: {2026-08-14: 택배 없는 날}
overlays:
  블랙프라이데이: {start: 2026-11-27 00:00, end: 2026-11-28 00:00, action: multiply, factor: 3, markets: coupang}
jobs:
  - name: 쿠팡 주문
    type: order_collection
    schedule: {every: 30m}
    days: mon-fri
    start: 2026-01-01 09:00
    markets: [coupang, naver]
    parameters: {note: |
      첫 줄
      둘째 줄
    }
    timeout: 90m
  - name: 저녁 정산
    type: report_generation
    schedule: {at: [18:30, 09:00:30]}
    on_holiday: next
    paused: {until: 2026-12-01 00:00, reason: 점검}
    after: [쿠팡 주문, {job: 재고, condition: ever}]
""".replace("{note: |\n      첫 줄\n      둘째 줄\n    }", '{note: "첫 줄\\n둘째 줄", code: 010, when: 12:30}')


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def read(text: str) -> Checked:
    return check(read_text(text))


def faults(text: str) -> list[str]:
    return [str(fault) for fault in read(text).faults]


def a_job(fields_: str) -> str:
    return f"version: 1\njobs:\n  - name: a\n    type: t\n    {fields_}\n"


def test_a_whole_file_is_read() -> None:
    found = read(WHOLE)
    assert found.faults == []
    orders, evening = found.config.jobs["쿠팡 주문"], found.config.jobs["저녁 정산"]
    assert orders["schedule"] == {"every": "30m"} and orders["timeout"] == "1h30m" and orders["markets"] == ["coupang", "naver"]
    assert orders["parameters"] == {"note": "첫 줄\n둘째 줄", "code": "010", "when": "12:30"}
    assert evening["schedule"] == {"at": ["18:30", "09:00:30"]} and "calendar" not in evening
    assert evening["after"] == [{"job": "재고", "condition": "ever"}, "쿠팡 주문"]
    assert found.config.overlays["블랙프라이데이"]["factor"] == 3
    assert found.config.calendars["courier"]["closed"] == {"2026-08-14": "택배 없는 날"}


def test_what_is_the_default_is_not_an_entry() -> None:
    spelled = a_job("schedule: {every: 60 min}\n    timezone: Asia/Seoul\n    grace: 60s\n    timeout: 30m\n    retries: 3\n"
                    "    tags: []\n    paused: false\n    on_holiday: skip\n    calendar: kr\n    after: []")
    assert read(spelled).config.jobs["a"] == {"type": "t", "schedule": {"every": "1h"}, "on_holiday": "skip"}


def test_columns_carry_what_the_fields_say() -> None:
    columns = columns_of_job("저녁 정산", read(WHOLE).config.jobs["저녁 정산"])
    assert columns["specific_times"] == ["18:30", "09:00:30"] and columns["calendar"] == "kr" and columns["paused"] is True
    assert columns["paused_until"] == "2026-11-30T15:00:00+00:00" and columns["pause_reason"] == "점검"
    assert columns["interval"] is None and columns["timeout_minutes"] == 30 and columns["misfire_grace"] == "60 seconds"


@pytest.mark.parametrize(("text", "words"), [
    ("", "line 1: the file is empty"),
    ("[]", "write a document"),
    ("jobs: []", "version: write version: 1"),
    ("version: true", "write version: 1"),
    ("version: 1\njobs:\n  - {name: a\n", "this is not YAML"),
    ("version: 1\njobs:\n- &x {name: a, type: t}\n- *x\n", "aliases"),
    ("version: 1\njobs: !!python/object:os.system []", "the tag"),
    ("version: 1\nversion: 1", "line 2: version: the name stands here twice"),
    ("version: 1\njobz: []", "line 2: jobz: unknown name; did you mean jobs?"),
    ("version: 1\njobs: {a: 1}", "write a list of jobs"),
    ("version: 1\njobs:\n  - type: t", "line 3: jobs.0: name is missing"),
    ("version: 1\njobs:\n  - {name: a, type: t}\n  - {name: a, type: t}", "line 4: jobs.1.name: the name 'a' stands here twice"),
    ("version: 1\njobs:\n  - {name: 17, type: t}", "not a text"),
    ("version: 1\njobs:\n  - {name: '17', type: t}", "taken for an id"),
    ("version: 1\njobs:\n  - name: a\n", "a.type: type is missing"),
    (a_job("schedul: {every: 30m}"), "line 5: a.schedul: unknown name; did you mean schedule?"),
    (a_job("schedule: {every: 30m, cron: '* * * * *'}"), "exactly one of every"),
    (a_job("schedule: {every: 30}"), "not a text"),
    (a_job("schedule: {every: 1M}"), "write 30m or 1mo"),
    (a_job("schedule: {every: 1m}"), "is not between 5m and 31d"),
    (a_job("schedule: {at: ['24:00']}"), "midnight is 00:00"),
    (a_job("schedule: {at: []}"), "1 to 288"),
    (a_job("schedule: {cron: '61 * * * *'}"), "61"),
    (a_job("schedule: {run_at: soon}"), "is not a moment"),
    (a_job("timezone: Asia/Soul"), "Asia/Soul"),
    (a_job("days: mon-fry"), "mon-fry"),
    (a_job("days: mon"), "it needs every, at or cron"),
    (a_job("schedule: {every: 1h}\n    on_holiday: next"), "with an interval write run or skip"),
    (a_job("schedule: {every: 1h}\n    start: 2026-02-01 00:00\n    end: 2026-01-01 00:00"),
     "line 7: a.end: end is before start"),
    (a_job("jitter: 2h"), "is not between 0s and 1h"),
    (a_job("timeout: 30"), "say the unit"),
    (a_job("overlap: never"), "skip, queue_one, cancel_running, allow"),
    (a_job("max_instances: 0"), "from 1 to 100"),
    (a_job("important: yes"), "write true or false"),
    (a_job("markets: [Coupang]"), "market code"),
    (a_job("markets: [naver, naver]"), "twice"),
    (a_job("jitter: 0.5s"), "whole seconds"),
    (a_job("parameters: [1]"), "mapping"),
    (a_job("paused: {til: 1}"), "until and reason"),
    (a_job("after: [{job: b, condition: ever, outcome: failure}]"), "success only"),
    (a_job("after: a"), "wait for each other: a → a"),
    ("version: 1\noverlays: {x: {start: 2026-01-02 00:00, end: 2026-01-01 00:00, action: stop, factor: 2}}", "stop has none"),
    ("version: 1\noverlays: {x: {action: stop}}", "missing: start, end"),
    ("version: 1\ncalendars: {Kr: {}}", "small letters"),
    ("version: 1\ncalendars: {c: {closed: {2026-02-30: x}}}", "is not a day"),
    ("version: 1\ncalendars: {c: {closed: {2026-02-03: x}, open: {2026-02-03: y}}}", "both closed and open"),
])
def test_what_is_wrong_is_told_with_its_line(text: str, words: str) -> None:
    assert words in "\n".join(faults(text))


def test_all_faults_are_told_in_the_order_of_the_file() -> None:
    found = read(a_job("timeout: 30\n    retries: -1\n    jitter: x"))
    assert [fault.line for fault in found.faults] == [5, 6, 7]


@pytest.mark.parametrize("text", ["[" * 5000, "a: " * 3000, "\x00", "version: !!int x", "? [1]\n: 2", "--- 1\n--- 2", "{" * 900])
def test_hostile_texts_are_faults_and_nothing_worse(text: str) -> None:
    assert faults(text)


def test_both_languages_speak() -> None:
    set_language("ko")
    assert "5행: a.schedul: 모르는 이름입니다. 혹시 schedule?" in faults(a_job("schedul: 1"))


def test_names_that_nobody_knows_and_parameters_that_do_not_fit() -> None:
    found = read(a_job("calendar: courier\n    after: b\n    parameters: {bach: 1}"))
    schema = {"additionalProperties": False, "properties": {"batch": {"type": "integer"}}}
    check_names(found, frozenset(), frozenset({"a"}), {"kr"}, {"t": schema})
    told = "\n".join(map(str, found.faults))
    assert "line 5: a.calendar: unknown calendar" in told and "line 6: a.after: there is no job 'b'" in told
    assert "line 7: a.parameters" in told and "did you mean 'batch'?" in told and "belongs to a workflow" in told


@pytest.mark.parametrize(("months", "seconds", "text"), [
    (0, 1800, "30m"), (0, 5400, "1h30m"), (1, 0, "1mo"), (1, 86400, "1mo1d"), (0, 86400, "1d"), (0, 604800, "7d"),
    (0, 90.5, "90.5s"), (0, 0, "0s"),
])
def test_intervals_have_one_spelling(months: int, seconds: float, text: str) -> None:
    assert fields.interval_text(months, seconds) == text
    if seconds or months:
        assert fields.interval_parts(text) == (months, seconds)


def test_a_repeated_hour_keeps_its_offset() -> None:
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    written = fields.moment_text(second, "America/New_York")
    assert written == "2026-11-01 01:30:00-05:00" and fields.read_moment(written, "America/New_York") == second
    assert fields.moment_text(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "America/New_York") == "2026-11-01 01:30"


HARD = ["09:00", "18:30", "yes", "no", "on", "null", "~", "", "010", "0x1f", "1e3", "1.5", "12:30:45", "2026-01-01", "-", "- a",
        "a: b", "#x", " lead", "trail ", "첫 줄\n둘째 줄\n", "tab\there\nx", "a\n\n\nb", "\n", "x\r\ny", "'", '"', "{}", "[1]",
        "&a", "*a", "!t", "%", "@", "`", "😀 이모지", "\u202e", "\ufeff", "\x85", "\u2028", "=", "<<", "y", "n", "1_000", ".5",
        "+1", "긴 글 " * 200]


@pytest.mark.parametrize("text", HARD)
def test_texts_survive_and_other_readers_take_them_for_texts_too(text: str) -> None:
    parameters = {"p": text, text: [text, {"x": text}]}
    config = Config(jobs={"a": {"type": "t", "description": text, "parameters": parameters, "tags": [text]}})
    written = as_yaml(config)
    found = read(written)
    assert found.faults == [] and found.config.jobs["a"]["parameters"] == config.jobs["a"]["parameters"]
    assert yaml.safe_load(written)["jobs"][0]["parameters"] == config.jobs["a"]["parameters"]
    assert read(as_json_text(config)).config.jobs["a"]["parameters"] == config.jobs["a"]["parameters"]


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3), max_leaves=10)


@given(st.dictionaries(plain, values, max_size=4), plain)
def test_whatever_is_written_is_read_back(parameters: dict[str, Any], owner: str) -> None:
    entry = {"type": "t", "schedule": {"every": "30m"}, "parameters": parameters, "owner": owner}
    config = Config(jobs={"작업": job_entry(entry)})
    for text in (as_yaml(config), as_json_text(config)):
        found = read(text)
        assert found.faults == [] and found.config == config
        assert json.dumps(found.config.jobs) == json.dumps(config.jobs)
        assert as_yaml(found.config) == as_yaml(config)


def test_a_plan_names_what_differs_and_nothing_else() -> None:
    present, wanted = read(WHOLE).config, read(WHOLE).config
    assert plan(present, wanted, frozenset(present.jobs)) == []
    wanted.jobs["쿠팡 주문"] = {**wanted.jobs["쿠팡 주문"], "schedule": {"every": "1h"}, "retries": 5}
    wanted.jobs["새 작업"] = {"type": "t"}
    del wanted.jobs["저녁 정산"]
    found = plan(present, wanted, frozenset({"저녁 정산"}))
    assert [(each.action, each.name) for each in found] == [("add", "새 작업"), ("change", "쿠팡 주문"), ("remove", "저녁 정산")]
    assert found[1].fields == (("schedule", {"every": "30m"}, {"every": "1h"}), ("retries", 3, 5))
    assert [each.action for each in plan(present, wanted)] == ["add", "change"]


def test_an_interval_between_the_bounds_of_the_house() -> None:
    with pytest.raises(ScheduleError):
        fields.every(300, 86400)("2d")
    assert fields.every(1, 86400)("10s") == "10s"
