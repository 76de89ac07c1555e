"""What `vet` reads of a file: noted for the next run, and the same in a worker process."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.inspect_pool import ReadPool
from wheelhouse.errors import RefusedError
from wheelhouse.events import Event, Warned
from wheelhouse.files.cache import Cache
from wheelhouse.vet import file_reader
from wheelhouse.vet.compare import diff
from wheelhouse.vet.facts_reader import look_inside
from wheelhouse.vet.file_reader import NOTES, FileReader, read_contents
from wheelhouse.vet.remote_reader import RemoteReader

CODE = {
    "odd/__init__.py": b"import subprocess, os\nsubprocess.run(['oddtool'])\n",
    "odd/data.pkl": b"cposix\nsystem\n.",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path, "odd", "1.0", files=CODE)


def artifact_of(wheel: Path) -> Artifact:
    return Artifact(wheel.name, "a" * 64, wheel.stat().st_size)


def test_what_was_read_is_noted_and_read_again_without_the_file(tmp_path: Path, wheel: Path) -> None:
    notes, artifact = Cache(tmp_path / "cache"), artifact_of(wheel)
    first = FileReader(notes).read(wheel, artifact)
    wheel.unlink()
    assert FileReader(notes).read(wheel, artifact) == first
    assert {one.kind for one in first[1].behaviours} >= {"process", "pickle-calls"}


def test_a_note_that_was_altered_is_not_used(tmp_path: Path, wheel: Path) -> None:
    notes, artifact = Cache(tmp_path / "cache"), artifact_of(wheel)
    notes.note(NOTES, artifact.sha256, b"[]")
    assert FileReader(notes).read(wheel, artifact) == look_inside(wheel, wheel.name)


def test_a_file_that_is_refused_is_not_noted(tmp_path: Path) -> None:
    notes, path = Cache(tmp_path / "cache"), tmp_path / "odd-1.0-py3-none-any.whl"
    path.write_bytes(b"no zip")
    for _ in range(2):
        with pytest.raises(RefusedError):
            FileReader(notes).read(path, artifact_of(path))


def test_a_worker_process_says_the_same(wheel: Path) -> None:
    from wheelhouse.archive.inspect_pool import _Worker

    worker = _Worker(file_reader.__name__)
    assert worker.is_ready()
    answer = worker.answer(wheel, wheel.name)
    worker.close()
    assert file_reader._decoder.decode(answer) == look_inside(wheel, wheel.name)


def test_the_files_of_an_earlier_wheelhouse_are_noted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("old", "1.0"), ("new", "1.1")):
        (tmp_path / name).mkdir()
        build_wheel(tmp_path / name, "odd", version, files=CODE)
        wheelhouse_of(tmp_path / name, "odd")
    notes = Cache(tmp_path / "cache")
    first = diff(tmp_path / "old", tmp_path / "new", notes=notes)

    def never(path: Path, filename: str) -> None:
        raise AssertionError(filename)

    monkeypatch.setattr("wheelhouse.vet.compare.look_inside", never)
    assert diff(tmp_path / "old", tmp_path / "new", notes=notes) == first


Files = Sequence[tuple[bytes, str]]


def remote(answer: Callable[[Files], list[bytes]], sent: list[str]) -> RemoteReader:
    """Another machine that answers so."""

    def submit(files: Files) -> "Future[list[bytes]]":
        sent.extend(filename for _, filename in files)
        future: Future[list[bytes]] = Future()
        try:
            future.set_result(answer(files))
        except OSError as error:
            future.set_exception(error)
        return future

    return RemoteReader(submit, 2)


def test_another_machine_reads_the_same_and_a_large_file_stays_here(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    reader = FileReader(remote=remote(read_contents, sent))
    assert reader.read(wheel, artifact_of(wheel)) == look_inside(wheel, wheel.name)
    monkeypatch.setattr(file_reader, "MAX_SENT_BYTES", 10)
    assert reader.read(wheel, artifact_of(wheel)) == look_inside(wheel, wheel.name)
    assert sent == [wheel.name]


def test_a_file_that_another_machine_refuses_is_read_here_for_the_error(tmp_path: Path) -> None:
    path = tmp_path / "odd-1.0-py3-none-any.whl"
    path.write_bytes(b"no zip")
    with pytest.raises(RefusedError, match="odd"):
        FileReader(remote=remote(read_contents, [])).read(path, artifact_of(path))


@pytest.mark.parametrize("answer", [b"[]", b"no JSON", None])
def test_what_another_machine_does_not_read_is_read_here_with_one_warning(wheel: Path, answer: bytes | None) -> None:
    def answered(_files: Files) -> list[bytes]:
        if answer is None:
            raise OSError("gone")
        return [answer]

    events: list[Event] = []
    reader = FileReader(None, remote(answered, []), events.append)
    for _ in range(2):
        assert reader.read(wheel, artifact_of(wheel)) == look_inside(wheel, wheel.name)
    (event,) = events
    assert isinstance(event, Warned) and wheel.name in event.sentence and "this machine reads" in event.sentence


def test_a_file_of_the_largest_size_is_sent(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(file_reader, "MAX_SENT_BYTES", wheel.stat().st_size)
    FileReader(remote=remote(read_contents, sent)).read(wheel, artifact_of(wheel))
    assert sent == [wheel.name]


@pytest.mark.parametrize(("error", "reason"), [(OSError("gone"), "gone"), (OSError(), "OSError")])
def test_the_warning_names_the_file_and_the_reason(wheel: Path, error: OSError, reason: str) -> None:
    def answered(_files: Files) -> list[bytes]:
        raise error

    events: list[Event] = []
    FileReader(None, remote(answered, []), events.append).read(wheel, artifact_of(wheel))
    sentence = f"the pool of workers did not read {wheel.name}: {reason}; this machine reads the files that the workers do not read"
    assert events == [Warned(sentence)]


def test_a_file_that_came_is_read_in_a_folder_of_its_own(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def looked(path: Path, name: str) -> file_reader.Read:
        read.append(path)
        return look_inside(path, name)

    monkeypatch.setattr(file_reader, "look_inside", looked)
    assert all(read_contents([(wheel.read_bytes(), wheel.name)] * 2))
    assert [path.name for path in read] == [wheel.name] * 2
    assert all(re.fullmatch(r"wheelhouse-read-[a-z0-9_]{8}", path.parent.name) for path in read)
    assert not any(path.parent.exists() for path in read)


def test_a_reader_ends_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []

    def close(pool: object) -> None:
        closed.append(pool)

    monkeypatch.setattr(ReadPool, "close", close)
    FileReader().close()
    assert len(closed) == 1


def test_without_other_machines_there_is_no_warning(wheel: Path) -> None:
    events: list[Event] = []
    assert FileReader(on_event=events.append).read(wheel, artifact_of(wheel)) == look_inside(wheel, wheel.name)
    assert events == []
