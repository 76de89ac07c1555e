"""Resolving in this very process, against a loopback index."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.index import IndexServer
from tests.support.supplies import supplying
from tests.support.wheels import build_wheel
from wheelhouse.index.package_source import PackageSource
from wheelhouse.resolve import search as resolving
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))


@contextmanager
def supplied(folder: Path, offers: dict[str, list[str]]) -> Iterator[PackageSource]:
    """A supply from a loopback index; `offers` maps `name version` to what that release asks for."""
    with IndexServer() as server:
        for release, requires in offers.items():
            name, version = release.split()
            extras = {line.partition("extra == ")[2].strip("'"): [] for line in requires if "extra == " in line}
            server.add(build_wheel(folder, name, version, requires=requires, extras=extras))
        with supplying(server, folder / "cache") as supply:
            yield supply


def found(supply: PackageSource, *requirements: str) -> list[str]:
    """What is chosen, as `name version`."""
    answers = resolving.resolve(ResolutionRequest(TARGET, tuple(map(parse_line, requirements))), supply)
    return [f"{answer.candidate.project} {answer.candidate.version}" for answer in answers]
