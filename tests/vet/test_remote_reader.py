"""Files that other machines read: those that wait are sent together, and a batch that fails is split."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from wheelhouse.vet.remote_reader import MAX_BATCH_BYTES, MAX_BATCH_FILES, WAITING_FILES, BatchReader, RemoteReader

Files = Sequence[tuple[bytes, str]]


class Machine:
    """Another machine with one task at a time. It keeps what it was sent until it is told to answer."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.futures: list[Future[list[bytes]]] = []

    def submit(self, files: Files) -> "Future[list[bytes]]":
        self.batches.append([filename for _, filename in files])
        self.futures.append(Future())
        return self.futures[-1]


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextmanager
def asked(machine: Machine, folder: Path, sizes: Sequence[int]) -> "Iterator[list[Future[bytes]]]":
    """The answers about files of these sizes, named `0`, `1` …, all asked for while the machine has the first."""
    reader = BatchReader(RemoteReader(machine.submit, 1))
    with ThreadPoolExecutor(len(sizes)) as threads:
        answers = []
        for number, size in enumerate(sizes):
            path = folder / str(number)
            with path.open("wb") as file:
                file.truncate(size)
            answers.append(threads.submit(reader.read, path, path.name))
            until(lambda count=number: len(machine.batches) == 1 and len(reader._waiting) == count)  # type: ignore[misc]
        yield answers


def answer(machine: Machine, number: int) -> None:
    """Let the machine answer a batch, each file with its name, once the batch is sent."""
    until(lambda: len(machine.futures) > number)
    machine.futures[number].set_result([name.encode() for name in machine.batches[number]])


def test_files_that_wait_are_sent_together_up_to_a_number(tmp_path: Path) -> None:
    machine, count = Machine(), MAX_BATCH_FILES + 3
    with asked(machine, tmp_path, [1] * count) as answers:
        for number in range(3):
            answer(machine, number)
        assert [one.result(30) for one in answers] == [str(number).encode() for number in range(count)]
    assert [len(batch) for batch in machine.batches] == [1, MAX_BATCH_FILES, 2]


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ((MAX_BATCH_BYTES + 1, 1, MAX_BATCH_BYTES - 1, 1), [1, 1, 2]),
        ((1, MAX_BATCH_BYTES + 1, MAX_BATCH_BYTES), [1] * 3),
        ((1, MAX_BATCH_BYTES - 1, 1), [1, 2]),
    ],
)
def test_files_that_are_sent_together_have_no_more_than_so_many_bytes(
    tmp_path: Path, sizes: Sequence[int], lengths: list[int]
) -> None:
    machine = Machine()
    with asked(machine, tmp_path, sizes) as answers:
        for number in range(len(lengths)):
            answer(machine, number)
        assert [one.result(30) for one in answers] == [str(number).encode() for number in range(len(sizes))]
    assert sorted(len(batch) for batch in machine.batches) == lengths


@pytest.mark.parametrize("is_short", [True, False])
def test_a_batch_that_fails_is_split_and_each_file_is_sent_once_more(tmp_path: Path, is_short: bool) -> None:
    machine = Machine()
    with asked(machine, tmp_path, [1] * 4) as answers:
        answer(machine, 0)
        until(lambda: len(machine.futures) == 2)
        together = machine.futures[1]
        together.set_result([b""]) if is_short else together.set_exception(OSError("gone"))
        until(lambda: len(machine.futures) == 5)
        alone = {batch[0]: future for batch, future in zip(machine.batches[2:], machine.futures[2:], strict=True)}
        alone["1"].set_exception(OSError("gone again"))
        alone["2"].set_result([b"2"])
        alone["3"].set_result([b"3"])
        assert [answers[number].result(30) for number in (0, 2, 3)] == [b"0", b"2", b"3"]
        with pytest.raises(OSError, match="gone again"):
            answers[1].result(30)
    assert len(machine.batches) == 5 and sorted(machine.batches[1]) == ["1", "2", "3"]


def test_more_files_are_requested_than_there_are_tasks() -> None:
    assert RemoteReader(Machine().submit, 3).threads == WAITING_FILES + 3
