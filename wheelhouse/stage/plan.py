"""The plan of a staged folder, and its build command as text (pure)."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wheelhouse.archive.artifact import Artifact

MANIFEST = "wheelhouse-stage.json"
SIGNATURE = "wheelhouse-stage.dsse.json"
FRAGMENT = "install.Dockerfile"
OWN_DOCKERFILE = "airflow.Dockerfile"
"""A copy of Airflow's own Dockerfile, if `stage` read it."""
DEVELOPMENT_DOCKERFILE, RUNTIME_DOCKERFILE = "development.Dockerfile", "runtime.Dockerfile"
SECRET = "id=netrc,src=$HOME/.netrc"  # noqa: S105  (it names a file, and holds no secret)
TAKES_VALUE = (
    "--build-arg",
    "-f",
    "-t",
    "--network",
    "--file",
    "--tag",
    "--secret",
    "--platform",
    "--build-context",
    "--target",
    "--find-links",
    "-r",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a staged folder holds, by relative path: files of the wheelhouse and texts; and the command that builds the image.

    `command` builds the image, one argument an entry; `first` runs before it, and `load`, which gives the engine the base
    image that the folder holds, before both; `breeze` is the same build by Airflow's own
    tool. `notes` say what was decided and what remains, `warnings` what will fail. `image` is the name of the built image.
    With `index`, the build takes the files from that index, and the folder holds none. `copied_from` is the folder if no
    build can use it under its own name: it is copied to `docker-context-files` first. `options` are the user's, as far
    as they decided what the folder holds, by their names in `[stage]` of the settings. `unsettled` are sentences on what would still
    ask a network.
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
    options: Mapping[str, Any] = field(default_factory=dict)
    load: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()

    @property
    def builds_an_image(self) -> bool:
        """Whether `command` builds an image. Otherwise it installs on the machine itself: no image holds macOS or Windows."""
        return self.command[0] != "pip"

    @property
    def is_whole(self) -> bool:
        """Whether the folder has the Debian packages of both stages of Airflow's build, and the script that uses them."""
        return RUNTIME_DOCKERFILE in self.texts

    @property
    def renamed(self) -> dict[str, str]:
        """File name → path of each file that is staged under another name than its own."""
        return {
            artifact.filename: path
            for path, artifact in self.files.items()
            if path.rpartition("/")[2] != artifact.filename
        }


def shell(command: tuple[str, ...]) -> str:
    """A command as text for a shell, quoted, each option on a line of its own, one of TAKES_VALUE with its value."""
    return " \\\n    ".join(_grouped([_quoted(argument) for argument in command]))


def _quoted(argument: str) -> str:
    """One argument, quoted for a shell if it needs that; the shell still expands the `$HOME` of SECRET.

    Of NAME=VALUE only the value is quoted, if double quotes are enough: `NAME="==2.0.0"` is easier to read. A value that
    is empty or begins with `=` is quoted without need.
    """
    if argument == SECRET:
        return f'"{argument}"'
    name, equals, value = argument.partition("=")
    plain = value and not value.startswith("=") and shlex.quote(value) == value
    if not equals or not name.isidentifier() or plain:
        return shlex.quote(argument)
    return shlex.quote(argument) if set(value) & set('"$`\\!') else f'{name}="{value}"'


def _grouped(arguments: list[str]) -> list[str]:
    """The arguments as lines: each option, one of TAKES_VALUE with its value; other words in a row are one line."""
    lines: list[str] = []
    takes_value = False
    for argument in arguments:
        if takes_value or (lines and not argument.startswith("-") and not lines[-1].startswith("-")):
            lines[-1] += f" {argument}"
            takes_value = False
        else:
            lines.append(argument)
            takes_value = argument in TAKES_VALUE
    return lines
