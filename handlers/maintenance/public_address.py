"""Where a request may go: addresses of the public internet, unless the job says otherwise."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from scheduler.handler import GiveUp


class Unresolved(Exception):
    """The name has no address at the moment: worth another attempt."""


def read_url(url: str) -> SplitResult:
    """Take a URL apart. Raises GiveUp for anything but http and https, or with a password in it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise GiveUp("url must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise GiveUp("url must not hold a name or password; use a header with secret://…")
    return parts


def shown(parts: SplitResult) -> str:
    """Return the address as it may stand in messages: without the query, where keys are often put."""
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def resolve(parts: SplitResult, allow_private: bool) -> str:
    """Return one address of the host that may be asked: the request goes there and nowhere else.

    Raises  Unresolved; GiveUp when any of its addresses is not public
    """
    host = parts.hostname or ""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Unresolved(f"{host} cannot be resolved: {error}") from None
    private = [address for address in found if not is_public(address)]
    if private and not allow_private:
        raise GiveUp(f"{host} is {private[0]}, which is not a public address; allow_private = true lets the job go there")
    return found[0]


def is_public(address: str) -> bool:
    """Say whether an address is one of the public internet, also when it is an IPv4 address inside an IPv6 one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        nat64 = ipaddress.IPv6Network("64:ff9b::/96")
        if inner is None and parsed in nat64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return parsed.is_global and not parsed.is_multicast
