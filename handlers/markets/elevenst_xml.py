"""11st speaks XML in EUC-KR: bytes to elements and back, whatever prefix or encoding an answer comes with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

Row = dict[str, str | None]

ENCODING = "euc-kr"
DECLARED = re.compile(rb"\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
DECLARATION = re.compile(r"\s*<\?xml\b.*?\?>", re.DOTALL)
BEFORE_THE_ROOT = re.compile(r"(?:\s+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# Python's euc-kr lacks 8,822 syllables that Windows, and so every market, sends under this name.
KOREAN = {"euc-kr", "euckr", "euc_kr", "ks_c_5601-1987", "ksc5601", "cp949", "ms949", "x-windows-949", "uhc"}


class Unreadable(ValueError):
    """What came is no XML that can be trusted."""


def parse(body: bytes, charset: str | None = None) -> ElementTree.Element:
    """Read an answer. Raises Unreadable for a cut-off body, another format, or a document type.

    charset  what the HTTP header says; the XML declaration goes before it, and cp949 stands in for both
    """
    text = FORBIDDEN.sub("", _text(body, charset))
    # ElementTree refuses a text that declares an encoding of several bytes.
    text = DECLARATION.sub("", text, count=1)
    # Entities need a document type, so refusing it keeps out bombs and foreign files.
    start = BEFORE_THE_ROOT.match(text)
    if start is not None and text[start.end():].startswith("<!"):
        raise Unreadable("a document type is not accepted")
    try:
        return ElementTree.fromstring(REFERENCE.sub(_allowed, text))
    except ElementTree.ParseError as error:
        raise Unreadable(f"not well-formed XML ({error})") from error


def _text(body: bytes, charset: str | None) -> str:
    body = body.removeprefix(b"\xef\xbb\xbf")
    declared = DECLARED.match(body)
    name = (declared[1].decode("ascii") if declared else charset or "cp949").lower()
    codec = "cp949" if name in KOREAN else name
    try:
        return body.decode(codec)
    except LookupError as error:
        raise Unreadable(f"unknown encoding {name[:40]}") from error
    except UnicodeDecodeError:
        pass
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        # One broken letter in an address must not hold back three thousand orders.
        return body.decode(codec, errors="replace")


def _allowed(reference: re.Match[str]) -> str:
    """Drop a reference to a character that XML forbids; buyers paste such things into their wishes."""
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    lawful = number in (9, 10, 13) or 0x20 <= number <= 0xD7FF or 0xE000 <= number <= 0xFFFD or 0x10000 <= number <= 0x10FFFF
    return reference[0] if lawful else ""


def encode(root: ElementTree.Element) -> bytes:
    """Write a request in EUC-KR; what KS X 1001 lacks goes as a character reference."""
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="{ENCODING}"?>'.encode() + b"".join(map(_bytes, text))


def _bytes(letter: str) -> bytes:
    # The codec writes syllables outside KS X 1001 as eight bytes, which other systems do not read.
    written = letter.encode("euc_kr", errors="ignore")
    return written if len(written) in (1, 2) else f"&#{ord(letter)};".encode()


def document(name: str, fields: Mapping[str, object]) -> bytes:
    """Write a request of one level: an element with these children."""
    root = ElementTree.Element(name)
    for field, value in fields.items():
        ElementTree.SubElement(root, field).text = str(value)
    return encode(root)


def local(element: ElementTree.Element) -> str:
    """Name an element without its namespace, which differs between answers."""
    return element.tag.rpartition("}")[2]


def children(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (child for child in root if local(child) == name)


def row(element: ElementTree.Element) -> Row:
    """Read an element's children as fields; an empty one and the literal text ``null`` are None."""
    return {local(child): _value(child.text) for child in element if not len(child)}


def rows(root: ElementTree.Element, name: str) -> list[Row]:
    return [row(element) for element in children(root, name)]


def _value(text: str | None) -> str | None:
    text = (text or "").strip()
    return None if text in ("", "null") else text
