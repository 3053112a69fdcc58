"""Messages are compared in English, whatever the machine's locale."""

from collections.abc import Iterator

import pytest

from scheduler.words import set_language


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_language("en")
    yield
    set_language(None)
