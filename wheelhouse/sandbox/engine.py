"""The first container engine that answers: builds an image and runs it, both without network."""

import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wheelhouse.errors import MachineError
from wheelhouse.sandbox.commands import CommandResult

SECONDS = 3600
PROBES = {
    "docker": ("version", "--format", "{{.Server.Os}}"),
    "podman": ("info", "--format", "{{.Host.OS}}"),
    "buildah": ("version",),
}
"""The command that probes each engine, in the order of trial."""
EXTRA = {"docker": ("--progress=plain",), "buildah": (), "podman": ()}


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine: its program, and the environment that its client runs in.

    Each method raises MachineError if a command cannot start or takes an hour; a command that fails gives a result.
    """

    name: str
    program: str
    environment: Mapping[str, str] = field(repr=False)

    def build(self, context: Path, dockerfile: Path, tag: str, arguments: Mapping[str, str]) -> CommandResult:
        """Build an image, and give it a tag; the result has the build's code and output. Its commands have no network; the
        engine may fetch a missing base image.
        """
        words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        network = ("--network", "none", *EXTRA[self.name])
        return self._run("build", "build", *network, "--file", str(dockerfile), "--tag", tag, *words, str(context))

    def run(self, image: str, command: str) -> CommandResult:
        """Run a shell command in a new container, without network, of an image that is here already; the container is
        removed afterwards.
        """
        if self.name == "buildah":
            return self._in_working_container(image, command)
        never = ("--pull", "never")
        return self._run(
            command, "run", "--rm", *never, "--network", "none", "--entrypoint", "sh", image, "-c", command
        )

    def run_script(self, script: str, folder: Path) -> CommandResult:
        """Run a shell script that builds images, in a folder; the result has its output. The script calls `docker` itself."""
        return self._finished("build", ["sh", script], folder)

    def remove(self, image: str) -> None:
        """Remove an image by its tag; a failure of the engine is ignored, but not that it cannot start (MachineError)."""
        self._run("remove", *(("rmi",) if self.name == "buildah" else ("image", "rm")), "--force", image)

    def _in_working_container(self, image: str, command: str) -> CommandResult:
        """Run a shell command with buildah in a new working container, then removed; if making it fails, that result."""
        container = f"wheelhouse-{secrets.token_hex(4)}"
        created = self._run(command, "from", "--pull-never", "--name", container, image)
        try:
            return (
                created
                if created.code
                else self._run(command, "run", "--network", "none", container, "--", "sh", "-c", command)
            )
        finally:
            self._run("remove", "rm", container)

    def _run(self, name: str, *words: str) -> CommandResult:
        """Run a command of the engine; `name` is that of the result."""
        return self._finished(name, [self.program, *words])

    def _finished(self, name: str, command: Sequence[str], folder: Path | None = None) -> CommandResult:
        """The result of a command, with stdout and stderr as one output. Raises MachineError if it cannot start or takes an hour."""
        started = time.monotonic()
        try:
            process = subprocess.run(
                command,
                cwd=folder,
                env={**self.environment, "DOCKER_BUILDKIT": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MachineError(f"`{command[0]} {command[1]}` did not finish: {error}") from error
        return CommandResult(
            name, process.returncode, time.monotonic() - started, process.stdout.decode("utf-8", "replace")
        )


def answering_engine(name: str, environment: Mapping[str, str]) -> Engine:
    """The engine of a name in `PROBES`. Raises MachineError with the reason if it is not installed, or does not answer."""
    program = shutil.which(name, path=environment.get("PATH", ""))
    if program is None:
        raise MachineError("it is not installed")
    engine = Engine(name, program, environment)
    result = engine._run(name, *PROBES[name])
    if result.code != 0:
        raise MachineError(" ".join(result.output.split())[:300])
    return engine


def find_engine(environment: Mapping[str, str]) -> Engine:
    """The first engine that answers: Docker, podman or buildah. Raises MachineError with the reason of each."""
    reasons: list[str] = []
    for name in PROBES:
        try:
            return answering_engine(name, environment)
        except MachineError as error:
            reasons.append(f"{name}: {error}")
    raise MachineError(
        "no container engine answers, so no image can be built",
        hint="start Docker, podman or buildah",
        details=tuple(reasons),
    )
