"""What becomes of each project between two wheelhouses, by tables; and when a snapshot of advisories must not be replaced."""

from datetime import UTC, datetime
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.vet.advisories import Advisories, Advisory, Event, loss
from wheelhouse.vet.diff import Difference, Kind, differences

TARGETS = [Target.of(Python.parse("3.12"), Platform.parse(name)) for name in ("linux/amd64", "linux/arm64")]


def pin(filename: str, digit: str = "0") -> Pin:
    project, version = filename.removesuffix(".tar.gz").split("-")[:2]
    return Pin(canonicalize_name(project), Version(version), Artifact(filename, digit * 64, 1))


def wheelhouse(*pins: tuple[Pin, ...]) -> Wheelhouse:
    return Wheelhouse(tuple(Lock(target, Inputs(()), each) for target, each in zip(TARGETS, pins, strict=False)))


def one(old: tuple[Pin, ...], new: tuple[Pin, ...], **more: Any) -> Difference | None:
    return next(differences(wheelhouse(old), wheelhouse(new), **more), None)


WHEEL, SDIST = "lib-1.0-py3-none-any.whl", "lib-1.0.tar.gz"


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ((), (pin(WHEEL),), Kind.ADDED),
        ((pin(WHEEL),), (), Kind.REMOVED),
        ((pin(WHEEL),), (pin(WHEEL, "1"),), Kind.BYTES),
        ((pin(WHEEL),), (pin(SDIST),), Kind.FILES),
        ((pin(WHEEL),), (pin(WHEEL), pin(SDIST)), Kind.FILES),
        ((pin(WHEEL), pin(SDIST)), (pin(WHEEL),), Kind.FILES),
        ((pin(WHEEL),), (pin("lib-1.1-py3-none-any.whl"),), Kind.UP),
        ((pin(WHEEL),), (pin("lib-0.9-py3-none-any.whl"),), Kind.DOWN),
        ((pin(WHEEL),), (pin(WHEEL), pin("lib-1.1.tar.gz")), Kind.UP),
        ((pin(WHEEL), pin("lib-1.1.tar.gz")), (pin("lib-1.1.tar.gz"),), Kind.UP),
        ((pin(WHEEL), pin("lib-1.1.tar.gz")), (pin("lib-0.9.tar.gz"), pin("lib-1.1.tar.gz")), Kind.DOWN),
        ((pin(WHEEL), pin(SDIST)), (pin(WHEEL), pin(SDIST, "1")), Kind.BYTES),
    ],
)
def test_the_kind_of_a_change(old: tuple[Pin, ...], new: tuple[Pin, ...], kind: Kind) -> None:
    change = one(old, new)
    assert change and change.kind is kind and change.project == "lib" and change.place == ""


def test_what_is_the_same_is_left_out_and_projects_are_sorted() -> None:
    old = wheelhouse((pin(WHEEL), pin("b-1.tar.gz"), pin("a-1.tar.gz")))
    new = wheelhouse((pin("b-2.tar.gz"), pin("a-2.tar.gz"), pin(WHEEL)))
    changes = list(differences(old, new, "tools"))
    assert [(change.project, change.place) for change in changes] == [("a", "tools"), ("b", "tools")]
    assert (changes[0].old, changes[0].new, changes[0].removed) == ((Version("1"),), (Version("2"),), ("a-1.tar.gz",))
    assert changes[0].files[0].new.artifact.filename == "a-2.tar.gz" and changes[0].files[0].changes == ()


def test_the_locks_of_all_targets_count() -> None:
    old = wheelhouse((pin("lib-1.0-cp312-cp312-linux_x86_64.whl"),), (pin("lib-1.0-cp312-cp312-linux_aarch64.whl"),))
    new = wheelhouse((pin("lib-1.0-cp312-cp312-linux_x86_64.whl"),), (pin("lib-1.1-cp312-cp312-linux_aarch64.whl"),))
    (change,) = differences(old, new)
    assert change.kind is Kind.UP and change.new == (Version("1.0"), Version("1.1"))


@pytest.mark.parametrize(
    ("new", "olds", "replaced"),
    [
        ("lib-2-cp312-cp312-linux_x86_64.whl", ("lib-1-cp312-cp312-linux_x86_64.whl", "lib-1-py3-none-any.whl"), 0),
        ("lib-2-cp313-cp313-linux_x86_64.whl", ("lib-1-py3-none-any.whl", "lib-1-cp312-cp312-linux_x86_64.whl"), 1),
        ("lib-2.tar.gz", ("lib-1-cp312-cp312-linux_x86_64.whl", "lib-1.tar.gz"), 1),
        ("lib-1-py3-none-any.whl", ("lib-0-py3-none-any.whl", "lib-1-py3-none-any.whl"), 1),
        ("lib-2-py3-none-any.whl", ("lib-1-cp312-cp312-linux_x86_64.whl", "lib-1-cp311-cp311-linux_x86_64.whl"), 1),
        ("lib-2-cp312-abi3-any.whl", ("lib-1-cp311-abi3-any.whl", "lib-1-cp312-abi3-any.whl"), 1),
        ("lib-2-py3-none-any.whl", (), None),
    ],
)
def test_the_file_that_a_new_one_replaces(new: str, olds: tuple[str, ...], replaced: int | None) -> None:
    change = one(tuple(pin(name, "1") for name in olds), (pin(new, "2"),))
    assert change
    (file,) = change.files
    assert (file.old.artifact.filename if file.old else None) == (None if replaced is None else olds[replaced])


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        ((WHEEL,), (WHEEL, SDIST), None),
        ((WHEEL, "lib-0.9-py3-none-any.whl"), (WHEEL, SDIST), "lib-0.9-py3-none-any.whl"),
        ((WHEEL, "lib-0.9.tar.gz"), (WHEEL, "lib-0.9.tar.gz", SDIST), "lib-0.9.tar.gz"),
        ((WHEEL,), (SDIST,), WHEEL),
        ((WHEEL,), (WHEEL, "lib-1.1.tar.gz"), WHEEL),
        ((WHEEL,), (WHEEL, "lib-1.0-cp312-cp312-linux_x86_64.whl"), WHEEL),
    ],
)
def test_an_sdist_beside_a_wheel_that_stays_does_not_replace_it(
    old: tuple[str, ...], new: tuple[str, ...], replaced: str | None
) -> None:
    change = one(tuple(map(pin, old)), tuple(map(pin, new)))
    assert change
    (file,) = change.files
    assert (file.old.artifact.filename if file.old else None) == replaced


def snapshot(count: int, day: int | None) -> Advisories:
    lib = canonicalize_name("lib")
    advisories = tuple(Advisory(f"A-{number}", lib) for number in range(count))
    return Advisories({lib: advisories}, datetime(2026, 1, day, tzinfo=UTC) if day else None)


@pytest.mark.parametrize(
    ("new", "before", "reason"),
    [
        ((2, 2), (2, 2), None),
        ((3, 3), (2, 2), None),
        ((1, 3), (2, 2), "it has 1 advisories"),
        ((2, 1), (2, 2), "its newest advisory is dated 2026-01-01"),
        ((2, None), (2, 2), None),
        ((2, 1), (2, None), None),
    ],
)
def test_a_snapshot_is_not_replaced_by_less(
    new: tuple[int, int | None], before: tuple[int, int | None], reason: str | None
) -> None:
    told = loss(snapshot(*new), snapshot(*before))
    assert told is None if reason is None else told is not None and told.startswith(reason)


def test_the_first_fix_above_a_version_is_named() -> None:
    events = tuple(Event("fixed", version) for version in ("1.5", "3", "2"))
    advisory = Advisory("A-1", canonicalize_name("lib"), ranges=(events,))
    fixes = {version: advisory.fixed_in(Version(version)) for version in ("1", "1.5", "2.9", "3")}
    assert fixes == {"1": Version("1.5"), "1.5": Version("2"), "2.9": Version("3"), "3": None}
