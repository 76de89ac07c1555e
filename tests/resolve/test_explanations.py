"""What is told about each kind of conflict, word for word; beside each text lies what uv and pip tell."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.conflicts import CONFLICTS
from tests.support.golden import Session, golden, golden_text
from tests.support.index import IndexServer
from tests.support.sampled import sampled

PEERS = ("pip install --dry-run", "uv pip compile")


@pytest.fixture
def index() -> Iterator[IndexServer]:
    with IndexServer() as server:
        yield server


@pytest.mark.parametrize("name", sampled(CONFLICTS, 6))
def test_a_conflict_is_explained(name: str, index: IndexServer, tmp_path: Path) -> None:
    conflict = CONFLICTS[name]
    conflict.offer(index, tmp_path)
    session = Session(tmp_path, options={"lock": ("--index", index.url)})
    assert session(f"lock {conflict.asked} {conflict.target} {conflict.options}".rstrip()) == conflict.code
    assert session.transcript == golden(f"explanations/{name}", session)


@pytest.mark.rooms
@pytest.mark.parametrize("name", CONFLICTS)
def test_uv_or_pip_fails_too(name: str, index: IndexServer, tmp_path: Path) -> None:
    """`tests/golden/explanations/peers` has what they say, to be read beside ours: written anew with WHEELHOUSE_UPDATE_GOLDEN=1.

    uv heeds no upper bound of Requires-Python, and compares no hash before it installs.
    """
    conflict = CONFLICTS[name]
    conflict.offer(index, tmp_path)
    said = [conflict.with_pip(index.url, tmp_path), conflict.with_uv(index.url, tmp_path)]
    assert any(done.returncode for done in said), said
    text = "\n".join(
        f"--- {peer}: exit code {done.returncode}\n{(done.stderr if done.returncode else done.stdout).strip()}\n"
        for peer, done in zip(PEERS, said, strict=True)
    )
    text = re.sub(r"127\.0\.0\.1:\d+", "<host>", text.replace(str(tmp_path), "<folder>"))
    if os.environ.get("WHEELHOUSE_UPDATE_GOLDEN"):
        golden_text(f"explanations/peers/{name}", text)
