"""The fresh process that looks for functions: their sources come by standard input, what is wrong goes to standard error."""

from __future__ import annotations

import json
import os
import sys

from scheduler.errors import ConfigError
from scheduler.running.functions import load_functions


def look() -> None:
    """Import every source and leave; the exit code says whether every function was found."""
    for source in json.loads(sys.stdin.read()):
        try:
            for _ in load_functions(json.dumps(source)):
                pass
        except ConfigError as error:
            sys.exit(str(error))
    os._exit(0)  # threads that the program started when it was imported are no reason to wait


if __name__ == "__main__":
    look()
