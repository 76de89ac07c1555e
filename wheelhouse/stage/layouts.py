"""The layouts of a staged folder: the registry that `--layout` chooses from (pure).

A layout more is a class here, and its function in a module of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from wheelhouse.airflow import PROJECT, Airflow
from wheelhouse.debian.debian_lock import DebianLock
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.other_files import DOCKERFILE as OTHER_DOCKERFILE
from wheelhouse.lock.other_files import FOLDER as OTHER_FILES
from wheelhouse.lock.other_files import LOCK as OTHER_LOCK
from wheelhouse.lock.other_files import OtherFiles, build_command, dockerfile
from wheelhouse.oci.image_lock import BaseImage
from wheelhouse.stage.airflow.airflow_layout import airflow_in, lay_out_airflow
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.base_image import asking_for_base, default_base_image, must_be_linux, must_suit
from wheelhouse.stage.carried_debian import LockedMirror, with_carried_debian
from wheelhouse.stage.carried_image import load_command, with_carried_image
from wheelhouse.stage.destination import FOLDER, USUAL, Destination
from wheelhouse.stage.flat_layout import lay_out_files, lay_out_flat, lay_out_index
from wheelhouse.stage.manifest import OPTIONS
from wheelhouse.stage.plan import Plan
from wheelhouse.stage.sdists import with_build_requirements

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInputs:
    """Everything that decides what a staged folder holds: the locks of one target, and the user's options.

    `constraints` is the text of the lock's constraints file. `tools` locks what the image build installs first,
    `build_locks` the build requirements of the sdists, by file name. `image` is the base image that the wheelhouse holds for
    the target, if it has one, and `debian` its Debian packages. With `sdists`, sdists take the place of built wheels.
    `own_dockerfile` is the text of Airflow's own Dockerfile, if it is at hand.
    """

    lock: Lock
    constraints: str | None = None
    tools: Lock | None = None
    build_locks: Mapping[str, Lock] = field(default_factory=dict)
    other_files: OtherFiles = field(default=OtherFiles())
    base_image: str | None = None
    image: BaseImage | None = None
    debian: DebianLock = field(default=DebianLock())
    sdists: bool = False
    destination: Destination = USUAL
    choices: Choices = field(default=Choices())
    own_dockerfile: str | None = None

    @property
    def airflow(self) -> Airflow | None:
        """The release of Airflow in the lock, as its image is built; None if the lock has none, or one before 2.0.0."""
        try:
            return airflow_in(self.lock, self.own_dockerfile)
        except InputError:
            return None

    @property
    def is_linux(self) -> bool:
        """Whether the target is Linux."""
        return self.lock.target.platform.system == "Linux"

    @property
    def can_build_sdists(self) -> bool:
        """Whether every sdist in the lock names the lock of its build requirements; also true if there is no sdist."""
        return all(pin.build_lock for pin in self.lock.pins if not pin.artifact.is_wheel)

    @property
    def options(self) -> dict[str, Any]:
        """The user's options that are not defaults, by their names in a manifest, but for route and index."""
        options = {
            "base-image": self.base_image,
            "folder": self.destination.name if self.destination.name != FOLDER else None,
            "sdists": self.sdists,
        }
        return {name: value for name, value in options.items() if value} | self.choices.options

    @property
    def carried(self) -> BaseImage | None:
        """The image of the wheelhouse, if the build starts from it; else None.

        It is None if the user named another image or an index, and for a target that is not Linux.
        """
        is_chosen = self.image and self.base_image in (None, self.image.name, self.image.tag)
        return self.image if is_chosen and self.is_linux and self.choices.index is None else None

    @property
    def named_image(self) -> str | None:
        """The name of the base image: that of the image which the folder carries, else the user's; None if there is neither."""
        return self.carried.tag if self.carried else self.base_image

    def suitable_image(self) -> str:
        """The name of the base image: the named one, else the target's default. Raises InputError if it does not suit the
        target, or if there is no default.
        """
        image = self.named_image or default_base_image(self.lock.target)
        must_suit(image, self.lock.target)
        return image


class Layout(Protocol):
    """One way to arrange a staged folder."""

    @property
    def name(self) -> str:
        """The value of `--layout`. Several layouts can share a name: the first that suits is taken."""

    @property
    def options(self) -> tuple[str, ...]:
        """The options that decide what the folder holds, beside route and index. The manifest records them."""

    def suits(self, inputs: StageInputs) -> bool:
        """Whether this layout is the one to take if the user did not name another."""

    def lay_out(self, inputs: StageInputs) -> Plan:
        """The plan, without the base image and the other files, which the function `lay_out` adds.

        Raises InputError if the inputs do not go with this layout.
        """


class AirflowLayout:
    """For Airflow's own Dockerfile."""

    name = "airflow"
    options = tuple(sorted(OPTIONS - {"folder", "sdists"}))

    def suits(self, inputs: StageInputs) -> bool:
        """Whether the lock holds Airflow for Linux, and besides either the wheelhouse has the build's tools, or the user named a route."""
        has_airflow = any(pin.project == PROJECT for pin in inputs.lock.pins)
        return has_airflow and inputs.is_linux and bool(inputs.tools or inputs.choices.route)

    def lay_out(self, inputs: StageInputs) -> Plan:
        """The plan with the files, the settings and the build arguments of the release. It has Debian packages, too, if the
        wheelhouse has the lists for both stages, Airflow 2.3 or newer, and the base image, which is not known to have no
        Python.

        Raises InputError for a target that is not Linux, and as `lay_out_airflow`: for a lock without Airflow, for example.
        """
        must_be_linux(inputs.lock.target)
        mirror, image = LockedMirror(inputs.debian), inputs.carried
        has_python = image and not (image.facts and image.facts.python is None)
        plan = lay_out_airflow(
            inputs.lock,
            inputs.constraints,
            inputs.tools,
            inputs.named_image,
            inputs.choices,
            load_command(USUAL) if image else (),
            mirror if has_python and mirror.serves_both_stages else None,
            inputs.own_dockerfile,
        )
        return with_carried_debian(plan, inputs.debian) if plan.is_whole else plan


class IndexLayout:
    """For any Linux image: settings for an index."""

    name = "flat"
    options = ("base-image", "folder")

    def suits(self, inputs: StageInputs) -> bool:
        """Whether the user named an index."""
        return inputs.choices.index is not None

    def lay_out(self, inputs: StageInputs) -> Plan:
        """The plan with settings for the index, and none of the locked files. Raises InputError for a target that is not
        Linux, and as `StageInputs.suitable_image`.
        """
        must_be_linux(inputs.lock.target)
        image, index = inputs.suitable_image(), inputs.choices.index or ""
        plan = lay_out_index(inputs.lock, inputs.constraints, image, index, inputs.destination)
        return replace(
            plan, unsettled=(asking_for_base(image), f"still needs a network: the files come from the index {index}")
        )


class FilesLayout:
    """For targets that no image holds: macOS and Windows."""

    name = "flat"
    options = ()

    def suits(self, inputs: StageInputs) -> bool:
        """Whether the target is not Linux."""
        return not inputs.is_linux

    def lay_out(self, inputs: StageInputs) -> Plan:
        """The plan with the files, their requirements and the command that installs them, and no Dockerfile."""
        return lay_out_files(inputs.lock, inputs.constraints, inputs.destination)


class FlatLayout:
    """For any Linux image: the files and a Dockerfile."""

    name = "flat"
    options = ("base-image", "folder", "sdists")

    def suits(self, inputs: StageInputs) -> bool:
        """True for all inputs: this is the default."""
        return True

    def lay_out(self, inputs: StageInputs) -> Plan:
        """The plan with the files, settings and a Dockerfile, but no base image, which the function `lay_out` adds.

        Raises InputError as `StageInputs.suitable_image`.
        """
        image, isolated = inputs.suitable_image(), inputs.can_build_sdists
        plan = lay_out_flat(inputs.lock, inputs.constraints, image, isolated=isolated, destination=inputs.destination)
        return plan if inputs.carried else replace(plan, unsettled=(asking_for_base(image),))


LAYOUTS: tuple[Layout, ...] = (AirflowLayout(), IndexLayout(), FilesLayout(), FlatLayout())
"""In the order of preference."""
NAMES = (AUTO, *sorted({layout.name for layout in LAYOUTS}, reverse=True))


def lay_out(name: str, inputs: StageInputs) -> Plan:
    """The whole plan of a staged folder, with base image and other files. `name` is a layout's, or `auto`: the first that suits.

    Of a layout that does not suit, but is named, the last of that name is taken. Raises InputError for an unknown name, and if the
    inputs do not go with the layout.
    """
    candidates = [layout for layout in LAYOUTS if name in (AUTO, layout.name)]
    if not candidates:
        raise InputError(f"`{name}` is not a layout", hint=f"choose one of {', '.join(NAMES)}")
    layout = next((layout for layout in candidates if layout.suits(inputs)), candidates[-1])
    plan = layout.lay_out(inputs)
    if plan.index is None:
        plan = with_build_requirements(plan, inputs.build_locks.values())
    if inputs.carried:
        place = USUAL if plan.release else inputs.destination
        plan = with_carried_image(plan, inputs.carried, inputs.lock.target, place)
        if plan.is_whole:  # its script loads it
            plan = replace(plan, load=())
    plan = _with_other_files(plan, inputs.other_files, USUAL if plan.release else inputs.destination)
    names_folder = OTHER_DOCKERFILE in plan.texts and plan.release is None
    used = {*layout.options, *(["folder"] if names_folder else [])}
    return replace(plan, options={name: value for name, value in inputs.options.items() if name in used})


def _with_other_files(plan: Plan, others: OtherFiles, destination: Destination) -> Plan:
    """The plan with the wheelhouse's other files, and a Dockerfile that adds them to the built image, if one is built; unchanged if
    there are none.
    """
    if not others.files:
        return plan
    files = {f"{OTHER_FILES}/{file.name}": file.artifacts[0] for file in others.files}
    plan = replace(
        plan,
        files={**plan.files, **files},
        texts={**plan.texts, f"{OTHER_FILES}/{OTHER_LOCK}": others.to_toml()},
    )
    if not plan.builds_an_image:
        return plan
    texts = {**plan.texts, OTHER_DOCKERFILE: dockerfile(others.files, destination.name, plan.image)}
    command = build_command(destination.path(OTHER_DOCKERFILE), plan.image, destination.context)
    note = f"then add the other files to the image: {command}"
    return replace(plan, texts=texts, notes=(*plan.notes, note))
