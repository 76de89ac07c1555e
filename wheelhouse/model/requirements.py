"""What is asked for, and what limits it: requirement and constraint lines (PEP 508, pip's requirements file format)."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.errors import InputError

COMMAND_LINE = "the command line"
COMMENT = re.compile(r"(^|\s+)#.*$")
HASH_OPTION = re.compile(r"\s--hash[= ]sha256:([0-9a-fA-F]{64})(?=\s|$)")
FILE_OPTION = re.compile(r"(?P<flag>-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-[rc]))(?P<name>\S.*)")
NESTING_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement or constraint and where it stands, as `file:line`. `hashes` are the sha256 that it allows."""

    requirement: Requirement
    origin: str = COMMAND_LINE
    hashes: frozenset[str] = frozenset()

    @property
    def project(self) -> NormalizedName:
        """The normalised name."""
        return canonicalize_name(self.requirement.name)


@dataclass(slots=True)
class Lines:
    """What a set of files asks for and limits."""

    requirements: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)


Reader = Callable[[str, str], str]
"""(name as written, the file that names it) → that file's text."""


def parse_line(text: str, origin: str = COMMAND_LINE) -> Line:
    """Read one requirement. Raises InputError naming where it stands."""
    bare = HASH_OPTION.sub("", text).strip()
    if bare.startswith("-"):
        raise InputError(
            f"{origin}: the option `{bare.split()[0]}` cannot stand here",
            hint="give options to wheelhouse itself; a file may hold requirements, -r, -c and --hash",
        )
    try:
        requirement = Requirement(bare)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{origin}: `{bare}` is not a requirement: {reason}", hint=_requirement_hint(bare)) from error
    return Line(requirement, origin, frozenset(digest.lower() for digest in HASH_OPTION.findall(text)))


def _requirement_hint(text: str) -> str:
    if re.search(r"[^=<>!~]=[^=]", text):
        return "write `==` for an exact version"
    return "write a name, with extras and versions where wanted: `name[extra]>=1.0,<2 ; marker`"


def parse_file(text: str, source: str, read: Reader, *, constraints: bool = False) -> Lines:
    """Read a requirements or constraints file, and those it names. Raises InputError naming file and line."""
    lines = Lines()
    _parse_into(lines, text, source, read, constraints=constraints, depth=0)
    return lines


def _parse_into(lines: Lines, text: str, source: str, read: Reader, *, constraints: bool, depth: int) -> None:
    if depth > NESTING_LIMIT:
        raise InputError(f"{source}: files name each other more than {NESTING_LIMIT} deep", hint="break the circle")
    for number, line in _logical_lines(text):
        if match := FILE_OPTION.fullmatch(line):
            nested_constraints = constraints or match["flag"] in ("-c", "--constraint")
            nested = read(match["name"], source)
            _parse_into(lines, nested, match["name"], read, constraints=nested_constraints, depth=depth + 1)
        elif constraints:
            lines.constraints.append(_constraint(line, f"{source}:{number}"))
        else:
            lines.requirements.append(parse_line(line, f"{source}:{number}"))


def _constraint(text: str, origin: str) -> Line:
    line = parse_line(text, origin)
    if line.requirement.extras:
        raise InputError(f"{origin}: a constraint cannot have extras", hint="put the extras into the requirement")
    return line


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, each with the number of its first line (from 1)."""
    pending, start = "", 0
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        start = start if pending else number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            pending += raw[:-1] + " "
            continue
        line = COMMENT.sub("", pending + raw).strip()
        pending = ""
        if line:
            yield start, line
    if line := COMMENT.sub("", pending).strip():
        yield start, line


def by_project(lines: Iterable[Line]) -> dict[NormalizedName, list[Line]]:
    """Lines grouped by the project that they speak of."""
    grouped: dict[NormalizedName, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line.project, []).append(line)
    return grouped
