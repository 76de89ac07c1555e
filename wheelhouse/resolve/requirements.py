"""What is asked for, and what limits it: requirement lines, and pip's requirements file format (PEP 508, PEP 440) (pure)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.documents import too_deep_as
from wheelhouse.errors import InputError
from wheelhouse.resolve.direct import STRONG_HASHES, DirectSource, looks_direct, source_of
from wheelhouse.resolve.file_options import Option, read_options

COMMAND_LINE = "the command line"
COMMENT = re.compile(r"(^|\s+)#.*$")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
VARIABLE_PATH = re.compile(r"(?P<scheme>https?://)(?P<host>[^/\s?#]*)(?P<path>/[^\s?#]*\$\{[A-Z0-9_]+\}[^/\s?#]*)")
"""An address up to the last part of its path that holds a variable."""
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One requirement or constraint and where it stands, as `file:line`.

    `hashes` are those that `--hash` allows, each as `sha256:…`. `source` is the file that it names by path or address; its
    requirement then names that file's version.
    """

    requirement: Requirement
    origin: str = COMMAND_LINE
    hashes: frozenset[str] = frozenset()
    source: DirectSource | None = None

    @property
    def project(self) -> NormalizedName:
        """The normalised name."""
        return canonicalize_name(self.requirement.name)

    @property
    def allowed_hashes(self) -> list[frozenset[str]]:
        """Sets of hashes, of each of which the file must have one."""
        return [hashes for hashes in (self.hashes, self.source.hashes if self.source else None) if hashes]

    @property
    def text(self) -> str:
        """The line as a lock records it: PEP 508, with no credential in an address."""
        if self.source is None:
            return str(self.requirement)
        extras = f"[{','.join(sorted(self.requirement.extras))}]" if self.requirement.extras else ""
        marker = f" ; {self.requirement.marker}" if self.requirement.marker else ""
        return f"{self.requirement.name}{extras} @ {self.source.shown}{marker}"


@dataclass(slots=True)
class RequirementLines:
    """What a set of files asks for and limits, and the options that stand in them, in their order."""

    requirements: list[RequirementLine] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    problems: list[InputError] = field(default_factory=list)


Conceal = Callable[[str, str], None]
"""(how an address begins, how it was written there, with its variables): what a variable held may be a secret."""
Reader = Callable[[str, str], tuple[str, str]]
"""(name as written, the file that names it) → (that file's own name, its text)."""


def parse_line(text: str, origin: str = COMMAND_LINE) -> RequirementLine:
    """Read one requirement. Raises InputError naming where it stands."""
    bare, options = read_options(text, origin)
    misplaced = [option.name for option in options if option.name != "--hash"]
    if misplaced:
        hint = "options stand on a line of their own; only --hash goes with a requirement"
        raise InputError(f"{origin}: the option `{misplaced[0]}` cannot stand behind a requirement", hint=hint)
    hashes = frozenset(_hash(option) for option in options)
    if looks_direct(bare):
        return _direct_line(bare, origin, hashes)
    try:
        with too_deep_as(InvalidRequirement):
            requirement = Requirement(bare.removesuffix(";"))  # pip takes a marker that is empty
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{origin}: `{bare}` is not a requirement: {reason}", hint=_requirement_hint(bare)) from error
    return RequirementLine(requirement, origin, hashes)


def _direct_line(text: str, origin: str, hashes: frozenset[str]) -> RequirementLine:
    source, extras, marker = source_of(text, origin)
    found = f"{source.project}{extras}=={source.version}" + (f" ; {marker}" if marker else "")
    try:
        requirement = Requirement(found)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{origin}: `{text}` is not a requirement: {reason}") from error
    return RequirementLine(requirement, origin, hashes, source)


def _hash(option: Option) -> str:
    algorithm, _, digest = option.value.partition(":")
    if STRONG_HASHES.get(algorithm) != len(digest) or not re.fullmatch(r"[0-9a-fA-F]+", digest):
        hint = f"write --hash=sha256:…, with as many digits as the algorithm has ({', '.join(STRONG_HASHES)})"
        raise InputError(f"{option.origin}: `{option.value}` is no hash that can be relied on", hint=hint)
    return f"{algorithm}:{digest.lower()}"


def _requirement_hint(text: str) -> str:
    if text.startswith("-"):
        return "give options to wheelhouse itself, or in a file on a line of their own"
    if re.search(r"[^=<>!~]=[^=]", text):
        return "write `==` for an exact version"
    if variable := VARIABLE.search(text):
        return f"set the environment variable {variable[1]}: `{variable[0]}` stands for its value"
    return "write a name, with extras and versions where wanted: `name[extra]>=1.0,<2 ; marker`"


def _conceal_nothing(_beginning: str, _written: str) -> None:
    """For texts without variables."""


def parse_file(
    text: str,
    source: str,
    read: Reader,
    *,
    constraints: bool = False,
    environment: Mapping[str, str] = NOTHING,
    conceal: Conceal = _conceal_nothing,
) -> RequirementLines:
    """Read a requirements or constraints file, and those it names. Raises InputError naming every bad file and line.

    `${NAME}` is replaced where `environment` has a value for it, and stays as it is where not. `conceal` is told how an
    address begins in whose path a variable was replaced, before that address is used.
    """
    reading = _Reading(read, environment, conceal)
    reading.file(text, source, constraints=constraints, above=())
    raise_all(reading.lines.problems)
    return reading.lines


def constraint_lines(text: str, source: str) -> tuple[RequirementLine, ...]:
    """A constraints file that names no other. Raises InputError."""

    def nested(name: str, named_by: str) -> tuple[str, str]:
        raise InputError(
            f"{named_by} names `{name}`, which cannot be followed here", hint="write its lines into the file itself"
        )

    return tuple(parse_file(text, source, nested, constraints=True).constraints)


def raise_all(problems: list[InputError]) -> None:
    """Raise one error for all of them, where there are any."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        details = tuple(f"{problem}{f' ({problem.hint})' if problem.hint else ''}" for problem in problems)
        raise InputError(f"{len(problems)} lines cannot be used", details=details, hint="mend the lines named above")


@dataclass(slots=True)
class _Reading:
    """Reading of one file and all that it names."""

    read: Reader
    environment: Mapping[str, str]
    conceal: Conceal
    lines: RequirementLines = field(default_factory=RequirementLines)

    def file(self, text: str, source: str, *, constraints: bool, above: tuple[str, ...]) -> None:
        if source in above:
            circle = " → ".join([*above, source])
            raise InputError(f"`{source}` names itself: {circle}", hint="break the circle")
        for number, line in logical_lines(text):
            try:
                self._line(line, f"{source}:{number}", (*above, source), constraints=constraints)
            except InputError as problem:
                self.lines.problems.append(problem)

    def _line(self, written: str, origin: str, above: tuple[str, ...], *, constraints: bool) -> None:
        variables = {name: value for name in VARIABLE.findall(written) if (value := self.environment.get(name))}
        line = _expanded(written, variables)
        hidden = dict(_addresses(written, variables))
        for beginning, shown in hidden.items():
            self.conceal(beginning, shown)
        try:
            if not line.startswith("-"):
                self._asked(_as_written(parse_line(line, origin), hidden), constraints=constraints)
                return
            _, options = read_options(line, origin)
        except InputError as problem:
            raise _unexpanded(problem, variables) from None
        for option in options:
            self._option(option, above, constraints=constraints)

    def _asked(self, line: RequirementLine, *, constraints: bool) -> None:
        if not constraints:
            self.lines.requirements.append(line)
            return
        if line.requirement.extras:
            raise InputError(
                f"{line.origin}: a constraint cannot have extras", hint="put the extras into the requirement"
            )
        if line.source:
            hint = "make it a requirement, or say it with --override"
            raise InputError(f"{line.origin}: a constraint cannot name a file", hint=hint)
        self.lines.constraints.append(line)

    def _option(self, option: Option, above: tuple[str, ...], *, constraints: bool) -> None:
        if option.name not in ("--requirement", "--constraint"):
            self.lines.options.append(option)
            return
        if constraints and option.name == "--requirement":
            raise InputError(f"{option.origin}: `-r` cannot stand among constraints", hint="write `-c`")
        name, text = self.read(option.value, above[-1])
        self.file(text, name, constraints=constraints or option.name == "--constraint", above=above)


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)


def _addresses(written: str, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """How each address with a variable in its path begins, user and password left out: expanded, and as it is written.

    A part of the path that names a wheel or sdist stays out of it: whoever reads the lock must know the file.
    """
    for match in VARIABLE_PATH.finditer(written):
        host = _expanded(match["host"], variables).rpartition("@")[2]
        path = match["path"]
        if path.endswith(ARCHIVE_SUFFIXES):
            path = f"{path.rpartition('/')[0]}/"
        if (expanded := _expanded(path, variables)) != path:
            yield f"{match['scheme']}{host}{expanded}", f"{match['scheme']}{host}{path}"


def _as_written(line: RequirementLine, hidden: Mapping[str, str]) -> RequirementLine:
    """A line whose file is shown with the variables of its address."""
    if line.source is None or not hidden:
        return line
    shown = line.source.without_credentials
    for beginning, written in hidden.items():
        if shown.startswith(beginning):
            return replace(line, source=replace(line.source, written=written + shown[len(beginning) :]))
    return line


def _unexpanded(problem: InputError, variables: Mapping[str, str]) -> InputError:
    """The problem in the words of the file: what a variable held is nobody's business."""
    sentence, hint = str(problem), problem.hint
    for name, value in variables.items():
        sentence = sentence.replace(value, f"${{{name}}}")
        hint = hint.replace(value, f"${{{name}}}") if hint else hint
    return InputError(sentence, hint=hint)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, each with the number of its first line (from 1), as pip has them."""
    pending: list[str] = []
    start = 0
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        start = start if pending else number
        comment = COMMENT.match(raw)
        if raw.endswith("\\") and not comment:
            pending.append(raw.strip("\\"))
            continue
        joined = "".join([*pending, f" {raw}" if comment else raw])
        pending = []
        if line := COMMENT.sub("", joined).strip():
            yield start, line
    if line := COMMENT.sub("", "".join(pending)).strip():
        yield start, line


def by_project(lines: Iterable[RequirementLine]) -> dict[NormalizedName, list[RequirementLine]]:
    """Lines grouped by the project that they speak of."""
    grouped: dict[NormalizedName, list[RequirementLine]] = {}
    for line in lines:
        grouped.setdefault(line.project, []).append(line)
    return grouped
