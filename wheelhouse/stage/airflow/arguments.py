"""The build arguments of a release, with the names of its Dockerfile (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelhouse.airflow.releases import CLIENTS, PROJECT, Airflow, Recipe, without_clients
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock
from wheelhouse.stage.airflow.names import RENAMES, Rename
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.pip_settings import checked_index

Route = Literal["configured", "context"]
ROUTES: tuple[Route, ...] = ("configured", "context")
Choice = TypeVar("Choice", bound=str)
HOME_FILES = ("pypirc", "piprc")
DOTTED = ("apache", "atlassian", "cncf", "common", "dbt", "microsoft")
FETCHED = {
    "ADDITIONAL_AIRFLOW_EXTRAS": "add the extras with `wheelhouse fetch --extra`",
    "ADDITIONAL_PYTHON_DEPS": "add the requirements to `wheelhouse fetch`",
}
"""Build arguments whose values must come from the wheelhouse → what to do instead."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The user's options for the build: see `wheelhouse stage`.

    `without` are database clients, `build_args` further arguments as NAME=VALUE, `home_files` the requested ones of .pypirc
    and .piprc. With `index`, the build takes everything from that index, and not from the folder.
    """

    route: Route | None = None
    rename: Rename = "auto"
    without: tuple[str, ...] = ()
    dev_apt: tuple[str, ...] = ()
    runtime_apt: tuple[str, ...] = ()
    apt_sources: tuple[str, ...] = ()
    build_args: tuple[str, ...] = ()
    home_files: tuple[str, ...] = ()
    index: str | None = None

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> "Choices":
        """Read the user's options by names such as `dev_apt`, not as `options` spells them; others are ignored.

        A missing one has its default. Raises InputError for a value that an option cannot have.
        """
        texts = {
            name: tuple(options.get(name) or ()) for name in ("dev_apt", "runtime_apt", "apt_sources", "build_args")
        }
        for text in (text for values in texts.values() for text in values):
            _must_be_one_line(text)
        return cls(
            route=_one_of("--route", options.get("route"), ROUTES),
            rename=_one_of("--rename", options.get("rename"), RENAMES) or "auto",
            without=tuple(client for client in CLIENTS if options.get(f"disable_{client}_client")),
            **texts,
            home_files=tuple(f".{name}" for name in HOME_FILES if options.get(name)),
            index=checked_index(index) if (index := options.get("index")) else None,
        )

    @property
    def options(self) -> dict[str, Any]:
        """The options that are not defaults, by their names in `[stage]` of the settings, but for route and index."""
        options = {
            "rename": self.rename if self.rename != "auto" else None,
            **{f"disable-{client}-client": client in self.without for client in CLIENTS},
            "dev-apt": list(self.dev_apt),
            "runtime-apt": list(self.runtime_apt),
            "apt-sources": list(self.apt_sources),
            "build-args": list(self.build_args),
            **{name: f".{name}" in self.home_files for name in HOME_FILES},
        }
        return {name: value for name, value in options.items() if value}

    @property
    def settling(self) -> frozenset[str]:
        """The options among these, as a user types them, that make a step of the build work without network."""
        mirrored = ("--apt-source LINE",) if self.apt_sources else ()
        return frozenset((*mirrored, *(f"--disable-{client}-client" for client in self.without)))


def _one_of(option: str, text: str | None, choices: tuple[Choice, ...]) -> Choice | None:
    """The choice that a text names; None for None. Raises InputError for any other text, also an empty one."""
    choice = next((choice for choice in choices if choice == text), None)
    if text is not None and choice is None:
        raise InputError(f"`{text}` is not a value of {option}", hint=f"write {option} {' or '.join(choices)}")
    return choice


def _must_be_one_line(text: str) -> None:
    """Raise InputError for a text with a line end or another unprintable character: it becomes a line of a file."""
    if not text.isprintable():
        raise InputError(
            f"{text!r} has an unprintable character, but an option of the image build must be one line of text"
        )


def build_arguments(
    airflow: Airflow, lock: Lock, tools: Mapping[str, str], base: str, route: Route, choices: Choices
) -> dict[str, str]:
    """Every build argument by its name, in an order that is easy to read. `tools` maps projects to versions; without pip or
    uv there, the release's own versions count. The lock must have Airflow.

    Raises InputError for one of the user's own that is none, that stage sets, or that adds files.
    """
    recipe = airflow.recipe
    arguments = {
        **_base(recipe, lock, base),
        **_airflow(airflow, lock, choices),
        **(_from_context(recipe) if route == "context" else _configured(recipe, lock)),
        recipe.pip_argument: tools.get("pip", recipe.pip),
        **({"AIRFLOW_UV_VERSION": tools.get("uv", recipe.uv), "AIRFLOW_USE_UV": "false"} if recipe.uv else {}),
        **({recipe.pre_cache_argument: "false"} if recipe.pre_cache_argument else {}),
        **{f"INSTALL_{client.upper()}_CLIENT": "false" for client in choices.without if client in recipe.clients},
        **({"ADDITIONAL_DEV_APT_DEPS": " ".join(choices.dev_apt)} if choices.dev_apt else {}),
        **({"ADDITIONAL_RUNTIME_APT_DEPS": " ".join(choices.runtime_apt)} if choices.runtime_apt else {}),
    }
    return arguments | _further(choices.build_args, arguments)


def _base(recipe: Recipe, lock: Lock, base: str) -> dict[str, str]:
    """The arguments for the base image and Python."""
    python = lock.target.python
    if recipe.compiles_python:
        return {"BASE_IMAGE": base, "AIRFLOW_PYTHON_VERSION": str(python.version)}
    minor = {recipe.python_argument: python.minor} if recipe.python_argument else {}
    return {"PYTHON_BASE_IMAGE": base, **minor}


def _airflow(airflow: Airflow, lock: Lock, choices: Choices) -> dict[str, str]:
    """The arguments for Airflow's version, extras and constraints."""
    extras = next(pin.extras for pin in lock.pins if pin.project == PROJECT)
    spelled = [spell_extra(extra, airflow.recipe) for extra in without_clients(extras, choices.without)]
    return {
        "AIRFLOW_INSTALLATION_METHOD": str(PROJECT),
        "AIRFLOW_VERSION": str(airflow.version),
        airflow.recipe.version_argument: f"=={airflow.version}",
        "AIRFLOW_EXTRAS": ",".join(spelled),
        "AIRFLOW_CONSTRAINTS_LOCATION": f"/{FOLDER}/{constraints_name(lock)}",
    }


def _configured(recipe: Recipe, lock: Lock) -> dict[str, str]:
    """The arguments for route configured: Airflow's ordinary install, with the other requested projects as additional requirements."""
    others = additional_requirements(lock, recipe)
    return {
        **_folder(recipe),
        recipe.context_argument: "false",
        **({recipe.index_argument: "true"} if recipe.index_argument else {}),
        **({recipe.in_context_argument: "false"} if recipe.in_context_argument else {}),
        **({"ADDITIONAL_PYTHON_DEPS": " ".join(others)} if others else {}),
    }


def _from_context(recipe: Recipe) -> dict[str, str]:
    """The arguments for route context: the release's own install of the folder's files."""
    flags = f"--no-index --find-links=/{FOLDER}"
    constrained = {recipe.constraints_argument: "true", "AIRFLOW_CONSTRAINTS_MODE": "constraints"}
    return {
        **_folder(recipe),
        recipe.context_argument: "true",
        **({recipe.index_argument: "false"} if recipe.index_argument else {}),
        **({recipe.in_context_argument: "true"} if recipe.in_context_argument else {}),
        **({name: value for name, value in constrained.items() if name} if recipe.constraints_argument else {}),
        **({recipe.flags_argument: flags} if recipe.flags_argument else {}),
        **({recipe.eager_argument: ""} if recipe.eager_argument else {}),
    }


def _folder(recipe: Recipe) -> dict[str, str]:
    """The argument that names the staged folder; empty if the release has none."""
    return {recipe.folder_argument: FOLDER} if recipe.folder_argument else {}


def _further(texts: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """The user's further arguments by name; of a repeated one the last counts, and a value can be empty.

    Raises InputError for one that is not NAME=VALUE, that stage sets, or that adds files.
    """
    further: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name.isidentifier() or not equals:
            raise InputError(f"`{text}` is not a build argument", hint="write --build-arg NAME=VALUE")
        if name in FETCHED:
            raise InputError(
                f"{name} adds files that the wheelhouse does not have",
                hint=f"{FETCHED[name]}, then run `wheelhouse stage` again",
            )
        if name in ours:
            raise InputError(
                f"`wheelhouse stage` itself sets the build argument {name}, here to `{ours[name]}`",
                hint="leave out this --build-arg",
            )
        further[name] = value
    return further


def constraints_name(lock: Lock) -> str:
    """The name of the constraints file at the top of the folder: `constraints-3.12.txt`."""
    return f"constraints-{lock.target.python.minor}.txt"


def local_constraints_name(lock: Lock) -> str:
    """The path in the folder where a from-context step that uses constraints looks for them: `constraints-3.12/constraints-3.12.txt`."""
    minor = lock.target.python.minor
    return f"constraints-{minor}/constraints-{minor}.txt"


def additional_requirements(lock: Lock, recipe: Recipe) -> list[str]:
    """The other projects that were requested beside Airflow, with version and extras of the lock: ADDITIONAL_PYTHON_DEPS.

    Those that the build installs anyway are left out.
    """
    requested = {canonicalize_name(Requirement(text).name) for text in lock.inputs.requirements}
    requested -= {PROJECT, *recipe.besides}
    return [
        f"{pin.project}{f'[{extras}]' if (extras := ','.join(pin.extras)) else ''}=={pin.version}"
        for pin in lock.pins
        if pin.project in requested
    ]


def spell_extra(extra: str, recipe: Recipe) -> str:
    """A normalised extra as the release's own metadata spell it, if pips of that time compare letter by letter: each `-`
    becomes `_`, but the first becomes `.` after a word of DOTTED; else unchanged.
    """
    if not recipe.dotted_extras:
        return extra
    first, hyphen, rest = extra.partition("-")
    between = "." if hyphen and first in DOTTED else "_" if hyphen else ""
    return f"{first}{between}{rest.replace('-', '_')}"
