"""`rehearse`: a wheelhouse is installed in a sandbox with the real pip, and what is wrong with it is said in words that help."""

import ensurepip
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.real import need_index, wheelhouse_connected
from tests.support.rehearsals import Told, fetch, own_python, rehearse
from tests.support.sampled import sampled
from tests.support.sandboxes import MINOR, needs_any_sandbox
from tests.support.tools import wheelhouse
from tests.support.wheels import build_sdist, build_wheel


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application, what it needs, and a namespace of which one part does not import."""
    needs_any_sandbox()
    base = tmp_path_factory.mktemp("rehearsed")
    offered = base / "offered"
    parts = {
        "ns/sound/__init__.py": b"",
        "ns/broken/__init__.py": b"import not_there\n",
        "ends.py": b"raise SystemExit\n",
    }
    build_wheel(offered, "app", "1.0", requires=["lib>=1"])
    build_wheel(offered, "lib", "2.0", requires=["parts"])
    build_wheel(offered, "parts", "1.0", files=parts)
    return fetch(base, offered, "app")


def altered(house: Path, folder: Path) -> Path:
    """A copy of a wheelhouse, to do something to."""
    shutil.copytree(house, folder / "house")
    return folder / "house"


@pytest.fixture(scope="module")
def told(house: Path) -> Told:
    return rehearse(
        house, "--run", "python -c 'import app, lib; print(app.__version__, lib.__version__)'", "--run", "false"
    )


@pytest.mark.rooms
def test_a_house_is_installed_checked_and_imported(told: Told) -> None:
    steps = ("files", "closure", "install", "check", "import")
    assert [told.outcome(step) for step in steps] == ["ok"] * 5, told.sentences
    assert all(told.steps[step]["seconds"] >= 0 for step in steps)
    assert told.steps["install"]["note"].startswith("pip ")


@pytest.mark.rooms
def test_modules_that_do_not_import_are_listed(told: Told) -> None:
    found = {one["sentence"].partition(" cannot")[0]: one for one in told.steps["import"]["findings"]}
    assert found.keys() == {"`ns.broken`", "`ends`"}
    assert "ModuleNotFoundError: No module named 'not_there'" in found["`ns.broken`"]["sentence"]
    assert {one["subject"] for one in found.values()} == {"parts-1.0-py3-none-any.whl"}
    assert {one["severity"] for one in found.values()} == {"warning"}


@pytest.mark.rooms
def test_what_the_user_names_is_run(told: Told) -> None:
    named = {step["step"].partition(" ")[2]: step for name, step in told.steps.items() if name.startswith("run ")}
    assert [(step["outcome"], step["note"]) for step in named.values()] == [("ok", "1.0 2.0"), ("failed", None)]
    assert told.code == 1
    assert "`false` ended with code 1" in told.sentences[0]


@pytest.mark.interpreters
def test_a_wheel_that_was_removed(house: Path, tmp_path: Path) -> None:
    folder = altered(house, tmp_path)
    (folder / "lib-2.0-py3-none-any.whl").unlink()
    told = rehearse(folder)
    assert (told.code, told.outcome("files"), told.outcome("install")) == (1, "failed", "failed")
    assert told.sentences[0] == (
        "lib-2.0-py3-none-any.whl: it is not in the folder; `app-1.0-py3-none-any.whl` requires `lib>=1`; "
        "fetch again: only this file will be downloaded"
    )
    causes = [sentence.partition(": ")[2] for sentence in told.sentences[1:]]
    assert causes[0] == "`install` failed because of the findings above; "
    assert {"`uv` also failed; ", "`pylock` also failed; "} <= set(causes[1:])
    assert all(cause.endswith("` also failed; ") for cause in causes[1:])


@pytest.mark.index
def test_pip_sync_and_pip_compile_agree(house: Path, tmp_path: Path) -> None:
    need_index()
    asked = ("pip-tools", "--python", own_python(), "--dest", "tools", "-q")
    wheelhouse_connected("fetch", *asked, cwd=tmp_path, cache=tmp_path / "cache")
    told = rehearse(house, "--tools", tmp_path / "tools")
    assert (told.code, told.sentences) == (0, [])
    assert [told.outcome(step) for step in ("uv", "pylock", "pip-sync", "pip-compile")] == ["ok"] * 4


@pytest.mark.interpreters
def test_an_sdist_without_its_build_requirements(tmp_path: Path) -> None:
    needs_any_sandbox()
    build_sdist(tmp_path / "offered", "raw", "1.0", setup_py=SETUP_PY)
    told = rehearse(fetch(tmp_path, tmp_path / "offered", "raw"))
    assert told.code == 1 and told.sentences
    if Version(ensurepip.version()) >= Version("23.1"):  # an older pip runs setup.py with what the environment has
        assert told.sentences[0] == (
            "raw-1.0.tar.gz: it is an sdist, but its build requirements are not in the folder: `setuptools>=40.8.0`, "
            "`wheel`; build a wheel of it before the transfer: `wheelhouse build`; or fetch it again, with its build "
            "requirements"
        )


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder staged for Windows, of which only the files and the closure can be rehearsed here."""
    base = tmp_path_factory.mktemp("flat")
    build_wheel(base / "offered", "app", "1.0", requires=["lib>=1"])
    build_wheel(base / "offered", "lib", "2.0")
    (base / "limits.txt").write_text("lib<3\n")
    windows = ("--platform", "windows/amd64", "-c", base / "limits.txt")
    fetch(base, base / "offered", "app", python="3.12.1", more=windows)
    assert wheelhouse("stage", "house", "--dest", "staged", cwd=base).returncode == 0
    return base / "staged"


def test_a_target_whose_python_is_not_here_is_held_to_its_closure(flat: Path) -> None:
    told = rehearse(flat, python=None)
    assert [told.outcome(step) for step in ("files", "closure", "install")] == ["ok", "ok", "skipped"]


def test_a_rehearsal_that_installs_nothing_is_no_pass(flat: Path) -> None:
    done = wheelhouse("rehearse", "staged", cwd=flat.parent)
    assert done.returncode == 6
    assert done.stdout.splitlines()[-1] == (
        "staged: nothing was installed; skipped: cp312-win_amd64 (no interpreter here)"
    )
    assert done.stderr.splitlines()[-2:] == [
        "error: nothing was installed: no interpreter was found for cp312-win_amd64",
        "hint: name an interpreter with the target's implementation, minor version and platform: "
        "`wheelhouse rehearse staged --interpreter /path/to/python3.12`",
    ]
    document = json.loads(wheelhouse("rehearse", "staged", "--json", cwd=flat.parent).stdout)
    assert (document["ok"], document["installed"], document["skipped"]) == (False, [], ["cp312-win_amd64"])
    assert document["error"]["exit-code"] == 6
    assert [step["step"] for step in document["steps"]] == ["files", "closure", "install"]


@pytest.mark.rooms
def test_targets_that_cannot_run_here_are_listed_as_skipped(tmp_path: Path) -> None:
    needs_any_sandbox()
    build_wheel(tmp_path / "offered", "app", "1.0")
    fetch(tmp_path, tmp_path / "offered", "app", more=("--platform", "linux/amd64", "--platform", "windows/amd64"))
    windows = f"cp{MINOR.replace('.', '')}-win_amd64"
    named = ("rehearse", "house", "--interpreter", sys.executable)
    done = wheelhouse(*named, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    no_pip_tools = "" if importlib.util.find_spec("piptools") else "; not tried: pip-sync, pip-compile"
    assert done.stdout.splitlines()[-1] == f"house: passed; skipped: {windows} (no interpreter here){no_pip_tools}"
    required = wheelhouse(*named, "--require-all", "--json", cwd=tmp_path)
    document = json.loads(required.stdout)
    assert (required.returncode, document["ok"], document["skipped"]) == (1, False, [windows])
    assert len(document["installed"]) == 1
    quiet = wheelhouse(*named, "--require-all", "-q", cwd=tmp_path)
    assert quiet.stdout.startswith("house: not passed: --require-all requires an install for every target; skipped: ")
    (pylock,) = (step for step in document["steps"] if step["step"] == "pylock")
    assert pylock["note"].endswith("a dry run")


def test_an_error_that_ends_a_rehearsal_is_its_verdict(tmp_path: Path) -> None:
    build_wheel(tmp_path / "offered", "app", "1.0")
    fetch(tmp_path, tmp_path / "offered", "app")
    done = wheelhouse("rehearse", "house", "--image", "base", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert done.returncode != 0 and "error: " in done.stderr
    assert "closure" in done.stdout and "every target" not in done.stdout


SETUP_PY = "from setuptools import setup\nsetup(name='raw', version='1.0')\n"


def test_an_sdist_whose_builder_is_missing_is_an_error_without_any_interpreter(tmp_path: Path) -> None:
    build_sdist(tmp_path / "offered", "raw", "1.0", setup_py=SETUP_PY)
    folder = fetch(tmp_path, tmp_path / "offered", "raw", python="3.12.1", more=("--platform", "windows/amd64"))
    told = rehearse(folder, python=None)
    assert (told.code, told.outcome("sdists")) == (1, "failed")
    assert told.sentences == [
        "raw-1.0.tar.gz: it is an sdist, but its build requirements are not in the folder: `setuptools>=40.8.0`, `wheel`; "
        "build a wheel of it before the transfer: `wheelhouse build`; or fetch it again, with its build requirements"
    ]


BUILT_BY = '[build-system]\nrequires = ["tool"]\nbuild-backend = "tool"\n'
TOOL = """\
import os, sys, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    {before}
    held = {{"raw.py": "", "raw-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: raw\\nVersion: 1.0\\n",
            "raw-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: made\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}}
    record = "raw-1.0.dist-info/RECORD"
    with zipfile.ZipFile(os.path.join(folder, "raw-1.0-py3-none-any.whl"), "w") as archive:
        for path, text in [*held.items(), (record, "".join(path + ",,\\n" for path in [*held, record]))]:
            archive.writestr(path, text)
    return "raw-1.0-py3-none-any.whl"
"""
NO_HEADER = "sys.exit('src/raw.c:1:10: fatal error: mysql/mysql.h: No such file or directory')"


def with_builder(folder: Path, before: str) -> Path:
    """A wheelhouse with an sdist, and what builds it in its `build/`."""
    needs_any_sandbox()
    build_sdist(folder / "offered", "raw", "1.0", pyproject=BUILT_BY)
    build_wheel(folder / "offered", "tool", "1.0", files={"tool.py": TOOL.format(before=before).encode()})
    house = fetch(folder, folder / "offered", "raw")
    assert [path.name for path in house.glob("build/*.whl")] == ["tool-1.0-py3-none-any.whl"]
    return house


@pytest.mark.rooms
def test_an_sdist_whose_builder_is_in_the_house_is_installed(tmp_path: Path) -> None:
    told = rehearse(with_builder(tmp_path, "pass"))
    assert (told.code, told.sentences) == (0, [])
    assert (told.outcome("install"), told.outcome("uv")) == ("ok", "ok")


@pytest.mark.rooms
def test_an_sdist_that_does_not_build_is_explained_as_build_explains_it(tmp_path: Path) -> None:
    told = rehearse(with_builder(tmp_path, NO_HEADER))
    assert told.code == 1
    assert told.sentences[0] == (
        "raw-1.0.tar.gz: it is an sdist, and could not be built without a network: the header `mysql/mysql.h` is missing; "
        "on Debian: apt-get install default-libmysqlclient-dev; or build a wheel of it before the transfer: "
        "`wheelhouse build`, then stage again"
    )


def test_a_named_interpreter_that_fits_nothing_is_an_error(flat: Path) -> None:
    told = rehearse(flat)
    assert told.code == 6
    assert "no interpreter was found" in told.stderr


def removed(folder: Path) -> None:
    (folder / "lib-2.0-py3-none-any.whl").unlink()


def for_another_platform(folder: Path) -> None:
    build_wheel(folder, "lib", "2.0", tag="cp312-cp312-macosx_14_0_arm64")


def second_version(folder: Path) -> None:
    build_wheel(folder, "lib", "1.9")


def build_requirement(folder: Path) -> None:
    build_wheel(folder, "setuptools", "65.0")


def other_constraints(folder: Path) -> None:
    (folder / "constraints.cp312-win_amd64.txt").write_text("lib==1.9\napp==1.0\n")


def altered_afterwards(folder: Path) -> None:
    with (folder / "lib-2.0-py3-none-any.whl").open("ab") as file:
        file.write(b"more")


SABOTAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a wheel removed": (
        removed,
        "lib-2.0-py3-none-any.whl: it is not in the folder; `app-1.0-py3-none-any.whl` requires `lib>=1`; stage again",
    ),
    "a wheel for another platform added": (
        for_another_platform,
        "lib-2.0-cp312-cp312-macosx_14_0_arm64.whl: it is for another platform or Python (macosx_14_0_arm64); for "
        "cp312-win_amd64, the lock file names `lib-2.0-py3-none-any.whl`; remove it: one file for each project is enough",
    ),
    "a second version added": (
        second_version,
        "lib-1.9-py3-none-any.whl: it is a second version of lib beside `lib-2.0-py3-none-any.whl` in the lock file for "
        "cp312-win_amd64; the image build installs every file at the top of the folder; remove it, or fetch with "
        "`--upgrade-project lib` if you want 1.9",
    ),
    "a build requirement left in the folder": (
        build_requirement,
        "setuptools-65.0-py3-none-any.whl: it is a build requirement that is in no lock file, but the image build "
        "installs every file at the top of the folder; remove it: build requirements belong in tools/, which an install does not use",
    ),
    "constraints of another release": (
        other_constraints,
        "constraints.cp312-win_amd64.txt: it is for another release, and excludes pins of the lock "
        "file: lib 2.0 (lib==1.9); "
        "stage again; or fetch again, with the constraints of the release that you need",
    ),
    "a file altered after staging": (altered_afterwards, "lib-2.0-py3-none-any.whl: its size is "),
}


@pytest.mark.parametrize("name", sampled(SABOTAGE, 2))
def test_sabotage_is_named(name: str, flat: Path, tmp_path: Path) -> None:
    sabotage, expected = SABOTAGE[name]
    folder = altered(flat, tmp_path)
    sabotage(folder)
    told = rehearse(folder, python=None)
    assert told.code == 1
    assert [sentence for sentence in told.sentences if sentence.startswith(expected)], told.sentences


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is another user in the room")
def test_what_root_alone_may_read_is_said(house: Path, tmp_path: Path) -> None:
    folder = altered(house, tmp_path)
    (folder / "lib-2.0-py3-none-any.whl").chmod(0o600)
    told = rehearse(folder)
    assert told.code == 6
    assert "can be read only by root" in told.stderr
    assert f"hint: let other users read it: chmod -R a+rX {folder}" in told.stderr
