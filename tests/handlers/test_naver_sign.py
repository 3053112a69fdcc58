"""Naver's signature against the published vectors, and the form of a token request."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.markets.base import AuthFailed
from handlers.markets.naver_sign import ALPHABET, checked, normalised, signature, token_form
from tests.handlers.naver_support import an_account

VECTORS = [
    ("aaaabbbbcccc", "$2a$10$abcdefghijklmnopqrstuv", 1643961623299,
     "JDJhJDEwJGFiY2RlZmdoaWprbG1ub3BxcnN0dXVCVldZSk42T0VPdEx1OFY0cDQxa2IuTnpVaUEzbmsy"),
    ("testClientId0001", "$2a$04$N9qo8uLOickgx2ZMRZoMye", 1772988923000,
     "JDJhJDA0JE45cW84dUxPaWNrZ3gyWk1SWm9NeWUwTkxZbVBUcFk2c0xsa0N0NndlSWI1QkRiL0ozSHlp"),
    ("3mK9xTestOnlyAppId22cd", "$2a$10$Vq1wE2rT3yU4iO5pA6sD7e", 1772988923123,
     "JDJhJDEwJFZxMXdFMnJUM3lVNGlPNXBBNnNEN2VMWkZwT094N1ZhN3A5NjlnNzFnaURMV09CTHhwTjA2"),
]


@pytest.mark.parametrize(("client_id", "secret", "timestamp", "sign"), VECTORS)
def test_the_vectors_are_signed_as_published(client_id: str, secret: str, timestamp: int, sign: str) -> None:
    assert signature(client_id, secret, timestamp) == sign


@settings(max_examples=30, deadline=None)
@given(st.text(ALPHABET, min_size=22, max_size=22))
def test_every_secret_of_the_right_form_can_be_hashed(characters: str) -> None:
    salt = normalised(f"$2a$04${characters}")

    hashed = bcrypt.hashpw(b"x", salt.encode())

    assert hashed.startswith(salt.encode())
    assert salt[:-1] == f"$2a$04${characters}"[:-1]
    assert salt[-1] in ".Oeu"


@pytest.mark.parametrize("secret", [
    "", "abcdefghijklmnopqrstuv", "/usr/bin/bash4$N9qo8uLOickgx2ZMRZoMye", "$2a$04$N9qo8uLOickgx2ZMRZoMy",
    "$2a$04$N9qo8uLOickgx2ZMRZoMy!",
    "$2a$04$N9qo8uLOickgx2ZMRZoMye\n", "$2a$31$N9qo8uLOickgx2ZMRZoMye", "$2a$03$N9qo8uLOickgx2ZMRZoMye",
])
def test_a_secret_of_another_form_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(AuthFailed, match=r"naver: client_secret is not of the form \$2a\$10\$") as error:
        checked(an_account(), secret)

    assert len(secret) < 5 or secret not in str(error.value)


def test_the_token_request_has_its_five_parameters_in_the_body() -> None:
    form = parse_qs(token_form("testClientId0001", "$2a$04$N9qo8uLOickgx2ZMRZoMye", 1772988923000).decode(), strict_parsing=True)

    assert form.keys() == {"client_id", "timestamp", "client_secret_sign", "grant_type", "type"}
    assert form["type"] == ["SELF"]
    assert form["grant_type"] == ["client_credentials"]
    assert base64.b64decode(form["client_secret_sign"][0]).startswith(b"$2a$04$")
