"""Attacks by names of hosts and by plain HTTP; each test named after its attack."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from scheduler.address import address, allowed_hosts, check_address
from scheduler.errors import ConfigError
from scheduler.settings import Settings
from scheduler.web.guards import host_name
from scheduler.words import set_language
from tests.web.conftest import HTML, Web

CERTIFICATE = {"web_cert": Path("c"), "web_key": Path("k")}


@pytest.mark.parametrize(("host", "name"), [
    ("192.0.2.7", "192.0.2.7"), ("2001:DB8::5", "[2001:db8::5]"), ("[2001:db8::5]", "[2001:db8::5]"),
    ("ERP.example.com", "erp.example.com"),
])
def test_the_address_that_is_printed_is_not_refused(host: str, name: str) -> None:
    settings = Settings(web_host=host, **CERTIFICATE)
    check_address(settings)
    printed = address(settings)
    assert printed == f"https://{name}:3000/scheduler"
    assert host_name(printed.split("/")[2]) in allowed_hosts(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_every_address_is_no_name_of_a_host(host: str) -> None:
    settings = Settings(web_host=host, **CERTIFICATE)
    assert allowed_hosts(settings) == ["localhost", "127.0.0.1", "[::1]"]
    assert address(settings) == "https://localhost:3000/scheduler", "what is printed can be opened"


@pytest.mark.parametrize(("entry", "asked"), [
    ("ERP.example.com:8443", "erp.example.com:8443"), ("erp.example.com.", "erp.example.com"), ("10.0.0.5:81", "10.0.0.5:3000"),
    ("2001:DB8:0::3", "[2001:db8::3]:3000"), ("[2001:db8::3]:8443", "[2001:db8::3]:8443"), ("intra_net", "INTRA_NET"),
])
def test_entries_with_ports_capitals_and_brackets_let_their_host_in(entry: str, asked: str) -> None:
    assert host_name(asked) in allowed_hosts(Settings(web_hosts=f" {entry} ,b"))


@pytest.mark.parametrize("entry", [
    "https://erp.example.com", "erp.example.com/scheduler", "*", "*.example.com", "erp example.com", "a:b", "[2001:db8::3",
    "300.1.1.1", "erp.example.com:123456", "user@erp", "2130706433", ":8443", "쿠팡.kr",
])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_an_entry_that_is_no_host_stops_the_start_in_words(entry: str, language: str) -> None:
    set_language(language)
    with pytest.raises(ConfigError, match="호스트 이름이 아닙니다" if language == "ko" else "this is no host name") as refused:
        check_address(Settings(web_hosts=f"b,{entry}"))
    assert entry in str(refused.value) and "ERP_SCHEDULER_WEB_HOSTS=" in str(refused.value)


def test_behind_a_proxy_the_port_of_an_entry_is_the_proxys() -> None:
    assert address(Settings(web_behind_proxy=True, web_hosts="ERP.example.com:8443")) == "https://erp.example.com:8443/scheduler"


def test_a_served_host_is_let_in_by_its_own_name_only(
    database: str, connection: psycopg.Connection[object], tmp_path: Path
) -> None:
    web = Web(database, tmp_path, web_host="127.0.0.5", web_hosts="ERP.example.com:8443")
    try:
        for host, status in (("127.0.0.5:3000", 200), ("erp.example.com", 200), ("localhost", 200), ("evil.example", 421)):
            assert web.ask["none"].get("/healthz", headers={"Host": host}).status_code == status, host
    finally:
        web.close()


def test_strict_transport_is_said_behind_a_proxy_that_says_https_and_nowhere_else(
    database: str, connection: psycopg.Connection[object], tmp_path: Path
) -> None:
    for behind_proxy in (True, False):
        web = Web(database, tmp_path, web_behind_proxy=behind_proxy)
        try:
            for proto, there in (("https", behind_proxy), ("http", False)):
                for path in ("/login", "/healthz", "/nowhere"):
                    answer = web.ask["none"].get(path, headers={**HTML, "X-Forwarded-Proto": proto})
                    assert ("strict-transport-security" in answer.headers) is there, (path, proto)
            assert "strict-transport-security" not in web.ask["none"].get("/healthz").headers
        finally:
            web.close()
