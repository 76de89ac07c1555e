"""Wheels that other machines built: noted in the store by sdist and target, for machines that cannot build for the target.

A note has all that the wheelhouse needs: how the wheel was built, and the lock files of the build environments with their constraints.
The store vouches for it: a note of another machine counts only with the signature of a trusted key.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.build.build_locks import BuildLocks
from wheelhouse.build.build_requirements import used_build_locks
from wheelhouse.errors import IntegrityError, WheelhouseError
from wheelhouse.files.store import Store
from wheelhouse.lock.lock import Built, Lock, Pin
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.target.target import Target

MADE = "made-1"
UNIVERSAL, ANY_TARGET = "-none-any.whl", "any"


class LockTexts(msgspec.Struct, frozen=True):
    """The lock file of a build environment, and its constraints; None if it has none."""

    lock: str
    constraints: str | None = None


class SharedBuild(msgspec.Struct, frozen=True):
    """A wheel that a machine built: its name, its sha256, how it was built, and the build locks that this names."""

    filename: str
    sha256: str
    built: Built
    locks: tuple[LockTexts, ...] = ()


_decoder = msgspec.json.Decoder(SharedBuild)


def note_build(part: Store, target: Target, pin: Pin, build_locks: BuildLocks) -> None:
    """Note in the store a pin whose wheel was built for a target; a `none-any` wheel also as one for any target. Nothing for a
    pin without a built wheel.
    """
    built = pin.built
    if built is None:
        return
    note = SharedBuild(pin.artifact.filename, pin.artifact.sha256, built, tuple(_texts(pin, build_locks)))
    names = (target.name, ANY_TARGET) if pin.artifact.filename.endswith(UNIVERSAL) else (target.name,)
    for name in names:
        part.note(MADE, _key(pin, name), msgspec.json.encode(note))


def builds_of(part: Store, target: Target, pin: Pin) -> Iterator[SharedBuild]:
    """The builds of a pin's sdist that the store has notes of and whose wheel fits the target: at most one for it, then one for any."""
    for name in (target.name, ANY_TARGET):
        key = _key(pin, name)
        raw = part.noted(MADE, key) or part.bring_note(MADE, key)
        shared = _decoder.decode(raw) if raw else None
        if shared and target.rank(wheel_parts(shared.filename)[3]) is not None:
            yield shared


def adopt_locks(shared: SharedBuild, build_locks: BuildLocks) -> None:
    """Take the build locks of a shared build among those that this run uses. Raises IntegrityError for one that is damaged."""
    for texts in shared.locks:
        try:
            lock = parse_lock(texts.lock, f"a build lock of {shared.filename}")
        except WheelhouseError as error:
            raise IntegrityError(f"the store's record of `{shared.filename}` cannot be read: {error}") from error
        build_locks.used[lock.name] = lock
        if texts.constraints is not None:
            build_locks.constraints[lock.name] = texts.constraints


def _texts(pin: Pin, build_locks: BuildLocks) -> Iterable[LockTexts]:
    """The texts of the build locks that a pin names, and of those that they name, as far as this run used them."""
    by_filename: Mapping[str, Lock] = {lock.filename: lock for lock in build_locks.used.values()}
    for lock in used_build_locks([pin], by_filename).values():
        yield LockTexts(lock_toml(lock, with_paths=True), build_locks.constraints.get(lock.name))


def _key(pin: Pin, target: str) -> str:
    """The name of a note: the sha256 of the sdist and the target."""
    return f"{pin.origin.sha256}\0{target}"
