"""Flask, Jinja2 and SQLAlchemy, from the real index, are installed by name by ten clients from a static index.

`python -m pytest -m index tests/mirror/test_clients_real.py -vv` prints a line for each client and place; each old pip runs under a
Python of its day. Nothing but the static index can be reached while a client runs.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.real import need_index, need_python, run_connected, wheelhouse_connected
from tests.support.served import http_server, nginx
from tests.support.tools import clean_environment, run, wheelhouse

pytestmark = [pytest.mark.index, pytest.mark.interpreters]

PROJECTS = ("Flask", "Jinja2", "SQLAlchemy")
PIPS = {"21.3": "3.9", "22.3.1": "3.10", "23.0.1": "3.10", "23.1.2": "3.11", "24.0": "3.12", "26.0": "3.13"}
PYTHON = "3.11"
TOOLS = ("poetry", "pipenv", "pex")
PLACES = ("nginx", "http.server", "file")
QUIET = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries=0")
IMPORTS = "import flask, jinja2, sqlalchemy; print(*map(lambda module: module.__name__, (flask, jinja2, sqlalchemy)))"
POETRY = """\
[project]
name = "app"
version = "0"
requires-python = ">=3.11,<3.12"
dependencies = ["Flask", "Jinja2", "SQLAlchemy"]
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "tree"
url = "{url}"
priority = "primary"
"""
PIPFILE = """\
[[source]]
name = "tree"
url = "{url}"
verify_ssl = true
[packages]
Flask = "*"
Jinja2 = "*"
SQLAlchemy = "*"
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static index of a wheelhouse for every Python that a client runs under."""
    need_index()
    folder = tmp_path_factory.mktemp("real")
    pythons = (option for minor in ("3.9", "3.10", "3.11", "3.12", "3.13") for option in ("--python", minor))
    wheelhouse_connected("fetch", *PROJECTS, *pythons, "--dest", "house", cwd=folder, cache=folder / "cache")
    made = wheelhouse("index", "house", "-o", "tree", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "tree"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each pip as a wheel, and with a virtual environment of each of the other clients."""
    need_index()
    folder = tmp_path_factory.mktemp("programs")
    for version, python in PIPS.items():
        options = ("--python", python, "--dest", f"pip-{version}")
        wheelhouse_connected("fetch", f"pip=={version}", *options, cwd=folder, cache=folder / "cache")
    python = need_python(PYTHON)
    for tool in TOOLS:
        run_connected(python, "-m", "venv", folder / tool)
        run_connected(folder / tool / "bin" / "pip", "install", "-q", tool)
    return folder


@pytest.fixture(params=PLACES)
def index_url(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"{tree.as_uri()}/"
    else:
        with nginx(tree, tmp_path / "nginx") if request.param == "nginx" else http_server(tree) as url:
            yield f"{url}/"


def installs(*command: str | Path, cwd: Path, **more: str) -> None:
    """Run a client that reaches this machine alone."""
    away = {f"{scheme}_PROXY": "http://127.0.0.1:9" for scheme in ("HTTP", "HTTPS", "ALL")}
    environment = clean_environment(**away, NO_PROXY="127.0.0.1", HOME=str(cwd), **more)
    done = run(*command, cwd=cwd, env=environment, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def imports(*python: str | Path, **more: str) -> None:
    done = run(*python, "-c", IMPORTS, env=clean_environment(**more))
    assert done.stdout.split() == ["flask", "jinja2", "sqlalchemy"], done.stderr


@pytest.mark.parametrize("version", PIPS)
def test_pip(version: str, index_url: str, programs: Path, tmp_path: Path) -> None:
    python = need_python(PIPS[version])
    program = programs / f"pip-{version}" / f"pip-{version}-py3-none-any.whl" / "pip"
    options = ("--index-url", index_url, "--target", tmp_path / "site")
    installs(python, "-I", program, "install", *QUIET, *options, *PROJECTS, cwd=tmp_path)
    imports(python, PYTHONPATH=str(tmp_path / "site"))


def uv(_: Path, index_url: str, folder: Path) -> tuple[str | Path, ...]:
    program, python = (sys.executable, "-I", "-m", "uv"), need_python(PYTHON)
    installs(*program, "venv", "--python", python, folder / ".venv", cwd=folder)
    options = ("--python", folder / ".venv", "--no-config", "--index-url", index_url)
    installs(*program, "pip", "install", *options, *PROJECTS, cwd=folder, UV_CACHE_DIR=str(folder / "cache"))
    return (folder / ".venv/bin/python",)


def poetry(programs: Path, index_url: str, folder: Path) -> tuple[str | Path, ...]:
    if index_url.startswith("file:"):
        pytest.skip("poetry reads no index from a file: address")
    (folder / "pyproject.toml").write_text(POETRY.format(url=index_url))
    settings = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "POETRY_CACHE_DIR": str(folder / "cache")}
    installs(programs / "poetry/bin/poetry", "install", "--no-interaction", cwd=folder, **settings)
    return (folder / ".venv/bin/python",)


def pipenv(programs: Path, index_url: str, folder: Path) -> tuple[str | Path, ...]:
    (folder / "Pipfile").write_text(PIPFILE.format(url=index_url))
    settings = {"PIPENV_VENV_IN_PROJECT": "1", "PIPENV_CACHE_DIR": str(folder / "cache"), "PIPENV_NOSPIN": "1"}
    installs(programs / "pipenv/bin/pipenv", "--python", need_python(PYTHON), "install", cwd=folder, **settings)
    return (folder / ".venv/bin/python",)


def pex(programs: Path, index_url: str, folder: Path) -> tuple[str | Path, ...]:
    options = ("--no-pypi", "--index-url", index_url, "--pex-root", folder / "root", "-o", folder / "app.pex")
    installs(programs / "pex/bin/pex", *PROJECTS, *options, cwd=folder)
    return (need_python(PYTHON), folder / "app.pex")


@pytest.mark.parametrize("client", [uv, poetry, pipenv, pex])
def test_other_clients(
    client: Callable[[Path, str, Path], tuple[str | Path, ...]], index_url: str, programs: Path, tmp_path: Path
) -> None:
    imports(*client(programs, index_url, tmp_path), PEX_ROOT=str(tmp_path / "root"))
