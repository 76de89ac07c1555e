"""What the results of an install's commands mean if the sandbox ended before all of them answered."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rehearse.test_install_errors import LOCK, TARGET
from tests.support.wheels import build_sdist
from wheelhouse.rehearse.install_checks import InstallContext, install_run, pip_install, without_builders
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.commands import CommandResult
from wheelhouse.sandbox.sandbox import Limits
from wheelhouse.sandbox.unsealed import Unsealed
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
