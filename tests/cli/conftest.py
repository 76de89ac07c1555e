"""What the tests of the command line share: a made index, and a session whose commands use it."""

from pathlib import Path

import pytest

from tests.support.offered import index, session  # noqa: F401  (fixtures)
from tests.support.wheels import build_sdist, build_wheel


@pytest.fixture(scope="session")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the index offers: an application, a made Airflow, what its image build installs, an sdist with no wheel."""
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "app", "1.0", requires=["lib>=2", "native; platform_machine == 'aarch64'"])
    for version in ("1.0", "2.0", "2.1"):
        build_wheel(folder, "lib", version)
    for machine in ("x86_64", "aarch64"):
        build_wheel(folder, "native", "1.0", tag=f"cp312-cp312-manylinux_2_17_{machine}")
    build_sdist(folder, "old", "0.9", requires=["lib"])
    build_wheel(folder, "apache-airflow", "2.10.5", requires=["tool"], extras={"celery": ["celeryish"]})
    for name, version in (("celeryish", "5.4"), ("celeryish", "5.5"), ("tool", "1.0"), ("tool", "2.0")):
        build_wheel(folder, name, version)
    for name, version in (("pip", "24.2"), ("uv", "0.4.1"), ("packaging", "24.1")):
        build_wheel(folder, name, version)
    return folder
