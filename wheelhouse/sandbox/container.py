"""A sandbox that is a container of an image: what the user asks for with `--in-image`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from wheelhouse.sandbox import inside_filter
from wheelhouse.sandbox.confinement import FILTER, find_program
from wheelhouse.sandbox.sandbox import HERE, WORK, SandboxArgv, SandboxCommand

LOADER = {f"{HERE}/filter.py": Path(inside_filter.__file__), f"{HERE}/seccomp.bpf": FILTER}
"""The program that loads the seccomp filter, and the filter, by their paths inside."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of an image, with no network, no privileges, and a read-only root. It runs Python programs alone.

    `environment` is that of the engine's client.
    """

    image: str
    environment: Mapping[str, str] = field(repr=False)

    has_filter: ClassVar[bool] = False
    """Whether the image's Python can load it is not known beforehand. The engine has a filter of its own, too."""

    @property
    def name(self) -> str:
        """`docker` and the image."""
        return f"docker {self.image}"

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line of `docker run`; the name of `folder` becomes the container's, which is killed afterwards.

        The first word of the command must be a Python: it loads the filter first. Raises MachineError if `docker` is not on
        the PATH of the client's environment.
        """
        program = find_program("docker", self.environment.get("PATH", ""))
        parts = [program, "run", "--rm", "--interactive", "--name", folder.name, *_confinement(command)]
        shown = {**LOADER, **command.shown}
        parts += [word for inside, outside in shown.items() for word in ("--mount", _mount(outside, inside))]
        parts += [word for key, value in command.environment.items() for word in ("--env", f"{key}={value}")]
        argv = [*parts, "--entrypoint", command.argv[0], self.image, "-I", "-S", "-B", *LOADER, *command.argv]
        return SandboxArgv(argv, self.environment, (program, "kill", folder.name), elsewhere=True)


def _mount(outside: Path, inside: str) -> str:
    """The value of `--mount` that shows a file or folder, read only. It is a row of CSV, in quotes only where it must be: podman before
    4.1 reads none.
    """
    source = f"source={outside}"
    if {",", '"', "\n", "\r"} & set(source):
        source = '"' + source.replace('"', '""') + '"'
    return f"type=bind,{source},target={inside},readonly"


def _confinement(command: SandboxCommand) -> list[str]:
    """The options that take network, privileges and writable folders but WORK and `/tmp` from a container, and limit it.

    As the working directory, WORK would be made beforehand, and closed to others than root.
    """
    limits = command.limits
    words = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--user", "65534:65534", "--workdir", "/"]
    words += ["--pids-limit", str(limits.processes), "--memory", str(limits.memory)]
    for place in (WORK, "/tmp"):  # noqa: S108  (the container's own)
        words += ["--tmpfs", f"{place}:rw,exec,nosuid,nodev,mode=1777,size={limits.disk}"]
    return words
