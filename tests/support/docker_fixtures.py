"""Fixtures that give tests a Docker engine: name this module in `pytest_plugins`."""

from collections.abc import Iterator

import pytest

from tests.support.docker import DockerEngine, DockerUnavailableError


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A started engine, stopped after the last test; tests are skipped, with the reason, where there can be none."""
    engine = DockerEngine()
    try:
        engine.start()
    except DockerUnavailableError as error:
        pytest.skip(f"no Docker engine: {error}")
    try:
        yield engine
    finally:
        engine.stop()
