"""Two people edit one job: the second sees what differs, loses nothing, and chooses."""

from __future__ import annotations

import re

import pytest

from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

WORDS = {"ko": ("그사이 다른 사람이", "쓴 것으로 저장", "저장된 것 열기", "쓴 값", "재시도"),
         "en": ("somebody else", "Save mine over it", "take theirs", "Yours", "Retries")}


def opened(web: Web, path: str) -> dict[str, str]:
    """Return the plain fields of a form as a browser would send them."""
    text = web.page(path).text.partition('id="job-form"')[2]
    found = dict(re.findall(r'<input[^>]* name="([\w.]+)" value="([^"]*)"', text))
    found |= dict(re.findall(r'<select id="\w+" name="(\w+)".*?<option value="([^"]*)" selected', text, re.DOTALL))
    return {name: value for name, value in found.items() if name not in ("days", "markets", "important", "csrf")} | {
        "kind": "every", "job_type": "orders"}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_difference_is_shown_and_either_may_be_taken(web: Web, rows: Rows, language: str) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path) | {"retries": "5", "owner": "mine"}
    rows.connection.execute("UPDATE schedule_jobs SET max_retries = 9, owner = 'theirs'")
    answer = web.ask["admin"].post(path, data=form, headers={**HTML, "Accept-Language": language})
    assert answer.status_code == 409
    main = answer.text.partition("<main")[2]
    assert [each for each in WORDS[language] if each not in main] == []
    times = "번" if language == "ko" else " times"
    numbers = (f">{each}{times}</td>" for each in (3, 9, 5))
    for shown in (*numbers, ">theirs</td>", ">mine</td>", 'value="mine"', 'value="5"'):
        assert shown in main, shown
    assert language == "ko" or not re.search("[가-힣]", answer.text)
    assert f'<a class="button" href="{path}">' in main and 'form="job-form" name="do" value="save"' in main
    # Theirs: the link opens what is saved. Mine: the same form, now with the revision that was shown.
    assert 'value="theirs"' in web.page(path, language=language).text
    revision = re.search(r'name="revision" value="(\d+)"', main)
    assert revision is not None
    saved = web.ask["admin"].post(path, data={**form, "revision": revision[1]}, headers=HTML)
    assert saved.status_code == 303
    assert rows.one("SELECT max_retries, owner FROM schedule_jobs") == (5, "mine")


def test_a_third_edit_meanwhile_is_shown_again(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders", "orders", interval="30 minutes")
    path = f"/scheduler/jobs/{job}/edit"
    form = opened(web, path) | {"retries": "5"}
    rows.connection.execute("UPDATE schedule_jobs SET max_retries = 9")
    first = web.ask["admin"].post(path, data=form, headers=HTML)
    rows.connection.execute("UPDATE schedule_jobs SET max_retries = 8")
    revision = re.search(r'name="revision" value="(\d+)"', first.text)
    assert revision is not None
    assert web.ask["admin"].post(path, data={**form, "revision": revision[1]}, headers=HTML).status_code == 409
    assert rows.one("SELECT max_retries FROM schedule_jobs") == 8
