"""Sdists in a staged folder: instead of built wheels, with their build requirements, and what they mean for the build (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import TOOLS
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.stage.pip_settings import pip_conf
from wheelhouse.stage.plan import Plan


def with_sdists(lock: Lock) -> Lock:
    """The lock with each built wheel replaced by its sdist, which names the build lock that the wheel was built with.

    Raises InputError if the lock says that such an sdist was not kept; the disk is not asked.
    """
    missing = [pin.origin.filename for pin in lock.pins if pin.built and not pin.built.kept]
    if missing:
        raise InputError(
            f"the wheelhouse does not have the sdists of {lock.target.name}: {', '.join(missing)}",
            hint="keep them: `wheelhouse build --keep-sdists`",
        )
    pins = (replace(pin, artifact=pin.origin, built=None, build_lock=pin.build_lock_name) for pin in lock.pins)
    return replace(lock, pins=tuple(pins))


def without_missing_build_locks(lock: Lock, build_locks: Mapping[str, Lock]) -> Lock:
    """The lock; pins whose build lock is not among `build_locks`, which are given by file name, name none."""
    pins = (pin if pin.build_lock in build_locks else replace(pin, build_lock="") for pin in lock.pins)
    return replace(lock, pins=tuple(pins))


def with_build_requirements(plan: Plan, build_locks: Iterable[Lock]) -> Plan:
    """The plan with build locks and their files in `tools/`, because all files at the top are installed; unchanged if they
    have no file.

    Its pip.conf, or the command if that builds no image, then names `tools/` too, and a note says so.
    """
    build_locks = tuple(build_locks)
    artifacts = {artifact.filename: artifact for lock in build_locks for artifact in lock.artifacts}
    if not artifacts:
        return plan
    files = {f"{TOOLS}/{name}": artifacts[name] for name in sorted(artifacts)}
    texts = dict(plan.texts) | ({"pip.conf": pip_conf(tools=True)} if "pip.conf" in plan.texts else {})
    texts |= {f"{TOOLS}/{lock.filename}": lock_toml(lock, with_paths=True) for lock in build_locks}
    note = (
        f"the build requirements of the sdists are in {TOOLS}/; for each requirement, an isolated build takes the newest "
        "release in this folder or beside the sdists"
    )
    links = () if plan.builds_an_image else ("--find-links", f"{plan.command[4]}/{TOOLS}")
    command = (*plan.command, *links)
    return replace(plan, files={**plan.files, **files}, texts=texts, notes=(*plan.notes, note), command=command)


def sdist_notes(lock: Lock) -> Iterator[str]:
    """What the sdists of a lock mean for the image build: a sentence on those with a build lock, one on the others; empty without any."""
    sdists = [pin for pin in lock.pins if not pin.artifact.is_wheel]
    ready = [pin.artifact.filename for pin in sdists if pin.build_lock]
    lacking = [pin.artifact.filename for pin in sdists if not pin.build_lock]
    if ready:
        yield f"{_are_sdists(ready)}: the image build will run setup code; to avoid this, make wheels with `wheelhouse build` first"
    if lacking:
        yield f"{_are_sdists(lacking)}: the image build will run setup code, and needs the build requirements of each sdist"


def _are_sdists(filenames: list[str]) -> str:
    """`a.tar.gz is an sdist`, or `a.tar.gz and 2 more are sdists`."""
    more = len(filenames) - 1
    return f"{filenames[0]} and {more} more are sdists" if more else f"{filenames[0]} is an sdist"
