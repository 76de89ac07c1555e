"""Inputs that the user names: requirement lines and files, constraints, overrides, pyproject.toml, pylock.toml."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urljoin

from wheelhouse.errors import InputError, IntegrityError, ServerError
from wheelhouse.fetch.job import Constraints
from wheelhouse.fetch.project import Project, parse_project
from wheelhouse.files.disk import read_bytes, sha256_of
from wheelhouse.index.http import Http
from wheelhouse.index.urls import conceal, is_remote, locked_url, parts_of, redact, without_query
from wheelhouse.lock.pylock_input import EXPORTS, PylockInput, is_pylock_name, parse_pylock_input
from wheelhouse.lock.wheelhouse import sha256_of_text
from wheelhouse.resolve.encoding import decoded
from wheelhouse.resolve.file_options import Option
from wheelhouse.resolve.requirements import (
    COMMAND_LINE,
    RequirementLine,
    RequirementLines,
    parse_file,
    parse_line,
    raise_all,
)

PYPROJECT = "pyproject.toml"
OTHER_FORMAT = re.compile(r"\.(toml|ya?ml|py)$|^(setup\.cfg|Pipfile|pixi\.lock)$")
"""Names of files in other formats, which hold requirements for other tools, or none."""


@dataclass(slots=True)
class Wanted:
    """Everything that was read from the inputs, before anything is decided."""

    requirements: list[RequirementLine] = field(default_factory=list)
    constraints: list[Constraints] = field(default_factory=list)
    overrides: list[RequirementLine] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    given: list[PylockInput] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Reads files and URLs. `environment` has the values of `${NAME}` in requirements files."""

    http: Http
    environment: Mapping[str, str] = field(default_factory=dict)

    def read(
        self,
        requirements: Sequence[str],
        files: Sequence[str],
        constraints: Sequence[str],
        overrides: Sequence[str],
        *,
        origin: str = COMMAND_LINE,
        with_project: bool = False,
    ) -> Wanted:
        """Everything in the inputs; options and `-c` lines in `overrides` count as in `files`. `origin` is where `requirements` stand.
        Requirements and overrides that name a local file get its sha256.

        With `with_project`, ./pyproject.toml is read for its groups, without its dependencies, unless `files` name one, or a
        lock. Raises one InputError for all texts of `requirements` that cannot be read, else the first error of a file.
        """
        wanted, problems = Wanted(), []
        for text in requirements:
            try:
                wanted.requirements.append(parse_line(text.strip(), origin))
            except InputError as problem:
                problems.append(problem)
        raise_all(problems)
        for source in files:
            self._file(source, wanted)
        if with_project and not wanted.projects and not wanted.given:
            wanted.projects.append(replace(self._project(PYPROJECT), dependencies=()))
            wanted.notes += unused_locks(PYPROJECT)
        for source in constraints:
            wanted.constraints.append(self.constraints(source, wanted.options))
        for source in overrides:
            wanted.overrides += self._requirements(source, "the overrides", wanted)
        wanted.requirements = [located(line) for line in wanted.requirements]
        wanted.overrides = [located(line) for line in wanted.overrides]
        return wanted

    def _file(self, source: str, wanted: Wanted) -> None:
        """Read a file of -r by the format that its name says (`_name_of`), and add what it holds to `wanted`.

        Raises InputError for a name of a format that holds no requirements, and for a project that only Poetry can read.
        """
        name = _name_of(source)
        if is_pylock_name(name):
            text = read_source(source, self.http, "the lock")
            sha256 = sha256_of_text(text)
            wanted.given.append(
                parse_pylock_input(text, shown(source), sha256, lambda path: Path(path).is_file(), source)
            )
        elif name == PYPROJECT:
            project = self._project(source)
            project.must_state_dependencies()
            wanted.projects.append(project)
            wanted.notes += (*project.notes, *unused_locks(source))
        elif OTHER_FORMAT.search(name):
            hint = "-r accepts requirements files, pyproject.toml, and lock files (pylock.toml, pylock.NAME.toml)"
            raise InputError(f"`{shown(source)}` does not have the name of a requirements file", hint=hint)
        else:
            wanted.requirements += self._requirements(source, "the requirements file", wanted)

    def _project(self, source: str) -> Project:
        """The pyproject.toml at a path or URL, parsed."""
        return parse_project(read_source(source, self.http, "the project"), shown(source))

    def constraints(self, source: str, options: list[Option] | None = None) -> Constraints:
        """A constraints file: its own text, and its lines with those of the files that it includes. Its options are added to
        `options`.
        """
        return self.constraints_of(read_source(source, self.http, "the constraints file"), source, options)

    def constraints_of(self, text: str, source: str, options: list[Option] | None = None) -> Constraints:
        """`constraints` of a text that was read from `source`. Raises InputError if it is no constraints file."""
        lines = self._parse(text, source, "the constraints file", constraints=True)
        if options is not None:
            options += lines.options
        return Constraints(locked(source), text, tuple(lines.constraints))

    def _requirements(self, source: str, what: str, wanted: Wanted) -> list[RequirementLine]:
        """The requirements in a requirements file and in those that it includes; `what` names it in an error. Options and
        constraints in it are added to `wanted`.
        """
        lines = self._parse(read_source(source, self.http, what), source, what, constraints=False)
        wanted.options += lines.options
        if lines.constraints:
            text = "".join(f"{line.requirement}\n" for line in lines.constraints)
            wanted.constraints.append(Constraints(f"{locked(source)} (its -c lines)", text, tuple(lines.constraints)))
        return lines.requirements

    def _parse(self, text: str, source: str, what: str, *, constraints: bool) -> RequirementLines:
        """The lines of a requirements or constraints file, and of the files that it includes."""
        locations = {locked(source): source}

        def read(name: str, named_by: str) -> tuple[str, str]:
            """The location as a lock names it, and the text, of a file that another one includes."""
            location = relative_to(name, locations[named_by])
            locations[locked(location)] = location
            return locked(location), read_source(location, self.http, what)

        return parse_file(
            text, locked(source), read, constraints=constraints, environment=self.environment, conceal=conceal
        )


def shown(source: str) -> str:
    """A path as it is, or a URL without credentials, query and fragment, for output."""
    return redact(source) if "://" in source else source


def locked(source: str) -> str:
    """A path as it is, or a URL without credentials, query and fragment, for locks and keys. An `@` in a path stays, also after a port."""
    return locked_url(source) if "://" in source else source


def unused_locks(project: str) -> Iterator[str]:
    """A sentence for each lock of another tool beside a pyproject.toml, which is not read; none if `project` is a URL."""
    if "://" in project:
        return
    for name, command in EXPORTS.items():
        if (path := Path(project).parent / name).is_file():
            yield (
                f"`{path}` is not read: the requirements of {project} are resolved again; "
                f"to use the pins of the lock file, export them: `{command}`"
            )


def read_source(source: str, http: Http, what: str) -> str:
    """The text of a file, also of a `file:` address, or of an http(s) URL.

    Raises InputError if it cannot be read, or if its name is that of a lock that only its own tool reads; ServerError unless
    the answer has status 200.
    """
    if command := EXPORTS.get(shown(source).rpartition("/")[2]):
        exported = command.rpartition(" ")[2]
        sentence = f"`{shown(source)}` is a lock file of another tool, in a format that wheelhouse cannot read"
        raise InputError(sentence, hint=f"export it with `{command}`, then use `-r {exported}`")
    if not is_remote(source):
        return decoded(read_bytes(_path_of(source), what), source)
    reply = http.get(source)
    if reply.status != 200:
        raise ServerError(f"{redact(source)} answered {reply.status}", hint="check the address")
    return decoded(reply.body, redact(source))


def _path_of(source: str) -> Path:
    """A path as it is, or that of a `file:` address. Raises InputError for an address with another host (RFC 8089)."""
    if not source.startswith("file:"):
        return Path(source)
    parts = parts_of(source)
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"`{shown(source)}` names a file of another machine", hint="write file:///path")
    return Path(unquote(parts.path))


def relative_to(name: str, named_by: str) -> str:
    """The path or URL of a file that another file names, relative to that file; an absolute one, and in a file of this machine
    a `file:` address, as it is. In a file from a URL, an absolute path is one on the server of that URL.

    Raises InputError for an invalid URL, and if a file of a server names one that is not at an http(s) URL.
    """
    if "://" in named_by:
        try:
            location = urljoin(named_by, name)
        except ValueError as error:
            raise InputError(f"{shown(named_by)} contains an address that cannot be read") from error
        if is_remote(named_by) and not is_remote(location):
            if location.startswith("file:"):
                sentence = (
                    f"{shown(named_by)} names the local file `{shown(location)}`: a file of a server must not name a file "
                    "of this machine"
                )
            else:
                sentence = f"{shown(named_by)} names `{shown(location)}`, which is not an http or https address"
            raise InputError(sentence)
        return location
    if "://" in name or name.startswith("file:") or Path(name).is_absolute():
        return name
    return str(Path(named_by).parent / name)


def _name_of(source: str) -> str:
    """The name of a file of -r: that of its path; of a URL whose query names a lock file or a pyproject.toml last, as those of
    Azure DevOps and gitweb do, that one.
    """
    if "://" not in source:
        return source.rpartition("/")[2]
    name, last = without_query(source).rpartition("/")[2], source.rpartition("/")[2]
    is_named = is_pylock_name(name) or name == PYPROJECT or OTHER_FORMAT.search(name)
    return last if not is_named and (is_pylock_name(last) or last == PYPROJECT) else name


def located(line: RequirementLine) -> RequirementLine:
    """A line that names a file of this machine, with the sha256 of that file added; any other line as it is.

    Raises InputError if there is no such file, IntegrityError if the line gives only other sha256. Hashes of other kinds are
    not compared here.
    """
    if line.source is None or not line.source.is_local:
        return line
    path = Path(line.source.location)
    if not path.is_file():
        hint = "relative paths start at the folder in which wheelhouse runs"
        raise InputError(f"{line.origin}: there is no file `{line.source.location}`", hint=hint)
    actual = f"sha256:{sha256_of(path)}"
    expected = {hash_ for hashes in line.allowed_hashes for hash_ in hashes if hash_.startswith("sha256:")}
    if expected and actual not in expected:
        sentence = (
            f"{line.origin}: `{line.source.location}` has the {actual.replace(':', ' ')}, but the "
            "requirement has a different sha256"
        )
        raise IntegrityError(sentence, hint="find out who changed the file")
    return replace(line, source=replace(line.source, hashes=line.source.hashes | {actual}))


def unhashed(lines: Iterable[RequirementLine]) -> list[RequirementLine]:
    """The lines that name a file, by URL or path, and give no hash of it."""
    return [line for line in lines if line.source and not line.allowed_hashes]
