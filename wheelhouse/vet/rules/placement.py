"""Rules about paths, names and archives inside: an observation for a file, or for each other project with the same path (pure)."""

import re
from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.places import is_special
from wheelhouse.vet.rules import Review, declares_namespace, rule
from wheelhouse.vet.stdlib import BACKPORTS, STDLIB

COMMON_NAMES = frozenset(
    ("tests", "test", "testing", "docs", "doc", "examples", "example", "scripts", "benchmarks", "src", "build", "dist")
)
MARKS = ("/__init__.py", "/py.typed")
MAX_DECLARATION_BYTES = 1000
CODE = re.compile(r"\.(py|pyc|pyi|pth|start|so|pyd|dll|dylib)$|\.so\.\d")
INSTALLED_METADATA = re.compile(r"(?P<stem>[^/]+)\.(?P<kind>dist-info|egg-info|egg-link|egg)(?:/|$)", re.IGNORECASE)
FORMS_HIDDEN_BY = {
    "package": ("library", "module"),
    "library": ("module", "folder"),
    "module": ("folder",),
    "folder": (),
}
"""Which forms of a module, as in `Facts.top_modules`, nobody can import if another distribution has it in one form."""
ARCHIVE_KINDS = frozenset(("zip", "tar", "7z"))
COMPRESSED_KINDS = frozenset(("gzip", "bzip2", "xz", "zstd"))
TAR = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.[a-z0-9]+)$", re.IGNORECASE)
DOCUMENTS = re.compile(r"\.(npz|xls[xm]|docx|pptx|od[tsp]|epub|kmz|keras|pt|pth)$", re.IGNORECASE)
"""Formats that are zips, but are not unpacked by anybody."""


@rule(Severity.ERROR)
def overwrites(facts: Facts, review: Review) -> Iterator[Observation]:
    """Two distributions of the wheelhouse install different files at the same path.

    The order of the installs decides which of the two files remains. The finding is only a note for `__init__.py` of a
    package that both distributions declare as a namespace. `everybodys-name` reports packages such as `tests`.
    """
    yield from _shared(facts, review, same=False)


@rule(Severity.WARNING)
def shares_files(facts: Facts, review: Review) -> Iterator[Observation]:
    """Two distributions of the wheelhouse install a file with the same contents at the same path.

    If somebody uninstalls one distribution, the other loses the file. For `__init__.py` and `py.typed` of packages that
    several distributions share, the finding is only a note.
    """
    yield from _shared(facts, review, same=True)


def _shared(facts: Facts, review: Review, *, same: bool) -> Iterator[Observation]:
    """One observation for each other project that installs files at the same paths, on a target of both, with these paths.

    A path that several files of the other project install is there once for each of them.

    `same` asks for paths with the same contents, else for those with others. Common names such as `tests` are left out. It
    is a note if all paths are `__init__.py` or `py.typed`; those with other contents must also be small, in namespace
    packages.
    """
    by_project: dict[str, list[str]] = {}
    for path, entry in facts.installs.items():
        for other in review.shared_paths.get(path, ()):
            is_neighbour = other.project != facts.project and set(other.targets) & set(facts.targets)
            is_common = path.partition("/")[0] in COMMON_NAMES
            if is_neighbour and not is_common and (other.installs[path].digest == entry.digest) is same:
                by_project.setdefault(str(other.project), []).append(path)
    for project, paths in by_project.items():
        found = observed(other=project, paths=tuple(paths))
        are_marks = all(path.endswith(MARKS) for path in paths)
        sharing = [
            one for path in paths for one in review.shared_paths[path] if one.project in (facts.project, project)
        ]
        is_usual = are_marks and (same or all(_is_small_in_namespace(path, one) for path in paths for one in sharing))
        yield found.as_note() if is_usual else found


def _is_small_in_namespace(path: str, facts: Facts) -> bool:
    """Whether the file that a distribution installs at a path has at most 1000 bytes, and its top-level package is a namespace.

    A path that the distribution does not install counts as small.

    A package is a namespace if its `__init__.py` declares one, or if the distribution installs none.
    """
    top = f"{path.partition('/')[0]}/__init__.py"
    is_namespace = top not in facts.installs or declares_namespace(facts, top)
    return is_namespace and (path not in facts.installs or facts.installs[path].size <= MAX_DECLARATION_BYTES)


@rule(Severity.ERROR)
def intrudes(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs into a package of another project of the wheelhouse, or of a project in the policy's `lookalikes`.

    The owner of a package is the project that installs the package's `__init__.py`, or that has the same name as the
    package. Namespace packages have no owner. If the distribution's name begins with the owner's name, `extends`
    reports the distribution instead.
    """
    for owner, paths in _paths_of_others(facts, review):
        if not _is_part_of(facts.project, owner):
            yield observed(owner=str(owner), paths=tuple(paths))


@rule(Severity.NOTE)
def extends(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs into a package of a parent project, as `google-auth` installs into a package of `google`."""
    for owner, paths in _paths_of_others(facts, review):
        if _is_part_of(facts.project, owner):
            yield observed(owner=str(owner), count=len(paths))


def _is_part_of(project: str, owner: str) -> bool:
    """Whether a project's name begins with the owner's and a hyphen: `google-auth` is a part of `google`."""
    return project.startswith(f"{owner}-")


def _paths_of_others(facts: Facts, review: Review) -> Iterator[tuple[NormalizedName, list[str]]]:
    """The installed paths in modules of other projects, by owner. Common names and what is not in site-packages are left out."""
    by_owner: dict[NormalizedName, list[str]] = {}
    for path in facts.installs:
        is_nobodys = path.startswith("@") or path.partition("/")[0] in COMMON_NAMES
        owner = None if is_nobodys else _owner(path, facts, review)
        if owner and owner != facts.project:
            by_owner.setdefault(owner, []).append(path)
    yield from by_owner.items()


def _owner(path: str, facts: Facts, review: Review) -> NormalizedName | None:
    """The project into whose top-level module a path installs: a project of the policy's lookalikes, else the first owner by name.

    None if nobody is an owner, and for files at the top that are not code. Outside the policy's lookalikes, also None if the
    file's own project is one of the owners.
    """
    top, slash, _ = path.partition("/")
    if not slash and not CODE.search(top):
        return None
    module = top if slash else top.partition(".")[0]
    if (name := canonicalize_name(module)) in review.policy.lookalikes:
        return name
    owners = review.owners.get(module, frozenset((facts.project,)))
    return None if facts.project in owners else min(owners)


@rule(Severity.WARNING)
def stdlib_name(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs a module that has the name of a module of the standard library.

    Python imports the standard module first, unless somebody changes the order of sys.path. `stdlib-backport` reports known
    backports.
    """
    if taken := sorted(_stdlib_names(facts) - _backports(facts)):
        yield observed(modules=tuple(taken))


@rule(Severity.NOTE)
def stdlib_backport(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution brings a module of the standard library to older Python versions, as the project `dataclasses` does.

    The distribution is not needed if the target's Python has the module.
    """
    if taken := sorted(_stdlib_names(facts) & _backports(facts)):
        yield observed(modules=tuple(taken))


def _stdlib_names(facts: Facts) -> set[str]:
    """The standard modules whose names the file has at the top of site-packages: as a module that Python can import, or as a
    folder of any files.
    """
    folders = {path.partition("/")[0] for path in facts.installs if "/" in path}
    return (folders | facts.top_modules.keys()) & STDLIB


def _backports(facts: Facts) -> set[str]:
    """The modules of the standard library that this project is known to bring to older Pythons."""
    return {module for module, projects in BACKPORTS.items() if facts.project in projects}


@rule(Severity.WARNING)
def everybodys_name(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs a package with a common name, such as `tests` or `examples`.

    This is nearly always a mistake of the project. If no other distribution of the wheelhouse has a file at the same path,
    nothing is overwritten, so the finding is only a note.
    """
    tops = {path.partition("/")[0] for path in facts.installs if "/" in path} - {facts.project}
    if taken := sorted(tops & COMMON_NAMES):
        shared = [path for path in facts.installs if path.partition("/")[0] in taken and path in review.shared_paths]
        overwrites = any(other.project != facts.project for path in shared for other in review.shared_paths[path])
        found = observed(packages=tuple(taken))
        yield found if overwrites else found.as_note()


@rule(Severity.NOTE)
def stray_files(facts: Facts, review: Review) -> Iterator[Observation]:
    """At the top of site-packages, the distribution installs files that are not code."""
    strays = [path for path in facts.installs if "/" not in path and not CODE.search(path)]
    if strays:
        yield observed(paths=tuple(strays))


@rule(Severity.NOTE)
def data_files(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs files outside site-packages: headers, or files in `share/`."""
    usual, _ = _outside(facts)
    if usual:
        yield observed(count=len(usual), first=usual[0])


@rule(Severity.WARNING)
def data_files_elsewhere(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs files outside site-packages that are neither headers nor in `share/`: often settings or programs.

    The .data/data folder of a wheel is unpacked into the prefix (`/usr`, or the folder of a venv), for example into its
    `etc/`, `bin/` and `lib/`.
    """
    _, unusual = _outside(facts)
    if unusual:
        yield observed(paths=tuple(unusual))


def _outside(facts: Facts) -> tuple[list[str], list[str]]:
    """The installed paths outside site-packages, in two lists: in `share/` and of headers; all others.

    What is in `.data/scripts` is in neither, nor are special files outside `share/`, which other rules report. Paths of the
    first list begin with `data/` or `headers/`; those of the second are without `@data/`.
    """
    paths = [path for path in facts.installs if path.startswith("@") and not path.startswith("@scripts/")]
    usual = [path for path in paths if path.startswith(("@data/share/", "@headers/"))]
    unusual = [path for path in paths if path not in usual and not is_special(path)]
    return [path[1:] for path in usual], [path.removeprefix("@data/") for path in unusual]


@rule(Severity.WARNING)
def module_hidden(facts: Facts, review: Review) -> Iterator[Observation]:
    """Two distributions of the wheelhouse install the same module at different paths, such as `name.py` and `name/__init__.py`.

    Python prefers a package to a native library, and a native library to a `.py` file. The rule reports the
    distribution whose module Python imports. `overwrites` reports files at the same path.
    """
    for module, form in facts.top_modules.items():
        for other in review.module_installers.get(module, ()):
            other_form = other.top_modules[module]
            is_neighbour = other.project != facts.project and set(other.targets) & set(facts.targets)
            if is_neighbour and other_form in FORMS_HIDDEN_BY[form]:
                yield observed(other=str(other.project), module=module)


@rule(Severity.ERROR)
def poses_as(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs metadata of another project, or a second set of its own metadata, at the top of site-packages.

    pip and Python then treat the other project as installed, in a version that nobody chose, and run its entry
    points. If `.data` contains a `.dist-info` folder of the project, this folder replaces the metadata that a
    reviewer reads. The project's own `.egg-info` is not reported.
    """
    matches = [match for path in facts.installs if (match := INSTALLED_METADATA.match(path))]
    others = {
        match["stem"]
        for match in matches
        if match["kind"].lower() == "dist-info" or canonicalize_name(match["stem"].partition("-")[0]) != facts.project
    }
    if others:
        yield observed(names=tuple(sorted(others)))


@rule(Severity.WARNING)
def embedded_archive(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution contains an archive: a zip, wheel, jar, tar or 7z.

    wheelhouse does not look into the archive. Documents that are zips, such as `.docx` and `.npz`, are not reported.
    Python can import from a zip. If no archive is a zip, except for jars, and all others have the name of a tar, the
    finding is a note.
    """
    if archives := [entry for entry in _files(facts) if _holds_files(entry)]:
        found = observed(count=len(archives), paths=tuple(entry.name for entry in archives))
        yield found if any(map(_is_importable, archives)) else found.as_note()


@rule(Severity.NOTE)
def compressed_file(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution contains compressed files, mostly data for tests or for run time."""
    if streams := [
        entry.name for entry in _files(facts) if entry.kind in COMPRESSED_KINDS and not TAR.search(entry.name)
    ]:
        yield observed(count=len(streams), paths=tuple(streams))


def _files(facts: Facts) -> Iterator[Entry]:
    """The entries that are not empty, in the order of the archive."""
    return (entry for entry in facts.entries if entry.size)


def _holds_files(entry: Entry) -> bool:
    """Whether an entry is an archive: zip, 7z or tar by its contents, or a compressed file with the name of a tar.

    What is named as a document that is a zip, such as `.docx` and `.npz`, is none, whatever its contents.
    """
    if entry.kind in COMPRESSED_KINDS:
        return bool(TAR.search(entry.name))
    return entry.kind in ARCHIVE_KINDS and not DOCUMENTS.search(entry.name)


def _is_importable(entry: Entry) -> bool:
    """Whether Python may import from an archive, or its name hides what it is.

    That is a zip that is not named `.jar`, and any other archive that is not named as a tar.
    """
    if entry.kind == "zip":
        return not entry.name.lower().endswith(".jar")
    return not TAR.search(entry.name)
