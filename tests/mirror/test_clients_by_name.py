"""Clients install by name, with no hashes, what states its name in another form than the normal one: `Flask_Thing`, `Jinja2`.

pip 22.3 to 23.1.2 compare the name that they asked for with the name in the metadata, letter by letter, where a page promises
metadata under the older key (PEP 714). Pythons 3.8 to 3.10 ship with such a pip, so that these tests need no network.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.pythons import find_python
from tests.support.sampled import sampled
from tests.support.served import http_server, nginx, serving
from tests.support.tools import pip, run, uv, wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]

WANTED = "Flask_Thing"
INSTALLED = {"flask-thing==1.0", "jinja2==2.0", "zope-dotted==1.0"}
PLACES = ("http.server", "nginx", "serve", "file")
SHIPPED = ("3.7", "3.9", "3.10", "3.13")
QUIET = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries=0")
BUNDLED = (
    "import ensurepip, pathlib; print(pathlib.Path(ensurepip.__file__).parent / '_bundled'); print(ensurepip.version())"
)


@pytest.fixture(scope="module")
def tree(named_wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by-name")
    made = wheelhouse("index", named_wheelhouse, "-o", "tree", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "tree"


@pytest.fixture(params=PLACES)
def index_url(request: pytest.FixtureRequest, named_wheelhouse: Path, tree: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the same wheelhouse's index: a static one over two servers and none, and `wheelhouse serve`."""
    if request.param == "file":
        yield f"{tree.as_uri()}/"
    elif request.param == "serve":
        with serving(named_wheelhouse) as url:
            yield f"{url}/simple/"
    else:
        server = http_server(tree) if request.param == "http.server" else nginx(tree, tmp_path / "nginx")
        with server as url:
            yield f"{url}/"


def installed(folder: Path) -> set[str]:
    """What a folder holds, as `name==version` in normal form."""
    return {f"{canonicalize_name(found.name)}=={found.version}" for found in distributions(path=[str(folder)])}


def test_pages_promise_metadata_under_the_newer_key_alone(tree: Path) -> None:
    pages = [page.read_text() for project in tree.iterdir() if project.is_dir() for page in project.glob("index.*")]
    assert len(pages) == 2 * len(INSTALLED)
    assert all("core-metadata" in page for page in pages)
    assert not any("dist-info-metadata" in page for page in pages)


@pytest.mark.parametrize("client", sampled(["uv", "pip"], 1))
def test_this_pip_and_uv_install_by_name(index_url: str, tmp_path: Path, client: str) -> None:
    options = ("--index-url", index_url, "--target", tmp_path / "site", WANTED)
    done = pip("install", *options) if client == "pip" else uv("pip", "install", "--python", sys.executable, *options)
    assert done.returncode == 0, done.stderr
    assert installed(tmp_path / "site") == INSTALLED


@pytest.mark.interpreters
@pytest.mark.parametrize("python", SHIPPED)
def test_the_pip_that_ships_with_a_python_installs_by_name(index_url: str, tmp_path: Path, python: str) -> None:
    interpreter = find_python(python)
    if interpreter is None:
        pytest.skip(f"no Python {python} on this machine")
    told = run(interpreter, "-I", "-c", BUNDLED)
    if told.returncode:
        pytest.skip(f"this Python {python} ships with no pip: {told.stderr[-200:]}")
    bundled, version = told.stdout.split("\n")[:2]
    program = Path(bundled) / f"pip-{version}-py3-none-any.whl" / "pip"
    options = ("--index-url", index_url, "--target", tmp_path / "site", WANTED)
    done = run(interpreter, "-I", program, "install", *QUIET, *options)
    assert done.returncode == 0, f"pip {version}: {done.stderr}"
    assert installed(tmp_path / "site") == INSTALLED
