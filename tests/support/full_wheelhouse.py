"""A wheelhouse with everything that one can hold: two targets, sdists, constraints, `tools/`, `build/` and `files/`."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.wheels import build_sdist, build_wheel

JAR = b"PK a jar" * 100
SETTINGS = """airflow = "2.10.5"
requirements = ["plain", "compiled"]
python = "3.12"
platform = ["linux/amd64", "linux/arm64"]
dest = "house"

[[files]]
url = "{origin}/down/connector.jar"
sha256 = "{sha256}"
to = "/opt/spark/jars/"
"""
HELPED = '[build-system]\nrequires = ["helper"]\nbuild-backend = "helper"\n'


@pytest.fixture(scope="session")
def full_wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds it, as `house`, beside the staged folders `flat`, `airflow` and `index` of its first target."""
    folder = tmp_path_factory.mktemp("full")
    offered = folder / "offered"
    for name in ("apache-airflow-2.10.5", "pip-24.2", "uv-0.4.1", "packaging-24.1", "helper-1.0"):
        project, _, version = name.rpartition("-")
        build_wheel(offered, project, version)
    for architecture in ("x86_64", "aarch64"):
        build_wheel(offered, "compiled", "1.0", tag=f"cp312-cp312-manylinux_2_28_{architecture}")
    build_sdist(offered, "plain", "1.0", pyproject=HELPED)
    constraints = folder / "constraints/airflow-2.10.5/constraints-3.12.txt"
    constraints.parent.mkdir(parents=True)
    constraints.write_text("apache-airflow==2.10.5\nplain==1.0\n")
    session = Session(folder)
    with IndexServer(offered) as server:
        server.put("/down/connector.jar", JAR)
        settings = SETTINGS.format(origin=server.origin, sha256=hashlib.sha256(JAR).hexdigest())
        (folder / "wheelhouse.toml").write_text(settings)
        assert session(f"fetch --index {server.url}") == 0, session.transcript
    (folder / "wheelhouse.toml").unlink()
    shutil.rmtree(offered)
    for dest, options in (("flat", ""), ("airflow", ""), ("index", "--index https://mirror.example/simple/")):
        layout = "airflow" if dest == "airflow" else "flat"
        line = f"stage house --target cp312-manylinux_2_36_x86_64 --layout {layout} --dest {dest} {options}"
        assert session(line) == 0, session.transcript
    return folder
