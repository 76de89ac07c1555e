"""Rooms of a user who is not root: sealed and proved where the machine permits it, refused where it does not."""

import os
import shutil
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.tools import clean_environment, run

USER = "64321"
AS_USER = ("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "env")
WITHOUT_NAMESPACES = ("unshare", "--mount", "sh", "-c", 'mount --rbind / "$0" && exec chroot "$0" "$@"')
"""Nobody makes a user namespace under a changed root (user_namespaces(7))."""

OPEN = """\
import os
from tests.support.rooms import own_target, where
from wheelhouse.doors import bench
from wheelhouse.errors import MachineError
assert os.geteuid() != 0
for seal in bench.SEALS:
    bench.SEALS = (seal,)
    try:
        print(seal.__name__, "sealed by", bench.open_bench(own_target(), where(), 1).room.sealed)
    except MachineError as error:
        print(seal.__name__, "refused:", error)
"""


@pytest.fixture
def anyones_python() -> Path:
    """A Python that other users may run, and that has this one's libraries."""
    if os.geteuid() != 0:
        pytest.skip("it takes root to become somebody else")
    probe = f"import sys; sys.path += {_libraries()}; import msgspec, pytest, wheelhouse.doors.bench"
    for path in (sysconfig.get_config_var("BINDIR"), "/usr/bin", "/usr/local/bin"):
        python = Path(path or "/", "python3")
        if python.exists() and run(*AS_USER, python, "-I", "-c", probe).returncode == 0:
            return python
    pytest.skip("no Python here is open to other users, with what wheelhouse needs")


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    shutil.chown(folder, int(USER), int(USER))
    yield folder
    shutil.rmtree(folder)


def _libraries() -> list[str]:
    return [str(ROOT), sysconfig.get_path("purelib")]


def told_by_a_user(python: Path, home: Path, *before: str) -> list[str]:
    """What opening each kind of room told that user."""
    environment = clean_environment(HOME=str(home), TMPDIR=str(home), PYTHONPATH=os.pathsep.join(_libraries()))
    done = run(*before, *AS_USER, python, "-B", "-c", OPEN, cwd=home, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_user_has_rooms_too(anyones_python: Path, home: Path) -> None:
    told = told_by_a_user(anyones_python, home)
    if any("refused" in line for line in told):
        pytest.skip(f"this machine permits users no namespaces: {told}")
    assert told == ["bubblewrap sealed by bubblewrap", "unshare sealed by unshare"]


def test_a_user_who_may_not_seal_builds_nothing(anyones_python: Path, home: Path, tmp_path: Path) -> None:
    told = told_by_a_user(anyones_python, home, *WITHOUT_NAMESPACES, str(tmp_path))
    assert told == [
        "bubblewrap refused: no room can be sealed on this machine, so nothing is built",
        "unshare refused: no room can be sealed on this machine, so nothing is built",
    ]
