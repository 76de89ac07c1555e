"""Layout `airflow`: a staged folder for Airflow's own Dockerfile, by one of two routes (pure).

`configured` is the release's ordinary install, with settings that let it look in the folder alone. `context` is its own
from-context install, which takes the files by their names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from wheelhouse.airflow.apt_lists import FIRST
from wheelhouse.airflow.own_dockerfile import with_own_dockerfile
from wheelhouse.airflow.releases import Airflow, release_of
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.filenames import is_globbed
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import TOOLS, links_of
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.stage.airflow.arguments import (
    Choices,
    Route,
    build_arguments,
    constraints_name,
    local_constraints_name,
)
from wheelhouse.stage.airflow.breeze import breeze_command
from wheelhouse.stage.airflow.image_settings import BASE_DOCKERFILE, Base, derived_base
from wheelhouse.stage.airflow.names import staged_names
from wheelhouse.stage.airflow.remains import remains
from wheelhouse.stage.airflow.whole_image import OTHER, PackageMirror, WholeImage
from wheelhouse.stage.base_image import asking_for_base, must_suit, platform_option
from wheelhouse.stage.carried_image import load_command
from wheelhouse.stage.destination import FOLDER, USUAL
from wheelhouse.stage.pip_settings import NETRC_NOTE, SECRET_MOUNT, index_pip_conf, pip_conf
from wheelhouse.stage.plan import OWN_DOCKERFILE, SECRET, Plan, shell
from wheelhouse.stage.sdists import sdist_notes

BUILD_ARGS = "build.args"
WHAT = "Airflow's Dockerfile"
APT_SOURCE_UNUSED = (
    "--apt-source changes nothing: the Debian packages are in the folder, and the image keeps its own sources"
)


def lay_out_airflow(
    lock: Lock,
    constraints: str | None,
    tools: Lock | None,
    base_image: str | None,
    choices: Choices,
    load: tuple[str, ...] = (),
    mirror: PackageMirror | None = None,
    own_dockerfile: str | None = None,
) -> Plan:
    """The plan for one target of a wheelhouse. `tools` is the lock of the same target in its `tools/`, if there is one.

    `load` is the command that gives the engine the base image, if the folder holds it. If it also holds a `mirror` of Debian
    packages for both stages, the plan builds the whole image with no network, but for what its `unsettled` names.
    `own_dockerfile` is the text of Airflow's own, which decides over the data of the release; any other text is ignored.
    Database clients that the lock leaves out are left out, too. If the choices
    name an index, the plan has no files, and `mirror` is not used; nor is it before Airflow 2.3. Raises InputError if the
    wheelhouse holds no Airflow of 2.0.0 or newer, if the target is for musl, if the base image does not suit, if choices
    exclude each other, or for a build argument of the user that cannot be. Whether the target is Linux is not checked.
    """
    airflow = airflow_in(lock, own_dockerfile)
    if airflow is None:
        raise InputError(
            "the wheelhouse has no apache-airflow, so the layout airflow cannot be used", hint="use --layout flat"
        )
    choices = replace(choices, without=tuple(dict.fromkeys((*lock.inputs.without, *choices.without))))
    route, why = _route(airflow, lock, choices)
    pinned = {str(pin.project): pin for pin in tools.pins} if tools else {}
    image = base_image or airflow.base_image(lock.target.python.minor)
    must_suit(image, lock.target)
    if "musllinux" in lock.target.platform.tag:
        raise InputError(
            f"Airflow's own Dockerfile needs Debian, but {lock.target.name} is for musl", hint="use --layout flat"
        )
    base = derived_base(image, airflow.recipe, _file_of("pip", pinned), choices.apt_sources, choices.index)
    base = replace(base, platform=platform_option(lock.target)) if base else None
    versions = {project: str(pin.version) for project, pin in pinned.items()}
    arguments = build_arguments(airflow, lock, versions, base.name if base else image, route, choices)
    names = staged_names((artifact.filename for artifact in lock.artifacts), airflow.recipe, route, choices.rename)
    platform = platform_option(lock.target)
    command = ("docker", "build", ".", *platform, *_build_args(arguments), "--tag", f"my-airflow:{airflow.version}")
    breeze, missing = breeze_command(airflow, lock.target.python.minor, arguments)
    plan = Plan(
        "airflow",
        lock.target.name,
        _files(lock, tools, names),
        _texts(airflow, lock, tools, constraints, names, base, command, arguments, choices, load),
        command,
        base.command if base else (),
        str(airflow.version),
        route,
        (*why, *_notes(airflow, lock, names, choices), *_breeze_notes(missing)),
        tuple(_warnings(airflow, lock, tools, route, names, choices)),
        breeze,
        f"my-airflow:{airflow.version}",
    )
    if choices.index and base:
        asking = (
            f"still needs a network: the files come from the index {choices.index}",
            *_asking_for_base(image, load),
            *_remains(airflow, lock, choices),
        )
        return replace(_from_index(plan, lock, base, choices.index), unsettled=asking)
    if mirror and load and airflow.final >= FIRST:
        environment = base.environment if base else ()
        additional = {"development": choices.dev_apt, "runtime": choices.runtime_apt}
        whole = WholeImage(
            airflow, image, mirror, environment, choices.without, platform, additional, _file_of("pip", pinned)
        )
        return _whole(plan, lock, whole, choices, arguments, missing)
    return replace(
        plan, unsettled=(*_asking_for_base(image, load), *_remains(airflow, lock, replace(choices, apt_sources=())))
    )


def airflow_in(lock: Lock, own_dockerfile: str | None = None) -> Airflow | None:
    """The release in a lock, as Airflow's own Dockerfile builds it, if its text is given and is that; None if the lock has
    no Airflow. Raises InputError for a release before 2.0.0.
    """
    airflow = release_of({pin.project: pin.version for pin in lock.pins})
    own = with_own_dockerfile(airflow, own_dockerfile, WHAT) if airflow and own_dockerfile else None
    return own or airflow


def _whole(
    plan: Plan, lock: Lock, whole: WholeImage, choices: Choices, arguments: Mapping[str, str], missing: list[str]
) -> Plan:
    """The plan with everything in the folder, so that a script builds it with no network, but for what `unsettled` names.

    `missing` are the arguments that breeze has no option for: the note about them goes, because the script takes the place of
    breeze and of the first command.
    """
    unsettled = tuple(_remains(whole.airflow, lock, choices, whole.scripts()))
    arguments = {**arguments, _base_argument(whole.airflow): whole.base("development")}
    texts = {path: text for path, text in plan.texts.items() if path != BASE_DOCKERFILE}
    texts |= whole.texts(arguments, load_command(USUAL), unsettled)
    texts[BUILD_ARGS] = "".join(f"{name}={value}\n" for name, value in arguments.items())
    settled = {*_remains(whole.airflow, lock, choices), *_breeze_notes(missing)} - set(unsettled)
    return replace(
        plan,
        texts=texts,
        command=("sh", f"{FOLDER}/build-image.sh"),
        first=(),
        breeze=(),
        notes=(*(note for note in plan.notes if note not in settled), *whole.notes()),
        warnings=(*plan.warnings, *whole.warnings(), *([APT_SOURCE_UNUSED] if choices.apt_sources else [])),
        unsettled=unsettled,
    )


def _base_argument(airflow: Airflow) -> str:
    """The name of the build argument that names the base image in this release."""
    return "BASE_IMAGE" if airflow.recipe.compiles_python else "PYTHON_BASE_IMAGE"


def _asking_for_base(image: str, load: tuple[str, ...]) -> Iterator[str]:
    """A sentence that the base image is not in the folder; nothing if a command loads it."""
    if not load:
        yield asking_for_base(image)


def _remains(
    airflow: Airflow, lock: Lock, choices: Choices, replaced: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Sentences on what still needs a network. `replaced` are the scripts of a build that has all else in the folder."""
    return remains(airflow, choices.settling, {str(pin.project) for pin in lock.pins}, replaced)


def _from_index(plan: Plan, lock: Lock, base: Base, index: str) -> Plan:
    """The plan with an index instead of the files, and a new lock file and build script. The other texts of the plan, such
    as pip's settings, must be for the index already.

    Airflow's own Dockerfile mounts no secret, so the script adds one to each RUN.
    """
    command = (*plan.command[:3], "--file", "-", "--secret", SECRET, *plan.command[3:])
    with_secret = f"sed 's|^RUN |RUN {SECRET_MOUNT} |' Dockerfile | "
    texts = dict(plan.texts) | {
        lock.filename: lock_toml(lock, with_paths=False),
        "build-image.sh": _script((base.command,), command, with_secret),
    }
    return replace(
        plan,
        files={},
        texts=texts,
        command=("sh", f"{FOLDER}/build-image.sh"),
        first=(),
        breeze=(),
        notes=(*plan.notes, NETRC_NOTE),
        index=index,
    )


def _route(airflow: Airflow, lock: Lock, choices: Choices) -> tuple[Route, tuple[str, ...]]:
    """The route (`configured` if none is requested), and sentences on why it is not the requested one; empty if it is.

    Raises InputError if the route leaves files out, or does not go with an index.
    """
    if choices.index and choices.route == "context":
        raise InputError(
            "`--route context` takes the files from the folder, not from an index", hint="leave --route out"
        )
    left_out = [artifact.filename for artifact in lock.artifacts if not is_globbed(artifact.filename)]
    if choices.route == "context" and left_out:
        sentence = f"`--route context` installs only wheels and .tar.gz files, so it would leave out {left_out[0]}"
        raise InputError(sentence, hint="first make a wheel of this file (`wheelhouse build`), or leave --route out")
    if choices.route != "context" or airflow.recipe.globs:
        return choices.route or "configured", ()
    if any(artifact.filename.endswith(".tar.gz") for artifact in lock.artifacts):
        return "context", ()
    what = (
        f"the folder has no .tar.gz file, so with `--route context`, the build of Airflow {airflow.version} "
        "would install nothing"
    )
    return "configured", (f"{what}: `wheelhouse stage` uses `--route configured` instead",)


def _file_of(project: str, pins: Mapping[str, Pin]) -> str | None:
    """The file name of a project's pin; None if there is none."""
    return pins[project].artifact.filename if project in pins else None


def _build_args(arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Build arguments as options of `docker build`: `--build-arg` and NAME=VALUE for each."""
    return tuple(part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}"))


def _files(lock: Lock, tools: Lock | None, names: Mapping[str, str]) -> dict[str, Artifact]:
    """Path → file: those of the lock at the top, as `names` renames them, those of `tools` in `tools/`, as they are."""
    files = {names[artifact.filename]: artifact for artifact in lock.artifacts}
    return files | {f"{TOOLS}/{artifact.filename}": artifact for artifact in (tools.artifacts if tools else ())}


def _texts(
    airflow: Airflow,
    lock: Lock,
    tools: Lock | None,
    constraints: str | None,
    names: Mapping[str, str],
    base: Base | None,
    command: tuple[str, ...],
    arguments: Mapping[str, str],
    choices: Choices,
    load: tuple[str, ...],
) -> dict[str, str]:
    """Path → text: locks, constraints, settings, build arguments and the build script."""
    limits = constraints if constraints is not None else _own_constraints(lock)
    texts = {lock.filename: lock_toml(lock, with_paths=True, names=names), constraints_name(lock): limits}
    if tools:
        texts[f"{TOOLS}/{tools.filename}"] = lock_toml(tools, with_paths=choices.index is None)
    if not choices.index:
        texts |= links_of((lock,))
    if airflow.recipe.constraints_argument in arguments:
        texts[local_constraints_name(lock)] = limits
    if airflow.recipe.pip_conf:
        texts["pip.conf"] = _pip_conf(choices)
    for name in choices.home_files:
        texts[name] = (
            f"# pip does not read this file: its settings are in pip.conf, or in the base image.\n{_pip_conf(choices)}"
        )
    if base:
        texts[BASE_DOCKERFILE] = base.dockerfile
    texts[BUILD_ARGS] = "".join(f"{name}={value}\n" for name, value in arguments.items())
    texts["build-image.sh"] = _script((load, base.command if base else ()), command, guard=OTHER if airflow.own else "")
    if airflow.own:
        texts[OWN_DOCKERFILE] = airflow.own.text
    return texts


def _pip_conf(choices: Choices) -> str:
    """The text of pip.conf: for the index if one is named, else for the folder and its `tools/`."""
    return index_pip_conf(choices.index) if choices.index else pip_conf(tools=True)


def _own_constraints(lock: Lock) -> str:
    """The text of a constraints file with the lock's pins: without a file the build would download Airflow's constraints."""
    pins = "".join(f"{pin.project}=={pin.version}\n" for pin in lock.pins)
    return f"# The pins of {lock.filename}: the lock file was made without constraints.\n{pins}"


def _script(first: tuple[tuple[str, ...], ...], command: tuple[str, ...], piped: str = "", guard: str = "") -> str:
    """The text of the build script: what runs first, then the command. `guard` is a line before them, `piped` a text right
    before the command, which ends with ` | `.
    """
    steps = "\n\n".join([*(shell(one) for one in first if one), piped + shell(command)])
    return f"#!/bin/sh\n# Run in a checkout of Airflow's sources, with this folder in it as {FOLDER}.\nset -eu\n{guard}\n{steps}\n"


def _notes(airflow: Airflow, lock: Lock, names: Mapping[str, str], choices: Choices) -> Iterator[str]:
    """Sentences on what was decided, and on what still needs a network."""
    renamed = [f"{old} to {new}" for old, new in names.items() if old != new]
    if renamed and choices.rename == "auto":
        others = len(renamed) - 1
        what = "`wheelhouse stage` renames files" if others else "`wheelhouse stage` renames a file"
        which = "these files" if others else "this file"
        more = f", and {others} more" if others else ""
        yield f"{what} in the folder, so that the build installs exactly {which}: {renamed[0]}{more}"
    if airflow.own:
        yield "`wheelhouse stage` read Airflow's own Dockerfile to find what the build needs"
    if airflow.recipe.copies:
        copies = ", ".join(airflow.recipe.copies)
        yield f"the Dockerfile copies {copies} from the checkout of Airflow, so the checkout must have these files"
    for name in choices.home_files:
        yield f"{name} is written because it was requested, but pip does not read it"
    yield from _remains(airflow, lock, choices)
    yield from sdist_notes(lock)


def _breeze_notes(missing: list[str]) -> Iterator[str]:
    """A sentence on the build arguments that breeze has no option for."""
    if missing:
        yield f"breeze of this release has no option for {', '.join(missing)}: to set these build arguments, use docker build"


def _warnings(
    airflow: Airflow, lock: Lock, tools: Lock | None, route: Route, names: Mapping[str, str], choices: Choices
) -> Iterator[str]:
    """Sentences on what can fail in the build."""
    if airflow.doubt:
        yield (
            f"{airflow.doubt}: run `wheelhouse stage` in a checkout of Airflow {airflow.version}, or pass its "
            "Dockerfile: --dockerfile"
        )
    if airflow.own and not airflow.own.release.startswith(f"{airflow.version.major}."):
        yield (
            f"the Dockerfile is from Airflow {airflow.own.release}, but the wheelhouse has {airflow.version}: "
            f"run `wheelhouse stage` in a checkout of Airflow {airflow.version}, or pass its Dockerfile: --dockerfile"
        )
    again = f"run `wheelhouse fetch` with --airflow {airflow.version}"
    missing = set(airflow.recipe.besides) - {pin.project for pin in lock.pins}
    if missing and route == "configured":
        wanted = " and ".join(sorted(missing))
        yield f"the build of Airflow {airflow.version} also installs {wanted}, which the wheelhouse does not have: {again}"
    if tools is None and not choices.index:
        yield f"the wheelhouse has no tools/, but the build also installs {', '.join(airflow.tools)}: {again}"
    yield from _rename_warnings(airflow, route, names, choices)


def _rename_warnings(airflow: Airflow, route: Route, names: Mapping[str, str], choices: Choices) -> Iterator[str]:
    """Sentences on what the chosen renaming leads to; nothing for `auto`."""
    recipe = airflow.recipe
    if choices.rename == "documented":
        nowhere = "fails: pip finds no apache-airflow in the folder"
        effect = recipe.literal_rename if route == "context" else nowhere
        yield f"with `--rename documented` and `--route {route}`, the build of Airflow {airflow.version} {effect}"
    if choices.rename == "never":
        ours = staged_names(names, recipe, route, "auto")
        if kept := [name for name in names if ours[name] != name]:
            fate = "a build step installs it without constraints" if recipe.renames else "no build step installs it"
            yield (
                f"{kept[0]} keeps its name, so {fate}; with `--rename auto`, the build installs exactly this file "
                "from the folder"
            )
