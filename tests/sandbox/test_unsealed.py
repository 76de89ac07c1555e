"""How paths inside a sandbox are replaced where there is none."""

import resource
from pathlib import Path

import pytest

from wheelhouse.errors import MachineError
from wheelhouse.sandbox import confinement
from wheelhouse.sandbox.confinement import prlimit
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.sandbox import Limits, SandboxCommand
from wheelhouse.sandbox.unsealed import Unsealed

SHOWN = {"/wheelhouse/env": Path("/srv/env1")}


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("/wheelhouse/env/bin/python", "/srv/env1/bin/python"),
        ("/home/u/wheelhouse/env/bin/python", "/home/u/wheelhouse/env/bin/python"),
        ("/wheelhouse/environment", "/wheelhouse/environment"),
        ("/wheelhouse/env.py", "/wheelhouse/env.py"),
        ("/usr/bin:/wheelhouse/env:/wheelhouse/work", "/usr/bin:/srv/env1:/srv/wheelhouse/env"),
        ('{"a": "/wheelhouse/env", "b": ["/wheelhouse/work/c"]}', '{"a": "/srv/env1", "b": ["/srv/wheelhouse/env/c"]}'),
        ("--find-links=/wheelhouse/env", "--find-links=/srv/env1"),
        ("file:///wheelhouse/env/a.whl", "file:///srv/env1/a.whl"),
    ],
)
def test_only_a_path_that_begins_there_is_replaced_and_only_once(inside: str, outside: str) -> None:
    command = SandboxCommand([inside], {"NAME": inside}, SHOWN, Limits())
    wrapped = Unsealed().wrap(command, Path("/srv/wheelhouse/env"))
    assert (wrapped.argv[-1], wrapped.environment) == (outside, {"NAME": outside})


def test_the_longest_path_is_replaced() -> None:
    shown = {**SHOWN, "/wheelhouse/env/lib": Path("/srv/lib")}
    wrapped = Unsealed().wrap(SandboxCommand(["/wheelhouse/env/lib/x"], {}, shown, Limits()), Path("/srv/work"))
    assert wrapped.argv[-1] == "/srv/lib/x"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_answer_that_cannot_be_written_ends_the_command_at_once() -> None:
    command = SandboxCommand(["/bin/sh", "-c", "yes; sleep 3600"], {"PATH": "/usr/bin:/bin"}, {}, Limits())
    with pytest.raises(MachineError, match="`/dev/full`"):
        run_in(Unsealed(), command, Path("/dev/full"))


def test_a_hard_limit_of_this_process_that_is_lower_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "find_program", lambda name: name)
    hard = {resource.RLIMIT_NOFILE: 512, resource.RLIMIT_NPROC: 1 << 20}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (0, hard.get(which, resource.RLIM_INFINITY)))
    limits = Limits(memory=1 << 28, processes=64, files=4096)
    assert prlimit(limits) == ["prlimit", f"--as={1 << 28}", "--nproc=64", "--core=0", "--nofile=512"]
