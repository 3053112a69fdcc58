"""Nodes, handlers, markets: what they show, full and empty, in both languages."""

from __future__ import annotations

import re

import pytest

from tests.support.daemons import Rows
from tests.web.conftest import Web

HANGUL = re.compile("[가-힣]")


@pytest.mark.parametrize("path", ["nodes", "handlers", "markets", "more", "help", "calendar", "executions", "calendar/overlays",
                                  "help/errors/conflict"])
def test_empty_pages_are_whole_in_both_languages(web: Web, path: str) -> None:
    korean, english = web.page(f"/scheduler/{path}"), web.page(f"/scheduler/{path}", "viewer", "en")
    assert (korean.status_code, english.status_code) == (200, 200)
    body = english.text.partition("<main")[2]
    assert not HANGUL.search(body), HANGUL.findall(body)
    assert HANGUL.search(korean.text.partition("<main")[2])
    assert english.text.count("<h1") == 1 and ' style="' not in english.text


def test_living_and_gone_nodes_are_told_apart(web: Web, rows: Rows) -> None:
    assert "erp-scheduler start -d" in web.page("/scheduler/nodes").text
    for name, seen in (("node-a", "0"), ("node-b", "2 minutes")):
        rows.connection.execute(
            "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, running, lease_seconds, seen_at) "
            "VALUES (gen_random_uuid(), %s, 'h', 1, '9.9', 8, 2, 60, now() - %s::interval)", (name, seen))
    text = web.page("/scheduler/nodes", "viewer", "en").text
    assert "2 of 8 busy" in text and text.index("node-a") < text.index("Gone or stopped") < text.index("node-b")
    assert "different versions" in text


def test_a_handler_shows_its_parameters_its_jobs_and_what_it_does_at_markets(web: Web, rows: Rows) -> None:
    rows.connection.execute(
        "INSERT INTO job_types (job_type, source, summary, params_schema) VALUES ('inventory_sync', 'handlers.x:y', '<i>', "
        """'{"required": ["keep"], "properties": {"keep": {"type": "integer", "minimum": 1, "description": "how many"}}}')""")
    job = rows.add_job("재고", "inventory_sync")
    rows.add_job("모름", "unheard_of")
    text = web.page("/scheduler/handlers", "viewer", "en").text
    assert "whole number, 1 or more" in text and "required" in text and f'href="/scheduler/jobs/{job}"' in text
    assert "changes the stock" in text and "&lt;i&gt;" in text and "unheard_of" in text


def test_markets_show_calls_pauses_holes_and_stock_and_no_key(web: Web, rows: Rows) -> None:
    execute = rows.connection.execute
    execute("""INSERT INTO market_accounts (market_code, base_url, credentials, key_expires_on)
               VALUES ('coupang', 'https://x.example', '{"access_key": "secret://env/COUPANG_KEY"}', current_date + 3)""")
    execute("""INSERT INTO market_budgets (market_code, account, daily_limit, day, used, paused_until, pause_reason)
               VALUES ('coupang', 'default', 1000, (now() AT TIME ZONE 'Asia/Seoul')::date, 250,
                       now() + interval '1 hour', '429')""")
    execute("""INSERT INTO market_windows (market_code, days_of_week, from_time, to_time)
               VALUES ('coupang', '*', '02:00', '03:00')""")
    for begin, end in ((5, 4), (3, 2)):
        execute("""INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, lines_read, claims_read,
                   inserted, updated, unchanged) VALUES ('coupang', 'default', 'orders', now() - make_interval(hours => %s),
                   now() - make_interval(hours => %s), 0, 0, 0, 0, 0)""", (begin, end))
    text = web.page("/scheduler/markets", "viewer", "en").text
    assert "250 / 1,000 (25.0%)" in text and "daily 02:00" in text and "✕ 1 h<" in text and "key expires in" in text
    assert "secret://" not in text and "COUPANG_KEY" not in text
