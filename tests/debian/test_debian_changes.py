"""What changes of Debian packages two locks show."""

from wheelhouse.debian.debian_changes import DebianChange, debian_changes
from wheelhouse.debian.debian_lock import DebianLock, LockedDeb


def lock_of(*versions: str) -> DebianLock:
    """A lock with these versions of one package, sorted as texts, as a lock file has them."""
    debs = [
        LockedDeb(
            "git", one, "amd64", "debian", f"git_{one}.deb", "a" * 64, 1, "bookworm", "main", "git", one, ("packages",)
        )
        for one in sorted(versions)
    ]
    return DebianLock(packages=tuple(debs))


def test_a_package_with_several_versions_is_compared_by_the_newest_one() -> None:
    assert list(debian_changes(lock_of("2.9", "2.10"), lock_of("2.10"))) == []
    assert list(debian_changes(lock_of("2.9", "2.10"), lock_of("2.9"))) == [DebianChange("git", "2.10", "2.9")]
