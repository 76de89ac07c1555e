"""What the threads of a run share holds without the interpreter's lock: nobody checks first and sets later, unguarded."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.metadata import InspectedFile, Metadata
from wheelhouse.cli.progress import Shown
from wheelhouse.events import Event, Warned
from wheelhouse.files.cache import Cache
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.credentials import Credentials
from wheelhouse.index.inspections import Inspections
from wheelhouse.index.page_data import IndexFile
from wheelhouse.index.pages import Page
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.target.target import Platform, Python, Target

THREADS, ROUNDS = 6, 40
A = NormalizedName("a")
TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """The results of some work that as many threads begin at the same moment."""
    together, results = threading.Barrier(THREADS), [None] * THREADS

    def begin(number: int) -> None:
        together.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def page() -> Page:
    files = [IndexFile(f"a-{number}-py3-none-any.whl", f"https://127.0.0.1/{number}") for number in range(20)]
    return Page(A, "the index", "https://127.0.0.1/a/", files)


def test_all_threads_get_one_object_with_a_projects_candidates() -> None:
    arrived: Future[Page] = Future()
    arrived.set_result(page())
    packages: Any = SimpleNamespace(pages=SimpleNamespace(get=lambda _project: arrived))
    request = ResolutionRequest(TARGET, (parse_line("a"),))
    for _ in range(ROUNDS):
        index = CandidateIndex(request, packages)
        assert len({id(found) for found in at_once(lambda _, index=index: index.get(A))}) == 1


def test_a_page_gives_all_threads_the_same_candidates() -> None:
    for _ in range(ROUNDS):
        shared = page()
        found = at_once(lambda number, shared=shared: [*map(shared.candidates, shared.versions)][number:])
        assert [len(candidates) for candidates in found] == [20 - number for number in range(THREADS)]
        assert [candidate.version for (candidate,) in found[0]] == list(shared.versions)
        assert found[0][-1] == found[-1][-1]


def test_a_cache_that_is_made_while_others_look_for_it_is_found(tmp_path: Path) -> None:
    for turn in range(ROUNDS):
        cache = Cache(tmp_path / str(turn))

        def work(number: int, cache: Cache = cache) -> object:
            part = cache.private if number % 2 else cache
            if number > 1:
                return part.noted("kind", "key")
            part.note("kind", "key", b"fact")
            return part.noted("kind", "key")

        assert at_once(work)[:2] == [b"fact", b"fact"]
        assert cache.noted("kind", "key") == cache.private.noted("kind", "key") == b"fact"


def test_a_task_is_done_once(tmp_path: Path) -> None:
    tasks, done = Tasks(THREADS, "test"), list[int]()
    for turn in range(ROUNDS):
        futures = at_once(lambda number, turn=turn: tasks.start(turn, lambda: done.append(number) or number))
        assert len({future.result() for future in futures}) == 1
    assert len(done) == ROUNDS
    tasks.close()


def test_what_one_thread_distrusts_no_run_finds_again(tmp_path: Path) -> None:
    http: Any = SimpleNamespace(credentials=Credentials())
    contents = InspectedFile(b"raw", Metadata(A, Version("1")))
    for turn in range(ROUNDS):
        cache, sha256 = Cache(tmp_path), f"{turn:064}"
        inspections = Inspections(StoreAccess(http, cache))

        def work(
            number: int, inspections: Inspections = inspections, cache: Cache = cache, sha: str = sha256
        ) -> object:
            if number:
                return inspections.keep(sha, contents, cache) if number % 2 else inspections.get(sha)
            return inspections.distrust(sha)

        at_once(work)
        assert Inspections(StoreAccess(http, Cache(tmp_path))).get(sha256) is None


def test_credentials_have_one_fingerprint() -> None:
    for _ in range(3):
        credentials = Credentials()
        credentials.learn("https://user:secret@127.0.0.1/simple")
        found = at_once(lambda _, credentials=credentials: credentials.fingerprint("https://127.0.0.1/simple/a/"))
        assert len(set(found)) == 1 and found[0] and len(credentials._fingerprints) == 1


def test_a_warning_of_many_threads_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(quiet=True)
    event: Event = Warned("the same")
    for _ in range(ROUNDS):
        at_once(lambda _: shown(event))
    assert shown.warnings == ["the same"] and capsys.readouterr().err.count("the same") == 1


def test_a_specifier_is_shared_and_never_changed() -> None:
    """`merge` gives back what it was given."""
    from wheelhouse.resolve.resolution import EVERY_VERSION, merge

    specifier = SpecifierSet(">=1")
    assert merge([specifier]) is specifier and merge([]) is EVERY_VERSION
    assert (
        str(merge([specifier, SpecifierSet("<2")])) == "<2,>=1" and str(specifier) == ">=1" and not str(EVERY_VERSION)
    )
