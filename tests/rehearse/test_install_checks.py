"""What the results of an install's commands mean if the sandbox ended before all of them answered."""

from pathlib import Path

import pytest

from tests.rehearse.test_install_errors import LOCK, TARGET
from wheelhouse.rehearse.install_checks import InstallContext, install_run, pip_install
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
