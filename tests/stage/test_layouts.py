"""Every registered layout stages a made wheelhouse, under the conditions for which `auto` takes it."""

from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.airflow_locks import made_lock, made_tools
from wheelhouse.airflow import PROJECT
from wheelhouse.archive.artifact import Artifact
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.destination import USUAL, Destination
from wheelhouse.stage.layouts import LAYOUTS, StageInputs, lay_out
from wheelhouse.stage.stage import plan_stage
from wheelhouse.target.target import Platform, Python, Target

RELEASE = "2.10.5"
MIRROR = "https://mirror.example/simple/"


def lock_for(platform: str) -> Lock:
    return Lock(Target.of(Python.parse("3.12"), Platform.parse(platform)), Inputs(()))


AIRFLOW = StageInputs(lock=made_lock(RELEASE), tools=made_tools(RELEASE))
LINUX = StageInputs(lock=lock_for("linux/amd64"))
MAC = StageInputs(lock=lock_for("macosx_14_0_arm64"))
INDEX = StageInputs(lock=lock_for("linux/amd64"), choices=Choices(index=MIRROR))
TRIED = {
    "AirflowLayout": (AIRFLOW, "build-image.sh"),
    "IndexLayout": (INDEX, "uv.toml"),
    "FilesLayout": (MAC, "SHA256SUMS"),
    "FlatLayout": (LINUX, "install.Dockerfile"),
}
"""Layout → inputs for which `auto` takes it, and a file that it writes."""


def test_every_layout_is_tried() -> None:
    assert list(TRIED) == [type(layout).__name__ for layout in LAYOUTS]


@pytest.mark.parametrize("name", TRIED)
def test_auto_takes_the_layout_that_suits(name: str) -> None:
    inputs, written = TRIED[name]
    (layout,) = [layout for layout in LAYOUTS if type(layout).__name__ == name]
    plan = lay_out("auto", inputs)
    assert plan == lay_out(layout.name, inputs)
    assert plan.layout == layout.name
    assert written in plan.texts
    first = next(layout for layout in LAYOUTS if layout.suits(inputs))
    assert type(first).__name__ == name


@pytest.mark.parametrize("sdists", [True, False])
def test_sdists_are_built_in_isolation_only_with_their_build_requirements(sdists: bool) -> None:
    pin = replace(AIRFLOW.lock.pins[0], artifact=Artifact("raw-1.0.tar.gz", "a" * 64, 5))
    lock = replace(LINUX.lock, pins=(pin,))
    assert not StageInputs(lock=lock, sdists=sdists).can_build_sdists
    ready = replace(lock, pins=(replace(pin, build_lock="pylock.cp312-any-0123abcd.toml"),))
    assert StageInputs(lock=ready, sdists=sdists).can_build_sdists


def test_airflow_is_staged_flat_without_its_tools_and_without_a_route() -> None:
    without = StageInputs(lock=made_lock(RELEASE))
    assert lay_out("auto", without).layout == "flat"
    routed = StageInputs(lock=made_lock(RELEASE), choices=Choices(route="configured"))
    assert lay_out("auto", routed).layout == "airflow"
    assert lay_out("flat", AIRFLOW).layout == "flat"


@pytest.mark.parametrize("name", ["flat", "auto"])
def test_an_airflow_that_is_too_old_for_its_layout_is_staged_flat(tmp_path: Path, name: str) -> None:
    house = tmp_path / "wheels"
    house.mkdir()
    artifact = Artifact("apache_airflow-1.10.15-py2.py3-none-any.whl", "1" * 64, 5)
    lock = replace(LINUX.lock, pins=(Pin(PROJECT, Version("1.10.15"), artifact),))
    for path, text in Wheelhouse((lock,)).texts.items():
        (house / path).write_text(text)
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim-bookworm\n")
    assert plan_stage(house, name, None, None, checkout=tmp_path).layout == "flat"
    with pytest.raises(InputError, match="older than"):
        plan_stage(house, "airflow", None, None, checkout=tmp_path)


@pytest.mark.parametrize("inputs", [MAC, StageInputs(lock=lock_for("windows/amd64"))])
def test_other_files_come_without_a_dockerfile_where_no_image_is_built(inputs: StageInputs) -> None:
    others = OtherFiles((OtherFile("a.jar", "https://mirror.example/a.jar", "1" * 64, 5, to="/opt/a.jar"),))
    plan = lay_out("auto", replace(inputs, other_files=others))
    assert "files/a.jar" in plan.files and "files/files.lock.toml" in plan.texts
    assert "files.Dockerfile" not in plan.texts and not any("docker" in note for note in plan.notes)
    image = lay_out("auto", replace(LINUX, other_files=others))
    assert "files.Dockerfile" in image.texts and any("docker build" in note for note in image.notes)


@pytest.mark.parametrize(("name", "inputs"), [("nosuch", LINUX), ("airflow", MAC), ("airflow", LINUX)])
def test_a_layout_that_cannot_be_is_refused(name: str, inputs: StageInputs) -> None:
    with pytest.raises(InputError):
        lay_out(name, inputs)


@pytest.mark.parametrize("dest", ["/", "/.", "//", "/../.."])
def test_the_root_of_the_file_system_is_refused(tmp_path: Path, dest: str) -> None:
    with pytest.raises(InputError, match="root of the file system"):
        plan_stage(tmp_path, "auto", None, None, destination=Path(dest))


def test_a_current_folder_at_the_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(InputError, match="root of the file system"):
        plan_stage(tmp_path, "auto", None, None, destination=Path())


def test_the_usual_destination() -> None:
    assert Destination.of("docker-context-files") == USUAL
