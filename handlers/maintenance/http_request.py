"""Send one HTTP request and hold the answer's status against what was expected."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult

import httpx

from handlers.maintenance.public_address import read_url, resolve, shown
from scheduler.handler import Context, Field, GiveUp, Retry, handler

LONGEST_BODY = 50 * 1024 * 1024
LONGEST_WAIT = 3600
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class UnexpectedAnswer(Exception):
    """The other side answered with another status; another attempt may fare better."""


@handler("http_request", timeout="5m", retries=3)
async def send_request(
    context: Context,
    url: Annotated[str, Field(min_length=8, max_length=4000)],
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET",
    expected_status: Annotated[list[int], Field(max_length=100, description="none: 200 to 299")] | None = None,
    headers: Annotated[dict[str, str], Field(max_length=50, description="a value may be secret://env/NAME")] | None = None,
    body: Annotated[Any, Field(description="sent as JSON")] = None,
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30,
    allow_private: Annotated[bool, Field(description="also addresses of this network")] = False,
) -> dict[str, Any]:
    """Send an HTTP request; succeeds with the expected status. Redirects are not followed."""
    parts = read_url(url)
    request = prepare(context, parts, method, headers or {}, body, resolve(parts, allow_private))
    request.extensions["timeout"] = httpx.Timeout(timeout_seconds).as_dict()
    began = time.perf_counter()
    answer = await context.http.send(request, stream=True, follow_redirects=False)
    try:
        size = await body_size(context, answer)
    finally:
        await answer.aclose()
    figures = {"status": answer.status_code, "bytes": size, "milliseconds": round((time.perf_counter() - began) * 1000)}
    context.log.info("http.answered", method=method, url=shown(parts), **figures)
    if is_expected(answer.status_code, expected_status):
        return {"method": method, "url": shown(parts), **figures}
    raise judged(answer, f"{method} {shown(parts)} answered {answer.status_code}")


def prepare(
    context: Context, parts: SplitResult, method: str, headers: dict[str, str], body: Any, address: str
) -> httpx.Request:
    """Make the request to the address that was looked at; a name that is asked again may lead elsewhere."""
    taken = sorted(set(map(str.lower, headers)) & OURS)
    if taken:
        raise GiveUp(f"headers: {', '.join(taken)} cannot be chosen")
    own = {name: context.secret(value) if value.startswith("secret://") else value for name, value in headers.items()}
    if method not in ("GET", "HEAD") and not any(name.lower() == "idempotency-key" for name in own):
        own["Idempotency-Key"] = context.idempotency_key
    target = httpx.URL(parts.geturl())
    request = context.http.build_request(
        method, target.copy_with(host=address), headers={**own, "Host": target.netloc.decode("ascii")},
        **({} if body is None else {"json": body}))
    # The certificate must still be that of the name.
    request.extensions["sni_hostname"] = target.raw_host.decode("ascii")
    return request


async def body_size(context: Context, answer: httpx.Response) -> int:
    """Read the body to its end and return its size. Raises GiveUp when it does not seem to end."""
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        context.check_cancelled()
        if size > LONGEST_BODY:
            raise GiveUp(f"the answer is longer than {LONGEST_BODY // 1024 // 1024} MB")
    return size


def is_expected(status: int, expected: list[int] | None) -> bool:
    return status in expected if expected else 200 <= status <= 299


def judged(answer: httpx.Response, message: str) -> Exception:
    """Return what an unexpected status means: later, never, or another attempt."""
    if answer.status_code in (429, 503):
        wait = answer.headers.get("retry-after", "")
        return Retry(message, after=min(int(wait), LONGEST_WAIT) if wait.isascii() and wait.isdigit() else None)
    if answer.status_code >= 500 or answer.status_code == 408:
        return UnexpectedAnswer(message)
    return GiveUp(message)
