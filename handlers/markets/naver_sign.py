"""Naver's way to prove who asks: the bcrypt signature and the form of a token request. Nothing here calls anybody.

Source: apicenter.commerce.naver.com/docs/auth, and notice 3751 of github.com/commerce-api-naver/commerce-api (what a
token request must look like, or else one call an hour); read in November 2026.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import urlencode

import bcrypt

from handlers.markets.base import Account, AuthFailed

TOKEN_PATH = "/v1/oauth2/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
SECRET = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{22}")
ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
COSTS = range(4, 15)
"""Each step doubles the time: a mistyped cost must not keep a processor busy for hours."""


def checked(account: Account, secret: str) -> str:
    """Return the client secret. Raises AuthFailed, which never shows it, when it is not a bcrypt salt."""
    match = SECRET.fullmatch(secret)
    if match is None or int(match["cost"]) not in COSTS:
        raise AuthFailed(
            f"{account.label}: client_secret is not of the form $2a$10$ and 22 characters; a shell or an .env file "
            "swallows its $ parts unless it stands in single quotes"
        )
    return secret


def normalised(salt: str) -> str:
    """Clear the bits that the last character of a salt must not carry.

    22 characters hold 132 bits and a salt has 128: bcrypt 4 and 5 refuse what older ones cut off in silence.
    """
    return salt[:-1] + ALPHABET[ALPHABET.index(salt[-1]) & 0x30]


def signature(client_id: str, client_secret: str, timestamp: int) -> str:
    """Make client_secret_sign; takes up to a tenth of a second.

    timestamp  Unix time in milliseconds
    """
    password = f"{client_id}_{timestamp}".encode()
    return base64.b64encode(bcrypt.hashpw(password, normalised(client_secret).encode())).decode()


def token_form(client_id: str, client_secret: str, timestamp: int) -> bytes:
    """Make the body of a token request; account_id has no place in one of type SELF."""
    return urlencode({
        "client_id": client_id, "timestamp": timestamp, "client_secret_sign": signature(client_id, client_secret, timestamp),
        "grant_type": "client_credentials", "type": "SELF",
    }).encode()
