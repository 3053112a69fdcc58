"""`erp-scheduler jobs export, validate, diff, import`: all jobs in a file that can be reviewed and versioned."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.job_edits import confirm
from scheduler.cli.output import as_json, hint, print_json, show, show_exact
from scheduler.cli.session import change, database
from scheduler.errors import DatabaseUnavailable
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.queries.config import Present
    from scheduler.rules.config_check import Checked
    from scheduler.rules.config_plan import Change

File = Annotated[Path, typer.Argument(metavar="FILE|-", help=both("설정 파일 (YAML 또는 JSON, -는 표준 입력)",
                                                                  "The file (YAML or JSON; - for standard input)"))]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))]
Prune = Annotated[bool, typer.Option(
    "--prune", help=both("파일에 없는 작업을 지웁니다", "Remove the jobs that the file does not name"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=both("바꿀 것만 보여줍니다", "Only show what would change"))]
MARKS = {"add": "+", "change": "~", "remove": "-"}
LONGEST_VALUE = 100


def register(app: typer.Typer) -> None:
    """Put the commands on the noun."""
    command(app, "export", "작업을 파일로 내보냅니다", "Write the jobs into a file")(export)
    command(app, "validate", "파일이 맞는지 봅니다", "Check a file")(validate)
    command(app, "diff", "파일과 데이터베이스의 다른 점", "Say how a file differs from the database")(diff)
    command(app, "import", "파일대로 작업을 만들고 고칩니다", "Make and change jobs as a file says")(import_)


def export(
    job: Annotated[list[str] | None, typer.Argument(help=both("작업 (없으면 전부)", "Jobs (none: all)"))] = None,
    file: Annotated[Path | None, typer.Option(
        "--file", "-f", metavar="FILE", help=both("파일 (없으면 화면)", "File (none: stdout)"))] = None,
    format_: Annotated[str, typer.Option("--format", metavar="yaml|json|sql", help=both("형식", "Format"))] = "yaml",
) -> None:
    """Write jobs, calendars and overlays as a document that import reads again."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.config import exported, read_present
    from scheduler.queries.config_script import as_script
    from scheduler.rules.config_writing import as_json_text, as_yaml

    writers = {"yaml": as_yaml, "json": as_json_text, "sql": as_script}
    format_ = "json" if chosen().json and format_ == "yaml" else format_
    if format_ not in writers:
        raise Stop(exit_codes.USAGE, f"--format {format_}: {' | '.join(writers)}")
    with database() as connection:
        names = None
        if job:
            names = [row["name"] for row in queries.list_jobs(connection, ids=queries.find_jobs(connection, job))]
        config = exported(read_present(connection), names)
    text = writers[format_](config)
    if file is None or str(file) == "-":
        show_exact(text.removesuffix("\n"))
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stop(exit_codes.FAILED, f"{file}: {error.strerror}") from None
    hint(say(f"작업 {len(config.jobs)}개를 {file}에 썼습니다", f"{len(config.jobs)} jobs written to {file}"))


def validate(file: File) -> int:
    """Check a file and list every fault with its line; parameters too where the database knows their types."""
    try:
        with database() as connection:
            checked, _ = _read(connection, file)
    except DatabaseUnavailable:
        hint(say("데이터베이스 없이 확인합니다 (매개변수와 다른 작업의 이름은 빼고)",
                 "checked without the database: parameters and names of other jobs are not looked at"))
        checked = _checked(file, None)
    if chosen().json:
        print_json({"valid": not checked.faults, "jobs": len(checked.config.jobs), "faults": [
            {"line": fault.line or None, "place": fault.place, "message": fault.message} for fault in checked.faults]})
    elif not checked.faults:
        show(say(f"맞습니다: 작업 {len(checked.config.jobs)}개", f"valid: {len(checked.config.jobs)} jobs"))
    else:
        for fault in checked.faults:
            show(str(fault))
    return exit_codes.FAILED if checked.faults else exit_codes.OK


def diff(file: File) -> int:
    """Say what an import with --prune would do; 0 when nothing, 1 when something differs."""
    with database() as connection:
        _, changes, _ = _planned(connection, _content(file), file, prune=True)
    _show(changes)
    return exit_codes.FAILED if changes else exit_codes.OK


def import_(file: File, dry_run: DryRun = False, prune: Prune = False, yes: Yes = False) -> None:
    """Do what a file says in one transaction; jobs that are as the file says are not touched."""
    content = _content(file)
    with database() as connection:
        _, changes, unnamed = _planned(connection, content, file, prune=prune)
        carry_out(connection, lambda: _planned(connection, content, file, prune=prune)[:2], changes, dry_run=dry_run, yes=yes)
    if unnamed and not prune:
        hint(say(f"파일에 없는 작업 {unnamed}개는 그대로입니다 (지우기: --prune)",
                 f"{unnamed} jobs that the file does not name stay (to remove them: --prune)"))


def carry_out(connection: Connection[Any], again: Any, changes: Sequence[Change], *, dry_run: bool, yes: bool) -> None:
    """Show a plan, ask, and carry it out if it is still the same. Raises Conflict when it is not; Stop (declined).

    again  plans anew inside the transaction and returns (checked, changes)
    """
    from scheduler.queries.config_import import take_turn_and_apply

    if dry_run or not changes or not chosen().json:
        _show(changes)
    if dry_run or not changes:
        return
    removed = sum(each.action == "remove" for each in changes)
    more = say(f" (작업 {removed}개를 지움)", f" ({removed} jobs are deleted)") if removed else ""
    confirm(say(f"{len(changes)}가지를 바꿀까요?{more}", f"Make {len(changes)} changes?{more}"), yes)
    with change(connection):
        take_turn_and_apply(connection, again, changes)
    if chosen().json:
        print_json([each.as_document() for each in changes])
    else:
        show(say(f"{len(changes)}가지를 바꿨습니다", f"{len(changes)} changes made"))


def _content(file: Path) -> str:
    """Read the file. Raises Stop when it is not there or not UTF-8."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise Stop(exit_codes.USAGE, f"{file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[:error.start].count(b"\n") + 1
        raise Stop(exit_codes.USAGE, say(f"{file} {line}행: UTF-8 글자가 아닙니다",
                                         f"{file} line {line}: this is not UTF-8 text")) from None


def _checked(file: Path, present: Present | None, content: str | None = None) -> Checked:
    from scheduler.queries.config_import import checked_text

    return checked_text(_content(file) if content is None else content, present)


def _read(connection: Connection[Any], file: Path, content: str | None = None) -> tuple[Checked, Present]:
    from scheduler.queries.config import read_present

    present = read_present(connection)
    return _checked(file, present, content), present


def _planned(connection: Connection[Any], content: str, file: Path, *, prune: bool) -> tuple[Checked, list[Change], int]:
    """Return the file, what it changes, and how many jobs it does not name. Raises Stop listing all faults."""
    from scheduler.queries.config_import import planned

    checked, present = _read(connection, file, content)
    if checked.faults:
        listed = "\n".join(str(fault) for fault in checked.faults)
        raise Stop(exit_codes.FAILED, say(f"{file}에 잘못이 있습니다", f"{file} has faults") + f"\n{listed}")
    return checked, *planned(checked, present, prune=prune)


def _show(changes: Sequence[Change]) -> None:
    if chosen().json:
        print_json([each.as_document() for each in changes])
        return
    if not changes:
        show(say("다른 점이 없습니다", "nothing differs"))
    kinds = {"jobs": say("작업", "job"), "calendars": say("달력", "calendar"), "overlays": say("기간 설정", "overlay")}
    for each in changes:
        show(f"{MARKS[each.action]} {kinds[each.kind]} {each.name}{_ending(each)}")
        for field, old, new in each.fields if each.action != "remove" else ():
            show(f"    {field}: {_told(new) if each.action == 'add' else f'{_told(old)} → {_told(new)}'}")


def _ending(each: Change) -> str:
    return say(" (파일에 없음)", " (not in the file)") if each.action == "remove" else ""


def _told(value: Any) -> str:
    if value is None or value == "":
        return "-"
    text = value if isinstance(value, str) else as_json(value, indent=None)
    text = text.replace("\n", "⏎")
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE - 1] + "…"
