"""Why a file is in a wheelhouse or not: one case for each fact, and for the order in which they are weighed."""

from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.reasons import FitsLess, NoFittingTag, Yanked
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.lock.why import (
    Alternative,
    BestFit,
    BuiltFrom,
    Constrained,
    ConstraintExcludes,
    DependentExcludes,
    Fact,
    LowerRank,
    NewSinceLock,
    NoFileFits,
    NotOnIndex,
    NotRequestedPrerelease,
    NotRequired,
    NoWheel,
    Older,
    OtherChosen,
    RequirementExcludes,
    SameRank,
    Unusable,
    WheelPreferred,
    chains,
    why_file,
)
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
BEST = "lib-1.5-cp312-cp312-manylinux_2_17_x86_64.whl"
LIB = Pin(canonicalize_name("lib"), Version("1.5"), Artifact(BEST, "0" * 64, 1), dependencies=("tail>=1",))
APP = Pin(
    canonicalize_name("app"), Version("1.0"), Artifact("app-1.0-py3-none-any.whl", "1" * 64, 1), dependencies=("lib<2",)
)
REJECTED = (Rejected("lib-1.5-py3-none-any.whl", FitsLess(BEST)),)
CHOSEN = OtherChosen(BEST)


def why(
    filename: str, requirements: tuple[str, ...] = ("app",), selection: Selection | None = None, **pin: object
) -> list[Fact]:
    inputs = Inputs(requirements, selection=selection or Selection())
    return why_file(Lock(TARGET, inputs, (APP, replace(LIB, **pin))), filename)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filename", "pin", "facts"),
    [
        ("other-1.0.tar.gz", {}, [NotRequired("other", TARGET.name)]),
        (BEST, {}, [BestFit("lib", "1.5")]),
        (
            BEST,
            {"constraint": "lib==1.5 (limits.txt:1)", "rejected": REJECTED, "sdist_because": "no wheel fits"},
            [
                BestFit("lib", "1.5"),
                Constrained("lib==1.5 (limits.txt:1)"),
                Alternative("lib-1.5-py3-none-any.whl", FitsLess(BEST)),
                NoWheel("no wheel fits"),
            ],
        ),
        (
            "lib-1.5-py3-none-any.whl",
            {"rejected": REJECTED},
            [CHOSEN, Unusable("lib-1.5-py3-none-any.whl", FitsLess(BEST))],
        ),
        (
            "lib-1.5-cp311-cp311-win_amd64.whl",
            {},
            [CHOSEN, Unusable("lib-1.5-cp311-cp311-win_amd64.whl", NoFittingTag(TARGET.name))],
        ),
        ("lib-1.5.tar.gz", {}, [CHOSEN, WheelPreferred("lib-1.5.tar.gz")]),
        (
            "lib-1.5-cp312-cp312-manylinux_2_28_x86_64.whl",
            {},
            [CHOSEN, NotOnIndex("lib-1.5-cp312-cp312-manylinux_2_28_x86_64.whl")],
        ),
        (
            "lib-1.5-1-cp312-cp312-manylinux_2_17_x86_64.whl",
            {},
            [CHOSEN, NotOnIndex("lib-1.5-1-cp312-cp312-manylinux_2_17_x86_64.whl")],
        ),
        ("lib-1.5-py3-none-any.whl", {}, ["rank"]),
        ("lib-1.4.tar.gz", {}, [CHOSEN, Older("1.4", "1.5")]),
        ("lib-1.6.tar.gz", {}, [CHOSEN, NewSinceLock("1.6", "lib", None)]),
        ("lib-2.0.tar.gz", {}, [CHOSEN, DependentExcludes("2.0", "app 1.0", "lib<2")]),
        (
            "lib-1.6.tar.gz",
            {"constraint": "lib<=1.5 (limits.txt:1)"},
            [CHOSEN, ConstraintExcludes("1.6", "lib<=1.5 (limits.txt:1)")],
        ),
        ("lib-1.4.tar.gz", {"constraint": "lib<=1.5 (limits.txt:1)"}, [CHOSEN, Older("1.4", "1.5")]),
        ("lib-1.6.tar.gz", {"skipped": ("1.6",)}, [CHOSEN, NoFileFits("1.6", TARGET.name)]),
        ("lib-1.6.tar.gz", {"skipped": ("1.7",)}, [CHOSEN, NewSinceLock("1.6", "lib", None)]),
        (
            "lib-1.6.tar.gz",
            {"passed_over": (Rejected("1.6", Yanked("bad")), Rejected("1.7", Yanked("worse")))},
            [CHOSEN, Unusable("1.6", Yanked("bad"))],
        ),
        ("lib-1.6rc1.tar.gz", {}, [CHOSEN, NotRequestedPrerelease("1.6rc1")]),
    ],
)
def test_why_a_file_is_here_or_not(filename: str, pin: dict[str, object], facts: list[Fact | str]) -> None:
    if facts == ["rank"]:
        *_, fact = why(filename, **pin)
        assert isinstance(fact, LowerRank) and fact.filename == filename
        assert 0 <= fact.chosen_rank < fact.rank
    else:
        assert why(filename, **pin) == facts


def test_the_best_tag_of_all_has_rank_zero() -> None:
    best, second = (f"lib-1.5-{tag}.whl" for tag in TARGET.tags[:2])
    assert why(second, artifact=Artifact(best, "0" * 64, 1))[1:] == [LowerRank(second, 1, 0)]


@pytest.mark.parametrize("tag", [TARGET.tags[0], "py3-none-any"])
def test_of_two_files_with_one_rank_the_higher_build_tag_decides(tag: object) -> None:
    first, second, none = f"lib-1.5-1-{tag}.whl", f"lib-1.5-2-{tag}.whl", f"lib-1.5-{tag}.whl"
    chosen = Artifact(second, "0" * 64, 1)
    assert why(first, artifact=chosen)[1:] == [SameRank(first, "build tag")]
    assert why(none, artifact=chosen)[1:] == [SameRank(none, "build tag")]
    assert why(f"lib-1.5-3-{tag}.whl", artifact=chosen)[1:] == [NotOnIndex(f"lib-1.5-3-{tag}.whl")]


def test_of_two_files_with_one_rank_and_build_tag_the_name_decides() -> None:
    first, second = "lib-1.5-py2.py3-none-any.whl", "lib-1.5-py3-none-any.whl"
    assert why(second, artifact=Artifact(first, "0" * 64, 1))[1:] == [SameRank(second, "name")]
    assert why(first, artifact=Artifact(second, "0" * 64, 1))[1:] == [NotOnIndex(first)]


def test_the_chosen_wheel_was_built_from_the_sdist_of_its_release() -> None:
    built = Built(Artifact("lib-1.5.tar.gz", "0" * 64, 1), "CPython 3.12.4")
    assert why("lib-1.5.tar.gz", built=built) == [CHOSEN, BuiltFrom("lib-1.5.tar.gz")]
    assert why("lib-1.5.zip", built=built) == [CHOSEN, WheelPreferred("lib-1.5.zip")]


@pytest.mark.parametrize("place", ["/my dir (1)/c.txt:3", "https://index.example/c (x (y)).txt:1"])
@pytest.mark.parametrize("marker", ["", '; python_version < "4" and (os_name == "posix" or os_name == "nt (x")'])
def test_the_place_of_a_constraint_and_its_marker_may_have_parentheses(place: str, marker: str) -> None:
    constraint = f"lib<1.6{marker} ({place})"
    assert why("lib-1.6.tar.gz", constraint=constraint) == [CHOSEN, ConstraintExcludes("1.6", constraint)]
    assert why("lib-1.4.tar.gz", constraint=constraint) == [CHOSEN, Older("1.4", "1.5")]


def test_a_constraint_that_cannot_be_read_excludes_nothing() -> None:
    for constraint in ("!!", "!! (limits.txt:1)", "lib<1", f"lib<{'9' * 5000} (limits.txt:1)"):
        assert why("lib-1.6.tar.gz", constraint=constraint) == [CHOSEN, NewSinceLock("1.6", "lib", None)]


def test_the_name_in_a_requirement_may_have_any_spelling() -> None:
    facts = why("lib-1.6.tar.gz", ("App", "LIB<1.6"))
    assert facts == [CHOSEN, RequirementExcludes("1.6", "LIB<1.6")]


def test_a_requirement_whose_marker_does_not_hold_excludes_nothing() -> None:
    other = 'lib<1.6; python_version < "3.9"'
    assert why("lib-1.6.tar.gz", ("app", other)) == [CHOSEN, NewSinceLock("1.6", "lib", None)]
    lock = Lock(TARGET, Inputs(("app", other)), (APP, LIB))
    assert chains(lock, LIB.project) == [["app", "lib"]]


def test_a_better_tag_than_that_of_the_chosen_file_was_not_on_the_index() -> None:
    best, second = (f"lib-1.5-{tag}.whl" for tag in TARGET.tags[:2])
    assert why(best, artifact=Artifact(second, "0" * 64, 1)) == [OtherChosen(second), NotOnIndex(best)]


def test_an_sdist_that_was_chosen_is_not_beaten_by_itself() -> None:
    sdist = Artifact("lib-1.5.tar.gz", "0" * 64, 1)
    assert why("lib-1.5.zip", artifact=sdist) == [OtherChosen("lib-1.5.tar.gz"), NotOnIndex("lib-1.5.zip")]
    assert why("lib-1.5-py3-none-any.whl", artifact=sdist)[1] == NotOnIndex("lib-1.5-py3-none-any.whl")


def test_a_chosen_file_that_does_not_fit_counts_as_best() -> None:
    windows = "lib-1.5-cp312-cp312-win_amd64.whl"
    chosen, fact = why("lib-1.5-py3-none-any.whl", artifact=Artifact(windows, "0" * 64, 1))
    assert chosen == OtherChosen(windows) and isinstance(fact, LowerRank)
    assert fact.chosen_rank == 0 < fact.rank


def test_requirements_of_the_user_exclude_a_release_each() -> None:
    facts = why("lib-1.6.tar.gz", ("app", "lib<1.6", "lib!=1.6", "lib>1", "tail<1"))
    assert facts == [CHOSEN, RequirementExcludes("1.6", "lib<1.6"), RequirementExcludes("1.6", "lib!=1.6")]


def test_a_pre_release_that_was_allowed_is_not_excluded_for_being_one() -> None:
    new = [CHOSEN, NewSinceLock("1.6rc1", "lib", None)]
    assert why("lib-1.6rc1.tar.gz", selection=Selection(pre=frozenset({"lib"}))) == new
    assert why("lib-1.6rc1.tar.gz", version=Version("1.5rc1")) == new
    assert why("lib-1.6rc1.tar.gz", selection=Selection(pre=frozenset({"app"})))[1] == NotRequestedPrerelease("1.6rc1")
    assert why("lib-2.0rc1.tar.gz")[1:] == [
        DependentExcludes("2.0rc1", "app 1.0", "lib<2"),
        NotRequestedPrerelease("2.0rc1"),
    ]


def test_a_file_whose_name_can_be_read_in_two_ways_is_found_by_its_whole_name() -> None:
    name = "zc.lockfile-2-1.tar.gz"
    pin = {"project": canonicalize_name("zc.lockfile"), "version": Version("2.post1")}
    assert why(name, **pin, artifact=Artifact(name, "0" * 64, 1)) == [BestFit("zc-lockfile", "2.post1")]


@pytest.mark.parametrize(
    "name", ["lib-1.0.exe", "lib.whl", "lib-x.tar.gz", "lib-1.0-py3-none.whl", f"lib-1.0-{'9' * 5000}-py3-none-any.whl"]
)
def test_a_name_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"`{name}` is not the name of a wheel or sdist"):
        why(name)
