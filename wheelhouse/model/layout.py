"""Layouts: what goes at which relative path of a staged folder, and what to tell the image build (pure)."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.version import Version

from wheelhouse.errors import InputError
from wheelhouse.model.airflow import FROM_CONTEXT, PRE_CACHE, Airflow, at, release_of
from wheelhouse.model.artifact import Artifact
from wheelhouse.model.house import House
from wheelhouse.model.lock import Lock

FOLDER = "docker-context-files"
MANIFEST = "wheelhouse-stage.json"
FRAGMENT = "install.Dockerfile"
TOOLS = "tools"
OLDEST_AIRFLOW = Version("2.8.0")


@dataclass(frozen=True, slots=True)
class Plan:
    """A staged folder before it is written: files from the house and texts, by relative path, and the build command.

    `command` is what builds the image, one argument an entry; `first` what must run before it. `notes` say what remains.
    """

    layout: str
    target: str
    files: Mapping[str, Artifact]
    texts: Mapping[str, str]
    command: tuple[str, ...]
    first: tuple[str, ...] = ()
    release: str | None = None
    route: str | None = None
    notes: tuple[str, ...] = field(default=())


def shell(command: tuple[str, ...]) -> str:
    """A command as one types it, an option a line."""
    return " \\\n    ".join(_grouped([shlex.quote(argument) for argument in command]))


def _grouped(arguments: list[str]) -> list[str]:
    lines: list[str] = []
    takes_value = False
    for argument in arguments:
        if takes_value or (lines and not argument.startswith("-") and not lines[-1].startswith("-")):
            lines[-1] += f" {argument}"
            takes_value = False
        else:
            lines.append(argument)
            takes_value = argument in ("--build-arg", "-f", "-t", "--network", "--file", "--tag")
    return lines


def pip_conf(tools: bool) -> str:
    """Pip's settings for a build with no network: the folder, and no index."""
    links = [f"/{FOLDER}", *([f"/{FOLDER}/{TOOLS}"] if tools else [])]
    lines = "".join(f"\n    {link}" for link in links)
    return f"[global]\nno-index = true\nfind-links ={lines}\ndisable-pip-version-check = true\n"


def lay_out_flat(lock: Lock, constraints: str | None, base_image: str) -> Plan:
    """For any image, and for extending Airflow's own: the files, hash-pinned requirements, pip's settings, a fragment."""
    house = House((lock,), {lock.target.name: constraints} if constraints is not None else {})
    files = dict(house.artifacts)
    texts = dict(house.texts) | {"pip.conf": pip_conf(tools=False), FRAGMENT: _fragment(lock, base_image)}
    command = ("docker", "build", "--network", "none", "-f", f"{FOLDER}/{FRAGMENT}", "-t", "my-image", ".")
    return Plan("flat", lock.target.name, files, texts, command, notes=tuple(_sdist_notes(lock)))


def _fragment(lock: Lock, base_image: str) -> str:
    return f"""# Installs what {FOLDER} holds for {lock.target.name}, with no network. The folder is only mounted: no layer keeps it.
#
# As root:              docker build --network none -f {FOLDER}/{FRAGMENT} -t my-image .
# Extending Airflow's:  add --build-arg BASE_IMAGE=apache/airflow:VERSION-python{lock.target.python.minor} --build-arg PIP_OPTIONS=--user
ARG BASE_IMAGE={base_image}
FROM ${{BASE_IMAGE}}
ARG PIP_OPTIONS=""
RUN --mount=type=bind,source={FOLDER},target=/{FOLDER} \\
    PIP_CONFIG_FILE=/{FOLDER}/pip.conf \\
    pip install ${{PIP_OPTIONS}} --no-cache-dir --require-hashes -r /{FOLDER}/{lock.requirements_filename}
"""


def _sdist_notes(lock: Lock) -> list[str]:
    return [
        f"{pin.artifact.filename} is an sdist: the image build will run its code, and needs setuptools in the folder"
        for pin in lock.pins
        if not pin.artifact.is_wheel
    ]


def lay_out_airflow(lock: Lock, constraints: str | None, tools: House | None, base_image: str | None) -> Plan:
    """For Airflow's own Dockerfile: its ordinary install, told to look in the folder and nowhere else."""
    airflow = release_of({pin.project: pin.version for pin in lock.pins})
    if airflow is None:
        raise InputError("the house holds no apache-airflow, so layout airflow does not fit", hint="use --layout flat")
    if airflow.version < OLDEST_AIRFLOW:
        raise InputError(
            f"layout airflow knows the releases since {OLDEST_AIRFLOW}, and the house holds {airflow.version}",
            hint="use --layout flat",
        )
    house = House((lock,), {lock.target.name: constraints} if constraints is not None else {})
    tool_files = tools.artifacts if tools else {}
    python = lock.target.python.minor
    image = base_image or airflow.base_image(python)
    files = dict(house.artifacts) | {f"{TOOLS}/{name}": artifact for name, artifact in tool_files.items()}
    arguments = _arguments(airflow, lock, constraints is not None, tools, image)
    command = ("docker", "build", ".", *_build_args(arguments), "--tag", f"my-airflow:{airflow.version}")
    first = ("docker", "build", "-f", f"{FOLDER}/base.Dockerfile", "-t", _derived(image), FOLDER) if airflow.uv else ()
    texts = {lock.filename: house.texts[lock.filename], "pip.conf": pip_conf(tools=True)}
    if constraints is not None:
        texts[f"constraints-{python}.txt"] = constraints
    if airflow.uv:
        texts["base.Dockerfile"] = _base_dockerfile(image)
    texts["build.args"] = "".join(f"{name}={value}\n" for name, value in arguments.items())
    texts["build-image.sh"] = _script(first, command)
    return Plan(
        "airflow",
        lock.target.name,
        files,
        texts,
        command,
        first,
        str(airflow.version),
        "configured",
        tuple(_notes(airflow, lock, tools)),
    )


def _arguments(airflow: Airflow, lock: Lock, constrained: bool, tools: House | None, image: str) -> dict[str, str]:
    python = lock.target.python.minor
    extras = next(pin.extras for pin in lock.pins if pin.project == "apache-airflow")
    pinned = {str(pin.project): str(pin.version) for pin in tools.locks[0].pins} if tools else {}
    base = _derived(image) if airflow.uv else image
    arguments = {
        "BASE_IMAGE" if airflow.compiles_python else "PYTHON_BASE_IMAGE": base,
        "AIRFLOW_INSTALLATION_METHOD": "apache-airflow",
        "AIRFLOW_VERSION": str(airflow.version),
        "AIRFLOW_VERSION_SPECIFICATION": f"=={airflow.version}",
        "AIRFLOW_EXTRAS": ",".join(extras),
        "DOCKER_CONTEXT_FILES": FOLDER,
        at(FROM_CONTEXT, airflow.version): "false",
        "AIRFLOW_PIP_VERSION": pinned.get("pip", airflow.pip),
    }
    if airflow.compiles_python:
        arguments["AIRFLOW_PYTHON_VERSION"] = str(lock.target.python.version)
    if airflow.uv:
        arguments |= {"AIRFLOW_UV_VERSION": pinned.get("uv", airflow.uv), "AIRFLOW_USE_UV": "false"}
    if constrained:
        arguments["AIRFLOW_CONSTRAINTS_LOCATION"] = f"/{FOLDER}/constraints-{python}.txt"
    if pre_cache := at(PRE_CACHE, airflow.version):
        arguments[pre_cache] = "false"
    return arguments


def _build_args(arguments: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}"))


def _derived(image: str) -> str:
    return f"wheelhouse-base:{image.replace(':', '-').replace('/', '-')}"


def _base_dockerfile(image: str) -> str:
    return f"""# The base image, told where uv finds what it installs: settings for uv reach Airflow's build by no other way.
FROM {image}
ENV UV_OFFLINE=1 UV_FIND_LINKS="/{FOLDER} /{FOLDER}/{TOOLS}"
"""


def _script(first: tuple[str, ...], command: tuple[str, ...]) -> str:
    steps = "\n\n".join(shell(step) for step in (first, command) if step)
    return f"#!/bin/sh\n# Run in a checkout of Airflow's sources, with this folder in it as {FOLDER}.\nset -eu\n\n{steps}\n"


def _notes(airflow: Airflow, lock: Lock, tools: House | None) -> list[str]:
    notes = [
        "apt still wants a mirror in this build: ADDITIONAL_DEV_APT_COMMAND and ADDITIONAL_RUNTIME_APT_COMMAND name it"
    ]
    if airflow.compiles_python:
        notes.append("this release compiles Python: its source and its signing key still want a network or a mirror")
    if tools is None:
        wanted = ", ".join(airflow.tools)
        notes.append(
            f"the house has no tools/, and the build installs {wanted}: fetch with --airflow {airflow.version}"
        )
    if airflow.is_newer_than_known:
        notes.append(
            f"Airflow {airflow.version} is newer than any that wheelhouse knows; it is treated as the newest known"
        )
    return notes + _sdist_notes(lock)
