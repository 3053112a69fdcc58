"""What needs somebody: the badge counts all of it, one cause that hits many jobs is one line, and the page has the rest."""

from __future__ import annotations

import re

import pytest

from tests.support.daemons import Rows
from tests.web.conftest import Web

PATH = "/scheduler/problems"
FAIL = """
UPDATE schedule_jobs SET consecutive_failures = 3, last_error = %s, last_run_at = now() - interval '1 hour' WHERE id = ANY (%s)
"""


def make_jobs(rows: Rows, name: str, number: int) -> list[int]:
    return [rows.add_job(f"{name} {each:03}", interval="1 hour") for each in range(number)]


def fail(rows: Rows, jobs: list[int], error: str) -> None:
    """Let jobs have failed, which only a daemon may write."""
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    rows.connection.execute(FAIL, (error, jobs))
    rows.connection.execute("RESET application_name")


def main_of(web: Web, path: str, role: str = "admin", language: str = "ko") -> str:
    answer = web.page(path, role, language)
    assert answer.status_code == 200
    return answer.text.partition("<main")[2]


def items(text: str) -> int:
    return text.partition('class="card problems"')[2].partition("</ul>")[0].count('<li class="row">')


@pytest.mark.parametrize(("language", "line", "all_"), [
    ("ko", "작업 60개</b></a> 이어서 실패: HTTP 429 &lt;b&gt;", "모두 보기"),
    ("en", "60 jobs</b></a> Failing: HTTP 429 &lt;b&gt;", "in all"),
])
def test_one_cause_of_many_jobs_is_one_line(web: Web, rows: Rows, language: str, line: str, all_: str) -> None:
    fail(rows, make_jobs(rows, "order", 60), "HTTP 429 <b>\nTraceback (most recent call last)")
    fail(rows, make_jobs(rows, "stock", 3), "HTTP 500")
    text = main_of(web, "/scheduler", language=language)
    now = text.partition('id="now"')[2].partition("</section>")[0]
    assert line in now and "Traceback" not in now and items(now) == 1 + 3 + 1  # and no daemon runs
    badge = re.search(r'<a class="badge bad" href="/scheduler/problems">(\d+)<span[^>]*>([^<]*)', now)
    assert badge is not None and badge[1] == "64" and all_ in badge[2]
    link = re.search(r'href="(/scheduler/problems\?kind=failing[^"]*)"><b>', now)
    assert link is not None
    jobs = main_of(web, link[1].replace("&amp;", "&"), language=language)
    assert items(jobs) == 50 and "order 000" in jobs and "stock" not in jobs and 'rel="next"' in jobs
    assert language == "ko" or not re.search("[가-힣]", jobs)


def test_the_page_goes_through_all_and_by_kind(web: Web, rows: Rows) -> None:
    for number, job in enumerate(make_jobs(rows, "order", 55)):
        fail(rows, [job], f"HTTP {number}")
    first = main_of(web, PATH)
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert items(first) == 50 and following is not None
    assert items(main_of(web, following[1].replace("&amp;", "&"))) == 6
    assert f'href="{PATH}?kind=failing">이어서 실패 55</a>' in first and "모두 56</a>" in first
    assert items(main_of(web, f"{PATH}?kind=failing&cause=HTTP+7")) == 1
    assert items(main_of(web, f"{PATH}?kind=failing&cause=other")) == 0
    assert web.page(f"{PATH}?kind=nonsense").status_code == 422


def test_deeds_come_back_to_the_page_and_a_viewer_has_none(web: Web, rows: Rows) -> None:
    fail(rows, make_jobs(rows, "order", 1), "HTTP 500")
    assert f'name="back" value="{PATH}?kind=failing"' in main_of(web, f"{PATH}?kind=failing")
    assert "<form" not in main_of(web, PATH, "viewer") and "다시 실행" not in main_of(web, PATH, "viewer")


def test_nothing_to_do_says_so(web: Web, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, state)"
                            " VALUES (gen_random_uuid(), 'a', 'h', 1, '1', 4, 60, 'running')")
    assert "조치할 일이 없습니다" in main_of(web, PATH)
    assert "Nothing needs attention" in main_of(web, PATH, language="en")
