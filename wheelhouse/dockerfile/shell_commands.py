"""Splits shell scripts into simple commands, as far as that is possible without running them (pure).

Source: POSIX.1-2024, "Shell Command Language": quoting, operators, reserved words, redirection.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

RESERVED = frozenset(
    (
        *("if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "select"),
        *("function", "{", "}", "!", "[[", "]]", "time"),
    )
)
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=.*", re.DOTALL)
FUNCTION = re.compile(
    r"^[ \t]*(?:function[ \t]+)?([A-Za-z_][\w:.-]*)[ \t]*\(\)|^[ \t]*function[ \t]+([A-Za-z_][\w:.-]*)", re.MULTILINE
)
HEREDOC = re.compile(r"<<(-?)\s*(?:\"([^\"\n]+)\"|'([^'\n]+)'|\\?([A-Za-z_][\w.]*))")
SUBSTITUTION = re.compile(r"\\.|\$\((?!\()|`", re.DOTALL)
"""Where `$(…)` or backquotes begin in a here-document, or a backslash takes the meaning of the next character."""
MAX_DEPTH = 8
ARGUMENTS = ("$@", "$*")
RUNS_ARGUMENTS = re.compile(
    r"(?:^|[;&|({!]|\b(?:if|elif|until|while|then|else|do|exec|command|sudo|time))[ \t]*\"?\$[@*]\"?(?=[\s;&|)]|$)",
    re.MULTILINE,
)
"""`"$@"` where a command stands."""


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A simple command: its words without assignments and redirections, and the line on which it starts.

    `heredocs` are the end words of the here-documents that it reads, itself or through a pipe.
    """

    words: tuple[str, ...]
    line: int
    heredocs: tuple[str, ...] = ()


@dataclass(slots=True)
class _Splitter:
    """Reads one script from left to right."""

    text: str
    line: int
    depth: int
    place: int = 0
    words: list[str] = field(default_factory=list)
    word: str | None = None
    start: int = 0
    inner: list[tuple[str, int]] = field(default_factory=list)
    ends: list[re.Match[str]] = field(default_factory=list)
    heredocs: tuple[str, ...] = ()
    cases: int = 0
    in_pattern: bool = False
    """Whether a pattern of `case` stands here, which ends with a bracket and is no command."""

    def commands(self) -> Iterator[ShellCommand]:
        """Each simple command, followed by those in its `$(…)` and backquotes; a body of a function counts like other text.

        Substitutions that are nested more than MAX_DEPTH deep are not read.
        """
        while self.place < len(self.text):
            character = self.text[self.place]
            if self._is_literal(character):
                self._take(self.place, self.place + 1, 0)
            elif character == "(" and self.word is not None and self.word.endswith("="):
                self._with_substitutions(self._closing(self.place, "(", ")") + 1)
            elif character == "\n":
                yield from self._finished()
                self.place += 1
                self.line += 1
                yield from self._heredocs()
            elif character in ";&|()":
                read = self.heredocs
                yield from self._finished()
                if character == "|" and "||" not in self.text[max(self.place - 1, 0) : self.place + 2]:
                    self.heredocs = read
                ends_branch = self.text.startswith(";;", self.place) and self.cases > 0
                self.in_pattern = ends_branch or (self.in_pattern and character != ")")
                self.place += 2 if ends_branch else 1
            elif character == "#" and self.word is None:
                self._skip_to_line_end()
            elif character in "<>":
                self._redirection()
            elif character.isspace():
                self._end_word()
                self.place += 1
            else:
                self._part()
        yield from self._finished()

    def _is_literal(self, character: str) -> bool:
        """Whether the character at this place looks like an operator, and is none, because it is in `[[ … ]]`."""
        in_test = "[[" in self.words and "]]" not in self.words
        return in_test and character in "&|()<>\n" and self.text.find("]]", self.place) >= 0

    def _finished(self) -> Iterator[ShellCommand]:
        """End the current command: it, without reserved words and assignments before it, then the commands in its substitutions.

        A pattern of `case`, and what follows `for`, `case`, `select`, `function` or `[[`, is no command. What follows
        the `do` of `for f do` is one.
        """
        self._end_word()
        words, self.words = self.words, []
        inner, self.inner = self.inner, []
        heredocs, self.heredocs = self.heredocs, ()
        if self.in_pattern and words[:1] != ["esac"]:
            words = []
        while words and (words[0] in RESERVED or ASSIGNMENT.fullmatch(words[0])):
            if words[0] in ("case", "esac"):
                self.in_pattern = words[0] == "case"
                self.cases += 1 if self.in_pattern else -1
            if words[0] in ("for", "select") and words[2:3] == ["do"]:
                words = words[3:]
            else:
                words = [] if words[0] in ("for", "case", "select", "function", "[[") else words[1:]
        if words:
            yield ShellCommand(tuple(words), self.start, heredocs)
        if self.depth < MAX_DEPTH:
            for text, line in inner:
                yield from _Splitter(text, line, self.depth + 1).commands()

    def _end_word(self) -> None:
        """Add the current word, if there is one, to the words of the command."""
        if self.word is not None:
            self.words.append(self.word)
            self.word = None

    def _add(self, text: str) -> None:
        """Add text to the current word, or begin one; note the line on which a command begins."""
        if self.word is None and not self.words:
            self.start = self.line
        self.word = (self.word or "") + text

    def _skip_to_line_end(self) -> None:
        """Go to the end of the line; it is not passed."""
        end = self.text.find("\n", self.place)
        self.place = len(self.text) if end < 0 else end

    def _redirection(self) -> None:
        """Leave out an operator and the word after it; note a here-document, whose text follows the line.

        A number before the operator is left out too. Of `<(…)` and `>(…)` only the operator is: what is inside is a command.
        The scripts in the word are inner scripts.
        """
        if self.word is not None and self.word.isdigit():
            self.word = None
        self._end_word()
        heredoc = HEREDOC.match(self.text, self.place)
        if heredoc and not self.text.startswith("<<<", self.place):
            self.ends.append(heredoc)
            self.heredocs += (heredoc[2] or heredoc[3] or heredoc[4],)
            self.place = heredoc.end()
            return
        match = re.compile(r"[<>]+[&|]?(?:[ \t]|\\\n)*(?:\d+(?=\s|$)|-)?").match(self.text, self.place)
        if self.text.startswith(("<(", ">("), self.place):
            self.place += 1
            return
        self._take(self.place, match.end() if match else self.place + 1, 0)
        while (
            self.place < len(self.text)
            and not self.text[self.place].isspace()
            and self.text[self.place] not in ";&|()<>"
        ):
            self._part()
        self.word = None

    def _heredocs(self) -> Iterator[ShellCommand]:
        """Leave out the texts of here-documents that the line before began, but for the commands in them that a shell runs."""
        for heredoc in self.ends:
            start, first = self.place, self.line
            while self.place < len(self.text):
                end = self.text.find("\n", self.place)
                end = len(self.text) if end < 0 else end
                line = self.text[self.place : end]
                self.place, self.line = min(end + 1, len(self.text)), self.line + 1
                if (line.lstrip("\t") if heredoc[1] else line) == (heredoc[2] or heredoc[3] or heredoc[4]):
                    break
            if heredoc[4] and "\\" not in heredoc[0]:
                yield from _Splitter(self.text[start : self.place], first, self.depth).substitutions()
        self.ends = []

    def substitutions(self) -> Iterator[ShellCommand]:
        """The commands in `$(…)` and backquotes of the text of a here-document, in which quotes are characters like others."""
        while match := SUBSTITUTION.search(self.text, self.place):
            self._take(self.place, match.start(), 0)
            if match[0] == "`":
                self._backquoted()
            elif match[0] == "$(":
                self._substitution()
            else:
                self._take(self.place, match.end(), 0)
            self.word = None
        yield from self._finished()

    def _part(self) -> None:
        """Add the next piece to the word: a quoted text, an expansion, or a character.

        A command in backquotes or `$(…)` is also kept as an inner script, even if it is inside another expansion.
        """
        text, place = self.text, self.place
        character = text[place]
        if character == "\\":
            self._escaped()
        elif character == "'":
            end = text.find("'", place + 1)
            self._take(place + 1, len(text) if end < 0 else end, 1)
        elif character == '"':
            self._double_quoted()
        elif text.startswith("$((", place):
            self._with_substitutions(self._closing(place + 1, "(", ")") + 1)
        elif text.startswith("$(", place):
            self._substitution()
        elif text.startswith("${", place):
            self._with_substitutions(self._closing(place + 1, "{", "}") + 1)
        elif character == "`":
            self._backquoted()
        else:
            self._take(place, place + 1, 0)

    def _take(self, start: int, end: int, closing: int) -> None:
        """Add the text from `start` to `end` to the word, and go on behind it and the `closing` characters after it."""
        self._add(self.text[start:end])
        self.line += self.text.count("\n", start, end)
        self.place = min(end + closing, len(self.text))

    def _escaped(self) -> None:
        """Add the character after a backslash to the word; a line end is dropped. Go on behind it."""
        following = self.text[self.place + 1 : self.place + 2]
        if following == "\n":
            self.line += 1
        elif following:
            self._add(following)
        self.place += 2

    def _substitution(self) -> None:
        """Add `$(…)` to the word as it is written, and note its text as an inner script."""
        end = self._closing(self.place + 1, "(", ")")
        self.inner.append((self.text[self.place + 2 : end], self.line))
        self._take(self.place, end + 1, 0)

    def _backquoted(self) -> None:
        """Add a text in backquotes to the word as it is written, and note it as an inner script."""
        end = self.text.find("`", self.place + 1)
        end = len(self.text) if end < 0 else end
        self.inner.append((self.text[self.place + 1 : end], self.line))
        self._take(self.place, end + 1, 0)

    def _with_substitutions(self, end: int) -> None:
        """Add the text up to `end` to the word as it is written; `$(…)` and backquotes in it are noted as inner scripts, but not
        those in single quotes.
        """
        is_quoted, end = False, min(end, len(self.text))
        while self.place < end:
            character, place = self.text[self.place], self.place
            if self.text.startswith("$(", place) and not self.text.startswith("$((", place):
                self._substitution()
            elif character == "`":
                self._backquoted()
            elif character == "'" and not is_quoted:
                closing = self.text.find("'", place + 1, end)
                self._take(place, max(place, closing) + 1, 0)
            else:
                is_quoted ^= character == '"'
                self._take(place, place + (2 if character == "\\" else 1), 0)

    def _double_quoted(self) -> None:
        """Add a text in double quotes to the word, without the quotes; `$(…)` and backquotes in it are inner scripts, too.

        Each backslash in it is dropped, also one that a shell would keep, as before an `n`.
        """
        self._add("")
        self.place += 1
        while self.place < len(self.text) and self.text[self.place] != '"':
            if self.text.startswith("$(", self.place) and not self.text.startswith("$((", self.place):
                self._substitution()
            elif self.text[self.place] == "`":
                self._backquoted()
            elif self.text[self.place] == "\\":
                self._escaped()
            else:
                self._take(self.place, self.place + 1, 0)
        self.place += 1

    def _closing(self, place: int, opening: str, closing: str) -> int:
        """Where the bracket at a place is closed; the end of the text if it is not. Brackets in quotes count too."""
        depth = 0
        for position in range(place, len(self.text)):
            if self.text[position] == opening:
                depth += 1
            elif self.text[position] == closing:
                depth -= 1
                if depth == 0:
                    return position
        return len(self.text)


def shell_commands(script: str, line: int) -> tuple[ShellCommand, ...]:
    """The simple commands of a script whose first line has the number `line`, also those in `$(…)` and in the bodies of functions.

    A call of a function of the script is left out; if the function runs its arguments, as in `retry apt-get update`, they are
    the command. So is `"$@"` where a command stands left out, if it stands so in functions alone.
    """
    names, bodies = function_names(script), _function_bodies(script)
    runners = {name for name, body in bodies if RUNS_ARGUMENTS.search(body)}
    inside = sum(len(RUNS_ARGUMENTS.findall(body)) for _, body in bodies)
    known = ARGUMENTS if inside == len(RUNS_ARGUMENTS.findall(script)) else ()
    commands: list[ShellCommand] = []
    for command in _Splitter(script, line, 0).commands():
        words = command.words
        while words and words[0] in runners:
            words = words[1:]
        if words and words[0] not in names and words[0] not in known:
            commands.append(replace(command, words=words))
    return tuple(commands)


def substituted_commands(text: str, line: int) -> tuple[ShellCommand, ...]:
    """The simple commands in `$(…)` and backquotes of the text of a here-document, whose first line has the number `line`."""
    return tuple(_Splitter(text, line, 0).substitutions())


def _function_bodies(script: str) -> list[tuple[str, str]]:
    """(name, text of the body from its `{` on) of each function that a script defines at the start of a line.

    The text is empty for a body in `( … )`, and ends at the next definition.
    """
    found = [*FUNCTION.finditer(script)]
    ends = [*(match.start() for match in found[1:]), len(script)]
    return [
        (match[1] or match[2], _first_block(script[match.end() : end])) for match, end in zip(found, ends, strict=False)
    ]


def _first_block(text: str) -> str:
    """The text from the first `{` to the `}` that closes it, without that; the rest of the text if none closes it.

    Empty without a `{`.
    """
    start, depth = text.find("{"), 0
    for place in range(max(start, 0), len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return text[start:]


def function_names(script: str) -> set[str]:
    """The names of the functions that a script defines at the start of a line."""
    return {match[1] or match[2] for match in FUNCTION.finditer(script)}
