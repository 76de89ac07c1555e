"""Which of a project's files may be chosen: formats, pre-releases, upload times, hashes (pip's meanings of the options) (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import InputError
from wheelhouse.resolve.file_options import Option

ALL, NONE = ":all:", ":none:"
Names = frozenset[str]
NOBODY: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """What may be chosen, whatever else is asked. Sets hold normalised names, or `:all:`.

    `require_hashes` None means as pip does: as soon as one line gives a hash. `uploaded_prior_to` is a time in UTC, `age`
    the text that it was reckoned from, where it was said as an age; `prior_to_except` gives, for a project to which it
    does not apply, the reason.
    """

    only_binary: Names = NOBODY
    no_binary: Names = NOBODY
    pre: Names = NOBODY
    only_final: Names = NOBODY
    prefer_binary: bool = False
    require_hashes: bool | None = None
    uploaded_prior_to: datetime | None = None
    age: str | None = None
    prior_to_except: Mapping[str, str] = field(default_factory=dict)

    def with_option(self, name: str, value: str = "") -> "Selection":
        """This selection after one more of pip's options, which may undo what earlier ones said."""
        match name:
            case "--only-binary":
                only, no = _told(self.only_binary, self.no_binary, value)
                return replace(self, only_binary=only, no_binary=no)
            case "--no-binary":
                no, only = _told(self.no_binary, self.only_binary, value)
                return replace(self, only_binary=only, no_binary=no)
            case "--all-releases" | "--pre":
                pre, final = _told(self.pre, self.only_final, value or ALL)
                return replace(self, pre=pre, only_final=final)
            case "--only-final":
                final, pre = _told(self.only_final, self.pre, value)
                return replace(self, pre=pre, only_final=final)
            case "--prefer-binary":
                return replace(self, prefer_binary=True)
            case "--require-hashes" | "--no-require-hashes":
                return replace(self, require_hashes=name == "--require-hashes")
        raise ValueError(name)

    def with_options(self, options: Iterable[Option]) -> "Selection":
        """This selection after the options of a requirements file, in their order."""
        selection = self
        for option in options:
            selection = selection.with_option(option.name, option.value)
        return selection

    def takes_wheels(self, project: NormalizedName) -> bool:
        """Whether a wheel of this project may be chosen."""
        return not _speaks(project, self.no_binary, self.only_binary)

    def takes_sdists(self, project: NormalizedName) -> bool:
        """Whether an sdist of this project may be chosen."""
        return not _speaks(project, self.only_binary, self.no_binary)

    def prereleases(self, project: NormalizedName) -> bool | None:
        """True where pre-releases count like any other, False where they never do, None where PEP 440 decides."""
        if _speaks(project, self.pre, self.only_final):
            return True
        return False if _speaks(project, self.only_final, self.pre) else None

    def prior_to(self, project: NormalizedName) -> datetime | None:
        """The time before which this project's files must have been uploaded; None where none is set."""
        return None if project in self.prior_to_except else self.uploaded_prior_to

    def against(self, candidate: Candidate) -> str | None:
        """Why this file may not be chosen, in a few words; None where it may.

        Raises InputError where its upload time decides, and the index does not give it.
        """
        if candidate.is_wheel and not self.takes_wheels(candidate.project):
            return "it is a wheel, and --no-binary rules those out"
        if not candidate.is_wheel and not self.takes_sdists(candidate.project):
            return "it is an sdist, and --only-binary rules those out"
        moment = self.prior_to(candidate.project)
        if moment is None:
            return None
        if candidate.upload_time is None:
            source = candidate.index or candidate.url
            raise InputError(
                f"{source} does not say when `{candidate.filename}` was uploaded, so --uploaded-prior-to cannot be kept",
                hint=f"use an index that gives upload times (PEP 700), or except {candidate.project} in wheelhouse.toml, with a reason: "
                f'[uploaded-prior-to-except] {candidate.project} = "…"',
            )
        if datetime.fromisoformat(candidate.upload_time) >= moment:
            return f"it was uploaded on {candidate.upload_time[:10]}, after the time that is allowed"
        return None

    def document(self) -> dict[str, Any]:
        """As a lock records it: what is not as by default."""
        table = {
            "only-binary": sorted(self.only_binary),
            "no-binary": sorted(self.no_binary),
            "pre": sorted(self.pre),
            "only-final": sorted(self.only_final),
            "prefer-binary": self.prefer_binary or None,
            "require-hashes": self.require_hashes,
            "uploaded-prior-to": self.uploaded_prior_to,
            "uploaded-prior-to-age": self.age,
            "uploaded-prior-to-except": dict(sorted(self.prior_to_except.items())),
        }
        return {name: value for name, value in table.items() if value not in (None, [], {})}


ANYTHING = Selection()
"""Whatever PEP 440 and the index allow."""


def _told(told: Names, other: Names, value: str) -> tuple[Names, Names]:
    """Both sets after `value` was told of the first: names, `:all:` (which empties the other) and `:none:` (which empties it)."""
    told_now, other_now = set(told), set(other)
    names = [name.strip() for name in value.split(",") if name.strip()]
    while ALL in names:
        told_now, other_now = {ALL}, set()
        names = names[names.index(ALL) + 1 :]
        if NONE not in names:
            return frozenset(told_now), frozenset(other_now)
    for name in names:
        if name == NONE:
            told_now.clear()
        else:
            told_now.add(canonicalize_name(name))
            other_now.discard(canonicalize_name(name))
    return frozenset(told_now), frozenset(other_now)


def _speaks(project: NormalizedName, told: Names, other: Names) -> bool:
    """Whether `told` speaks of a project: by name, or of all where the other does not name it."""
    return project in told or (ALL in told and project not in other)
