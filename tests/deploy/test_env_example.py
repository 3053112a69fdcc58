"""deploy/.env.example explains every setting, names no other, and can be read as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scheduler.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / "deploy" / ".env.example"
PATTERN = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)
NOT_OURS = {"COUPANG_ACCESS_KEY", "COUPANG_SECRET_KEY"}
EXAMPLES_NOT_DEFAULTS = {"database_url", "handlers", "state_dir", "lang", "node", "web_hosts", "web_cert", "web_key"}


def explained() -> dict[str, str]:
    return dict(PATTERN.findall(EXAMPLE.read_text(encoding="utf-8")))


def test_every_setting_is_explained_and_nothing_else() -> None:
    names = {f"ERP_SCHEDULER_{name.upper()}" for name in Settings.model_fields} - {"ERP_SCHEDULER_DATABASE_URL"}
    assert set(explained()) - NOT_OURS == names | {"DATABASE_URL", "DATABASE_URL_FILE"}


def test_each_explanation_is_korean_and_english() -> None:
    for block in re.split(r"\n\s*\n", EXAMPLE.read_text(encoding="utf-8")):
        if PATTERN.search(block):
            assert re.search(r"^# .*[가-힣]", block, re.MULTILINE), block
            assert re.search(r"^# [A-Z][a-z]+[,:]? ", block, re.MULTILINE), block


def test_the_defaults_shown_are_the_defaults() -> None:
    shown = {name.removeprefix("ERP_SCHEDULER_").lower(): value for name, value in explained().items()}
    for name, field in Settings.model_fields.items():
        if name not in EXAMPLES_NOT_DEFAULTS:
            default = field.get_default()
            assert shown[name] == (f"{default:g}" if isinstance(default, float) else str(default)), name


def test_the_example_with_every_line_set_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    everything = tmp_path / "env"
    text = PATTERN.sub(r"\1=\2", EXAMPLE.read_text(encoding="utf-8"))
    everything.write_text(text, encoding="utf-8")

    settings = load_settings(everything)

    assert settings.database_url == "postgresql://scheduler:password@db.example.com:5432/erp"
    assert settings.handler_modules == ("our_jobs.gmarket", "our_jobs.report")
    assert settings.lang == "ko"
    assert settings.drain_seconds == 60
