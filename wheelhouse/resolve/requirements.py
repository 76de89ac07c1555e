"""Requirements and constraints: single lines (PEP 508, PEP 440), and pip's requirements file format (pure)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.archive.limits import MAX_REQUIREMENT_LENGTH
from wheelhouse.documents import too_deep_as
from wheelhouse.errors import InputError
from wheelhouse.resolve.direct import STRONG_HASHES, DirectSource, looks_direct, source_of
from wheelhouse.resolve.file_options import Option, read_options

COMMAND_LINE = "the command line"
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
VARIABLE_PATH = re.compile(r"(?P<scheme>https?://)(?P<host>[^/\s?#]*)(?P<path>/[^\s?#]*\$\{[A-Z0-9_]+\}[^/\s?#]*)")
"""An address up to the last part of its path that holds a variable."""
NO_VARIABLES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One requirement or constraint; `origin` is its `file:line`.

    `hashes` are those of its `--hash` options, as `sha256:…`. `source` is the file that it names by path or address;
    `requirement` then pins that file's version.
    """

    requirement: Requirement
    origin: str = COMMAND_LINE
    hashes: frozenset[str] = frozenset()
    source: DirectSource | None = None

    @property
    def project(self) -> NormalizedName:
        """The normalised name of the project."""
        return canonicalize_name(self.requirement.name)

    @property
    def allowed_hashes(self) -> list[frozenset[str]]:
        """Sets of hashes (`sha256:…`): of `--hash` options, and of the address. The file must have one of each set; empty if none
        are given.
        """
        return [hashes for hashes in (self.hashes, self.source.hashes if self.source else None) if hashes]

    @property
    def text(self) -> str:
        """The line as a lock file records it: PEP 508, without `--hash` options and credentials; a local file as its path."""
        if self.source is None:
            return str(self.requirement)
        extras = f"[{','.join(sorted(self.requirement.extras))}]" if self.requirement.extras else ""
        marker = f" ; {self.requirement.marker}" if self.requirement.marker else ""
        return f"{self.requirement.name}{extras} @ {self.source.shown}{marker}"


@dataclass(slots=True)
class RequirementLines:
    """The requirements, constraints and options of some files, in order, and the lines that could not be read."""

    requirements: list[RequirementLine] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    problems: list[InputError] = field(default_factory=list)


Conceal = Callable[[str, str], None]
"""Called with the start of an address, expanded and with its variables: the value of a variable may be a secret."""
Reader = Callable[[str, str], tuple[str, str]]
"""(a file's name as written, the file that names it) → (its full name, its text)."""


def parse_line(text: str, origin: str = COMMAND_LINE) -> RequirementLine:
    """Read one requirement, which may name a file, with the `--hash` options that follow it. Raises InputError with `origin`."""
    bare, options = read_options(text, origin)
    misplaced = [option.name for option in options if option.name != "--hash"]
    if misplaced:
        hint = "write it on a line of its own; only --hash can follow a requirement"
        raise InputError(f"{origin}: the option `{misplaced[0]}` cannot follow a requirement", hint=hint)
    if len(bare) > MAX_REQUIREMENT_LENGTH:
        raise InputError(
            f"{origin}: the requirement has more than {MAX_REQUIREMENT_LENGTH} characters", hint="shorten it"
        )
    hashes = frozenset(_hash(option) for option in options)
    if looks_direct(bare):
        return _direct_line(bare, origin, hashes)
    try:
        with too_deep_as(InvalidRequirement):
            requirement = Requirement(bare.removesuffix(";"))  # pip accepts an empty marker
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{origin}: `{bare}` is not a requirement: {reason}", hint=_requirement_hint(bare)) from error
    return RequirementLine(requirement, origin, hashes)


def _direct_line(text: str, origin: str, hashes: frozenset[str]) -> RequirementLine:
    """A line that names a file, as a requirement of exactly that file's version. Raises InputError with `origin`."""
    source, extras, marker = source_of(text, origin)
    pinned = f"{source.project}{extras}=={source.version}" + (f" ; {marker}" if marker else "")
    try:
        with too_deep_as(InvalidRequirement):
            requirement = Requirement(pinned)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{origin}: `{text}` is not a requirement: {reason}") from error
    return RequirementLine(requirement, origin, hashes, source)


def _hash(option: Option) -> str:
    """The value of a `--hash`, such as `sha256:…`, its digits in lower case. Raises InputError for a weak or malformed one."""
    algorithm, _, digest = option.value.partition(":")
    if STRONG_HASHES.get(algorithm) != len(digest) or not re.fullmatch(r"[0-9a-fA-F]+", digest):
        hint = f"write --hash=sha256:…, with all hexadecimal digits of the hash; algorithms: {', '.join(STRONG_HASHES)}"
        raise InputError(f"{option.origin}: `{option.value}` is not a hash that pip accepts", hint=hint)
    return f"{algorithm}:{digest.lower()}"


def _requirement_hint(text: str) -> str:
    """The hint about what to write instead of an invalid requirement."""
    if text.startswith("-"):
        return "give options to wheelhouse itself, or write each option on a line of its own in a file"
    if re.search(r"[^=<>!~]=[^=]", text):
        return "write `==` for an exact version"
    if variable := VARIABLE.search(text):
        return f"set the environment variable {variable[1]}, which `{variable[0]}` refers to"
    return "write a name, with optional extras, versions and marker: `name[extra]>=1.0,<2 ; marker`"


def _conceal_nothing(_beginning: str, _written: str) -> None:
    """The `Conceal` for texts without variables."""


def parse_file(
    text: str,
    source: str,
    read: Reader,
    *,
    constraints: bool = False,
    environment: Mapping[str, str] = NO_VARIABLES,
    conceal: Conceal = _conceal_nothing,
) -> RequirementLines:
    """Read a requirements or constraints file, and the files it names. Raises InputError naming every bad file and line.

    `${NAME}` is replaced if `environment` has a value for it that is not empty. If that happens in the path of an address,
    `conceal` is called with the start of the address before the address is used.
    """
    reading = _Reading(read, environment, conceal)
    reading.file(text, source, constraints=constraints, above=())
    raise_all(reading.lines.problems)
    return reading.lines


def constraint_lines(text: str, source: str) -> tuple[RequirementLine, ...]:
    """The constraints of a file's text, in their order; options are left out, variables not replaced. Raises InputError,
    also for an unsupported option, and if it names another file.
    """

    def nested(name: str, named_by: str) -> tuple[str, str]:
        """Raises InputError: called if the file names another one."""
        raise InputError(
            f"{named_by} includes `{name}`, but this constraints file cannot include other files",
            hint=f"copy the lines of `{name}` into {named_by}",
        )

    return tuple(parse_file(text, source, nested, constraints=True).constraints)


def raise_all(problems: list[InputError]) -> None:
    """Raise the one problem, or one error that lists all of them; nothing if there are none."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        details = tuple(f"{problem}{f' ({problem.hint})' if problem.hint else ''}" for problem in problems)
        raise InputError(
            f"{len(problems)} lines cannot be used", details=details, hint="correct the lines that are listed above"
        )


@dataclass(slots=True)
class _Reading:
    """Reads one file and the files that it names."""

    read: Reader
    environment: Mapping[str, str]
    conceal: Conceal
    lines: RequirementLines = field(default_factory=RequirementLines)

    def file(self, text: str, source: str, *, constraints: bool, above: tuple[str, ...]) -> None:
        """Add a file's lines to `lines`, and each error in a line to its problems; `above` are the files that led to it.

        Raises InputError if one of them is this file.
        """
        if source in above:
            chain = " → ".join([*above, source])
            raise InputError(f"`{source}` includes itself: {chain}", hint="remove one of these `-r` or `-c` lines")
        for number, line in logical_lines(text):
            try:
                self._line(line, f"{source}:{number}", (*above, source), constraints=constraints)
            except InputError as problem:
                self.lines.problems.append(problem)

    def _line(self, written: str, origin: str, above: tuple[str, ...], *, constraints: bool) -> None:
        """Add what one line says to `lines`, also the files that it names. First call `conceal` for each address with
        variables.

        Raises InputError, in whose text variables are unexpanded, unless it is about a file that the line names.
        """
        variables = {name: value for name in VARIABLE.findall(written) if (value := self.environment.get(name))}
        line = _expanded(written, variables)
        hidden = dict(_addresses(written, variables))
        for beginning, shown in hidden.items():
            self.conceal(beginning, shown)
        try:
            if not line.startswith("-"):
                self._add(_as_written(parse_line(line, origin), hidden), constraints=constraints)
                return
            _, options = read_options(line, origin)
        except InputError as problem:
            raise _unexpanded(problem, variables) from None
        for option in options:
            self._option(option, above, constraints=constraints)

    def _add(self, line: RequirementLine, *, constraints: bool) -> None:
        """Add a requirement, or a constraint. Raises InputError for a constraint with extras, or one that names a file."""
        if not constraints:
            self.lines.requirements.append(line)
            return
        if line.requirement.extras:
            raise InputError(
                f"{line.origin}: a constraint cannot have extras", hint="put the extras into the requirement"
            )
        if line.source:
            hint = "write a requirement instead, or use --override"
            raise InputError(f"{line.origin}: a constraint cannot refer to a file", hint=hint)
        self.lines.constraints.append(line)

    def _option(self, option: Option, above: tuple[str, ...], *, constraints: bool) -> None:
        """Add an option to `lines`, or read the file that it names. Raises InputError for `-r` in a constraints file,
        if a file includes itself, and what `read` raises.
        """
        if option.name not in ("--requirement", "--constraint"):
            self.lines.options.append(option)
            return
        if constraints and option.name == "--requirement":
            raise InputError(f"{option.origin}: `-r` is not allowed in a constraints file", hint="write `-c`")
        name, text = self.read(option.value, above[-1])
        self.file(text, name, constraints=constraints or option.name == "--constraint", above=above)


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """A text with the variables that have a value replaced; others stay as they are."""
    return VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)


def _addresses(written: str, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The start of each address with a variable in its path, without user and password: expanded, and its path as written.

    A variable counts only if it has a value. The file name stays out of the start, because a reader of the lock file must
    know the file.
    """
    for match in VARIABLE_PATH.finditer(written):
        host = _expanded(match["host"], variables).rpartition("@")[2]
        path = match["path"]
        if path.endswith(ARCHIVE_SUFFIXES):
            path = f"{path.rpartition('/')[0]}/"
        if (expanded := _expanded(path, variables)) != path:
            yield f"{match['scheme']}{host}{expanded}", f"{match['scheme']}{host}{path}"


def _as_written(line: RequirementLine, hidden: Mapping[str, str]) -> RequirementLine:
    """A line with the variables in the path of its address unexpanded in `source.written`; the same line if it has none."""
    if line.source is None or not hidden:
        return line
    shown = line.source.without_credentials
    for beginning, written in hidden.items():
        if shown.startswith(beginning):
            return replace(line, source=replace(line.source, written=written + shown[len(beginning) :]))
    return line


def _unexpanded(problem: InputError, variables: Mapping[str, str]) -> InputError:
    """A new error with the values of variables replaced by their names, because they may be secret; without details."""
    return InputError(_concealed(str(problem), variables), hint=_concealed(problem.hint or "", variables) or None)


def _concealed(text: str, variables: Mapping[str, str]) -> str:
    """A text without any value of a variable, also where values overlap: a name stands for the longest value that begins there."""
    longest_first = sorted(variables.items(), key=lambda variable: len(variable[1]), reverse=True)
    parts: list[str] = []
    end = 0
    for at in range(len(text)):
        name, value = next((one for one in longest_first if text.startswith(one[1], at)), ("", ""))
        if at + len(value) > end:
            parts.append(f"${{{name}}}")
            end = at + len(value)
        elif at >= end:
            parts.append(text[at])
            end = at + 1
    return "".join(parts)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, stripped, continued lines joined, empty ones left out, each with the number of its first line (from
    1), as in pip.
    """
    pending: list[str] = []
    start = 0
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        start = start if pending else number
        comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not comment:
            pending.append(raw.strip("\\"))
            continue
        joined = "".join([*pending, f" {raw}" if comment else raw])
        pending = []
        if line := _without_comment(joined).strip():
            yield start, line
    if line := _without_comment("".join(pending)).strip():
        yield start, line


def _without_comment(line: str) -> str:
    """A line up to the first `#` that begins it or follows a blank. In linear time, other than pip's pattern for it."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


def by_project(lines: Iterable[RequirementLine]) -> dict[NormalizedName, list[RequirementLine]]:
    """Lines grouped by project, each group in the order of the lines."""
    grouped: dict[NormalizedName, list[RequirementLine]] = {}
    for line in lines:
        grouped.setdefault(line.project, []).append(line)
    return grouped
