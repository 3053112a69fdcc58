"""The daemon without the command line, for tests that are about the daemon alone."""

import sys

from scheduler.daemon import run_daemon
from scheduler.settings import load_settings
from scheduler.words import set_language

if __name__ == "__main__":
    settings = load_settings()
    set_language("en")
    assert settings.database_url is not None
    sys.exit(run_daemon(settings, settings.database_url, web="--web" in sys.argv, once="--once" in sys.argv))
