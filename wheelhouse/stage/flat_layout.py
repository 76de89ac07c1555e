"""Layout `flat`: the locked files at the top of the folder, for any image; or settings for an index in their place (pure)."""

import re
from dataclasses import replace

from wheelhouse.lock.lock import Lock, Pin, requirement_line
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.stage.base_image import platform_option
from wheelhouse.stage.destination import FOLDER, USUAL, Destination
from wheelhouse.stage.pip_settings import NETRC, NETRC_NOTE, SECRET_MOUNT, index_pip_conf, index_uv_toml, pip_conf
from wheelhouse.stage.plan import FRAGMENT, SECRET, Plan, shell
from wheelhouse.stage.sdists import sdist_notes

BUILD_REQUIREMENTS = "build-requirements.txt"
NO_NETWORK = ("--network", "none")


def lay_out_flat(
    lock: Lock, constraints: str | None, base_image: str, *, isolated: bool = False, destination: Destination = USUAL
) -> Plan:
    """The plan for any Linux image: the files, hash-pinned requirements, pip.conf, and a Dockerfile that installs them.

    `base_image` must suit the target: this is not checked. `isolated`: pip finds the build requirements of every sdist in
    the folder, so it builds each in isolation.
    """
    wheelhouse = _wheelhouse(lock, constraints)
    builder = None if isolated else _setuptools_for_sdists(lock)
    texts = dict(wheelhouse.texts) | {
        "pip.conf": pip_conf(tools=False),
        FRAGMENT: _fragment(lock, base_image, builder, destination),
    }
    if builder:
        texts[BUILD_REQUIREMENTS] = requirement_line(builder)
    command = _build_command(lock, destination, *NO_NETWORK)
    return Plan("flat", lock.target.name, wheelhouse.artifacts, texts, command, notes=tuple(sdist_notes(lock)))


def lay_out_files(lock: Lock, constraints: str | None, destination: Destination = USUAL) -> Plan:
    """The plan for macOS and Windows: the files, hash-pinned requirements, and the command that installs them on such a machine."""
    wheelhouse = _wheelhouse(lock, constraints)
    requirements = destination.path(lock.requirements_filename)
    offline = ("--no-index", "--find-links", destination.path())
    command = ("pip", "install", *offline, "--require-hashes", "-r", requirements)
    notes = tuple(sdist_notes(lock))
    return Plan("flat", lock.target.name, wheelhouse.artifacts, wheelhouse.texts, command, notes=notes)


def lay_out_index(
    lock: Lock, constraints: str | None, base_image: str, index: str, destination: Destination = USUAL
) -> Plan:
    """The plan for any Linux image that installs the locked files from an index: lock file, requirements, settings for pip and uv, and a
    Dockerfile, but none of the locked files.
    """
    texts = {
        lock.filename: lock_toml(lock, with_paths=False),
        lock.requirements_filename: lock.to_requirements(),
        **({lock.constraints_filename: constraints} if constraints is not None else {}),
        "pip.conf": index_pip_conf(index),
        "uv.toml": index_uv_toml(index),
        FRAGMENT: _index_fragment(lock, base_image, index, destination),
    }
    command = _build_command(lock, destination, "--secret", SECRET)
    return Plan("flat", lock.target.name, {}, texts, command, notes=(NETRC_NOTE,), index=index)


def _wheelhouse(lock: Lock, constraints: str | None) -> Wheelhouse:
    """A wheelhouse of this one lock, with the constraints that it was made under, if any."""
    return Wheelhouse((lock,), {lock.target.name: constraints} if constraints is not None else {})


def _build_command(lock: Lock, destination: Destination, *options: str) -> tuple[str, ...]:
    """The command that builds an image by the fragment. Its context is the folder that holds the staged one."""
    platform = platform_option(lock.target)
    fragment = destination.path(FRAGMENT)
    return ("docker", "build", *platform, *options, "-f", fragment, "-t", "my-image", destination.context)


def _index_fragment(lock: Lock, base_image: str, index: str, destination: Destination) -> str:
    """The text of the Dockerfile that installs the locked files from an index."""
    return f"""# Installs what {index} has of {lock.target.name}, each file by its hash. The settings are only mounted, and
# the credentials, netrc's, are a build secret: no layer keeps either.
ARG BASE_IMAGE={base_image}
FROM ${{BASE_IMAGE}}
ARG PIP_OPTIONS=""
RUN --mount=type=bind,source={destination.name},target=/{FOLDER} {SECRET_MOUNT} \\
    export PIP_CONFIG_FILE=/{FOLDER}/pip.conf UV_CONFIG_FILE=/{FOLDER}/uv.toml NETRC={NETRC} && \\
    pip install ${{PIP_OPTIONS}} --no-cache-dir --require-hashes -r /{FOLDER}/{lock.requirements_filename}
"""


def _fragment(lock: Lock, base_image: str, builder: Pin | None, destination: Destination) -> str:
    """The text of the Dockerfile that installs the folder's files with no network. It mounts the folder and copies nothing; the base
    image and pip's options are build arguments.
    """
    here, name = replace(destination, context="."), destination.name
    build = shell(_build_command(lock, here, *NO_NETWORK)).replace(" \\\n   ", "")
    return f"""# Installs what {name} holds for {lock.target.name}, with no network. The folder is only mounted: no layer keeps it.
#
# As root:              {build}
# Extending Airflow's:  add --build-arg BASE_IMAGE=apache/airflow:VERSION-python{lock.target.python.minor} --build-arg PIP_OPTIONS=--user
ARG BASE_IMAGE={base_image}
FROM ${{BASE_IMAGE}}
ARG PIP_OPTIONS=""
RUN --mount=type=bind,source={name},target=/{FOLDER} \\
    export PIP_CONFIG_FILE=/{FOLDER}/pip.conf && \\
    {_install_commands(lock, builder)}
"""


def context_name(fragment: str) -> str:
    """The staged folder's name in the build context, as a fragment mounts it; the usual name if it mounts none."""
    match = re.search(rf"source=([^,]+),target=/{FOLDER}\b", fragment)
    return match[1] if match else FOLDER


def _install_commands(lock: Lock, builder: Pin | None) -> str:
    """The shell commands of the fragment that install everything. A `builder` is installed first, in its locked version.

    An isolated build would choose another version, and pips before 24.0 need one project more for it.
    """
    install = "pip install ${PIP_OPTIONS} --no-cache-dir --require-hashes"
    everything = f"-r /{FOLDER}/{lock.requirements_filename}"
    if builder is None:
        return f"{install} {everything}"
    return f"{install} -r /{FOLDER}/{BUILD_REQUIREMENTS} && \\\n    {install} --no-build-isolation {everything}"


def _setuptools_for_sdists(lock: Lock) -> Pin | None:
    """The lock's setuptools, which builds its sdists; None if the lock has no sdist or no setuptools."""
    sdists = any(not artifact.is_wheel for artifact in lock.artifacts)
    return next((pin for pin in lock.pins if sdists and pin.project == "setuptools"), None)
