"""The gateway in front of the sandbox Naver: who may call, how often, and the form of its refusals.

All of it goes by real time, however fast the shop's clock runs.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import bcrypt

from handlers.sandbox.answers import Answer, Refusal, Request, json_answer
from handlers.sandbox.state import BCRYPT_LETTERS, State

KOREA = ZoneInfo("Asia/Seoul")
TOKEN_LIFE = 10_800.0
RENEWED_BELOW = 1_800.0
SIGNATURE_MILLISECONDS = 300_000
RATE = 1_000.0
FORM = "application/x-www-form-urlencoded"


def stamp(moment: datetime) -> str:
    return moment.astimezone(KOREA).isoformat(timespec="milliseconds")


def refusal(status: int, code: str, message: str, **more: Any) -> Refusal:
    """Make a refusal in the form that gateway, orders and products share; the gate adds time and trace."""
    return Refusal(json_answer({"code": code, "message": message, **more}, status))


@dataclass(slots=True)
class Bucket:
    """What is left of an API's calls."""

    left: float
    at: float


@dataclass(frozen=True, slots=True)
class Issued:
    value: str
    ends: float


class Gate:
    """Tokens and limits of one application.

    rate  calls a second for each API; twice as many at once. A test or an operator may change it
    """

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock
        self._issued: list[Issued] = []
        self._lock = threading.Lock()
        self.rate = RATE
        self._buckets: defaultdict[str, Bucket] = defaultdict(lambda: Bucket(2 * self.rate, self._clock()))

    # -- who may call

    def drop_tokens(self) -> None:
        """Let all tokens be over."""
        with self._lock:
            self._issued.clear()

    def check_token(self, request: Request) -> None:
        """Refuse a call without a token that still lives."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        with self._lock:
            lives = any(issued.value == given and issued.ends > self._clock() for issued in self._issued)
        if scheme != "Bearer" or not lives:
            raise self.stale()

    @staticmethod
    def stale() -> Refusal:
        return refusal(401, "GW.AUTHN", "요청을 보낼 권한이 없습니다.")

    def token(self, request: Request) -> Answer:
        """Answer a token request that is of the documented form; others are refused with the reason."""
        form = self._form(request)
        now = self._clock()
        if form.get("client_id") != self._state.key("client_id"):
            raise refusal(403, "GW.AUTHN", "client_id 항목이 유효하지 않습니다.")
        timestamp = form.get("timestamp", "")
        if not timestamp.isdigit() or abs(now * 1000 - int(timestamp)) > SIGNATURE_MILLISECONDS:
            raise refusal(400, "BAD_REQUEST", "timestamp 항목이 유효하지 않습니다.")
        if not self._is_signed(form["client_id"], timestamp, form.get("client_secret_sign", "")):
            raise refusal(403, "GW.AUTHN", "client_secret_sign 항목이 유효하지 않습니다.")
        issued = self.issue(now)
        return json_answer(
            {"access_token": issued.value, "expires_in": int(issued.ends - now), "token_type": "Bearer"}
        )

    @staticmethod
    def _form(request: Request) -> dict[str, str]:
        if request.raw_query:
            raise refusal(400, "BAD_REQUEST", "인증 파라미터는 본문으로만 받습니다.")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise refusal(400, "BAD_REQUEST", f"Content-Type은 {FORM} 이어야 합니다.")
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            raise refusal(400, "BAD_REQUEST", "grant_type 항목이 유효하지 않습니다.")
        if form.get("type") != "SELF":
            raise refusal(400, "BAD_REQUEST", "type 항목이 유효하지 않습니다.")
        if "account_id" in form:
            raise refusal(400, "BAD_REQUEST", "type이 SELF이면 account_id를 보낼 수 없습니다.")
        return form

    def _is_signed(self, client_id: str, timestamp: str, sign: str) -> bool:
        secret = self._state.key("client_secret")
        # The last character of a salt carries two bits; bcrypt refuses one that shows more.
        salt = secret[:-1] + BCRYPT_LETTERS[BCRYPT_LETTERS.index(secret[-1]) & 0x30]
        expected = bcrypt.hashpw(f"{client_id}_{timestamp}".encode(), salt.encode())
        try:
            given = base64.b64decode(sign, validate=True)
        except ValueError:
            return False
        return hmac.compare_digest(expected, given)

    def issue(self, now: float) -> Issued:
        """Give the token that lives, or a new one when less than half an hour is left of it; the old one lives on."""
        with self._lock:
            self._issued = [issued for issued in self._issued if issued.ends > now]
            if not self._issued or self._issued[-1].ends - now < RENEWED_BELOW:
                self._issued.append(Issued(secrets.token_urlsafe(16), now + TOKEN_LIFE))
            return self._issued[-1]

    # -- how often

    def take(self, api: str) -> None:
        """Use up one call of an API, or refuse it."""
        with self._lock:
            bucket = self._filled(api)
            if bucket.left < 1:
                raise refusal(429, "GW.RATE_LIMIT", "요청이 많아 서비스를 일시적으로 사용할 수 없습니다.")
            bucket.left -= 1

    def _filled(self, api: str) -> Bucket:
        bucket, now = self._buckets[api], self._clock()
        bucket.left = min(2 * self.rate, bucket.left + (now - bucket.at) * self.rate)
        bucket.at = now
        return bucket

    def headers(self, api: str) -> dict[str, str]:
        """Make the headers that every answer carries."""
        with self._lock:
            left = self._filled(api).left
        return {
            "GNCP-GW-RateLimit-Replenish-Rate": f"{self.rate:g}", "GNCP-GW-RateLimit-Burst-Capacity": f"{2 * self.rate:g}",
            "GNCP-GW-RateLimit-Remaining": f"{int(left)}", "GNCP-GW-Trace-ID": f"cr3-000000-{secrets.token_hex(3)}",
        }

    def dressed(self, answer: Answer, api: str) -> Answer:
        """Give an answer the headers that every answer carries."""
        return replace(answer, headers={**answer.headers, **self.headers(api)})


def too_many(retry_after: float | None = None) -> Answer:
    answer = refusal(429, "GW.RATE_LIMIT", "요청이 많아 서비스를 일시적으로 사용할 수 없습니다.").answer
    return answer if retry_after is None else replace(answer, headers={**answer.headers, "Retry-After": f"{retry_after:g}"})


def quota(period: str) -> Answer:
    answer = refusal(429, "GW.QUOTA_LIMIT", "호출 한도를 초과하였습니다.").answer
    limits = {"GNCP-GW-Quota-Period": period, "GNCP-GW-Quota-Limit": "1", "GNCP-GW-Quota-Remaining": "0"}
    return replace(answer, headers={**answer.headers, **limits})
