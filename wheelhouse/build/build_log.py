"""Why a build failed, as far as its log shows: too old a release, or something that this machine lacks (pure)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause recognised in a log: a sentence, and what to do. `debian` names the packages that have what is missing."""

    sentence: str
    hint: str
    debian: str | None = None


AGES = (
    (
        re.compile(r"use_2to3 is invalid|error in \S+ setup command: use_2to3"),
        "it uses `use_2to3`, which setuptools 58.0 removed",
        "build it with build requirements of an earlier day: --build-uploaded-prior-to 2021-09-04",
    ),
    (
        re.compile(r"Cython\.Compiler\.Errors\.CompileError|Error compiling Cython file"),
        "its sources do not compile with this Cython: Cython 3.0 reads them differently",
        "build it with build requirements of an earlier day: --build-uploaded-prior-to 2023-07-17, or --build-constraint 'cython<3'",
    ),
    (
        re.compile(r"module 'pkgutil' has no attribute 'ImpImporter'"),
        "its build requirements use `pkgutil.ImpImporter`, which Python 3.12 removed",
        "build it with build requirements of a later day: --build-uploaded-prior-to 2023-10-02",
    ),
    (
        re.compile(r"No module named '(?:distutils|imp)(?:\.\w+)*'"),
        "it uses a module that Python 3.12 removed",
        "choose a newer release of the project; or add --build-constraint 'setuptools>=66.1' if its build uses an older setuptools",
    ),
    (
        re.compile(
            r"(?i)\bfor python ?2(?:\.[0-7x])? only|\bonly (?:supports?|for|works? (?:on|with|under)) python ?2\b"
            r"|setup\.py\", line \d+\n(?:[^\n]*\n){1,2}SyntaxError: missing parentheses in call to 'print'"
        ),
        "it is for Python 2, and refuses Python 3",
        "leave out the project that requires this sdist: no Python 3 can install the sdist",
    ),
)
"""Patterns of failures due to the release's age, the cause of each, and the cutoff to try."""

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
"""Prefix of a C header's name → the Debian package that has it."""

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
"""A program that builds run → the Debian package that has it."""

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
"""A library's name for the linker → the Debian package that has it."""

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
    """The causes recognised in the log of a failed build, each once: age first, then what this machine lacks; empty if none is."""
    recognised = [*_ages(log), *_missing(log)]
    return tuple(dict.fromkeys(recognised))


def remedy(reasons: Iterable[Reason]) -> str | None:
    """What to do about several reasons: all Debian packages in one command, else the first reason's hint; None for no reasons."""
    listed = list(reasons)
    packages = sorted({name for reason in listed for name in (reason.debian or "").split()})
    return (
        f"on Debian: apt-get install {' '.join(packages)}"
        if packages
        else next((reason.hint for reason in listed), None)
    )


PIP_OUTPUT = re.compile(
    r"^ *Processing (?:\S*/)?(?P<archive>[^/\s]+)"
    r"|^ *× Building wheel for (?P<project>[\w.-]+)"
    r"|^ *× (?P<fetches>.*install\w* (?:backend|build) dependencies)"
    r"|\[\d+ lines of output\]\n(?P<log>.*?)^ *\[end of output\]",
    re.MULTILINE | re.DOTALL,
)
"""The lines that pip 22 and newer print around the log of a failed build."""


def pip_build_logs(output: str) -> dict[str, str]:
    """The log of each failed build in what pip printed, by the sdist's filename, or by its project where pip names that.

    Of several logs under one name the first counts. Build requirements that pip could not find do not count as a failed build.
    """
    logs: dict[str, str] = {}
    subject, fetches = "", False
    for match in PIP_OUTPUT.finditer(output):
        if log := match["log"]:
            if subject and not fetches:
                logs.setdefault(subject, log)
            fetches = False
        else:
            subject, fetches = match["archive"] or match["project"] or subject, bool(match["fetches"])
    return logs


def _ages(log: str) -> Iterator[Reason]:
    """Causes that come from an sdist that is too old for its build tools or for this Python."""
    for pattern, sentence, hint in AGES:
        if pattern.search(log):
            yield Reason(sentence, hint)


def _missing(log: str) -> Iterator[Reason]:
    """The headers, programs, libraries and other parts that a build did not find."""
    for header in NO_HEADER.findall(log):
        yield _missing_part(
            f"the header `{header}`", next((HEADERS[start] for start in HEADERS if header.startswith(start)), None)
        )
    for program in (next(filter(None, names)) for names in NO_PROGRAM.findall(log)):
        yield _missing_part(f"the program `{program}`", PROGRAMS[program])
    for library in NO_LIBRARY.findall(log):
        yield _missing_part(f"the library `{library}`", LIBRARIES.get(library))
    for pattern, sentence, package in OTHER:
        if pattern.search(log):
            yield Reason(sentence, f"on Debian: apt-get install {package}", package)


def _missing_part(what: str, package: str | None) -> Reason:
    """The cause that something is missing, with the Debian package that has it, if that is known."""
    hint = f"on Debian: apt-get install {package}" if package else "install the package that has it"
    return Reason(f"{what} is missing", hint, package)
