"""What is told about each kind of conflict, word for word; beside each text lies what uv and pip tell."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.conflicts import CONFLICTS
from tests.support.golden import FOLDER, Session, golden, golden_text
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


HEEDED = {
    "constraint": ("lib 2.1", {"limits.txt": "lib==2.1\n"}, ""),
    "two-files": ("lib 2.0", {"web.txt": "lib<=2\n"}, ""),
    "transitive": ("--override FILE", {"mine.txt": "lib==2.0\n"}, "--override mine.txt"),
    "requires-itself": ("--override FILE", {"mine.txt": "lib==1.1\n"}, "--override mine.txt"),
    "two-conflicts": ("the other conflict", {"mine.txt": "base==2.0\nlib==2.0\n"}, "--override mine.txt"),
    "circle": ("--override FILE", {"mine.txt": "plugin==1.0\n"}, "--override mine.txt"),
    "requires-python": ("--python 3.13", {}, "--python 3.13"),
    "python-too-new": ("--python 3.11", {}, "--python 3.11"),
    "free-threaded": ("--python 3.13", {}, "--python 3.13"),
    "glibc-too-old": ("--platform manylinux_2_28_x86_64", {}, "--python 3.12 --platform manylinux_2_28_x86_64"),
    "sdists-only": ("--no-binary lib", {}, "--no-binary lib"),
    "yanked": ("lib==2.1", {"limits.txt": "lib==2.1\n"}, "-c limits.txt"),
    "pre-releases": (
        "`--all-releases lib` after",
        {"requirements.txt": "--only-final :all:\n--all-releases lib\napp\n"},
        "",
    ),
    "date": ("--uploaded-prior-to 2025-03-02", {}, "--uploaded-prior-to 2025-03-02"),
    "extras": ("`fast`", {"requirements.txt": "app[small]\n"}, ""),
    "local-versions": ("torch 2.0+cu118", {"requirements.txt": "torch==2.0\nvision\n"}, ""),
    "constraint-excludes-the-only-wheel": ("limits.txt:1", {"limits.txt": "lib>=1.0\n"}, ""),
    "release-is-gone": ("extra `mysql`", {"requirements.txt": "app==2.0\n"}, "-r requirements.txt"),
}
"""Conflict → what its hint says, the files that are changed accordingly, and the options that are added or take the place of others."""


@pytest.mark.parametrize("name", sampled(HEEDED, 3))
def test_what_the_hint_says_resolves_the_conflict(name: str, index: IndexServer, tmp_path: Path) -> None:
    conflict, (said, files, added) = CONFLICTS[name], HEEDED[name]
    hint = (FOLDER / "explanations" / f"{name}.txt").read_text(encoding="utf-8").partition("\nhint: ")[2]
    assert said in hint
    conflict.offer(index, tmp_path)
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    session = Session(tmp_path, options={"lock": ("--index", index.url)})
    asked = "" if name == "release-is-gone" else conflict.asked
    target = "" if added.startswith("--python") else conflict.target
    options = "" if "prior-to" in added else conflict.options
    assert session(f"lock {asked} {target} {options} {added}") == 0, session.transcript
