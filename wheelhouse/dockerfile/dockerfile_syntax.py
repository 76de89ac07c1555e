"""Reads a Dockerfile into instructions with their lines (pure).

Source: the Dockerfile reference of BuildKit 1.7: parser directives, escape, here-documents, ONBUILD, variables.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError

DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)
CONTINUED = "\\\n"
"""What joins the lines of one instruction, so that a shell reads them as one line and lines can still be counted."""
FLAG = re.compile(r"(?:\\\n|\s)*--([a-z][a-z-]*)(?:=((?:\"[^\"]*\"|'[^']*'|\\(?!\n)|[^\s\"'\\])*))?(?=\s|\\\n|$)")
HEREDOC = re.compile(r"(?<![<\w])\d*<<(-?)(?:\"([^\"\s]+)\"|'([^'\s]+)'|([A-Za-z_][A-Za-z0-9_.]*))")
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?([-+])((?:[^{}]|\{[^{}]*\})*))?\})")
WORD = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"?|'[^']*'?|\\.?|[^\s\"'\\])+", re.DOTALL)
QUOTED = re.compile(r"\"((?:\\.|[^\"\\])*)\"?|'([^']*)'?|\\(.?)", re.DOTALL)
WITH_HEREDOCS = ("RUN", "COPY", "ADD")
KEYWORDS = frozenset(
    (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    )
)
MAX_VARIABLE_DEPTH = 5
MAX_VALUE_CHARACTERS = 1 << 15
"""By which the values of variables make one text longer: a value that names a variable several times grows with each line."""


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document: its word, its text, and the line of the file on which the text starts.

    `is_quoted` says that its word has quotes, so that a shell replaces nothing in the text.
    """

    word: str
    text: str
    line: int
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: the keyword in capitals, what follows its flags, and the line on which it starts.

    `flags` are in order, each a name without hyphens and a value. `is_trigger` says that it runs only in a build that
    starts from the result (ONBUILD).
    """

    keyword: str
    text: str
    line: int
    flags: tuple[tuple[str, str], ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    is_trigger: bool = False

    def values(self, flag: str) -> tuple[str, ...]:
        """The values of a flag, named without hyphens, in order; empty if the instruction lacks it."""
        return tuple(value for name, value in self.flags if name == flag)

    @property
    def words(self) -> tuple[str, ...] | None:
        """The words of the JSON form (`["a", "b"]`), as texts; None if the text is no JSON array, or nested too deep."""
        try:
            words = parse_json(self.text.replace(CONTINUED, " ")) if self.text.startswith("[") else None
        except ValueError:
            return None
        return tuple(map(str, words)) if isinstance(words, list) else None

    @property
    def assignments(self) -> tuple[tuple[str, str | None], ...]:
        """(name, value) of each word of an ARG or ENV, without quotes and backslashes; the value is None without `=`.

        In the old form of ENV, `NAME value`, all that follows the name is one value. Operators of a shell are ordinary.
        """
        words = WORD.findall(self.text)
        if self.keyword == "ENV" and words and "=" not in words[0]:
            words = ["=".join(self.text.split(maxsplit=1))]
        pairs = (word.partition("=") for word in map(_unquoted, words))
        return tuple((name, value if equals else None) for name, equals, value in pairs)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile: the frontend of its syntax line, with the line's number, and its instructions."""

    instructions: tuple[Instruction, ...]
    frontend: str | None = None
    frontend_line: int = 0
    directives: Mapping[str, str] = field(default_factory=dict)


def parse_dockerfile(text: str, what: str) -> Dockerfile:
    """Read the text of a Dockerfile. Raises InputError, naming `what`, if there is no FROM, or a here-document has no end.

    Nothing else is refused: an unknown instruction is one with this keyword.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").removesuffix("\n").split("\n")]
    directives, start = _directives(lines)
    escape = directives.get("escape", "\\")
    instructions = tuple(_instructions(lines, start, escape, what))
    if not any(instruction.keyword == "FROM" for instruction in instructions):
        raise InputError(f"{what} has no FROM, so it is not a Dockerfile", hint="name a Dockerfile")
    frontend_line = next((number for number, line in enumerate(lines, 1) if _is_directive(line, "syntax")), 0)
    frontend = directives.get("syntax")
    return Dockerfile(instructions, frontend, frontend_line if frontend else 0, directives)


def _is_directive(line: str, name: str) -> bool:
    """Whether a line is the parser directive of this name, such as `# syntax=…`."""
    match = DIRECTIVE.fullmatch(line.strip())
    return match is not None and match[1].lower() == name


def _directives(lines: list[str]) -> tuple[dict[str, str], int]:
    """The parser directives at the top, by their names in lower case, and the number of lines that they take.

    A `#!` line before them is counted, too; a repeated directive ends them.
    """
    directives: dict[str, str] = {}
    for number, line in enumerate(lines):
        if number == 0 and line.startswith("#!"):
            continue
        match = DIRECTIVE.fullmatch(line.strip())
        if match is None or match[1].lower() in directives:
            return directives, number
        directives[match[1].lower()] = match[2]
    return directives, len(lines)


def _instructions(lines: list[str], start: int, escape: str, what: str) -> Iterator[Instruction]:
    """Each instruction from line `start` (counted from 0), with its continuation lines, and here-documents of WITH_HEREDOCS.

    Raises InputError for a here-document without an end.
    """
    position = start
    while position < len(lines):
        if not lines[position].strip() or lines[position].lstrip().startswith("#"):
            position += 1
            continue
        first = position
        text, position = _continued(lines, position, escape)
        if not text.replace(CONTINUED, "").strip():
            continue
        heredocs: list[Heredoc] = []
        if _keyword(text) in WITH_HEREDOCS:
            for match in HEREDOC.finditer(text):
                heredoc, position = _heredoc(lines, position, match, what)
                heredocs.append(heredoc)
        yield _instruction(text, first + 1, tuple(heredocs))


def _continued(lines: list[str], position: int, escape: str) -> tuple[str, int]:
    """A logical line, its lines joined by CONTINUED, and the position after it.

    Comments and empty lines inside it become empty lines, and do not end it. A line that ends in two escapes ends it.
    """
    parts: list[str] = []
    while position < len(lines):
        line = lines[position]
        position += 1
        if parts and (line.lstrip().startswith("#") or not line.strip()):
            parts.append("")
            continue
        bare = line.rstrip(" \t")
        if not bare.endswith(escape) or bare.endswith(2 * escape):
            parts.append(line)
            break
        parts.append(bare[: -len(escape)])
    return CONTINUED.join(parts), position


def _keyword(text: str) -> str:
    """The keyword of a logical line in capitals, of an ONBUILD that of its trigger; empty if there is none."""
    match = INSTRUCTION.match(text)
    keyword = match[1].upper() if match else ""
    return _keyword(match[2] or "") if match and keyword == "ONBUILD" else keyword


def _heredoc(lines: list[str], position: int, match: re.Match[str], what: str) -> tuple[Heredoc, int]:
    """The here-document of a match of HEREDOC, whose text starts at a position, and the position after its end.

    After `<<-`, tabs may stand before the end word; the text keeps its tabs. Raises InputError without an end.
    """
    word = match[2] or match[3] or match[4]
    for end in range(position, len(lines)):
        line = lines[end].lstrip("\t") if match[1] else lines[end]
        if line == word:
            return Heredoc(word, "\n".join(lines[position:end]), position + 1, is_quoted=not match[4]), end + 1
    raise InputError(f"{what}:{position}: the here-document `{word}` has no end", hint=f"end it with a line `{word}`")


def _instruction(text: str, line: int, heredocs: tuple[Heredoc, ...], *, is_trigger: bool = False) -> Instruction:
    """A logical line as an instruction: its flags are taken off the text; an ONBUILD becomes its trigger.

    Its lines become one, but not those of a RUN. Without a keyword the first word is taken for one.
    """
    match = INSTRUCTION.fullmatch(text)
    if match is None:
        return Instruction(text.split(maxsplit=1)[0].upper(), text, line, (), heredocs, is_trigger)
    keyword, rest = match[1].upper(), match[2] or ""
    if keyword == "ONBUILD" and rest.strip():
        return _instruction(rest, line, heredocs, is_trigger=True)
    flags: list[tuple[str, str]] = []
    while flag := FLAG.match(rest):
        flags.append((flag[1], (flag[2] or "").strip("\"'")))
        rest = rest[flag.end() :]
    rest = rest.removeprefix(CONTINUED) if keyword == "RUN" else rest.replace(CONTINUED, " ")
    return Instruction(keyword, rest.strip(" \t"), line, tuple(flags), heredocs, is_trigger)


def _unquoted(word: str) -> str:
    """A word without its quotes and backslashes; what a backslash or single quotes keep stays. In double quotes,
    a backslash before any character goes, not only before those for which a shell drops it.
    """
    return QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match[1] or "") or match[2] or match[3] or "", word)


def substituted(text: str, values: Mapping[str, str]) -> str:
    """Text with its variables replaced, and those in their values: `$X`, `${X}`, `${X:-word}` and `${X:+word}`.

    The `:` can be missing: an empty value counts as none with or without it. An unknown `$X` or `${X}` stays as it is, and
    so does what stands in values more than MAX_VARIABLE_DEPTH deep, or is one too many for MAX_VALUE_CHARACTERS. A backslash
    before `$` is not looked at.
    """
    added = 0

    def value(match: re.Match[str]) -> str:
        """What replaces a variable; its characters are counted."""
        nonlocal added
        new = _value(match, values)
        added += max(len(new) - len(match[0]), 0)
        return new if added <= MAX_VALUE_CHARACTERS else match[0]

    for _ in range(MAX_VARIABLE_DEPTH):
        before, text = text, VARIABLE.sub(value, text)
        if text == before or added > MAX_VALUE_CHARACTERS:
            break
    return text


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    """What replaces a match of VARIABLE; the match itself for an unknown variable without a word."""
    name, operator, word = match[1] or match[2], match[3], match[4] or ""
    value = values.get(name, "")
    if operator == "-":
        return value or word
    if operator == "+":
        return word if value else ""
    return value if name in values else match[0]
