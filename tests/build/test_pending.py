"""What is left to do in a wheelhouse, for `build`."""

from pathlib import Path

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.build.pending import BuildOptions, is_complete
from wheelhouse.verify.verify import load_wheelhouse


def test_a_wheelhouse_with_a_stale_text_is_not_complete(tmp_path: Path) -> None:
    """A killed build writes its lock first and SHA256SUMS last."""
    build_wheel(tmp_path, "one", "1.0")
    folder = wheelhouse_of(tmp_path, "one")
    wheelhouse = load_wheelhouse(folder)
    assert is_complete(wheelhouse, folder, BuildOptions())
    (folder / "SHA256SUMS").write_text("stale\n")
    assert not is_complete(wheelhouse, folder, BuildOptions())
