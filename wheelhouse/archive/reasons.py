"""Why a file or a release is not chosen, as facts: the class says the kind, its fields the details (pure).

Code compares classes and fields, a lock file keeps both, and `archive/reason_text` alone puts them into English.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Reason:
    """Base of all reasons. `id` names the kind in a lock file."""

    id: ClassVar[str]


@dataclass(frozen=True, slots=True)
class NoFittingTag(Reason):
    """The target takes none of the wheel's tags."""

    id = "no-fitting-tag"
    target: str


@dataclass(frozen=True, slots=True)
class FitsLess(Reason):
    """Another file of the release fits the target better."""

    id = "fits-less"
    better: str


@dataclass(frozen=True, slots=True)
class UnreadableFormat(Reason):
    """pip does not unpack sdists with this suffix."""

    id = "unreadable-format"
    suffix: str


@dataclass(frozen=True, slots=True)
class RequiresPython(Reason):
    """Requires-Python excludes the target's Python."""

    id = "requires-python"
    specifier: str
    python: str


@dataclass(frozen=True, slots=True)
class Yanked(Reason):
    """The project withdrew the file (PEP 592); `explanation` is the project's own, or empty."""

    id = "yanked"
    explanation: str


@dataclass(frozen=True, slots=True)
class BadPageEntry(Reason):
    """The index page's entry cannot be used: `field` is `url` (missing), `scheme` (not http or https) or `sha256` (malformed)."""

    id = "bad-page-entry"
    field: str


@dataclass(frozen=True, slots=True)
class BadFilename(Reason):
    """The name ends in `.whl`, and is not a wheel's; `problem` is what packaging says."""

    id = "bad-filename"
    problem: str


@dataclass(frozen=True, slots=True)
class HashNotAllowed(Reason):
    """The index gives a hash that no requirement line allows."""

    id = "hash-not-allowed"
    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class WheelExcluded(Reason):
    """`--no-binary` excludes wheels of the project."""

    id = "no-binary"


@dataclass(frozen=True, slots=True)
class SdistExcluded(Reason):
    """`--only-binary` excludes sdists of the project."""

    id = "only-binary"


@dataclass(frozen=True, slots=True)
class UploadedTooLate(Reason):
    """Uploaded at or after the time that `--uploaded-prior-to` sets; `date` is ISO 8601."""

    id = "uploaded-too-late"
    date: str


@dataclass(frozen=True, slots=True)
class InvalidRequirementLine(Reason):
    """A Requires-Dist line that PEP 508 does not allow. `old_pip_reads_it`: pip 24.0 and older take the release."""

    id = "invalid-requirement"
    line: str
    old_pip_reads_it: bool


@dataclass(frozen=True, slots=True)
class UnreadableRequirement(Reason):
    """A Requires-Dist line that nobody can read; `problem` is what packaging says."""

    id = "unreadable-requirement"
    line: str
    problem: str


@dataclass(frozen=True, slots=True)
class OtherWords(Reason):
    """A reason that this version does not know: the text of a lock file that another version wrote."""

    id = ""
    text: str


KEPT_IN_LOCKS: Mapping[str, type[Reason]] = {
    kind.id: kind
    for kind in (
        NoFittingTag,
        FitsLess,
        UnreadableFormat,
        RequiresPython,
        Yanked,
        BadPageEntry,
        BadFilename,
        HashNotAllowed,
        WheelExcluded,
        SdistExcluded,
        UploadedTooLate,
    )
}
"""The reasons that a lock file may keep, by id. All their fields are texts."""


def reason_table(reason: Reason) -> dict[str, str]:
    """A reason as a lock file keeps it: `reason` is its id, then its fields. Of OtherWords, `reason` is the text."""
    return {"reason": reason.text} if isinstance(reason, OtherWords) else {"reason": reason.id, **asdict(reason)}


def reason_of(id_or_text: str, details: Mapping[str, str]) -> Reason:
    """The reason that `reason_table` wrote. An unknown id, or the sentence of an old lock file, becomes OtherWords.

    Raises ValueError if a detail is missing.
    """
    kind = KEPT_IN_LOCKS.get(id_or_text)
    if kind is None:
        return OtherWords(id_or_text)
    names = [field.name for field in fields(kind)]
    if missing := [name for name in names if name not in details]:
        raise ValueError(f"the reason `{id_or_text}` lacks its detail `{missing[0]}`")
    return kind(**{name: details[name] for name in names})
