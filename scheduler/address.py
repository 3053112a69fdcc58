"""Where the dashboard is, and whether it may be there: what the daemon and the web process both have to know."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket

from scheduler.errors import ConfigError, Conflict
from scheduler.settings import Settings
from scheduler.words import say

BACKLOG = 512
SUPERVISOR = "ERP_SCHEDULER_SUPERVISOR"
"""The variable that names the daemon's process to the web process that it keeps."""
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
NAME = re.compile(r"(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
PORT = re.compile(r":([0-9]{1,5})$")


def check_address(settings: Settings) -> None:
    """Refuse to be reached from elsewhere without encryption, or by what is no name. Raises ConfigError with the ways out."""
    allowed_hosts(settings)
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
    named = next(iter(names(settings)), None)
    if settings.web_behind_proxy and named is not None:
        return f"https://{named[0]}{named[1]}"
    scheme = "https" if settings.web_cert is not None else "http"
    if is_loopback(settings.web_host):
        host = "localhost"
    else:
        host = named[0] if named is not None else own_name(settings) or "localhost"
    return f"{scheme}://{host}:{settings.web_port}"


def names(settings: Settings) -> list[tuple[str, str]]:
    """Return each name of ``web_hosts`` as browsers write it, and its port with a colon if it has one. Raises ConfigError."""
    return [_name_of(entry.strip()) for entry in settings.web_hosts.split(",") if entry.strip()]


def own_name(settings: Settings) -> str | None:
    """Return the address that is listened at as browsers write it, None when that means every address."""
    name, _ = _name_of(settings.web_host)
    return None if name in ("0.0.0.0", "[::]") else name


def allowed_hosts(settings: Settings) -> list[str]:
    """Return the names that a request may be addressed to: this machine, where we listen, and ``web_hosts``."""
    own = own_name(settings)
    return [*LOOPBACK, *([own] if own is not None else []), *(name for name, _ in names(settings))]


def _name_of(entry: str) -> tuple[str, str]:
    """Return (name, port) of ``ERP.example.com:8443``, ``2001:db8::5`` or ``[2001:db8::5]:8443``. Raises ConfigError."""
    name, port = entry.lower(), ""
    if name.startswith("[") or name.count(":") == 1:
        found = PORT.search(name)
        if found is not None:
            name, port = name[:found.start()], found[0]
    try:
        plain = ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
        return (f"[{plain}]" if plain.version == 6 else str(plain)), port
    except ValueError:
        name = name.removesuffix(".")
    if NAME.fullmatch(name) and not name.replace(".", "").isdigit():
        return name, port
    raise ConfigError(say(
        f"{entry}: 호스트 이름이 아닙니다\nERP_SCHEDULER_WEB_HOSTS=erp.example.com,10.0.0.5  (https://와 경로 없이, 쉼표로 나눔)",
        f"{entry}: this is no host name\nERP_SCHEDULER_WEB_HOSTS=erp.example.com,10.0.0.5  (no https://, no path)",
    ))


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
