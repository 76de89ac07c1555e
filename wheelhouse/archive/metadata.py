"""The core metadata of a distribution, as far as resolving needs them (PEP 566, 643, 685) (pure)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property, lru_cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import has_overlong_number, requires_python_of
from wheelhouse.archive.filenames import is_wheel, sdist_releases, wheel_parts
from wheelhouse.archive.legacy import repair_requirement
from wheelhouse.archive.limits import (
    MAX_HEADER_BYTES,
    MAX_HEADER_FIELDS,
    MAX_HEADER_LINES,
    MAX_REQUIREMENT_LENGTH,
    beyond,
)
from wheelhouse.archive.overrides import AS_ASKED, Adjustments
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import UnreadableRequirement
from wheelhouse.documents import too_deep_as
from wheelhouse.errors import IntegrityError, RefusedError
from wheelhouse.findings import Finding
from wheelhouse.humanize import shortened
from wheelhouse.target.target import Target

EXTRA_NAME = re.compile(r"extra\s*[=!]=\s*['\"]([^'\"]+)['\"]")
EXTRA = re.compile(r"\bextra\b")
"""If a marker has more of these than of EXTRA_NAME, it is evaluated for every extra."""
WITHOUT_EXTRA = re.compile(r"\bor\b|extra\s*!=")
"""A marker that names an extra and can hold without extras contains one of these."""
_NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
PROJECT_NAME = re.compile(_NAME)
_VERSION = r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?"
_CLAUSE = rf"(?:[<>]=? ?{_VERSION}|[!=]= ?(?:\d+(?:\.\d+)*\.\*|{_VERSION})|~= ?\d+(?:\.\d+)+)"
_CLAUSES = rf"{_CLAUSE}(?: ?, ?{_CLAUSE})*"
_KEY = r"(?:extra|python_version|python_full_version|sys_platform|os_name|platform_(?:system|machine|python_implementation))"
_TERM = rf"{_KEY} ?(?:[!=<>]=|[<>]) ?(?:'[^'\"]*'|\"[^'\"]*\")"
PLAIN = re.compile(
    rf"{_NAME}(?:\[{_NAME}(?:,{_NAME})*\])? ?"
    rf"(?:\({_CLAUSES}\)|{_CLAUSES})?(?: ?; ?{_TERM}(?: (?:and|or) {_TERM})*)?"
)
"""Matches nearly all lines that PEP 508 allows, and none that it does not allow."""
MAX_PLAIN_LENGTH = 1000
ANY = "*"
"""In place of an extra's name: lines that can apply with every extra, and without."""
SINGLE_FIELDS = ("Metadata-Version", "Name", "Version", "Requires-Python")
"""The fields that decide what a file is, and that core metadata allow once."""
STATIC_SINCE = (2, 2)
"""Since this Metadata-Version, a wheel has the metadata of its sdist, except for the fields in `Dynamic` (PEP 643)."""


@dataclass(frozen=True)
class Metadata:
    """Core metadata. `requires_dist` are the raw lines, because most belong to extras that nobody requests.

    `source` is the file that they were read from. `provisional` says why a build of the sdist may change them; None if
    they are certain.
    """

    project: NormalizedName
    version: Version
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: frozenset[NormalizedName] = frozenset()
    provisional: str | None = None
    source: str = ""

    @cached_property
    def _lines_by_extra(self) -> dict[str, list[tuple[int, str]]]:
        """Extra → the Requires-Dist lines, with their numbers, whose marker names it; "" → those that may apply without extras.

        Extras are normalised; numbers begin at 0.

        ANY → those whose extras cannot be told.
        """
        lines: dict[str, list[tuple[int, str]]] = {}
        for number, line in enumerate(self.requires_dist):
            marker = line.partition(";")[2]
            named = EXTRA_NAME.findall(marker)
            extras: set[str] = {canonicalize_name(name) for name in named}
            if len(EXTRA.findall(marker)) != len(named):
                extras |= {ANY}
            elif not extras or WITHOUT_EXTRA.search(marker):
                extras.add("")
            for extra in extras:
                lines.setdefault(extra, []).append((number, line))
        return lines

    def _lines_of(self, extra: str) -> list[str]:
        """The Requires-Dist lines for an extra, normalised, or without extras (""), in their order.

        Those of ANY are among them for declared extras and "".
        """
        own = self._lines_by_extra.get(extra, [])
        shared = self._lines_by_extra.get(ANY, []) if not extra or extra in self.extras else []
        return [line for _, line in (sorted({*own, *shared}) if shared else own)]

    def allows(self, target: Target) -> bool:
        """Whether its Requires-Python allows the target's Python: what an installer decides, whatever an index page says."""
        return not self.requires_python or target.allows(requires_python_of(self.requires_python))

    @property
    def invalid_line(self) -> str | None:
        """The first Requires-Dist line, of any extra, that `is_valid_requirement` denies, or None.

        pip 24.1 and newer refuse such a release.
        """
        return self._invalid_line

    @cached_property
    def _invalid_line(self) -> str | None:
        """`invalid_line`, searched once."""
        return next((line for line in self.requires_dist if not is_valid_requirement(line)), None)

    def requirements(
        self, target: Target, extra: str = "", adjustments: Adjustments = AS_ASKED
    ) -> Iterator[tuple[Requirement, str | None]]:
        """The requirements that apply on a target, after the user's adjustments: those without extras, or those of `extra`.

        Those of `extra`, which is normalised, are of lines that name it, or whose extras cannot be told, even if they apply
        without it, too.

        With each, the rules that repaired its line, None if PEP 508 allows it, or for an override. Raises
        UnreadableRequirementError after those of the lines before, and InputError as `Target.applies` does.
        What is read without adjustments is kept for the next call, if it is read to its end.
        """
        if adjustments != AS_ASKED:
            yield from self._read_requirements(target, extra, adjustments)
            return
        requirements = self._requirements.get((target, extra))
        if requirements is None:
            requirements = []
            for requirement in self._read_requirements(target, extra, adjustments):
                requirements.append(requirement)
                yield requirement
            self._requirements[target, extra] = requirements
        else:
            yield from requirements

    @cached_property
    def _requirements(self) -> dict[tuple[Target, str], list[tuple[Requirement, str | None]]]:
        """The cache of `requirements`, empty at first: (target, extra) → what applies if nothing adjusts it."""
        return {}

    def _read_requirements(
        self, target: Target, extra: str, adjustments: Adjustments
    ) -> Iterator[tuple[Requirement, str | None]]:
        """`requirements`, without its cache."""
        for line in self._lines_of(extra):
            requirement, rules, replacements = None, None, None
            try:
                requirement, rules = read_requirement(line)
            except InvalidRequirement as error:
                if name := PROJECT_NAME.match(line):
                    replacements = adjustments.instead_of_project(name[0])
                if replacements is None:
                    raise UnreadableRequirementError(self, line, str(error).splitlines()[0]) from error
            else:
                replacements = adjustments.instead_of(requirement)
            for replacement in replacements:
                if target.applies(replacement.marker, extra):
                    yield replacement, rules if replacement is requirement else None


class UnreadableRequirementError(IntegrityError):
    """A Requires-Dist line that nobody can read; `reason` has the line, and what packaging says of it."""

    def __init__(self, metadata: Metadata, line: str, problem: str) -> None:
        super().__init__(
            f"{metadata.project} {metadata.version} {reason_text(UnreadableRequirement(line, problem))}",
            details=(f"{metadata.source}: Requires-Dist: {shortened(line)}",),
            hint="choose another release, or write the correct requirement into a file, and add --override FILE",
        )
        self.reason = UnreadableRequirement(line, problem)


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """The result of one inspection: the raw METADATA or PKG-INFO, the parsed metadata, and the findings."""

    raw_metadata: bytes
    metadata: Metadata
    findings: tuple[Finding, ...] = ()


@lru_cache(maxsize=65536)
def read_requirement(line: str) -> tuple[Requirement, str | None]:
    """The requirement in a Requires-Dist line, and the rules that repaired it, None if it was valid.

    Raises InvalidRequirement, also for more than MAX_REQUIREMENT_LENGTH characters, and for an overlong number.
    """
    if len(line) > MAX_REQUIREMENT_LENGTH:
        raise InvalidRequirement(f"it has more than {MAX_REQUIREMENT_LENGTH} characters")
    if has_overlong_number(line):
        raise InvalidRequirement("a number in it has too many digits")
    with too_deep_as(InvalidRequirement):
        try:
            return Requirement(line), None
        except InvalidRequirement as error:
            try:
                return repair_requirement(line)
            except InvalidRequirement:
                raise error from None


def is_valid_requirement(line: str) -> bool:
    """Whether PEP 508 allows a Requires-Dist line, and it is in the limits of `read_requirement`. A pattern decides for
    nearly all, because parsing is slow.
    """
    if len(line) <= MAX_PLAIN_LENGTH and PLAIN.fullmatch(line):
        return True
    try:
        return read_requirement(line)[1] is None
    except InvalidRequirement:
        return False


def old_pip_reads(line: str) -> bool:
    """Whether pip 24.0 and older take a release with this line: it is valid, or `legacy` repairs it.

    False for a line beyond the limits of `read_requirement`.
    """
    try:
        read_requirement(line)
    except InvalidRequirement:
        return False
    return True


def parse_metadata(raw: bytes, source: str) -> Metadata:
    """Read the header of METADATA or PKG-INFO; `provisional` is set as for an sdist.

    Raises IntegrityError, naming `source`, if project or version is missing, or the version invalid, and RefusedError as
    `_header` does.
    """
    message = _header(raw)
    name, version = message.get("Name"), message.get("Version")
    if not name or not version:
        raise IntegrityError(f"the metadata of `{source}` lack the name or the version of the project")
    try:
        return Metadata(
            project=canonicalize_name(str(name).strip()),
            version=Version(str(version).strip()),
            requires_dist=tuple(_unfold(line) for line in message.get_all("Requires-Dist", ())),
            requires_python=str(message.get("Requires-Python", "")).strip() or None,
            extras=frozenset(canonicalize_name(extra.strip()) for extra in message.get_all("Provides-Extra", ())),
            source=source,
            provisional=_provisional(str(message.get("Metadata-Version", "1.0")), message.get_all("Dynamic", ())),
        )
    except ValueError as error:
        raise IntegrityError(f"the metadata of `{source}` have a version that cannot be read: {error}") from error


def _header(raw: bytes) -> Message:
    """The fields before the description, or before the first line that is no field; invalid UTF-8 is replaced.

    Raises RefusedError above the limits, or if one of SINGLE_FIELDS has two different values.
    """
    header = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    if len(header) > MAX_HEADER_BYTES:
        raise beyond(f"its metadata have a header of {len(header)} bytes, more than {MAX_HEADER_BYTES}")
    if header.count(b"\n") + header.count(b"\r") > MAX_HEADER_LINES:
        raise beyond(f"its metadata have a header of more than {MAX_HEADER_LINES} lines")
    message = HeaderParser().parsestr(header.decode("utf-8", "replace") + "\n\n")
    if len(message) > MAX_HEADER_FIELDS:
        raise beyond(f"its metadata have {len(message)} fields, more than {MAX_HEADER_FIELDS}")
    must_be_single(message, SINGLE_FIELDS)
    return message


def must_be_single(message: Message, fields: Iterable[str]) -> None:
    """Raise RefusedError if one of these fields has two different values: some readers take the first, others the last."""
    for name in fields:
        values = set(map(str.strip, map(str, message.get_all(name, ()))))
        if len(values) > 1:
            raise RefusedError(
                "metadata-duplicate",
                f"it has different values of {name}: {' and '.join(sorted(shortened(value) for value in values))}",
            )


def _unfold(line: str) -> str:
    """A text on one line, with one space for each run of whitespace."""
    return " ".join(line.split())


def _provisional(metadata_version: str, dynamic: Iterable[str]) -> str | None:
    """Why a build can change the dependencies, the extras or Requires-Python, as a clause; None if it cannot (PEP 643).

    Raises ValueError for a number with too many digits.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", metadata_version))
    if numbers < STATIC_SINCE:
        return f"Metadata-Version {metadata_version} allows a build to change these values"
    changing = {field_name.strip().lower() for field_name in dynamic} & {
        "requires-dist",
        "requires-python",
        "provides-extra",
    }
    return f"{', '.join(sorted(changing))} declared dynamic" if changing else None


def must_match(metadata: Metadata, filename: str) -> None:
    """Raise RefusedError if metadata are of no project and version that the file's name may state, or if it states none."""
    try:
        stated = (wheel_parts(filename)[:2],) if is_wheel(filename) else sdist_releases(filename)
    except ValueError as error:
        raise RefusedError("filename", f"its name cannot be read: {error}") from error
    if (metadata.project, metadata.version) not in stated:
        release = f"{metadata.project} {metadata.version}"
        raise RefusedError("metadata-mismatch", f"its metadata state a different release: {release}", stated=release)


def parse_requires_txt(text: str) -> tuple[tuple[str, ...], frozenset[NormalizedName]]:
    """Requires-Dist lines and extras from an egg-info's requires.txt; sections `[extra:marker]` become markers.

    Lines are not validated. Raises RefusedError for more than MAX_HEADER_FIELDS.
    """
    lines: list[str] = []
    extras: set[NormalizedName] = set()
    condition = ""
    for raw in text.splitlines():
        line = _unfold(raw)
        if not line or line.startswith("#"):
            continue
        if section := re.fullmatch(r"\[(?P<extra>[^:\]]*)(?::(?P<marker>.*))?\]", line):
            clauses = [f"({section['marker']})"] if section["marker"] else []
            if section["extra"]:
                extra = canonicalize_name(section["extra"])
                extras.add(extra)
                clauses.append(f'extra == "{extra}"')
            condition = " and ".join(clauses)
        elif len(lines) == MAX_HEADER_FIELDS:
            raise beyond(f"its requires.txt has more than {MAX_HEADER_FIELDS} requirements")
        else:
            lines.append(f"{line} ; {condition}" if condition else line)
    return tuple(lines), frozenset(extras)
