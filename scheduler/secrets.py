"""Secrets by reference, and the one place that masks them.

    secret://env/NAME            a variable of the daemon's environment
    secret://file/ABSOLUTE/PATH  a file that only its owner may read
    secret://credential/NAME     a credential that systemd loaded (LoadCredential=)

Values are resolved by the daemon when a handler asks, travel over its pipe, and are masked from then on in
everything that comes back: by value, by the name of the field they stand in, and by shape.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scheduler.errors import ConfigError

MASK = "***"
SHORTEST_VALUE = 6

SECRET_NAME = re.compile(
    r"pass(word|wd)?$|secret|token$|api_?key|access_?key|authorization|signature|cookie|private_?key|openapikey", re.I
)
# Names of what may hold a secret as a text, and elsewhere holds a number or further fields.
SECRET_TEXT_NAME = re.compile(r"tokens$|credentials?$|auth$|webhook(_?url)?$", re.I)
SECRET_SHAPE = re.compile(
    r"(?P<keep>\b(?:bearer|basic)\s+|\bsignature=|\b(?:password|passwd|pwd|secret|api_?key|token)\s*[=:]\s*(?!//)"
    r"|\b\w+://[^\s:/@]+:)(?P<hide>[^\s,;&'\"@]+)",
    re.I,
)
SHAPE_HINTS = ("bearer", "basic ", "signature", "passw", "pwd", "secret", "key", "token", "://")


def resolve(reference: str) -> str:
    """Return the value behind a ``secret://`` reference.

    Raises  ConfigError that names the reference and what is wrong, never a value
    """
    kind, _, name = reference.removeprefix("secret://").partition("/")
    if not reference.startswith("secret://") or not name:
        raise ConfigError(f"{reference!r} is not a reference; write secret://env/NAME or secret://file/PATH")
    if kind == "env":
        value = os.environ.get(name)
        if value is None:
            raise ConfigError(f"{reference}: the daemon's environment has no variable {name}")
        return value
    if kind == "file":
        return _read_private(Path("/") / name, reference)
    if kind == "credential":
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder or "/" in name or name in (".", ".."):
            raise ConfigError(f"{reference}: no such credential; add LoadCredential={name}:PATH to the unit")
        return _read_private(Path(folder) / name, reference, systemd=True)
    raise ConfigError(f"{reference}: unknown kind {kind!r}; use env, file or credential")


def _read_private(path: Path, reference: str, systemd: bool = False) -> str:
    try:
        mode = path.stat().st_mode
        if not systemd and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{reference}: others may read {path}; chmod 600 it")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{reference}: {path} cannot be read: {error.strerror}") from error


class Redactor:
    """Masks what must not be seen; learns each value as it is handed out."""

    def __init__(self) -> None:
        self._values: re.Pattern[str] | None = None
        self._known: set[str] = set()

    def learn(self, value: str) -> None:
        """Mask *value* from now on, also where it stands encoded."""
        if len(value) < SHORTEST_VALUE or value in self._known:
            return
        encoded = base64.b64encode(value.encode()).decode()
        self._known |= {value, quote(value, safe=""), quote(value), encoded, encoded.rstrip("=")}
        self._values = re.compile("|".join(sorted(map(re.escape, self._known), key=len, reverse=True)))

    def text(self, text: str) -> str:
        """Return *text* with known values and secret shapes masked."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        lower = text.lower()
        if any(hint in lower for hint in SHAPE_HINTS):
            text = SECRET_SHAPE.sub(lambda found: found["keep"] + MASK, text)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """Return JSON *value* masked throughout, by the names of its fields too.

        Below the name of a secret everything is masked, numbers and nested fields as well; a reference stays readable.
        """
        if isinstance(value, dict):
            is_secret = bool(SECRET_NAME.search(name))
            return {key: self.value(item, name if is_secret else str(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, name) for item in value]
        if isinstance(value, str):
            if name and not value.startswith("secret://") and (SECRET_NAME.search(name) or SECRET_TEXT_NAME.search(name)):
                return MASK
            return self.text(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return MASK if is_number and name and SECRET_NAME.search(name) else value
