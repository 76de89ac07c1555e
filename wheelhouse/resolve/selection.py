"""Which files of a project may be chosen: formats, pre-releases, upload times, hashes, with pip's options (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.reasons import Reason, SdistExcluded, UploadedTooLate, WheelExcluded
from wheelhouse.errors import InputError
from wheelhouse.resolve.file_options import Option

ALL, NONE = ":all:", ":none:"
Names = frozenset[str]
NO_NAMES: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files may be chosen. Sets hold normalised names, or `:all:`.

    `require_hashes` None means as in pip: as soon as one line gives a hash. `uploaded_prior_to` is a time in UTC; `age` is
    the text that it was computed from, if it was given as an age. `prior_to_except` maps each project that is exempt
    from it to the reason.
    """

    only_binary: Names = NO_NAMES
    no_binary: Names = NO_NAMES
    pre: Names = NO_NAMES
    only_final: Names = NO_NAMES
    prefer_binary: bool = False
    require_hashes: bool | None = None
    uploaded_prior_to: datetime | None = None
    age: str | None = None
    prior_to_except: Mapping[str, str] = field(default_factory=dict)

    def with_option(self, name: str, value: str = "") -> "Selection":
        """A copy after one more of pip's options, which overrides earlier ones for the projects that it names; an empty
        value names none, but all for `--all-releases` and `--pre`. Raises ValueError for an unknown name.
        """
        match name:
            case "--only-binary":
                only, no = _apply(value, self.only_binary, self.no_binary)
                return replace(self, only_binary=only, no_binary=no)
            case "--no-binary":
                no, only = _apply(value, self.no_binary, self.only_binary)
                return replace(self, only_binary=only, no_binary=no)
            case "--all-releases" | "--pre":
                pre, final = _apply(value or ALL, self.pre, self.only_final)
                return replace(self, pre=pre, only_final=final)
            case "--only-final":
                final, pre = _apply(value, self.only_final, self.pre)
                return replace(self, pre=pre, only_final=final)
            case "--prefer-binary":
                return replace(self, prefer_binary=True)
            case "--require-hashes" | "--no-require-hashes":
                return replace(self, require_hashes=name == "--require-hashes")
        raise ValueError(name)

    def with_options(self, options: Iterable[Option]) -> "Selection":
        """A copy after the options of a requirements file, in their order. Raises ValueError for any other name, so the
        caller leaves out `--index-url`.
        """
        selection = self
        for option in options:
            selection = selection.with_option(option.name, option.value)
        return selection

    def takes_wheels(self, project: NormalizedName) -> bool:
        """Whether --only-binary and --no-binary allow a wheel of this project."""
        return not _covers(self.no_binary, project, self.only_binary)

    def takes_sdists(self, project: NormalizedName) -> bool:
        """Whether --only-binary and --no-binary allow an sdist of this project."""
        return not _covers(self.only_binary, project, self.no_binary)

    def prereleases(self, project: NormalizedName) -> bool | None:
        """True if pre-releases count like others, False if they never count, None if PEP 440 decides."""
        if _covers(self.pre, project, self.only_final):
            return True
        return False if _covers(self.only_final, project, self.pre) else None

    def prior_to(self, project: NormalizedName) -> datetime | None:
        """The time before which this project's files must have been uploaded; None if there is no limit, or the project is exempt."""
        return None if project in self.prior_to_except else self.uploaded_prior_to

    def why_excluded(self, candidate: Candidate) -> Reason | None:
        """Why the format or the upload time of a file excludes it; None if neither does. Its target and hashes do not count here.

        Raises InputError if its upload time decides, and the index does not give one.
        """
        if candidate.is_wheel and not self.takes_wheels(candidate.project):
            return WheelExcluded()
        if not candidate.is_wheel and not self.takes_sdists(candidate.project):
            return SdistExcluded()
        limit = self.prior_to(candidate.project)
        if limit is None:
            return None
        if candidate.upload_time is None:
            source = candidate.index or candidate.url
            raise InputError(
                f"{source} does not say when `{candidate.filename}` was uploaded, so --uploaded-prior-to cannot be applied",
                hint=f"use an index with upload times (PEP 700), or exempt {candidate.project} in wheelhouse.toml, with a reason: "
                f'[uploaded-prior-to-except] {candidate.project} = "…"',
            )
        if datetime.fromisoformat(candidate.upload_time) >= limit:
            return UploadedTooLate(candidate.upload_time[:10])
        return None

    def document(self) -> dict[str, Any]:
        """The settings that differ from the defaults, as a table for a lock file: names as options have them, sets as sorted lists."""
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
"""The defaults: everything that PEP 440 and the index allow."""


def _apply(value: str, names: Names, opposite: Names) -> tuple[Names, Names]:
    """Both sets after an option's value was applied to the first.

    A name moves to the first set. `:all:` replaces the names of the first set, and empties the opposite one; `:none:` empties
    the first one. Words before an `:all:` do not count, and those after the last one only if `:none:` is among them.
    """
    own, other = set(names), set(opposite)
    words = [word.strip() for word in value.split(",") if word.strip()]
    while ALL in words:
        own, other = {ALL}, set()
        words = words[words.index(ALL) + 1 :]
        if NONE not in words:
            return frozenset(own), frozenset(other)
    for word in words:
        if word == NONE:
            own.clear()
        else:
            own.add(canonicalize_name(word))
            other.discard(canonicalize_name(word))
    return frozenset(own), frozenset(other)


def _covers(names: Names, project: NormalizedName, opposite: Names) -> bool:
    """Whether a set names a project, or names all and the opposite set does not name the project."""
    return project in names or (ALL in names and project not in opposite)
