"""A search that takes long says so, ends at its limit, and downloads no large sdist as long as it can go on without."""

from pathlib import Path

import pytest
from packaging.utils import NormalizedName

from tests.support.faults import Fault
from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.resolutions import TARGET, found, supplied
from tests.support.supplies import supplying
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive import artifact
from wheelhouse.errors import NoSolutionError
from wheelhouse.events import Event, Searching
from wheelhouse.report import event_line
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.search_watch import SearchWatch

A, B = NormalizedName("a"), NormalizedName("b")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_short_search_says_nothing_and_a_long_one_what_conflicts() -> None:
    events: list[Event] = []
    clock = Clock()
    watch = SearchWatch(events.append, None, clock)
    for seconds in (0.5, 0.4, 0.2, 4.8, 0.3):
        clock.now += seconds
        watch.conflict(B, A)
        watch.trial(B)
    assert events == [Searching("b", 3, ("a", "b")), Searching("b", 5, ("a", "b"))]
    assert event_line(events[0]) == "still resolving, now b; 3 conflicts so far, most often between a and b"


def test_the_limit_stops_a_search_and_does_not_claim_that_there_is_no_solution() -> None:
    clock = Clock()
    watch = SearchWatch(lambda _event: None, 2, clock)
    watch.conflict(A, B)
    clock.now += 2
    watch.trial(A)
    clock.now += 0.1
    with pytest.raises(NoSolutionError, match=r"stopped after 2 s .* there may be a solution") as caught:
        watch.trial(A)
    assert caught.value.details == ("a and b conflicted 1 time",)


def test_the_limit_of_the_request_counts(tmp_path: Path) -> None:
    conflict = {"a 2": ["c==2"], "a 1": ["c==1"], "b 1": ["c==1"], "c 1": [], "c 2": []}
    with supplied(tmp_path, conflict) as supply:
        request = ResolutionRequest(TARGET, (parse_line("a"), parse_line("b")), seconds=0.0)
        with pytest.raises(NoSolutionError, match="was stopped"):
            resolve(request, supply)
        assert found(supply, "a", "b") == ["a 1", "b 1", "c 1"]


@pytest.mark.parametrize(("asked", "solved"), [(("big", "a", "b"), False), (("big", "a"), True)])
def test_a_large_sdist_comes_last(
    asked: tuple[str, ...], solved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "MAX_CHEAP_SDIST_BYTES", 10)
    with IndexServer() as server:
        server.add(build_sdist(tmp_path, "big", "1", requires=()))
        for name, version, requires in (("a", "1", ["c==1"]), ("b", "1", ["c==2"]), ("c", "1", []), ("c", "2", [])):
            server.add(build_wheel(tmp_path, name, version, requires=requires))
        with supplying(server, tmp_path / "cache") as supply:
            if solved:
                assert found(supply, *asked) == ["a 1", "big 1", "c 1"]
            else:
                with pytest.raises(NoSolutionError, match="conflict"):
                    found(supply, *asked)
        assert any("big-1.tar.gz" in ask.path for ask in server.requests) is solved


def test_the_option_stops_the_search_of_a_slow_index(tmp_path: Path) -> None:
    late = Fault(r"/a-1-.*\.metadata", "delay", seconds=0.3)
    with IndexServer(faults=[late]) as server:
        for name, version, requires in (
            ("a", "2", ["c==2"]),
            ("a", "1", ["c==1"]),
            ("b", "1", ["c==1"]),
            ("c", "1", []),
            ("c", "2", []),
        ):
            server.add(build_wheel(tmp_path, name, version, requires=requires))
        session = Session(tmp_path)
        assert session(f"lock a b --python 3.12 --index {server.url} --resolve-seconds 0.1") == 3
    assert "the search was stopped after 0.1 s (--resolve-seconds)" in session.transcript
