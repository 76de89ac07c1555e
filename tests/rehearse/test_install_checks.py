"""What the results of an install's commands mean if the sandbox ended before all of them answered."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rehearse.test_install_errors import LOCK, TARGET
from tests.support.airflow_locks import made_lock, made_tools
from tests.support.wheels import build_sdist
from wheelhouse.airflow import Airflow
from wheelhouse.rehearse.image_build import SCRIPT, Image, rehearse_image
from wheelhouse.rehearse.install_checks import (
    InstallContext,
    airflow_install,
    install_run,
    pip_install,
    without_builders,
)
from wheelhouse.rehearse.other_installers import InstallTools, other_installers_run
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.commands import CommandResult
from wheelhouse.sandbox.engine import Engine
from wheelhouse.sandbox.sandbox import Limits
from wheelhouse.sandbox.unsealed import Unsealed
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.layouts import StageInputs
from wheelhouse.stage.manifest import RecordedOptions, StageRecord
from wheelhouse.stage.staged_folder import StagedFolder
from wheelhouse.target.interpreters import Interpreter

LOST = "it did not end within 3600 s"


@pytest.mark.parametrize(
    ("answered", "lost", "rule"),
    [
        ((), "environment", "environment"),
        (("environment",), "pip", "environment"),
        (("environment", "pip"), "install", "command"),
        (("environment", "pip", "install"), "check", "import"),
        (("environment", "pip", "install", "check"), "import", "import"),
    ],
)
def test_a_lost_answer_fails_its_step(answered: tuple[str, ...], lost: str, rule: str, tmp_path: Path) -> None:
    builder = Builder(Unsealed(), Interpreter(Path("/usr/bin/python3"), (), TARGET), Limits(), 1)
    context = InstallContext(LOCK, tmp_path, "/wheels", builder, frozenset())
    results = {name: CommandResult(name, 0, 1.0, "26.1") for name in answered}
    results[lost] = CommandResult(lost, 1, 0.0, LOST)

    *before, last = install_run(context, pip_install(context)).steps(results)

    assert not any(step.failed for step in before)
    assert last.name == lost
    assert [(finding.rule, dict(finding.facts)["output"]) for finding in last.findings] == [(rule, LOST)]


def test_what_builds_an_sdist_is_only_looked_for_if_the_sdist_is_as_locked(tmp_path: Path) -> None:
    path = build_sdist(tmp_path, "raw", "1.0", pyproject="[build-system]\nrequires = ['setuptools']\n")
    raw, pin = path.read_bytes(), LOCK.pins[2]
    artifact = replace(pin.artifact, filename=path.name, sha256=hashlib.sha256(raw).hexdigest())
    lock = replace(LOCK, pins=(replace(pin, artifact=artifact),))
    assert [finding.rule for finding in without_builders(lock, tmp_path)] == ["not-built"]
    for altered in (b"", b"garbage", raw[: len(raw) // 2]):
        path.write_bytes(altered)
        assert not list(without_builders(lock, tmp_path))


@pytest.mark.parametrize("release", ["2.3.0b1", "3.0.0rc1"])
def test_a_pre_release_is_installed_by_the_steps_of_its_final_release(release: str, tmp_path: Path) -> None:
    airflow = Airflow.parse(release)
    final = Airflow.of(airflow.final)
    builder = Builder(Unsealed(), Interpreter(Path("/usr/bin/python3"), (), TARGET), Limits(), 1)
    context = InstallContext(LOCK, tmp_path, "/wheels", builder, frozenset())
    install = airflow_install(context, airflow, {})
    assert airflow.recipe.context_argument in install.argv[-1]
    assert install == airflow_install(context, final, {})


def built(folder: Path, release: str, image: Image, take: str) -> None:
    """Build an image of a staged folder of Airflow by an engine that only runs `take`, a shell command, in the build context."""
    lock, tools, program = made_lock(release), made_tools(release), folder.parent / "docker"
    plan = lay_out_airflow(lock, None, tools, None, Choices(route="context"))
    for name, text in plan.texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    program.write_text(
        f'#!/bin/sh\nfor word; do :; done\n[ ! -d "$word" ] || (cd "$word" && {take}) 2>/dev/null\nexit 0\n'
    )
    program.chmod(0o755)
    staged = StagedFolder(
        folder,
        plan,
        StageRecord("", "airflow", "context", None, RecordedOptions(), signed=False, files={}),
        StageInputs(lock=lock, tools=tools),
    )
    engine = Engine("docker", str(program), {"PATH": "/usr/bin:/bin"})
    steps = list(rehearse_image(folder, lock, staged, image, engine))
    assert steps and not any(step.failed for step in steps)


def test_an_image_of_a_pre_release_is_built_by_the_steps_of_its_final_release(tmp_path: Path) -> None:
    built(tmp_path / "docker-context-files", "3.0.0rc1", Image("base", None, ()), f'cp "{SCRIPT}" "{tmp_path}"')
    assert Airflow.parse("3.0.0rc1").recipe.context_argument in (tmp_path / SCRIPT).read_text().partition("set -e")[2]


def test_only_at_its_top_the_context_lacks_git_and_an_older_staged_folder(tmp_path: Path) -> None:
    checkout, listing = tmp_path / "checkout", tmp_path / "listing"
    names = [".git/a", "docker-context-files/b", "src/docker-context-files/c", "src/.git", "d"]
    for name in names:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("")
    (checkout / "Dockerfile").write_text("FROM x\n")
    dockerfile = checkout / "Dockerfile"
    built(tmp_path / "staged", "3.0.0", Image(None, dockerfile, ()), f'find . -type f >> "{listing}"')
    listed = listing.read_text().splitlines()
    assert {name for name in names if f"./{name}" in listed} == {"src/docker-context-files/c", "src/.git", "d"}
    assert any(line.startswith("./docker-context-files/") for line in listed)


def test_methods_that_a_lost_sandbox_never_reached_do_not_blame_their_environment(tmp_path: Path) -> None:
    builder = Builder(Unsealed(), Interpreter(Path("/usr/bin/python3"), (), TARGET), Limits(), 1)
    context = InstallContext(LOCK, tmp_path, "/wheels", builder, frozenset())
    other = other_installers_run(context, InstallTools(uv=Path("/usr/bin/uv")), tmp_path)
    bare = CommandResult("bare environment", 0, 1.0, "")

    steps = list(other.steps({"bare environment": bare, "uv": CommandResult("uv", 137, 0.0, LOST)}))
    skipped = list(other.steps({"bare environment": replace(bare, code=1)}))

    assert [step.name for step in steps] == ["uv", "pylock", "pip-sync", "pip-compile"]
    assert steps[0].failed
    planned = {command.name for command in other.commands} - {"uv"}  # pip and pip-tools can be missing or too old here
    assert {step.skipped for step in steps if step.name in planned} <= {"the sandbox ended before this step"}
    assert skipped[0].skipped == "its environment could not be made"
