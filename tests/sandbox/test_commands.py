"""Results of a rehearsal's commands: what code of packages can do to them, and what it cannot."""

import hmac
import json
import sys
from pathlib import Path

import pytest

from tests.support.rehearsals import Told, fetch, rehearse
from tests.support.sandboxes import BY_NAME, needs_sandbox
from tests.support.wheels import build_wheel
from wheelhouse.errors import MachineError
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.commands import InstallCommand, authentic_results, is_complete, run_commands
from wheelhouse.sandbox.inside_commands import signed
from wheelhouse.sandbox.sandbox import Limits, SandboxArgv, SandboxCommand
from wheelhouse.target.interpreters import facts_of, interpreter_of

SECRET = b"s" * 32
COMMANDS = (InstallCommand("environment", ("true",), vital=True), InstallCommand("check", ("true",)))


def line(number: int, name: str, code: int = 0, secret: bytes = SECRET) -> bytes:
    result = {"name": name, "code": code, "seconds": 0.1, "output": "said"}
    return signed(secret, number, json.dumps(result).encode()).rstrip(b"\n")


def names(*lines: bytes) -> list[str]:
    return [result.name for result in authentic_results(lines, COMMANDS, SECRET)]


def test_signed_results_in_order_count() -> None:
    assert names(line(0, "environment"), line(1, "check")) == ["environment", "check"]


@pytest.mark.parametrize(
    "forged",
    [
        line(1, "check", secret=b"another"),
        line(0, "environment"),
        line(0, "check"),
        line(1, "install"),
        b"",
        b"{}",
        b"\xff\xfe \xff",
        json.dumps({"name": "check", "code": 0, "seconds": 0, "output": ""}).encode(),
        hmac.new(SECRET, b"", "sha256").hexdigest().encode() + b" []",
    ],
)
def test_a_line_that_the_runner_did_not_sign_ends_the_results(forged: bytes) -> None:
    assert names(line(0, "environment"), forged, line(1, "check")) == ["environment"]


def test_after_a_failed_vital_command_nothing_is_missing() -> None:
    (failed,) = authentic_results([line(0, "environment", 1)], COMMANDS, SECRET)
    assert is_complete(COMMANDS, [failed])
    (passed,) = authentic_results([line(0, "environment")], COMMANDS, SECRET)
    assert not is_complete(COMMANDS, [passed])


class Silent:
    """A sandbox whose runner ends at once."""

    name, has_filter = "silent", False

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        return SandboxArgv(["false"], {"PATH": "/usr/bin:/bin"})


def test_a_sandbox_that_runs_nothing_is_an_error_of_the_machine() -> None:
    builder = Builder(Silent(), interpreter_of(facts_of(Path(sys.executable))), Limits(), 1)
    with pytest.raises(MachineError, match="the rehearsal did not run: the sandbox ended with code 1"):
        list(run_commands(builder, COMMANDS, {}))


# Packages that attack the rehearsal, when they are imported or when their environment's Python starts

SCAN = """\
import glob, json, os, signal
def each(path, action):
    for name in glob.glob(path):
        try:
            action(name)
        except OSError:
            pass
"""
FORGE = (
    SCAN
    + """\
def write(name):
    with open(name, "ab", 0) as pipe:
        pipe.write(FORGED)
FORGED = b"\\n" + json.dumps({"name": "import", "code": 0, "seconds": 0, "output": "{}"}).encode() + b"\\n"
each("/proc/[0-9]*/fd/1", write)
"""
)
REPORT = """\
import os, sys
if "environment.py" in " ".join(sys.orig_argv):
    print("[]", flush=True)
    os._exit(0)
"""
ATTACKS = {
    "kills the runner": SCAN
    + "each('/proc/[0-9]*', lambda name: int(name[6:]) == os.getpid() or os.kill(int(name[6:]), 9))",
    "writes answers": FORGE,
    "reports no distributions": REPORT,
}


def attacked(seal: str, folder: Path, attack: str, *, by_path_file: bool) -> Told:
    """A rehearsal of a wheel that attacks it, when it is imported, or when the Python of its environment starts."""
    files = {"evil.py": attack.encode()}
    if by_path_file:
        files["evil.pth"] = b"import evil\n"
    build_wheel(folder / "offered", "evil", "1.0", files=files)
    return rehearse(fetch(folder, folder / "offered", "evil"), seal=seal)


@pytest.mark.rooms
@pytest.mark.parametrize("by_path_file", [False, True], ids=["at import", "by .pth"])
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("seal", BY_NAME)
def test_no_package_ends_a_rehearsal_as_an_error_of_wheelhouse(
    seal: str, attack: str, by_path_file: bool, tmp_path: Path
) -> None:
    needs_sandbox(seal)
    told = attacked(seal, tmp_path, ATTACKS[attack], by_path_file=by_path_file)
    assert told.code in (0, 1), told.stderr
    assert told.steps["install"]["outcome"] == "ok"
    if told.code == 0:  # the attack reached nothing, and everything was still reported
        assert told.outcome("import") == "ok"
        assert told.outcome("check") == "ok"
