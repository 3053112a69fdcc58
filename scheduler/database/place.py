"""Where the private cluster is and how it is reached: planned before the first start, then read from its note.

The note, postgres.json in the state folder, keeps the answer the same for processes that see another environment.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from scheduler.database.account import choose, user_name
from scheduler.errors import ConfigError

DATABASE = "erp"
USER = "erp_scheduler"
"""Not the name of any schema: PostgreSQL looks into a schema named like the user before all others."""

PORT = 5432
SOCKET_PATH_BYTES = 107
SHARED = Path("/var/lib/erp-scheduler-postgres")
"""Where root's clusters live when the service user cannot enter the state folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cluster is and how it is reached.

    home  holds data and socket, which are the account's, and lock, log and passfile, which are ours
    host  a socket folder, or 127.0.0.1
    """

    state_dir: str
    home: Path
    host: str
    port: int

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def is_socket(self) -> bool:
        return self.host.startswith("/")

    @property
    def socket_files(self) -> tuple[Path, ...]:
        name = f".s.PGSQL.{self.port}"
        return (Path(self.host) / f"{name}.lock", Path(self.host) / name) if self.is_socket else ()

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def owner(self) -> str | None:
        """The OS user that the data belongs to; None before the first start."""
        try:
            return user_name(self.data.lstat().st_uid)
        except OSError:
            return None

    @property
    def major(self) -> int | None:
        """The PostgreSQL that made the data; None before the first start."""
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return None

    @property
    def is_makeable(self) -> bool:
        """Whether its socket folder can be there: a runtime folder goes with the log-in."""
        return not self.is_socket or Path(self.host).parent.is_dir()

    def url(self, dbname: str = DATABASE) -> str:
        """Return the connection URL; a password is only named by its file."""
        if self.is_socket:
            query = urlencode({"host": self.host, "port": self.port}, quote_via=quote)
            return f"postgresql://{USER}@/{dbname}?{query}"
        query = urlencode({"passfile": str(self.home / "passfile")}, quote_via=quote)
        return f"postgresql://{USER}@{self.host}:{self.port}/{dbname}?{query}"


def find(state_dir: Path) -> Place:
    """Return where the cluster of *state_dir* is, or where the first start would put it; creates nothing."""
    try:
        return _noted(state_dir) or plan(state_dir)
    except PermissionError as error:
        raise ConfigError(
            f"state folder {state_dir} is closed to {user_name(os.geteuid())}; use the user it belongs to, or "
            "choose another ERP_SCHEDULER_STATE_DIR"
        ) from error


def note(place: Place) -> None:
    """Write down where the cluster is, for all processes to come."""
    state_dir = Path(place.state_dir)
    if _noted(state_dir) == place:
        return
    draft = state_dir / f".postgres.json.{os.getpid()}"
    draft.write_text(json.dumps(asdict(place), default=str, ensure_ascii=False), encoding="utf-8")
    draft.replace(_file(state_dir))


def plan(state_dir: Path) -> Place:
    """Return where a new cluster would be, and how it would be reached from there."""
    home = _home(state_dir)
    host = _socket_folder(home)
    digest = int(_digest(state_dir), 16)
    return Place(str(state_dir), home, host or "127.0.0.1", PORT if host else 20_000 + digest % 12_000)


def _file(state_dir: Path) -> Path:
    return state_dir / "postgres.json"


def _noted(state_dir: Path) -> Place | None:
    try:
        noted = json.loads(_file(state_dir).read_text(encoding="utf-8"))
        place = Place(noted["state_dir"], Path(noted["home"]), noted["host"], int(noted["port"]))
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None
    # A copied or moved state folder carries a note about another place.
    return place if place.state_dir == str(state_dir) and place.home.is_dir() else None


def _home(state_dir: Path) -> Path:
    own = state_dir / "postgres"
    shared = SHARED / _digest(state_dir)
    if os.geteuid() != 0 or own.exists():
        return own
    if shared.exists():
        return shared
    account = choose(own / "data")
    there = next(folder for folder in (state_dir, *state_dir.parents) if folder.exists())
    return own if not account.change or account.can_enter(there) else shared


def _socket_folder(home: Path) -> str | None:
    """Return a socket folder whose path the kernel can take; None when only TCP is left."""
    candidates = [home / "socket"]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.geteuid() != 0 and _is_private(Path(runtime)):
        candidates.append(Path(runtime) / f"erp-scheduler-{_digest(home)}")
    for folder in candidates:
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES and "," not in str(folder):
            return str(folder)
    return None


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return folder.is_dir() and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
