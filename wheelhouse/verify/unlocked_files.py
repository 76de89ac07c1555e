"""An archive that no lock names: what it is beside the locked files, and what an install makes of it (pure)."""

from collections.abc import Iterable

from wheelhouse.archive.filenames import is_wheel, release_of, wheel_parts
from wheelhouse.lock.lock import Lock, Pin

BUILDERS = frozenset(
    {
        *("setuptools", "setuptools-scm", "setuptools-rust", "wheel", "pbr", "calver", "flit-core", "flit-scm"),
        *("hatchling", "hatch-vcs", "poetry-core", "pdm-backend", "scikit-build-core", "maturin", "meson-python"),
        *("meson", "ninja", "cython", "cmake", "pybind11"),
    }
)
"""Projects that build others. What sdists of a lock were really built with is known from the lock."""


def unlocked_file_findings(filename: str, locks: Iterable[Lock], *, staged: bool) -> tuple[str, str]:
    """What to say of an archive beside the locks' own, and what to do. In a staged folder everything at the top is installed."""
    locks = tuple(locks)
    fate = "whatever lies at the top is installed into the image" if staged else "whoever installs from here may get it"
    try:
        project, version = release_of(filename)
    except ValueError:
        return f"no lock names it, and {fate}", "remove it"
    pins = [(lock, pin) for lock in locks for pin in lock.pins if pin.project == project]
    for lock, pin in pins:
        if pin.version == version:
            return _twin(filename, lock, pin), "remove it; one file a project is enough"
    for lock, pin in pins:
        sentence = f"it is a second version of {project} beside `{pin.artifact.filename}`, which the lock of {lock.target.name} names"
        return f"{sentence}; {fate}", f"remove it, or fetch with `--upgrade-project {project}` if you want {version}"
    if project in BUILDERS or project in _built_with(locks):
        where = "move it to tools/, which an install does not look into" if staged else "keep it in build/"
        return (
            f"it is a build requirement, which no lock names as something to install, and {fate}",
            f"remove it; {where}",
        )
    return f"no lock names it, and {fate}", f"remove it, or fetch what needs {project}"


def _twin(filename: str, lock: Lock, pin: Pin) -> str:
    own = pin.artifact.filename
    if is_wheel(filename) and lock.target.rank(wheel_parts(filename)[3]) is None:
        platforms = ", ".join(sorted({tag.platform for tag in wheel_parts(filename)[3]}))
        return f"it is for another platform or Python ({platforms}), and {lock.target.name} has `{own}`"
    return f"it is the same release of {pin.project} as `{own}`, which the lock of {lock.target.name} names"


def _built_with(locks: Iterable[Lock]) -> set[str]:
    built = (pin.built for lock in locks for pin in lock.pins if pin.built)
    return {requirement.partition("==")[0] for one in built for requirement in one.requires}
