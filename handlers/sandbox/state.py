"""What a sandbox must remember over a restart: its beginning, its keys, its clock, and what was written to it.

The file begins with one line about the shop; each write adds a line, so a hundred thousand writes stay cheap.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import string
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from handlers.sandbox.catalogue import GOODS

BCRYPT_LETTERS = "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits
Write = dict[str, Any]
Number = int | str


def letters(alphabet: str, count: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))


def bcrypt_salt(cost: int = 4) -> str:
    """Make a salt in the form of bcrypt; its last letter carries two bits only, as those that bcrypt makes itself."""
    return f"$2a${cost:02d}${letters(BCRYPT_LETTERS, 21)}{secrets.choice('.Oeu')}"


SHAPES: dict[str, Callable[[], str]] = {
    "access_key": lambda: secrets.token_hex(16),
    "secret_key": lambda: secrets.token_hex(20),
    "client_id": lambda: letters(string.ascii_letters + string.digits, 22),
    "client_secret": bcrypt_salt,
    "openapikey": lambda: secrets.token_hex(16),
}


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new shop begins with; a shop that is on file goes on as it began.

    now, history  the shop has had orders since so long before now
    late_seconds  how late an order shows at most
    products      how many products it sells
    speed         how fast its clock goes
    """

    seed: int = 1
    per_minute: float = 6.0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    history: timedelta = timedelta(hours=2)
    late_seconds: float = 0.0
    products: int = len(GOODS)
    speed: float = 1.0

    def head(self) -> dict[str, Any]:
        now = self.now.astimezone(UTC)
        return {
            "seed": self.seed, "per_minute": self.per_minute, "start": (now - self.history).isoformat(),
            "late_seconds": self.late_seconds, "products": self.products, "keys": {},
            "clock": {"real": now.isoformat(), "shop": now.isoformat(), "speed": self.speed},
        }


class State:
    """One market's file; without a path it lives in memory only.

    keys  credentials to be used instead of those on file, of the environment, or made anew
    lock  held while something is looked up and written in one go
    """

    def __init__(
        self, path: Path | None, beginning: Beginning, market_code: str, key_names: Iterable[str],
        keys: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._file: int | None = None
        self.lock = threading.RLock()
        self.content: dict[str, Any] = beginning.head()
        self.writes: list[Write] = []
        self._latest: dict[tuple[str, str], Write] = {}
        self._here = threading.local()
        if path is not None and path.exists():
            self._read(path)
        self._take_keys(market_code, key_names, keys or {})
        self._begin_file()

    @property
    def seed(self) -> int:
        return int(self.content["seed"])

    @property
    def per_minute(self) -> float:
        return float(self.content["per_minute"])

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.content["start"])

    @property
    def late_seconds(self) -> float:
        return float(self.content["late_seconds"])

    @property
    def products(self) -> int:
        return int(self.content["products"])

    @property
    def speed(self) -> float:
        return float(self.content["clock"]["speed"])

    def key(self, name: str) -> str:
        """Return the credential of that name."""
        return str(self.content["keys"][name])

    # -- the clock

    def shop_time(self, real: datetime) -> datetime:
        """Return what the shop's clock shows at that moment."""
        clock = self.content["clock"]
        passed = real - datetime.fromisoformat(clock["real"])
        return datetime.fromisoformat(clock["shop"]) + passed * float(clock["speed"])

    def set_speed(self, real: datetime, speed: float) -> None:
        """Let the shop's clock go on from where it is, at another speed."""
        with self.lock:
            clock = {"real": real.isoformat(), "shop": self.shop_time(real).isoformat(), "speed": speed}
            self._add({"clock": clock})
            self.content["clock"] = clock

    # -- what was written

    def latest(self, what: str, number: Number) -> Write | None:
        """Return the latest write of that kind to that number, None when there is none."""
        return self._latest.get((what, str(number)))

    def write(self, what: str, number: Number, at: datetime, former: Any, value: Any, **more: Any) -> Write:
        """Keep a write, before its answer goes out."""
        entry: Write = {"at": at.isoformat(), "what": what, "number": number, "former": former, "value": value, **more}
        with self.lock:
            self._add({"write": entry})
            self._keep(entry)
            self._here.count = self.written_here() + 1
        return entry

    def written_here(self) -> int:
        """Return how many writes the calling thread has made."""
        return int(getattr(self._here, "count", 0))

    def _keep(self, entry: Write) -> None:
        self.writes.append(entry)
        self._latest[entry["what"], str(entry["number"])] = entry

    # -- the file

    def _read(self, path: Path) -> None:
        first, *others = path.read_text(encoding="utf-8").split("\n")
        self.content.update(json.loads(first))
        for line in others:
            try:
                entry = json.loads(line)
            except ValueError:
                # Killed while it was written: its answer never went out.
                continue
            if "clock" in entry:
                self.content["clock"] = entry["clock"]
            else:
                self._keep(entry["write"])

    def _take_keys(self, market_code: str, names: Iterable[str], chosen: Mapping[str, str]) -> None:
        keys = self.content["keys"]
        for name in names:
            given = chosen.get(name) or os.environ.get(f"ERP_SANDBOX_{market_code.upper()}_{name.upper()}")
            keys[name] = given or keys.get(name) or self._made(name)

    def _made(self, name: str) -> str:
        if name == "vendor_id":
            return f"A{random.Random(self.seed).randrange(10**7, 10**8):08d}"
        return SHAPES[name]()

    def _begin_file(self) -> None:
        """Write the file anew as a whole, and keep it open for what comes."""
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            for entry in (self.content, *({"write": write} for write in self.writes)):
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _add(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            os.write(self._file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
