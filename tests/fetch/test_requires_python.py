"""Pages and locks that give another Requires-Python than the file: the file's own METADATA decides."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.index import Abilities, IndexServer
from tests.support.supplies import supplying
from tests.support.wheels import build_wheel
from wheelhouse.errors import IntegrityError, NoSolutionError
from wheelhouse.events import Event, Warned
from wheelhouse.fetch.fetch import fetch
from wheelhouse.fetch.gather import Options, gather
from wheelhouse.files.disk import sha256_of
from wheelhouse.index.http import Http

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=[True, False], ids=["sidecars", "no sidecars"])
def index(request: pytest.FixtureRequest) -> Iterator[IndexServer]:
    with IndexServer(abilities=Abilities(sidecars=request.param)) as server:
        yield server


def run(index: IndexServer, folder: Path, *, requirement: str = "app", files: tuple[str, ...] = ()) -> list[Event]:
    events: list[Event] = []
    options = Options(requirements=() if files else (requirement,), requirement_files=files, python=("3.12",))
    with supplying(index, folder / "cache", events.append) as source:
        fetch(gather(options, Http(), NOW), folder / "wheels", source, events.append)
    return events


def offer(index: IndexServer, folder: Path, version: str, own: str, told: str | None) -> Path:
    wheel = build_wheel(folder / "offered", "app", version, requires_python=own)
    index.add(wheel, requires_python=told)
    return wheel


@pytest.mark.parametrize("told", [">=3", None])
def test_a_release_that_its_page_wrongly_allows_is_passed_over(
    index: IndexServer, tmp_path: Path, told: str | None
) -> None:
    offer(index, tmp_path, "2", "<3.12", told)
    offer(index, tmp_path, "1", ">=3", ">=3")
    run(index, tmp_path)
    assert [path.name for path in (tmp_path / "wheels").glob("*.whl")] == ["app-1-py3-none-any.whl"]


def test_without_another_release_there_is_no_solution(index: IndexServer, tmp_path: Path) -> None:
    offer(index, tmp_path, "1", "<3", ">=3")
    with pytest.raises(NoSolutionError, match=r"requires Python <3"):
        run(index, tmp_path)
    assert not list((tmp_path / "wheels").glob("*"))


@pytest.mark.parametrize("told", [">= 3.8, !=3.9.*", ">=3.8,<4", None, "what nobody can read"])
def test_other_wording_of_what_the_target_may_have_is_no_error(
    index: IndexServer, tmp_path: Path, told: str | None
) -> None:
    offer(index, tmp_path, "1", ">=3.8,!=3.9.*", told)
    assert not [event for event in run(index, tmp_path) if isinstance(event, Warned)]


def test_a_lock_of_another_tool_cannot_allow_what_the_file_excludes(index: IndexServer, tmp_path: Path) -> None:
    wheel = offer(index, tmp_path, "1", "<3", ">=3")
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "app"\nversion = "1"\n'
        f'wheels = [{{name = "{wheel.name}", url = "{index.origin}/files/{wheel.name}", '
        f'hashes = {{sha256 = "{sha256_of(wheel)}"}}}}]\n'
    )
    with pytest.raises(IntegrityError, match=r"app-1-py3-none-any.whl` itself requires Python <3, but cp312-"):
        run(index, tmp_path, files=(str(tmp_path / "pylock.toml"),))
    assert not list((tmp_path / "wheels").glob("*"))


def test_a_lock_that_was_edited_cannot_either(index: IndexServer, tmp_path: Path) -> None:
    """The lock is reused, because it is of the same job: the file is checked when it arrives."""
    good, bad = offer(index, tmp_path, "1", ">=3", ">=3"), offer(index, tmp_path, "2", "<3", "<3")
    run(index, tmp_path)
    (lock,) = (tmp_path / "wheels").glob("pylock.*.toml")
    text = lock.read_text().replace(sha256_of(good), sha256_of(bad)).replace(good.name, bad.name)
    text = text.replace('version = "1"', 'version = "2"').replace(
        f"size = {good.stat().st_size}", f"size = {bad.stat().st_size}"
    )
    lock.write_text(text)
    with pytest.raises(IntegrityError, match="itself requires Python <3"):
        run(index, tmp_path)
    assert not (tmp_path / "wheels" / bad.name).exists()
