"""What a sandbox must remember over a restart: its beginning, its keys, and what was written to it."""

from __future__ import annotations

import json
import os
import secrets
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

KEYS = ("access_key", "secret_key", "vendor_id")


class State:
    """A JSON file, replaced as a whole with each change; without a path it lives in memory only."""

    def __init__(self, path: Path | None, seed: int, per_minute: float, now: datetime, history: timedelta) -> None:
        self._path = path
        self._lock = threading.RLock()
        self.content: dict[str, Any] = {
            "seed": seed, "per_minute": per_minute, "start": (now - history).astimezone(UTC).isoformat(), "keys": {},
            "acknowledged": {}, "stock": {}, "price": {}, "stopped": {},
        }
        if path is not None and path.exists():
            self.content.update(json.loads(path.read_text(encoding="utf-8")))
        self._take_keys()
        self._write()

    @property
    def seed(self) -> int:
        return int(self.content["seed"])

    @property
    def per_minute(self) -> float:
        return float(self.content["per_minute"])

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.content["start"])

    def key(self, name: str) -> str:
        return str(self.content["keys"][name])

    def get(self, part: str, name: Any) -> Any:
        """Return what was written of *name*, or None."""
        return self.content[part].get(str(name))

    def put(self, part: str, name: Any, value: Any) -> None:
        """Write it down before the answer goes out."""
        with self._lock:
            self.content[part][str(name)] = value
            self._write()

    def _take_keys(self) -> None:
        made = {
            "access_key": secrets.token_hex(16), "secret_key": secrets.token_hex(20),
            "vendor_id": f"A{10_000_000 + self.seed % 10_000_000:08d}",
        }
        for name in KEYS:
            given = os.environ.get(f"ERP_SANDBOX_COUPANG_{name.upper()}")
            self.content["keys"][name] = given or self.content["keys"].get(name) or made[name]

    def _write(self) -> None:
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self.content, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
