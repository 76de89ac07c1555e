"""What sdists are built with: fetched without running them, locked in `build/`, staged in `tools/`, and enough with no network."""

import os
import shutil
import sys
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.sandboxes import MINOR, needs_any_sandbox
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.build.build_requirements import end_of_day
from wheelhouse.verify.inner_folders import list_inner_folders

FOLDER = "docker-context-files"
BACKEND = """\
import zipfile
import helper

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = helper.NAME + "-1.0-py3-none-any.whl"
    held = {
        "made.py": "with_ = " + repr(helper.VERSION) + "\\n",
        helper.NAME + "-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: " + helper.NAME + "\\nVersion: 1.0\\n",
        helper.NAME + "-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = helper.NAME + "-1.0.dist-info/RECORD"
    rows = "".join(path + ",,\\n" for path in [*held, record])
    with zipfile.ZipFile(folder + "/" + name, "w") as archive:
        for path, text in [*held.items(), (record, rows)]:
            archive.writestr(path, text)
    return name
"""


def backend(folder: Path, version: str = "1.0") -> Path:
    """A wheel of a build backend; the sdists that it builds are named `app`."""
    text = (
        BACKEND.replace("import helper\n", "").replace("helper.NAME", "'app'").replace("helper.VERSION", repr(version))
    )
    return build_wheel(folder, "maker", version, files={"maker_backend.py": text.encode()})


def app(folder: Path, requires: str = '"maker"') -> Path:
    """An sdist that only `maker` can build, and that says so when its own code runs anywhere else."""
    project = f'[build-system]\nrequires = [{requires}]\nbuild-backend = "maker_backend"\n'
    return build_sdist(folder, "app", "1.0", metadata_version="2.1", pyproject=project)


@pytest.fixture
def index(tmp_path: Path):
    (tmp_path / "offered").mkdir()
    with IndexServer(tmp_path / "offered") as server:
        yield server


def fetch(index: IndexServer, tmp_path: Path, *more: str) -> str:
    done = wheelhouse("fetch", "app", "--python", MINOR, "--index", index.url, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stderr


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def own(lock: Path, project: str) -> dict:
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]
    return next(one for one in packages if one["name"] == project)["tool"]["wheelhouse"]


def top(tmp_path: Path) -> Path:
    (lock,) = (tmp_path / "wheels").glob("pylock.*.toml")
    return lock


def test_what_an_sdist_is_built_with_is_fetched_and_a_second_run_changes_nothing(
    index: IndexServer, tmp_path: Path
) -> None:
    index.add(backend(tmp_path))
    index.add(app(tmp_path))
    fetch(index, tmp_path)
    house = tmp_path / "wheels"
    named = own(top(tmp_path), "app")["build-lock"]
    assert (house / "build" / named).is_file()
    assert (house / "build/maker-1.0-py3-none-any.whl").is_file()
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    before = files(house)
    count = len(index.requests)
    fetch(index, tmp_path)
    assert files(house) == before
    assert len(index.requests) == count


def test_setuptools_is_fetched_with_the_wheel_that_its_older_releases_ask_for(
    index: IndexServer, tmp_path: Path
) -> None:
    index.add(build_wheel(tmp_path, "setuptools", "69.0"))
    index.add(build_wheel(tmp_path, "wheel", "0.45"))
    index.add(build_sdist(tmp_path, "app", "1.0", metadata_version="2.1", setup_py="raise SystemExit('it was run')\n"))
    fetch(index, tmp_path)
    names = {path.name for path in (tmp_path / "wheels/build").glob("*.whl")}
    assert names == {"setuptools-69.0-py3-none-any.whl", "wheel-0.45-py3-none-any.whl"}


def test_a_build_requirement_that_is_an_sdist_brings_its_own(index: IndexServer, tmp_path: Path) -> None:
    index.add(backend(tmp_path))
    index.add(app(tmp_path, '"maker", "more"'))
    project = '[build-system]\nrequires = ["deep"]\nbuild-backend = "deep"\n'
    index.add(build_sdist(tmp_path, "more", "1.0", metadata_version="2.1", pyproject=project))
    index.add(build_wheel(tmp_path, "deep", "3.0"))
    fetch(index, tmp_path)
    build = tmp_path / "wheels/build"
    names = {path.name for path in build.iterdir() if path.suffix in (".whl", ".gz")}
    assert names == {"maker-1.0-py3-none-any.whl", "more-1.0.tar.gz", "deep-3.0-py3-none-any.whl"}
    wheelhouse("stage", cwd=tmp_path)
    tools = {path.name for path in (tmp_path / FOLDER / "tools").iterdir()}
    assert {name for name in tools if not name.startswith("pylock.")} == names


def test_what_is_on_no_index_is_said_once_and_asked_once(index: IndexServer, tmp_path: Path) -> None:
    index.add(app(tmp_path, '"nosuch"'))
    assert "app-1.0.tar.gz: its build requirements were not fetched: " in fetch(index, tmp_path)
    assert "nosuch" in own(top(tmp_path), "app")["build-lacks"]
    count = len(index.requests)
    assert "is not fetched" not in fetch(index, tmp_path)
    assert len(index.requests) == count
    staged = wheelhouse("stage", cwd=tmp_path)
    assert staged.returncode == 0
    assert (
        "app-1.0.tar.gz is an sdist: the image build will run setup code, and needs the build requirements of each sdist"
        in staged.stdout
    )


def test_a_staged_folder_builds_its_sdists_with_no_network(index: IndexServer, tmp_path: Path) -> None:
    index.add(backend(tmp_path))
    index.add(app(tmp_path))
    fetch(index, tmp_path)
    staged = wheelhouse("stage", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    folder = tmp_path / FOLDER
    assert "needs the build requirements of each sdist" not in staged.stdout
    assert (folder / "tools/maker-1.0-py3-none-any.whl").is_file()
    assert [path.name for path in folder.glob("*.whl")] == []
    assert wheelhouse("verify", FOLDER, cwd=tmp_path).returncode == 0
    settings = folder / "pip.conf"
    settings.write_text(settings.read_text(encoding="utf-8").replace(f"/{FOLDER}", str(folder)), encoding="utf-8")
    run(sys.executable, "-m", "venv", tmp_path / "environment")
    python = tmp_path / "environment/bin/python"
    (requirements,) = folder.glob("requirements.*.txt")
    done = run(
        *(python, "-m", "pip", "install", "--no-cache-dir", "--require-hashes", "-r", requirements),
        env={"PIP_CONFIG_FILE": str(settings), "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert run(python, "-c", "import made; print(made.with_)").stdout == "1.0\n"


@pytest.mark.rooms
@pytest.mark.parametrize("of", ["wheels", FOLDER])
def test_both_are_rehearsed(index: IndexServer, tmp_path: Path, of: str) -> None:
    needs_any_sandbox()
    index.add(backend(tmp_path))
    index.add(app(tmp_path))
    fetch(index, tmp_path)
    assert wheelhouse("stage", cwd=tmp_path).returncode == 0
    done = wheelhouse("rehearse", of, "--interpreter", sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_build_still_makes_the_wheel_and_drops_what_was_named_for_the_image(index: IndexServer, tmp_path: Path) -> None:
    needs_any_sandbox()
    index.add(backend(tmp_path))
    index.add(app(tmp_path))
    fetch(index, tmp_path)
    done = wheelhouse("build", "--interpreter", sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "build-lock" not in own(top(tmp_path), "app")
    assert len(list((tmp_path / "wheels/build").glob("pylock.*.toml"))) == 1
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    before = files(tmp_path / "wheels")
    fetch(index, tmp_path)
    assert files(tmp_path / "wheels") == before


def test_a_wheelhouse_without_build_says_what_the_image_lacks(index: IndexServer, tmp_path: Path) -> None:
    index.add(backend(tmp_path))
    index.add(app(tmp_path))
    fetch(index, tmp_path)
    shutil.rmtree(tmp_path / "wheels/build")
    list_inner_folders(tmp_path / "wheels")
    staged = wheelhouse("stage", cwd=tmp_path)
    assert "needs the build requirements of each sdist" in staged.stdout
    assert "build-lock" not in own(next((tmp_path / FOLDER).glob("pylock.*.toml")), "app")


def test_a_day_ends_at_midnight_in_utc_and_the_last_day_with_its_last_moment() -> None:
    east = timezone(timedelta(hours=5))
    assert end_of_day(datetime(2025, 1, 2, 3, tzinfo=east)) == datetime(2025, 1, 2, tzinfo=UTC)
    assert end_of_day(datetime(2025, 1, 2, 6, tzinfo=east)) == datetime(2025, 1, 3, tzinfo=UTC)
    assert end_of_day(datetime(9999, 12, 31, 10, tzinfo=UTC)) == datetime.max.replace(tzinfo=UTC)
