"""What tests need that become another user."""

import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tools import clean_environment, run
from tests.support.users import AS_USER, LIBRARIES, USER


@pytest.fixture(scope="session")
def anyones_python() -> Path:
    """A Python of this version that other users may run, and that has this one's libraries."""
    if os.geteuid() != 0:
        pytest.skip("it takes root to become somebody else")
    same = f"import sys; assert sys.version_info[:2] == {sys.version_info[:2]}"
    environment = clean_environment(PYTHONPATH=LIBRARIES)
    for path in (sysconfig.get_config_var("BINDIR"), "/usr/bin", "/usr/local/bin"):
        python = Path(path or "/", "python3")
        probe = (python, "-B", "-c", f"{same}; import msgspec, pytest, wheelhouse.sandbox.builder")
        if python.exists() and run(*AS_USER, *probe, env=environment).returncode == 0:
            return python
    pytest.skip("no Python here is open to other users, with what wheelhouse needs")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that belongs to the other user."""
    folder = Path(tempfile.mkdtemp())
    shutil.chown(folder, int(USER), int(USER))
    yield folder
    shutil.rmtree(folder)
