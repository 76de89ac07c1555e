"""Where a control group can be made, what it limits, and that none is left behind."""

from pathlib import Path

import pytest

from wheelhouse.sandbox import cgroup
from wheelhouse.sandbox.cgroup import Cgroup, Hierarchy, hierarchies, make_cgroup, usable_hierarchies
from wheelhouse.sandbox.sandbox import Limits

V1 = """\
32 23 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 23 0:28 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
34 23 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
LIMITS = Limits(memory=1 << 28, processes=64)


def test_version_1_has_a_group_for_each_controller() -> None:
    found = list(hierarchies("8:pids:/\n4:memory:/own/one\n0::/\n", V1))
    assert found == [
        Hierarchy(1, Path("/sys/fs/cgroup/memory/own/one"), ("memory",)),
        Hierarchy(1, Path("/sys/fs/cgroup/pids"), ("pids",)),
    ]


def test_a_container_sees_its_own_group_at_the_mount_point() -> None:
    mounts = "32 23 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    assert list(hierarchies("4:memory:/docker/abc\n", mounts)) == [
        Hierarchy(1, Path("/sys/fs/cgroup/memory"), ("memory",))
    ]
    assert list(hierarchies("4:memory:/elsewhere\n", mounts)) == []


def test_version_2_has_groups_where_a_parent_delegates_its_controllers(tmp_path: Path) -> None:
    own = tmp_path / "user.slice" / "app.slice" / "run.scope"
    own.mkdir(parents=True)
    for folder, controllers in (
        (own, ""),
        (own.parent, "memory pids\n"),
        (own.parents[1], "cpu memory pids\n"),
        (tmp_path, "memory\n"),
    ):
        (folder / "cgroup.subtree_control").write_text(controllers)
    mounts = f"35 23 0:30 / {tmp_path} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    assert list(hierarchies("0::/user.slice/app.slice/run.scope\n", mounts)) == [
        Hierarchy(2, own.parent, ("memory", "pids")),
        Hierarchy(2, own.parents[1], ("memory", "pids")),
        Hierarchy(2, tmp_path, ("memory",)),
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_limits_are_written(tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "usable_hierarchies", lambda: (Hierarchy(version, tmp_path, ("memory", "pids")),))
    made = make_cgroup(LIMITS)
    assert made
    (folder,) = made.folders
    name = {1: "memory.limit_in_bytes", 2: "memory.max"}[version]
    assert ((folder / name).read_text(), (folder / "pids.max").read_text()) == (str(1 << 28), str(64 + 16))
    assert made.joins == (folder / "cgroup.procs",)


@pytest.mark.parametrize("name", ["memory.events", "memory.oom_control"])
def test_a_process_that_was_killed_for_memory_is_noticed(tmp_path: Path, name: str) -> None:
    made = Cgroup((Hierarchy(2, tmp_path, ("memory",)),), "one")
    (tmp_path / "one").mkdir()
    for count, ran_out in ((0, False), (2, True)):
        (tmp_path / "one" / name).write_text(f"oom 3\noom_kill {count}\n")
        assert made.ran_out is ran_out


def test_without_a_memory_controller_there_is_no_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroup, "usable_hierarchies", lambda: (Hierarchy(1, tmp_path, ("pids",)),))
    assert make_cgroup(LIMITS) is None
    monkeypatch.setattr(cgroup, "usable_hierarchies", lambda: (Hierarchy(1, tmp_path / "missing", ("memory",)),))
    assert make_cgroup(LIMITS) is None


def test_a_real_group_is_made_and_removed() -> None:
    if not usable_hierarchies():
        pytest.skip("this user can make no cgroup here")
    made = make_cgroup(LIMITS)
    assert made
    assert all(folder.is_dir() for folder in made.folders)
    made.remove()
    assert not any(folder.exists() for folder in made.folders)


def test_groups_of_a_killed_process_are_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = tmp_path / "proc"
    (processes / "2").mkdir(parents=True)
    monkeypatch.setattr(cgroup, "PROCESSES", processes)
    names = ("wheelhouse-1-aa", "wheelhouse-2-bb", "other-1-cc")
    for name in names:
        (tmp_path / name).mkdir()
    cgroup._sweep(tmp_path)
    assert [name for name in names if (tmp_path / name).exists()] == ["wheelhouse-2-bb", "other-1-cc"]


def test_a_process_that_cannot_be_seen_is_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda process, _signal: killed.append(process))
    (tmp_path / "cgroup.procs").write_text("0\n1234567\n")
    assert not cgroup._removed(tmp_path)
    assert killed == [1234567]
