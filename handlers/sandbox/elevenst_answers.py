"""The XML that the sandbox 11st speaks: EUC-KR as Windows writes it, a prefix before most names, codes in the body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from handlers.sandbox.answers import Answer, Refusal

NAMESPACE = "http://skt.tmall.business.openapi.spring.service.client.domain/"
NO_USER = "OpenAPI Key 에 해당하는 유저가 없습니다."
NO_ROWS = "조회된 결과가 없습니다."
NO_CLAIMS = "해당 건이 없습니다."
MAINTENANCE = "서버 점검중입니다."
DECLARATION = re.compile(r"<\?xml[^>]*encoding=[\"']([\w-]+)[\"'][^>]*\?>")

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Style:
    """How an answer is written: sources disagree, so a caller has to read every way."""

    prefix: bool = True
    utf8: bool = False


STYLE: ContextVar[Style] = ContextVar("style")


def xml_answer(content: str, status: int = 200) -> Answer:
    """Make an answer of XML. Letters that KS X 1001 lacks go out in Windows' code under the name euc-kr."""
    style = STYLE.get(Style())
    name, codec = ("utf-8", "utf-8") if style.utf8 else ("euc-kr", "cp949")
    text = f'<?xml version="1.0" encoding="{name}" standalone="yes"?>\n{content}'
    return Answer(status, text.encode(codec, errors="xmlcharrefreplace"), {"Content-Type": f"text/xml;charset={name}"})


def fields(content: Fields) -> str:
    """Write fields as elements; None becomes an empty element."""
    return "".join(f"<{name}>{'' if value is None else escape(str(value))}</{name}>" for name, value in content.items())


def rows_answer(root: str, name: str, rows: Iterable[Fields], head: Fields | None = None) -> Answer:
    """Answer a list: prefixed elements around plain fields; head: fields of the root itself, prefixed as well."""
    prefix, declared = _prefix()
    inner = fields({prefix + key: value for key, value in (head or {}).items()})
    inner += "".join(f"<{prefix}{name}>{fields(row)}</{prefix}{name}>\n" for row in rows)
    return xml_answer(f"<{prefix}{root}{declared}>\n{inner}</{prefix}{root}>")


def _prefix() -> tuple[str, str]:
    return ("ns2:", f' xmlns:ns2="{NAMESPACE}"') if STYLE.get(Style()).prefix else ("", "")


def list_code(code: int, text: str) -> Answer:
    """Answer a list of orders or claims with a code instead of rows; HTTP 200, as it is with errors too."""
    return rows_answer("orders", "order", (), {"result_code": code, "result_text": text})


def orders_answer(rows: Sequence[Fields], nothing: tuple[int, str]) -> Answer:
    """Answer rows of orders, or what the list says when there are none."""
    return rows_answer("orders", "order", rows) if rows else list_code(*nothing)


def result_order(code: int, text: str) -> Answer:
    """Answer a confirmation."""
    return xml_answer(f"<ResultOrder>{fields({'openMallID': '11ST', 'result_code': code, 'result_text': text})}</ResultOrder>")


def client_message(number: object, message: str, code: int, **more: object) -> Answer:
    """Answer a write of stock, price or display."""
    content = {"productNo": number, "message": message, **more, "resultCode": code}
    return xml_answer(f"<ClientMessage>{fields(content)}</ClientMessage>")


def auth_message() -> Answer:
    """Answer to an address or a method that does not exist."""
    content = {"resultCode": -997, "resultMessage": "등록된 API 정보가 존재하지 않습니다."}
    return xml_answer(f"<AuthMessage>{fields(content)}</AuthMessage>", 500)



def request_fields(body: bytes, root_name: str) -> dict[str, str]:
    """Read a request: EUC-KR in the strict sense unless UTF-8 is declared. Raises Refusal with code 400."""
    bad = Refusal(client_message("", "잘못된 요청입니다.", 400))
    declared = DECLARATION.match(body[:200].decode("ascii", errors="replace"))
    if declared is None or b"<!DOCTYPE" in body:
        raise bad
    codec = "utf-8" if declared[1].lower() == "utf-8" else "euc_kr"
    try:
        root = ElementTree.fromstring(DECLARATION.sub("", body.decode(codec), count=1))
    except (UnicodeDecodeError, ElementTree.ParseError):
        raise bad from None
    if root.tag != root_name:
        raise bad
    return {child.tag: (child.text or "").strip() for child in root}
