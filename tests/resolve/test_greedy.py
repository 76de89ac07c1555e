"""The answer that needs no search: what it finds, when it gives up, and that the resolver then finds the rest."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.resolutions import found, supplied
from wheelhouse.archive.filenames import Filenames
from wheelhouse.resolve import search as resolving
from wheelhouse.resolve.resolution import CandidateRelease


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it searched")

    monkeypatch.setattr(resolving, "_search", refuse)


@pytest.mark.usefixtures("no_search")
def test_a_later_bound_moves_an_earlier_choice_down_without_a_search(tmp_path: Path) -> None:
    offers = {"a 1": ["b", "c"], "b 2": [], "b 1": [], "c 1": ["b<2"]}
    with supplied(tmp_path, offers) as supply:
        assert found(supply, "a") == ["a 1", "b 1", "c 1"]


@pytest.mark.usefixtures("no_search")
def test_what_only_a_discarded_release_asked_for_is_not_in_the_answer(tmp_path: Path) -> None:
    offers = {
        "a 1": ["b", "c"],
        "b 2": ["gone", "d<2"],
        "b 1": [],
        "c 1": ["b<2", "d"],
        "d 2": [],
        "d 1": [],
        "gone 1": [],
    }
    with supplied(tmp_path, offers) as supply:
        assert found(supply, "a") == ["a 1", "b 1", "c 1", "d 2"]


@pytest.mark.usefixtures("no_search")
def test_an_extra_is_taken_from_the_release_that_is_chosen_in_the_end(tmp_path: Path) -> None:
    offers = {"a 1": ["b[x]", "c"], "b 2": ["new ; extra == 'x'"], "b 1": ["old ; extra == 'x'"], "c 1": ["b<2"]}
    offers |= {"new 1": [], "old 1": []}
    with supplied(tmp_path, offers) as supply:
        assert found(supply, "a") == ["a 1", "b 1", "c 1", "old 1"]


def test_where_the_best_releases_contradict_each_other_an_older_one_is_searched_for(tmp_path: Path) -> None:
    offers = {"a 2": ["c==1"], "a 1": ["c"], "b 1": ["c==2"], "c 2": [], "c 1": []}
    with supplied(tmp_path, offers) as supply:
        assert found(supply, "a", "b") == ["a 1", "b 1", "c 2"]


def test_choices_that_chase_each_other_end_in_a_search(tmp_path: Path) -> None:
    offers = {"a 2": ["b<2"], "a 1": ["b"], "b 2": [], "b 1": ["a<2"]}
    with supplied(tmp_path, offers) as supply:
        assert found(supply, "a", "b") in (["a 1", "b 2"], ["a 1", "b 1"])


def test_the_walk_ends_at_the_first_contradiction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies behind it may be a hundred projects, whose metadata the search needs not, or needs of other releases."""
    walked: list[str] = []
    solve = resolving.solve_greedily

    def watched(roots: Any, index: Any, dependencies_of: Any) -> Any:
        def noted(release: CandidateRelease) -> Any:
            walked.append(str(release))
            return dependencies_of(release)

        return solve(roots, index, noted)

    monkeypatch.setattr(resolving, "solve_greedily", watched)
    offers = {"a 2": ["c==1"], "a 1": ["c"], "b 1": ["c==2", "d"], "c 2": [], "c 1": [], "d 1": ["e"], "e 1": []}
    with supplied(tmp_path, offers) as supply:
        assert found(supply, "a", "b") == ["a 1", "b 1", "c 2", "d 1", "e 1"]
    assert walked == ["a 2", "b 1", "c 1"]


@pytest.mark.parametrize(
    ("project", "filename", "version"),
    [
        ("a-b", "a_b-1.0-py3-none-any.whl", "1.0"),
        ("a-b", "A.b-1.0-2-py3-none-any.whl", "1.0"),
        ("a-b", "a_b-1.0-x-py3-none-any.whl", None),
        ("a-b", "a_c-1.0-py3-none-any.whl", None),
        ("a-b", "a_b-1.0-py3-none.whl", None),
        ("a-b", "a-b-1.0.tar.gz", "1.0"),
        ("a-b", "a__b-1.0-beta.zip", "1.0-beta"),
        ("a", "a-b-1.0.tar.gz", "b-1.0"),
        ("a-b", "a-b.tar.gz", None),
        ("a-b", "a-b-.tar.gz", None),
        ("a-b", "a_b-1.0.exe", None),
    ],
)
def test_a_file_name_tells_its_version(project: str, filename: str, version: str | None) -> None:
    assert Filenames(project).version(filename) == version  # type: ignore[arg-type]
