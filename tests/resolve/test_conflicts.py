"""What nothing can meet is found at once, however much stands between, and is what the error names."""

from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from tests.resolve.test_search import Held, done, page_of
from tests.support.resolutions import TARGET, found, supplied
from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import NoSolutionError
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.prefetch import Prefetcher
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import resolve

OTHERS = [f"other-{letter}" for letter in "abcdef"]


def offers() -> dict[str, list[str]]:
    """`app` needs `middle[more]`, whose `leaf` is not there; and many others that each bring `middle` in, too."""
    found = {f"app {number}": ["middle[more]>=1", *OTHERS] for number in range(2, 6)}
    for number in range(1, 8):
        found[f"middle {number}"] = ["leaf>=1 ; extra == 'more'"]
        found |= {f"{other} {number}": ["middle"] for other in OTHERS}
    return found


def test_the_release_that_leads_into_no_dead_end_is_found(tmp_path: Path) -> None:
    with supplied(tmp_path, {**offers(), "app 1": ["middle"]}) as supply:
        assert found(supply, "app") == ["app 1", "middle 7"]


def test_the_error_names_what_nothing_meets(tmp_path: Path) -> None:
    with supplied(tmp_path, offers()) as supply, pytest.raises(NoSolutionError) as caught:
        found(supply, "app")
    assert str(caught.value) == "the index has no project `leaf` (required by every release of middle)"
    assert (
        caught.value.details[0]
        == "the command line → app 2 to 5 (every release) → middle[more] 1 to 7 (every release, middle[more]>=1) → leaf>=1"
    )


def test_an_extra_that_the_user_asks_for_in_vain(tmp_path: Path) -> None:
    """As pandas[excel] from wheels alone: the search never ended, because nothing but the user asked for it."""
    held = {f"lib {n}": ["leaf ; extra == 'more'", "side", "base"] for n in range(1, 30)}
    sides = {f"{name} {n}": ["base"] for n in range(1, 6) for name in ("side", "base-user")} | {
        "base 1": [],
        "base 2": [],
    }
    with (
        supplied(tmp_path, {**held, **sides}) as supply,
        pytest.raises(NoSolutionError, match="no project `leaf` \\(required by every release of lib"),
    ):
        found(supply, "lib[more]", "base-user")


def test_a_pre_release_that_another_pins_is_no_dead_end(tmp_path: Path) -> None:
    conflict = {"clash 2": ["base==2"], "clash 1": ["base==1"], "crash 1": ["base==1"], "base 2": [], "base 1": []}
    held = {"app 1": ["lib>=1", "pins", "clash", "crash"], "pins 1": ["lib==1.5b1"], "lib 1.5b1": [], "lib 0.9": []}
    with supplied(tmp_path, {**conflict, **held}) as supply:
        assert found(supply, "app") == ["app 1", "base 1", "clash 1", "crash 1", "lib 1.5b1", "pins 1"]


def test_the_more_releases_fail_the_more_metadata_are_asked_for_at_once(tmp_path: Path) -> None:
    with supplied(tmp_path, {f"lib {number}": [] for number in range(1, 31)}) as supply:
        index = CandidateIndex(request := ResolutionRequest(TARGET, (parse_line("lib"),)), supply)
        prefetcher, candidates = Prefetcher(request, supply, index), index.get(NormalizedName("lib"))
        asked: list[int] = []
        supply.metadata.get = lambda candidate: asked.append(candidate.version.major)  # type: ignore[assignment,method-assign]
        versions = candidates.matching(SpecifierSet())
        for version, expected in zip(versions, [0, 2, 2, 6, 6, 6, 6, 14], strict=False):
            prefetcher.note_trial(candidates.choose(version, SpecifierSet())[0])
            assert len(asked) == expected
    assert asked == [28, 27, 26, 25, 24, 23, *range(22, 14, -1)]


def test_pre_releases_are_asked_for_in_batches_too(tmp_path: Path) -> None:
    """As twisted under scrapy for musl: twenty pre-releases were read one after the other, a third of a second each."""
    offered = {**{f"lib {n}": [] for n in (1, 2, 3)}, **{f"lib 0.{n}rc1": [] for n in range(1, 10)}}
    with supplied(tmp_path, offered) as supply:
        index = CandidateIndex(request := ResolutionRequest(TARGET, (parse_line("lib"),)), supply)
        prefetcher, candidates = Prefetcher(request, supply, index), index.get(NormalizedName("lib"))
        asked: list[str] = []
        supply.metadata.get = lambda candidate: asked.append(str(candidate.version))  # type: ignore[assignment,method-assign]
        for version in list(candidates.in_order())[:4]:
            prefetcher.note_trial(candidates.choose(version, SpecifierSet())[0])
    assert asked == ["1", "0.9rc1", "0.8rc1", "0.7rc1", "0.6rc1", "0.5rc1"]


def test_nothing_is_asked_for_ahead_where_nothing_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the later jobs of a fleet: all pages and metadata are in memory."""
    walks: list[Prefetcher] = []
    walk = Prefetcher.walk
    monkeypatch.setattr(Prefetcher, "walk", lambda self: walks.append(self) or walk(self))
    asked: list[str] = []
    with supplied(tmp_path, {"app 1": ["middle"], "middle 1": ["leaf"], "leaf 1": []}) as supply:
        page = supply.pages.get
        monkeypatch.setattr(supply.pages, "get", lambda project: asked.append(project) or page(project))
        assert found(supply, "app", "leaf") == ["app 1", "leaf 1", "middle 1"]
        assert walks and asked[:3] == ["app", "app", "leaf"]  # the first wait asks for all that is required
        walks.clear()
        assert found(supply, "app", "leaf") == ["app 1", "leaf 1", "middle 1"]
    assert not walks


def test_many_extras_of_one_release_are_one_try(tmp_path: Path) -> None:
    """As apache-airflow with thirty extras: the metadata of as many older releases came for nothing."""
    extras = ",".join(OTHERS)
    with supplied(tmp_path, {f"lib {number}": [] for number in range(1, 31)}) as supply:
        asked: set[str] = set()
        metadata = supply.metadata.get

        def seen(candidate: Candidate, *, certain: bool = False) -> "Future[Metadata]":
            asked.add(str(candidate.version))
            return metadata(candidate, certain=certain)

        supply.metadata.get = seen  # type: ignore[method-assign]
        assert found(supply, f"lib[{extras}]") == ["lib 30"]
    assert asked == {"30"}


def test_a_chain_of_many_releases_to_yanked_files_is_no_tower_of_combinations() -> None:
    """20 releases of each of five projects: 27 s before, because a yanked file counted as one that somebody may still pin."""
    chain = ("root", "m0", "m1", "m2", "deep")
    requires = {above: [below] for above, below in pairwise(chain)} | {"m2": ["deep<5"], "deep": []}
    universe = {project: {str(number): requires[project] for number in range(1, 21)} for project in chain}
    index = YankedEnd(universe)
    with pytest.raises(NoSolutionError) as caught:
        resolve(ResolutionRequest(TARGET, (parse_line("root"),)), index)  # type: ignore[arg-type]
    assert "no release of `deep<5` (required by every release of m2) can be chosen" in str(caught.value)
    assert (
        caught.value.hint
        == "to take a yanked release nevertheless, pin it: `deep==4`, or request a release of m2 that accepts deep 20"
    )
    assert index.looked_at < 200


def test_no_hint_names_a_yanked_release_though_a_constraint_pins_another() -> None:
    index = YankedEnd({"app": {"1": ["deep>5"]}, "deep": {"4": [], "5": [], "6": []}})
    index.yanked = frozenset("6")
    request = ResolutionRequest(TARGET, (parse_line("app"),), constraints=(parse_line("deep==5", "limits.txt:1"),))
    with pytest.raises(NoSolutionError) as caught:
        resolve(request, index)  # type: ignore[arg-type]
    assert caught.value.hint == "change limits.txt:1, or remove it"


class YankedEnd(Held):
    """The index of the chain: the first four releases of its last project are yanked."""

    looked_at = 0
    yanked = frozenset("1234")

    def page(self, project: NormalizedName) -> Future[Any]:
        yanked = {
            version: "bad" if project == "deep" and version in self.yanked else None
            for version in self._universe[project]
        }
        return done(page_of(project, yanked))

    def metadata_of(self, candidate: Any, *, certain: bool = False) -> Future[Metadata]:
        self.looked_at += 1
        return super().metadata_of(candidate, certain=certain)
