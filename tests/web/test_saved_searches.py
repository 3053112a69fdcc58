"""Searches that people keep of the lists, the columns they like, and what each choice of a filter would show."""

from __future__ import annotations

import re

import pytest

from scheduler.queries import web_jobs, web_searches
from scheduler.web.job_list import ALL, USUAL
from scheduler.web.searches import cleaned
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.people import add_user, logged_in

HANGUL = re.compile(r"[가-힣]")
HEADS = re.compile(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([^<]+)')


def test_a_person_keeps_uses_and_removes_a_search(web: Web, rows: Rows) -> None:
    rows.add_job("가", status="paused", market_codes=["coupang"])
    rows.add_job("나")
    add_user(rows.connection, "kim", "viewer")
    add_user(rows.connection, "lee", "admin")
    with logged_in(web, "kim") as kim, logged_in(web, "lee", "ko") as lee:
        asked = kim.get("/scheduler/jobs?status=paused&nonsense=1").text
        assert 'name="query" value="status=paused"' in asked and 'name="shared"' not in asked and not HANGUL.search(
            re.sub("[가나]", "", asked))
        kept = kim.send("/scheduler/searches", list="jobs", name="stopped", query="?sort=-name&status=paused&evil=1&sort=x")
        assert kept.status_code == 303 and kept.headers["location"] == "/scheduler/jobs?status=paused&sort=-name"
        page = kim.get("/scheduler/jobs?status=paused&sort=-name").text
        assert 'href="/scheduler/jobs?status=paused&amp;sort=-name" aria-current="page">stopped</a>' in page
        assert "stopped" not in lee.get("/scheduler/jobs").text and "stopped" not in kim.get("/scheduler/executions").text
        number = rows.one("SELECT id FROM web_searches")
        assert lee.send(f"/scheduler/searches/{number}/remove").status_code == 404
        assert kim.send(f"/scheduler/searches/{number}/remove").headers["location"] == "/scheduler/jobs"
        assert rows.one("SELECT count(*) FROM web_searches") == 0


def test_a_shared_search_needs_an_operator_and_everybody_sees_it(web: Web, rows: Rows) -> None:
    rows.add_job("a")
    for name, role in (("kim", "viewer"), ("park", "operator"), ("lee", "admin")):
        add_user(rows.connection, name, role)
    fields = {"list": "executions", "name": "broken", "query": "status=failed&status=lost&since=24h", "shared": "true"}
    with logged_in(web, "kim") as kim, logged_in(web, "park") as park, logged_in(web, "lee", "ko") as lee:
        assert kim.send("/scheduler/searches", **fields).status_code == 403
        assert 'name="shared"' in park.get("/scheduler/executions?q=x").text
        park.send("/scheduler/searches", **fields)
        seen = kim.get("/scheduler/executions").text
        assert 'href="/scheduler/executions?status=failed%2Clost&amp;since=24h"' in seen and "· park" in seen
        assert "/scheduler/searches/" not in seen
        number = rows.one("SELECT id FROM web_searches")
        assert kim.send(f"/scheduler/searches/{number}/remove").status_code == 404
        assert f"/scheduler/searches/{number}/remove" in lee.get("/scheduler/executions").text
        assert lee.send(f"/scheduler/searches/{number}/remove").status_code == 303
    assert rows.all("SELECT action || ' ' || actor FROM audit_log WHERE object LIKE 'search:%' ORDER BY id") == [
        "search.share park", "search.remove lee"]


def test_what_is_no_search_is_refused_in_words(web: Web, rows: Rows) -> None:
    add_user(rows.connection, "kim", "operator")
    with logged_in(web, "kim") as kim, logged_in(web, "kim", "ko") as korean:
        for fields, words in (
            ({"list": "users", "name": "x", "query": "q=1"}, "no list with searches"),
            ({"list": "jobs", "name": "", "query": "q=1"}, "1 to 60 characters"),
            ({"list": "jobs", "name": "x" * 61, "query": "q=1"}, "1 to 60 characters"),
            ({"list": "jobs", "name": "x", "query": "evil=1"}, "needs a filter"),
        ):
            refused = kim.send("/scheduler/searches", **fields)
            assert refused.status_code == 422 and words in refused.text
        assert "조건이 없거나" in korean.send("/scheduler/searches", list="jobs", name="x", query="").text
        rows.connection.execute("INSERT INTO web_searches (user_id, list, name, query) SELECT id, 'jobs', 'n' || n, 'q=1'"
                                " FROM web_users, generate_series(1, %s) AS n", (web_searches.MOST,))
        full = kim.send("/scheduler/searches", list="jobs", name="one more", query="q=1")
        assert full.status_code == 409 and "at most 50 searches" in full.text
        assert kim.send("/scheduler/searches", list="jobs", name="n1", query="q=2").status_code == 303
        assert rows.one("SELECT query FROM web_searches WHERE name = 'n1'") == "q=2"
        assert kim.send("/scheduler/searches/99999999999999999999/remove").status_code == 422


def test_a_token_of_a_program_has_no_searches(web: Web, rows: Rows) -> None:
    rows.add_job("a")
    assert "/scheduler/searches" not in web.page("/scheduler/jobs?q=a").text
    for path in ("/scheduler/searches", "/scheduler/searches/1/remove", "/scheduler/jobs-columns"):
        refused = web.ask["admin"].post(path, data={"list": "jobs", "name": "x", "query": "q=1"},
                                        headers={**HTML, "Accept-Language": "en"})
        assert refused.status_code == 409 and "a token has none" in refused.text


@pytest.mark.parametrize(("list_", "query", "kept"), [
    ("jobs", "https://evil.example/?q=1", ""), ("jobs", "//evil.example", ""), ("jobs", "?q=a%00b&q=c", "q=ab"),
    ("jobs", "columns=evil", ""), ("jobs", "columns=name,last", "columns=name%2Clast"), ("jobs", "sort=evil", ""),
    ("jobs", "cursor=abc&status=active", "status=active"), ("executions", "before=7&sort=name&node=a", "node=a"),
    ("executions", "q=" + "x" * 5000, "q=" + "x" * 200), ("jobs", "q=%0d%0aLocation:%20x", "q=Location%3A+x"),
])
def test_only_filters_that_the_list_knows_are_kept(list_: str, query: str, kept: str) -> None:
    assert cleaned(list_, query) == kept


def heads(text: str) -> list[str]:
    return [each.strip() for each in HEADS.findall(text) if each.strip()]


def test_columns_are_chosen_in_the_address_and_kept_by_a_person(web: Web, rows: Rows) -> None:
    rows.add_job("a", tags=["night"], owner="kim", priority=7, market_codes=["coupang"], interval="30 minutes")
    add_user(rows.connection, "kim", "viewer")
    assert heads(web.page("/scheduler/jobs", "viewer", "en").text) == [
        "Name and schedule", "State", "Last 50", "Last", "Next", "Duration"]
    repeated = web.page("/scheduler/jobs?columns=priority&columns=owner&columns=evil&q=a", "viewer", "en").text
    assert heads(repeated) == ["Name and schedule", "Owner", "Priority"]
    assert '<td data-label="Owner">kim</td>' in repeated and 'data-label="Priority" class="number">7<' in repeated
    assert "sort=owner" in repeated and "columns=name%2Cowner%2Cpriority" in repeated
    everything = web.page("/scheduler/jobs?columns=" + ",".join(each.name for each in ALL), "admin", "ko").text
    assert everything.count("아직 실행 안 됨") >= 2 and '<td class="plan" data-label="일정">30분마다</td>' in everything
    assert '<td data-label="제한 시간" class="number nowrap">30분</td>' in everything
    with logged_in(web, "kim") as kim:
        shown = kim.get("/scheduler/jobs?columns=owner,next&status=active").text
        assert 'action="/scheduler/jobs-columns"' in shown and 'value="name,owner,next"' in shown
        kept = kim.send("/scheduler/jobs-columns", columns="name,owner,next", query="?columns=owner,next&status=active")
        assert kept.headers["location"] == "/scheduler/jobs?status=active"
        assert heads(kim.get("/scheduler/jobs").text)[1:] == ["Owner", "Next"]
        assert heads(kim.get("/scheduler/jobs?columns=last").text)[1:] == ["Last"]
        assert "Back to the usual columns" in kim.get("/scheduler/jobs").text
        kim.send("/scheduler/jobs-columns", columns="")
        assert len(heads(kim.get("/scheduler/jobs").text)) == len(USUAL)


def test_every_column_is_sorted_both_ways_and_says_so(web: Web, rows: Rows) -> None:
    rows.add_job("a", owner="x", tags=["b"], priority=1, timeout_minutes=5, market_codes=["m"])
    rows.add_job("b", owner="y", tags=["c"], priority=2, timeout_minutes=9, market_codes=["n"])
    names = ",".join(each.name for each in ALL)
    assert {each.sort for each in ALL} == set(web_jobs.ORDERS)
    for column in ALL:
        for sort, way in ((column.sort, "ascending"), (f"-{column.sort}", "descending")):
            shown = web.page(f"/scheduler/jobs?sort={sort}&columns={names}", "viewer", "en").text
            assert shown.count("aria-sort") == 1 and f'aria-sort="{way}"' in shown, sort
            assert re.search(r'<option value="[^"]*" selected>', shown)
    for name in ("owner", "tags", "priority", "timeout", "markets"):
        up = re.findall(r'class="lead"><a [^>]*>(\w)<', web.page(f"/scheduler/jobs?sort={name}", "viewer").text)
        down = re.findall(r'class="lead"><a [^>]*>(\w)<', web.page(f"/scheduler/jobs?sort=-{name}", "viewer").text)
        assert (up, down) == (["a", "b"], ["b", "a"]), name


def test_each_choice_says_how_many_it_would_show(web: Web, rows: Rows) -> None:
    rows.add_job("a", market_codes=["coupang", "naver"], tags=["x"])
    rows.add_job("b", "other", market_codes=["coupang"], status="paused")
    rows.add_job("c", market_codes=["naver"])
    running = rows.add_job("d")
    rows.connection.execute("INSERT INTO job_executions (job_id, status, started_at, slot) VALUES (%s, 'running', now(), 0)",
                            (running,))
    shown = web.page("/scheduler/jobs?market=coupang", "viewer", "en").text

    def count(value: str) -> str:
        found = re.search(rf'<option value="{value}"[^>]*>[^<]*\((\d+)\)</option>', shown)
        assert found is not None, value
        return found[1]

    assert [count(each) for each in ("active", "paused", "coupang", "naver", "other", "x", "never", "running")] == [
        "1", "1", "2", "2", "1", "1", "2", "0"]
    assert "2 jobs · of 4" in shown
    shown = web.page("/scheduler/jobs", "viewer", "en").text
    assert count("running") == "1"
