"""An index of the wheels that the fixture `offered` made, and a session whose commands use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.index import IndexServer


@pytest.fixture
def index(offered: Path) -> Iterator[IndexServer]:
    """Offers the files of a folder."""
    with IndexServer(offered) as server:
        yield server


@pytest.fixture
def session(index: IndexServer, tmp_path: Path) -> Session:
    """A session whose commands use the made index, and give up soon."""
    online = ("--index", index.url, "--retries", "0")
    return Session(tmp_path, {"fetch": online, "lock": online, "constraints": ()}, {index.url: "<index>"})
