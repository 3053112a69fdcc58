"""Ways on the pages: what is missing or refused leads on, and what an address asks for in vain is said."""

from __future__ import annotations

import html
import re

import pytest

from scheduler.queries import web_jobs
from scheduler.web import problems
from scheduler.web.searches import EXECUTION_FILTERS
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.people import add_user, logged_in
from tests.web.test_words import BOTH, main_of

# -- what is not there, or not allowed ------------------------------


@pytest.mark.parametrize(("language", "title"), [
    ("ko", "작업 '쿠팡 주문 슈집'이 없습니다"), ("en", "There is no job '쿠팡 주문 슈집'")])
def test_a_job_that_is_not_there_leads_to_the_nearest_names(web: Web, rows: Rows, language: str, title: str) -> None:
    near, far = rows.add_job("쿠팡 주문 수집"), rows.add_job("재고 맞춤")
    answer = web.page("/scheduler/jobs/쿠팡 주문 슈집", "viewer", language)
    text = main_of(answer.text)
    assert answer.status_code == 404 and title in text and "erp-scheduler" not in text
    assert f'href="/scheduler/jobs/{near}"' in text and f'href="/scheduler/jobs/{far}"' not in text
    assert 'href="/scheduler/jobs"' in text
    number = main_of(web.page("/scheduler/jobs/987654", "viewer", language).text)
    assert "987654" in number and f'href="/scheduler/jobs/{near}"' not in number


def test_far_fetched_addresses_are_not_offered(web: Web) -> None:
    assert "혹시" not in web.page("/scheduler/nothing", "admin").text
    assert 'href="/scheduler/settings"' in main_of(web.page("/scheduler/setings", "viewer").text)
    assert 'href="/scheduler/audit"' not in main_of(web.page("/scheduler/audits", "viewer").text)
    assert 'href="/scheduler/audit"' in main_of(web.page("/scheduler/audits", "operator").text)


@pytest.mark.parametrize(("language", "words"), [("ko", "그 작업 보기"), ("en", "See that job")])
def test_a_name_that_is_taken_links_to_its_job(web: Web, rows: Rows, language: str, words: str) -> None:
    rows.add_job("재고 & 가격")
    form = {"name": "재고 & 가격", "job_type": "order_collection", "kind": "every", "every": "30m", "do": "save",
            "timezone": "Asia/Seoul"}
    answer = web.ask["admin"].post("/scheduler/jobs/new", data=form, headers={**HTML, "Accept-Language": language})
    text = main_of(answer.text)
    assert answer.status_code == 422 and words in text and "erp-scheduler jobs list" not in text
    found = re.search(r'<p class="fault" id="name-fault">[^<]*<a href="([^"]+)"', text)
    assert found is not None
    there = web.page(found[1], "viewer", follow_redirects=True)
    assert there.status_code == 200 and "재고 &amp; 가격" in there.text
    body = {"name": "재고 & 가격", "job_type": "order_collection", "interval": "30m"}
    rest = web.ask["admin"].post("/api/v1/jobs", json=body)
    assert rest.json()["errors"][0]["href"] == found[1]


@pytest.mark.parametrize("language", BOTH)
def test_a_command_stands_apart_from_the_words(web: Web, language: str) -> None:
    hint = "→ 다시 보세요\nerp-scheduler jobs list\nSELECT 1;"
    problem = problems.Problem(404, "not-found", "작업 7이 없습니다", hint)
    assert problem.advice == ["다시 보세요"] and problem.commands == ["erp-scheduler jobs list", "SELECT 1;"]
    answer = web.page("/scheduler/job/987/pause", "operator", language)
    text = main_of(answer.text)
    assert answer.status_code == 404 and 'href="/scheduler/jobs"' in text
    before, _, after = text.partition("<details>")
    assert "erp-scheduler" not in before and (not after or "erp-scheduler" in after)


@pytest.mark.parametrize(("language", "words"), [
    ("ko", ("관리(admin) 권한이 있어야 합니다", "지금 sera(보기)로 로그인했습니다", "관리자에게 부탁하세요")),
    ("en", ("the role admin is needed", "You are sera (viewer).", "ask an administrator")),
])
def test_a_refusal_says_who_one_is_and_whom_to_ask(web: Web, rows: Rows, language: str, words: tuple[str, ...]) -> None:
    add_user(rows.connection, "sera", "viewer")
    with logged_in(web, "sera", language) as browser:
        answer = browser.get("/scheduler/users")
    text = main_of(answer.text)
    assert answer.status_code == 403 and all(each in text for each in words), text


@pytest.mark.parametrize(("language", "words"), [("ko", "관리자에게 알려 주세요"), ("en", "give an administrator the number")])
def test_an_unforeseen_error_says_its_number_once_and_what_to_do(
    web: Web, rows: Rows, language: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("scheduler.web.pages.more.places", fail)
    answer = web.page("/scheduler/more", "viewer", language)
    text = main_of(answer.text)
    found = re.search(r"<code>([0-9a-f]+)</code>", text)
    assert answer.status_code == 500 and words in text and "secret detail" not in answer.text
    assert found is not None and text.count(found[1]) == 1


def test_an_address_of_a_form_leads_to_the_page_of_that_form(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    for deed in ("pause", "resume", "run", "reschedule"):
        answer = web.page(f"/scheduler/jobs/{job}/{deed}", "admin")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/scheduler/job/{job}/{deed}")
        assert web.page(answer.headers["location"], "admin").status_code == 200
    assert web.page("/scheduler/executions/7/retry", "viewer").headers["location"] == "/scheduler/executions/7"
    assert web.page("/scheduler/locks/7/release", "viewer").headers["location"] == "/scheduler/locks"
    other = web.page(f"/scheduler/quick/{job}/run", "viewer")
    assert other.status_code == 405 and "<header" in other.text and "열어 볼 화면이 없습니다" in other.text
    assert "no page to open" in web.page(f"/scheduler/quick/{job}/run", "viewer", "en").text
    assert web.ask["viewer"].get(f"/scheduler/jobs/{job}/pause").status_code == 405, "programs are told so"


# -- what an address asks for and the page does not know ------------------------------


@pytest.mark.parametrize(("language", "words"), [
    ("ko", "모르는 조건이라 적용하지 않았습니다"), ("en", "does not know, and has not applied")])
def test_a_filter_that_a_list_does_not_know_is_said(web: Web, rows: Rows, language: str, words: str) -> None:
    rows.add_job("재고")
    for path in ("jobs", "executions", "audit", "nodes", "calendar", ""):
        address = f"/scheduler/{path}".rstrip("/")
        text = main_of(web.page(f"{address}?helath=failing&%3Ci%3E=1", "admin", language).text)
        assert words in text and "<code>helath</code>" in text, path
        assert words not in main_of(web.page(address, "admin", language).text), path
    assert "&lt;i&gt;" in web.page("/scheduler/jobs?%3Ci%3E=1").text


def test_what_a_list_does_know_is_not_called_unknown(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    jobs = "&".join(f"{name}=active" for name in (*web_jobs.FILTERS, "sort", "columns"))
    known = {"job": job, "status": "success", "trigger": "manual", "since": "24h"}
    executions = "&".join(f"{name}={known.get(name, 1)}" for name in (*EXECUTION_FILTERS, "before"))
    for address in (f"jobs?{jobs}", f"executions?{executions}", "nodes?all=1", "calendar?week=2026-11-21",
                    "audit?tab=edits&actor=a&action=update&object=job:1&since=1h&before=5"):
        answer = web.page(f"/scheduler/{address}", "admin")
        assert answer.status_code == 200 and "모르는 조건" not in answer.text, address


@pytest.mark.parametrize(("language", "words"), [
    ("ko", "없는 날짜라 오늘을 보입니다"), ("en", "is not a day, so this is today")])
def test_a_day_that_is_none_is_said(web: Web, rows: Rows, language: str, words: str) -> None:
    rows.add_job("재고")
    for address in ("/scheduler?day=2026-02-31", "/scheduler/calendar?week=2026-99-99"):
        assert words in main_of(web.page(address, "viewer", language).text), address
    for address in ("/scheduler?day=2026-02-28", "/scheduler/calendar?week=2026-11-21", "/scheduler", "/scheduler/calendar"):
        assert words not in main_of(web.page(address, "viewer", language).text), address


# -- empty lists ----------------------------------------------


def test_an_empty_history_teaches_what_works(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문 수집")
    text = web.page("/scheduler/executions", "operator").text
    assert "retry-all" not in text and "cancel-all" not in text
    found = re.search(r"<pre>(SELECT schedule_run_now\(id\)[^<]+)</pre>", html.unescape(text))
    assert found is not None
    number = rows.one(found[1])
    assert rows.one("SELECT job_id FROM job_executions WHERE id = %s", number) == job


@pytest.mark.parametrize("language", BOTH)
def test_no_comment_of_a_shell_stands_in_a_command(web: Web, language: str) -> None:
    text = main_of(web.page("/scheduler/nodes", "viewer", language).text)
    assert "erp-scheduler start -d" in text and "# " not in text.partition("erp-scheduler start")[2]
