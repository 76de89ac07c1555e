"""The C library, the Python and the distribution of an image, read from its files (pure).

Nothing is run: glibc and CPython hold their version as text in the binary, musl in its loader.
"""

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from wheelhouse.target.image import Image

LIBC = re.compile(r"(?:usr/)?lib(?:64|32)?/(?:[a-z0-9_]+-linux-gnu[a-z0-9]*/)?(?:libc\.so\.6|libc-2\.\d+\.so)")
MUSL = re.compile(r"(?:usr/)?lib/ld-musl-[a-z0-9_]+\.so\.1")
PREFIXES = ("usr/local", "usr/python", "opt/python", "usr")
"""Where images have their Python, the first that counts first: python's own, Airflow's, hardened ones, Debian's."""
PREFIX = "|".join(PREFIXES)
PROGRAM = re.compile(rf"(?:{PREFIX})/bin/python3(?:\.\d+t?)?")
LIBRARY = re.compile(rf"(?:{PREFIX})/lib/(?:[a-z0-9_]+-linux-gnu[a-z0-9]*/)?libpython3\.\d+[mt]?\.so\.1\.0")
RELEASE = re.compile(r"(?:etc|usr/lib)/os-release")
GLIBC_VERSION = re.compile(rb"GNU C Library [^\n]*? version (2\.\d{1,2})\b")
GLIBC_NAME = re.compile(r"libc-(2\.\d{1,2})\.so")
MUSL_VERSION = re.compile(rb"\0(1\.\d{1,2})\.\d{1,3}(?:-git[\w.-]*)?\0")
MAX_LINKS = 8


@dataclass(frozen=True, slots=True)
class RootFile:
    """A file of an image, or a link: `target` is what a link leads to, as it is written."""

    content: bytes = b""
    target: str = ""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image holds; `image` is None if it has neither glibc nor musl, `distribution` empty without an os-release."""

    image: Image | None
    distribution: str = ""


def is_telling(path: str) -> bool:
    """Whether `facts_of` needs the file of this path (without a leading slash): a C library, a Python, its library or an os-release."""
    return any(pattern.fullmatch(path) for pattern in (LIBC, MUSL, PROGRAM, LIBRARY, RELEASE))


def facts_of(files: Mapping[str, RootFile]) -> ImageFacts:
    """The facts of an image, from the files that `is_telling` chose, by path; glibc counts before musl.

    Without either, its Python is not stated.
    """
    libc = _glibc(files) or _musl(files)
    return ImageFacts(Image(libc, _python(files)) if libc else None, _distribution(files))


def _glibc(files: Mapping[str, RootFile]) -> str | None:
    """The first part of a platform tag, `manylinux_2_36`, by the first path of a glibc with a version; None without one."""
    for path in sorted(files):
        if LIBC.fullmatch(path):
            named = GLIBC_NAME.fullmatch(posixpath.basename(files[path].target or path))
            found = named or GLIBC_VERSION.search(files[path].content)
            if found:
                version = found[1].decode() if isinstance(found[1], bytes) else found[1]
                return f"manylinux_{version.replace('.', '_')}"
    return None


def _musl(files: Mapping[str, RootFile]) -> str | None:
    """The first part of a platform tag, `musllinux_1_2`, by the loader of musl; None without one."""
    for path, file in sorted(files.items()):
        if MUSL.fullmatch(path) and (found := MUSL_VERSION.search(file.content)):
            return f"musllinux_{found[1].decode().replace('.', '_')}"
    return None


def _python(files: Mapping[str, RootFile]) -> str | None:
    """The version of the Python in the first of PREFIXES that has one: what `python3` links to, else the only one there.

    A prefix with several and no such link counts as one without. `3.12.4`, or `3.12` if its files do not state the patch
    release; None if no prefix has one. `python3.14t` does not count.
    """
    programs = sorted(path for path in files if PROGRAM.fullmatch(path))
    numbered = [path for path in programs if "." in posixpath.basename(path) and not path.endswith("t")]
    for folder in (f"{prefix}/bin" for prefix in PREFIXES):
        here = [path for path in numbered if posixpath.dirname(path) == folder]
        chosen = followed(f"{folder}/python3", files)
        chosen = chosen if chosen in numbered else (here[0] if len(here) == 1 else None)
        if chosen:
            minor = posixpath.basename(chosen).removeprefix("python")
            return _exact(minor, files, posixpath.dirname(chosen)) or minor
    return None


def followed(path: str, files: Mapping[str, RootFile]) -> str | None:
    """The path that a path leads to after all links, itself if it is no link; None if that is not among the files.

    MAX_LINKS links or more give None, too. A folder of the path that is a link is not followed.
    """
    for _ in range(MAX_LINKS):
        file = files.get(path)
        if file is None or not file.target:
            return path if file else None
        path = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), file.target)).lstrip("/")
    return None


def _exact(minor: str, files: Mapping[str, RootFile], folder: str) -> str | None:
    """The full version of a Python (`3.12.4`), from its library, else from its program; None if neither states exactly one.

    `Py_GetVersion` has it as a text of its own. `folder` is that of the program.
    """
    root = posixpath.dirname(folder)
    libraries = [path for path in files if LIBRARY.fullmatch(path) and path.startswith(f"{root}/lib/")]
    pattern = re.compile(rb"(?<![\d.])(" + re.escape(minor.encode()) + rb"\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)\+?\0")
    for path in (*(path for path in libraries if f"python{minor}" in path), f"{folder}/python{minor}"):
        file = files.get(path)
        versions = set(pattern.findall(file.content)) if file else set()
        if len(versions) == 1:
            return str(versions.pop().decode())
    return None


def _distribution(files: Mapping[str, RootFile]) -> str:
    """ID, VERSION_ID and VERSION_CODENAME of os-release (freedesktop.org): `debian 12 bookworm`.

    Those that are missing or no plain word are left out.
    """
    file = next(
        (files[path] for path in ("etc/os-release", "usr/lib/os-release") if files.get(path, RootFile()).content), None
    )
    values: dict[str, str] = {}
    for line in file.content.decode("utf-8", "replace").splitlines() if file else ():
        name, _, value = line.partition("=")
        try:
            values[name.strip()] = "".join(shlex.split(value))
        except ValueError:
            continue
    words = [values.get(name, "") for name in ("ID", "VERSION_ID", "VERSION_CODENAME")]
    return " ".join(word for word in words if re.fullmatch(r"[\w.-]{1,30}", word, re.ASCII))
