"""The Debian packages that a release's image build installs, in the build stage and in the final image (pure).

Source: DEV_APT_DEPS, RUNTIME_APT_DEPS and the scripts that use them, in the Dockerfiles of the tags 2.3.0 to 2.10.1, and in those
of November 2025 (3.1.3) and of 3.3.0. A database client comes from Debian, and not from its maker's own repository.
"""

from collections.abc import Collection
from dataclasses import dataclass

from packaging.version import Version

from wheelhouse.airflow.releases import Airflow

FIRST = Version("2.3.0")
"""The first release whose Dockerfile brings its scripts in a stage of its own."""
FIRST_WITH_SCRIPT = Version("2.4.0")
"""The first whose packages are installed by install_os_dependencies.sh; before, the Dockerfile's own steps do it."""
ALWAYS = "apt-utils curl gnupg2 lsb-release"
"""What both stages install before their list."""
SINCE_3 = "ca-certificates wget"
DEVELOPMENT = """
apt-transport-https build-essential ca-certificates dirmngr freetds-bin freetds-dev krb5-user ldap-utils libffi-dev
libkrb5-dev libldap2-dev libsasl2-2 libsasl2-dev libsasl2-modules libssl-dev locales openssh-client sasl2-bin
software-properties-common sqlite3 sudo unixodbc unixodbc-dev
"""
RUNTIME = """
apt-transport-https ca-certificates curl dumb-init freetds-bin krb5-user ldap-utils libsasl2-2 libsasl2-modules locales
openssh-client rsync sasl2-bin sqlite3 sudo unixodbc python3-selinux
"""
BY_DEBIAN = {
    "bullseye": "libffi7 libldap-2.4-2 libssl1.1 netcat",
    "bookworm": "libffi8 libldap-2.5-0 libssl3 netcat-openbsd",
}
"""Debian release → what its final image has besides."""
DEVELOPMENT_3_1 = """
lcov libbluetooth-dev libbz2-dev libc6-dev libdb-dev libgdbm-compat-dev libgdbm-dev liblzma-dev libncurses5-dev
libreadline6-dev libsqlite3-dev libzstd-dev lzma lzma-dev openssl pkg-config tk-dev uuid-dev xz-utils
"""
CLIENTS = {
    "mysql": ("default-libmysqlclient-dev mariadb-client", "libmariadb3 mariadb-client"),
    "postgres": ("libpq-dev postgresql-client", "libpq5 postgresql-client"),
}
"""Database client → Debian's packages for it, in the build stage and in the final image. Debian has none for MSSQL."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What a release installs beyond the one before; names after `-` are removed."""

    since: str
    development: str = ""
    runtime: str = ""


CHANGES = (
    _Change("2.3.0", "gosu python3-selinux", "gosu"),
    _Change("2.4.0", "git graphviz graphviz-dev -python3-selinux"),
    _Change("2.5.1", "libleveldb-dev libleveldb1d"),
    _Change("2.6.2", "libgeos-dev"),
    _Change("2.6.3", "pkgconf", "libgeos-dev"),
    _Change("2.8.0", "libxmlsec1 libxmlsec1-dev", "libxmlsec1"),
    _Change("2.8.1", "zlib1g-dev"),
    _Change("2.8.3", "-gosu", "-gosu"),
    _Change("2.9.0", "libev-dev libev4", "libev4"),
    _Change("3.0.0", SINCE_3, f"{SINCE_3} git gnupg iputils-ping -python3-selinux"),
    _Change("3.1.0", f"{DEVELOPMENT_3_1} -software-properties-common"),
)


def apt_lists(airflow: Airflow, without: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """The names of Debian packages of the build stage (`development`) and of the final image (`runtime`), sorted.

    `without` are the database clients that the image leaves out; the packages of the other clients of its recipe are in it.
    The lists of Airflow's own Dockerfile count, if they were read; else the data here.
    """
    own = airflow.own.lists if airflow.own else {}
    development, runtime = (set(own["development"]), set(own["runtime"])) if own else _known_lists(airflow)
    for client in (name for name in CLIENTS if name not in without and name in airflow.recipe.clients):
        development |= set(CLIENTS[client][0].split())
        runtime |= set(CLIENTS[client][1].split())
    return {"development": tuple(sorted(development)), "runtime": tuple(sorted(runtime))}


def _known_lists(airflow: Airflow) -> tuple[set[str], set[str]]:
    """(development, runtime): the packages of a release without those of the database clients, by the data here."""
    development, runtime = set(f"{ALWAYS} {DEVELOPMENT}".split()), set(f"{ALWAYS} {RUNTIME}".split())
    for change in CHANGES:
        if airflow.final >= Version(change.since):
            development = _changed(development, change.development)
            runtime = _changed(runtime, change.runtime)
    return development, runtime | set(BY_DEBIAN.get(airflow.debian, "").split())


def _changed(names: set[str], change: str) -> set[str]:
    """The names after a change such as `libfoo -libbar`, which adds one and removes the other."""
    words = change.split()
    return (names | {word for word in words if not word.startswith("-")}) - {
        word[1:] for word in words if word.startswith("-")
    }
