"""Layouts: what goes at which relative path of a staged folder, and what to tell the image build (pure)."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from wheelhouse.archive.artifact import Artifact
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock, Pin, requirement_line
from wheelhouse.lock.other_files import DOCKERFILE as OTHER_DOCKERFILE
from wheelhouse.lock.other_files import FOLDER as OTHER_FILES
from wheelhouse.lock.other_files import OtherFiles, build_command, dockerfile
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.stage.base_image import platform_option
from wheelhouse.stage.destination import FOLDER, USUAL, Destination

MANIFEST = "wheelhouse-stage.json"
FRAGMENT = "install.Dockerfile"
BUILD_REQUIREMENTS = "build-requirements.txt"
TOOLS = "tools"
NETRC = "/run/secrets/netrc"
SECRET = "id=netrc,src=$HOME/.netrc"  # noqa: S105  (it names a file, and holds no secret)
SECRET_MOUNT = f"--mount=type=secret,id=netrc,target={NETRC},mode=0444"
NETRC_NOTE = (
    "user and password of the index, where it wants them, are read from ~/.netrc, a build secret that no layer keeps"
)
INDEX = re.compile(r"[A-Za-z0-9:/._~%+@?=&-]+")


@dataclass(frozen=True, slots=True)
class Plan:
    """A staged folder before it is written: files from the house and texts, by relative path, and the build command.

    `command` is what builds the image, one argument an entry; `first` what must run before it; `breeze` the same for those
    who use Airflow's own tool. `notes` say what was decided and what remains, `warnings` what will go wrong. `image` is the
    name of what is built; with `index`, the files come from that index, and the folder holds none. `copied_from` is the
    folder where the build cannot use it under its own name: it is copied to `docker-context-files` first.
    """

    layout: str
    target: str
    files: Mapping[str, Artifact]
    texts: Mapping[str, str]
    command: tuple[str, ...]
    first: tuple[str, ...] = ()
    release: str | None = None
    route: str | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    breeze: tuple[str, ...] = ()
    image: str = "my-image"
    index: str | None = None
    copied_from: str | None = None

    @property
    def builds_an_image(self) -> bool:
        """Whether `command` builds an image; else it installs, for no image holds macOS or Windows."""
        return self.command[0] != "pip"

    @property
    def renamed(self) -> dict[str, str]:
        """Where each file of the lock lies that is staged under another name than its own."""
        return {
            artifact.filename: path
            for path, artifact in self.files.items()
            if path.rpartition("/")[2] != artifact.filename
        }


def shell(command: tuple[str, ...]) -> str:
    """A command as one types it, an option a line."""
    return " \\\n    ".join(_grouped([_quoted(argument) for argument in command]))


def _quoted(argument: str) -> str:
    """As a shell takes it; of NAME=VALUE only the value is quoted, so that `NAME="==2.0.0"` can be read."""
    if argument == SECRET:
        return f'"{argument}"'
    name, equals, value = argument.partition("=")
    plain = value and not value.startswith("=") and shlex.quote(value) == value
    if not equals or not name.isidentifier() or plain:
        return shlex.quote(argument)
    return shlex.quote(argument) if set(value) & set('"$`\\!') else f'{name}="{value}"'


def _grouped(arguments: list[str]) -> list[str]:
    lines: list[str] = []
    takes_value = False
    for argument in arguments:
        if takes_value or (lines and not argument.startswith("-") and not lines[-1].startswith("-")):
            lines[-1] += f" {argument}"
            takes_value = False
        else:
            lines.append(argument)
            takes_value = argument in (
                "--build-arg",
                "-f",
                "-t",
                "--network",
                "--file",
                "--tag",
                "--secret",
                "--platform",
            )
    return lines


def pip_conf(tools: bool) -> str:
    """Pip's settings for a build with no network: the folder, and no index."""
    links = [f"/{FOLDER}", *([f"/{FOLDER}/{TOOLS}"] if tools else [])]
    lines = "".join(f"\n    {link}" for link in links)
    return f"[global]\nno-index = true\nfind-links ={lines}\ndisable-pip-version-check = true\n"


def index_pip_conf(index: str) -> str:
    """Pip's settings for a build that takes everything from one index; who it is there, netrc says."""
    return f"[global]\nindex-url = {index}\nno-input = true\ndisable-pip-version-check = true\n"


def index_uv_toml(index: str) -> str:
    """The same for uv."""
    return f'[[index]]\nurl = "{index}"\ndefault = true\n'


def checked_index(index: str) -> str:
    """An index's address, as settings may hold it. Raises InputError for one that is none, or that holds credentials."""
    try:
        parts = urlsplit(index)
    except ValueError as error:
        raise InputError(
            "--index holds no address that can be read", hint="write https://mirror.example/simple/"
        ) from error
    if parts.scheme not in ("https", "http") or not parts.hostname or not INDEX.fullmatch(index):
        raise InputError(
            f"`{parts.hostname or index}` is no index's address", hint="write https://mirror.example/simple/"
        )
    if "@" in parts.netloc or parts.query:
        hint = f"put them in ~/.netrc, which the build mounts as a secret: machine {parts.hostname} login … password …"
        raise InputError("credentials cannot stand in --index, for settings are kept and shared", hint=hint)
    return index


def lay_out_flat(
    lock: Lock, constraints: str | None, base_image: str, *, isolated: bool = False, where: Destination = USUAL
) -> Plan:
    """For any image, and for extending Airflow's own: the files, hash-pinned requirements, pip's settings, a fragment.

    `isolated` where pip finds offline whatever each sdist is built with.
    """
    house = Wheelhouse((lock,), {lock.target.name: constraints} if constraints is not None else {})
    files, builder = dict(house.artifacts), None if isolated else _builder(lock)
    texts = dict(house.texts) | {
        "pip.conf": pip_conf(tools=False),
        FRAGMENT: _fragment(lock, base_image, builder, where),
    }
    if builder:
        texts[BUILD_REQUIREMENTS] = requirement_line(builder)
    command = _command(lock, where, "--network", "none")
    return Plan("flat", lock.target.name, files, texts, command, notes=tuple(sdist_notes(lock)))


def _command(lock: Lock, where: Destination, *options: str) -> tuple[str, ...]:
    """What builds an image by the fragment, with the folder that holds the staged one as its context."""
    platform = platform_option(lock.target)
    return ("docker", "build", *platform, *options, "-f", where.path(FRAGMENT), "-t", "my-image", where.context)


def lay_out_files(lock: Lock, constraints: str | None, where: Destination = USUAL) -> Plan:
    """For a target that no image can be: the files, hash-pinned requirements, and the command that installs them there."""
    house = Wheelhouse((lock,), {lock.target.name: constraints} if constraints is not None else {})
    requirements = where.path(lock.requirements_filename)
    command = ("pip", "install", "--no-index", "--find-links", where.path(), "--require-hashes", "-r", requirements)
    return Plan("flat", lock.target.name, house.artifacts, house.texts, command, notes=tuple(sdist_notes(lock)))


def lay_out_index(lock: Lock, constraints: str | None, base_image: str, index: str, where: Destination = USUAL) -> Plan:
    """For any image whose build takes the locked files from an index, and not from the folder: settings, and no file."""
    texts = {
        lock.filename: lock.to_toml(with_paths=False),
        lock.requirements_filename: lock.to_requirements(),
        **({lock.constraints_filename: constraints} if constraints is not None else {}),
        "pip.conf": index_pip_conf(index),
        "uv.toml": index_uv_toml(index),
        FRAGMENT: _index_fragment(lock, base_image, index, where),
    }
    command = _command(lock, where, "--secret", SECRET)
    return Plan("flat", lock.target.name, {}, texts, command, notes=(NETRC_NOTE,), index=index)


def _index_fragment(lock: Lock, base_image: str, index: str, where: Destination) -> str:
    return f"""# Installs what {index} has of {lock.target.name}, each file by its hash. The settings are only mounted, and
# the credentials, netrc's, are a build secret: no layer keeps either.
ARG BASE_IMAGE={base_image}
FROM ${{BASE_IMAGE}}
ARG PIP_OPTIONS=""
RUN --mount=type=bind,source={where.name},target=/{FOLDER} {SECRET_MOUNT} \\
    export PIP_CONFIG_FILE=/{FOLDER}/pip.conf UV_CONFIG_FILE=/{FOLDER}/uv.toml NETRC={NETRC} && \\
    pip install ${{PIP_OPTIONS}} --no-cache-dir --require-hashes -r /{FOLDER}/{lock.requirements_filename}
"""


def _fragment(lock: Lock, base_image: str, builder: Pin | None, where: Destination) -> str:
    build = shell(_command(lock, replace(where, context="."), "--network", "none")).replace(" \\\n   ", "")
    return f"""# Installs what {where.name} holds for {lock.target.name}, with no network. The folder is only mounted: no layer keeps it.
#
# As root:              {build}
# Extending Airflow's:  add --build-arg BASE_IMAGE=apache/airflow:VERSION-python{lock.target.python.minor} --build-arg PIP_OPTIONS=--user
ARG BASE_IMAGE={base_image}
FROM ${{BASE_IMAGE}}
ARG PIP_OPTIONS=""
RUN --mount=type=bind,source={where.name},target=/{FOLDER} \\
    export PIP_CONFIG_FILE=/{FOLDER}/pip.conf && \\
    {_install(lock, builder)}
"""


def with_sdists(lock: Lock) -> Lock:
    """A lock with the sdists in the place of the wheels that were built from them, for whoever must compile inside the gap.

    Raises InputError where the house does not hold them.
    """
    gone = [pin.origin.filename for pin in lock.pins if pin.built and not pin.built.kept]
    if gone:
        raise InputError(
            f"the house does not hold the sdists of {lock.target.name}: {', '.join(gone)}",
            hint="keep them: `wheelhouse build --keep-sdists`",
        )
    pins = (replace(pin, artifact=pin.origin, built=None, build_lock=pin.build_lock_name) for pin in lock.pins)
    return replace(lock, pins=tuple(pins))


def with_build_requirements(plan: Plan, artifacts: Iterable[Artifact]) -> Plan:
    """A plan that also lays out what sdists are built with: in `tools/`, for what lies at the top is all installed."""
    files = {f"{TOOLS}/{artifact.filename}": artifact for artifact in artifacts}
    texts = dict(plan.texts) | ({"pip.conf": pip_conf(tools=True)} if "pip.conf" in plan.texts else {})
    note = f"what the sdists are built with lies in {TOOLS}/; an isolated build takes the newest that it finds there or beside them"
    links = () if plan.builds_an_image else ("--find-links", f"{plan.command[4]}/{TOOLS}")
    command = (*plan.command, *links)
    return replace(plan, files={**plan.files, **files}, texts=texts, notes=(*plan.notes, note), command=command)


def context_name(fragment: str) -> str:
    """What a fragment calls the staged folder in its build context."""
    match = re.search(rf"source=([^,]+),target=/{FOLDER}\b", fragment)
    return match[1] if match else FOLDER


def with_other_files(plan: Plan, others: OtherFiles, where: Destination = USUAL) -> Plan:
    """A plan that also lays out the house's other files, and a Dockerfile that brings them into the image it builds."""
    if not others.files:
        return plan
    files = {f"{OTHER_FILES}/{file.name}": file.artifacts[0] for file in others.files}
    texts = {**plan.texts, OTHER_DOCKERFILE: dockerfile(others.files, where.name, plan.image)}
    command = build_command(where.path(OTHER_DOCKERFILE), plan.image, where.context)
    note = f"the other files are brought into the image afterwards: {command}"
    return replace(plan, files={**plan.files, **files}, texts=texts, notes=(*plan.notes, note))


def _install(lock: Lock, builder: Pin | None) -> str:
    """What installs it all: where there are sdists, first what they are built with, in the version that the lock pins.

    In a build of its own pip would choose that anew, and pips before 24.0 would want a project more for it.
    """
    install = "pip install ${PIP_OPTIONS} --no-cache-dir --require-hashes"
    everything = f"-r /{FOLDER}/{lock.requirements_filename}"
    if builder is None:
        return f"{install} {everything}"
    return f"{install} -r /{FOLDER}/{BUILD_REQUIREMENTS} && \\\n    {install} --no-build-isolation {everything}"


def _builder(lock: Lock) -> Pin | None:
    """The setuptools that the lock's sdists are built with, where it has both."""
    sdists = any(not artifact.is_wheel for artifact in lock.artifacts)
    return next((pin for pin in lock.pins if sdists and pin.project == "setuptools"), None)


def sdist_notes(lock: Lock) -> list[str]:
    """What sdists in a folder mean for the image build: a sentence on those that it can build offline, one on the others."""
    sdists = [pin for pin in lock.pins if not pin.artifact.is_wheel]
    ready = [pin.artifact.filename for pin in sdists if pin.build_lock]
    lacking = [pin.artifact.filename for pin in sdists if not pin.build_lock]
    avoided = "the image build will run setup code of a package, unless `wheelhouse build` makes wheels before"
    wanting = "the image build will run their code, and wants what they are built with"
    return [f"{_and_more(names)}: {what}" for names, what in ((ready, avoided), (lacking, wanting)) if names]


def _and_more(sdists: list[str]) -> str:
    return f"{sdists[0]} and {len(sdists) - 1} more are sdists" if len(sdists) > 1 else f"{sdists[0]} is an sdist"
