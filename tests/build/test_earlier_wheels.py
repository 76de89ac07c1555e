"""What a build takes from runs before and beside it: locks that changed while it waited, and wheels that may serve again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.build import build as building
from wheelhouse.build import build_wheelhouse
from wheelhouse.build.build import _Builds, build
from wheelhouse.build.pending import BuildOptions
from wheelhouse.build.sdist_builds import _Job, _without_wrong_manylinux
from wheelhouse.files.disk import folder_lock
from wheelhouse.lock.lock import Built
from wheelhouse.verify.verify import load_wheelhouse


@pytest.fixture
def overtaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheelhouse with an sdist; while a build waits for the folder, another run puts a wheel in its place."""
    folder = tmp_path / "wheels"
    build_sdist(folder, "one", "1.0")
    wheelhouse_of(folder, "one")

    @contextmanager
    def lock_after_another_run(path: Path) -> Iterator[None]:
        for old in [*folder.iterdir()]:
            old.unlink()
        build_wheel(folder, "one", "2.0")
        wheelhouse_of(folder, "one")
        with folder_lock(path):
            yield

    for module in (building, build_wheelhouse):
        monkeypatch.setattr(module, "folder_lock", lock_after_another_run)
    return folder


def filenames(wheelhouse: object) -> set[str]:
    return set(wheelhouse.artifacts)  # type: ignore[attr-defined]


def test_a_build_takes_the_locks_that_another_run_wrote_while_it_waited(overtaken: Path) -> None:
    report = build(overtaken, BuildOptions(), None, None)  # type: ignore[arg-type]
    assert filenames(report.wheelhouse) == {"one-2.0-py3-none-any.whl"}
    assert filenames(load_wheelhouse(overtaken)) == {"one-2.0-py3-none-any.whl"}


def test_build_requirements_are_those_of_the_locks_that_another_run_wrote_meanwhile(overtaken: Path) -> None:
    before = load_wheelhouse(overtaken)
    assert filenames(before) == {"one-1.0.tar.gz"}
    after = build_wheelhouse.fetch_build_requirements(before, overtaken, None)  # type: ignore[arg-type]
    assert filenames(after) == filenames(load_wheelhouse(overtaken)) == {"one-2.0-py3-none-any.whl"}


@pytest.mark.parametrize(
    ("held", "options", "is_remembered"),
    [
        ("", BuildOptions(), True),
        ("bubblewrap, seccomp", BuildOptions(sandbox=frozenset({"seccomp"})), True),
        ("", BuildOptions(sandbox=frozenset({"seccomp"})), False),
        ("bubblewrap", BuildOptions(sandbox=frozenset({"seccomp"})), False),
        ("bubblewrap, seccomp", BuildOptions(check_reproducible=True), False),
    ],
)
def test_a_wheel_of_an_earlier_run_serves_another_target_if_it_was_built_as_the_options_demand(
    tmp_path: Path, held: str, options: BuildOptions, is_remembered: bool
) -> None:
    build_wheel(tmp_path, "one", "1.0")
    (lock,) = load_wheelhouse(wheelhouse_of(tmp_path, "one")).locks
    sdist = replace(lock.pins[0].artifact, filename="one-1.0.tar.gz")
    pin = replace(lock.pins[0], built=Built(sdist, "CPython", sealed="bubblewrap", sandbox=held))
    builds = _Builds(tmp_path, None, None, options, None, None, print)  # type: ignore[arg-type]
    builds.remember(replace(lock, pins=(pin,)))
    assert (sdist.sha256 in builds.universal) == is_remembered


@pytest.mark.parametrize(
    ("tag", "result"),
    [
        ("py3-none-manylinux_2_99_x86_64", "py3-none-linux_x86_64"),
        ("py3-none-manylinux_2_17_aarch64", "py3-none-manylinux_2_17_aarch64"),
        (
            "py3-none-manylinux_2_99_x86_64.manylinux_2_17_aarch64",
            "py3-none-manylinux_2_99_x86_64.manylinux_2_17_aarch64",
        ),
        ("py3-none-manylinux_2_17_x86_64", "py3-none-manylinux_2_17_x86_64"),
    ],
)
def test_only_a_manylinux_of_the_targets_machine_is_taken_back(tmp_path: Path, tag: str, result: str) -> None:
    wheel = build_wheel(tmp_path / "built", "one", "1.0", tag=tag)
    build_wheel(tmp_path / "wheels", "one", "1.0")
    (lock,) = load_wheelhouse(wheelhouse_of(tmp_path / "wheels", "one")).locks
    job = _Job(lock.pins[0], lock.target, wheel, BuildSystem(), 0, tmp_path, None, ())  # type: ignore[arg-type]
    assert _without_wrong_manylinux(wheel, job).name == f"one-1.0-{result}.whl"
