"""Archives that no lock file names: what they are, and what an install does with them (pure)."""

from collections.abc import Iterable

from wheelhouse.archive.filenames import is_wheel, release_of, wheel_parts
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock, Pin

BUILDERS = frozenset(
    {
        *("setuptools", "setuptools-scm", "setuptools-rust", "wheel", "pbr", "calver", "flit-core", "flit-scm"),
        *("hatchling", "hatch-vcs", "poetry-core", "pdm-backend", "scikit-build-core", "maturin", "meson-python"),
        *("meson", "ninja", "cython", "cmake", "pybind11"),
    }
)
"""Projects that build others. What the sdists of a lock were built with stands in the lock."""


def unlocked_file(filename: str, locks: Iterable[Lock], *, staged: bool) -> Finding:
    """The error finding for an archive that no lock file names; its case says what the file is. In a staged folder, everything
    at the top is installed.
    """
    locks = tuple(locks)
    place = "staged" if staged else "wheelhouse"
    try:
        project, version = release_of(filename)
    except ValueError:
        return _foreign(filename, f"unnamed-{place}")
    pins = [(lock, pin) for lock in locks for pin in lock.pins if pin.project == project]
    for lock, pin in pins:
        if pin.version == version:
            return _same_release(filename, lock, pin)
    names = {"project": str(project), "version": str(version)}
    for lock, pin in pins:
        return _foreign(filename, f"version-{place}", **names, locked=pin.artifact.filename, target=lock.target.name)
    if project in BUILDERS or project in _built_with(locks):
        return _foreign(filename, f"builder-{place}", **names)
    return _foreign(filename, f"unneeded-{place}", **names)


def _foreign(filename: str, case: str, **facts: str) -> Finding:
    """The error finding `foreign` for an archive."""
    return Finding.of(filename, "foreign", Severity.ERROR, case=case, **facts)


def _same_release(filename: str, lock: Lock, pin: Pin) -> Finding:
    """The error finding for another file of a locked release: case `platform` for a wheel that does not fit the target, else `twin`."""
    own = {"locked": pin.artifact.filename, "target": lock.target.name}
    if is_wheel(filename) and lock.target.rank(wheel_parts(filename)[3]) is None:
        platforms = ", ".join(sorted({tag.platform for tag in wheel_parts(filename)[3]}))
        return _foreign(filename, "platform", platforms=platforms, **own)
    return _foreign(filename, "twin", project=str(pin.project), **own)


def _built_with(locks: Iterable[Lock]) -> set[str]:
    """The projects that the built wheels of the locks were built with."""
    built = (pin.built for lock in locks for pin in lock.pins if pin.built)
    return {requirement.partition("==")[0] for one in built for requirement in one.requires}
