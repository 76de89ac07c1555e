"""The scenarios of packse (the tests of uv's resolver) that one target can express, resolved and compared with what packse expects.

    wheelhouse fetch packse --no-binary packse --python 3.12 --dest packse
    python -m tests.resolve.packse_scenarios packse/packse-*.tar.gz

The argument is packse's sdist, which holds the scenarios (its wheel does not), or a folder of them. Nothing of packse is run.
Exit code 1 if a scenario comes out otherwise than it must; those of `DIFFERENT` come out otherwise on purpose.
"""

import json
import sys
import tarfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from tests.resolve.test_search import Held, done
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import NoSolutionError
from wheelhouse.index.pages import JSON_TYPE, parse_page
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

PYTHONS = ("3.12", "3.13")
"""packse's own, and the next: no scenario without a Python of its own is about an older one."""
PRERELEASES = "pre-releases count if nothing else satisfies (PEP 440, and pip)"
PINNED = "a dependency that pins a pre-release asks for it (PEP 440, and pip)"
DIFFERENT: Mapping[str, str] = {
    "package-only-prereleases-in-range": PRERELEASES,
    "transitive-package-only-prereleases-in-range": PRERELEASES,
    "transitive-prerelease-and-stable-dependency": PINNED,
    "transitive-prerelease-and-stable-dependency-many-versions": PINNED,
    "transitive-prerelease-and-stable-dependency-many-versions-holes": PINNED,
    "transitive-yanked-and-unyanked-dependency": "a dependency that pins a yanked release admits it (PEP 592, and pip)",
    "python-less-than-current": "upper bounds of Requires-Python count, as in pip; uv ignores them",
    "python-patch-override-no-patch": "Python 3.9 is its newest patch release here, and 3.9.0 in uv",
}
"""The scenarios whose outcome differs on purpose, each with the reason."""


@dataclass(frozen=True)
class Scenario:
    """One scenario as its file has it."""

    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def packages(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Project → version → what packse says of the release."""
        return {name: package.get("versions", {}) for name, package in self.data.get("packages", {}).items()}

    @property
    def expected(self) -> Mapping[str, Any]:
        return self.data["expected"]

    @cached_property
    def options(self) -> Mapping[str, Any]:
        return self.data.get("resolver_options", {})

    @property
    def why_not(self) -> str | None:
        """Why one target cannot express the scenario; None if it can."""
        if self.options.get("required_environments"):
            return "it is about several platforms"
        if self.options.get("universal") and not self.expected["satisfiable"] and self._has_markers:
            return "it conflicts only on some of its platforms or Pythons"
        return None

    @property
    def _has_markers(self) -> bool:
        lines = [*self.data["root"].get("requires", []), *self._lines]
        return any(Requirement(line).marker for line in lines)

    @property
    def _lines(self) -> Iterator[str]:
        for versions in self.packages.values():
            for release in versions.values():
                yield from release.get("requires", [])

    @property
    def targets(self) -> list[Target]:
        """The target of the scenario; one for each Python if it is about all of them."""
        named = self.options.get("python") or self.data.get("environment", {}).get("python")
        admitted = SpecifierSet(self.data["root"].get("requires_python", ""))
        pythons = [named] if named else [python for python in PYTHONS if Python.parse(python).version in admitted]
        platform = {"x86_64-manylinux2014": "manylinux_2_17_x86_64"}.get(self.options.get("python_platform", ""))
        targets = [Target.of(Python.parse(python), Platform.parse(platform or "linux/amd64")) for python in pythons]
        return targets if self.options.get("universal") else targets[:1]

    def request(self, target: Target) -> ResolutionRequest:
        selection = Selection(
            only_binary=frozenset(self.options.get("no_build", ())),
            no_binary=frozenset(self.options.get("no_binary", ())),
            pre=frozenset([":all:"] if self.options.get("prereleases") else ()),
        )
        lines = tuple(map(parse_line, self.data["root"].get("requires", [])))
        return ResolutionRequest(target, lines, selection=selection)


class Index(Held):
    """The packages of a scenario, in memory."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__({})
        self._packages = {canonicalize_name(name): versions for name, versions in scenario.packages.items()}

    def page(self, project: NormalizedName) -> Future[Any]:
        releases = self._packages.get(project)
        if not releases:
            return done(None)
        files = [file for version, release in releases.items() for file in _files(project, version, release)]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()
        return done(parse_page(body, JSON_TYPE, project, "index", f"http://127.0.0.1/simple/{project}/"))

    def metadata_of(self, candidate: Any, *, certain: bool = False) -> Future[Metadata]:
        release = self._packages[candidate.project][str(candidate.version)]
        extras = release.get("extras", {})
        lines = [*release.get("requires", []), *(_of_extra(line, extra) for extra in extras for line in extras[extra])]
        known = frozenset(map(canonicalize_name, extras))
        return done(Metadata(candidate.project, candidate.version, tuple(lines), candidate.requires_python, known))


def _files(project: str, version: str, release: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    stem = f"{project.replace('-', '_')}-{version}"
    tags = release.get("wheel_tags") or ["py3-none-any"]
    names = [f"{stem}-{tag}.whl" for tag in tags] if release.get("wheel", True) else []
    names += [f"{stem}.tar.gz"] if release.get("sdist", True) else []
    for name in names:
        yield {
            "filename": name,
            "url": name,
            "hashes": {},
            "yanked": release.get("yanked", False),
            "requires-python": release.get("requires_python", ">=3.8"),
        }


def _of_extra(line: str, extra: str) -> str:
    text, _, marker = line.partition(";")
    return f"{text} ; {f'({marker}) and ' if marker else ''}extra == '{extra}'"


def pins(scenario: Scenario, target: Target) -> dict[str, str] | None:
    """What wheelhouse chooses, by project; None if it finds no solution."""
    try:
        projects = resolve(scenario.request(target), Index(scenario))  # type: ignore[arg-type]
    except NoSolutionError:
        return None
    return {str(project.candidate.project): str(project.candidate.version) for project in projects}


def wrong(scenario: Scenario) -> str | None:
    """How the outcome differs from the expected one; None if it does not on one of the targets."""
    differences = [_wrong(scenario, target) for target in scenario.targets]
    return None if None in differences else differences[0]


def _wrong(scenario: Scenario, target: Target) -> str | None:
    chosen, expected = pins(scenario, target), scenario.expected
    if (chosen is not None) != expected["satisfiable"]:
        return f"expected {'a solution' if expected['satisfiable'] else 'no solution'}, got {chosen}"
    packages = {canonicalize_name(name): version for name, version in expected.get("packages", {}).items()}
    if chosen is not None and packages and chosen != packages:
        return f"expected {packages}, got {chosen}"
    return None


def scenarios(path: Path) -> list[Scenario]:
    """Those of a folder, or of packse's sdist, by name; without its examples."""
    texts: dict[str, str] = {}
    if path.is_dir():
        texts = {str(file): file.read_text() for file in path.rglob("*.toml")}
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if "/scenarios/" in member.name and member.name.endswith(".toml"):
                    texts[member.name] = archive.extractfile(member).read().decode()  # type: ignore[union-attr]
    found = (Scenario(tomllib.loads(text)) for name, text in texts.items() if "/examples/" not in name)
    return sorted(found, key=lambda scenario: scenario.name)


def main() -> int:
    """Print every scenario that is not as expected, and how many there are of each kind."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    counts = Counter[str]()
    for scenario in scenarios(Path(sys.argv[1])):
        if reason := scenario.why_not:
            outcome, note = "not expressed", reason
        elif not (note := wrong(scenario) or ""):
            outcome = "as expected"
        else:
            outcome = "different on purpose" if scenario.name in DIFFERENT else "WRONG"
            note = DIFFERENT.get(scenario.name, note)
        counts[outcome] += 1
        if note:
            print(f"{outcome}: {scenario.name}: {note}")
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    return 1 if counts["WRONG"] or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
