"""wheelhouse itself and its dependencies, locked for the other side's Python, as a wheelhouse inside the wheelhouse."""

from pathlib import Path

from wheelhouse.archive.wheelfile import inspect
from wheelhouse.bundle.self_wheel import DISTRIBUTION, own_wheel
from wheelhouse.events import Listener, ignore
from wheelhouse.fetch.fetch import fetch
from wheelhouse.fetch.job import Job, Part
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import SELF
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.target.target import Target

EXTRAS = "publish,serve,signing"


def bring_self(
    folder: Path, targets: list[Target], source: PackageSource, on_event: Listener = ignore
) -> tuple[Lock, ...]:
    """Write the wheelhouse `self/` inside `folder`, from which wheelhouse is installed on each target.

    Raises NoSolutionError for a Python that is too old.
    """
    with scratch_folder("self") as scratch:
        wheel = own_wheel(scratch)
        stored = source.artifacts.keep(wheel, inspect(wheel, wheel.name))
    line = parse_line(f"{DISTRIBUTION}[{EXTRAS}] @ ./{wheel.name}#sha256={stored.sha256}")
    job = Job(requirements=(line,), parts=tuple(map(Part, targets)))
    return fetch(job, folder / SELF, source, on_event).locks


def install_lines(lock: Lock, bundle: str, *, in_volumes: bool) -> tuple[str, str]:
    """Two shell lines that install wheelhouse where only a Python of that target is. `bundle` is the file's name.

    They run the pip of `self/` from its wheel, because the Python of many systems has no pip.
    """
    pip = next(pin.artifact.filename for pin in lock.pins if pin.project == "pip")
    unpacking = f"cat {bundle}.[0-9]* | tar -xf - {SELF}" if in_volumes else f"tar -xf {bundle} {SELF}"
    options = f"--no-index --find-links {SELF} --require-hashes -r {SELF}/{lock.requirements_filename}"
    venv = f"python{lock.target.python.minor} -m venv --without-pip wheelhouse"
    return (
        f"{unpacking} && (cd {SELF} && sha256sum -c --quiet SHA256SUMS)",
        f"{venv} && wheelhouse/bin/python {SELF}/{pip}/pip install {options}",
    )
