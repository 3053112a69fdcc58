"""The wait before another attempt: growing, spread, and never earlier than the other side asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.rules.retry import RETRY_AFTER_LONGEST_SECONDS, retry_delay
from scheduler.settings import RETRY_BASE_SECONDS, RETRY_LONGEST_SECONDS

FRACTIONS = st.floats(0, 1, exclude_max=True)


def longest(failed_attempts: int) -> float:
    return retry_delay(failed_attempts, None, lambda: 1.0)


def test_the_longest_wait_doubles_up_to_a_limit() -> None:
    assert [longest(number) for number in (1, 2, 3, 4)] == [RETRY_BASE_SECONDS * factor for factor in (1, 2, 4, 8)]
    assert longest(8) == longest(10**6) == RETRY_LONGEST_SECONDS


def test_the_wait_is_spread_over_the_whole_span_but_never_under_a_second() -> None:
    assert retry_delay(3, None, lambda: 0.5) == RETRY_BASE_SECONDS * 2
    assert retry_delay(3, None, lambda: 0.0) == 1


@given(st.integers(0, 10_000), st.floats(0.001, 86400), FRACTIONS)
def test_retry_after_is_a_floor(failed_attempts: int, retry_after: float, fraction: float) -> None:
    wait = retry_delay(failed_attempts, retry_after, lambda: fraction)
    assert retry_after <= wait <= max(retry_after * 1.1, RETRY_LONGEST_SECONDS)


@pytest.mark.parametrize("senseless", [0, -5, float("nan")])
def test_a_senseless_retry_after_is_not_heeded(senseless: float) -> None:
    assert retry_delay(2, senseless, lambda: 0.5) == retry_delay(2, None, lambda: 0.5)


def test_an_endless_retry_after_still_gives_a_date() -> None:
    wait = retry_delay(1, math.inf, lambda: 0.5)
    assert RETRY_AFTER_LONGEST_SECONDS <= wait <= RETRY_AFTER_LONGEST_SECONDS * 1.1
