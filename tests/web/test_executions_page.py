"""The list of executions: filters in the address, pages by key, and deeds on all that match."""

from __future__ import annotations

import re

import httpx

from scheduler.queries import filtered_executions as queries
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

PATH = "/scheduler/executions"


def an_execution(rows: Rows, job: int, status: str = "failed", **columns: object) -> int:
    """Write one that has ended (or waits), at a planned time of its own."""
    given = {"job_id": job, "status": status, **columns}
    if status not in ("queued", "running"):
        given = {"finished_at": "now", "started_at": "now", "duration_ms": 1500, **given}
    names, marks = ", ".join(given), ", ".join(f"%({name})s" for name in given)
    return int(rows.connection.execute(
        f"INSERT INTO job_executions ({names}) VALUES ({marks}) RETURNING id", given).fetchone()[0])  # type: ignore[index]


def numbers(text: str) -> list[int]:
    """Return the executions that a list shows, in order."""
    return [int(each) for each in re.findall(r'<td class="lead"><a href="/scheduler/executions/(\d+)"', text)]


def test_an_empty_list_teaches_and_a_filter_without_hits_can_be_cleared(web: Web) -> None:
    assert "schedule_run_now" in web.page(PATH).text
    empty = web.page(PATH + "?status=failed&q=nothing", language="en").text
    assert "No execution matches" in empty and "Clear the filter" in empty


def test_each_filter_of_the_address_narrows_the_list(web: Web, rows: Rows) -> None:
    orders, stock = rows.add_job("주문 <b>", "orders", market_codes=["coupang"]), rows.add_job("재고", "stock")
    first = an_execution(rows, orders, "failed", error_message="HTTP 401 만료", node="node-a")
    second = an_execution(rows, orders, "success", trigger="schedule")
    third = an_execution(rows, stock, "queued")
    old = an_execution(rows, stock, "success", finished_at="2020-01-01")
    for query, expected in (
        ("", [old, third, second, first]), ("?status=failed", [first]), ("?status=failed,queued", [third, first]),
        (f"?job={stock}", [old, third]), ("?job=재고", [old, third]), ("?job=nobody", []), ("?type=orders", [second, first]),
        ("?market=coupang", [second, first]), ("?trigger=schedule", [second]), ("?node=node-a", [first]),
        ("?since=24h", [third, second, first]), ("?until=24h", [old]), ("?since=2020-01-01&until=2020-01-02", [old]),
        ("?since=2020-01-01T09:00&until=2020-01-01T09:01", [old]), ("?since=2020-01-01T09:01&until=2020-01-02", []),
        ("?status=success&until=2020-01-02", [old]), (f"?job={orders}&until=2020-01-02", []),
        ("?q=401", [first]), (f"?q={third}", [third]), ("?q=%25", []),
        ("?status=nonsense&since=x&before=x&trigger=y", []), ("?before=x", [old, third, second, first]), ("?q=a%00", []),
    ):
        assert numbers(web.page(PATH + query).text) == expected, query
    text = web.page(PATH, "viewer", "en").text
    assert "<b>" not in text.replace("&lt;b&gt;", "") and "Retry all" not in text and "All failures" in text


def test_pages_go_on_by_key_and_say_when_the_look_ended_early(web: Web, rows: Rows, monkeypatch: object) -> None:
    job = rows.add_job("many")
    made = [an_execution(rows, job, "success") for _ in range(60)]
    first = web.page(PATH).text
    assert numbers(first) == sorted(made, reverse=True)[:50]
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    assert numbers(web.page(following[1].replace("&amp;", "&")).text) == sorted(made, reverse=True)[50:]
    monkeypatch.setattr(queries, "LOOKED", 20)  # type: ignore[attr-defined]
    early = web.page(PATH + "?q=many-not-there", language="en").text
    assert numbers(early) == [] and "Search further back" in early


def told(web: Web, answer: httpx.Response, language: str = "ko", role: str = "operator") -> str:
    """Return the page that an answer leads to."""
    assert answer.status_code == 303, answer.text
    return web.page(answer.headers["location"], role, language).text


def test_all_failed_of_a_filter_are_tried_again_once_and_as_many_as_were_shown(web: Web, rows: Rows) -> None:
    job, other = rows.add_job("주문"), rows.add_job("다른 것")
    failed = [an_execution(rows, job, status) for status in ("failed", "timed_out", "lost")]
    an_execution(rows, other, "failed")
    an_execution(rows, job, "success")
    superseded = an_execution(rows, job, "failed", scheduled_for="2026-01-01")
    an_execution(rows, job, "success", scheduled_for="2026-01-01", attempt=2, retry_of=superseded)
    ask = web.page(f"{PATH}/retry-all?job={job}", "operator").text
    assert "3건" in ask and 'name="expect" value="3"' in ask
    url, upto = f"{PATH}/retry-all?job={job}", max(failed)
    client = web.ask["operator"]
    wrong = client.post(url, data={"expect": 2, "upto": upto}, headers=HTML)
    assert wrong.status_code == 409 and rows.one("SELECT count(*) FROM job_executions WHERE trigger = 'retry'") == 0
    assert "2개에서 3개로 바뀌었습니다" in wrong.text and 'name="expect" value="3"' in wrong.text
    done = client.post(url, data={"expect": 3, "upto": upto}, headers=HTML)
    assert "3개 했습니다" in told(web, done)
    assert sorted(rows.all("SELECT retry_of FROM job_executions WHERE trigger = 'retry'")) == sorted(failed)
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'execution.retry' AND actor = 'operator'") == 3
    assert client.post(url, data={"expect": 3, "upto": upto}, headers=HTML).status_code == 409
    assert web.ask["viewer"].post(url, data={"expect": 0, "upto": 1}, headers=HTML).status_code == 403
    assert web.page(url, "viewer").status_code == 403 and web.page(f"{PATH}/burn-all", "admin").status_code == 404


def test_what_is_refused_is_told_and_keeps_nothing_else_from_being_done(web: Web, rows: Rows) -> None:
    job, broken = rows.add_job("가"), rows.add_job("나")
    good, bad = an_execution(rows, job), an_execution(rows, broken)
    rows.connection.execute("SELECT schedule_pause(%s::bigint)", (broken,))
    english = {**HTML, "Accept-Language": "en"}
    done = web.ask["operator"].post(f"{PATH}/retry-all", data={"expect": 2, "upto": bad}, headers=english)
    page = told(web, done, "en")
    assert rows.all("SELECT retry_of FROM job_executions WHERE trigger = 'retry'") == [good]
    assert "1 done" in page and "1 not done" in page and "is paused" in page


def test_many_are_cancelled_only_when_their_number_is_typed(web: Web, rows: Rows) -> None:
    job = rows.add_job("줄")
    waiting = [an_execution(rows, job, "queued") for _ in range(12)]
    url, client = f"{PATH}/cancel-all?status=queued", web.ask["operator"]
    data = {"expect": 12, "upto": max(waiting), "reason": "잘못"}
    assert client.post(url, data=data, headers=HTML).status_code == 422
    assert "12개 했습니다" in told(web, client.post(url, data={**data, "typed": "12"}, headers=HTML))
    assert rows.all("SELECT DISTINCT status || cancel_reason FROM job_executions") == ["cancelled잘못"]


def test_only_what_is_ticked_is_meant_and_nothing_ticked_means_nothing(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")
    first, second, ended = an_execution(rows, job), an_execution(rows, job), an_execution(rows, job, "success")
    shown = web.page(PATH, "operator").text
    assert f'name="id" value="{first}" form="bulk"' in shown and 'name="some" value="true"' in shown
    assert 'name="id"' not in web.page(PATH, "viewer").text
    assert "해당하는 실행이 없습니다" in web.page(f"{PATH}/retry-all?some=true", "operator").text
    ask = web.page(f"{PATH}/retry-all?some=true&id={first}&id={ended}&id=x", "operator", "en").text
    assert "Those of the 2 ticked" in ask and 'name="expect" value="1"' in ask and f">#{second}<" not in ask
    done = web.ask["operator"].post(f"{PATH}/retry-all", headers=HTML,
                                    data={"expect": "1", "upto": str(first), "id": [str(first), str(ended)]})
    assert "1개 했습니다" in told(web, done)
    assert rows.all("SELECT retry_of FROM job_executions WHERE trigger = 'retry'") == [first]
    waiting = an_execution(rows, job, "queued")
    cancelled = web.ask["operator"].post(f"{PATH}/cancel-all", headers=HTML,
                                         data={"expect": "1", "upto": "0", "id": [str(waiting), str(second)]})
    assert "1개 했습니다" in told(web, cancelled)
    assert rows.all("SELECT id FROM job_executions WHERE status = 'cancelled'") == [waiting]
