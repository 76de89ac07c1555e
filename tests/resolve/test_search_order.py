"""Which project a search decides next, which clauses it merges, and what it says while it runs."""

import random
from collections.abc import Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from tests.resolve.test_pubgrub import ROOT as TOP
from tests.resolve.test_pubgrub import Made
from tests.support.conflicts import releases
from tests.support.held_offers import HeldOffers
from wheelhouse.events import Event, Searching
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.pubgrub import Clause, _Search
from wheelhouse.resolve.release_search import OFTEN, ROOT, ROOT_STATE, ReleaseSearch
from wheelhouse.resolve.resolution import CandidateRelease, Dependency, Identifier, ResolutionRequest
from wheelhouse.resolve.search_watch import SearchWatch
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
A, B, C = ((NormalizedName(name), "") for name in "abc")
EXTRA = (NormalizedName("b"), "x")
SEVERAL, ONE = 0b1110, 0b1000


def nothing(_release: CandidateRelease) -> Sequence[Dependency]:
    return ()


def searching() -> ReleaseSearch:
    """A search that has met `a`, `b`, `b[x]` and `c`, each of three releases."""
    offers = HeldOffers([each for name in "abc" for each in releases(name, ["1", "2", "3"])])
    index = CandidateIndex(ResolutionRequest(TARGET, ()), offers)  # type: ignore[arg-type]
    search = ReleaseSearch(index, nothing, SearchWatch(lambda _event: None, None))
    needs = [Dependency(*package, SpecifierSet(">=2"), "r.txt:1") for package in (A, B, EXTRA, C)]
    search._needs[ROOT, ROOT_STATE] = needs
    clauses = search.consequences(ROOT, ROOT_STATE)
    assert clauses and [clause.states for clause in clauses] == [
        {ROOT: ROOT_STATE, package: 0b1001} for package in (A, B, EXTRA, C)
    ]
    return search


def test_what_was_met_first_is_next_unless_another_has_one_release_left() -> None:
    search = searching()
    assert search.next_package({C: SEVERAL, B: SEVERAL, A: SEVERAL}) == A
    assert search.next_package({A: SEVERAL, B: SEVERAL, C: ONE}) == C
    assert search.next_package({B: ONE, A: ONE}) == A


def test_a_project_comes_before_its_extras() -> None:
    search = searching()
    assert search.next_package({EXTRA: ONE, B: SEVERAL, A: SEVERAL}) == B
    assert search.next_package({EXTRA: ONE, A: SEVERAL}) == EXTRA


def test_what_is_often_excluded_comes_earlier_and_what_often_excludes_later() -> None:
    search = searching()
    everything = {A: SEVERAL, B: SEVERAL, C: SEVERAL}
    for number in range(1, OFTEN + 1):
        taken_back: Identifier | None = search.on_conflict(C, [A])
        assert taken_back == (A if number == OFTEN else None)
        assert search.next_package(everything) == (C if number == OFTEN else A)
    assert search.next_package({A: SEVERAL, B: SEVERAL}) == B
    for number in range(1, OFTEN + 1):
        assert search.on_conflict(B, [(A[0], "x")]) == (A if number == OFTEN else None)


def test_a_project_does_not_take_back_its_own_decision() -> None:
    search = searching()
    assert [search.on_conflict(A, [(A[0], "x")]) for _ in range(OFTEN)] == [None] * OFTEN
    assert [search.on_conflict(A, []) for _ in range(OFTEN)] == [None] * OFTEN


def test_states_stand_for_versions() -> None:
    search = searching()
    assert [str(version) for version in search.versions(A[0], 0b1010)] == ["3", "1"]
    assert search.all_states(A) == 0b1111 and search.all_states(ROOT) == 3
    assert search.all_states((NormalizedName("gone"), "")) == 1


def test_clauses_of_releases_that_ask_for_the_same_are_one() -> None:
    def clause(asker: int, *, fact: object = "f", excluded: int = 4, **more: object) -> Clause[str]:
        return Clause({"a": asker, "b": excluded}, fact, **more)  # type: ignore[arg-type]

    search = _Search(Made({TOP: [[]], "a": [[], []], "b": [[], []]}, random.Random(1)), TOP, [])
    first = clause(2)
    assert search._add(first) is first
    assert search._add(clause(4)) is first and first.states == {"a": 6, "b": 4}
    for other in (
        clause(4, fact="g"),
        clause(4, excluded=2),
        clause(4, provisional=True),
        clause(4, parents=(first, first)),
        Clause({"a": 4}, "f"),
        Clause({"a": 4, "b": 4, TOP: 2}, "f"),
    ):
        assert search._add(other) is other
    assert first.states == {"a": 6, "b": 4} and len(search._clauses["a"]) == 7 and len(search._clauses["b"]) == 6


def test_a_search_says_what_conflicts_most_often_every_few_seconds() -> None:
    now = [0.0]
    events: list[Event] = []
    watch = SearchWatch(events.append, None, lambda: now[0])
    for moment in (0.9, 1.0, 5.9, 6.0, 6.1):
        now[0] = moment
        watch.trial(A[0])
        watch.conflict(B[0], A[0])
        if moment > 5:
            watch.conflict(C[0], C[0])
            watch.conflict(C[0], C[0])
    assert events == [Searching("a", 1, ("a", "b")), Searching("a", 5, ("a", "b"))]
