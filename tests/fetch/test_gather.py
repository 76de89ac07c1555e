"""The targets that the options ask for."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.own_dockerfile import OWN_DOCKERFILE
from wheelhouse.fetch.airflow_release import airflow_of
from wheelhouse.fetch.gather import Options, targets
from wheelhouse.target.complete_platform import complete_platform
from wheelhouse.target.target import Platform, Python, Target


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["cp312-manylinux_2_28_aarch64"]),
        ({"platform": ("linux/amd64",)}, ["cp312-manylinux_2_28_aarch64", "cp313-manylinux_2_41_x86_64"]),
        ({"image": "debian:12"}, ["cp312-manylinux_2_28_aarch64", "cp313-manylinux_2_36_x86_64"]),
        ({"target_files": ()}, ["cp313-manylinux_2_41_x86_64"]),
    ],
)
def test_the_python_of_airflows_dockerfile_adds_no_target_to_target_files_alone(
    tmp_path: Path, changes: dict[str, Any], expected: list[str]
) -> None:
    target = Target.of(Python.parse("3.12"), Platform.parse("linux/arm64"))
    (tmp_path / "target.json").write_text(json.dumps(complete_platform(target)))
    (tmp_path / "Dockerfile").write_text(OWN_DOCKERFILE)
    given: dict[str, Any] = {"target_files": (str(tmp_path / "target.json"),), **changes}
    options = Options(airflow="3.3.2", dockerfile=str(tmp_path / "Dockerfile"), **given)
    assert [target.name for target in targets(options, airflow_of(options))] == expected
