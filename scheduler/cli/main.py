"""The command line's root: gathers the nouns. Nothing is imported before a command needs it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer

from scheduler import __version__
from scheduler.cli import daemon, demo, doctor, revisions, run_once, status, web
from scheduler.cli.grammar import Bilingual, both, chosen, command, root_flags, translate
from scheduler.cli.output import print_json, show

NOUNS = (
    "jobs", "executions", "workflows", "presets", "calendar", "overlays", "locks", "nodes", "handlers", "db", "stock", "sandbox",
    "user", "token",
)
"""Each is the ``app`` of the module of that name."""


class Root(Bilingual):
    """The root: reads the module of a noun only when the line names it; all of them for the help and for a word unknown."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(noun for noun in NOUNS if noun not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        missing = [noun for noun in NOUNS if noun not in self.commands]
        for noun in [cmd_name] if cmd_name in missing else missing if cmd_name not in self.commands else ():
            self.commands[noun] = typer.main.get_group(import_module(f"scheduler.cli.{noun}").app)
            translate(self.commands[noun])
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="erp-scheduler", cls=Root, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    help=both("ERP 작업 스케줄러: 작업은 PostgreSQL의 행입니다", "Runs jobs that are rows in PostgreSQL"),
)
app.callback()(root_flags)
daemon.register(app)
status.register(app)
web.register(app)
revisions.register(app)
run_once.register(app)
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
