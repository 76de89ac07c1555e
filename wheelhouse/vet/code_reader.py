"""The source files of a wheel or sdist that are followed: modules, scripts, .pth files, setup.py and what it imports (pure)."""

import re

from wheelhouse.vet.code.follow import Source
from wheelhouse.vet.code.source import MAX_SOURCE_BYTES
from wheelhouse.vet.facts import SCRIPTS, installed
from wheelhouse.vet.pth import is_setuptools_line, pth_code_lines

MAX_READ_BYTES = MAX_SOURCE_BYTES + 1
"""The most bytes of one source that are kept; one byte more than is parsed, so that a longer one is noticed."""
PYTHON_SCRIPT = re.compile(rb"#!.{0,200}python", re.IGNORECASE)
SUFFIX = re.compile(r"\.pyw?$")
"""How the names of modules in Python end; Windows also imports `.pyw`."""
IMPORTABLE = re.compile(r"[^.@]+")
FOLDER_OF_PACKAGES = re.compile(r"(?:src|lib|python)/")


def is_source(name: str, *, is_wheel: bool) -> bool:
    """Whether a member may be a source that is followed, by its name: `.py`, `.pyw`; in a wheel also a script or .pth file.

    A .pth file counts only where Python reads it, at the top of site-packages.
    """
    if SUFFIX.search(name):
        return True
    place = installed(name)
    return is_wheel and (place.startswith(SCRIPTS) or (place.endswith(".pth") and "/" not in place))


def source_of(name: str, data: bytes, *, is_wheel: bool) -> Source | None:
    """The Python source that a member of which `is_source` is true is; None if no import, start or install reaches it.

    None, too, for a script in another language, and a .pth file without code but that of setuptools.
    """
    return _of_wheel(name, data) if is_wheel else _of_sdist(name, data)


def _of_wheel(name: str, data: bytes) -> Source | None:
    """The source that a member of a wheel is: a Python script, a module, or the code lines of a .pth file; else None.

    `is_source` must be true of it: a .pth file of any folder counts here, and any name without a dot is a module. The lines
    of a .pth file that setuptools writes are left out.
    """
    place = installed(name)
    if place.endswith(".pth"):
        lines = [line for line in pth_code_lines(data.decode("utf-8", "replace")) if not is_setuptools_line(line)]
        return Source(name, f"{place}:", "\n".join(lines).encode(), runs=True) if lines else None
    if place.startswith(SCRIPTS):
        return (
            Source(name, f"{place}:", data, runs=True, is_script=True)
            if SUFFIX.search(name) or PYTHON_SCRIPT.match(data)
            else None
        )
    return _module(name, place, data)


def _of_sdist(name: str, data: bytes) -> Source | None:
    """setup.py, or the module that a member is by its place in the sdist's folder, or in `src/`, `lib/` or `python/` in it.

    None if no import can name the member, of which `is_source` must be true: here any name without a dot is a module.
    """
    place = name.partition("/")[2]
    if place == "setup.py":
        return Source(name, "setup", data, runs=True)
    folder = FOLDER_OF_PACKAGES.match(place)
    return _module(name, place[folder.end() :] if folder else place, data)


def _module(name: str, place: str, data: bytes) -> Source | None:
    """A module by its place in a folder of sys.path, a package for its `__init__.py`.

    None if a part of the place is empty or has a dot or `@`: no import can name it. `import_module` can name all others.
    Whether the place has a suffix of Python is not looked at.
    """
    parts = SUFFIX.sub("", place).split("/")
    is_package = parts[-1] == "__init__" and len(parts) > 1
    parts = parts[:-1] if is_package else parts
    return Source(name, ".".join(parts), data, is_package) if all(map(IMPORTABLE.fullmatch, parts)) else None
