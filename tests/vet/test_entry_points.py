"""The rules about entry points and commands: plugins of other programs, and commands with the name of another."""

from collections.abc import Mapping

import pytest

from tests.support.made_facts import made, observations
from wheelhouse.findings import observed
from wheelhouse.vet.facts import Facts

HOSTS: dict[str, str] = {
    "pytest11": "pytest",
    "airflow.plugins": "Airflow",
    "apache_airflow_provider": "Airflow",
    "flask.commands": "the command flask",
    "opentelemetry_distro": "opentelemetry-instrument",
    "opentelemetry_pre_instrument": "opentelemetry-instrument",
    "sphinx.html_themes": "Sphinx",
    "sphinx.builders": "Sphinx",
    "sphinx_x": "Sphinx",
    "mkdocs.plugins": "MkDocs",
    "flake8.extension": "flake8",
    "pylint.x": "pylint",
    "babel.checkers": "pybabel",
    "jupyter": "Jupyter",
    "jupyter_serverproxy": "Jupyter",
    "virtualenv.activate": "virtualenv",
    "tox": "tox",
    "nox_x": "nox",
    "keyring.backends": "keyring",
    "pydantic": "pydantic",
    "torch.backends": "torch",
    "numba_extensions": "Numba",
    "networkx.backend_info": "networkx",
    "kombu.x": "kombu",
    "mlflow.x": "MLflow",
    "prefect.collections": "Prefect",
    "hypothesis": "Hypothesis",
    "celery.result_backends": "Celery",
    "hatch": "Hatch",
    "poetry.plugin": "Poetry",
    "poetry.application.plugin": "Poetry",
    "pdm": "PDM",
    "pdm.plugin": "PDM",
    "twine.registered_commands": "twine",
    "conda": "conda",
    "devpi_client": "devpi",
    "pyinstaller40": "PyInstaller",
    "datasette": "Datasette",
    "llm": "Datasette",
}
NO_HOSTS = ("pytest11x", "xpytest11", "airflow", "tox.env", "hatchling", "odd_plugins", "fsspec.specs")
BUILDS = ("egg_info.writers", "setuptools.file_finders", "setuptools.finalize_distribution_options")


def with_points(
    name: str, points: Mapping[str, Mapping[str, str]], *members: str, targets: tuple[str, ...] = ("t",)
) -> Facts:
    lines = (line for group, of in points.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in of.items())))
    path = f"{name.replace('-', '_')}-1.0.dist-info/entry_points.txt"
    return made(name, *members, texts={path: "\n".join(lines)}, targets=targets)


def test_a_plugin_is_told_with_the_program_that_imports_it_at_each_start() -> None:
    for group, host in HOSTS.items():
        odd = with_points("odd", {group: {"a": "odd:A", "b": "odd:B"}})
        assert observations("plugin-at-start", odd) == [observed(host=host, group=group, objects=("odd:A", "odd:B"))]
        assert observations("plugin", odd) == [], group
    others = with_points("odd", {group: {"a": "odd:A"} for group in NO_HOSTS})
    assert observations("plugin-at-start", others) == []
    assert observations("plugin", others) == [observed(groups=tuple(sorted(NO_HOSTS)))]


def test_a_plugin_of_the_project_s_own_group_or_a_command_is_none() -> None:
    commands = {"console_scripts": {"a": "odd:a"}, "gui_scripts": {"b": "odd:b"}}
    own = with_points(
        "odd-one", {**commands, "odd_one.plugins.x": {"a": "b"}, "Odd.One": {"a": "b"}, BUILDS[0]: {"a": "b"}}
    )
    assert observations("plugin", own) == [observed(groups=("Odd.One",))]
    assert observations("plugin", with_points("odd-one", {**commands, "odd_one": {"a": "b"}})) == []


COMMAND = {"distutils.commands": {"build_py": "odd:Build", "upload": "odd:Upload", "sdist": "odd:Sdist"}}


def test_what_runs_in_each_build_is_told() -> None:
    for group in BUILDS:
        odd = with_points("odd", {group: {"a": "odd:A", "sdist": "odd:B"}, "other.group": {"sdist": "odd:C"}})
        assert observations("plugin-in-builds", odd) == [observed(group=group, objects=("odd:A", "odd:B"))]
        assert observations("plugin-in-builds", with_points("setuptools-scm", {group: {"a": "odd:A"}})) == []
    replaced = [observed(group="distutils.commands", objects=("odd:Build", "odd:Sdist"))]
    assert observations("plugin-in-builds", with_points("odd", COMMAND)) == replaced
    assert observations("plugin-in-builds", with_points("odd", {"distutils.commands": {"upload": "odd:U"}})) == []


def test_scripts_are_told_once_each() -> None:
    names = ("odd-1.0.data/scripts/a", "odd-1.0.data/data/bin/b", "odd-1.0.data/data/bin/a", "odd/bin/c")
    assert observations("data-scripts", made("odd", *names)) == [observed(scripts=("a", "b"))]
    assert observations("data-scripts", with_points("odd", {"console_scripts": {"a": "b"}})) == []


SHADOWS = ("curl", "PYTHON3.12", "tar.exe", "ping.py", "ls.PYW", "pip3")
"""Commands of systems and of Python; two of them are commands only on Windows."""
OTHERS = ("odd", "curlew", "pythonista", "tar-odd")


def commands(name: str, *names: str, targets: tuple[str, ...] = ("linux-py312",)) -> Facts:
    return with_points(name, {"console_scripts": dict.fromkeys(names, "odd:main")}, targets=targets)


@pytest.mark.parametrize(
    ("targets", "shadows"),
    [
        (("py312-linux",), ("PYTHON3.12", "curl", "pip3", "tar.exe")),
        (("py312-linux", "py312-windows"), ("PYTHON3.12", "curl", "ping.py", "pip3", "tar.exe")),
        ((), ("PYTHON3.12", "curl", "ping.py", "pip3", "tar.exe")),
        (("windows",), ("PYTHON3.12", "curl", "pip3", "tar.exe")),
    ],
)
def test_commands_of_the_system_are_shadowed(targets: tuple[str, ...], shadows: tuple[str, ...]) -> None:
    odd = commands("odd", *OTHERS, *SHADOWS, targets=targets)
    assert observations("script-shadows", odd) == [observed(commands=shadows)]
    assert observations("script-shadows", commands("odd", *OTHERS, targets=targets)) == []


def test_installers_of_python_may_have_their_own_commands_alone() -> None:
    assert observations("script-shadows", commands("pip", "pip", "pip3")) == []
    assert observations("script-shadows", commands("pip", "pipx", "curl")) == [observed(commands=("curl", "pipx"))]
    assert observations("script-shadows", commands("curl", "curl")) == [observed(commands=("curl",))]


def test_commands_of_another_project_s_tool_are_shadowed() -> None:
    odd = commands("odd", "kubectl", "airflow.exe", "odd", "curl")
    assert observations("script-shadows-tool", odd) == [observed(commands=("airflow.exe", "kubectl"))]
    for owner in ("apache-airflow", "apache-airflow-core"):
        assert observations("script-shadows-tool", commands(owner, "airflow", "odd")) == []
    assert observations("script-shadows-tool", commands("ruff", "black")) == [observed(commands=("black",))]


def test_a_command_of_two_projects_is_told_for_each_other_project() -> None:
    one = commands("one", "b", "a", "c", "own")
    two, three = commands("two", "a", "b"), commands("three", "c")
    assert observations("command-twice", one, two, three) == [
        observed(other="two", commands=("a", "b")),
        observed(other="three", commands=("c",)),
    ]
    assert observations("command-twice", one, commands("one", "a")) == []
    assert observations("command-twice", one, commands("two", "a", targets=("other",))) == []
    both = commands("two", "a", targets=("other", "linux-py312"))
    assert observations("command-twice", one, both) == [observed(other="two", commands=("a",))]
