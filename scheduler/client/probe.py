"""Import what the processes of a daemon would import, and say which function they would not find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from scheduler.errors import ConfigError
from scheduler.running.functions import WITHHELD
from scheduler.running.kernel import INSTANCE_VARIABLE
from scheduler.words import language, say

IMPORT_SECONDS = 90.0
LAST_LINES = 15


def refuse_unimportable(sources: list[dict[str, Any]]) -> None:
    """Import *sources* in a fresh process. Raises ConfigError with what it said when it does not find every function."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(WITHHELD)}
    try:
        tried = subprocess.run(
            [sys.executable, "-P", "-m", "scheduler.client.trial"], input=json.dumps(sources), capture_output=True,
            encoding="utf-8", errors="replace", timeout=IMPORT_SECONDS,
            env={**kept, INSTANCE_VARIABLE: "probe", "ERP_SCHEDULER_LANG": language()},
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(say(f"함수를 {IMPORT_SECONDS:g}초 안에 가져올 수 없습니다",
                              f"the functions cannot be imported within {IMPORT_SECONDS:g} seconds")) from None
    if tried.returncode:
        said = tried.stderr.strip().splitlines()[-LAST_LINES:]
        raise ConfigError("\n".join(said) or f"the import ended with exit code {tried.returncode}")
