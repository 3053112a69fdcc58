"""The command line's root: gathers the nouns. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys

import typer

from scheduler import __version__
from scheduler.cli import daemon, db, demo, doctor, executions, handlers, jobs, locks, nodes, sandbox, status, stock
from scheduler.cli.grammar import Bilingual, both, chosen, command, root_flags
from scheduler.cli.output import print_json, show

app = typer.Typer(
    name="erp-scheduler", cls=Bilingual, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    help=both("ERP 작업 스케줄러: 작업은 PostgreSQL의 행입니다", "Runs jobs that are rows in PostgreSQL"),
)
app.callback()(root_flags)
daemon.register(app)
status.register(app)
for noun in (jobs.app, executions.app, locks.app, nodes.app, handlers.app, db.app, stock.app, sandbox.app):
    app.add_typer(noun)
doctor.register(app)
demo.register(app)


@command(app, "version", "버전을 보여줍니다", "Show the version")
def version() -> None:
    """Show the version of the service and of what carries it."""
    import platform

    if chosen().json:
        print_json({"version": __version__, "python": platform.python_version()})
    else:
        show(f"erp-scheduler {__version__} (Python {platform.python_version()})")


def main() -> None:
    """Run the command line; the console script's door."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="erp-scheduler")
