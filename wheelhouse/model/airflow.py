"""Airflow's releases as data: what each one's image build is made from, and how it spells what it takes.

Established by reading each release's Dockerfile and by running its install steps with no network. Every table maps the
first release that has a value to that value; `at` reads it. A release newer than the tables is taken for the newest known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from wheelhouse.errors import InputError

T = TypeVar("T")
PROJECT = NormalizedName("apache-airflow")
OLDEST, NEWEST_KNOWN = Version("2.0.0"), Version("3.1.5")
MODES = ("constraints", "constraints-no-providers", "constraints-source-providers")

DEBIAN = {"2.0.0": "buster", "2.3.0": "bullseye", "2.8.0": "bookworm"}
PIP = {
    "2.0.0": "20.2.4",
    "2.1.0": "21.1.1",
    "2.1.2": "21.1.2",
    "2.1.3": "21.2.2",
    "2.1.4": "21.2.4",
    "2.2.4": "21.3.1",
    "2.3.0": "22.0.4",
    "2.3.1": "22.1.0",
    "2.3.2": "22.1.2",
    "2.3.4": "22.2.2",
    "2.4.3": "22.3",
    "2.5.0": "22.3.1",
    "2.6.0": "23.1.1",
    "2.6.1": "23.1.2",
    "2.7.0": "23.2.1",
    "2.7.3": "23.3.1",
    "2.8.1": "23.3.2",
    "2.8.2": "24.0",
    "2.9.3": "24.1.2",
    "2.10.0": "24.2",
    "3.0.0": "25.0.1",
    "3.1.0": "25.2",
    "3.1.5": "25.3",
}
UV: dict[str, str | None] = {
    "2.0.0": None,
    "2.9.0": "0.1.28",
    "2.9.1": "0.1.35",
    "2.9.2": "0.2.2",
    "2.9.3": "0.2.22",
    "2.10.0": "0.2.34",
    "2.10.1": "0.4.1",
    "3.0.0": "0.6.13",
    "3.1.0": "0.8.22",
    "3.1.5": "0.9.18",
}
TOOLS = {"2.0.0": (), "2.9.0": ("packaging",), "3.0.0": ("packaging", "pre-commit"), "3.1.0": ("packaging", "prek")}
"""What the image build installs besides pip and uv, unpinned."""
FROM_CONTEXT = {
    "2.0.0": "INSTALL_FROM_DOCKER_CONTEXT_FILES",
    "2.3.0": "INSTALL_PACKAGES_FROM_CONTEXT",
    "3.0.0": "INSTALL_DISTRIBUTIONS_FROM_CONTEXT",
}
PRE_CACHE: dict[str, str | None] = {"2.0.0": "AIRFLOW_PRE_CACHED_PIP_PACKAGES", "3.0.0": None}
COMPILES_PYTHON = {"2.0.0": False, "3.1.0": True}
"""Whether the image compiles Python from source on a bare Debian, instead of starting from a python image."""


def at(table: Mapping[str, T], release: Version) -> T:
    """The table's value for a release: that of the last entry which is not newer."""
    return [value for since, value in table.items() if Version(since) <= release][-1]


@dataclass(frozen=True, slots=True)
class Airflow:
    """One release."""

    version: Version

    @classmethod
    def parse(cls, text: str) -> "Airflow":
        """Read `--airflow`. Raises InputError for what is no release since 2.0.0."""
        try:
            version = Version(text)
        except InvalidVersion as error:
            raise InputError(f"`{text}` is not a version of Airflow", hint="write --airflow 2.10.5") from error
        if version < OLDEST:
            raise InputError(f"Airflow {text} is older than {OLDEST}, the first that wheelhouse knows")
        return cls(version)

    @property
    def is_newer_than_known(self) -> bool:
        """Whether the tables were made before this release was."""
        return self.version > NEWEST_KNOWN

    @property
    def debian(self) -> str:
        """The Debian release that its image is built on."""
        return at(DEBIAN, self.version)

    @property
    def pip(self) -> str:
        """The pip version that its image build installs."""
        return at(PIP, self.version)

    @property
    def uv(self) -> str | None:
        """The uv version that its image build installs, if any."""
        return at(UV, self.version)

    @property
    def tools(self) -> tuple[str, ...]:
        """Requirements for what the image build itself installs."""
        pinned = (f"pip=={self.pip}", *((f"uv=={self.uv}",) if self.uv else ()))
        return pinned + at(TOOLS, self.version)

    @property
    def compiles_python(self) -> bool:
        """Whether the image compiles Python from source."""
        return at(COMPILES_PYTHON, self.version)

    def base_image(self, python: str) -> str:
        """The image that its build starts from, for a Python such as `3.12`."""
        return f"debian:{self.debian}-slim" if self.compiles_python else f"python:{python}-slim-{self.debian}"

    def constraints_file(self, mode: str, python: str) -> str:
        """Where the project's `constraints/` keeps this release's constraints."""
        return f"airflow-{self.version}/{mode}-{python}.txt"

    def constraints_url(self, mode: str, python: str, base: str) -> str:
        """Where Airflow publishes them: a tag's files, below `base`."""
        return f"{base.rstrip('/')}/constraints-{self.version}/{mode}-{python}.txt"


def release_of(pins: Mapping[NormalizedName, Version]) -> Airflow | None:
    """The Airflow release among a lock's pins, if any."""
    version = pins.get(PROJECT)
    return Airflow(version) if version is not None else None
