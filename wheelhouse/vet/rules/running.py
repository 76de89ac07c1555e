"""What runs by itself: at every start of Python, at install, at build (pure)."""

import re
from collections.abc import Iterator, Mapping

from wheelhouse.archive.build_system import BuildSystem, build_system
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Severity
from wheelhouse.vet.code_scan import CodeSignals, read_code
from wheelhouse.vet.facts import MAX_TEXT_BYTES, Facts, installed
from wheelhouse.vet.rules import Remark, Review, named, rule

NAME = r"'[A-Za-z_][\w.]*'"
NAMESPACE_PTH = re.compile(
    rf"""import\ sys,\ types,\ os;(has_mfs\ =\ sys\.version_info\ >\ \(3,\ 5\);)?
    p\ =\ os\.path\.join\(sys\._getframe\(1\)\.f_locals\['sitedir'\],\ \*\(({NAME},?\ ?)+\)\);
    (importlib\ =\ has_mfs\ and\ __import__\('importlib\.util'\);has_mfs\ and\ __import__\('importlib\.machinery'\);
    m\ =\ has_mfs\ and\ sys\.modules\.setdefault\({NAME},\ importlib\.util\.module_from_spec\(importlib\.machinery\.PathFinder
    \.find_spec\({NAME},\ \[os\.path\.dirname\(p\)\]\)\)\);m\ =\ m\ or\ sys\.modules\.setdefault\({NAME},\ types\.ModuleType\({NAME}\)\)
    |
    ie\ =\ os\.path\.exists\(os\.path\.join\(p,'__init__\.py'\)\);m\ =\ not\ ie\ and
    \ sys\.modules\.setdefault\({NAME},\ ?types\.ModuleType\({NAME}\)\));
    mp\ =\ \(m\ or\ \[\]\)\ and\ m\.__dict__\.setdefault\('__path__',\[\]\);\(p\ not\ in\ mp\)\ and\ mp\.append\(p\)
    (;m\ and\ setattr\(sys\.modules\[{NAME}\],\ {NAME},\ m\))?""",
    re.VERBOSE,
)
"""The line that setuptools wrote for namespace packages until its release 69, in its two forms."""
DISTUTILS_PTH = re.compile(
    r"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os\.environ\.get\(var, '(local|stdlib)'\) == 'local'; "
    r"enabled and __import__\('_distutils_hack'\)(\.add_shim\(\))?;\s*"
)
"""The line of setuptools' own distutils-precedence.pth."""
CODE_FILES = re.compile(r"(site|user)customize(\.[^/]*)?(\.py|\.so|\.pyd|\.pyc)|(site|user)customize/__init__\.[^/]+")
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})"),
    "a GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "an index's token": re.compile(r"\bpypi-AgE[\w-]{50,}"),
    "an address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}$%<>]+:[^\s/:@'\"{}$%<>]+@[\w.-]+"),
}


def _lines_that_run(text: str) -> list[str]:
    """The lines of a .pth file that Python executes, read as site.py does."""
    return [line for line in text.removeprefix("\ufeff").splitlines() if line.startswith(("import ", "import\t"))]


def _pth_files(facts: Facts) -> Iterator[tuple[str, str]]:
    for name, text in facts.texts.items():
        if name.endswith(".pth") and facts.pin.artifact.is_wheel and "/" not in installed(name):
            yield name, text


def _is_known(line: str) -> bool:
    return bool(NAMESPACE_PTH.fullmatch(line) or DISTUTILS_PTH.fullmatch(line))


@rule(Severity.ERROR)
def pth_code(facts: Facts, review: Review) -> Iterator[Remark]:
    """A .pth file holds code.

    Every start of Python runs the lines of a .pth file that begin with `import`, whether the project is used or not. The two
    lines that setuptools itself writes are told by `pth-known`.
    """
    for name, text in _pth_files(facts):
        lines = [line for line in _lines_that_run(text) if not _is_known(line)]
        if lines:
            first = lines[0] if len(lines[0]) <= 120 else f"{lines[0][:119]}…"
            yield (
                f"`{name}` runs {len(lines)} line(s) of code at every start of Python: `{first}`",
                "read the file, and approve it only if you know why",
            )
        elif len(text) >= MAX_TEXT_BYTES:
            yield f"`{name}` is too long to be looked at", "read the file; no .pth file needs to be as long"


@rule(Severity.NOTE)
def pth_known(facts: Facts, review: Review) -> Iterator[Remark]:
    """A .pth file holds a line that setuptools writes: for namespace packages, or its own for distutils.

    The whole line is compared; it does nothing but what it is for.
    """
    for name, text in _pth_files(facts):
        if any(map(_is_known, _lines_that_run(text))):
            yield f"`{name}` runs the line that setuptools writes", ""


@rule(Severity.WARNING)
def pth_path(facts: Facts, review: Review) -> Iterator[Remark]:
    """A .pth file leads Python to another folder.

    A line that does not begin with `import` is put onto sys.path at every start; what lies there can then be imported.
    """
    for name, text in _pth_files(facts):
        lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
        paths = [line for line in lines if line and not line.startswith(("#", "import ", "import\t"))]
        if paths:
            yield f"`{name}` puts {named(paths)} onto sys.path", ""


@rule(Severity.ERROR)
def start_file(facts: Facts, review: Review) -> Iterator[Remark]:
    """A .start file names functions that Python 3.15 and newer call at every start (PEP 829)."""
    for name, text in facts.texts.items():
        calls = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if name.endswith(".start") and "/" not in installed(name) and calls:
            yield f"`{name}` has {named(calls)} called at every start of Python", "read the function that it names"


@rule(Severity.ERROR)
def start_module(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs a sitecustomize or usercustomize module.

    Every start of Python imports these, whether anything asks for them or not.
    """
    if facts.pin.artifact.is_wheel:
        for entry in facts.entries:
            if CODE_FILES.fullmatch(installed(entry.name)):
                yield f"`{entry.name}` is imported at every start of Python", "approve it only if you know why"


@rule(Severity.NOTE)
def data_scripts(facts: Facts, review: Review) -> Iterator[Remark]:
    """It puts scripts of its own onto PATH, beside those that entry points ask for.

    They lie in the wheel's .data/scripts, and may be in any language; what takes the name of a common command is
    `script-shadows`.
    """
    if scripts := facts.scripts:
        yield f"puts {named(scripts)} onto PATH", ""


COMMANDS = frozenset(
    (
        *(
            "apt",
            "apt-get",
            "awk",
            "base64",
            "bash",
            "cat",
            "chmod",
            "chown",
            "cp",
            "curl",
            "dash",
            "docker",
            "dpkg",
            "echo",
            "env",
        ),
        *(
            "find",
            "gcc",
            "git",
            "gpg",
            "grep",
            "id",
            "kill",
            "ls",
            "make",
            "mkdir",
            "mv",
            "openssl",
            "passwd",
            "perl",
            "ps",
            "rm",
        ),
        *(
            "sed",
            "sh",
            "ssh",
            "su",
            "sudo",
            "tar",
            "test",
            "touch",
            "unzip",
            "wget",
            "which",
            "xargs",
            "python",
            "python3",
            "pip",
            "pip3",
        ),
    )
)


@rule(Severity.ERROR)
def script_shadows(facts: Facts, review: Review) -> Iterator[Remark]:
    """A script or entry point takes the name of a command that every system has.

    In an image's PATH the interpreter's own folder usually comes first: whoever calls the command runs this instead.
    """
    own = COMMANDS & {*facts.scripts, *facts.entry_points} - {str(facts.project), f"{facts.project}3"}
    if own:
        yield f"its {named(sorted(own))} would be run in the place of the system's", "find out why it needs that name"


@rule(Severity.WARNING)
def sdist_runs_code(facts: Facts, review: Review) -> Iterator[Remark]:
    """An sdist runs its own code when it is built.

    Installing an sdist runs setup.py or a build backend, as the user who installs.
    """
    if not facts.pin.artifact.is_wheel:
        told = _build_system(facts)
        setup = any(name.count("/") == 1 and name.endswith("/setup.py") for name in facts.texts)
        what = "setup.py" if setup else f"the backend {told.backend}" if told else "its own code"
        yield f"building it runs {what}", "build it in a sealed room with `wheelhouse build`"


@rule(Severity.WARNING)
def own_backend(facts: Facts, review: Review) -> Iterator[Remark]:
    """An sdist brings its own build backend (PEP 517, backend-path).

    What builds it is code that nobody else uses.
    """
    told = None if facts.pin.artifact.is_wheel else _build_system(facts)
    if told and told.backend_path:
        yield (
            f"it is built by its own {told.backend}, in {named(told.backend_path)}",
            "read that file before you build it",
        )


def _build_system(facts: Facts) -> BuildSystem | None:
    for name, text in facts.texts.items():
        if name.count("/") == 1 and name.endswith("/pyproject.toml"):
            try:
                return build_system(text, facts.filename)
            except IntegrityError:
                return None
    return None


def _unasked(facts: Facts) -> Mapping[str, str]:
    """The code that runs unasked, by name: at start, and an sdist's at build."""
    if not facts.pin.artifact.is_wheel:
        return {name: text for name, text in facts.texts.items() if name.endswith((".py", ".pth"))}
    found = {name: "\n".join(_lines_that_run(text)) for name, text in _pth_files(facts)}
    return found | {name: text for name, text in facts.texts.items() if CODE_FILES.fullmatch(installed(name))}


def _told(facts: Facts) -> Iterator[tuple[str, CodeSignals]]:
    for name, text in _unasked(facts).items():
        yield name, read_code(text)


@rule(Severity.WARNING)
def install_time_network(facts: Facts, review: Review) -> Iterator[Remark]:
    """Code that runs unasked speaks of the network: it imports what opens connections, or names an address to call.

    Looked at are .pth files, start modules, an sdist's setup.py and the modules beside it, and in-tree backends. Addresses
    that only describe the project are left out.
    """
    for name, told in _told(facts):
        if told.network:
            yield (
                f"`{name}` speaks of the network: {named(told.network)}",
                "find out what it fetches or tells, and to whom",
            )


@rule(Severity.ERROR)
def install_time_hidden(facts: Facts, review: Review) -> Iterator[Remark]:
    """Code that runs unasked executes what it first decodes or unpacks.

    Such as exec of base64, zlib or marshal: what runs cannot be read.
    """
    for name, told in _told(facts):
        if told.hidden:
            yield (
                f"`{name}` executes what it decodes first: {named(told.hidden)}",
                "do not install it before you have read what that is",
            )


@rule(Severity.ERROR)
def install_time_secret(facts: Facts, review: Review) -> Iterator[Remark]:
    """Code that runs unasked, or a script, holds what looks like a key, a token or a password."""
    texts = {**_unasked(facts), **{name: text for name, text in facts.texts.items() if ".data/scripts/" in name}}
    for name, text in texts.items():
        if found := [what for what, pattern in SECRETS.items() if pattern.search(text)]:
            yield f"`{name}` holds {named(found, mark='')}", "tell the project; find out what the code does with it"
