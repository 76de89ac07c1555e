"""On the real package index, with real pip and uv as oracles: the wheelhouses of issue-sized jobs are what those tools find."""

import json
import re
import shutil
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.support.checkout import ROOT
from tests.support.real import AIRFLOW_2_0, AIRFLOW_2_10, need_python, run_connected, wheelhouse_connected
from tests.support.shared import shared
from tests.support.tools import run, wheelhouse
from wheelhouse.files.disk import sha256_of
from wheelhouse.index.pages import JSON_TYPE
from wheelhouse.lock.read_lock import parse_lock

pytest_plugins = ["tests.support.real_wheelhouses"]
pytestmark = pytest.mark.index

PATHS = str(ROOT)
NO_NETWORK = ("unshare", "--net", "--map-root-user")
WATCH = """
import json, os, sys
log, executed = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), set()
def note(kind, what):
    os.write(log, json.dumps([kind, what]).encode() + b"\\n")
def watch(event, arguments):
    if event == "subprocess.Popen":
        note("started", list(map(str, arguments[1])))
    elif event in ("os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.system", "os.startfile"):
        note("started", [event, repr(arguments)])
    elif event == "exec" and arguments[0].co_filename not in executed:
        executed.add(arguments[0].co_filename)
        note("executed", arguments[0].co_filename)
sys.addaudithook(watch)
"""
"""Also as the `sitecustomize` of whatever is started."""
RUN = """
from wheelhouse.cli.entry import run
note("exit", run(sys.argv[1:]))
"""
OPENER = [sys.executable, "-P", "-m", "wheelhouse.archive.inspect_pool"]


def files_of(house: Path) -> set[str]:
    return {path.name for path in house.iterdir() if path.name.endswith((".whl", ".tar.gz", ".zip"))}


def pins_of(lock: Path) -> dict[str, str]:
    return {str(pin.project): str(pin.version) for pin in parse_lock(lock.read_text(), str(lock)).pins}


def compiled_by_uv(folder: Path, requirement: str, constraints: Path, platform: str, python: str) -> dict[str, str]:
    """What `uv pip compile` resolves to for a target that is not this machine."""
    (folder / "asked.in").write_text(requirement + "\n")
    told = run_connected(
        sys.executable, "-I", "-m", "uv", "pip", "compile", "asked.in", "--quiet", "--no-header", "--no-annotate",
        "--constraints", constraints, "--python-platform", platform, "--python-version", python, cwd=folder,
    )  # fmt: skip
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==(\S+)", told, re.MULTILINE))


def test_the_same_files_as_pip_download(wheelhouse_2_10: Path, tmp_path: Path) -> None:
    constraints = shared("constraints/2.10.5/constraints-3.12.txt")
    python = need_python("3.12")
    run_connected(python, "-m", "pip", "download", "-q", "-d", "D", AIRFLOW_2_10, "-c", constraints, cwd=tmp_path)
    ours, theirs = files_of(wheelhouse_2_10), files_of(tmp_path / "D")
    assert len(ours) == 177
    better = {(parse_wheel_filename(one)[:2]) for one in ours - theirs}
    assert better == {parse_wheel_filename(one)[:2] for one in theirs - ours}, "other versions than pip's"
    print("better-ranked wheels:", sorted(ours - theirs), "where pip took", sorted(theirs - ours))
    assert ours == theirs, "list the better-ranked wheels in this test"


def test_pip_installs_it_with_no_network(wheelhouse_2_10: Path, tmp_path: Path) -> None:
    if not shutil.which("unshare") or run(*NO_NETWORK, "true").returncode != 0:
        pytest.skip("no empty network namespace can be made here")
    assert [path.name for path in wheelhouse_2_10.glob("*.tar.gz")] == ["python-nvd3-0.16.0.tar.gz"]
    assert list(wheelhouse_2_10.glob("setuptools-*.whl")), "what the one sdist is built with"
    run_connected(need_python("3.12"), "-m", "venv", tmp_path / "venv")
    run_connected(
        tmp_path / "venv/bin/python", "-m", "pip", "install", "-q", "pip>=24"
    )  # older ones build with `wheel`
    pip = (*NO_NETWORK, tmp_path / "venv/bin/python", "-m", "pip")
    (requirements,) = wheelhouse_2_10.glob("requirements.*.txt")
    offline = ("--no-index", "--find-links", wheelhouse_2_10, "--no-cache-dir", "--disable-pip-version-check")
    done = run(*pip, "install", "-q", *offline, "--require-hashes", "-r", requirements)
    assert done.returncode == 0, done.stderr
    assert run(*pip, "check").stdout == "No broken requirements found.\n"
    assert "2.10.5" in run(*NO_NETWORK, tmp_path / "venv/bin/airflow", "version", cwd=tmp_path).stdout


def test_verify_and_a_second_run_change_nothing(wheelhouse_2_10: Path, real_cache: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in wheelhouse_2_10.iterdir()}
    assert wheelhouse("verify", wheelhouse_2_10, cwd=wheelhouse_2_10.parent).returncode == 0
    constraints = shared("constraints/2.10.5/constraints-3.12.txt")
    options = ("-c", constraints, "--python", "3.12", "--dest", "H", "--json")
    told = wheelhouse_connected("fetch", AIRFLOW_2_10, *options, cwd=wheelhouse_2_10.parent, cache=real_cache)
    assert json.loads(told)["fetched"] == []
    assert {path.name: path.stat().st_mtime_ns for path in wheelhouse_2_10.iterdir()} == before


@pytest.mark.parametrize(
    ("python", "platform", "uv_platform"),
    [("3.12", "linux/arm64", "aarch64-manylinux_2_28"), ("3.11", "linux/amd64", "x86_64-manylinux_2_28")],
)
def test_the_same_pins_as_uv(tmp_path: Path, real_cache: Path, python: str, platform: str, uv_platform: str) -> None:
    constraints = shared(f"constraints/2.10.5/constraints-{python}.txt")
    options = ("-c", constraints, "--python", python, "--platform", platform, "--json")
    told = wheelhouse_connected("lock", AIRFLOW_2_10, *options, cwd=tmp_path, cache=real_cache)
    (target,) = json.loads(told)["targets"]
    ours = {project["name"]: project["version"] for project in target["projects"]}
    assert ours == compiled_by_uv(tmp_path, AIRFLOW_2_10, constraints, uv_platform, target["python"])


# Airflow 2.0.0, on Python 3.7


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, object]]]:
    """A wheelhouse of Airflow 2.0.0, and what was seen being run while it was fetched, here and in what was started."""
    constraints = shared("constraints/2.0.0/constraints-3.7.txt")
    folder = tmp_path_factory.mktemp("airflow-2.0")
    (folder / "sitecustomize.py").write_text(WATCH)
    arguments = ("fetch", AIRFLOW_2_0, "-c", constraints, "--python", "3.7", "--dest", folder / "H")
    command = (sys.executable, "-I", "-c", WATCH + RUN, *arguments, "--cache-dir", folder / "cache")
    run_connected(*command, cwd=folder, SEEN=str(folder / "seen"), PYTHONPATH=str(folder))
    return folder / "H", [tuple(json.loads(line)) for line in (folder / "seen").read_text().splitlines()]


def test_nothing_of_a_project_is_run(watched: tuple[Path, list[tuple[str, object]]]) -> None:
    _, seen = watched
    assert [what for kind, what in seen if kind == "exit"] == [0]
    started = [what for kind, what in seen if kind == "started"]
    assert all(command == OPENER for command in started), started
    own = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix, PATHS)}
    own.add(watched[0].parent / "sitecustomize.py")
    executed = [str(what) for kind, what in seen if kind == "executed"]
    assert sum(name.endswith("archive/inspect_pool.py") for name in executed) == 1 + len(started), (
        "openers were watched, too"
    )
    for name in executed:
        assert name.startswith("<") or any(Path(name).resolve().is_relative_to(folder) for folder in own), name


def test_the_same_projects_as_pip_under_python_3_7(watched: tuple[Path, object], tmp_path: Path) -> None:
    """pip 24.0, the last for 3.7, runs the sdists' setup.py, which want a setuptools of their day: PIP_CONSTRAINT says which.

    That constraint reaches the resolution as well, so setuptools itself, which the official file does not pin, differs.
    """
    house, _ = watched
    constraints = shared("constraints/2.0.0/constraints-3.7.txt")
    run_connected(need_python("3.7"), "-m", "venv", tmp_path / "venv")
    pip = (tmp_path / "venv/bin/python", "-m", "pip", "install", "-q")
    run_connected(*pip, "pip==24.0", "setuptools<58", "wheel")
    (tmp_path / "build.txt").write_text("setuptools<58\n")
    run_connected(
        *pip, "--dry-run", "--ignore-installed", "--report", tmp_path / "report.json", "-c", constraints, AIRFLOW_2_0,
        cwd=tmp_path, PIP_CONSTRAINT=str(tmp_path / "build.txt"),
    )  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text())["install"]
    theirs = {canonicalize_name(found["metadata"]["name"]): found["metadata"]["version"] for found in report}
    (lock,) = house.glob("pylock.*.toml")
    ours = pins_of(lock)
    assert len(ours) == 247
    assert {**ours, "setuptools": ""} == {**theirs, "setuptools": ""}
    assert len([name for name in files_of(house) if not name.endswith(".whl")]) == 16
    assert {found["download_info"]["url"].rpartition("/")[2] for found in report if _is_sdist(found)} == {
        name for name in files_of(house) if not name.endswith(".whl")
    }


ODD_FILES = {
    "python-constraint==1.4.0": ("3.12", "python-constraint-1.4.0.tar.bz2"),
    "twisted==18.9.0": ("3.8", "Twisted-18.9.0.tar.bz2"),
    "hexdump==3.3": ("3.12", "hexdump-3.3.zip"),
    "furo==2023.3.23": ("3.11", "furo-2023.3.23-py3-none-any.whl"),
    "functools32==3.2.3.post2": ("3.8", "functools32-3.2.3-2.tar.gz"),
}


@pytest.mark.parametrize("asked", ODD_FILES)
def test_old_and_odd_files_are_those_that_the_index_names(tmp_path: Path, real_cache: Path, asked: str) -> None:
    """tar.bz2, a zip without a folder, RECORD in hexadecimal, an implicit post-release."""
    python, filename = ODD_FILES[asked]
    wheelhouse_connected("fetch", asked, "--python", python, "--dest", "house", cwd=tmp_path, cache=real_cache)
    project = canonicalize_name(asked.partition("==")[0])
    from pip._internal.models.index import PyPI

    request = urllib.request.Request(f"{PyPI.simple_url}/{project}/", headers={"Accept": JSON_TYPE})
    with urllib.request.urlopen(request, timeout=60) as reply:
        named = {file["filename"]: file["hashes"]["sha256"] for file in json.load(reply)["files"]}
    assert sha256_of(tmp_path / "house" / filename) == named[filename]
    assert wheelhouse("verify", "house", cwd=tmp_path).returncode == 0


def _is_sdist(found: Mapping[str, Mapping[str, str]]) -> bool:
    return not found["download_info"]["url"].endswith(".whl")
