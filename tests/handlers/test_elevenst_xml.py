"""11st's XML: whatever encoding and prefix an answer comes with, and what a request looks like on the wire."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.markets.elevenst_xml import Unreadable, document, parse, row, rows

NAMES = "똠양꿍 홍시험 펲 뷁 A&B <x>"
NS2 = 'xmlns:ns2="http://skt.tmall.business.openapi.spring.service.client.domain/"'


def an_answer(name: str = "똠양꿍") -> str:
    return f"<ns2:orders {NS2}><ns2:order><prdNm>{name}</prdNm></ns2:order></ns2:orders>"


def name_in(body: bytes, charset: str | None = None) -> str | None:
    return rows(parse(body, charset), "order")[0]["prdNm"]


@pytest.mark.parametrize("declared", ["euc-kr", "EUC-KR", "ks_c_5601-1987", "ms949"])
def test_a_declared_euc_kr_is_read_as_windows_writes_it(declared: str) -> None:
    body = f'<?xml version="1.0" encoding="{declared}" standalone="yes"?>\n{an_answer()}'.encode("cp949")

    assert b"\x8c\x63" in body, "the syllable is in Windows' own range"
    assert name_in(body) == "똠양꿍"


def test_a_declaration_goes_before_the_header() -> None:
    body = f'<?xml version="1.0" encoding="utf-8"?>{an_answer()}'.encode()

    assert name_in(body, "euc-kr") == "똠양꿍"


def test_without_a_declaration_the_header_decides() -> None:
    assert name_in(an_answer().encode("cp949"), "euc-kr") == "똠양꿍"
    assert name_in(an_answer().encode(), "UTF-8") == "똠양꿍"


def test_without_both_it_is_korean_windows() -> None:
    assert name_in(an_answer().encode("cp949")) == "똠양꿍"


def test_a_byte_order_mark_does_no_harm() -> None:
    assert name_in(b"\xef\xbb\xbf" + f'<?xml version="1.0" encoding="UTF-8"?>{an_answer()}'.encode()) == "똠양꿍"


def test_utf8_under_the_name_of_euc_kr_is_still_read() -> None:
    body = f'<?xml version="1.0" encoding="euc-kr"?>{an_answer("가나다")}'.encode()

    assert name_in(body) == "가나다"


def test_one_broken_letter_holds_nothing_back() -> None:
    body = b'<?xml version="1.0" encoding="euc-kr"?><orders><order><ordNo>7</ordNo><prdNm>\xff\xff</prdNm></order></orders>'

    assert rows(parse(body), "order")[0]["ordNo"] == "7"


def test_characters_outside_the_code_page_come_as_references_and_forbidden_ones_are_dropped() -> None:
    body = b"<orders><order><prdNm>&#46624;&#x1F600;&#11;&#x0;a\x0bb</prdNm></order></orders>"

    assert name_in(body) == "똠\N{GRINNING FACE}ab"


@pytest.mark.parametrize("prefix", ["ns2:", "s2:", ""])
def test_elements_are_matched_by_their_local_names(prefix: str) -> None:
    space = f' xmlns:{prefix[:-1]}="urn:another"' if prefix else ""
    body = f"<{prefix}orders{space}><{prefix}order><{prefix}prdNm>x</{prefix}prdNm></{prefix}order></{prefix}orders>"

    assert name_in(body.encode()) == "x"


def test_empty_elements_and_the_text_null_are_nothing() -> None:
    element = ElementTree.fromstring("<order><a/><b>null</b><c> </c><d>nullable</d><e><f>1</f></e></order>")

    assert row(element) == {"a": None, "b": None, "c": None, "d": "nullable"}


@pytest.mark.parametrize("body", [
    b'<?xml version="1.0" encoding="euc-kr"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b'<?xml version="1.0"?>\n<!-- harmless --> <!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    b"<!DOCTYPE html><html></html>",
    b"<a>&undefined;</a>",
    b"<orders><order><ordNo>1</ordNo>",
    b'{"code": 1}',
    b"",
    b'<?xml version="1.0" encoding="klingon"?><a/>',
])
def test_what_cannot_be_trusted_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(body)


def test_a_request_is_euc_kr_with_references_for_what_it_lacks() -> None:
    body = document("ProductStock", {"prdNm": NAMES, "stckQty": 17})

    assert body.startswith(b'<?xml version="1.0" encoding="euc-kr"?><ProductStock>')
    assert b"&#46624;" in body
    assert "홍시험".encode("euc_kr") in body
    assert b"A&amp;B &lt;x&gt;" in body
    assert row(parse(body)) == {"prdNm": NAMES, "stckQty": "17"}


LAWFUL = st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")


@given(st.text(LAWFUL, max_size=40))
def test_any_text_comes_back_as_it_went(text: str) -> None:
    body = document("a", {"b": text})

    body.decode("euc_kr")
    expected = text.strip()
    assert row(parse(body))["b"] == (None if expected in ("", "null") else expected)
