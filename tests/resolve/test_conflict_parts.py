"""Which steps of a derivation make a conflict, in which order, and which releases count as rejected."""

from dataclasses import replace

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.resolve.test_derivation import step, texts
from tests.support.conflicts import Offered, releases, sdist, wheel
from tests.support.held_offers import HeldOffers
from wheelhouse.archive.reasons import OtherWords, RequiresPython, SdistExcluded, Yanked
from wheelhouse.errors import NoSolutionError
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.conflict import (
    Conflict,
    _commonest_reason,
    _excluding,
    _one_of_each,
    _widest,
    find_conflict,
    rejected_releases,
)
from wheelhouse.resolve.derivation import Derivation, Step
from wheelhouse.resolve.explain import excludes
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import NEVER, ResolutionRequest
from wheelhouse.resolve.search_watch import SearchWatch
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
LIB = NormalizedName("lib")
ANY = SpecifierSet()


def index_of(*offers: Offered, constraints: tuple[str, ...] = (), selection: Selection | None = None) -> CandidateIndex:
    request = ResolutionRequest(TARGET, (), tuple(map(parse_line, constraints)), selection or Selection())
    return CandidateIndex(request, HeldOffers(offers))  # type: ignore[arg-type]


def never(asker: str, reason: object) -> Step:
    each = step(asker, "never")
    return replace(each, dependency=replace(each.dependency, project=NEVER, reason=reason))  # type: ignore[arg-type]


def test_the_commonest_kind_of_reason_counts() -> None:
    steps = [
        never("a 1", OtherWords("x")),
        never("b 2", RequiresPython(">=4", "3")),
        never("c 1", RequiresPython(">=5", "3")),
    ]
    assert _commonest_reason(steps) == steps[1:2]
    assert _commonest_reason([steps[0], steps[1]]) == steps[:1]


def test_the_user_comes_before_the_most_releases() -> None:
    few, many, own = step("a 1", "lib"), step("b 3 2 1", "lib"), step("", "lib")
    assert _widest([few, many, own]) == [own, many, few]


def test_one_step_of_each_asker() -> None:
    own, other = step("", "lib<2"), step("", "lib>=2")
    few, many, last = step("a 1", "lib<1"), step("a 3 2", "lib<3"), step("b 1", "lib")
    assert _one_of_each([own, few, many, other, last]) == [own, many, other, last]


@pytest.mark.parametrize(
    ("steps", "constraints", "groups"),
    [
        (["a 1: lib<2", "b 1: lib>=2"], (), [["a 1 → lib<2", "b 1 → lib>=2"]]),
        (["a 1: lib<=2", "b 1: lib>=2"], (), []),
        (["a 1: lib<2", "b 1: lib>=2"], ("lib>=2",), [["a 1 → lib<2"]]),
        (["a 1: lib<2", "b 1: lib>=2", "c 1: lib>9"], (), [["c 1 → lib>9"], ["a 1 → lib<2", "b 1 → lib>=2"]]),
        (
            ["a 1: lib<2", "b 3 2: lib>2", "c 3 2: lib<=1"],
            (),
            [["b 3 2 → lib>2", "c 3 2 → lib<=1"], ["a 1 → lib<2", "b 3 2 → lib>2"]],
        ),
        (["a 1: lib!=1", "b 1: lib!=2", "c 1: lib!=3"], (), [["a 1 → lib!=1", "b 1 → lib!=2", "c 1 → lib!=3"]]),
        (
            ["a 1: lib!=1", "b 1: lib!=2", "d 1: lib>0", "c 1: lib!=3"],
            (),
            [["a 1 → lib!=1", "b 1 → lib!=2", "c 1 → lib!=3"]],
        ),
        (["a 1: lib", "b 1: lib"], (), []),
    ],
)
def test_groups_that_leave_no_release(steps: list[str], constraints: tuple[str, ...], groups: list[list[str]]) -> None:
    index = index_of(*releases("lib", ["1", "2", "3"]), constraints=constraints)
    candidates = index.get(LIB)
    assert candidates
    made = [step(*text.split(": ")) for text in steps]
    found = [texts(tuple(group)) for group in _excluding(made, candidates, index)]
    assert found[: len(groups)] == groups
    assert all(set(each) <= {f"{text.replace(': ', ' → ')}" for text in steps} for each in found)
    assert bool(found) is bool(groups)


def test_a_pin_admits_a_yanked_file_for_all() -> None:
    index = index_of(wheel("lib 2", yanked="bad"), wheel("lib 1"))
    candidates = index.get(LIB)
    assert candidates
    pinned, wide, other = step("a 1", "lib==2"), step("b 1", "lib>=1"), step("c 1", "lib>1")
    assert list(_excluding([pinned, wide], candidates, index)) == []
    assert list(_excluding([wide, other], candidates, index)) == [[other]]


def test_rejected_releases_are_grouped_by_reason_the_commonest_kind_first() -> None:
    index = index_of(
        wheel("lib 6", yanked="bad"),
        wheel("lib 5", tag="cp312-cp312-win_amd64"),
        sdist("lib 4"),
        sdist("lib 3"),
        wheel("lib 3", tag="cp312-cp312-win_amd64"),
        sdist("lib 2"),
        wheel("lib 1"),
        selection=Selection(only_binary=frozenset({":all:"})),
    )
    candidates = index.get(LIB)
    assert candidates
    every = candidates.page.versions
    groups = rejected_releases(candidates, every, ANY)
    assert [(each.versions, each.reason) for each in groups] == [
        ((Version("4"), Version("2")), SdistExcluded()),
        ((Version("3"),), SdistExcluded()),
        ((Version("6"),), Yanked("bad")),
        ((Version("5"),), None),
    ]
    assert [other.filename for other in groups[0].rejected] == ["lib-4.tar.gz"]
    assert [each.versions for each in rejected_releases(candidates, [*every, Version("9")], SpecifierSet("==6"))] == [
        (Version("4"), Version("2")),
        (Version("3"),),
        (Version("5"),),
    ]


def test_a_conflict_that_no_group_makes_is_not_complete() -> None:
    index = index_of(*releases("lib", ["1", "2"]), *releases("a", ["1", "2", "3"]))
    own, other, third = step("", "lib"), step("a 1", "lib>=1"), step("a 3 2", "lib>=2")
    derivation = Derivation((step("", "a"), own, other, third), {})
    conflict = find_conflict(derivation, ResolutionRequest(TARGET, ()), index)
    assert not conflict.complete and conflict.project == LIB
    assert [texts(chain)[-1] for chain in conflict.chains] == ["user → lib", "a 3 2 → lib>=2"]
    assert conflict.is_of_every_release(own) is False


def test_releases_of_which_a_file_could_be_chosen() -> None:
    index = index_of(
        *releases("lib", ["1", "2", "3rc1"]), wheel("lib 4", yanked="bad"), sdist("lib 5"), wheel("lib 6", python=">=4")
    )
    chain = (step("", "lib<1"),)
    conflict = Conflict(LIB, [chain], ResolutionRequest(TARGET, ()), index)
    assert list(map(str, conflict.usable)) == ["5", "2", "1"]
    assert not conflict.has_release(SpecifierSet("<1")) and conflict.has_release(SpecifierSet("==3rc1"))
    assert conflict.complete and not conflict.is_about_files and not conflict.requires_itself
    gone = Conflict(NormalizedName("gone"), [chain], ResolutionRequest(TARGET, ()), index)
    assert gone.usable == () and gone.rejected == [] and not gone.is_about_files


@pytest.mark.parametrize(
    ("line", "specifier", "expected"),
    [
        ("lib==1", ">=2", True),
        ("lib==1", ">=1", False),
        ("lib===1", ">=2", True),
        ("lib==1.*", ">=2", False),
        ("lib==1,!=3", ">=2", False),
        ("lib<1", ">=2", False),
        ("lib==2rc1", "<3", False),
        ("lib", ">=2", False),
    ],
)
def test_whether_a_pin_excludes_what_is_asked(line: str, specifier: str, expected: bool) -> None:
    assert excludes(parse_line(line), SpecifierSet(specifier)) is expected


def test_what_a_stopped_search_says() -> None:
    now = [10.0]
    watch = SearchWatch(lambda _event: None, 2.5, lambda: now[0])
    a, b, c, d = map(NormalizedName, "abcd")
    for excluded, culprit, times in ((b, a, 2), (a, b, 2), (c, c, 3), (c, d, 2), (a, d, 1)):
        for _ in range(times):
            watch.conflict(excluded, culprit)
    now[0] = 12.5
    watch.trial(a)
    now[0] = 12.6
    with pytest.raises(NoSolutionError) as caught:
        watch.trial(a)
    assert str(caught.value) == "the search was stopped after 2.5 s (--resolve-seconds); there may be a solution"
    assert caught.value.details == (
        "a and b conflicted 4 times",
        "releases of c conflicted 3 times",
        "c and d conflicted 2 times",
    )
    assert caught.value.hint == (
        "pin one of these projects, add a constraints file, or allow a longer search: --resolve-seconds"
    )
