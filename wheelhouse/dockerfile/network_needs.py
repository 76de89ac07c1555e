"""Every instruction of a Dockerfile that asks a network, or perhaps does (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from wheelhouse.dockerfile.dockerfile_syntax import (
    CONTINUED,
    KEYWORDS,
    VARIABLE,
    Dockerfile,
    Heredoc,
    Instruction,
    substituted,
)
from wheelhouse.dockerfile.network_programs import PYTHON, SHELLS, URL, Asked, Script, judged, unwrapped
from wheelhouse.dockerfile.shell_commands import ShellCommand, function_names, shell_commands, substituted_commands

TRUE = ("1", "true", "yes", "on")
"""What pip and uv take for true."""
MAX_DIGITS = 10
"""Of the number of a stage; Python reads at most 4300."""
MAX_SCRIPTS = 8
"""Scripts that start one another, files and texts of `sh -c`."""
MAX_TEXT_CHARACTERS = 1 << 15
"""Of all texts of `sh -c` in one RUN: a text that names itself twice grows with each reading."""


@dataclass(frozen=True, slots=True)
class NetworkNeed:
    """One thing that a build asks a network for: the line, the kind, and its packages, images, addresses or programs.

    Kinds: `frontend`, `base-image`, `copied-image`, `address`, `instruction` (an unknown one), and those of
    `network_programs`. `files` are requirement files. `is_trigger` says that a build from the result asks.
    """

    line: int
    kind: str
    subjects: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    stage: str = ""
    is_trigger: bool = False


@dataclass(slots=True)
class _Reader:
    """Reads the instructions in order. `values` are the variables that are known so far, `environment` those of ENV.

    `read_characters` counts those of all texts of `sh -c` and the like in the current RUN.
    """

    dockerfile: Dockerfile
    values: dict[str, str]
    arguments: Mapping[str, str]
    replaced: Mapping[str, str]
    stages: list[str] = field(default_factory=list)
    scripts: dict[str, tuple[str, int]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    environment: set[str] = field(default_factory=set)
    shell: tuple[str, ...] = ()
    read_characters: int = 0

    def needs(self) -> Iterator[NetworkNeed]:
        """Every need, in the order of the instructions, repeated ones too; a script's needs have the lines of the script."""
        dockerfile = self.dockerfile
        if dockerfile.frontend:
            yield NetworkNeed(dockerfile.frontend_line, "frontend", (dockerfile.frontend,))
        self.scripts = written_scripts(dockerfile) | {name: (text, 1) for name, text in self.replaced.items()}
        for instruction in dockerfile.instructions:
            for text in (instruction.text, *(heredoc.text for heredoc in instruction.heredocs)):
                self.functions |= function_names(text)
        for instruction in dockerfile.instructions:
            yield from self._of(instruction)

    def _of(self, instruction: Instruction) -> Iterator[NetworkNeed]:
        """The needs of one instruction; an unknown one is a need. ARG, ENV, FROM and SHELL change this reader."""
        match instruction.keyword:
            case "ARG":
                self._declare(instruction)
            case "ENV":
                self._set(instruction)
            case "FROM":
                yield from self._from(instruction)
            case "COPY" | "ADD":
                yield from self._copied(instruction)
            case "SHELL":
                self.shell = instruction.words or ()
            case "RUN":
                yield from self._run(instruction)
            case keyword if keyword not in KEYWORDS:
                yield self._need(instruction.line, "instruction", (keyword,), instruction)

    def _need(
        self, line: int, kind: str, subjects: tuple[str, ...], of: Instruction, files: tuple[str, ...] = ()
    ) -> NetworkNeed:
        """A need of an instruction in the current stage."""
        stage = self.stages[-1] if self.stages else ""
        return NetworkNeed(line, kind, subjects, files, stage, of.is_trigger)

    def _declare(self, instruction: Instruction) -> None:
        """Note the values of an ARG: the build argument, else the default, else that of an ARG before the first FROM; else none.

        The value of an ENV stays.
        """
        for name, default in instruction.assignments:
            value = self.defaults.get(name) if default is None else substituted(default, self.values)
            value = self.arguments.get(name, value)
            if value is not None and name not in self.environment:
                self.values[name] = value
                if not self.stages:
                    self.defaults[name] = value

    def _set(self, instruction: Instruction) -> None:
        """Note the values of an ENV."""
        for name, value in instruction.assignments:
            if value is not None:
                self.values[name] = substituted(value, self.values)
                self.environment.add(name)

    def _from(self, instruction: Instruction) -> Iterator[NetworkNeed]:
        """Begin a stage, in which only the given build arguments are known. The need: its base image, unless a stage or `scratch`."""
        words = substituted(instruction.text, self.values | self.defaults).split()
        image = words[0] if words else ""
        known = {name.lower() for name in self.stages}
        name = words[2] if len(words) == 3 and words[1].lower() == "as" else f"#{len(self.stages)}"
        if image.lower() not in known and image != "scratch":
            yield NetworkNeed(instruction.line, "base-image", (image,), (), name)
        self.stages.append(name)
        self.values = dict(self.arguments)
        self.environment = set()
        self.shell = ()

    def _is_stage(self, name: str) -> bool:
        """Whether a stage so far has this name, in any case, or this number."""
        return name.lower() in {stage.lower() for stage in self.stages} or (
            name.isdecimal() and len(name) < MAX_DIGITS and int(name) < len(self.stages)
        )

    def _foreign_image(self, instruction: Instruction, name: str) -> Iterator[NetworkNeed]:
        """A need `copied-image`; none for a stage, `scratch`, `context` or an empty name."""
        image = substituted(name, self.values | self.defaults)
        if image and not self._is_stage(image) and image not in ("scratch", "context"):
            yield self._need(instruction.line, "copied-image", (image,), instruction)

    def _copied(self, instruction: Instruction) -> Iterator[NetworkNeed]:
        """The images of `--from` in a COPY or ADD, one need each, and one need for all addresses of an ADD."""
        for name in instruction.values("from"):
            yield from self._foreign_image(instruction, name)
        if instruction.keyword == "ADD":
            in_json = tuple(substituted(word, self.values) for word in instruction.words or ())
            words = in_json or tuple(substituted(instruction.text, self.values).split())
            addresses = tuple(word for word in words[:-1] if URL.match(word) or word.endswith(".git"))
            if addresses:
                yield self._need(instruction.line, "address", addresses, instruction)

    def _run(self, instruction: Instruction) -> Iterator[NetworkNeed]:
        """The images that a RUN mounts (`bind` and `cache`), and what its commands ask for.

        The latter not with `--network=none`.
        """
        for mount in instruction.values("mount"):
            options = dict(part.partition("=")[::2] for part in mount.split(","))
            if options.get("type", "bind") in ("bind", "cache") and "from" in options:
                yield from self._foreign_image(instruction, options["from"])
        if "none" in instruction.values("network"):
            return
        self.read_characters = 0
        for command in self._commands(instruction):
            yield from self._asked(command, instruction, ())

    def _commands(self, instruction: Instruction) -> tuple[ShellCommand, ...]:
        """The commands of a RUN. The JSON form is one command, and so is a text for a SHELL that is not in SHELLS."""
        if words := instruction.words:
            return (ShellCommand(words, instruction.line),)
        text = instruction.text
        if self.shell and self.shell[0].rpartition("/")[2] not in SHELLS:
            whole = "\n".join((text, *(heredoc.text for heredoc in instruction.heredocs)))
            return (ShellCommand((*self.shell, whole), instruction.line),)
        return _of_heredocs(instruction) if instruction.heredocs else shell_commands(text, instruction.line)

    def _asked(self, command: ShellCommand, instruction: Instruction, path: tuple[str, ...]) -> Iterator[NetworkNeed]:
        """What one command asks for. The text of `sh -c`, and a script in `scripts`, is read; any other script file is an unknown need.
        So is a text that MAX_SCRIPTS scripts lead to, or that is one too many for MAX_TEXT_CHARACTERS.

        An unknown program is a need; a function of the Dockerfile and a word with `://` are none, and neither are pip and uv
        that are set offline, nor a script that led here.
        `path` has the names of the scripts that led here, and the shells of the texts.
        """
        program, judgement = judged(self._with_values(command))
        match judgement:
            case Asked(kind="unknown", subjects=(name,)) if name in self.functions or "://" in name:
                return
            case Asked(kind="pip" | "uv") if self.values.get(_offline_variable(program), "").lower() in TRUE:
                return
            case Asked():
                subjects = tuple(judgement.subjects)
                yield self._need(command.line, judgement.kind, subjects, instruction, judgement.files)
            case Script(text=text) if text and self._may_read(text, path):
                for inner in shell_commands(substituted(text, self.values), command.line):
                    yield from self._asked(inner, instruction, (*path, program))
            case Script(path=script):
                name = script.rpartition("/")[2]
                if name in self.scripts and name not in path and len(path) < MAX_SCRIPTS:
                    text, line = self.scripts[name]
                    for inner in shell_commands(text, line):
                        yield from self._asked(inner, instruction, (*path, name))
                elif name not in path:
                    yield self._need(command.line, "unknown", (script or program,), instruction)

    def _may_read(self, text: str, path: tuple[str, ...]) -> bool:
        """Whether a text of `sh -c` is within MAX_SCRIPTS and MAX_TEXT_CHARACTERS; its characters are counted."""
        self.read_characters += len(text)
        return len(path) < MAX_SCRIPTS and self.read_characters <= MAX_TEXT_CHARACTERS

    def _with_values(self, command: ShellCommand) -> ShellCommand:
        """A command with known variables replaced; a word that is only a variable becomes as many words as its value has."""
        words: list[str] = []
        for word in command.words:
            value = substituted(word, self.values).replace(CONTINUED, " ")
            words += value.split() if VARIABLE.fullmatch(word) and value != word else [value]
        return replace(command, words=tuple(words))


def _of_heredocs(instruction: Instruction) -> tuple[ShellCommand, ...]:
    """The commands of a RUN, which has here-documents: those of its text, and those of the here-documents that a shell or
    Python reads, or in which a shell replaces substitutions. If its text has none, the here-documents are a shell script, or one
    command for the program after `#!`.
    """
    if commands := shell_commands(instruction.text, instruction.line):
        replaced = [heredoc for heredoc in instruction.heredocs if not heredoc.is_quoted]
        return (
            *chain.from_iterable(_with_input(command, instruction.heredocs) for command in commands),
            *chain.from_iterable(substituted_commands(heredoc.text, heredoc.line) for heredoc in replaced),
        )
    script, line = "\n".join(heredoc.text for heredoc in instruction.heredocs), instruction.heredocs[0].line
    first = script.split("\n", 1)[0]
    interpreter = unwrapped(tuple(first[2:].split())) or ("nothing",)
    program = interpreter[0].rpartition("/")[2]
    if first.startswith("#!") and not program.endswith("sh"):
        words = ("-c", script) if PYTHON.fullmatch(program) else (*interpreter[1:], "-")
        return (ShellCommand((program, *words), line),)
    return shell_commands(script, line)


def _with_input(command: ShellCommand, heredocs: tuple[Heredoc, ...]) -> Iterator[ShellCommand]:
    """A command, then those of the here-documents that it reads, if it is a shell that runs them. A Python that runs them becomes
    one of `-c`.
    """
    (program, judgement), read = judged(command), [heredoc for heredoc in heredocs if heredoc.word in command.heredocs]
    if read and PYTHON.fullmatch(program) and _runs_stdin(unwrapped(command.words)[1:]):
        yield ShellCommand((program, "-c", "\n".join(heredoc.text for heredoc in read)), read[0].line)
        return
    yield command
    for heredoc in read if program in SHELLS and judgement is None else ():
        yield from shell_commands(heredoc.text, heredoc.line)


def _runs_stdin(options: tuple[str, ...]) -> bool:
    """Whether a Python with these words after it runs what it reads from stdin: it has no file before `-`, no `-c` and no `-m`."""
    words = iter(options)
    for word in words:
        if word == "-":
            return True
        if not word.startswith("-") or word[1:2] in ("c", "m"):
            return False
        if word in ("-W", "-X"):
            next(words, None)
    return True


def _offline_variable(program: str) -> str:
    """The environment variable that keeps pip or uv from a network: UV_OFFLINE if the program begins with `uv`, else PIP_NO_INDEX."""
    return "UV_OFFLINE" if program.startswith("uv") else "PIP_NO_INDEX"


def _targets(instruction: Instruction) -> tuple[str, ...]:
    """The names, without folders, of the files that the here-documents of a COPY or ADD become; empty for another instruction."""
    words = instruction.text.split()
    if instruction.keyword not in ("COPY", "ADD") or not instruction.heredocs or not words:
        return ()
    target = words[-1]
    if target.endswith("/") or len(instruction.heredocs) > 1:
        return tuple(heredoc.word for heredoc in instruction.heredocs)
    return (target.rpartition("/")[2],)


def written_scripts(dockerfile: Dockerfile) -> dict[str, tuple[str, int]]:
    """The files that the here-documents of COPY and ADD become: name without folders → (text, line on which it starts).

    Of two with one name the last counts.
    """
    return {
        name: (heredoc.text, heredoc.line)
        for instruction in dockerfile.instructions
        for heredoc, name in zip(instruction.heredocs, _targets(instruction), strict=False)
    }


def network_needs(
    dockerfile: Dockerfile, arguments: Mapping[str, str] | None = None, replaced: Mapping[str, str] | None = None
) -> tuple[NetworkNeed, ...]:
    """Every need of a build, in the order in which the build meets it, each once.

    `arguments` are the build arguments. `replaced` are scripts, by name without folders, that take the place of those that
    the Dockerfile writes, or that it does not write; the lines of their needs are counted in the script.
    """
    given = dict(arguments or {})
    return tuple(dict.fromkeys(_Reader(dockerfile, dict(given), given, replaced or {}).needs()))
