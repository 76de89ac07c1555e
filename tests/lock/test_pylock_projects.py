"""Projects from a lock file of another tool: refused together, warned of, and kept to what the lock file has."""

from types import SimpleNamespace
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.errors import NoSolutionError
from wheelhouse.events import Event, Warned
from wheelhouse.lock.pylock_projects import resolved_projects_of
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
REQUIRES = {
    "app": ("lib>=1", "tail", 'fast; extra == "x"', 'old; python_version < "3"'),
    "lib": ("tail", "app", "other-tail[x]<2"),
}


def candidate(name: str, ending: str = "py3-none-any.whl") -> Candidate:
    return Candidate(canonicalize_name(name), Version("1.0"), f"{name}-1.0-{ending}", f"https://x/{name}", "")


class Source:
    """The artifacts and the metadata of `REQUIRES`, and what was requested of both."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.certain: list[bool] = []
        self.artifacts = SimpleNamespace(get=lambda file: self.files.append(file.project))
        self.metadata = SimpleNamespace(get=self._metadata)

    def _metadata(self, file: Candidate, *, certain: bool) -> Any:
        self.certain.append(certain)
        metadata = Metadata(file.project, file.version, REQUIRES.get(file.project, ()))
        return SimpleNamespace(result=lambda: metadata)


def resolved(*files: Candidate, **request: Any) -> tuple[list[ResolvedProject], list[Event], Source]:
    source, events = Source(), list[Event]()
    asked = ResolutionRequest(TARGET, (), **request)
    return resolved_projects_of(files, asked, source, events.append), events, source  # type: ignore[arg-type]


def test_projects_are_sorted_and_depend_on_each_other_alone() -> None:
    projects, events, source = resolved(candidate("lib"), candidate("app"))
    assert [(project.candidate.project, project.dependencies) for project in projects] == [
        ("app", ("lib>=1",)),
        ("lib", ("app",)),
    ]
    assert all(project.extras == project.rejected == project.skipped == () for project in projects)
    assert events == [
        Warned("the lock file leaves out `other-tail[x]<2`, which lib 1.0 requires"),
        Warned("the lock file leaves out `tail`, which app 1.0 requires"),
    ]
    assert source.files == ["app", "lib"] and source.certain == [True, True]


def test_a_complete_lock_warns_of_nothing() -> None:
    assert resolved(candidate("tail"), candidate("more"))[1] == []


def test_excluded_dependencies_are_not_missed() -> None:
    adjustments = Adjustments.of_texts((), ("tail", "lib"))
    projects, events, _ = resolved(candidate("app"), adjustments=adjustments)
    assert projects[0].dependencies == () and events == []


def test_all_files_that_may_not_be_taken_are_told_at_once() -> None:
    files = candidate("lib"), candidate("app", "cp312-cp312-win_amd64.whl"), candidate("tail")
    with pytest.raises(NoSolutionError) as caught:
        resolved(*files, selection=Selection(no_binary=frozenset({"tail"})))
    assert [detail.partition(": ")[0] for detail in caught.value.details] == [files[1].filename, files[2].filename]
