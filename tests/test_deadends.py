"""What nothing can meet is found at once, however much stands between, and is what the error names."""

from pathlib import Path

import pytest

from tests.support.resolutions import found, supplied
from wheelhouse.errors import NoSolutionError

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
    assert str(caught.value) == "`leaf`, which middle 7 asks for, is not on the index"
    assert caught.value.details[0] == "app 5 → middle[more] 7 → leaf>=1"


def test_a_pre_release_that_another_pins_is_no_dead_end(tmp_path: Path) -> None:
    conflict = {"clash 2": ["base==2"], "clash 1": ["base==1"], "crash 1": ["base==1"], "base 2": [], "base 1": []}
    held = {"app 1": ["lib>=1", "pins", "clash", "crash"], "pins 1": ["lib==1.5b1"], "lib 1.5b1": [], "lib 0.9": []}
    with supplied(tmp_path, {**conflict, **held}) as supply:
        assert found(supply, "app") == ["app 1", "base 1", "clash 1", "crash 1", "lib 1.5b1", "pins 1"]
