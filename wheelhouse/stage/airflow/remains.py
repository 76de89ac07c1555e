"""The steps of a release's image build that still need a network, and the option or mirror that helps (pure)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from packaging.version import Version

from wheelhouse.airflow.releases import Airflow


@dataclass(frozen=True, slots=True)
class Remainder:
    """One step that needs a network, in the releases from `since` up to `before`, which is excluded.

    It no longer does if the user gave `option`; `how` says what else helps. With `projects`, the step matters only to a
    wheelhouse that holds one of them. `in_whole` tells if it still does in a build whose base image and Debian packages are
    staged.
    """

    since: str
    before: str | None
    what: str
    option: str | None = None
    how: str | None = None
    projects: frozenset[str] = frozenset()
    in_whole: bool = False

    def applies(self, airflow: Airflow, options: Collection[str], projects: Collection[str], *, whole: bool) -> bool:
        """Whether the step still needs a network, with these options, and these projects in the wheelhouse."""
        if airflow.version < Version(self.since) or self.option in options or (whole and not self.in_whole):
            return False
        if self.before and airflow.version >= Version(self.before):
            return False
        return not self.projects or not self.projects.isdisjoint(projects)

    def __str__(self) -> str:
        remedies = [self.option and f"{self.option} settles it", self.how]
        return f"still wants a network: {self.what}; {', or '.join(filter(None, remedies))}"


REMAINDERS = (
    Remainder("2.0.0", None, "apt installs Debian packages, in two stages", "--apt-source LINE"),
    Remainder(
        "2.0.0",
        "2.4.0",
        "apt takes node and yarn from their makers' own repositories (since 2.3.4 only yarn)",
        how="pass --build-arg DEV_APT_COMMAND=true, and --build-arg DEV_APT_DEPS=… with what your mirror has",
    ),
    Remainder(
        "2.0.0",
        "2.1.0",
        "yarn builds Airflow's pages, and fetches what they are made of",
        how="name an npm mirror by ENV npm_config_registry in base.Dockerfile",
    ),
    Remainder(
        "2.0.0",
        None,
        "the MySQL client comes from its makers' repository, and its key from a key server",
        "--disable-mysql-client",
    ),
    Remainder(
        "2.2.0", None, "the MSSQL client comes from packages.microsoft.com", "--disable-mssql-client", in_whole=True
    ),
    Remainder("2.3.0", None, "the PostgreSQL client comes from apt.postgresql.org", "--disable-postgres-client"),
    Remainder(
        "2.5.0", None, "the Docker client comes from download.docker.com", how="let a mirror answer for that host"
    ),
    Remainder(
        "2.7.0",
        "2.8.0",
        "pip installs pymssql before it is told of the folder",
        "--disable-mssql-client",
        in_whole=True,
    ),
    Remainder(
        "3.1.0",
        None,
        "Python is compiled from its source at www.python.org, signed with a key from keys.openpgp.org",
        how="let mirrors answer for those hosts",
    ),
    Remainder(
        "3.0.3",
        None,
        "pip is told to take lxml and xmlsec as sdists, and so overlooks their wheels in the folder",
        how="leave out the extra that needs python3-saml",
        projects=frozenset({"lxml", "xmlsec"}),
        in_whole=True,
    ),
)


def remains(
    airflow: Airflow, options: Collection[str], projects: Collection[str], *, whole: bool = False
) -> Iterator[str]:
    """A sentence for each step that still needs a network. `whole`: base image and Debian packages are staged."""
    applying = (remainder for remainder in REMAINDERS if remainder.applies(airflow, options, projects, whole=whole))
    return map(str, applying)
