"""The base image for a target: its distribution, Python and architecture (pure)."""

import re

from wheelhouse.errors import InputError
from wheelhouse.target.image import Image
from wheelhouse.target.platform import ARCHITECTURES
from wheelhouse.target.target import Target

DEBIANS = ((36, "bookworm"), (41, "trixie"))
"""(N of glibc 2.N, Debian release) of the official Python images today, oldest first."""
LAST_BULLSEYE = (3, 6)
"""The last Python whose newest official image is Debian bullseye (glibc 2.31)."""
NAME_ONE = "name an image that fits the target: --base-image NAME"
REFERENCE = re.compile(r"[\w\[$][\w./:@${}\[\]+-]{0,511}", re.ASCII)
"""What can stand in `FROM`: a reference (OCI distribution), a registry's IPv6 address, and build arguments such as `${TAG}`."""
OFFICIAL = re.compile(r"(?:^|/)(?:python|(pypy)):(3\.(?:[6-9]|[1-9]\d))(?![\d$])")
"""The Python in the name of an official image, or of a copy of it: `python:3.12`, `pypy:3.10`; none for a version before 3.6."""
MACHINES = {machine: architecture for architecture, machine in ARCHITECTURES.items()} | {"armv8l": "arm/v7"}


def default_base_image(target: Target) -> str:
    """The name of the official Python or PyPy image for a Linux target: `-alpine` for musl, else slim with bookworm, or with
    trixie if bookworm's glibc is too old. Up to Python 3.6 it is bullseye, if that has the glibc.

    Raises InputError if there is none, and for a target that is not Linux.
    """
    must_be_linux(target)
    python = target.python
    if python.free_threaded or python.implementation not in ("cpython", "pypy"):
        raise InputError(f"there is no official image for {target.name}", hint=NAME_ONE)
    name = "python" if python.implementation == "cpython" else "pypy"
    libc, minor = _libc(target.platform.tag)
    if libc == "musllinux":
        if name == "pypy":
            raise InputError(f"there is no official image for {target.name}", hint=NAME_ONE)
        return f"python:{python.minor}-alpine"
    if python.version.release[:2] <= LAST_BULLSEYE and minor <= 31:
        return f"{name}:{python.minor}-slim-bullseye"
    debian = next((debian for newest, debian in DEBIANS if minor <= newest), None)
    if debian is None:
        raise InputError(f"no official image has glibc 2.{minor}, which {target.name} needs", hint=NAME_ONE)
    return f"{name}:{python.minor}-slim-{debian}"


def must_be_linux(target: Target) -> None:
    """Raise InputError for a target that is not Linux: no container image can hold it."""
    if target.platform.system != "Linux":
        raise InputError(
            f"{target.name} is not a Linux target, but an image is for Linux",
            hint="install from the wheelhouse itself: "
            f"`pip install --no-index --find-links WHEELHOUSE -r WHEELHOUSE/requirements.{target.name}.txt`",
        )


def must_suit(image: str, target: Target) -> None:
    """Raise InputError if an image's name says that a target's files do not install into it, or if it is not the name of an image.

    If a name does not say which C library the image has, only the Python of an official image decides. The
    architecture is not compared.
    """
    if not REFERENCE.fullmatch(image):
        raise InputError(
            f"{image!r} is not the name of an image", hint="write the name as in a Dockerfile: registry/name:tag"
        )
    match = OFFICIAL.search(image)
    if match and target.python.free_threaded and not image.startswith("t", match.end()):
        raise InputError(f"the files of {target.name} are not for the Python of `{image}`", hint=_hint(image))
    try:
        parsed = Image.parse(image)
    except InputError:
        if match:
            _must_have_python(f"{match[1] or ''}{match[2]}", image, target)
        return
    must_be_installable(parsed, image, target)


def must_be_installable(parsed: Image, image: str, target: Target) -> None:
    """Raise InputError if a target's files do not install into an image with this C library and Python.

    `image` is its name, for the message. If the Python of the image is not known, only the C library decides; it does not
    either if the target's tag has no version of it. The architecture is not compared.
    """
    (libc, minor), (needed, least) = _libc(f"{parsed.libc}_x"), _libc(target.platform.tag)
    if needed and libc != needed:
        raise InputError(
            f"the files of {target.name} do not install into `{image}`, which has {_named(libc)}", hint=_hint(image)
        )
    if needed and minor < least:
        older = f"{_named(libc)} {'2' if libc == 'manylinux' else '1'}.{minor}"
        raise InputError(
            f"the files of {target.name} do not install into `{image}`, which has {older}", hint=_hint(image)
        )
    if parsed.python:
        _must_have_python(parsed.python, image, target)


def _must_have_python(python: str, image: str, target: Target) -> None:
    """Raise InputError if a target's files are not for the Python of an image, `3.12` or `pypy3.10`. Free threading is not compared."""
    if _minor(python) != (target.python.implementation == "pypy", target.python.minor):
        raise InputError(f"the files of {target.name} are not for the Python of `{image}`", hint=_hint(image))


def _hint(image: str) -> str:
    """The hint for an image that does not suit."""
    return f"choose a different image with --base-image, or run `wheelhouse fetch` for this image: --image {image}"


def asking_for_base(image: str) -> str:
    """The sentence that a base image is not in the folder: the engine must have it, or fetch it."""
    return (
        f"still needs a network: the base image `{image}`, unless the engine has it; `wheelhouse fetch "
        f"--base-image {image}` solves this"
    )


def platform_option(target: Target) -> tuple[str, ...]:
    """The option of an image build for the target's architecture: `--platform linux/arm64`. Empty for `linux/amd64`: then
    the engine builds for its own default.
    """
    architecture = MACHINES.get(target.platform.machine, target.platform.machine)
    return () if architecture == "amd64" else ("--platform", f"linux/{architecture}")


def _libc(tag: str) -> tuple[str, int]:
    """The C library of a platform tag and its minor version: `manylinux_2_36_x86_64` has ("manylinux", 36); ("", 0) for
    other tags, such as `manylinux2014_x86_64`.
    """
    match = re.match(r"(manylinux|musllinux)_\d+_(\d+)_", tag)
    return (match[1], int(match[2])) if match else ("", 0)


def _named(libc: str) -> str:
    """The name of a C library: glibc for `manylinux`, musl for any other tag."""
    return "glibc" if libc == "manylinux" else "musl"


def _minor(python: str) -> tuple[bool, str]:
    """Whether a Python in an image's name is PyPy, and its minor version: `pypy3.10.1` is (True, "3.10")."""
    version = python.removeprefix("pypy")
    return version != python, ".".join(version.split(".")[:2])
