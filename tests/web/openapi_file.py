"""Write docs/openapi.json: ``python -m tests.web.openapi_file``."""

from __future__ import annotations

import json
from pathlib import Path

from scheduler.settings import Settings
from scheduler.web.api.openapi import document_of
from scheduler.web.app import make_app

FILE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def text() -> str:
    """Return what the file has to say; no database is asked."""
    document = document_of(make_app(Settings(), "postgresql://nobody@localhost:1/none"))
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
