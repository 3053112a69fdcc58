"""Attacks by requests: paths, hosts, other sites, hostile text, sizes; each test named after its attack."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from scheduler.web.guards import MOST_BYTES
from scheduler.web.people import COOKIE
from tests.support.daemons import LIMIT, Rows
from tests.web import rights_page
from tests.web.conftest import HTML, Web
from tests.web.people import Browser, add_user, logged_in
from tests.web.test_rights import SAFE, path_of, status

GUARDED = [path_of(path) for method, path, role in rights_page.routes() if method == "GET" and role is not None]
IMG = "<img src=x onerror=alert(1)>"
CUT_OFF = 400
FORM = "application/x-www-form-urlencoded"
# What would run in a browser without asking: links with a scheme of their own, handlers and styles within the page.
RUNS = re.compile(r"""(?:href|src|action|formaction)\s*=\s*["']?\s*(?:javascript|data):|<[^>]*\son\w+\s*=\s*["']"""
                  r"""|<[^>]*\sstyle\s*=|<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)""", re.I)


def raw(web: Web, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Send exactly this path; a client library would tidy it."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=LIMIT)
    try:
        connection.putrequest(method, path, skip_host=bool(headers and "Host" in headers))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(4000)
    except ConnectionResetError:
        return CUT_OFF, b""
    finally:
        connection.close()


# -- paths ------------------------------------------------------------------------------------------------------------


def spellings(path: str) -> Iterator[str]:
    """Yield other ways to write *path* that have opened guarded pages elsewhere."""
    yield from (path.upper(), path.title(), "/" + path, path.replace("/", "//"), path + "/", path + "/.")
    yield from (path + "%2f", path + "%00", "/%2e" + path, "/." + path, "/healthz/.." + path, "/healthz/%2e%2e" + path)
    yield from ("/login/..;" + path, path + ";x=y")
    yield from (path + ".json", path + "?", path + "%20", path + "/..%2f" + path.rpartition("/")[2])
    yield from (path.replace("s", "%73", 1), "/scheduler/static/.." + path.removeprefix("/scheduler"))


@pytest.mark.parametrize("path", [
    "/scheduler", "/scheduler/users", "/scheduler/audit", "/api/v1/status", "/api/v1/users", "/metrics"])
def test_path_tricks_case_slashes_dots_and_encodings_open_nothing(web: Web, path: str) -> None:
    assert path in GUARDED
    for spelt in spellings(path):
        found, _ = raw(web, "GET", spelt)
        assert found in (401, 404, 405), (spelt, found)


def test_path_tricks_on_the_static_files_read_no_other_file(web: Web) -> None:
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/..%5capp.py", "//etc/passwd", "/%2fetc%2fpasswd",
                 "/....//app.py", "/../templates/base.html", "/app.css%00.py"):
        found, text = raw(web, "GET", "/scheduler/static" + path)
        assert found in (401, 404) and b"import" not in text and b"root:" not in text, path


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_override_is_not_obeyed(web: Web, rows: Rows, name: str) -> None:
    job = rows.add_job("재고")
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    web.ask["admin"].post("/api/v1/locks?_method=DELETE", headers={name: "DELETE"})
    web.ask["admin"].get(f"/api/v1/locks/{job}?_method=DELETE", headers={name: "DELETE"})
    web.ask["viewer"].get(f"/scheduler/locks/{job}/release?_method=POST", headers={name: "POST"})
    web.ask["admin"].get(f"/api/v1/jobs/{job}", headers={name: "DELETE"})
    assert rows.one("SELECT count(*) FROM schedule_locks") == 1 and rows.one("SELECT count(*) FROM schedule_jobs") == 1


def test_headers_of_proxies_that_name_another_path_are_not_read(web: Web) -> None:
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Prefix"):
        assert raw(web, "GET", "/scheduler/users", {name: "/healthz"})[0] == 401


# -- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "", "0", "localhost@evil.example",
    "[::1].evil.example", "0.0.0.0", "2130706433", "evil.example#localhost", "localhost:evil.example", "localhost, evil.example"])
def test_dns_rebinding_another_host_name_is_refused(web: Web, host: str) -> None:
    for path in ("/healthz", "/scheduler/users", "/login", "/scheduler/static/app.css"):
        sent = {"Host": host, "Authorization": "Bearer erps_admin", "X-Forwarded-Host": "localhost"}
        found, text = raw(web, "GET", path, sent)
        assert found in (400, 421) and b"kim" not in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1:1", "[::1]:3000"])
def test_the_names_of_this_machine_are_answered(web: Web, host: str) -> None:
    assert raw(web, "GET", "/healthz", {"Host": host})[0] == 200


# -- other sites ------------------------------------------------------------------------------------------------------


def test_csrf_a_form_or_fetch_of_another_site_changes_nothing(web: Web, rows: Rows) -> None:
    add_user(rows.connection, "kim")
    add_user(rows.connection, "lee")
    job = rows.add_job("재고")
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    path = f"/scheduler/locks/{job}/release"
    with logged_in(web, "kim") as browser, logged_in(web, "lee") as other:
        csrf, cookie = browser.csrf(), browser.client.cookies[COOKIE]
        here = f"http://127.0.0.1:{web.port}"
        for headers, token in (
            ({"Origin": "https://evil.example"}, csrf), ({"Origin": "null"}, csrf), ({"Sec-Fetch-Site": "cross-site"}, csrf),
            ({"Sec-Fetch-Site": "same-site"}, csrf), ({"Origin": f"http://127.0.0.1:{web.port + 1}"}, csrf),
            ({"Origin": f"{here}.evil.example"}, csrf), ({}, ""), ({}, "x"), ({}, other.csrf()), ({"Origin": here}, ""),
            ({"Sec-Fetch-Site": "same-origin"}, ""), ({"Referer": here}, ""),
        ):
            sent = httpx.post(web.url + path, data={"csrf": token}, headers={"Cookie": f"{COOKIE}={cookie}", **headers})
            assert sent.status_code == 403, (headers, token)
        for kind, body in (("text/plain", f"csrf={csrf}&force=true"), ("application/json", json.dumps({"csrf": csrf})),
                           ("text/html", f"csrf={csrf}"), ("", f"csrf={csrf}"), (f"{FORM}x", f"csrf={csrf}")):
            sent = httpx.post(web.url + path, content=body, headers={"Cookie": f"{COOKIE}={cookie}", "Content-Type": kind})
            assert sent.status_code == 403, kind
        assert rows.one("SELECT count(*) FROM schedule_locks") == 1
        for headers in ({}, {"Origin": here}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}):
            form = {"csrf": csrf, "force": "true"}
            sent = httpx.post(web.url + path, data=form, headers={"Cookie": f"{COOKIE}={cookie}", **headers})
            assert sent.status_code != 403, "the page's own form, also of a browser that sends no Origin"
    assert rows.one("SELECT count(*) FROM schedule_locks") == 0


def test_csrf_a_token_of_a_program_is_never_joined_with_a_cookie(web: Web, rows: Rows) -> None:
    add_user(rows.connection, "kim")
    with logged_in(web, "kim") as browser:
        cookie = {"Cookie": f"{COOKIE}={browser.client.cookies[COOKIE]}"}
    assert web.ask["viewer"].get("/scheduler/users", headers={**HTML, **cookie}).status_code == 403
    assert web.ask["none"].get("/scheduler/users", headers={**cookie, "Authorization": "Bearer erps_wrong"}).status_code == 401


def test_cors_no_other_origin_may_read_or_ask(web: Web) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    for path in ("/api/v1/status", "/scheduler/users", "/healthz", "/login"):
        for method in ("OPTIONS", "GET"):
            answer = web.ask["admin"].request(method, path, headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert web.ask["none"].options("/api/v1/status", headers=asked).status_code in (401, 404, 405)


@pytest.mark.parametrize("path", ["/login", "/scheduler/users", "/api/v1/status", "/healthz", "/nowhere", "/scheduler/nowhere",
                                  "/scheduler/static/app.css", "/scheduler/static/nothing", "/scheduler/users/x"])
def test_security_headers_stand_on_every_answer(web: Web, path: str) -> None:
    for role in ("none", "admin"):
        for headers in (HTML, {}):
            answer = web.ask[role].get(path, headers=headers)
            policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
            assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
            assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'" and "unsafe" not in str(policy)
            assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            if not path.startswith("/scheduler/static"):
                assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in raw_headers(web, "evil.example")


def raw_headers(web: Web, host: str) -> str:
    """Return the policy of an answer to another host name."""
    return httpx.get(f"{web.url}/healthz", headers={"Host": host}).headers["content-security-policy"]


# -- hostile text -----------------------------------------------------------------------------------------------------


def hostile(web: Web, rows: Rows) -> int:
    """Fill what people and markets can fill with markup, links that run, and turned letters."""
    evil = f"{IMG}\u202e\"' javascript:alert(1) {{{{7*7}}}}"
    parameters = json.dumps({"url": "javascript:alert(1)", "note": IMG})
    job = rows.add_job(evil, description=evil, parameters=parameters)
    rows.connection.execute("UPDATE schedule_jobs SET description = %s WHERE id = %s", (f"2{evil}", job))
    rows.connection.execute(
        "INSERT INTO job_executions (job_id, status, started_at, finished_at, duration_ms, error_message, parameters, result)"
        " VALUES (%s, 'failed', now(), now(), 5, %s, %s, %s)",
        (job, evil, parameters, json.dumps({"message": evil, "href": evil})))
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    rows.connection.execute("INSERT INTO audit_log (actor, via, action, object, object_name, after)"
                            " VALUES (%s, 'web', 'job.run', %s, %s, %s)", (evil, f"job:{job}", evil, json.dumps({evil: evil})))
    rows.connection.execute("INSERT INTO web_tokens (name, role, hash, prefix, made_by) VALUES (%s, 'viewer', 'x', 'erps_', %s)",
                            (IMG, evil))
    rows.connection.execute("INSERT INTO web_users (name, role, password_hash) VALUES (%s, 'viewer', '')", (IMG,))
    return job


def test_stored_markup_and_javascript_links_and_bidi_do_nothing_on_any_page(web: Web, rows: Rows) -> None:
    job, seen = hostile(web, rows), 0
    paths = [path_of(path).replace("987654", str(job)) for method, path, _ in rights_page.routes()
             if method == "GET" and path.startswith("/scheduler") and "events" not in path]
    paths += [f"/scheduler/audit?tab=edits&object=job:{job}&actor={IMG}", f"/scheduler/jobs?q={IMG}", f"/login?next={IMG}"]
    for path in paths:
        answer = web.ask["admin"].get(path, headers={**HTML, "Accept-Language": "en"})
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        seen += IMG in answer.text.replace("&lt;", "<").replace("&gt;", ">")
        assert IMG not in answer.text and "<img src=x" not in answer.text, path
        assert not RUNS.search(answer.text), path
        assert "49" not in re.findall(r"javascript:alert\(1\) (\S+)", answer.text), path
    assert seen >= 5, "the hostile text is shown, as text"


def test_bidi_a_name_with_turned_letters_turns_only_itself(web: Web, rows: Rows) -> None:
    hostile(web, rows)
    for path in ("/scheduler/audit", "/scheduler/audit?tab=edits", "/scheduler/tokens"):
        shown = web.page(path, "admin", "en").text
        outside = re.sub(r"<bdi>.*?</bdi>|<details>.*?</details>|<[^>]*>", "", shown, flags=re.S)
        assert "\u202e" not in outside.replace(f"{IMG}", ""), path


# -- sizes ------------------------------------------------------------------------------------------------------------


def path_kinds(path: str) -> tuple[str, ...]:
    """Return the kinds of body that *path* reads."""
    return ("application/json",) if path.startswith("/api/") else (FORM,)


def test_oversize_bodies_are_refused_said_or_unsaid(web: Web, rows: Rows) -> None:
    big = b"x" * (MOST_BYTES + 1)

    def drip() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    for role in ("none", "admin"):
        for path in ("/login", "/scheduler/users", "/api/v1/jobs"):
            for kind in (FORM, "application/json"):
                for body in (big, drip()):
                    try:
                        sent = web.ask[role].post(path, content=body, headers={"Content-Type": kind})
                    except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
                        continue                    # cut off while it still sent
                    # A page that takes forms only does not read anything else.
                    assert sent.status_code in (401, 403, 413, 422), (role, path, kind, sent.status_code)
                    assert sent.status_code == 413 or role == "none" or kind not in path_kinds(path)
    assert web.ask["none"].get("/healthz").status_code == 200


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999", "0x10", "1, 2", "abc"])
def test_a_length_that_is_none_is_refused(web: Web, length: str) -> None:
    assert raw(web, "POST", "/login", {"Content-Length": length})[0] in (400, 413)


def test_oversize_headers_paths_and_fields_are_refused(web: Web) -> None:
    assert raw(web, "GET", "/healthz", {"X": "x" * 200_000})[0] in (400, 431)
    assert raw(web, "GET", "/scheduler/jobs?q=" + "x" * 200_000)[0] in (400, 401, 414, 431)
    fields = "&".join(f"f{number}=x" for number in range(5000))
    assert web.ask["none"].post("/login", content=fields, headers={"Content-Type": FORM}).status_code in (400, 413, 422)
    deep = "[" * 100_000
    sent = web.ask["admin"].post("/api/v1/jobs", content=deep, headers={"Content-Type": "application/json"})
    assert sent.status_code in (400, 422)


def test_slips_in_a_request_are_told_and_never_a_500(web: Web) -> None:
    for body in (b"name=%00&password=%ff%fe", b"name=%ed%a0%80&password=x", b"\x00\xff", b"name=a&name=b&password[]=c"):
        assert web.ask["none"].post("/login", content=body, headers={"Content-Type": FORM}).status_code in (400, 401, 422, 429)
    for path in ("/scheduler/audit?actor=%00", "/scheduler/audit?object=job:99999999999999999999&tab=edits",
                 "/scheduler/users/99999999999999999999", "/scheduler/setup/%00", "/scheduler/audit?since=%00"):
        assert status(web.ask["admin"], "GET", path, headers=HTML) < 500, path
    with Browser(web) as browser:
        assert browser.get("/login", headers={"Cookie": f"{COOKIE}=\"\\377\"; a=b; ;;="}).status_code == 200


def test_errors_say_no_path_no_address_and_no_stack(web: Web) -> None:
    for method, pattern, _ in rights_page.routes():
        if method in SAFE and "events" in pattern:
            continue
        with web.ask["none"].stream(method, path_of(pattern) + "?x=%00") as answer:
            text = answer.read().decode(errors="replace")
        assert "Traceback" not in text and "/site-packages/" not in text and "postgresql://" not in text, pattern
