"""Releases whose Requires-Dist lines PEP 508 does not allow: taken last, as pip 24.1 and newer pass them over, and said."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement

from tests.support.index import IndexServer
from tests.support.resolutions import TARGET, found, supplied
from tests.support.sampled import sampled
from tests.support.supplies import supplying
from tests.support.tools import pip, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.archive.metadata import PLAIN
from wheelhouse.events import Event, Warned
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import resolve

OFFERS = {
    "bb 1.0": [],
    "bb 2.0": [],
    "cc 1.0": [],
    "app 1.0": ["bb"],
    "app 2.0": ["bb (>=1.0.*)"],
    "other 1.0": ["app"],
    "other 2.0": ["nothing (>=1.0.*) ; extra == 'x'"],
    "only 1.0": ["bb (>=1.0.*)"],
    "only 2.0": ["bb (>=1.0.*)"],
    "newer 1.0": ["app>=2"],
    "two 3.0": ["bb (>=1.0.*)"],
    "two 2.0": ["bb>=3"],
    "two 1.0": ["cc (>dev)"],
    "mark 1.0": [],
    "mark 2.0": ["bb ; python_version ~~ '3'"],
}
ASKED = {
    "app": {"app 1.0", "bb 2.0"},
    "app>=1": {"app 1.0", "bb 2.0"},
    "other": {"other 1.0", "app 1.0", "bb 2.0"},
    "mark": {"mark 1.0"},
    "app other": {"app 1.0", "other 1.0", "bb 2.0"},
}
"""What pip takes, too."""
LAST = {
    "only": {"only 2.0", "bb 2.0"},
    "only<2": {"only 1.0", "bb 2.0"},
    "app==2.0": {"app 2.0", "bb 2.0"},
    "app>1": {"app 2.0", "bb 2.0"},
    "newer": {"newer 1.0", "app 2.0", "bb 2.0"},
    "newer app": {"newer 1.0", "app 2.0", "bb 2.0"},
    "two": {"two 3.0", "bb 2.0"},
}
"""Where no other release will do: pip 24.1 and newer find nothing."""


@pytest.mark.parametrize("asked", ASKED | LAST)
def test_other_releases_are_taken_first(tmp_path: Path, asked: str) -> None:
    with supplied(tmp_path, OFFERS) as supply:
        assert set(found(supply, *asked.split())) == (ASKED | LAST)[asked]


@pytest.mark.parametrize("asked", sampled(ASKED | LAST, 2))
def test_pip_takes_the_same_or_nothing(tmp_path: Path, asked: str) -> None:
    with IndexServer() as server:
        for release, requires in OFFERS.items():
            name, version = release.split()
            extras = {"x": []} if "extra ==" in str(requires) else {}
            server.add(build_wheel(tmp_path / "offered", name, version, requires=requires, extras=extras))
        got = tmp_path / "got"
        got.mkdir()
        done = pip("download", "--index-url", server.url, "--dest", got, *asked.split())
    taken = {" ".join(path.name.split("-")[:2]) for path in got.iterdir()}
    assert (done.returncode, taken) == ((0, ASKED[asked]) if asked in ASKED else (1, set())), done.stderr


def test_what_was_passed_over_is_said(tmp_path: Path) -> None:
    events: list[Event] = []
    with IndexServer() as server:
        for version, requires in (("1.0", []), ("2.0", ["bb (>=1.0.*)"])):
            server.add(build_wheel(tmp_path, "app", version, requires=requires))
        with supplying(server, tmp_path / "cache") as supply:
            (answer,) = resolve(ResolutionRequest(TARGET, (parse_line("app"),)), supply, events.append)
            assert str(answer.candidate.version) == "1.0"
    (told,) = [str(event) for event in events if isinstance(event, Warned)]
    assert "app 1.0 was chosen instead of 2.0, which requires `bb (>=1.0.*)`" in told and "pip 24.1 and newer" in told


@pytest.mark.rooms
def test_verify_and_vet_say_which_pip_takes_it(tmp_path: Path) -> None:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "bb", "1.0"))
        server.add(build_wheel(tmp_path, "only", "1.0", requires=["bb (>=1.0.*)"]))
        fetched = wheelhouse("fetch", "only", "--python", "3.12", "--index", server.url, cwd=tmp_path)
    assert fetched.returncode == 0, fetched.stderr
    for command in ("verify", "vet"):
        done = wheelhouse(command, "--json", cwd=tmp_path)
        (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["rule"] == "legacy-metadata"]
        assert "pip 24.1 and newer refuse it; pip 24.0 and older accept it" in str(finding) and done.returncode == 0


LINE = st.text(alphabet="ab1. -_[],;()<>=!~*'\"", max_size=24).map(lambda text: f"lib{text}")
KEYED = st.builds(
    "lib{}; python_version {}".format, st.text(alphabet=">=<1.0,*", max_size=6), st.text("<>='3", max_size=6)
)


@given(LINE | KEYED)
def test_what_looks_valid_at_a_glance_is(line: str) -> None:
    if PLAIN.fullmatch(line):
        Requirement(line)


@pytest.mark.parametrize(
    "line", ["lib[a,b] (>=1.0, !=1.*) ; extra == 'x'", "Lib.x_y~=1.0", "lib==1.0.post1.dev2", "lib"]
)
def test_valid_lines_are_told_at_a_glance(line: str) -> None:
    assert PLAIN.fullmatch(line)


@pytest.mark.parametrize(
    "line", ["lib>=1.*", "lib~=1", "lib[,a]", "lib>=1,", "lib>=1<2", "lib (>=1", "lib; extra = 'x'"]
)
def test_invalid_lines_are_not(line: str) -> None:
    assert not PLAIN.fullmatch(line)
    if line != "lib>=1,":  # which PEP 508 allows
        with pytest.raises(InvalidRequirement):
            Requirement(line)
