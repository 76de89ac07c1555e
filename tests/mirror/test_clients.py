"""Real pips of five years, and uv, install a wheelhouse with --require-hashes: over nginx, from `serve`, from a `file:` address."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.real import need_index, wheelhouse_connected
from tests.support.served import nginx, serving
from tests.support.tools import clean_environment, uv, wheelhouse
from wheelhouse.verify.verify import load_wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]

PIPS = ("22.0.4", "23.0.1", "24.0", "25.3", "26.3")
EVERYTHING = {"app", "lib", "quick", "six_like", "old", "local", "raw"}
pytestmark = [pytest.mark.index, pytest.mark.parametrize("over", ["nginx", "serve", "file"])]


@pytest.fixture(scope="module")
def places(small_wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The same wheelhouse in three places."""
    folder = tmp_path_factory.mktemp("places")
    assert wheelhouse("index", small_wheelhouse, "-o", "tree", cwd=folder).returncode == 0
    with nginx(folder / "tree", folder / "nginx") as over_nginx, serving(small_wheelhouse) as from_serve:
        yield {
            "nginx": f"{over_nginx}/",
            "serve": f"{from_serve}/simple/",
            "file": f"{(folder / 'tree').as_uri()}/",
        }


@pytest.fixture(scope="module")
def pips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheelhouse of each pip."""
    need_index()
    folder = tmp_path_factory.mktemp("pips")
    for version in PIPS:
        options = ("--python", "3.11", "--dest", f"H-{version}")
        wheelhouse_connected("fetch", f"pip=={version}", *options, cwd=folder, cache=folder / "cache")
    return folder


def installed(folder: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in folder.glob("*.dist-info")}


def listed(house: Path) -> str:
    return str(house / load_wheelhouse(house).locks[0].requirements_filename)


@pytest.mark.parametrize("version", PIPS)
def test_every_pip_installs_it(
    small_wheelhouse: Path, places: dict[str, str], pips: Path, tmp_path: Path, over: str, version: str
) -> None:
    program = pips / f"H-{version}" / f"pip-{version}-py3-none-any.whl" / "pip"
    options = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries=0", "--require-hashes")
    command = [sys.executable, "-I", str(program), "install", *options, "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--index-url", places[over], "-r", listed(small_wheelhouse), "--target", str(tmp_path / "site")],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert installed(tmp_path / "site") == EVERYTHING


def test_uv_installs_it(small_wheelhouse: Path, places: dict[str, str], tmp_path: Path, over: str) -> None:
    options = ("--index-url", places[over], "--require-hashes", "-r", listed(small_wheelhouse))
    done = uv("pip", "install", "--python", sys.executable, *options, "--target", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert installed(tmp_path / "site") == EVERYTHING
