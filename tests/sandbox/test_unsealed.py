"""How paths inside a sandbox are replaced where there is none."""

from pathlib import Path

import pytest

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
