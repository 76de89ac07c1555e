"""Builds: what an sdist wants of its build, as of which day, and what can be read from the log of one that failed (pure).

Sources: PEP 517 and 518 (`[build-system]`, and what stands where it is missing).
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.model.lock import Lock, Pin
from wheelhouse.model.metadata import Metadata
from wheelhouse.model.requirements import Line, parse_file, parse_line
from wheelhouse.model.target import Platform, Python

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0", "wheel")


@dataclass(frozen=True, slots=True)
class BuildSystem:
    """What an sdist's `[build-system]` says."""

    requires: tuple[str, ...] = LEGACY_REQUIRES
    backend: str = LEGACY_BACKEND
    backend_path: tuple[str, ...] = ()


def build_system(pyproject: str | None, sdist: str) -> BuildSystem:
    """Read pyproject.toml's `[build-system]`; without one, or without a backend in it, setuptools builds (PEP 517).

    Raises IntegrityError naming the sdist, for what cannot be read.
    """
    try:
        table: dict[str, Any] | None = tomllib.loads(pyproject or "").get("build-system")
        if table is None:
            return BuildSystem()
        requires = tuple(map(str, table["requires"]))
        backend = table.get("build-backend")
        return BuildSystem(
            requires=requires if backend else (*requires, *LEGACY_REQUIRES),
            backend=str(backend or LEGACY_BACKEND),
            backend_path=tuple(map(str, table.get("backend-path", ()))),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"the pyproject.toml of `{sdist}` cannot be read: {error!r}") from error


# As of their day

SETUPTOOLS_FLOORS = (((3, 12), Version("66.1.0")), ((3, 9), Version("42.0.2")), ((3, 0), Version("40.8.0")))
"""The oldest setuptools that has PEP 517 and builds under a Python, from that minor release on, newest first.

Measured with twenty releases under Pythons 3.9 to 3.13: below 42 html.parser fails, below 66.1 pkgutil.ImpImporter.
"""


def setuptools_floor(python: Python) -> Version:
    """The oldest setuptools that can build under a Python."""
    minor = python.version.release[:2]
    return next(floor for since, floor in SETUPTOOLS_FLOORS if minor >= since)


def newest_asked(lock: Lock) -> datetime | None:
    """When the newest of the artifacts asked for was uploaded: not the newest of all that they led to."""
    asked = {parse_line(text).project for text in lock.inputs.requirements}
    times = [pin.origin.upload_time for pin in lock.pins if pin.project in asked]
    return max((moment for moment in times if moment), default=None)


def end_of_day(moment: datetime) -> datetime:
    """The first moment of the day after, in UTC."""
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def build_lines(requires: Iterable[str], sdist: str) -> tuple[Line, ...]:
    """Build requirements as lines."""
    return tuple(parse_line(text, f"the build of {sdist}") for text in dict.fromkeys(requires))


def constraint_lines(text: str, source: str) -> tuple[Line, ...]:
    """A constraints file that names no other. Raises InputError."""

    def nested(name: str, named_by: str) -> tuple[str, str]:
        raise InputError(
            f"{named_by} names `{name}`, which cannot be followed here", hint="write its lines into the file itself"
        )

    return tuple(parse_file(text, source, nested, constraints=True).constraints)


# Why a build failed


@dataclass(frozen=True, slots=True)
class Reason:
    """What a log tells: a sentence, and what to do. `debian` names the package that has what is missing."""

    sentence: str
    hint: str
    debian: str | None = None


AGES = (
    (
        re.compile(r"use_2to3 is invalid|error in \S+ setup command: use_2to3"),
        "it wants `use_2to3`, which setuptools dropped in 58.0",
        "build it as of an earlier day: --build-uploaded-prior-to 2021-09-04",
    ),
    (
        re.compile(r"Cython\.Compiler\.Errors\.CompileError|Error compiling Cython file"),
        "its sources are not for this Cython: 3.0 reads them differently",
        "build it as of an earlier day: --build-uploaded-prior-to 2023-07-17, or --build-constraint 'cython<3'",
    ),
    (
        re.compile(r"module 'pkgutil' has no attribute 'ImpImporter'"),
        "its build requirements want `pkgutil.ImpImporter`, which Python 3.12 dropped",
        "build it as of a later day: --build-uploaded-prior-to 2023-10-02",
    ),
    (
        re.compile(r"No module named '(?:distutils|imp)(?:\.\w+)*'"),
        "it wants a module that Python 3.12 dropped",
        "choose a newer release of it, or add --build-constraint 'setuptools>=66.1' where its build has an older one",
    ),
)
"""What a failure of age looks like, what it means, and which cutoff to try."""

HEADERS = {
    "Python.h": "python3-dev",
    "boost/": "libboost-dev",
    "bzlib.h": "libbz2-dev",
    "cairo": "libcairo2-dev",
    "cups/": "libcups2-dev",
    "curl/": "libcurl4-openssl-dev",
    "ffi.h": "libffi-dev",
    "gdal": "libgdal-dev",
    "geos_c.h": "libgeos-dev",
    "gssapi": "libkrb5-dev",
    "hdf5.h": "libhdf5-dev",
    "jpeglib.h": "libjpeg-dev",
    "krb5": "libkrb5-dev",
    "lber.h": "libldap2-dev",
    "ldap.h": "libldap2-dev",
    "leveldb/": "libleveldb-dev",
    "libpq-fe.h": "libpq-dev",
    "librdkafka/": "librdkafka-dev",
    "libxml/": "libxml2-dev",
    "libxslt/": "libxslt1-dev",
    "lzma.h": "liblzma-dev",
    "magic.h": "libmagic-dev",
    "my_config.h": "default-libmysqlclient-dev",
    "mysql": "default-libmysqlclient-dev",
    "openssl/": "libssl-dev",
    "sasl": "libsasl2-dev",
    "snappy": "libsnappy-dev",
    "sql.h": "unixodbc-dev",
    "sqlext.h": "unixodbc-dev",
    "sqlite3.h": "libsqlite3-dev",
    "sybdb.h": "freetds-dev",
    "systemd/": "libsystemd-dev",
    "uuid/": "uuid-dev",
    "xmlsec/": "libxmlsec1-dev",
    "yaml.h": "libyaml-dev",
    "zlib.h": "zlib1g-dev",
}
"""How a C header's name begins → the Debian package that has it."""

PROGRAMS = {
    "c++": "g++",
    "cargo": "cargo",
    "cc": "gcc",
    "clang": "clang",
    "cmake": "cmake",
    "curl-config": "libcurl4-openssl-dev",
    "g++": "g++",
    "gcc": "gcc",
    "gdal-config": "libgdal-dev",
    "geos-config": "libgeos-dev",
    "gfortran": "gfortran",
    "git": "git",
    "krb5-config": "libkrb5-dev",
    "make": "make",
    "mariadb_config": "libmariadb-dev",
    "meson": "meson",
    "mysql_config": "default-libmysqlclient-dev",
    "ninja": "ninja-build",
    "pg_config": "libpq-dev",
    "pkg-config": "pkg-config",
    "rustc": "rustc",
    "swig": "swig",
    "xml2-config": "libxml2-dev",
    "xslt-config": "libxslt1-dev",
}
"""A program that builds call → the Debian package that has it."""

LIBRARIES = {
    "crypto": "libssl-dev",
    "lber": "libldap2-dev",
    "ldap": "libldap2-dev",
    "ldap_r": "libldap2-dev",
    "mysqlclient": "default-libmysqlclient-dev",
    "odbc": "unixodbc-dev",
    "pq": "libpq-dev",
    "sasl2": "libsasl2-dev",
    "ssl": "libssl-dev",
    "xml2": "libxml2-dev",
    "xslt": "libxslt1-dev",
    "z": "zlib1g-dev",
}
"""A library as the linker calls it → the Debian package that has it."""

NO_HEADER = re.compile(r"(?:fatal error: |error: ')([\w./+-]+\.h(?:pp)?)'?:? (?:No such file|file not found)")
NO_LIBRARY = re.compile(r"cannot find -l([\w+-]+)")
_PROGRAM = "|".join(re.escape(name) for name in sorted(PROGRAMS, key=len, reverse=True))
NO_PROGRAM = re.compile(
    rf"(?:^|[\s'\"`/:-])({_PROGRAM})(?:['\"`]?: (?:command )?not found|['\"`]? executable not found"
    rf"|['\"`]?: No such file|['\"]? failed: No such file|['\"] is required)"
    rf"|No such file or directory: ['\"](?:/usr/bin/)?({_PROGRAM})['\"]"
    rf"|command ['\"](?:[\w-]+-linux-gnu-)?({_PROGRAM})['\"] failed: No such file",
    re.MULTILINE,
)
OTHER = (
    (
        re.compile(r"Can not find valid pkg-config name"),
        "the MySQL client's files are missing",
        "default-libmysqlclient-dev pkg-config",
    ),
    (
        re.compile(r"can't find Rust compiler|Rust not found|cargo, the Rust package manager"),
        "`rustc` is missing",
        "cargo",
    ),
    (re.compile(r"Unable to find .*Kerberos|krb5-config: not found"), "Kerberos' files are missing", "libkrb5-dev"),
    (
        re.compile(r"libxml2 and libxslt development packages"),
        "libxml2 and libxslt are missing",
        "libxml2-dev libxslt1-dev",
    ),
)


def reasons(log: str) -> tuple[Reason, ...]:
    """What the log of a failed build tells of why: age, then what this machine lacks. Empty where nothing is recognised."""
    found = [*_ages(log), *_missing(log)]
    return tuple(dict.fromkeys(found))


def _ages(log: str) -> Iterator[Reason]:
    for pattern, sentence, hint in AGES:
        if pattern.search(log):
            yield Reason(sentence, hint)


def _missing(log: str) -> Iterator[Reason]:
    for header in NO_HEADER.findall(log):
        yield _lacks(
            f"the header `{header}`", next((HEADERS[start] for start in HEADERS if header.startswith(start)), None)
        )
    for program in (next(filter(None, names)) for names in NO_PROGRAM.findall(log)):
        yield _lacks(f"the program `{program}`", PROGRAMS[program])
    for library in NO_LIBRARY.findall(log):
        yield _lacks(f"the library `{library}`", LIBRARIES.get(library))
    for pattern, sentence, package in OTHER:
        if pattern.search(log):
            yield Reason(sentence, f"on Debian: apt-get install {package}", package)


def _lacks(what: str, package: str | None) -> Reason:
    hint = f"on Debian: apt-get install {package}" if package else "install what has it"
    return Reason(f"{what} is missing", hint, package)


# What a wheel that was built must be


def unmet(lock: Lock, metadata: Mapping[NormalizedName, Metadata]) -> tuple[str, ...]:
    """What built wheels ask for that a lock does not hold, each as a sentence. `metadata` are theirs, by project."""
    pins = {pin.project: pin for pin in lock.pins}
    wanted = (
        (pins[project], requirement)
        for project, found in metadata.items()
        for extra in ("", *pins[project].extras)
        for requirement, _ in found.requirements(lock.target, extra, lock.inputs.adjustments)
    )
    return tuple(
        f"{pin.project} {pin.version}, once built, asks for `{requirement}`"
        for pin, requirement in wanted
        if not _holds(pins.get(canonicalize_name(requirement.name)), requirement)
    )


def _holds(pin: Pin | None, requirement: Requirement) -> bool:
    if pin is None or not requirement.specifier.contains(pin.version, prereleases=True):
        return False
    return {canonicalize_name(extra) for extra in requirement.extras} <= set(pin.extras)


def satisfied(lock: Lock, requires: Iterable[str]) -> bool:
    """Whether a lock holds all that these requirements ask for on its target."""
    pins = {pin.project: pin for pin in lock.pins}
    lines = [parse_line(text) for text in requires]
    return all(
        _holds(pins.get(line.project), line.requirement)
        for line in lines
        if lock.target.applies(line.requirement.marker)
    )


def too_new(glibc: tuple[int, ...] | None, platform: Platform) -> str | None:
    """Why a wheel whose symbols ask for this glibc cannot be loaded on a platform, in a few words; None where it can."""
    match = re.match(r"manylinux_(\d+)_(\d+)_", platform.tag)
    if glibc is None or match is None or glibc <= (int(match[1]), int(match[2])):
        return None
    needed = ".".join(map(str, glibc))
    return f"its symbols ask for glibc {needed}, and the target has {match[1]}.{match[2]}"
