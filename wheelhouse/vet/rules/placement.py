"""What lies where: files that are another distribution's, or nobody's; names that look like another's; archives in archives (pure)."""

import re
from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.findings import Severity
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.lookalike_names import looks_like
from wheelhouse.vet.rules import Remark, Review, named, rule

STDLIB = frozenset(
    """abc argparse array ast asyncio base64 bdb binascii bisect builtins bz2 calendar cmath cmd code codecs codeop collections
    colorsys compileall concurrent configparser contextlib contextvars copy copyreg csv ctypes curses dataclasses datetime dbm
    decimal difflib dis doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib
    functools gc getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http imaplib importlib inspect io ipaddress
    itertools json keyword linecache locale logging lzma mailbox marshal math mimetypes mmap modulefinder multiprocessing netrc
    ntpath numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix posixpath
    pprint profile pstats pty pwd pyclbr pydoc pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched
    secrets select selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 ssl stat statistics string
    stringprep struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios textwrap threading time timeit
    tkinter token tokenize tomllib trace traceback tracemalloc tty turtle types typing unicodedata unittest urllib uuid venv
    warnings wave weakref webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo""".split()  # noqa: SIM905
)
"""The standard library's modules, by their names in Python 3.13, without those of one platform."""
EVERYBODYS = frozenset(
    ("tests", "test", "testing", "docs", "doc", "examples", "example", "scripts", "benchmarks", "src", "build", "dist")
)
CODE = re.compile(r"\.(py|pyc|pyi|pth|start|so|pyd|dll|dylib)$|\.so\.\d")
HOLDERS = frozenset(("zip", "tar", "7z"))
STREAMS = frozenset(("gzip", "bzip2", "xz", "zstd"))
TARBALL = re.compile(r"\.(tgz|tbz2?|txz|tar\.[a-z0-9]+)$", re.IGNORECASE)
DOCUMENTS = re.compile(r"\.(npz|xls[xm]|docx|pptx|od[tsp]|epub|kmz|keras|pt|pth)$", re.IGNORECASE)
"""Formats that are zips, but hold no files for anybody to unpack."""


@rule(Severity.ERROR)
def overwrites(facts: Facts, review: Review) -> Iterator[Remark]:
    """Two distributions of the house install different files at one place.

    Which of them is there in the end depends on the order in which they are installed.
    """
    yield from _shared(
        facts, review, same=False, sentence="installs {what}, which {other} installs, too, with other contents"
    )


@rule(Severity.WARNING)
def shares_files(facts: Facts, review: Review) -> Iterator[Remark]:
    """Two distributions of the house install the same file at one place.

    Whoever removes one of them breaks the other.
    """
    yield from _shared(facts, review, same=True, sentence="installs {what}, as {other} does")


def _shared(facts: Facts, review: Review, *, same: bool, sentence: str) -> Iterator[Remark]:
    found: dict[str, list[str]] = {}
    for path, entry in facts.installs.items():
        for other in review.at_place.get(path, ()):
            beside = other.project != facts.project and set(other.targets) & set(facts.targets)
            if beside and (other.installs[path].digest == entry.digest) is same:
                found.setdefault(str(other.project), []).append(path)
    for project, paths in found.items():
        yield (
            sentence.format(what=named(paths), other=project),
            "install only one of them, or ask which is meant to be there",
        )


@rule(Severity.ERROR)
def intrudes(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs files into a package that belongs to another project of the house, or that the policy's lookalikes name.

    A package belongs to the project that brings its `__init__.py`, or that has its name. Namespace packages belong to nobody;
    a project whose name begins with the owner's is told by `extends`.
    """
    for owner, paths in _in_others(facts, review):
        if not _is_part_of(facts.project, owner):
            yield f"installs {named(paths)} into what belongs to {owner}", "find out why, and whether its author knows"


@rule(Severity.NOTE)
def extends(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs files into a package of a project whose name its own begins with, as Airflow's providers do."""
    for owner, paths in _in_others(facts, review):
        if _is_part_of(facts.project, owner):
            yield f"adds {len(paths)} file(s) to what belongs to {owner}", ""


def _is_part_of(project: str, owner: str) -> bool:
    return project.startswith(f"{owner}-")


def _in_others(facts: Facts, review: Review) -> Iterator[tuple[NormalizedName, list[str]]]:
    found: dict[NormalizedName, list[str]] = {}
    for path in facts.installs:
        owner = None if path.startswith("@") else _owner(path, facts, review)
        if owner and owner != facts.project:
            found.setdefault(owner, []).append(path)
    yield from found.items()


def _owner(path: str, facts: Facts, review: Review) -> NormalizedName | None:
    top, slash, _ = path.partition("/")
    if not slash and not CODE.search(top):
        return None
    module = top if slash else top.partition(".")[0]
    if (name := canonicalize_name(module)) in review.policy.lookalikes:
        return name
    owners = review.owners.get(module, frozenset((facts.project,)))
    return None if facts.project in owners else min(owners)


@rule(Severity.WARNING)
def stdlib_name(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs a module with the name of one of the standard library's.

    Python finds its own first, unless somebody changes the order; a backport has no place beside a Python that has the module.
    """
    tops = {path.partition("/")[0].partition(".")[0] for path in facts.installs if "/" in path or CODE.search(path)}
    if taken := sorted(tops & STDLIB):
        yield (
            f"installs {named(taken)}, the name of a module of the standard library",
            "find out why it needs that name",
        )


@rule(Severity.WARNING)
def everybodys_name(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs a package with a name that any project might take, such as `tests` or `examples`.

    That is nearly always a mistake in how it was built; two of them get in each other's way.
    """
    tops = {path.partition("/")[0] for path in facts.installs if "/" in path} - {facts.project}
    if taken := sorted(tops & EVERYBODYS):
        yield f"installs {named(taken)} at the top of site-packages", "tell the project"


@rule(Severity.NOTE)
def stray_files(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs files at the top of site-packages that are no code."""
    strays = [path for path in facts.installs if "/" not in path and not path.startswith("@") and not CODE.search(path)]
    if strays:
        yield f"puts {named(strays)} at the top of site-packages", ""


@rule(Severity.NOTE)
def data_files(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs files outside site-packages, below `share/` or among the headers."""
    usual, _ = _outside(facts)
    if usual:
        yield f"installs {len(usual)} file(s) outside site-packages, such as `{usual[0]}`", ""


@rule(Severity.WARNING)
def data_files_elsewhere(facts: Facts, review: Review) -> Iterator[Remark]:
    """It installs files outside site-packages, where settings and programs lie.

    A wheel's .data/data is unpacked over the whole prefix: `etc/`, `bin/`, `lib/`.
    """
    _, unusual = _outside(facts)
    if unusual:
        yield f"installs {named(unusual)} into the prefix", "look at what these files are for"


def _outside(facts: Facts) -> tuple[list[str], list[str]]:
    paths = [path for path in facts.installs if path.startswith("@") and not path.startswith("@scripts/")]
    usual = [path for path in paths if path.startswith(("@data/share/", "@headers/"))]
    return [path[1:] for path in usual], [path.removeprefix("@data/") for path in paths if path not in usual]


@rule(Severity.WARNING)
def embedded_archive(facts: Facts, review: Review) -> Iterator[Remark]:
    """It holds an archive: a zip, wheel, jar or tar.

    What is in there was not looked at.
    """
    if archives := [entry.name for entry in _files(facts) if _holds_files(entry)]:
        yield f"holds {len(archives)} archive(s), which were not opened: {named(archives)}", "look into them"


@rule(Severity.NOTE)
def compressed_file(facts: Facts, review: Review) -> Iterator[Remark]:
    """It holds files that are compressed each on its own, mostly as data for tests or at run time."""
    if streams := [entry.name for entry in _files(facts) if entry.kind in STREAMS and not TARBALL.search(entry.name)]:
        yield f"holds {len(streams)} compressed file(s): {named(streams, 3)}", ""


def _files(facts: Facts) -> Iterator[Entry]:
    return (entry for entry in facts.entries if entry.size)


def _holds_files(entry: Entry) -> bool:
    if entry.kind in STREAMS:
        return bool(TARBALL.search(entry.name))
    return entry.kind in HOLDERS and not DOCUMENTS.search(entry.name)


@rule(Severity.ERROR)
def lookalike(facts: Facts, review: Review) -> Iterator[Remark]:
    """Its name looks like that of a project that the policy names under `lookalikes`, and is not.

    One letter more, less, another or exchanged; the same letters with other separators; or digits that look like letters.
    """
    if facts.project not in review.policy.lookalikes:
        for other in sorted(review.policy.lookalikes):
            if looks_like(facts.project, other):
                yield (
                    f"its name looks like `{other}`",
                    "make sure that it is what was meant, and waive this with a reason",
                )


@rule(Severity.WARNING)
def lookalike_inside(facts: Facts, review: Review) -> Iterator[Remark]:
    """Its name looks like that of another project of the same house.

    Of the two it is told of the one that fewer files of the house ask for.
    """
    for other in sorted({one.project for one in review.facts}):
        if looks_like(facts.project, other) and _asked_for(facts.project, review) <= _asked_for(other, review):
            yield f"its name looks like `{other}`, which is in the house, too", "make sure that both are meant"


def _asked_for(project: NormalizedName, review: Review) -> int:
    return sum(project in one.pin.needs for one in review.facts)
