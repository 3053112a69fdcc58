"""Every setting and every default number of the house.

Order: defaults < settings file (``KEY=VALUE`` lines, named by ERP_SCHEDULER_CONFIG or ``--config``) < environment
< command line. Each name is ``ERP_SCHEDULER_<NAME>``; the database also answers to plain ``DATABASE_URL``, and to
``DATABASE_URL_FILE`` for a secret that lies in a file. ``deploy/.env.example`` explains each one.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from scheduler.errors import ConfigError

PARAMETERS_BYTES = 256 * 1024
RESULT_BYTES = 1024 * 1024
LOG_LINE_CHARACTERS = 4000
LOG_LINES_KEPT = 1000
MISFIRE_CAP = 100
PLAN_BATCH = 500
RETRY_BASE_SECONDS = 10.0
RETRY_LONGEST_SECONDS = 900.0


def default_state_dir() -> Path:
    """Return the folder for pid, sockets and the embedded database of this user."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "erp-scheduler"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ERP_SCHEDULER_", frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("database_url", "ERP_SCHEDULER_DATABASE_URL", "DATABASE_URL"),
        repr=False,
    )
    handlers: str = ""
    functions: str = ""
    state_dir: Path = Field(default_factory=default_state_dir)
    log_dir: Path = Path("logs")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_days: int = Field(default=30, ge=1)
    backup_dir: Path = Path("backups")
    report_dir: Path = Path("reports")
    lang: Literal["ko", "en"] | None = None
    node: str = Field(default_factory=lambda: socket.gethostname().split(".")[0] or "node", min_length=1, max_length=100)

    workers: int = Field(default=8, ge=1, le=1024)
    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    lease_seconds: float = Field(default=60.0, ge=1)
    heartbeat_seconds: float = Field(default=15.0, gt=0)
    reap_grace_seconds: float = Field(default=10.0, ge=0)
    drain_seconds: float = Field(default=60.0, ge=0)
    kill_seconds: float = Field(default=10.0, ge=0)
    timeout_grace_seconds: float = Field(default=0.5, ge=0)
    max_executions_per_child: int = Field(default=1000, ge=1)
    memory_mb: int = Field(default=4096, ge=128)
    execution_days: int = Field(default=90, ge=1)
    failure_days: int = Field(default=365, ge=1)

    web_host: str = "127.0.0.1"
    web_port: int = Field(default=3000, ge=1, le=65535)
    web_hosts: str = ""
    web_frames: str = ""
    web_behind_proxy: bool = False
    web_proxies: str = "127.0.0.1,::1"
    web_cert: Path | None = None
    web_key: Path | None = None

    @property
    def lease_limit_seconds(self) -> float:
        """How long after the last good renewal was sent a handler may still live: three quarters of the lease."""
        return self.lease_seconds * 0.75

    @property
    def handler_modules(self) -> tuple[str, ...]:
        """Where to import handlers from besides entry points: modules, then what a program registered, one JSON a module."""
        functions = [json.dumps(source, ensure_ascii=False) for source in json.loads(self.functions or "[]")]
        return (*(name.strip() for name in self.handlers.split(",") if name.strip()), *functions)

    @field_validator("log_dir", "backup_dir", "report_dir", "state_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("functions")
    @classmethod
    def _is_list_of_sources(cls, text: str) -> str:
        try:
            whole = all(source["module"] and source["functions"] for source in json.loads(text or "[]"))
        except (ValueError, TypeError, KeyError):
            whole = False
        if not whole:
            raise ValueError("a JSON list of objects with module, file and functions; programs write it themselves")
        return text

    @model_validator(mode="after")
    def _beats_fit_lease(self) -> Settings:
        if self.heartbeat_seconds >= self.lease_limit_seconds:
            raise ValueError(
                f"heartbeat_seconds={self.heartbeat_seconds:g} comes too late for "
                f"lease_seconds={self.lease_seconds:g}; use at most a quarter of the lease"
            )
        return self


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings once.

    config     a file of ``KEY=VALUE`` lines; None looks at ERP_SCHEDULER_CONFIG
    overrides  what the command line said; None values are left out
    Raises     ConfigError with all faults in one message
    """
    named = config or (Path(os.environ["ERP_SCHEDULER_CONFIG"]) if os.environ.get("ERP_SCHEDULER_CONFIG") else None)
    if named is not None and not named.is_file():
        raise ConfigError(f"settings file {named} does not exist")
    given = {name: value for name, value in overrides.items() if value is not None}
    secret_file = os.environ.get("DATABASE_URL_FILE")
    if secret_file and "database_url" not in given:
        try:
            given["database_url"] = Path(secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"DATABASE_URL_FILE={secret_file} cannot be read: {error.strerror}") from error
    try:
        return Settings(_env_file=named, **given)  # type: ignore[call-arg]
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"settings: {faults}") from error
