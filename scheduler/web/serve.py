"""The web process: refuse what is not safe, then serve until told to stop."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from scheduler.errors import ConfigError, Conflict
from scheduler.settings import Settings
from scheduler.words import say

GRACE_SECONDS = 3


def check_address(settings: Settings) -> None:
    """Refuse to be reached from elsewhere without encryption. Raises ConfigError with the ways out."""
    if (settings.web_cert is None) != (settings.web_key is None):
        raise ConfigError(say("인증서와 키를 함께 쓰세요: ERP_SCHEDULER_WEB_CERT, ERP_SCHEDULER_WEB_KEY",
                              "a certificate needs its key: ERP_SCHEDULER_WEB_CERT and ERP_SCHEDULER_WEB_KEY"))
    if _is_loopback(settings.web_host) or settings.web_cert is not None or settings.web_behind_proxy:
        return
    raise ConfigError(say(
        f"{settings.web_host}: 밖에서 닿는 주소는 암호화 없이 열지 않습니다\n"
        "  앞에 HTTPS 프록시가 있으면 --behind-proxy\n"
        "  직접 열려면 ERP_SCHEDULER_WEB_CERT와 ERP_SCHEDULER_WEB_KEY\n  이 컴퓨터에서만 쓰려면 --host 127.0.0.1",
        f"{settings.web_host}: an address that others can reach is not opened without encryption\n"
        "  behind an HTTPS proxy: --behind-proxy\n"
        "  by itself: ERP_SCHEDULER_WEB_CERT and ERP_SCHEDULER_WEB_KEY\n  for this machine only: --host 127.0.0.1",
    ))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def address(settings: Settings) -> str:
    """Return the address of the dashboard, as a person types it."""
    scheme = "https" if settings.web_cert is not None else "http"
    host = "localhost" if _is_loopback(settings.web_host) else settings.web_host
    return f"{scheme}://{host}:{settings.web_port}/scheduler"


def serve(settings: Settings, dsn: str, ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT.

    ready   called with the address once it is open
    Raises  ConfigError; Conflict when the port is taken
    """
    check_address(settings)
    import uvicorn

    from scheduler.web.app import make_app

    config = uvicorn.Config(
        make_app(settings, dsn), host=settings.web_host, port=settings.web_port, log_config=None, access_log=False,
        server_header=False, date_header=True, timeout_graceful_shutdown=GRACE_SECONDS, proxy_headers=settings.web_behind_proxy,
        forwarded_allow_ips="*" if settings.web_behind_proxy else None,
        ssl_certfile=settings.web_cert, ssl_keyfile=settings.web_key, lifespan="on", h11_max_incomplete_event_size=32 * 1024,
    )
    try:
        opened = config.bind_socket()
    except SystemExit:
        raise Conflict(say(f"포트 {settings.web_port}을(를) 다른 프로그램이 쓰고 있습니다",
                           f"port {settings.web_port} is taken by another program")
                       + f"\nerp-scheduler web --port {settings.web_port + 1}") from None
    ready(address(settings))
    uvicorn.Server(config).run(sockets=[opened])
    return 0
