"""Which releases are chosen, and what is said where none can be: scenarios as data, the same asked of uv."""

import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from tests.support.index import Abilities, IndexServer
from tests.support.sampled import sampled
from tests.support.supplies import supplying
from tests.support.tools import uv
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.reasons import FitsLess, NoFittingTag
from wheelhouse.errors import InputError, NoSolutionError
from wheelhouse.events import Event, Warned
from wheelhouse.files.cache import Cache
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.pages import JSON_TYPE, parse_page
from wheelhouse.index.sources import IndexLocations
from wheelhouse.resolve.requirements import RequirementLine, parse_line
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))


@dataclass
class Asked:
    """What a scenario's question led to."""

    answers: dict[str, ResolvedProject] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def pins(self) -> dict[str, str]:
        return {name: str(answer.candidate.version) for name, answer in self.answers.items()}


Ask = Callable[..., Asked]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    with IndexServer() as server:
        yield server


@pytest.fixture
def offer(index: IndexServer, tmp_path: Path) -> Callable[..., None]:
    """Offer `name version`, with what `build_wheel` takes; `told` is what the index says of it."""

    def add(
        release: str, *requires: str, sdist: bool = False, told: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        name, version = release.split()
        build = build_sdist if sdist else build_wheel
        index.add(build(tmp_path / "offered", name, version, requires=requires, **more), **(told or {}))  # type: ignore[operator]

    return add


@pytest.fixture
def ask(index: IndexServer, tmp_path: Path) -> Ask:
    def answer(
        *requirements: str,
        constraints: Sequence[str] = (),
        target: Target = TARGET,
        preferred: Mapping[str, str] | None = None,
        prior_to: datetime | None = None,
    ) -> Asked:
        found = Asked()

        def note(event: Event) -> None:
            if isinstance(event, Warned):
                found.warnings.append(event.sentence)

        question = ResolutionRequest(
            target,
            tuple(parse_line(text) for text in requirements),
            tuple(parse_line(text, f"limits.txt:{number}") for number, text in enumerate(constraints, 1)),
            Selection(uploaded_prior_to=prior_to),
            preferred={canonicalize_name(name): Version(version) for name, version in (preferred or {}).items()},
        )
        with supplying(index, tmp_path / "cache", note, HttpSettings(retries=0)) as supply:
            answers = resolve(question, supply, note)
        found.answers = {str(answer.candidate.project): answer for answer in answers}
        return found

    return answer


# Scenarios, the same for uv


@dataclass(frozen=True)
class Scenario:
    """Releases as `name version` with what each requires; what is asked; the pins that must come of it."""

    releases: Mapping[str, Sequence[str]]
    asked: Sequence[str]
    pins: Mapping[str, str] | None
    constraints: Sequence[str] = ()


SCENARIOS = {
    "newest": Scenario({"a 1": (), "a 2": (), "a 10": ()}, ["a"], {"a": "10"}),
    "an older one where the newest asks too much": Scenario(
        {"a 1": ["c<2"], "a 2": ["c>=2"], "b 1": ["c<2"], "c 1": (), "c 2": ()},
        ["a", "b"],
        {"a": "1", "b": "1", "c": "1"},
    ),
    "through several": Scenario(
        {
            **{f"a {n}": [f"b>={n}"] for n in range(1, 6)},
            **{f"b {n}": [f"c>={n}"] for n in range(1, 6)},
            **{f"c {n}": () for n in range(1, 6)},
        },
        ["a", "c<3"],
        {"a": "2", "b": "2", "c": "2"},
    ),
    "a circle": Scenario({"a 1": ["b"], "b 1": ["a"]}, ["a"], {"a": "1", "b": "1"}),
    "a dependency that is nowhere": Scenario({"a 1": (), "a 2": ["gone"]}, ["a"], {"a": "1"}),
    "no solution": Scenario({"a 1": ["c<2"], "b 1": ["c>=2"], "c 1": (), "c 2": ()}, ["a", "b"], None),
    "a constraint": Scenario({"a 1": (), "a 2": ()}, ["a"], {"a": "1"}, ["a<2"]),
    "a constraint asks for nothing": Scenario({"a 1": (), "b 1": ()}, ["a"], {"a": "1"}, ["b==1"]),
    "a constraint that excludes": Scenario({"a 1": ["b>1"], "b 1": (), "b 2": ()}, ["a"], None, ["b==1"]),
    "a constraint on what a dependency asks": Scenario(
        {"a 1": ["b"], "a 2": ["b>=2"], "b 1": (), "b 2": ()}, ["a"], {"a": "1", "b": "1"}, ["b<2"]
    ),
    "markers": Scenario(
        {
            "a 1": ['win; sys_platform == "win32"', 'old; python_version < "3.12"', 'new; python_version >= "3.12"'],
            "new 1": (),
        },
        ["a"],
        {"a": "1", "new": "1"},
    ),
    "the patch level": Scenario(
        {"a 1": ['b; python_full_version < "3.12.5"', 'c; python_full_version < "3.12.4"'], "b 1": (), "c 1": ()},
        ["a"],
        {"a": "1", "b": "1"},
    ),
    "pre-releases only when asked for": Scenario(
        {"a 1": (), "a 2rc1": (), "b 1": (), "b 2a1": ()}, ["a", "b>=2a1"], {"a": "1", "b": "2a1"}
    ),
    "pre-releases where there is nothing else": Scenario({"a 1rc1": (), "a 2a1": ()}, ["a"], {"a": "2a1"}),
    "post-releases and epochs": Scenario(
        {"a 1.0.post1": (), "a 1.0": (), "b 1!1": (), "b 9": ()}, ["a", "b"], {"a": "1.0.post1", "b": "1!1"}
    ),
    "local versions": Scenario({"a 1.0": (), "a 1.0+cpu": ()}, ["a==1.0"], {"a": "1.0+cpu"}),
    "names however spelled": Scenario({"Foo.Bar 1": ["x_Y"], "x-y 1": ()}, ["foo_bar"], {"foo-bar": "1", "x-y": "1"}),
}


@pytest.mark.parametrize("name", sampled(SCENARIOS, 8))
def test_a_scenario_comes_out_as_it_must_and_as_uv_has_it(
    name: str, index: IndexServer, offer: Callable[..., None], ask: Ask, tmp_path: Path
) -> None:
    scenario = SCENARIOS[name]
    for release, requires in scenario.releases.items():
        offer(release, *requires)
    if scenario.pins is None:
        with pytest.raises(NoSolutionError):
            ask(*scenario.asked, constraints=scenario.constraints)
    else:
        assert ask(*scenario.asked, constraints=scenario.constraints).pins == scenario.pins
    assert uv_pins(index, scenario, tmp_path) == scenario.pins


def uv_pins(index: IndexServer, scenario: Scenario, folder: Path) -> dict[str, str] | None:
    (folder / "in.txt").write_text("\n".join(scenario.asked))
    (folder / "limits.txt").write_text("\n".join(scenario.constraints))
    options = (
        "--python-version",
        "3.12.4",
        "--python-platform",
        "x86_64-manylinux_2_28",
        "--index-url",
        index.url,
        "--python",
        sys.executable,
    )
    compiled = uv(
        *("pip", "compile", folder / "in.txt", "-c", folder / "limits.txt", "--no-header", "--no-annotate", "-q"),
        *options,
    )
    if compiled.returncode:
        return None
    return dict(line.split("==") for line in compiled.stdout.split())


# Extras


def test_extras_add_what_they_ask_for(offer: Callable[..., None], ask: Ask) -> None:
    offer(
        "app 1",
        extras={"Big.One": ["lib", "app[small]"], "small": ["tiny[x]; python_version > '3'"], "never": ["gone"]},
    )
    offer("lib 1")
    offer("tiny 1", extras={"x": ["deep"]})
    offer("deep 1")
    found = ask("app[big_ONE]")
    assert found.pins == {"app": "1", "lib": "1", "tiny": "1", "deep": "1"}
    assert found.answers["app"].extras == ("big-one", "small")
    assert found.answers["app"].dependencies == ("app[small]", "lib", "tiny[x]")
    assert found.warnings == []


def test_an_unknown_extra_is_a_warning(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 1", extras={"known": []})
    found = ask("app[unknown,known]")
    assert found.warnings == ["app 1 has no extra named `unknown`; the extra is ignored"]
    assert found.answers["app"].extras == ("known",)


def test_an_extra_and_its_project_are_of_one_version(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 2", extras={"x": ["lib>=2"]})
    offer("app 1", extras={"x": ["lib"]})
    offer("lib 1")
    assert ask("app", "app[x]").pins == {"app": "1", "lib": "1"}


# Files


def test_one_file_a_project_by_rank_then_by_build(offer: Callable[..., None], ask: Ask) -> None:
    for tag in (
        "py3-none-any",
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp312-cp312-manylinux_2_28_x86_64",
        "cp312-abi3-linux_x86_64",
    ):
        offer("a 1", tag=tag)
    offer("a 1", tag="cp312-cp312-manylinux_2_28_x86_64", build="2")
    offer("a 1", tag="cp312-cp312-manylinux_2_28_x86_64", build="10")
    offer("a 1", tag="cp312-cp312-manylinux_2_31_x86_64")
    offer("a 1", sdist=True)
    answer = ask("a").answers["a"]
    assert answer.candidate.filename == "a-1-10-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert len(answer.rejected) == 7
    reasons = {other.filename: other.reason for other in answer.rejected}
    assert reasons.pop("a-1-cp312-cp312-manylinux_2_31_x86_64.whl") == NoFittingTag("cp312-manylinux_2_28_x86_64")
    assert set(reasons.values()) == {FitsLess(answer.candidate.filename)}


def test_an_sdist_is_taken_where_no_wheel_fits(offer: Callable[..., None], ask: Ask) -> None:
    offer("a 1", tag="cp311-cp311-manylinux_2_28_x86_64")
    offer("a 1", "lib", sdist=True)
    offer("lib 1")
    found = ask("a")
    assert found.answers["a"].candidate.filename == "a-1.tar.gz"
    assert found.pins == {"a": "1", "lib": "1"}


def test_the_chosen_wheels_own_metadata_count(offer: Callable[..., None], ask: Ask) -> None:
    offer("a 1", "wrong", tag="py3-none-any")
    offer("a 1", "right", tag="cp312-cp312-manylinux_2_17_x86_64")
    offer("right 1")
    assert ask("a").pins == {"a": "1", "right": "1"}


def test_a_step_back_for_want_of_a_wheel_is_told(offer: Callable[..., None], ask: Ask) -> None:
    offer("a 3", tag="cp312-cp312-win_amd64")
    offer("a 2", tag="cp312-cp312-manylinux_2_39_x86_64")
    offer("a 1")
    answer = ask("a").answers["a"]
    assert (str(answer.candidate.version), [str(version) for version in answer.skipped]) == ("1", ["3", "2"])


def test_a_local_version_is_quoted_in_its_url(index: IndexServer, offer: Callable[..., None], ask: Ask) -> None:
    offer("a 1.0+cpu.2")
    assert "%2B" in ask("a").answers["a"].candidate.url


# Requires-Python


@pytest.mark.parametrize("told_by_the_index", [True, False])
@pytest.mark.parametrize("sidecars", [True, False])
def test_requires_python_counts_wherever_it_stands(
    index: IndexServer, offer: Callable[..., None], ask: Ask, told_by_the_index: bool, sidecars: bool
) -> None:
    index.abilities = Abilities(requires_python=told_by_the_index, sidecars=sidecars)
    offer("a 3", requires_python=">=3.13")
    offer("a 2", requires_python=">=3.8,<3.12")
    offer("a 1", requires_python=">=3.8.*")
    assert ask("a").pins == {"a": "1"}


def test_a_python_that_is_too_old_is_said(index: IndexServer, offer: Callable[..., None], ask: Ask) -> None:
    index.abilities = Abilities(requires_python=False)
    offer("a 1", requires_python=">=3.12.5")
    with pytest.raises(NoSolutionError, match=r"a 1 requires Python >=3\.12\.5, but the target has 3\.12\.4"):
        ask("a")


def test_a_requires_python_that_nobody_can_read_limits_nothing(offer: Callable[..., None], ask: Ask) -> None:
    offer("a 1", requires_python="three")
    assert ask("a").pins == {"a": "1"}


# Yanked


def test_yanked_releases_are_chosen_by_an_exact_pin_only(offer: Callable[..., None], ask: Ask) -> None:
    offer("a 2", told={"yanked": "broken"})
    offer("a 1")
    assert ask("a").pins == ask("a>=1").pins == {"a": "1"}
    assert ask("a==2").answers["a"].candidate.yanked == "broken"
    assert ask("a", constraints=["a==2"]).pins == {"a": "2"}
    for text in ("a==2.*", "a>1", "a~=2.0"):
        with pytest.raises(NoSolutionError, match="it was yanked: broken"):
            ask(text)


# What stands already, and what is too new


def test_pins_that_stand_are_kept_where_they_may(offer: Callable[..., None], ask: Ask) -> None:
    for version in ("1", "2", "3"):
        offer(f"a {version}", "b")
        offer(f"b {version}")
    assert ask("a", preferred={"a": "2", "b": "1"}).pins == {"a": "2", "b": "1"}
    assert ask("a>2", preferred={"a": "2", "b": "1"}).pins == {"a": "3", "b": "1"}
    assert ask("a", preferred={"a": "7"}).pins == {"a": "3", "b": "3"}


def test_what_came_too_late_does_not_count(index: IndexServer, offer: Callable[..., None], ask: Ask) -> None:
    offer("a 2", told={"upload_time": "2025-03-01T00:00:00Z"})
    offer("a 1", told={"upload_time": "2025-02-28T23:59:59.999Z"})
    assert ask("a", prior_to=datetime(2025, 3, 1, tzinfo=UTC)).pins == {"a": "1"}
    index.abilities = Abilities(upload_times=False)
    with pytest.raises(InputError, match="does not say when"):
        ask("a", prior_to=datetime(2025, 3, 1, tzinfo=UTC))


def test_a_time_without_a_zone_is_in_utc(offer: Callable[..., None], ask: Ask) -> None:
    offer("a 3", told={"upload_time": "2025-02-28T23:30:00-01:00"})
    offer("a 2", told={"upload_time": "2025-03-01T00:00:00"})
    offer("a 1", told={"upload_time": "2025-02-28T23:59:59"})
    assert ask("a", prior_to=datetime(2025, 3, 1, tzinfo=UTC)).pins == {"a": "1"}


# Errors say what stands where


def test_a_constraint_that_excludes_is_named_with_file_and_line(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 1", "lib<2")
    offer("lib 1")
    offer("lib 2")
    with pytest.raises(NoSolutionError) as error:
        ask("app", constraints=["other==1", "lib==2"])
    assert str(error.value) == "app 1 requires `lib<2`, but the constraint is `lib==2` (limits.txt:2)"
    assert error.value.hint and "limits.txt:2" in error.value.hint
    assert "app 1 (its only release) → lib<2" in "\n".join(error.value.details)
    assert "the index offers lib 2, 1" in error.value.details


def test_constraints_that_agree_are_not_said_to_conflict(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 1", "lib>=4")
    for version in ("2", "4"):
        offer(f"lib {version}")
    with pytest.raises(NoSolutionError) as error:
        ask("app", constraints=["lib>=1", "lib<3"])
    assert str(error.value) == "app 1 requires `lib>=4`, but the constraint is `lib<3` (limits.txt:2)"


@pytest.mark.parametrize(
    ("asked", "constraints", "sentence", "hint"),
    [
        (
            "lib<4",
            ["lib!=1", "lib!=2"],
            "the command line requests `lib<4`, but the constraints are `lib!=1` (limits.txt:1) and `lib!=2` (limits.txt:2)",
            "change or remove limits.txt:1 or limits.txt:2",
        ),
        (
            "lib",
            ["lib!=1", "lib>0", "lib!=2", "lib!=5"],
            "the command line requests `lib`, but the constraints are `lib!=1` (limits.txt:1) and `lib!=2` (limits.txt:3) "
            "and `lib!=5` (limits.txt:4)",
            "change or remove limits.txt:1 or limits.txt:3 or limits.txt:4",
        ),
    ],
)
def test_constraints_that_exclude_every_release_only_together_are_all_named(
    offer: Callable[..., None], ask: Ask, asked: str, constraints: list[str], sentence: str, hint: str
) -> None:
    for version in ("1", "2", "5"):
        offer(f"lib {version}")
    with pytest.raises(NoSolutionError) as error:
        ask(asked, constraints=constraints)
    assert (str(error.value), error.value.hint) == (sentence, hint)


def test_the_extra_that_leads_to_a_project_that_is_gone_can_be_left_out(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 1", 'gone ; extra == "fast"')
    with pytest.raises(NoSolutionError) as error:
        ask("app[fast]")
    assert error.value.hint and error.value.hint.endswith("leave out the extra `fast` of app, because it leads to gone")


def test_a_release_that_vanished_is_named_with_its_chain_and_what_is_left(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 1", "driver>=8.0.11,<=8.0.18")
    offer("driver 8.0.19")
    with pytest.raises(NoSolutionError) as error:
        ask("app")
    assert str(error.value) == "the index has no release of `driver<=8.0.18,>=8.0.11` (required by app 1)"
    assert any(
        re.search(r"^the command line → app 1 \(its only release\) → driver<=8\.0\.18,>=8\.0\.11", line)
        for line in error.value.details
    ), error.value.details
    assert "the index offers driver 8.0.19" in error.value.details


def test_a_project_that_is_not_there_is_named_with_who_asks(offer: Callable[..., None], ask: Ask) -> None:
    with pytest.raises(NoSolutionError, match=r"^the index has no project `nope` \(requested on the command line\)$"):
        ask("nope")
    offer("app 1", "nope")
    with pytest.raises(NoSolutionError, match=r"^the index has no project `nope` \(required by app 1\)$"):
        ask("app")


@pytest.mark.parametrize("bad", ["lib==", "lib (==dev)", "=", "lib; sys_platform = 'linux'"])
def test_a_release_whose_requirements_nobody_can_read_is_left_out_and_told(
    offer: Callable[..., None], ask: Ask, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    offer("app 2", bad)
    offer("app 1")
    found = ask("app")
    assert found.pins == {"app": "1"}
    assert found.warnings == [
        f"app 1 was chosen instead of 2, which requires `{bad}`, which PEP 508 does not allow: pip refuses it"
    ]
    with pytest.raises(NoSolutionError, match=r"app 2 requires `.*`, which cannot be read"):
        ask("app==2")
    assert not caplog.records  # a callback's traceback would end up on the user's terminal


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("lib @ http://127.0.0.1/lib-1.0.tar.gz", "this address is outside the indexes"),
        ("lib; sys_platform ~= 'linux'", "cannot be evaluated"),
        ("lib; platform_release > '5'", "which the target"),
    ],
)
def test_what_only_the_user_can_decide_stops_everything(
    offer: Callable[..., None], ask: Ask, bad: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    offer("app 2", bad)
    offer("app 1")
    with pytest.raises(InputError, match=sentence):
        ask("app")
    assert not caplog.records


def test_old_ways_to_ask_are_read_and_told(offer: Callable[..., None], ask: Ask) -> None:
    offer("app 1", "lib (>=1<3)")
    for version in ("0", "2", "3"):
        offer(f"lib {version}")
    found = ask("app")
    assert found.pins == {"app": "1", "lib": "2"}
    assert len(found.warnings) == 1 and "a comma is missing" in found.warnings[0]


# Against a naive reference


class Held:
    """A supply that holds everything in memory: `{project: {version: what it requires}}`."""

    locations = IndexLocations((), Http(), PageCache(Http(), Cache(Path("nowhere"))))

    def __init__(self, universe: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._universe = universe
        self.pages, self.metadata = SimpleNamespace(get=self.page), SimpleNamespace(get=self.metadata_of)

    def page(self, project: NormalizedName) -> Future[Any]:
        releases = self._universe.get(project)
        return done(page_of(project, dict.fromkeys(releases)) if releases else None)

    def metadata_of(self, candidate: Any, *, certain: bool = False) -> Future[Metadata]:
        requires = self._universe[candidate.project][str(candidate.version)]
        return done(Metadata(candidate.project, candidate.version, tuple(requires)))


def done(result: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future


def page_of(project: str, releases: Mapping[str, str | None]) -> Any:
    import json

    files = [
        {
            "filename": f"{project}-{version}-py3-none-any.whl",
            "url": f"{project}-{version}-py3-none-any.whl",
            "hashes": {},
        }
        | ({} if yanked is None else {"yanked": yanked})
        for version, yanked in releases.items()
    ]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()
    return parse_page(body, JSON_TYPE, canonicalize_name(project), "index", f"http://127.0.0.1/simple/{project}/")


PROJECTS = ("a", "b", "c", "d")
SPECIFIERS = st.sampled_from(["", ">=2", "<2", "==1", "==2", "!=3", ">2", "<=2"])
NEEDS = st.builds("{}{}".format, st.sampled_from(PROJECTS), SPECIFIERS)
RELEASES = st.dictionaries(st.sampled_from(["1", "2", "3"]), st.lists(NEEDS, max_size=2), min_size=1)
UNIVERSES = st.fixed_dictionaries(dict.fromkeys(PROJECTS, RELEASES))


@given(UNIVERSES, st.lists(NEEDS, min_size=1, max_size=2), st.lists(NEEDS, max_size=1))
def test_a_solution_is_found_where_there_is_one_and_is_one(
    universe: dict[str, dict[str, list[str]]], asked: list[str], limits: list[str]
) -> None:
    question = ResolutionRequest(TARGET, tuple(map(parse_line, asked)), tuple(map(parse_line, limits)))
    try:
        answers = resolve(question, Held(universe))  # type: ignore[arg-type]
    except NoSolutionError:
        assert not any(satisfies(pins, universe, asked, limits) for pins in every_choice(universe))
        return
    pins = {str(answer.candidate.project): str(answer.candidate.version) for answer in answers}
    assert satisfies(pins, universe, asked, limits)
    assert pins.keys() == reached(pins, universe, asked)


def test_circles_that_a_search_leaves_behind_do_no_harm() -> None:
    universe = {"a": {"2": [], "3": ["b", "a"]}, "b": {"2": ["a==2", "b"], "1": []}, "d": {"3": ["b", "a"], "2": []}}
    answers = resolve(ResolutionRequest(TARGET, (parse_line("a>=2"), parse_line("d!=3"))), Held(universe))  # type: ignore[arg-type]
    pins = {str(answer.candidate.project): str(answer.candidate.version) for answer in answers}
    assert satisfies(pins, universe, ["a>=2", "d!=3"], [])


def every_choice(universe: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[dict[str, str]]:
    for versions in itertools.product(*([None, *universe[project]] for project in PROJECTS)):
        yield {project: version for project, version in zip(PROJECTS, versions, strict=True) if version}


def satisfies(
    pins: Mapping[str, str],
    universe: Mapping[str, Mapping[str, Sequence[str]]],
    asked: Sequence[str],
    limits: Sequence[str],
) -> bool:
    needs = [*asked, *(need for project, version in pins.items() for need in universe[project][version])]
    met = all((need := Requirement(text)).name in pins and need.specifier.contains(pins[need.name]) for text in needs)
    within = all(
        (limit := Requirement(text)).name not in pins or limit.specifier.contains(pins[limit.name]) for text in limits
    )
    return met and within


def reached(
    pins: Mapping[str, str], universe: Mapping[str, Mapping[str, Sequence[str]]], asked: Sequence[str]
) -> set[str]:
    found: set[str] = set()
    left = [Requirement(text).name for text in asked]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(Requirement(text).name for text in universe[name][pins[name]])
    return found


VERSIONS = st.sampled_from(
    ["0.9", "1.0", "1.0.1", "1.1a1", "1.1rc2", "1.1", "1.1.post1", "1.1+cpu", "2.0.dev1", "2.0", "2!0.1", "3.0b1"]
)
CLAUSES = st.builds(
    "{}{}".format,
    st.sampled_from([">=", "<=", "==", "!=", ">", "<"]),
    st.sampled_from(["1.0", "1.1", "1.1rc2", "2.0", "2!0.1"]),
)


@given(st.dictionaries(VERSIONS, st.sampled_from([None, "", "bad"]), min_size=1), st.lists(CLAUSES, max_size=2))
def test_the_version_chosen_is_the_one_that_packaging_would(
    releases: dict[str, str | None], clauses: list[str]
) -> None:
    specifier = SpecifierSet(",".join(clauses))
    exact = any(clause.startswith("==") for clause in clauses)
    usable = [Version(text) for text, yanked in releases.items() if exact or yanked is None]
    free = sorted(specifier.filter(usable), reverse=True)
    answer = choose_one(releases, clauses)
    assert answer == (free[0] if free else None)


def choose_one(releases: Mapping[str, str | None], clauses: Sequence[str]) -> Version | None:
    class Shop(Held):
        def page(self, project: NormalizedName) -> Future[Any]:
            return done(page_of("a", releases))

    line: RequirementLine = parse_line(f"a{','.join(clauses)}")
    try:
        return resolve(ResolutionRequest(TARGET, (line,)), Shop({"a": dict.fromkeys(releases, ())}))[
            0
        ].candidate.version  # type: ignore[arg-type]
    except NoSolutionError:
        return None
