"""The particle that fits the word before it, whatever the word ends in."""

from __future__ import annotations

import pytest

from scheduler.words import particles, say, set_language


@pytest.mark.parametrize(("text", "wanted"), [
    ("작업 '쿠팡 주문'이(가) 없습니다", "작업 '쿠팡 주문'이 없습니다"),
    ("재고을(를)", "재고를"), ("재고과(와) 가격은(는)", "재고와 가격은"),
    ("서울(으)로", "서울로"), ("부산(으)로", "부산으로"), ("제주(으)로", "제주로"),
    ("실행 1113은(는)", "실행 1113은"), ("실행 42이(가)", "실행 42가"), ("실행 10이(가)", "실행 10이"),
    ("작업 7(으)로", "작업 7로"),
    ("작업 6(으)로", "작업 6으로"), ("'2026-12-24'은(는)", "'2026-12-24'은"), ("09:00(으)로", "09:00로"),
    ("09:30(으)로", "09:30으로"),
    ("18:30:15을(를)", "18:30:15를"),
    ("노드 node-b이(가)", "노드 node-b가"), ("파일(report.csv)을(를)", "파일(report.csv)을"),
    ('작업 "주문"(order)은(는)', '작업 "주문"(order)은'),
    ("order_collection을(를)", "order_collection을"), ("job이(가)", "job이"), ("name은(는)", "name은"), ("file(으)로", "file로"),
    ("'SQL'은(는)", "'SQL'은"), ("달력 'kr'은(는)", "달력 'kr'은"), ("CSV을(를)", "CSV를"), ("'abc…'이(가)", "'abc…'가"),
    ("을(를) 쓰세요", "을(를) 쓰세요"), ("(괄호)만", "(괄호)만"), ("", ""),
])
def test_a_particle_fits_the_last_letter(text: str, wanted: str) -> None:
    assert particles(text) == wanted


def test_say_chooses_them_in_korean_and_leaves_english_alone() -> None:
    set_language("ko")
    assert say("작업 3이(가) 없습니다", "no job 3") == "작업 3이 없습니다"
    assert say("cron 'x'" + say("은(는) 크론 표현식이 아닙니다", "is none"), "") == "cron 'x'는 크론 표현식이 아닙니다"
    set_language("en")
    assert say("작업 3이(가) 없습니다", "no job(s) 3") == "no job(s) 3"
