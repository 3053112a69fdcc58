"""Ask the web process of this machine whether it lives."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from scheduler.settings import Settings

LIMIT_SECONDS = 2.0
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def answers(settings: Settings, url: str) -> bool:
    """Say whether the web process of *url* answers, asked where it listens and not through a proxy."""
    port = urlsplit(url).port or settings.web_port
    connection = _connection(settings, port)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        body = json.loads(answer.read(1000))
        return answer.status == 200 and answer.getheader("X-Trace-Id") is not None and body == {"status": "ok"}
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connection(settings: Settings, port: int) -> http.client.HTTPConnection:
    host = settings.web_host.strip("[]")
    host = "127.0.0.1" if host == "localhost" else WILDCARDS.get(host, host)
    if settings.web_cert is None:
        return http.client.HTTPConnection(host, port, timeout=LIMIT_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # asked is only whether it lives; nothing secret is sent
    return http.client.HTTPSConnection(host, port, timeout=LIMIT_SECONDS, context=context)
