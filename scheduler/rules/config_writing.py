"""A configuration as text: YAML whose every byte is settled by what it says, or JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from scheduler.rules.config import VERSION, Config
from scheduler.rules.config_reading import FLOAT, PREFIX

WIDEST = 2**30
ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
"""What a literal block cannot hold, or what some reader takes for the end of a line."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper that quotes whatever any reader, of YAML 1.1 or 1.2, might take for something else than a text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


_Dumper.add_implicit_resolver(PREFIX + "float", re.compile(f"(?:{FLOAT.pattern})$"), list("-+.0123456789"))


def _text(dumper: _Dumper, data: str) -> yaml.ScalarNode:
    odd = ODD.search(data) is not None
    if "\n" in data and not odd and not re.search(r"[ \t]\n|[ \t]$|^\s", data):
        return dumper.represent_scalar(PREFIX + "str", data, style="|")
    # A time without quotes would be a number of minutes to a reader of YAML 1.1, and a day a date.
    quoted = odd or (re.match(r"[0-9]", data) is not None and re.search("[:-]", data) is not None)
    return dumper.represent_scalar(PREFIX + "str", data, style='"' if quoted else None)


_Dumper.add_representer(str, _text)


def document_of(config: Config) -> dict[str, Any]:
    """Return the document of a configuration; everything by name, so that two exports can be compared line by line."""
    document: dict[str, Any] = {"version": VERSION}
    for kind, entries in (("calendars", config.calendars), ("overlays", config.overlays)):
        if entries:
            document[kind] = {name: entries[name] for name in sorted(entries)}
    return document | {"jobs": [{"name": name, **config.jobs[name]} for name in sorted(config.jobs)]}


def as_yaml(config: Config) -> str:
    """Write a configuration as YAML."""
    return yaml.dump(document_of(config), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=WIDEST,
                     default_flow_style=False)


def as_json_text(config: Config) -> str:
    """Write a configuration as JSON."""
    return json.dumps(document_of(config), ensure_ascii=False, indent=2) + "\n"
