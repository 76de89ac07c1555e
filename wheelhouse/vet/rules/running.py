"""Rules about code that runs unasked at a start of Python, at install or at build: an observation for each member with it (pure)."""

import re
from collections.abc import Iterator, Mapping

from wheelhouse.archive.build_system import BuildSystem, build_system
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.code_scan import CodeSignals, read_code
from wheelhouse.vet.facts import MAX_TEXT_BYTES, SCRIPTS, Facts, installed
from wheelhouse.vet.places import START_MODULE
from wheelhouse.vet.pth import is_setuptools_line, pth_code_lines, pth_folders
from wheelhouse.vet.rules import Review, rule

MAX_LINE_CHARACTERS = 120
"""The longest line of code that a finding quotes whole."""
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})"),
    "a GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "an index's token": re.compile(r"\bpypi-AgE[\w-]{50,}"),
    "an address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}$%<>]+:[^\s/:@'\"{}$%<>]+@[\w.-]+"),
}


@rule(Severity.ERROR)
def pth_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """A .pth file has code that Python runs at each start.

    At each start, Python runs the lines of a .pth file that begin with `import`, even if nobody uses the project.
    `pth-known` reports the two lines that setuptools writes. A .pth file that is too long to be read whole is also reported.
    """
    for entry, text in facts.pth_files:
        lines = [line for line in pth_code_lines(text) if not is_setuptools_line(line)]
        if lines:
            first = lines[0] if len(lines[0]) <= MAX_LINE_CHARACTERS else f"{lines[0][: MAX_LINE_CHARACTERS - 1]}…"
            yield observed(case="runs", path=entry.name, lines=len(lines), first=first)
        elif entry.size >= MAX_TEXT_BYTES:
            yield observed(case="long", path=entry.name)


@rule(Severity.NOTE)
def pth_known(facts: Facts, review: Review) -> Iterator[Observation]:
    """A .pth file has a line that setuptools writes, for namespace packages or for distutils.

    The rule compares the whole line with the line that setuptools writes, so the line contains no other code.
    """
    for entry, text in facts.pth_files:
        if any(map(is_setuptools_line, pth_code_lines(text))):
            yield observed(path=entry.name)


@rule(Severity.WARNING)
def pth_path(facts: Facts, review: Review) -> Iterator[Observation]:
    """A .pth file adds a folder to sys.path.

    Each line that does not begin with `import` names a folder. At each start, Python adds this folder to sys.path, so that
    programs can import its modules.
    """
    for entry, text in facts.pth_files:
        if folders := pth_folders(text):
            yield observed(path=entry.name, folders=tuple(folders))


@rule(Severity.ERROR)
def start_file(facts: Facts, review: Review) -> Iterator[Observation]:
    """A .start file names functions that Python 3.15 and newer call at each start (PEP 829)."""
    for name, text in facts.texts.items():
        calls = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if name.endswith(".start") and "/" not in installed(name) and calls:
            yield observed(path=name, functions=tuple(calls))


def _is_start_module(member: str) -> bool:
    """Whether a member of a wheel is installed as a sitecustomize or usercustomize module at the top of site-packages."""
    match = START_MODULE.fullmatch(installed(member))
    return bool(match and not match["folder"])


@rule(Severity.ERROR)
def start_module(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs a sitecustomize or usercustomize module.

    Python imports these modules at each start, even if nothing uses them.
    """
    if facts.pin.artifact.is_wheel:
        for entry in facts.entries:
            if _is_start_module(entry.name):
                yield observed(path=entry.name)


USUAL_IN_SETUP = frozenset(("tool", "dynamic"))
"""What setup.py of many honest projects does: it asks git for a version, and runs the text of its version file."""


@rule(Severity.WARNING)
def sdist_runs_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """The build of an sdist runs code of the sdist.

    An install of the sdist runs setup.py or a build backend, with the rights of the user who installs. The finding is only
    a note if setup.py could be analysed to its end and does nothing that a rule looks for.
    """
    if not facts.pin.artifact.is_wheel:
        system = _build_system(facts)
        setup = [name for name in facts.texts if name.count("/") == 1 and name.endswith("/setup.py")]
        if setup:
            does = any(one.path in setup and one.kind not in USUAL_IN_SETUP for one in facts.inside.behaviours)
            yield observed(case="setup") if does else observed(case="setup").as_note()
        else:
            yield observed(case="backend", backend=system.backend) if system else observed(case="unknown")


@rule(Severity.WARNING)
def own_backend(facts: Facts, review: Review) -> Iterator[Observation]:
    """The sdist has its own build backend (PEP 517, backend-path).

    Only this project uses the code of this backend.
    """
    system = None if facts.pin.artifact.is_wheel else _build_system(facts)
    if system and system.backend_path:
        yield observed(backend=system.backend, folders=tuple(system.backend_path))


def _build_system(facts: Facts) -> BuildSystem | None:
    """The build system of the pyproject.toml in an sdist's top folder; None if there is no such file, or it cannot be read.

    It is setuptools if the file names none.
    """
    for name, text in facts.texts.items():
        if name.count("/") == 1 and name.endswith("/pyproject.toml"):
            try:
                return build_system(text, facts.filename)
            except IntegrityError:
                return None
    return None


def _unasked(facts: Facts) -> Mapping[str, str]:
    """The code that runs unasked, as text by name of its member.

    Of a wheel: the code lines of .pth files, and start modules. Of an sdist: all Python and .pth files of `Facts.texts`.
    """
    if not facts.pin.artifact.is_wheel:
        return {name: text for name, text in facts.texts.items() if name.endswith((".py", ".pth"))}
    lines = {entry.name: "\n".join(pth_code_lines(text)) for entry, text in facts.pth_files}
    return lines | {name: text for name, text in facts.texts.items() if _is_start_module(name)}


def _signals(facts: Facts) -> Iterator[tuple[str, CodeSignals]]:
    """What each member with code that runs unasked does, by name; also if it does nothing."""
    for name, text in _unasked(facts).items():
        yield name, read_code(text)


@rule(Severity.WARNING)
def install_time_network(facts: Facts, review: Review) -> Iterator[Observation]:
    """Code that runs by itself uses the network: it imports a network module, or contains an address to call.

    The rule reads .pth files, sitecustomize and usercustomize modules, in-tree backends, the setup.py of an sdist, and
    the modules beside this setup.py. Addresses that only describe the project are not reported.
    """
    for name, signals in _signals(facts):
        if signals.network:
            yield observed(path=name, names=tuple(signals.network))


@rule(Severity.ERROR)
def install_time_hidden(facts: Facts, review: Review) -> Iterator[Observation]:
    """Code that runs by itself executes data that it first decodes or unpacks.

    A reader of the file cannot see the code that runs. For example, the code calls `exec` with base64, zlib or marshal data.
    """
    for name, signals in _signals(facts):
        if signals.hidden:
            yield observed(path=name, calls=tuple(signals.hidden))


@rule(Severity.ERROR)
def install_time_secret(facts: Facts, review: Review) -> Iterator[Observation]:
    """A script that the wheel installs, or code that runs by itself, contains text like a key, a token or a password."""
    texts = {**_unasked(facts), **{name: text for name, text in facts.texts.items() if _is_script(name)}}
    for name, text in texts.items():
        if kinds := tuple(kind for kind, pattern in SECRETS.items() if pattern.search(text)):
            yield observed(path=name, kinds=kinds)


def _is_script(member: str) -> bool:
    """Whether a member is in `.data/scripts`, or is put into the same folder by `.data/data`."""
    return ".data/scripts/" in member or installed(member).startswith(SCRIPTS)
