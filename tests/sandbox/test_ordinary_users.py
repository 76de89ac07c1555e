"""Sandboxes of a user who is not root: sealed and proved where the machine permits it, refused where it does not."""

import shutil
from pathlib import Path

import pytest

from tests.support.tools import clean_environment, run
from tests.support.users import AS_USER, LIBRARIES

pytest_plugins = ["tests.support.user_fixtures"]
WITHOUT_NAMESPACES = ("unshare", "--mount", "sh", "-c", 'mount --rbind / "$0" && exec chroot "$0" "$@"')
"""Nobody makes a user namespace under a changed root (user_namespaces(7))."""

OPEN = """\
import os
from tests.support.sandboxes import build_location, own_target
from wheelhouse.sandbox import builder
from wheelhouse.errors import MachineError
assert os.geteuid() != 0
for sandbox in builder.HOST_SANDBOXES:
    builder.HOST_SANDBOXES = (sandbox,)
    try:
        print(sandbox.name, "sealed by", builder.open_builder(own_target(), build_location(), 1).sandbox.name)
    except MachineError as error:
        print(sandbox.name, "refused:", error)
"""


def told_by_a_user(python: Path, home: Path, *before: str) -> list[str]:
    """What each kind of sandbox printed when that user opened it."""
    environment = clean_environment(HOME=str(home), TMPDIR=str(home), PYTHONPATH=LIBRARIES)
    done = run(*before, *AS_USER, python, "-B", "-c", OPEN, cwd=home, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_user_has_rooms_too(anyones_python: Path, home: Path) -> None:
    if (refused := run(*AS_USER, "unshare", "--user", "--map-root-user", "--mount", "true")).returncode:
        pytest.skip(f"this machine permits users no namespaces: {refused.stderr}")
    with_bubblewrap, with_unshare = told_by_a_user(anyones_python, home)
    assert with_unshare == "unshare sealed by unshare"
    if shutil.which("bwrap"):
        assert with_bubblewrap == "bubblewrap sealed by bubblewrap"


def test_a_user_who_may_not_seal_builds_nothing(anyones_python: Path, home: Path, tmp_path: Path) -> None:
    told = told_by_a_user(anyones_python, home, *WITHOUT_NAMESPACES, str(tmp_path))
    assert told == [
        "bubblewrap refused: no sandbox can be sealed on this machine, so nothing is built",
        "unshare refused: no sandbox can be sealed on this machine, so nothing is built",
    ]
