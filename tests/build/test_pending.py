"""What is left to do in a wheelhouse, for `build`."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.build.pending import BuildOptions, is_complete
from wheelhouse.lock.lock import Built
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.verify.verify import load_wheelhouse


def test_a_wheelhouse_with_a_stale_text_is_not_complete(tmp_path: Path) -> None:
    """A killed build writes its lock first and SHA256SUMS last."""
    build_wheel(tmp_path, "one", "1.0")
    folder = wheelhouse_of(tmp_path, "one")
    wheelhouse = load_wheelhouse(folder)
    assert is_complete(wheelhouse, folder, BuildOptions())
    (folder / "SHA256SUMS").write_text("stale\n")
    assert not is_complete(wheelhouse, folder, BuildOptions())


@pytest.mark.parametrize(
    ("held", "demanded", "is_done"),
    [
        ("bubblewrap, seccomp, cgroup", {"seccomp", "cgroup"}, True),
        ("bubblewrap, seccomp", {"seccomp", "cgroup"}, False),
        ("", set(), True),
        ("", {"seccomp"}, False),  # a lock file of before
    ],
)
def test_a_wheel_of_a_weaker_sandbox_than_the_policy_demands_is_built_again(
    tmp_path: Path, held: str, demanded: set[str], is_done: bool
) -> None:
    build_wheel(tmp_path, "one", "1.0")
    folder = wheelhouse_of(tmp_path, "one")
    (lock,) = load_wheelhouse(folder).locks
    built = Built(
        replace(lock.pins[0].artifact, filename="one-1.0.tar.gz"), "CPython", sealed="bubblewrap", sandbox=held
    )
    wheelhouse = Wheelhouse((replace(lock, pins=(replace(lock.pins[0], built=built),)),))
    for name, text in wheelhouse.texts.items():
        (folder / name).write_text(text)
    assert is_complete(wheelhouse, folder, BuildOptions(sandbox=frozenset(demanded))) == is_done
