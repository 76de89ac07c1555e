"""Jobs that took resolvers minutes or did not end, as the real index offered them: each has its solution, or the cause of its failure."""

import gzip
import json
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from tests.resolve.record import COSTLY, FOLDER, NO_FILE, YANKED
from tests.resolve.test_search import Held, done
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import NoSolutionError, WheelhouseError
from wheelhouse.index.pages import JSON_TYPE, parse_page
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.resolve.search import resolve
from wheelhouse.target.target import Platform, Python, Target


class Recorded(Held):
    """The index as it was. Metadata that the recorded run did not look at are an error."""

    def __init__(self, name: str) -> None:
        super().__init__({})
        self.data = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
        self.looked_at: set[tuple[str, str]] = set()

    def page(self, project: NormalizedName) -> Future[Any]:
        if project not in self.data["projects"]:
            return failed(project)
        releases: Mapping[str, Any] | None = self.data["projects"][project]
        return done(recorded_page(project, releases) if releases else None)

    def metadata_of(self, candidate: Any, *, certain: bool = False) -> Future[Metadata]:
        version = str(candidate.version)
        told = self.data["projects"][candidate.project][version]
        self.looked_at.add((candidate.project, version))
        if "requires" not in told:
            return failed(f"{candidate.project} {version}")
        extras = frozenset(map(canonicalize_name, told["extras"]))
        return done(Metadata(candidate.project, candidate.version, tuple(told["requires"]), told["python"], extras))


class NotRecordedError(WheelhouseError):
    """The search looked at a release that it did not look at when it was recorded."""


def failed(what: str) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(NotRecordedError(what))
    return future


def recorded_page(project: NormalizedName, releases: Mapping[str, Any]) -> Any:
    files = [recorded_file(project.replace("-", "_"), version, told) for version, told in releases.items()]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()
    return parse_page(body, JSON_TYPE, project, "index", f"http://127.0.0.1/simple/{project}/")


def recorded_file(project: str, version: str, told: Any) -> dict[str, Any]:
    if told == NO_FILE:
        return {"filename": f"{project}-{version}-py2-none-win32.whl", "url": version, "hashes": {}}
    filename = f"{project}-{version}.tar.gz" if COSTLY in told else f"{project}-{version}-py3-none-any.whl"
    size = 300_000_000 if COSTLY in told else 1000
    return {"filename": filename, "url": filename, "hashes": {}, "size": size, "yanked": YANKED in told}


def replayed(name: str) -> tuple[list[ResolvedProject], Recorded]:
    index = Recorded(name)
    target = Target.of(Python.parse(index.data["python"]), Platform.parse(index.data["target"].partition("-")[2]))
    request = ResolutionRequest(target, tuple(map(parse_line, index.data["requirements"])))
    return resolve(request, index), index  # type: ignore[arg-type]


def test_airflow_without_constraints_has_a_solution() -> None:
    """uv 0.13.9 finds 165 pins in 3 s; a search that learns nothing had no answer in ten minutes."""
    projects, index = replayed("airflow-2.11.2")
    assert len(projects) == 165
    assert len(index.looked_at) < 1000


@pytest.mark.rooms
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (
            "scrapy-musllinux",
            r"no release of `zope-interface>=5.1.0` \(required by 25 releases of scrapy\) can be chosen",
        ),
        ("prefect-azure-soda", r"`urllib3==1.25.10` \(required by 3 releases of soda-sql\) and `urllib3>=1.26.0`"),
        (
            "prefect-all-extras",
            r"`google-auth>=2.0` .* and `google-auth==1.24.0` \(required by 3 releases of soda-sql\) conflict",
        ),
    ],
)
def test_the_cause_is_told(name: str, cause: str) -> None:
    with pytest.raises(NoSolutionError, match=cause):
        replayed(name)


def test_what_is_recorded_names_no_server() -> None:
    for path in Path(FOLDER).glob("*.json.gz"):
        assert b"://" not in gzip.decompress(path.read_bytes())
