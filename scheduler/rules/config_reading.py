"""The text of a configuration file: YAML as of version 1.2 (09:00 and yes are texts), or JSON, with the line of each value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from scheduler.rules.quoting import quoted
from scheduler.words import say

Path = tuple[str | int, ...]
PREFIX = "tag:yaml.org,2002:"
DEEPEST = 60
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
RESOLVED: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("null", re.compile(r"~|null|Null|NULL|"), "~nN\0"),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,4000})"), "-+0123456789"),
    ("float", FLOAT, "-+.0123456789"),
)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong in a file: the line (0 when nobody knows), the place and the words."""

    line: int
    place: str
    message: str

    def __str__(self) -> str:
        where = say(f"{self.line}행: ", f"line {self.line}: ") if self.line else ""
        return f"{where}{self.place + ': ' if self.place else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class Written:
    """A text that was read: its value, the lines of its parts, and what is wrong with the text itself."""

    value: Any
    lines: Mapping[Path, int]
    faults: tuple[Fault, ...]

    def line(self, *path: str | int) -> int:
        """Return the line of a part, or of the nearest part around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader without the surprises of YAML 1.1: no sexagesimal numbers, no dates, no yes and no."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}


for _tag, _pattern, _first in RESOLVED:
    _Loader.add_implicit_resolver(
        PREFIX + _tag, re.compile(f"(?:{_pattern.pattern})$"), ["" if each == "\0" else each for each in _first])


def read_text(text: str) -> Written:
    """Read YAML or JSON; nothing is raised, what is wrong stands in the faults."""
    if text.lstrip().startswith("{"):
        found = _read_json(text)
        if found is not None:
            return found
    try:
        node = _Loader(text).get_single_node()
        if node is None:
            return Written(None, {}, (Fault(1, "", say("파일이 비어 있습니다", "the file is empty")),))
        return _Conversion().run(node)
    except yaml.YAMLError as error:
        return Written(None, {}, (_broken(error),))
    except RecursionError:
        return Written(None, {}, (Fault(0, "", say("너무 깊게 들어 있습니다", "it is nested too deeply")),))


def _read_json(text: str) -> Written | None:
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice.extend(key for key in made if sum(key == other for other, _ in pairs) > 1)
        return made

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None
    return Written(value, {}, tuple(Fault(0, key, _twice()) for key in twice))


def _twice() -> str:
    return say("같은 이름이 두 번 있습니다", "the name stands here twice")


def _broken(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    return Fault(mark.line + 1 if mark else 0, "", say(f"YAML을 읽을 수 없습니다: {problem}", f"this is not YAML: {problem}"))


class _Conversion:
    """From YAML's nodes to plain values, noting lines and faults on the way."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []
        self.seen: set[int] = set()

    def run(self, node: Any) -> Written:
        value = self.value(node, ())
        return Written(value, self.lines, tuple(self.faults))

    def value(self, node: Any, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        # An anchor used twice is one node met twice; files that mean the same should not differ in such ways.
        if id(node) in self.seen or len(path) > DEEPEST:
            self.fault(node, path, say("별칭(*)이나 너무 깊은 구조는 쓸 수 없습니다",
                                       "aliases (*) and deeper nesting are not read"))
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == PREFIX + "map":
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == PREFIX + "seq":
            return [self.value(each, (*path, number)) for number, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        return self.unknown(node, path)

    def mapping(self, node: Any, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fault(key, path, say("이름은 글이어야 합니다", "a name must be a text"))
            elif key.value in made:
                self.fault(key, (*path, key.value), _twice())
            else:
                self.lines[(*path, key.value)] = key.start_mark.line + 1
                made[key.value] = self.value(value, (*path, key.value))
        return made

    def scalar(self, node: Any, path: Path) -> Any:
        kind = node.tag.removeprefix(PREFIX)
        try:
            if kind == "str":
                return node.value
            if kind == "null":
                return None
            if kind == "bool":
                return {"true": True, "false": False}[node.value.lower()]
            if kind in ("int", "float"):
                return int(node.value) if kind == "int" else float(node.value)
        except (ValueError, KeyError):
            self.fault(node, path, say(f"{quoted(node.value)}을(를) 읽을 수 없습니다", f"{quoted(node.value)} cannot be read"))
            return None
        return self.unknown(node, path)

    def unknown(self, node: Any, path: Path) -> None:
        shown = quoted(node.tag)
        self.fault(node, path, say(f"형식 표시 {shown}은(는) 쓸 수 없습니다", f"the tag {shown} is not read here"))

    def fault(self, node: Any, path: Path, message: str) -> None:
        self.faults.append(Fault(node.start_mark.line + 1, dotted(path), message))


def dotted(path: Path) -> str:
    """Write a place as ``jobs.3.schedule.every``."""
    return ".".join(str(part) for part in path)
