"""What is left to build in a wheelhouse. This check imports little, because most runs have nothing to build."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wheelhouse.errors import InputError
from wheelhouse.files.disk import has_bytes, has_locked_bytes
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.resolve.requirements import RequirementLine


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The user's options for builds. `targets` names the targets to build for; empty means all.

    With `only_here` sdists are left that this machine has no interpreter for, and what is built is put into the store; with
    `from_store` nothing is built. `sandbox` is what the policy demands that a sandbox holds: a wheel that was built with less is
    built again.
    """

    prior_to: datetime | None = None
    constraints: tuple[RequirementLine, ...] = ()
    keep_sdists: bool = False
    targets: tuple[str, ...] = ()
    check_reproducible: bool = False
    only_here: bool = False
    from_store: bool = False
    sandbox: frozenset[str] = frozenset()


def is_done(lock: Lock, folder: Path, options: BuildOptions) -> bool:
    """Whether a lock has nothing left to build and the wheelhouse has its built wheels, or its target was not requested."""
    if options.targets and lock.target.name not in options.targets:
        return True
    return not any(_must_build(pin, folder, options) for pin in lock.pins)


def is_complete(wheelhouse: Wheelhouse, folder: Path, options: BuildOptions) -> bool:
    """Whether every lock is done, and the texts are those of the locks: a killed build may have written some of them."""
    is_built = all(is_done(lock, folder, options) for lock in wheelhouse.locks)
    return is_built and all(has_bytes(folder / name, text.encode()) for name, text in wheelhouse.texts.items())


def _must_build(pin: Pin, folder: Path, options: BuildOptions) -> bool:
    """Whether a pin's wheel is to be built: it is an sdist; or its built wheel, or the sdist kept with it, is absent or
    altered; or it was confined less than `options` demand, or keeps its sdist otherwise than they say; or a second build is
    to be compared.
    """
    if pin.built is None:
        return not pin.artifact.is_wheel
    has_files = all(has_locked_bytes(folder, artifact) for artifact in pin.files)
    is_weaker = not options.sandbox <= pin.built.held
    return options.check_reproducible or is_weaker or pin.built.kept != options.keep_sdists or not has_files


def must_have_targets(wheelhouse: Wheelhouse, names: Iterable[str]) -> None:
    """Raise InputError for the first of these targets that a wheelhouse has no lock for."""
    targets = [lock.target.name for lock in wheelhouse.locks]
    if unknown := [name for name in names if name not in targets]:
        raise InputError(
            f"the wheelhouse has no target `{unknown[0]}`", hint=f"choose one with --target: {', '.join(targets)}"
        )
