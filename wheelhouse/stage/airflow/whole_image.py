"""Airflow's own Dockerfile, unmodified, built with no network: two derived bases, replaced scripts, and the build script (pure).

The build stage and the final image start from bases that have their Debian packages already. A build context replaces the stage
that carries Airflow's install scripts: the Dockerfile's own, but for those that would ask a network. The build stage is built
on the one base, and then, as another build context, takes the place of the stage in a second build on the other.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from packaging.version import Version

from wheelhouse.airflow.apt_lists import CLIENTS, FIRST_WITH_SCRIPT, apt_lists
from wheelhouse.airflow.releases import Airflow
from wheelhouse.lock.wheelhouse import TOOLS
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.plan import OWN_DOCKERFILE, shell

MIRROR = "/wheelhouse-apt"
"""Where the partial mirror is mounted while packages are installed."""
STAGES = ("development", "runtime")
SCRIPTS = "scripts"
BUILD_STAGE = "airflow-build-image"
NO_NETWORK = ("--network", "none")
PIP_IN_FINAL_STAGE = (Version("2.8.0"), Version("2.9.0"))
"""The first release whose final stage installs pip, and the first that does not again."""

INSTALLED = """#!/usr/bin/env bash
# In place of Airflow's own script: the base image has the packages already, and nothing is asked of a network.
set -euo pipefail
"""
LINKED_PYTHON = """if [[ "${1:-}" == "dev" ]]; then
    # Airflow compiles its Python into /usr/python. Here it is the base image's own, from /usr/local.
    mkdir -p /usr/python
    for part in bin include lib share; do ln -sfn "/usr/local/${part}" "/usr/python/${part}"; done
fi
"""


class PackageMirror(Protocol):
    """The Debian packages of a wheelhouse."""

    def apt_lines(self, root: str) -> tuple[str, ...]:
        """The lines for apt's sources if the mirror lies at `root`."""

    def pinned(self, name: str) -> tuple[str, ...]:
        """What a list installs beyond its base, as `apt-get install` takes it: `name=version`, or `name:architecture=version`."""

    def requested(self, name: str) -> frozenset[str]:
        """The names of the packages that a list itself requests."""


@dataclass(frozen=True, slots=True)
class WholeImage:
    """What the build of one release needs. `image` is the name of the base image in the engine, `environment` what pip and uv
    must be told in the build stage, `without` the database clients that are left out. `additional` are the packages that the
    user adds to a stage, `pip` the file of pip in `tools/`.
    """

    airflow: Airflow
    image: str
    mirror: PackageMirror
    environment: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    additional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pip: str | None = None

    def base(self, stage: str) -> str:
        """The name of the derived base image of a stage, `development` or `runtime`; its tag is the version of Airflow."""
        return f"wheelhouse-{stage}:{self.airflow.version}"

    @property
    def build_stage(self) -> str:
        """The name of the image of the build stage."""
        return f"wheelhouse-build:{self.airflow.version}"

    def warnings(self) -> Iterator[str]:
        """A sentence for each list without some package that Airflow or the user wants: it neither requests nor pins it.

        Only names are compared.
        """
        for stage in STAGES:
            wanted = {*apt_lists(self.airflow, self.without)[stage], *self.additional.get(stage, ())}
            present = {*self.mirror.requested(stage), *map(_package, self.mirror.pinned(stage))}
            if missing := sorted(request for request in wanted if _package(request) not in present):
                names = ", ".join(missing)
                yield (
                    f"the image lacks {names}: add these packages to the list `{stage}` of [debian], and run "
                    "`wheelhouse fetch` again"
                )

    def notes(self) -> Iterator[str]:
        """Sentences on what differs from an image that was built with a network."""
        yield "the image has no Docker client: the build's lists of Debian packages do not include this client"
        if clients := [name for name in CLIENTS if name in self.airflow.recipe.clients and name not in self.without]:
            yield f"the client of {' and '.join(clients)} comes from Debian, not from its maker"
        if self.airflow.recipe.compiles_python:
            yield "the image has the Python of the base image: the build compiles no Python from source"

    def texts(self, arguments: Mapping[str, str], load: tuple[str, ...], unsettled: Sequence[str]) -> dict[str, str]:
        """Path → text of what is staged: two Dockerfiles, the replaced scripts, and the build script.

        `arguments` are the build arguments of the build stage; the script names `unsettled`.
        """
        texts = {f"{stage}.Dockerfile": self._dockerfile(stage) for stage in STAGES}
        texts |= {f"{SCRIPTS}/{name}": text for name, text in self.scripts().items()}
        return {**texts, "build-image.sh": self._build_script(arguments, load, unsettled)}

    def _dockerfile(self, stage: str) -> str:
        """The text of a derived base's Dockerfile. Its layer has the installed packages, and nothing of the mirror."""
        sources = " ".join(f"'{line}'" for line in self.mirror.apt_lines(MIRROR))
        pinned = self.mirror.pinned(stage)
        requested = self.mirror.requested(stage)
        automatic = [one for one in (pin.partition("=")[0] for pin in pinned) if one.partition(":")[0] not in requested]
        options = "-o Dir::Etc::sourcelist=/tmp/wheelhouse.list -o Dir::Etc::sourceparts=/dev/null"
        lines = [
            f"# The base of Airflow's {'build stage' if stage == STAGES[0] else 'final image'}, with its Debian packages.",
            f"FROM {self.image}",
            f"RUN --mount=type=bind,source=debian,target={MIRROR} \\",
            f"    printf '%s\\n' {sources} > /tmp/wheelhouse.list && export DEBIAN_FRONTEND=noninteractive \\",
            f"    && apt-get {options} update \\",
            f"    && apt-get {options} install -y --no-install-recommends \\",
            *(f"        {pin} \\" for pin in pinned),
            *([f"    && apt-mark auto {' '.join(automatic)} > /dev/null \\"] if automatic else []),
            "    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /tmp/wheelhouse.list",
        ]
        if stage == STAGES[0]:
            lines += self.environment
        elif self.pip and PIP_IN_FINAL_STAGE[0] <= self.airflow.final < PIP_IN_FINAL_STAGE[1]:
            lines += [
                "# The final stage installs this very pip, without the folder: it must be there.",
                f"RUN --mount=type=bind,source={TOOLS},target=/{TOOLS} pip install --no-index --no-cache-dir /{TOOLS}/{self.pip}",
            ]
        return "\n".join(lines) + "\n"

    def scripts(self) -> dict[str, str]:
        """The texts of the scripts that take the place of Airflow's own, by file name: that of the Debian packages, if the
        release has one, and those of the database clients that are not left out.
        """
        packages = INSTALLED + (LINKED_PYTHON if self.airflow.recipe.compiles_python else "")
        names = {"install_os_dependencies.sh": packages} if self.airflow.final >= FIRST_WITH_SCRIPT else {}
        clients = [name for name in CLIENTS if name in self.airflow.recipe.clients and name not in self.without]
        return names | {f"install_{name}.sh": INSTALLED for name in clients}

    def _build_script(self, arguments: Mapping[str, str], load: tuple[str, ...], unsettled: Sequence[str]) -> str:
        """The text of the script that loads the base image by the command `load` and builds everything with docker, each image with no
        network. It is run in a checkout of Airflow; `unsettled` become comments.
        """
        build = ("docker", "build")
        bases = [
            (
                *build,
                *self.platform,
                *NO_NETWORK,
                *("-f", f"{FOLDER}/{stage}.Dockerfile"),
                *("-t", self.base(stage)),
                FOLDER,
            )
            for stage in STAGES
        ]
        lists = apt_lists(self.airflow, self.without)
        if self.airflow.final < FIRST_WITH_SCRIPT:
            own = {"DEV_APT_COMMAND": "true", "DEV_APT_DEPS": " ".join(lists["development"])}
            arguments = {**arguments, **own, "RUNTIME_APT_DEPS": " ".join(lists["runtime"])}
        options = (*self.platform, *NO_NETWORK, *("-f", "-"), *("--build-context", "scripts=$work/scripts"))
        stage = f"{BUILD_STAGE}=docker-image://{self.build_stage}"
        first = ("--target", BUILD_STAGE, *_arguments(arguments), "--tag", self.build_stage)
        base_argument = "BASE_IMAGE" if "BASE_IMAGE" in arguments else "PYTHON_BASE_IMAGE"
        final = {**arguments, base_argument: self.base("runtime")}
        second = ("--build-context", stage, *_arguments(final), "--tag", f"my-airflow:{self.airflow.version}")
        steps = [
            shell(load),
            *map(shell, bases),
            _piped((*build, ".", *options, *first)),
            _piped((*build, ".", *options, *second)),
        ]
        said = "".join(f"# {sentence}\n" for sentence in unsettled)
        guard = OTHER if self.airflow.own else ""
        return PREAMBLE.replace("set -eu\n", f"{said}set -eu\n{guard}", 1) + "\n\n".join(steps) + "\n"


PREAMBLE = f"""#!/bin/sh
# Builds Airflow's own Dockerfile, unmodified, with no network. Run it in a checkout of Airflow's sources, with this folder in it
# as {FOLDER}.
set -eu
export DOCKER_BUILDKIT=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The install scripts that the Dockerfile carries, with those replaced that would ask a network.
mkdir "$work/scripts"
awk -v to="$work/scripts/" '
    name == "" && /^COPY <<"?EOF"? \\/[A-Za-z0-9_.-]+$/ {{ name = to substr($3, 2); printf "" > name; next }}
    name != "" && /^EOF$/ {{ close(name); name = ""; next }}
    name != "" {{ print > name }}' Dockerfile
cp {FOLDER}/{SCRIPTS}/* "$work/scripts/"
# A syntax line would fetch a frontend: the one of the engine reads the Dockerfile.
sed '/^# *syntax *=/s/=/ was/' Dockerfile > "$work/Dockerfile"

"""


OTHER = f"""cmp -s Dockerfile {FOLDER}/{OWN_DOCKERFILE} || echo "this is not the Dockerfile that stage read: stage again" >&2
"""


def _package(request: str) -> str:
    """The name in a package that apt-get installs: `git` of `git:amd64=1:2.39` and of `git/bookworm`."""
    return re.split(r"[:=/]", request, maxsplit=1)[0]


def _arguments(arguments: Mapping[str, str]) -> tuple[str, ...]:
    """The options of `docker build` for build arguments: `--build-arg` and NAME=VALUE for each."""
    return tuple(part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}"))


def _piped(command: tuple[str, ...]) -> str:
    """A build command, as text for a shell, that reads the Dockerfile of the script's temporary folder."""
    text = shell(command).replace("'scripts=$work/scripts'", '"scripts=$work/scripts"')
    return f'{text} < "$work/Dockerfile"'
