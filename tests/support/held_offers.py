"""A supply that holds what conflicts offer in memory, and what is told about a request that it cannot meet."""

import re
import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from tests.support.conflicts import Conflict, Offered
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import WheelhouseError
from wheelhouse.index.page_data import Hashes, IndexFile, Status
from wheelhouse.index.pages import Page
from wheelhouse.resolve.requirements import RequirementLine, parse_file, parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

PATCH = re.compile(r"(?<=the target has 3\.\d\d)\.\d+")
DIGEST = re.compile(r"[0-9a-f]{64}")


def filename(offered: Offered) -> str:
    name, version = offered.release.replace("-", "_").split()
    return f"{name}-{version}-{offered.tag}.whl" if offered.is_wheel else f"{name}-{version}.tar.gz"


@dataclass
class HeldOffers:
    """What `resolve` takes: pages and metadata of offers. `statuses` are those of projects, `others` more names on their pages,
    `places` the index of a project, `hidden` the Requires-Python of releases that their page does not tell.
    """

    offers: Sequence[Offered]
    statuses: Mapping[str, Status] = field(default_factory=dict)
    others: Mapping[str, Sequence[str]] = field(default_factory=dict)
    places: Mapping[str, Any] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pages, self.metadata = SimpleNamespace(get=self._page), SimpleNamespace(get=self._metadata)
        default = SimpleNamespace(is_default=True, name="", address="")
        self.locations = SimpleNamespace(
            of=lambda project: self.places.get(project, default),
            releases=lambda _project, _allowed: None,
            keep_releases=lambda _allowed, _page: None,
        )

    def _page(self, project: NormalizedName) -> "Future[Page | None]":
        files = [
            IndexFile(
                filename(each),
                filename(each),
                Hashes(sha256=sha256(filename(each).encode()).hexdigest()),
                upload_time=each.uploaded,
                requires_python=each.python,
                yanked=each.yanked,
            )
            for each in self.offers
            if canonicalize_name(each.release.split()[0]) == project
        ]
        files += [IndexFile(name, name) for name in self.others.get(project, ())]
        future: Future[Page | None] = Future()
        status = self.statuses.get(project, Status())
        future.set_result(Page(project, "index", "https://127.0.0.1/", files, status) if files else None)
        return future

    def _metadata(self, candidate: Any, *, certain: bool = False) -> "Future[Metadata]":
        offered = next(each for each in self.offers if filename(each) == candidate.filename)
        requires = [
            *offered.requires,
            *(f"{need} ; extra == '{extra}'" for extra, needs in offered.extras.items() for need in needs),
        ]
        extras = frozenset(map(canonicalize_name, offered.extras))
        future: Future[Metadata] = Future()
        future.set_result(
            Metadata(
                candidate.project,
                candidate.version,
                tuple(requires),
                self.hidden.get(offered.release, offered.python),
                extras,
            )
        )
        return future


def request_of(conflict: Conflict) -> ResolutionRequest:
    """What the words, options and files of a conflict ask for."""
    requirements: list[RequirementLine] = []
    constraints: list[RequirementLine] = []
    selection, told = Selection(), {"--platform": "linux/amd64"}
    words = iter(shlex.split(f"{conflict.asked} {conflict.options} {conflict.target}"))

    def text_of(name: str, _named_by: str) -> tuple[str, str]:
        return name, conflict.files[name].format(sha256="a" * 64)

    for word in words:
        if word in ("-r", "-c"):
            name, text = text_of(next(words), "")
            lines = parse_file(text, name, text_of, constraints=word == "-c")
            requirements += lines.requirements
            constraints += lines.constraints
            selection = selection.with_options(lines.options)
        elif word == "--uploaded-prior-to":
            selection = Selection(uploaded_prior_to=datetime.fromisoformat(next(words)))
        elif word in ("--python", "--platform"):
            told[word] = next(words)
        elif word.startswith("--"):
            selection = selection.with_option(word, next(words))
        else:
            requirements.append(parse_line(word))
    target = Target.of(Python.parse(told["--python"]), Platform.parse(told["--platform"]))
    direct = {line.project: line.source for line in requirements if line.source}
    return ResolutionRequest(target, tuple(requirements), tuple(constraints), selection, direct=direct)


def error_of(conflict: Conflict, **more: Any) -> WheelhouseError:
    """What is raised, because nothing can meet it; `more` is what the index has besides."""
    try:
        resolve(request_of(conflict), HeldOffers((*conflict.offers, *conflict.local), **more))  # type: ignore[arg-type]
    except WheelhouseError as error:
        return error
    raise AssertionError("a solution was found")


def told(conflict: Conflict, **more: Any) -> str:
    """What is told about a conflict, as the program prints it."""
    error = error_of(conflict, **more)
    lines = [*(f"  {detail}" for detail in error.details), f"error: {error}", f"hint: {error.hint}"]
    return PATCH.sub(".<patch>", DIGEST.sub("<sha256>", "\n".join(lines)))
