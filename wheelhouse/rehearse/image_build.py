"""Build an image from a staged folder by a container engine, and run it, both without network."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wheelhouse.airflow import Airflow
from wheelhouse.errors import InputError
from wheelhouse.files.disk import os_errors_as_machine_error, read_text, write
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.findings import Finding
from wheelhouse.lock.lock import Lock
from wheelhouse.rehearse.install_checks import airflow_arguments
from wheelhouse.rehearse.install_errors import explained, last_words
from wheelhouse.rehearse.rehearsal import Step, error
from wheelhouse.sandbox.commands import CommandResult
from wheelhouse.sandbox.engine import Engine
from wheelhouse.stage.airflow.image_settings import BASE_DOCKERFILE
from wheelhouse.stage.airflow.script import default_arguments, dockerfile_of, exports, from_image, install_script
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.flat_layout import context_name
from wheelhouse.stage.plan import FRAGMENT
from wheelhouse.stage.staged_folder import StagedFolder

OUR_ARGUMENT = "BASE_IMAGE"
DOCKERFILE, SCRIPT = "rehearsal.Dockerfile", "rehearsal.sh"
SCRIPT_OF_WHOLE = "build-image.sh"
IMAGES_OF_WHOLE = ("wheelhouse-development", "wheelhouse-runtime", "wheelhouse-build", "my-airflow")
"""The images that the script of a whole image makes, the final one last."""
COMMANDS_OF_WHOLE = ("airflow version", "python -m pip check", "airflow db migrate || airflow db upgrade")
"""`db migrate` is there since Airflow 2.7."""
BASE_ARGUMENTS = ("PYTHON_BASE_IMAGE", "BASE_IMAGE")


@dataclass(frozen=True, slots=True)
class Image:
    """The user's options for images: the base, their own Dockerfile, if any, and the commands to run last."""

    base: str | None
    dockerfile: Path | None
    runs: tuple[str, ...]


def rehearse_image(
    folder: Path, lock: Lock, staged: StagedFolder | None, image: Image, engine: Engine
) -> Iterator[Step]:
    """Build the image and run commands in it, in a copy of the context; the images are removed at the end.

    Raises InputError if the folder is not staged, or if it holds a whole image and no Dockerfile is given.
    """
    if staged is None:
        raise InputError(
            f"`{folder}` is not a staged folder, but an image can be built only from a staged folder",
            hint="stage the wheelhouse first: `wheelhouse stage`",
        )
    if staged.plan.is_whole and not image.dockerfile:
        sentence = f"`{folder}` is staged for Airflow's own Dockerfile, but no Dockerfile is given"
        raise InputError(
            sentence,
            hint="instead of --image, use --dockerfile with the path of the Dockerfile in a checkout of Airflow",
        )
    release = staged.plan.release
    tags: list[str] = []
    try:
        with scratch_folder("image") as scratch:
            yield from _Build(
                scratch / "context", folder, lock, release, image, engine, tags, staged.plan.is_whole
            ).steps()
    finally:
        for tag in reversed(tags):
            engine.remove(tag)


@dataclass(frozen=True, slots=True)
class _Build:
    """One build, in a copy of the context, so that no file of the user changes. `tags` are those of the images so far.

    `release` is Airflow's, if the folder has its layout; `whole` tells if it holds all that Airflow's own Dockerfile asks for.
    """

    context: Path
    folder: Path
    lock: Lock
    release: str | None
    image: Image
    engine: Engine
    tags: list[str]
    whole: bool = False

    def steps(self) -> Iterator[Step]:
        """The steps of the build: the base image, the image, and the commands run in it.

        The base image is built only if the folder has a Dockerfile for it, and the user or `build.args` name its base; of a
        folder that holds a whole image never.

        After a build that failed there are no more steps.
        """
        self._copy_context()
        if self.whole and self.image.dockerfile:
            yield from self._steps_of_whole_image(self.image.dockerfile)
            return
        arguments = airflow_arguments(self.folder) if self.release else {}
        base_argument = next((name for name in BASE_ARGUMENTS if name in arguments), OUR_ARGUMENT)
        base = self.image.base or arguments.get(base_argument)
        if base and (derived := self.context / FOLDER / BASE_DOCKERFILE).is_file():
            write(derived.parent, derived.name, from_image(read_text(derived, "the Dockerfile"), base))
            tag, result = self._build("base image", derived.parent, derived, {})
            yield self._build_step(result, f"from {base}, by {self.engine.name}")
            if result.code:
                return
            base = tag
        build_arguments = {**arguments, base_argument: base} if self.image.dockerfile else {OUR_ARGUMENT: base}
        set_arguments = {name: value for name, value in build_arguments.items() if value is not None}
        tag, result = self._build("image", self.context, self._dockerfile(arguments), set_arguments)
        yield self._build_step(result, f"from {self.image.base or 'its own base'}, by {self.engine.name}")
        for command in () if result.code else self._commands():
            result = self.engine.run(tag, command)
            yield self._run_step(replace(result, name=f"run {command} in the image"), command)

    def _steps_of_whole_image(self, dockerfile: Path) -> Iterator[Step]:
        """The steps of the user's own Dockerfile, built by the staged script, and of the commands run in the image.

        The images have names of this rehearsal. The names are noted for removal. The commands are the user's, else
        COMMANDS_OF_WHOLE; after a build that failed none is run.
        """
        script, name = self.context / FOLDER / SCRIPT_OF_WHOLE, secrets.token_hex(6)
        text = read_text(script, "the script")
        tags = {f"{image}:{self.release}": f"wheelhouse-rehearsal:{name}-{image}" for image in IMAGES_OF_WHOLE}
        for image, tag in tags.items():
            text = text.replace(image, tag)
        write(script.parent, script.name, text)
        if dockerfile.name != "Dockerfile":
            write(self.context, "Dockerfile", read_text(dockerfile, "the Dockerfile"))
        self.tags.extend(tags.values())
        result = replace(self.engine.run_script(f"{FOLDER}/{SCRIPT_OF_WHOLE}", self.context), name="image")
        yield self._build_step(result, f"from its own base, by {self.engine.name}, with no network")
        for command in () if result.code else self.image.runs or COMMANDS_OF_WHOLE:
            ran = self.engine.run(tags[f"{IMAGES_OF_WHOLE[-1]}:{self.release}"], command)
            yield self._run_step(replace(ran, name=f"run {command} in the image"), command)

    def _copy_context(self) -> None:
        """Copy the folder of the user's Dockerfile, if any, and then the staged folder into it.

        `.git` and an older staged folder are left out, but not such names in deeper folders; the staged folder itself is left
        out wherever it is. Raises MachineError if that fails.
        """
        staged = self.folder.resolve()

        def left_out(folder: str, names: list[str]) -> set[str]:
            """The names in a folder of the context that are not copied."""
            older = (
                {".git", FOLDER, self._name}
                if self.image.dockerfile and Path(folder) == self.image.dockerfile.parent
                else set()
            )
            return older | {name for name in names if Path(folder, name).resolve() == staged}

        with os_errors_as_machine_error(self.context):
            if self.image.dockerfile:
                shutil.copytree(self.image.dockerfile.parent, self.context, symlinks=True, ignore=left_out)
            shutil.copytree(self.folder, self.context / self._name, symlinks=True)

    @property
    def _name(self) -> str:
        """The staged folder's name in the build context, from the fragment; the usual name without a fragment."""
        fragment = self.folder / FRAGMENT
        return context_name(read_text(fragment, "the fragment")) if fragment.is_file() else FOLDER

    def _dockerfile(self, arguments: Mapping[str, str]) -> Path:
        """The path of the Dockerfile in the copy: the user's, the fragment, or a new one that runs the steps of the Airflow release."""
        if self.image.dockerfile:
            return self.context / self.image.dockerfile.name
        if not self.release:
            return self.context / self._name / FRAGMENT
        release = Airflow.parse(self.release).final
        script = install_script(release, f"/{FOLDER}")
        write(self.context, SCRIPT, exports({**default_arguments(release), **arguments}) + script)
        write(self.context, DOCKERFILE, dockerfile_of(SCRIPT))
        return self.context / DOCKERFILE

    def _build(
        self, name: str, context: Path, dockerfile: Path, arguments: Mapping[str, str]
    ) -> tuple[str, CommandResult]:
        """Build an image under a new random tag, which is noted for removal. Returns the tag, and the result under this name."""
        tag = f"wheelhouse-rehearsal:{secrets.token_hex(6)}"
        self.tags.append(tag)
        return tag, replace(self.engine.build(context, dockerfile, tag, arguments), name=name)

    def _commands(self) -> tuple[str, ...]:
        """The user's commands to run in the image, else `airflow version` for Airflow's layout or `python -m pip check`."""
        return self.image.runs or (("airflow version",) if self.release else ("python -m pip check",))

    def _build_step(self, result: CommandResult, note: str) -> Step:
        """The step of a build, with findings from its output if it failed."""
        findings = tuple(explained(result.output, self.lock, f"the build of the {result.name}")) if result.code else ()
        return Step(result.name, self.lock.target.name, result.seconds, findings, note=note)

    def _run_step(self, result: CommandResult, command: str) -> Step:
        """The step of a command in the image, with a finding if it failed; the note is the telling line of its output."""
        findings: tuple[Finding, ...] = ()
        if result.code:
            output, code = last_words(result.output), result.code
            findings = (error(self.lock.filename, "run", case="image", command=command, code=code, output=output),)
        return Step(result.name, self.lock.target.name, result.seconds, findings, note=last_words(result.output))
