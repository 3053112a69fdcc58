"""How every command is declared: help in two languages, the same global flags before and after it, one way to fail."""

from __future__ import annotations

import inspect
import os
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from scheduler import __version__
from scheduler.cli import exit_codes
from scheduler.cli.output import complain, tell
from scheduler.errors import SchedulerError
from scheduler.words import language, say, set_language

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the global flags of this command line said."""

    dsn: str | None = None
    config: Path | None = None
    json: bool = False
    lang: str | None = None
    no_color: bool = False
    quiet: bool = False


_chosen = Chosen()


def chosen() -> Chosen:
    """Return the global flags of the command that runs."""
    return _chosen


class Stop(SchedulerError):
    """End the command with a code that no error class of the service stands for."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.code = code


def both(korean: str, english: str) -> str:
    """Keep two wordings of a help text until the language of the command line is known."""
    return f"{korean}{_SEPARATOR}{english}"


def _spoken(text: str | None) -> str | None:
    if text is None or _SEPARATOR not in text:
        return text
    return say(*text.split(_SEPARATOR, 1))


class Bilingual(TyperGroup):
    """The root: looks for --lang anywhere in the line before any help is written."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        set_language(_language_in(args))
        translate(self)
        return super().make_context(info_name, args, *rest, **extra)


def _language_in(args: list[str]) -> str | None:
    for position, word in enumerate(args):
        if word == "--":
            return None
        if word.startswith("--lang="):
            return word.partition("=")[2]
        if word == "--lang" and position + 1 < len(args):
            return args[position + 1]
    return None


def translate(command: Any) -> None:
    """Put the help of a command, and of all below it, into the language in force."""
    command.help = _spoken(command.help)
    command.short_help = _spoken(command.short_help)
    for parameter in command.params:
        if hasattr(parameter, "help"):
            parameter.help = _spoken(parameter.help)
    for child in getattr(command, "commands", {}).values():
        translate(child)


def _check_language(value: str | None) -> str | None:
    if value not in (None, "ko", "en"):
        raise typer.BadParameter("ko | en")
    return value


def _print_version(wanted: bool | None) -> None:
    if wanted:
        typer.echo(f"erp-scheduler {__version__}")
        raise typer.Exit


_PANEL = "Global"
Dsn = Annotated[str | None, typer.Option(
    "--dsn", metavar="URL", rich_help_panel=_PANEL,
    help=both("데이터베이스 주소 (기본: DATABASE_URL)", "Database address (default: DATABASE_URL)"))]
Config = Annotated[Path | None, typer.Option(
    "--config", metavar="FILE", rich_help_panel=_PANEL, help=both("설정 파일 (KEY=VALUE)", "Settings file (KEY=VALUE)"))]
Json = Annotated[bool, typer.Option(
    "--json", rich_help_panel=_PANEL, help=both("JSON 문서 하나로 출력", "Print one JSON document"))]
Lang = Annotated[str | None, typer.Option(
    "--lang", metavar="ko|en", callback=_check_language, rich_help_panel=_PANEL, help=both("언어", "Language"))]
NoColor = Annotated[bool, typer.Option(
    "--no-color", rich_help_panel=_PANEL, help=both("색 없이 출력", "No colours"))]
Quiet = Annotated[bool, typer.Option(
    "--quiet", "-q", rich_help_panel=_PANEL, help=both("안내 문구를 줄임", "Say less on stderr"))]
Version = Annotated[bool, typer.Option(
    "--version", is_eager=True, callback=_print_version, rich_help_panel=_PANEL, help=both("버전", "Version"))]

_GLOBAL: dict[str, tuple[Any, Any]] = {
    "dsn": (Dsn, None), "config": (Config, None), "json": (Json, False), "lang": (Lang, None),
    "no_color": (NoColor, False), "quiet": (Quiet, False), "version": (Version, False),
}


def root_flags(
    dsn: Dsn = None, config: Config = None, json: Json = False, lang: Lang = None,
    no_color: NoColor = False, quiet: Quiet = False, version: Version = False,
) -> None:
    """Take the global flags that stand before the command."""
    global _chosen
    _chosen = Chosen()
    _choose({"dsn": dsn, "config": config, "json": json, "lang": lang, "no_color": no_color, "quiet": quiet})


def _choose(flags: dict[str, Any]) -> None:
    global _chosen
    _chosen = replace(_chosen, **{name: value for name, value in flags.items() if value not in (None, False)})
    if _chosen.lang:
        set_language(_chosen.lang)


def noun(name: str, korean: str, english: str) -> typer.Typer:
    """Make the group of commands about one noun."""
    return typer.Typer(name=name, help=both(korean, english), no_args_is_help=True)


def command(
    app: typer.Typer, name: str, korean: str, english: str, **extra: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a command: its function gets the global flags as options of its own and fails in one way."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        app.command(name, help=both(korean, english), **extra)(_with_globals(function))
        return function

    return declare


def _with_globals(function: Callable[..., Any]) -> Callable[..., None]:
    hints = typing.get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints.get(parameter.name, Any))
        for parameter in inspect.signature(function).parameters.values()
    ]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
        for name, (hint, default) in _GLOBAL.items()
    ]

    def run(**arguments: Any) -> None:
        _choose({name: arguments.pop(name) for name in _GLOBAL if name in arguments and name != "version"})
        arguments.pop("version", None)
        _guarded(function, arguments)

    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature(keyword + added)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword + added}
    run.__name__ = function.__name__
    return run


def _guarded(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    try:
        code = function(**arguments)
    except SchedulerError as error:
        _fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(exit_codes.INTERRUPTED) from None
    except UnicodeEncodeError:
        _fail(Stop(exit_codes.USAGE, say("UTF-8이 아닌 글자가 있습니다", "an argument is not UTF-8 text")))
    except OverflowError:
        _fail(Stop(exit_codes.USAGE, say("너무 큰 수나 시각이 있습니다", "a number or a moment is too large")))
    except Exception as error:
        known = _known(error)
        if known is None:
            raise
        _fail(known)
    if code:
        raise typer.Exit(int(code))


def _known(error: Exception) -> SchedulerError | None:
    """Turn an error of PostgreSQL into ours, if that module was loaded at all."""
    if "psycopg" not in sys.modules:
        return None
    from scheduler.database.refusals import in_our_words

    return in_our_words(error)


def _fail(error: SchedulerError) -> NoReturn:
    code = error.code if isinstance(error, Stop) else exit_codes.code_of(error)
    text = str(error)
    if chosen().json and text:
        import json

        tell(json.dumps({"error": type(error).__name__, "message": text, "exit_code": code}, ensure_ascii=False))
    elif text:
        complain(text)
    raise typer.Exit(code)


def main_language() -> str:
    """Say the language in force, for child processes."""
    return language()


def colour_wanted() -> bool:
    """Say whether colours may be used: not with --no-color, NO_COLOR or a dumb terminal."""
    return not (chosen().no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
