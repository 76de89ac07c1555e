"""Take wheelhouse along: itself and all it needs, locked for the far side's Python, as a house inside the house."""

from pathlib import Path
from tempfile import TemporaryDirectory

from wheelhouse.archive.wheelfile import inspect
from wheelhouse.bundle.self_wheel import DISTRIBUTION, own_wheel
from wheelhouse.events import Listener, ignore
from wheelhouse.fetch.fetch import fetch
from wheelhouse.fetch.job import Job, Part
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import SELF
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.target.target import Target

EXTRAS = "publish,serve,signing"


def bring_self(
    house: Path, targets: list[Target], supply: PackageSource, on_event: Listener = ignore
) -> tuple[Lock, ...]:
    """Make `house/self` a house from which wheelhouse is installed on each target. Raises NoSolutionError for a Python that is too old."""
    with TemporaryDirectory() as scratch:
        wheel = own_wheel(Path(scratch))
        stored = supply.artifacts.keep(wheel, inspect(wheel, wheel.name))
    line = parse_line(f"{DISTRIBUTION}[{EXTRAS}] @ ./{wheel.name}#sha256={stored.sha256}")
    job = Job(requirements=(line,), parts=tuple(map(Part, targets)))
    return fetch(job, house / SELF, supply, on_event).locks


def install_lines(lock: Lock, bundle: str, *, in_volumes: bool) -> tuple[str, str]:
    """The two lines of shell that install it where a Python of that target is, and nothing else. `bundle` is the file's name.

    The pip that it brings along runs from its own wheel: the Python of many a system has none.
    """
    pip = next(pin.artifact.filename for pin in lock.pins if pin.project == "pip")
    out = f"cat {bundle}.[0-9]* | tar -xf - {SELF}" if in_volumes else f"tar -xf {bundle} {SELF}"
    from_house = f"--no-index --find-links {SELF} --require-hashes -r {SELF}/{lock.requirements_filename}"
    venv = f"python{lock.target.python.minor} -m venv --without-pip wheelhouse"
    return (
        f"{out} && (cd {SELF} && sha256sum -c --quiet SHA256SUMS)",
        f"{venv} && wheelhouse/bin/python {SELF}/{pip}/pip install {from_house}",
    )
