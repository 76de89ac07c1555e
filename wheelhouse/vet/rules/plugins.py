"""Rules about entry points by which other programs import a distribution: an observation for each group, or for a file (pure)."""

import re
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import COMMAND_GROUPS, Facts
from wheelhouse.vet.rules import Review, rule

BUILD_GROUPS = frozenset(("setuptools.finalize_distribution_options", "egg_info.writers", "setuptools.file_finders"))
"""Groups that setuptools runs in each build, whether the project that is built names the plugin or not."""
BUILD_COMMANDS = frozenset(
    """bdist bdist_egg bdist_wheel build build_clib build_ext build_py build_scripts develop dist_info editable_wheel egg_info
    install install_data install_egg_info install_headers install_lib install_scripts sdist""".split()  # noqa: SIM905
)
"""Commands of setuptools that an entry point of `distutils.commands` replaces in each build."""
BUILD_TOOLS = frozenset(
    """babel cython hatch-vcs incremental pbr pyscaffold scikit-build scikit-build-core setuptools setuptools-git
    setuptools-git-versioning setuptools-rust setuptools-scm vcs-versioning versioneer versioningit wheel""".split()  # noqa: SIM905
)
"""Projects that are there for builds."""
HOSTS: Mapping[str, str] = {
    r"pytest11": "pytest",
    r"airflow\..+|apache_airflow_provider": "Airflow",
    r"flask\.commands": "the command flask",
    r"opentelemetry_(distro|configurator|instrumentor|pre_instrument|post_instrument)": "opentelemetry-instrument",
    r"sphinx\.html_themes|sphinx\.builders|sphinx_.+": "Sphinx",
    r"mkdocs\..+": "MkDocs",
    r"flake8\.extension": "flake8",
    r"pylint\..+": "pylint",
    r"babel\..+": "pybabel",
    r"jupyter.*": "Jupyter",
    r"virtualenv\..+": "virtualenv",
    r"tox": "tox",
    r"nox.*": "nox",
    r"keyring\.backends": "keyring",
    r"pydantic": "pydantic",
    r"torch\.backends": "torch",
    r"numba_extensions": "Numba",
    r"networkx\.backend_info": "networkx",
    r"kombu\..+": "kombu",
    r"mlflow\..+": "MLflow",
    r"prefect\.collections": "Prefect",
    r"hypothesis": "Hypothesis",
    r"celery\..+": "Celery",
    r"hatch": "Hatch",
    r"poetry(\.application)?\.plugin": "Poetry",
    r"pdm(\..+)?": "PDM",
    r"twine\..+": "twine",
    r"conda": "conda",
    r"devpi_client": "devpi",
    r"pyinstaller40": "PyInstaller",
    r"datasette|llm": "Datasette",
}
"""Groups, as patterns, whose plugins their program imports each time it starts, with that program."""


@rule(Severity.NOTE)
def plugin_at_start(facts: Facts, review: Review) -> Iterator[Observation]:
    """Because of an entry point, a program of another project imports the file each time the program starts.

    Examples are pytest with the group `pytest11`, and Airflow with `airflow.plugins`. These programs import each installed
    plugin, even if nobody names it.
    """
    for group, objects in facts.entry_point_groups.items():
        if host := _host_of(group):
            yield observed(host=host, group=group, objects=tuple(objects.values()))


@rule(Severity.WARNING)
def plugin_in_builds(facts: Facts, review: Review) -> Iterator[Observation]:
    """In an environment with this file, each build with setuptools runs code of the file, even if another project is built.

    The rule reports entry points of `setuptools.finalize_distribution_options`, `egg_info.writers` and
    `setuptools.file_finders`. An entry point of `distutils.commands` is reported if it replaces a command of
    setuptools. Build tools are not reported.
    """
    if facts.project in BUILD_TOOLS:
        return
    for group, objects in facts.entry_point_groups.items():
        runs = {
            name: value
            for name, value in objects.items()
            if group in BUILD_GROUPS or (group == "distutils.commands" and name in BUILD_COMMANDS)
        }
        if runs:
            yield observed(group=group, objects=tuple(runs.values()))


@rule(Severity.NOTE)
def plugin(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution offers plugins to other programs, by entry points. These programs import a plugin if somebody names it."""
    groups = sorted(facts.entry_point_groups.keys() - {*COMMAND_GROUPS, *BUILD_GROUPS})
    if others := [group for group in groups if not (_host_of(group) or _is_own(group, facts))]:
        yield observed(groups=tuple(others))


def _host_of(group: str) -> str | None:
    """The program that imports the plugins of a group each time it starts; None if no such program is known."""
    return next((host for pattern, host in HOSTS.items() if re.fullmatch(pattern, group)), None)


def _is_own(group: str, facts: Facts) -> bool:
    """Whether a group is, up to its first dot, the name of the project, which then is the host of the plugins itself."""
    return canonicalize_name(group.partition(".")[0]) == facts.project
