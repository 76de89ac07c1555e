"""What other tools run of us: pre-commit's hooks and the step of GitHub's action, as they stand in the repository."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.tools import clean_environment, wheelhouse

HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
ACTION = (ROOT / "integrations" / "github" / "action.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", re.findall(r"^  entry: wheelhouse (.*)$", HOOKS, re.MULTILINE))
def test_a_hook_is_a_command_with_its_options(entry: str, tmp_path: Path) -> None:
    done = wheelhouse(*shlex.split(entry), cwd=tmp_path)
    assert done.returncode == 2
    assert "No such" not in done.stderr


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("wheelhouse.toml", "wheelhouse-lock"),
        ("requirements/base.in", "wheelhouse-lock"),
        ("wheels/pylock.cp312-manylinux_2_28_x86_64.toml", "wheelhouse-lock"),
        ("wheels/app-1.0-py3-none-any.whl", "wheelhouse-verify"),
        ("wheels/SHA256SUMS", "wheelhouse-verify"),
    ],
)
def test_a_hook_runs_when_one_of_its_files_changes(name: str, hook: str) -> None:
    pattern = re.search(rf"id: {hook}$.*?^  files: (.*?)$", HOOKS, re.MULTILINE | re.DOTALL)
    assert pattern
    assert re.search(pattern[1], name)


@pytest.mark.rooms
@pytest.mark.parametrize(("arguments", "code"), [("rules --json", 0), ("verify 'no where'", 2)])
def test_the_action_passes_words_and_exit_codes_on(arguments: str, code: int, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = re.findall(r"      run: \|\n((?:        .*\n)+)", ACTION)[-1]
    program = tmp_path / "wheelhouse" / "bin" / "wheelhouse"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).with_name("wheelhouse"))
    variables = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output"), "ARGUMENTS": arguments}
    done = subprocess.run(
        [bash, "-e", "-c", script],
        cwd=tmp_path,
        env={**clean_environment(**variables), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert (tmp_path / "output").read_text() == f"exit-code={code}\n"
    assert code == 0 or "there is no folder `no where`" in done.stderr
