"""A staged folder of Airflow's is rehearsed by the release's own install steps, and sabotage of it is named.

Airflow 2.7.0 and 2.7.2 want the very pip that CPython 3.11 brings along, so a made index can offer it.
"""

import shutil
from pathlib import Path

import pytest

from tests.support.real import need_python
from tests.support.rehearsals import Told, fetch, rehearse
from tests.support.sandboxes import BY_NAME, needs_any_sandbox, needs_sandbox
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel

pytestmark = pytest.mark.interpreters
PIP = "23.2.1"
COMPANY = "acme_apache_airflow_plugins-1.0-py3-none-any.whl"


def entry_points(release: str) -> dict[str, bytes]:
    main = f"def main():\n    print('{release}')\n".encode()
    script = b"[console_scripts]\nairflow = airflow:main\n"
    return {"airflow/__init__.py": main, f"apache_airflow-{release}.dist-info/entry_points.txt": script}


@pytest.fixture(scope="module")
def python() -> Path:
    needs_any_sandbox()
    found = need_python("3.11")
    (bundled,) = (found.parents[1] / "lib/python3.11/ensurepip/_bundled").glob("pip-*.whl") or (None,)
    if not bundled or PIP not in bundled.name:
        pytest.skip(f"this Python 3.11 does not bring pip {PIP} along")
    return found


@pytest.fixture(scope="module", params=["2.7.0"])
def house(request: pytest.FixtureRequest, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    release, base = str(request.param), tmp_path_factory.mktemp("airflow")
    offered = base / "offered"
    build_wheel(
        offered,
        "apache-airflow",
        release,
        requires=["lib"],
        extras={"celery": ["providers"]},
        files=entry_points(release),
    )
    build_wheel(offered, "apache-airflow-providers-celery", "1.0", requires=["apache-airflow"])
    build_wheel(offered, "acme-apache-airflow-plugins", "1.0")
    build_wheel(offered, "lib", "1.0", tag="py3-none-manylinux_2_17_x86_64")
    build_wheel(offered, "providers", "1.0")
    bundled = python.parents[1] / "lib/python3.11/ensurepip/_bundled"
    shutil.copy(next(bundled.glob("pip-*.whl")), offered)
    (base / "constraints.txt").write_text("lib==1.0\n")
    asked = ("apache-airflow-providers-celery", "acme-apache-airflow-plugins")
    options = (
        "--airflow",
        release,
        "--extra",
        "celery",
        "-c",
        base / "constraints.txt",
        "--platform",
        "manylinux_2_31_x86_64",
    )
    return fetch(base, offered, *asked, python="3.11.7", more=options)


def staged(house: Path, folder: Path, *more: str) -> Path:
    done = wheelhouse("stage", house, "--dest", "staged", *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "staged"


@pytest.mark.parametrize("seal", BY_NAME)
@pytest.mark.parametrize("route", ["configured", "context"])
def test_both_routes_install_what_is_locked(house: Path, python: Path, tmp_path: Path, route: str, seal: str) -> None:
    needs_sandbox(seal)
    told = rehearse(staged(house, tmp_path, "--route", route), "--run", "airflow version", python=python, seal=seal)
    assert (told.code, told.sentences) == (0, [])
    assert told.steps["run airflow version"]["note"] == "2.7.0"
    assert told.steps["install"]["note"].startswith("pip 23.2.1")


def named(told: Told, filename: str) -> str:
    (found,) = (sentence for sentence in told.sentences if sentence.startswith(filename))
    return found


def test_the_rename_where_the_release_does_not_want_it(house: Path, python: Path, tmp_path: Path) -> None:
    told = rehearse(staged(house, tmp_path, "--route", "configured", "--rename", "documented"), python=python)
    assert told.code == 1
    assert named(told, "apache_airflow-2.7.0").partition(": ")[2] == (
        "it is staged as `_apache_airflow-2.7.0-py3-none-any.whl`, but the build of Airflow 2.7.0 by route configured needs the "
        "original name; stage again with `--rename auto`"
    )


def test_the_rename_left_out_where_the_release_wants_it(house: Path, python: Path, tmp_path: Path) -> None:
    told = rehearse(staged(house, tmp_path, "--route", "context", "--rename", "never"), python=python)
    assert told.code == 1
    assert "without constraints" in named(told, "apache_airflow-2.7.0")
    found = [sentence for sentence in told.sentences if sentence.startswith(COMPANY)]
    assert "does not install a file of this name; the file must be staged as `Acme_Apache_Airflow_Plugins" in found[0]
    assert "is locked, but was not installed" in found[1]


def test_constraints_of_another_release(house: Path, python: Path, tmp_path: Path) -> None:
    folder = staged(house, tmp_path)
    (folder / "constraints-3.11.txt").write_text("lib==0.9\n")
    told = rehearse(folder, python=python)
    assert told.code == 1
    constraints = [sentence for sentence in told.sentences if sentence.startswith("constraints-3.11.txt")]
    assert any(
        "it is for another release, and excludes pins of the lock file: lib 1.0 (lib==0.9)" in one
        for one in constraints
    )


def test_a_pip_too_old_for_the_layout(house: Path, python: Path, tmp_path: Path) -> None:
    folder = staged(house, tmp_path)
    arguments = folder / "build.args"
    arguments.write_text(arguments.read_text().replace(PIP, "18.1"))
    told = rehearse(folder, python=python)
    assert told.code == 1
    assert any(
        "build.args: it is not the file that `wheelhouse stage` wrote" in sentence for sentence in told.sentences
    )
    assert "pip 18.1 is too old for this wheel: pip 20.3 and newer know its tags" in named(told, "lib-1.0")
    assert "use pip 20.3 or newer: fetch it into tools/ of the wheelhouse, and stage again" in named(told, "lib-1.0")


def test_a_build_requirement_left_in_the_folder(house: Path, python: Path, tmp_path: Path) -> None:
    folder = staged(house, tmp_path, "--route", "context")
    build_wheel(folder, "setuptools", "58.0")
    build_wheel(folder, "lib", "0.9")
    build_wheel(folder, "lib", "1.0", tag="cp311-cp311-win_amd64")
    told = rehearse(folder, python=python)
    assert told.code == 1
    assert "it is a build requirement" in named(told, "setuptools-58.0")
    assert "build requirements belong in tools/" in named(told, "setuptools-58.0")
    assert "it is a second version of lib beside `lib-1.0-py3-none-manylinux_2_17_x86_64.whl`" in named(told, "lib-0.9")
    assert "it is for another platform or Python (win_amd64)" in named(told, "lib-1.0-cp311")
