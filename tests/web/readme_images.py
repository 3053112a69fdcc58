"""The six pictures of the README: ``python -m tests.web.readme_images``."""

from __future__ import annotations

from pathlib import Path

from tests.web.browser import chromium, window
from tests.web.screens import serving
from tests.web.walk import ADMIN, addresses, fill, log_in, open_doors

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
# Name → page, width, theme.
IMAGES = {
    "overview": ("overview", 1280, "light"), "jobs": ("jobs", 1280, "dark"), "job": ("job", 1280, "light"),
    "calendar": ("calendar", 1280, "light"), "execution": ("execution-running", 1280, "dark"),
    "phone": ("overview", 360, "light"),
}
# The shop's rows are made to trip pages up; a picture shows them as a shop would have them.
NEAT = """
SET application_name = 'erp-scheduler daemon shop';
UPDATE schedule_jobs SET name = '상태 점검', status = 'active', last_error = NULL, description = NULL WHERE name LIKE '<img%';
UPDATE job_executions SET job_name = '상태 점검' WHERE job_name LIKE '<img%';
UPDATE job_executions SET error_message = 'HTTP 401: 인증키가 만료되었습니다' WHERE error_message LIKE 'HTTP 401%';
UPDATE schedule_jobs SET last_error = 'HTTP 401: 인증키가 만료되었습니다' WHERE last_error LIKE 'HTTP 401%';
UPDATE execution_logs SET message = regexp_replace(message, '<script>.*', '');
"""


def main() -> None:
    """Take the pictures, in Korean."""
    with serving() as (url, connection), chromium() as browser:
        open_doors(connection)
        fill(connection)
        connection.execute(NEAT)
        pages = addresses(connection)
        for name, (page, width, theme) in IMAGES.items():
            with window(browser, url, theme=theme, width=width) as opened:
                log_in(opened, url, ADMIN)
                opened.goto(pages[page], wait_until="load")
                opened.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
