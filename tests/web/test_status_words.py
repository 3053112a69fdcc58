"""States are told apart without their colour, in both languages."""

from __future__ import annotations

from scheduler.web.render import environment
from scheduler.web.status_words import STATES, status_badge
from scheduler.words import set_language


def test_every_state_has_an_icon_and_a_word_of_its_own() -> None:
    for column in range(3):
        assert len({each[column] for each in STATES.values()}) == len(STATES)
    set_language("ko")
    assert status_badge("timed_out") == '<span class="badge timed_out"><span aria-hidden="true">◷</span> 시간 초과</span>'
    set_language("en")
    assert ">✓</span> Succeeded<" in environment().from_string("{{ badge('success') }}").render()


def test_what_is_unknown_is_shown_and_never_taken_for_markup() -> None:
    assert status_badge(None) == "–"
    assert "<script>" not in status_badge("<script>")
