"""Folders whose locks hold on this machine alone are refused."""

from pathlib import Path

import pytest

from wheelhouse.errors import MachineError
from wheelhouse.events import Event, Warned
from wheelhouse.files import local_locks
from wheelhouse.files.cache import Cache
from wheelhouse.files.disk import folder_lock
from wheelhouse.files.local_locks import local_lock_option

ROOT = "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
NFS = "90 25 0:50 / {place} rw,relatime shared:9 - {kind} server:/export rw,vers=3,{options},addr=10.0.0.1\n"


def mounted(place: str, kind: str, options: str) -> str:
    return ROOT + NFS.format(place=place, kind=kind, options=options)


@pytest.mark.parametrize(
    ("kind", "options", "path", "option"),
    [
        ("nfs", "local_lock=none", "/srv/wheels", None),
        ("nfs", "nolock,local_lock=all", "/srv/wheels", "nolock"),
        ("nfs4", "local_lock=flock", "/srv", "local_lock=flock"),
        ("nfs4", "local_lock=posix", "/srv/wheels", None),
        ("nfs", "local_lock=all", "/srv2/wheels", None),
        ("nfs", "local_lock=all", "/home/ada", None),
        ("cifs", "soft,nobrl", "/srv/wheels", "nobrl"),
        ("ext4", "nobrl", "/srv/wheels", None),
    ],
)
def test_an_option_that_keeps_locks_on_this_machine(kind: str, options: str, path: str, option: str | None) -> None:
    assert local_lock_option(mounted("/srv", kind, options), path) == option


def test_the_last_mount_at_a_place_counts_and_names_may_have_spaces() -> None:
    over = mounted("/srv/a\\040b", "nfs", "nolock") + "91 25 8:2 / /srv/a\\040b rw - ext4 /dev/sdb rw\n"
    assert local_lock_option(mounted("/srv/a\\040b", "nfs", "nolock"), "/srv/a b/c") == "nolock"
    assert local_lock_option(over, "/srv/a b/c") is None
    assert local_lock_option("no table\n - \n", "/srv") is None


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is on NFS without locks, as the system says."""
    table = mounted(str(tmp_path.resolve()).replace(" ", "\\040"), "nfs", "nolock,local_lock=all")
    monkeypatch.setattr(local_locks, "_mounts", lambda: table)
    return tmp_path


def test_no_wheelhouse_is_written_there(local: Path) -> None:
    with pytest.raises(MachineError, match="mounted with `nolock`") as caught, folder_lock(local / "wheels"):
        pass
    assert "without this option" in (caught.value.hint or "")


def test_a_cache_there_is_only_read(local: Path) -> None:
    events: list[Event] = []
    cache = Cache(local / "cache", events.append)
    cache.note("kind", "key", b"content")
    assert cache.noted("kind", "key") == b"content" and list((local / "cache").iterdir()) == []
    (event,) = events
    assert isinstance(event, Warned) and "mounted with `nolock`" in event.sentence
    cache.close()
