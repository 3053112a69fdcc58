"""Secrets: by reference, from where they may come, and masked wherever they may go."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from scheduler.errors import ConfigError
from scheduler.secrets import Redactor, resolve


def test_a_reference_is_resolved_from_environment_file_and_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    file.chmod(0o600)
    monkeypatch.setenv("A_KEY", "from-env")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert resolve("secret://env/A_KEY") == "from-env"
    assert resolve(f"secret://file{file}") == "from-file"
    assert resolve("secret://credential/key") == "from-file"


@pytest.mark.parametrize(
    "reference",
    ["plain", "secret://", "secret://env/", "secret://env/NOT_SET_ANYWHERE", "secret://vault/x", "secret://file/not/there",
     "secret://credential/../key"],
)
def test_a_wrong_reference_says_so(reference: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(reference)
    assert reference.removeprefix("secret://") in str(caught.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("canary")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        resolve(f"secret://file{file}")
    assert "canary" not in str(caught.value)


def test_a_known_value_is_masked_however_it_is_written() -> None:
    redactor = Redactor()
    redactor.learn("s3cr3t value/1")
    for text in ("x s3cr3t value/1 y", "s3cr3t%20value%2F1", "s3cr3t%20value/1", base64.b64encode(b"s3cr3t value/1").decode()):
        assert "s3cr3t" not in redactor.text(text)
        assert base64.b64encode(b"s3cr3t").decode()[:6] not in redactor.text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("postgresql://user:pa55@host/db", "postgresql://user:***@host/db"),
        ("CEA algorithm=HmacSHA256, access-key=k, signature=deadbeef", "CEA algorithm=HmacSHA256, access-key=k, signature=***"),
        ("password = hunter2", "password = ***"),
        ("secret://env/COUPANG_KEY stays a reference", "secret://env/COUPANG_KEY stays a reference"),
        ("nothing to hide: 주문 3건", "nothing to hide: 주문 3건"),
    ],
)
def test_secret_shapes_are_masked_and_the_rest_is_left(text: str, shown: str) -> None:
    assert Redactor().text(text) == shown


def test_fields_with_a_secret_name_are_masked_at_any_depth() -> None:
    given = {"a": [{"password": "x"}], "API_KEY": "y", "reference": "secret://env/Z", "access_key": "secret://env/K", "n": 1}
    assert Redactor().value(given) == {
        "a": [{"password": "***"}], "API_KEY": "***", "reference": "secret://env/Z", "access_key": "secret://env/K", "n": 1,
    }


def test_below_a_secret_name_nothing_is_left_whatever_it_is() -> None:
    given = {
        "password": 12345678, "secret": {"value": "hunter2", "pin": 4711, "on": True, "from": "secret://env/S"},
        "tokens": ["a", "b"], "auth": "Token abc", "credentials": {"vendor_id": "A1", "access_key": "k"}, "max_tokens": 100,
        "webhook_url": "https://hooks.example.com/k", "api_key": None,
    }
    assert Redactor().value(given) == {
        "password": "***", "secret": {"value": "***", "pin": "***", "on": True, "from": "secret://env/S"},
        "tokens": ["***", "***"], "auth": "***", "credentials": {"vendor_id": "A1", "access_key": "***"}, "max_tokens": 100,
        "webhook_url": "***", "api_key": None,
    }
