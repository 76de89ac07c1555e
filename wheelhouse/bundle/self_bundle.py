"""wheelhouse itself and its dependencies, locked for the other side's Python, as a wheelhouse inside the wheelhouse."""

from pathlib import Path
from shlex import quote

from wheelhouse.archive.wheelfile import inspect
from wheelhouse.bundle.bundle import BundleManifest
from wheelhouse.bundle.self_wheel import DISTRIBUTION, own_wheel
from wheelhouse.errors import InputError
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
    """Write the wheelhouse `self/` inside `folder`, from which wheelhouse is installed on each target; return its locks.

    The wheel of wheelhouse is also kept in the store. Raises NoSolutionError for a Python that is too old, InputError if
    another build of this version is there, MachineError if wheelhouse is not installed, and as `fetch` does.
    """
    with scratch_folder("self") as scratch:
        wheel = own_wheel(scratch)
        _must_be_no_other_build(folder / SELF, wheel)
        stored = source.artifacts.keep(wheel, inspect(wheel, wheel.name))
    line = parse_line(f"{DISTRIBUTION}[{EXTRAS}] @ ./{wheel.name}#sha256={stored.sha256}")
    job = Job(requirements=(line,), parts=tuple(map(Part, targets)))
    return fetch(job, folder / SELF, source, on_event).locks


def _must_be_no_other_build(own: Path, wheel: Path) -> None:
    """Raise InputError if the folder has this wheel's name with other bytes: the lock file of `self/` would refuse the new ones.

    A checkout that changed gives such a wheel under the same version.
    """
    earlier = own / wheel.name
    if earlier.is_file() and earlier.read_bytes() != wheel.read_bytes():
        raise InputError(
            f"the wheel of wheelhouse in `{own}` has the same version, but different content: it was built from an earlier checkout",
            hint="remove that folder, then pack again",
        )


def install_lines(lock: Lock, bundle: str, manifest: BundleManifest, *, in_volumes: bool) -> tuple[str, str]:
    """Two shell lines that install wheelhouse where only a Python of that target is: one unpacks and checks, one installs with pip.

    `lock` is one of `self/`, which the first wheelhouse of the bundle has; `bundle` is the file's name. The lines run the
    pip of `self/` from its wheel, because the Python of many systems has no pip. A difference that leaves out files of
    `self/` is for a far side that has wheelhouse: `wheelhouse unpack` is then the first step.
    """
    folder = "/".join((*manifest.wheelhouses[:1], SELF))
    if all(entry.carried for entry in manifest.entries if entry.path.startswith(f"{folder}/")):
        place = quote(folder)
        unpacking = (
            f"cat {quote(bundle)}.[0-9]* | tar -xf - {place}" if in_volumes else f"tar -xf {quote(bundle)} {place}"
        )
    else:
        place = quote(f"wheels/{folder}")
        unpacking = f"wheelhouse unpack {quote(bundle)} wheels"
    pip = next(pin.artifact.filename for pin in lock.pins if pin.project == "pip")
    options = f"--no-index --find-links {place} --require-hashes -r {place}/{lock.requirements_filename}"
    venv = f"python{lock.target.python.minor} -m venv --without-pip wheelhouse"
    return (
        f"{unpacking} && (cd {place} && sha256sum -c --quiet SHA256SUMS)",
        f"{venv} && wheelhouse/bin/python {place}/{pip}/pip install {options}",
    )
