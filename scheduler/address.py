"""Where the dashboard is, and whether it may be there: what the daemon and the web process both have to know."""

from __future__ import annotations

import errno
import ipaddress
import socket

from scheduler.errors import ConfigError, Conflict
from scheduler.settings import Settings
from scheduler.words import say

BACKLOG = 512
SUPERVISOR = "ERP_SCHEDULER_SUPERVISOR"
"""The variable that names the daemon's process to the web process that it keeps."""


def check_address(settings: Settings) -> None:
    """Refuse to be reached from elsewhere without encryption. Raises ConfigError with the ways out."""
    if (settings.web_cert is None) != (settings.web_key is None):
        raise ConfigError(say("인증서와 키를 함께 쓰세요: ERP_SCHEDULER_WEB_CERT, ERP_SCHEDULER_WEB_KEY",
                              "a certificate needs its key: ERP_SCHEDULER_WEB_CERT and ERP_SCHEDULER_WEB_KEY"))
    if is_loopback(settings.web_host) or settings.web_cert is not None or settings.web_behind_proxy:
        return
    raise ConfigError(say(
        f"{settings.web_host}: 밖에서 닿는 주소는 암호화 없이 열지 않습니다\n"
        "앞에 HTTPS 프록시가 있으면 --behind-proxy\n"
        "직접 열려면 ERP_SCHEDULER_WEB_CERT와 ERP_SCHEDULER_WEB_KEY\n이 컴퓨터에서만 쓰려면 --host 127.0.0.1",
        f"{settings.web_host}: an address that others can reach is not opened without encryption\n"
        "behind an HTTPS proxy: --behind-proxy\n"
        "by itself: ERP_SCHEDULER_WEB_CERT and ERP_SCHEDULER_WEB_KEY\nfor this machine only: --host 127.0.0.1",
    ))


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches *host*."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin(settings: Settings) -> str:
    """Return where the web is, as a person types it, without a path: ``http://localhost:3000``."""
    named = next((name.strip() for name in settings.web_hosts.split(",") if name.strip()), None)
    if settings.web_behind_proxy and named is not None:
        return f"https://{named}"
    scheme = "https" if settings.web_cert is not None else "http"
    host = "localhost" if is_loopback(settings.web_host) else named or settings.web_host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.web_port}"


def address(settings: Settings) -> str:
    """Return the address of the dashboard, as a person types it."""
    return f"{origin(settings)}/scheduler"


def set_up_link(settings: Settings, secret: str) -> str:
    """Return the address at which the first account is made."""
    return f"{address(settings)}/setup/{secret}"


def open_socket(settings: Settings) -> socket.socket:
    """Listen on the address. Raises Conflict when the port is taken, ConfigError when the address cannot be had."""
    host, port = settings.web_host.strip("[]"), settings.web_port
    # The protocol has to be named: only then asyncio turns Nagle's waiting off, which costs 40 ms an answer.
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(BACKLOG)  # now, not when the application is ready: two may bind one port, only one listens
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(port_taken(port)) from None
        raise ConfigError(f"{host}:{port}: {error.strerror}\n" + say(
            "이 컴퓨터의 주소와 1024 이상의 포트를 쓰세요: --host, --port",
            "use an address of this machine and a port from 1024 on: --host, --port")) from None
    opened.setblocking(False)
    return opened


def port_taken(port: int) -> str:
    """Say that the port is taken and what to type."""
    return say(f"포트 {port}을(를) 다른 프로그램이 쓰고 있습니다", f"port {port} is taken by another program") + (
        f"\nss -ltnp 'sport = :{port}'\nerp-scheduler web --port {port + 1}   (start --port {port + 1})")
