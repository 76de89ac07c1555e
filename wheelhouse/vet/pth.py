"""How Python reads a .pth file at its start: as site.py of 3.6 to 3.15 does (pure).

Up to 3.12, site.py splits at line ends alone, and a byte order mark is part of the first line. Since 3.13 it also splits at a
form feed and the other separators of `str.splitlines`, and leaves the mark out. A file is read in both ways here.
"""

import re

NAME = r"'[A-Za-z_][\w.]*'"
NAMESPACE_PTH = re.compile(
    rf"""import\ sys,\ types,\ os;(has_mfs\ =\ sys\.version_info\ >\ \(3,\ 5\);)?
    p\ =\ os\.path\.join\(sys\._getframe\(1\)\.f_locals\['sitedir'\],\ \*\(({NAME},?\ ?)+\)\);
    (importlib\ =\ (has_mfs\ and\ )?__import__\('importlib\.util'\);(has_mfs\ and\ )?__import__\('importlib\.machinery'\);
    m\ =\ (has_mfs\ and\ )?sys\.modules\.setdefault\({NAME},\ importlib\.util\.module_from_spec\(importlib\.machinery\.PathFinder
    \.find_spec\({NAME},\ \[os\.path\.dirname\(p\)\]\)\)\);m\ =\ m\ or\ sys\.modules\.setdefault\({NAME},\ types\.ModuleType\({NAME}\)\)
    |
    ie\ =\ os\.path\.exists\(os\.path\.join\(p,'__init__\.py'\)\);m\ =\ not\ ie\ and
    \ sys\.modules\.setdefault\({NAME},\ ?types\.ModuleType\({NAME}\)\));
    mp\ =\ \(m\ or\ \[\]\)\ and\ m\.__dict__\.setdefault\('__path__',\[\]\);\(p\ not\ in\ mp\)\ and\ mp\.append\(p\)
    (;m\ and\ setattr\(sys\.modules\[{NAME}\],\ {NAME},\ m\))?""",
    re.VERBOSE,
)
"""The line that setuptools wrote for namespace packages until release 69, in its three forms."""
DISTUTILS_PTH = re.compile(
    r"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os\.environ\.get\(var, '(local|stdlib)'\) == 'local'; "
    r"enabled and __import__\('_distutils_hack'\)(\.add_shim\(\))?; *"
)
"""The line of distutils-precedence.pth, a file of setuptools."""
RUNS = ("import ", "import\t")
LINE_END = re.compile(r"\r\n|\r|\n")


def pth_code_lines(text: str) -> list[str]:
    """The lines that some Python executes, as they are written: they begin with `import` and a blank or tab."""
    return [line for line in _lines(text) if line.startswith(RUNS)]


def pth_folders(text: str) -> list[str]:
    """The folders that some Python adds to sys.path, without blanks after them: absolute, or relative to site-packages.

    They are all lines but code, comments and empty ones; whether a folder exists is not known.
    """
    lines = (line.rstrip() for line in _lines(text) if not line.startswith(("#", *RUNS)))
    return [line for line in lines if line]


def is_setuptools_line(line: str) -> bool:
    """Whether it is a line that setuptools writes, for namespace packages or for distutils; the whole line is compared."""
    return bool(NAMESPACE_PTH.fullmatch(line) or DISTUTILS_PTH.fullmatch(line))


def _lines(text: str) -> list[str]:
    """The lines as 3.13 splits them, then those that only an older Python sees; its first line keeps a byte order mark.

    Lines that differ only by the mark are there once, without it. Empty lines are kept.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    seen = set(lines)
    return [*lines, *(line for line in LINE_END.split(text) if line.removeprefix("\ufeff") not in seen)]
