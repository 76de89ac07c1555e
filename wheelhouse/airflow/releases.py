"""Airflow's releases as data: what the image build of each needs, and the names of its build arguments (pure).

Sources, with a run of the install steps of each line without network:
2.0.0 to 2.10.1 the Dockerfiles and scripts of the release tags; 2.10.2 to 2.10.5 only runs of the steps of 2.10.1;
3.0.0 to 3.1.0 those of the release tags; 3.1.5 the Dockerfile of the main branch of December 2025, whose default is 3.1.5;
3.2.0 pip and uv of the main branch between 3.2.0 and 3.3.0 (pull request 66057);
3.3.0 the Dockerfile of the main branch at commit 0060b1a446d0, whose default is 3.3.0 (pull request 69480), read and built whole.
No Dockerfile of 2.11 or 3.2 was found, and none newer than that of 3.3.0 but its script install_os_dependencies.sh, in which the
image has a flavour, `hardened` (Python from the base image) or `legacy` (compiled).

A new release is a new entry in CHANGES with what is new in it. A release that is in no entry is treated like the newest entry
before it. Where Airflow's own Dockerfile is at hand, it is read instead (`own_dockerfile`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.errors import InputError
from wheelhouse.humanize import shortened

PROJECT = NormalizedName("apache-airflow")
NEWEST_OF_LINE = {
    (2, 0): "2.0.2",
    (2, 1): "2.1.4",
    (2, 2): "2.2.5",
    (2, 3): "2.3.4",
    (2, 4): "2.4.3",
    (2, 5): "2.5.3",
    (2, 6): "2.6.3",
    (2, 7): "2.7.3",
    (2, 8): "2.8.4",
    (2, 9): "2.9.3",
    (2, 10): "2.10.5",
    (3, 0): "3.0.6",
    (3, 1): "3.1.5",
    (3, 3): "3.3.0",
}
"""Line → its newest release that the recipes were checked with. A line that is not here is known by its neighbours alone."""
MODES = ("constraints", "constraints-no-providers", "constraints-source-providers")
CLIENTS = {"mysql": ("mysql",), "mssql": ("microsoft-mssql", "mssql"), "postgres": ("postgres",)}
"""Database clients that the image can leave out → the extras that need them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a release's image is built. The `…_argument` are names of its Dockerfile's arguments; None if it has no such one.

    `tools` are the unpinned requirements that the build installs beside pip and uv, `besides` the projects that its scripts
    install although no metadata require them. `pip_conf`: the build copies `pip.conf` from the folder; if not, it also runs
    pip in the final stage, which does not have the folder. `globs` match the files that the from-context step installs as
    Airflow and its providers; 2.0.0 has none, and its step does nothing unless the folder holds a `.tar.gz`. `renames`:
    Airflow's own file must be renamed there, because that step asks an index or uses no constraints. `literal_rename` is
    the effect of the rename in the documentation of 2.0.1. `copies` are paths that the Dockerfile copies from its checkout.
    """

    debian: str
    pip: str
    uv: str | None = None
    tools: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    clients: tuple[str, ...] = ("mysql",)
    compiles_python: bool = False
    pip_conf: bool = False
    dotted_extras: bool = True
    copies: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    renames: bool = False
    literal_rename: str = "fails: pip refuses the name (`Invalid requirement`)"
    pip_argument: str = "AIRFLOW_PIP_VERSION"
    version_argument: str = "AIRFLOW_VERSION_SPECIFICATION"
    python_argument: str | None = None
    context_argument: str = "INSTALL_FROM_DOCKER_CONTEXT_FILES"
    index_argument: str | None = "INSTALL_FROM_PYPI"
    in_context_argument: str | None = None
    folder_argument: str | None = None
    constraints_argument: str | None = None
    flags_argument: str | None = None
    eager_argument: str | None = None
    pre_cache_argument: str | None = "AIRFLOW_PRE_CACHED_PIP_PACKAGES"


TWO_GLOBS = ("apache?airflow?[0-9]*", "apache?airflow?providers*")
THREE_GLOBS = (
    "apache?airflow?[0-9]*",
    "apache?airflow?core?[0-9]*",
    "apache?airflow?providers*",
    "apache?airflow?task?sdk*",
    "apache?airflow?airflowctl*",
)
GLOBS_SINCE_3_3 = (*THREE_GLOBS[:-1], "apache?airflow?ctl*")
FIRST = Recipe(
    debian="buster",
    pip="20.2.4",
    pip_argument="PIP_VERSION",
    version_argument="AIRFLOW_INSTALL_VERSION",
    python_argument="PYTHON_MAJOR_MINOR_VERSION",
)
CHANGES: Mapping[str, dict[str, Any]] = {
    "2.0.1": {
        "pip_argument": "AIRFLOW_PIP_VERSION",
        "globs": TWO_GLOBS,
        "renames": True,
        "besides": ("azure-storage-blob", "azure-storage-file"),
        "literal_rename": "ends without an error, but the image has no Airflow",
    },
    "2.0.2": {"version_argument": "AIRFLOW_VERSION_SPECIFICATION", "python_argument": None, "besides": ()},
    "2.1.0": {"pip": "21.1.1"},
    "2.1.2": {"pip": "21.1.2"},
    "2.1.3": {"pip": "21.2.2"},
    "2.1.4": {"pip": "21.2.4"},
    "2.2.0": {"clients": ("mysql", "mssql")},
    "2.2.4": {"pip": "21.3.1", "pip_conf": True},
    "2.3.0": {
        "debian": "bullseye",
        "pip": "22.0.4",
        "clients": tuple(CLIENTS),
        "context_argument": "INSTALL_PACKAGES_FROM_CONTEXT",
        "index_argument": None,
        "in_context_argument": "AIRFLOW_IS_IN_CONTEXT",
        "folder_argument": "DOCKER_CONTEXT_FILES",
    },
    "2.3.1": {"pip": "22.1.0", "eager_argument": "EAGER_UPGRADE_ADDITIONAL_REQUIREMENTS"},
    "2.3.2": {"pip": "22.1.2"},
    "2.3.4": {
        "pip": "22.2.2",
        "in_context_argument": None,
        "flags_argument": "ADDITIONAL_PIP_INSTALL_FLAGS",
        "literal_rename": "installs nothing from the folder, and then asks the index for Airflow",
    },
    "2.4.3": {"pip": "22.3"},
    "2.5.0": {"pip": "22.3.1"},
    "2.6.0": {"pip": "23.1.1"},
    "2.6.1": {"pip": "23.1.2"},
    "2.7.0": {"pip": "23.2.1", "eager_argument": None},
    "2.7.1": {"renames": False, "constraints_argument": "USE_CONSTRAINTS_FOR_CONTEXT_PACKAGES"},
    "2.7.3": {"pip": "23.3.1"},
    "2.8.0": {"debian": "bookworm"},
    "2.8.1": {"pip": "23.3.2"},
    "2.8.2": {"pip": "24.0"},
    "2.9.0": {"uv": "0.1.28", "tools": ("packaging",), "dotted_extras": False},
    "2.9.1": {"uv": "0.1.35"},
    "2.9.2": {"uv": "0.2.2"},
    "2.9.3": {"pip": "24.1.2", "uv": "0.2.22"},
    "2.10.0": {"pip": "24.2", "uv": "0.2.34"},
    "2.10.1": {"uv": "0.4.1"},
    "3.0.0": {
        "pip": "25.0.1",
        "uv": "0.6.13",
        "tools": ("packaging", "pre-commit", "pre-commit-uv"),
        "globs": THREE_GLOBS,
        "context_argument": "INSTALL_DISTRIBUTIONS_FROM_CONTEXT",
        "constraints_argument": "USE_CONSTRAINTS_FOR_CONTEXT_DISTRIBUTIONS",
        "pre_cache_argument": None,
    },
    "3.0.5": {"tools": ("packaging", "pre-commit", "pre-commit-uv", "prek")},
    "3.1.0": {"pip": "25.2", "uv": "0.8.22", "tools": ("packaging", "prek"), "compiles_python": True},
    "3.1.5": {"pip": "25.3", "uv": "0.9.18"},
    "3.2.0": {"pip": "26.0.1", "uv": "0.11.8"},
    "3.3.0": {"pip": "26.1.2", "uv": "0.11.29", "globs": GLOBS_SINCE_3_3, "copies": ("scripts/docker/keys/",)},
}


def _recipes() -> dict[Version, Recipe]:
    """The recipe of 2.0.0 and of each release in CHANGES: that of the release before, with its changes."""
    recipes = {Version("2.0.0"): FIRST}
    for since, changes in CHANGES.items():
        recipes[Version(since)] = replace(recipes[max(recipes)], **changes)
    return recipes


RECIPES = _recipes()
"""By the first release that is built this way."""


@dataclass(frozen=True, slots=True)
class OwnRecipe:
    """What Airflow's own Dockerfile says: its recipe, the Debian packages of each list, its text, and how messages name it.

    `lists` is empty if its packages could not be read. `python` is the Python that it takes by itself, such as `3.13.14`,
    and `release` the newest release when it was written: that of a release's own tag is often the one before.
    """

    recipe: Recipe
    lists: Mapping[str, tuple[str, ...]]
    text: str
    what: str
    python: str | None = None
    release: str = ""


@dataclass(frozen=True, slots=True)
class Airflow:
    """One release of Airflow, 2.0.0 or newer. `own` is what the Dockerfile of its build says, if that one was read."""

    version: Version
    own: OwnRecipe | None = None

    @classmethod
    def parse(cls, text: str) -> "Airflow":
        """Read `--airflow`. Raises InputError for a text that is no version, and for a release before 2.0.0."""
        try:
            version = Version(text)
        except ValueError as error:  # no version, or a number with more digits than Python reads
            sentence = f"`{shortened(text)}` is not a version of Airflow"
            raise InputError(sentence, hint="write --airflow 2.10.5") from error
        return cls.of(version)

    @classmethod
    def of(cls, version: Version) -> "Airflow":
        """The release with this version. Raises InputError for one before 2.0.0."""
        if version < (oldest := min(RECIPES)):
            raise InputError(f"Airflow {version} is older than {oldest}, the first release that wheelhouse knows")
        return cls(version)

    @property
    def final(self) -> Version:
        """The final release of its version: 3.0.0 for 3.0.0rc1, whose image is built like that one's."""
        return Version(self.version.base_version)

    @property
    def recipe(self) -> Recipe:
        """How its image is built: as `own` says, else by the newest entry of RECIPES that is not newer than `final`."""
        return self.own.recipe if self.own else RECIPES[max(since for since in RECIPES if since <= self.final)]

    @property
    def doubt(self) -> str | None:
        """A sentence why its recipe may be wrong.

        None if `own` was read, or if NEWEST_OF_LINE has its line, with this release or a newer one.
        """
        newest = NEWEST_OF_LINE.get((self.version.major, self.version.minor))
        if self.own or (newest and self.version <= Version(newest)):
            return None
        line = f"{self.version.major}.{self.version.minor}"
        if newest:
            return f"Airflow {self.version} is newer than {newest}, the newest release of Airflow {line} that wheelhouse knows"
        before = Airflow(max(since for since in map(Version, NEWEST_OF_LINE.values()) if since < self.version))
        others = [tool for tool in self.tools if tool not in before.tools]
        but = f", but with {' and '.join(others)}" if others else ""
        return f"wheelhouse knows no release of Airflow {line}, so it treats Airflow {self.version} like {before.version}{but}"

    @property
    def debian(self) -> str:
        """The Debian release of its image, such as `bookworm`."""
        return self.recipe.debian

    @property
    def tools(self) -> tuple[str, ...]:
        """The requirements that the build itself installs: pip, and uv if it has uv, pinned, then the recipe's tools."""
        recipe = self.recipe
        return (f"pip=={recipe.pip}", *((f"uv=={recipe.uv}",) if recipe.uv else ()), *recipe.tools)

    def base_image(self, python: str) -> str:
        """The name of the image that its build starts from, for a Python such as `3.12`: Debian's if the build compiles Python."""
        recipe = self.recipe
        return f"debian:{recipe.debian}-slim" if recipe.compiles_python else f"python:{python}-slim-{recipe.debian}"

    def whole_base_image(self, python: str) -> str:
        """The name of the official image that has this Python, on the Debian release of the build."""
        return f"python:{python}-slim-{self.recipe.debian}"

    def constraints_file(self, mode: str, python: str) -> str:
        """The path of this release's constraints in the folder `constraints/` of the project: `airflow-2.10.5/constraints-3.12.txt`."""
        return f"airflow-{self.version}/{mode}-{python}.txt"

    def constraints_url(self, mode: str, python: str, base: str) -> str:
        """The address below `base` where Airflow publishes this release's constraints."""
        return f"{base.rstrip('/')}/constraints-{self.version}/{mode}-{python}.txt"


def release_of(pins: Mapping[NormalizedName, Version]) -> Airflow | None:
    """The release of Airflow among a lock's pins; None if there is none. Raises InputError for one before 2.0.0."""
    version = pins.get(PROJECT)
    return Airflow.of(version) if version is not None else None


def without_clients(extras: Iterable[str], clients: Iterable[str]) -> list[str]:
    """The extras, as spelled and in order, without those that need one of these database clients."""
    dropped = {extra for client in clients for extra in CLIENTS.get(client, ())}
    return [extra for extra in extras if canonicalize_name(extra) not in dropped]
