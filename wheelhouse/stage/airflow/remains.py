"""The steps of a release's image build that still need a network, and the option or mirror that helps (pure).

If Airflow's own Dockerfile was read, it decides which of them it has; what it asks for besides is listed with its line.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from packaging.version import Version

from wheelhouse.airflow.releases import Airflow, OwnRecipe
from wheelhouse.dockerfile.dockerfile_syntax import parse_dockerfile
from wheelhouse.dockerfile.network_needs import network_needs
from wheelhouse.stage.dockerfile_settling import WHAT

SCRIPTS = re.compile(r"^FROM scratch as scripts", re.MULTILINE | re.IGNORECASE)


KEYS = "docker/keys/"
"""The folder with the keys of other repositories, in checkouts since 3.3."""


def _with(other: str, mark: str) -> str:
    """The pattern of a text that has both patterns, in any order."""
    return rf"\A(?=[\s\S]*{other})[\s\S]*{mark}"


@dataclass(frozen=True, slots=True)
class Remainder:
    """One step that needs a network, in the releases from `since` up to `before`, which is excluded.

    A Dockerfile that brings its scripts, as all do since 2.3.0, has the step if the pattern `mark` is found in it; without a
    mark, the release decides. The step needs none if the user gave `option`; `how` says what else helps. With `projects`, it
    matters only to a wheelhouse that holds one of them. `in_whole` tells if it still needs one in a build whose base image and
    Debian packages are staged.
    """

    since: str
    before: str | None
    what: str
    mark: str | None
    option: str | None = None
    how: str | None = None
    projects: frozenset[str] = frozenset()
    in_whole: bool = False

    def applies(self, airflow: Airflow, options: Collection[str], projects: Collection[str], *, whole: bool) -> bool:
        """Whether the step still needs a network, with these options, and these projects in the wheelhouse. With `whole`, the base image
        and the Debian packages are staged.
        """
        if not self._has_step(airflow) or self.option in options or (whole and not self.in_whole):
            return False
        return not self.projects or not self.projects.isdisjoint(projects)

    def _has_step(self, airflow: Airflow) -> bool:
        """Whether the release's build has the step: by its mark, if Airflow's own Dockerfile was read with its scripts; else by version."""
        if airflow.own and self.mark and SCRIPTS.search(airflow.own.text):
            return re.search(self.mark, airflow.own.text) is not None
        is_before = self.before is None or airflow.final < Version(self.before)
        return is_before and airflow.final >= Version(self.since)

    def __str__(self) -> str:
        remedies = [self.option and f"{self.option} solves this", self.how]
        return f"still needs a network: {self.what}; {', or '.join(filter(None, remedies))}"


REMAINDERS = (
    Remainder("2.0.0", None, "apt installs Debian packages, in two stages", "apt-get install", "--apt-source LINE"),
    Remainder(
        "2.0.0",
        "2.4.0",
        "apt installs node and yarn from the repositories of their makers (since Airflow 2.3.4, only yarn)",
        r"dl\.yarnpkg\.com|deb\.nodesource\.com",
        how="pass --build-arg DEV_APT_COMMAND=true, and --build-arg DEV_APT_DEPS=… with the packages that your mirror has",
    ),
    Remainder(
        "2.0.0",
        "2.1.0",
        "to build the web pages of Airflow, yarn downloads packages",
        None,
        how="set ENV npm_config_registry in base.Dockerfile to an npm mirror",
    ),
    Remainder(
        "2.0.0",
        "3.3.0",
        "the MySQL client comes from the repository of its makers, and the key of this repository comes from a key server",
        rf"\A(?![\s\S]*{KEYS})[\s\S]*install_mysql",
        "--disable-mysql-client",
    ),
    Remainder(
        "3.3.0",
        None,
        "the MySQL client comes from archive.mariadb.org",
        _with(KEYS, "install_mysql"),
        "--disable-mysql-client",
    ),
    Remainder(
        "2.2.0",
        None,
        "the MSSQL client comes from packages.microsoft.com",
        "install_mssql",
        "--disable-mssql-client",
        in_whole=True,
    ),
    Remainder(
        "2.3.0",
        None,
        "the PostgreSQL client comes from apt.postgresql.org",
        "install_postgres",
        "--disable-postgres-client",
    ),
    Remainder(
        "2.5.0",
        None,
        "the Docker client comes from download.docker.com",
        r"download\.docker\.com",
        how="set up a mirror that answers under the name of that host",
    ),
    Remainder(
        "2.7.0",
        "2.8.0",
        "pip installs pymssql before the build tells pip to use the folder",
        "pip install [^\n]*pymssql",
        "--disable-mssql-client",
        in_whole=True,
    ),
    Remainder(
        "3.1.0",
        "3.3.0",
        "Python is compiled from its source at www.python.org; the key that signed this source comes from "
        "keys.openpgp.org",
        _with(r"keys\.openpgp\.org", r"www\.python\.org/ftp"),
        how="set up mirrors that answer under the names of those hosts",
    ),
    Remainder(
        "3.3.0",
        None,
        "Python is compiled from its source at www.python.org; since Python 3.11, cosign from github.com checks "
        "this source",
        _with("sigstore/cosign", r"www\.python\.org/ftp"),
        how="set up mirrors that answer under the names of those hosts",
    ),
    Remainder(
        "3.3.0",
        None,
        "rustup and its toolchain come from static.rust-lang.org",
        r"static\.rust-lang\.org",
        how="set up a mirror that answers under the name of that host",
    ),
    Remainder(
        "3.0.3",
        None,
        "the build tells pip to install lxml and xmlsec from sdists, so pip ignores their wheels in the folder",
        "--no-binary lxml",
        how="leave out the extra that needs python3-saml",
        projects=frozenset({"lxml", "xmlsec"}),
        in_whole=True,
    ),
)
COVERED = re.compile(
    r"dl\.yarnpkg\.com|deb\.nodesource\.com|download\.docker\.com|www\.python\.org|keys\.openpgp\.org|github\.com/sigstore"
    r"|static\.rust-lang\.org|packages\.microsoft\.com|www\.postgresql\.org|apt\.postgresql\.org|\$\{keyserver\}"
    r"|(?:archive|downloads?)\.mariadb\.|repo\.mysql\.com|\$\{?AIRFLOW_CONSTRAINTS_LOCATION|/docker-context-files/"
    r"|raw\.githubusercontent\.com/.*constraints|github\.com/[^/]+/[^/]+/archive/|dl\.google\.com/go|nodejs\.org/dist|packages\.adoptium\.net"
)
"""What the steps above ask for, constraints and sources that the build arguments leave out, what only a CI image installs."""
OTHER_KINDS = (
    "address",
    "copied-image",
    "download",
    "git",
    "key-server",
    "npm",
    "rpm",
    "apk",
    "conda",
    "image",
    "other",
)
"""The kinds of needs that no step above covers: apt, pip and uv have their settings."""
WITH_SUBJECT = ("npm", "download", "key-server")
"""Of these kinds, one without a subject is Airflow's own: yarn for its pages, constraints at an empty location."""


def remains(
    airflow: Airflow,
    options: Collection[str],
    projects: Collection[str],
    replaced: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """A sentence for each step that still needs a network, once if several stages have it.

    `replaced` are the scripts, by name, that take the place of the Dockerfile's own in a build whose base image and Debian
    packages are staged; None for any other build.
    """
    for remainder in REMAINDERS:
        if remainder.applies(airflow, options, projects, whole=replaced is not None):
            yield str(remainder)
    if airflow.own:
        yield from dict.fromkeys(_others(airflow.own, replaced or {}))


def _others(own: OwnRecipe, replaced: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each need, of a kind in OTHER_KINDS, of Airflow's own Dockerfile that no step above covers."""
    needs = network_needs(parse_dockerfile(own.text, own.what), replaced=replaced)
    asked = (need for need in needs if need.kind in OTHER_KINDS)
    for need in asked:
        subjects = [subject for subject in need.subjects if not COVERED.search(subject)]
        if subjects or (not need.subjects and need.kind not in WITH_SUBJECT):
            what = WHAT[need.kind].format(", ".join(subjects) or "something")
            yield f"still needs a network: {own.what}, line {need.line}: {what}"
