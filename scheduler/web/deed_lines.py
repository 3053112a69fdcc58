"""What a button does, as one would type it elsewhere: a statement, and a line of the command line; both run as printed."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.words import say


@dataclass(frozen=True, slots=True)
class Line:
    """One way to do it: *words* says which, nothing for what the button does when nothing else is chosen."""

    sql: str
    command: str
    words: str = ""


def deed_lines(deed: str, number: int, revision: int | None = None) -> list[Line]:
    """Return the lines of *deed* on the job or the execution *number*. Raises KeyError for a deed that has none."""
    at = f", {revision}" if revision is not None else ""
    ways = {
        "run": [Line(f"SELECT schedule_run_now({number});", f"jobs run {number}")],
        "pause": [
            Line(f"SELECT * FROM schedule_pause({number});", f"jobs pause {number}"),
            Line(f"SELECT * FROM schedule_pause({number}, until => now() + interval '1 hour', reason => 'maintenance');",
                 f"jobs pause {number} --for 1h --reason maintenance", say("얼마 동안, 이유", "for a while, with a reason")),
        ],
        "resume": [
            Line(f"SELECT * FROM schedule_resume({number});", f"jobs resume {number}"),
            Line(f"SELECT * FROM schedule_resume({number}, run_missed => true);", f"jobs resume {number} --run-missed",
                 say("놓친 것을 한 번 실행", "and run once what was missed")),
        ],
        "delete": [Line(f"DELETE FROM schedule_jobs WHERE id = {number};", f"jobs remove {number} --yes")],
        "restore": [Line(f"SELECT * FROM schedule_restore({number}{at});",
                         f"jobs restore {number}" + (f" {revision}" if revision is not None else ""))],
        "retry": [Line(f"SELECT schedule_retry({number});", f"executions retry {number}")],
        "cancel": [Line(f"SELECT schedule_cancel({number});", f"executions cancel {number}")],
        "release": [Line(f"SELECT * FROM schedule_release_lock({number}, force => true);",
                         f"locks release {number} --force --yes")],
    }
    return [Line(each.sql, f"erp-scheduler {each.command}", each.words) for each in ways[deed]]
