"""Fixtures that need the real package index, each made once a run: name this module in `pytest_plugins`."""

from pathlib import Path

import pytest

from tests.support.real import AIRFLOW_2_10, need_index, wheelhouse_connected
from tests.support.shared import shared


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_index()
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def wheelhouse_2_10(tmp_path_factory: pytest.TempPathFactory, real_cache: Path) -> Path:
    """Airflow 2.10.5 for Python 3.12 on linux/amd64, as a user's command line fetches it."""
    constraints = shared("constraints/2.10.5/constraints-3.12.txt")
    folder = tmp_path_factory.mktemp("airflow-2.10")
    options = ("-c", constraints, "--python", "3.12", "--platform", "linux/amd64", "--dest", "H")
    wheelhouse_connected("fetch", AIRFLOW_2_10, *options, cwd=folder, cache=real_cache)
    return folder / "H"
