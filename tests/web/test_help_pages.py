"""Help, the pages of the problems, and addresses that nothing answers."""

from __future__ import annotations

import re
from pathlib import Path

from scheduler.web import problems
from scheduler.web.pages.help import ERRORS
from scheduler.web.problems import TITLES
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web


def test_every_problem_of_rest_has_its_page_for_anybody(web: Web) -> None:
    assert set(ERRORS) == set(TITLES)
    for code in TITLES:
        assert web.page(f"/scheduler/help/errors/{code}", "none").status_code == 200, code
    assert web.page("/scheduler/help/errors/nothing").status_code == 404


CODE = re.compile(
    r"""(?:Problem|_refusal)\(\s*\d{3},\s*"([a-z-]+)"|^\s+\(\w+, \d{3}, "([a-z-]+)"\)|\d{3}: "([a-z-]+)"[,}]""", re.MULTILINE)


def test_every_code_that_the_source_can_answer_has_a_page_in_both_languages(web: Web) -> None:
    source = Path(problems.__file__).parent
    codes = {code for file in source.rglob("*.py") for found in CODE.findall(file.read_text(encoding="utf-8"))
             for code in found if code}
    assert {"precondition", "changed", "unknown-host", "headers-too-large", "too-many", "not-now", "failed"} <= codes
    assert codes <= set(TITLES)
    for code in sorted(codes):
        for language in ("ko", "en"):
            page = web.page(f"/scheduler/help/errors/{code}", "none", language)
            assert page.status_code == 200, code
            assert bool(re.search("[가-힣]", page.text)) is (language == "ko"), code


def test_help_names_every_function_of_the_database(web: Web, rows: Rows) -> None:
    text = web.page("/scheduler/help", "viewer", "en").text
    for name in rows.all("SELECT DISTINCT name FROM schedule_help()"):
        assert name in text
    assert 'id="keys"' in text


def test_an_unknown_address_offers_near_ones_to_those_who_are_logged_in(web: Web, rows: Rows) -> None:
    job = rows.add_job("쿠팡 주문 수집")
    near = web.page("/scheduler/executoins", "viewer", "en")
    assert near.status_code == 404 and 'href="/scheduler/executions"' in near.text.partition("<main")[2]
    assert f'href="/scheduler/jobs/{job}"' in web.page("/scheduler/job/쿠팡", "viewer").text
    stranger = web.page("/scheduler/쿠팡", "none")
    assert stranger.status_code == 404 and "주문 수집" not in stranger.text and "/jobs" not in stranger.text
    assert web.ask["viewer"].get("/scheduler/nothing").json()["code"] == "not-found"


def test_no_way_of_asking_makes_it_anything_else(web: Web) -> None:
    assert web.ask["admin"].post("/scheduler/nothing", headers=HTML).status_code == 404
    assert web.ask["none"].get("/nothing", headers=HTML).status_code == 404
    part = web.ask["viewer"].get("/scheduler/nothing", headers={**HTML, "HX-Request": "true"})
    assert part.status_code == 404


def test_it_stands_in_nobodys_way(web: Web) -> None:
    assert web.ask["none"].get("/scheduler/static/app.css").status_code == 200
    assert web.ask["none"].get("/scheduler/static/none.css").status_code == 404
    assert web.page("/scheduler/locks", "viewer").status_code == 200
    assert web.page("/scheduler", "viewer").status_code == 200


def test_more_shows_an_admin_what_others_may_not_open(web: Web) -> None:
    assert "/scheduler/users" in web.page("/scheduler/more", "admin").text
    assert "/scheduler/users" not in web.page("/scheduler/more", "operator").text
