"""The port of the demo's dashboard: promised to one demo at a time."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scheduler.cli import demo_site
from scheduler.cli.demo_site import Site
from tests.support.ports import port as port


def test_two_demos_that_start_together_have_two_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setattr(demo_site, "USUAL_PORT", port)
    first, second = Site(tmp_path, None), Site(tmp_path, None)
    assert first.port == demo_site.USUAL_PORT != second.port
    assert first.promise is not None and second.promise is not None
    first.promise.close()
    assert Site(tmp_path, None).port == demo_site.USUAL_PORT


def test_a_port_where_somebody_listens_is_left_to_him(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind((demo_site.HOST, 0))
        other.listen()
        monkeypatch.setattr(demo_site, "USUAL_PORT", other.getsockname()[1])
        assert Site(tmp_path, None).port != demo_site.USUAL_PORT


def test_a_port_that_was_asked_for_is_taken_as_it_is(tmp_path: Path) -> None:
    assert Site(tmp_path, 3977).port == 3977
