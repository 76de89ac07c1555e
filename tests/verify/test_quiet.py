"""`verify --quiet` prints findings only, and what it checked if that is not as it must be."""

from pathlib import Path

from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel


def test_quiet_says_nothing_of_a_good_wheelhouse(tmp_path: Path) -> None:
    build_wheel(tmp_path / "links", "app", "1.0")
    fetched = wheelhouse("fetch", "app", "--python", "3.12", "--find-links", "links", "--no-index", cwd=tmp_path)
    assert fetched.returncode == 0, fetched.stderr
    assert wheelhouse("verify", "--quiet", cwd=tmp_path).stdout == ""
    next((tmp_path / "wheels").glob("*.whl")).write_bytes(b"")
    done = wheelhouse("verify", "-q", cwd=tmp_path)
    assert done.returncode == 1
    assert "has errors" in done.stdout
