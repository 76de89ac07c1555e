"""The options that commands share, each declared once: as fields of a group, which a command takes as one parameter."""

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, errors included.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]
WheelhouseFolder = Annotated[
    Path, typer.Argument(metavar="[HOUSE]", help="A house, as `wheelhouse fetch` writes it.", show_default=True)
]
RequireApproved = Annotated[
    bool, typer.Option("--require-approved", help="Refuse every file that not enough reviewers approved.")
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir", envvar="WHEELHOUSE_CACHE_DIR", metavar="DIR", help="Where files are kept between runs."
    ),
]
Texts = list[str] | None
TIMEOUT = 15.0


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class WhatToFetch:
    """What is asked for, and what limits it."""

    requirements: Annotated[
        Texts,
        typer.Argument(
            metavar="[REQUIREMENT]...", help="What to fetch, as PEP 508 has it: 'name[extra]>=1.0'.", show_default=False
        ),
    ] = None
    requirement_files: Annotated[
        Texts,
        typer.Option(
            "--requirement",
            "-r",
            metavar="FILE",
            help="A requirements file, a pyproject.toml or a pylock.toml. May be repeated.",
        ),
    ] = None
    constraints: Annotated[
        Texts, typer.Option("--constraint", "-c", metavar="FILE|URL", help="Constraints. May be repeated.")
    ] = None
    groups: Annotated[
        Texts,
        typer.Option(
            "--group", metavar="NAME", help="A dependency group of pyproject.toml (or of a lock). May be repeated."
        ),
    ] = None
    overrides: Annotated[
        Texts,
        typer.Option(
            "--override",
            metavar="FILE",
            help="Requirements that replace whatever releases ask of those projects. May be repeated.",
        ),
    ] = None
    excludes: Annotated[
        Texts, typer.Option("--exclude", metavar="NAME", help="A project to leave out, whoever asks for it.")
    ] = None
    extras: Annotated[
        Texts,
        typer.Option(
            "--extra", metavar="NAME", help="An extra of Airflow, or of `-r pyproject.toml`. May be repeated, or a,b,c."
        ),
    ] = None


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class TargetOptions:
    """The environments to choose for."""

    python: Annotated[
        Texts,
        typer.Option(
            "--python", metavar="VERSION", help="The target's Python: 3.12, or exactly 3.12.4. May be repeated."
        ),
    ] = None
    platform: Annotated[
        Texts,
        typer.Option(
            "--platform",
            metavar="NAME",
            help="The target's platform: linux/amd64 (the default), alpine/arm64, macos/arm64, windows/amd64, "
            "or a platform tag such as manylinux_2_34_x86_64. May be repeated.",
        ),
    ] = None
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="NAME",
            help="Take libc (and Python) from a base image's name: python:3.12-slim-bookworm.",
        ),
    ] = None
    target_files: Annotated[
        Texts,
        typer.Option(
            "--target-file",
            metavar="FILE",
            help="A target described in full, as `wheelhouse target show` and pex write it. May be repeated.",
        ),
    ] = None


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class ConstraintsSource:
    """Which of Airflow's constraints, and where they are published."""

    constraints_mode: Annotated[
        str | None,
        typer.Option(
            "--constraints-mode",
            metavar="MODE",
            help="Which of Airflow's constraints: constraints (default), no-providers, source-providers.",
        ),
    ] = None
    constraints_url: Annotated[
        str | None,
        typer.Option("--constraints-url", metavar="URL", help="A mirror of where Airflow publishes its constraints."),
    ] = None


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class AirflowRelease:
    """A release of Airflow, as a target's image has it."""

    airflow: Annotated[
        str | None,
        typer.Option(
            "--airflow",
            metavar="VERSION",
            help="Apache Airflow in this version, with its official constraints and its image's libc.",
        ),
    ] = None


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class DatabaseClients:
    """The database clients that Airflow's image can do without, and the extras that need them with them."""

    disable_mysql_client: Annotated[
        bool,
        typer.Option("--disable-mysql-client", help="Airflow's image without MySQL: drops the client and its extra."),
    ] = False
    disable_mssql_client: Annotated[
        bool, typer.Option("--disable-mssql-client", help="The same for MSSQL. Since Airflow 2.2.")
    ] = False
    disable_postgres_client: Annotated[
        bool, typer.Option("--disable-postgres-client", help="The same for PostgreSQL. Since Airflow 2.3.")
    ] = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class AirflowAsked(DatabaseClients, AirflowRelease, ConstraintsSource):
    """Airflow as the thing asked for."""


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class StagingOptions:
    """What is staged, and where."""

    house: Annotated[
        Path | None, typer.Argument(metavar="[HOUSE]", help="The house to stage. Default: wheels.", show_default=False)
    ] = None
    dest: Annotated[Path | None, typer.Option("--dest", metavar="FOLDER", help="Default: docker-context-files.")] = None
    layout: Annotated[
        str | None,
        typer.Option(
            "--layout", metavar="NAME", help="flat (any image), airflow (Airflow's own Dockerfile), or auto (default)."
        ),
    ] = None
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Which target, where the house has several.")
    ] = None
    base_image: Annotated[
        str | None, typer.Option("--base-image", metavar="NAME", help="The image that the build starts from.")
    ] = None
    sdists: Annotated[
        bool,
        typer.Option(
            "--sdists", help="Stage sdists in the place of what was built from them, and what they are built with."
        ),
    ] = False
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="URL",
            help="Let the build take the locked files from this index, and stage settings alone.",
        ),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and write nothing.")] = False
    require_approved: RequireApproved = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class ImageBuild(DatabaseClients):
    """How Airflow's own Dockerfile is to be called."""

    route: Annotated[
        str | None,
        typer.Option(
            "--route",
            metavar="NAME",
            help="For Airflow: configured (its ordinary install, told of the folder; the default) or context "
            "(its from-context install).",
        ),
    ] = None
    rename: Annotated[
        str | None,
        typer.Option(
            "--rename",
            metavar="HOW",
            help="Airflow's own files in route context: auto (Apache_Airflow… where that is needed; the default), never, "
            "or documented (_apache_airflow…, which never worked).",
        ),
    ] = None
    dev_apt: Annotated[
        Texts, typer.Option("--dev-apt", metavar="NAME", help="A Debian package for the build stage. May be repeated.")
    ] = None
    runtime_apt: Annotated[
        Texts, typer.Option("--runtime-apt", metavar="NAME", help="A Debian package for the image. May be repeated.")
    ] = None
    apt_sources: Annotated[
        Texts,
        typer.Option(
            "--apt-source",
            metavar="LINE",
            help="A line of sources.list, such as 'deb https://mirror/debian bookworm main', in place of the base "
            "image's own. May be repeated.",
        ),
    ] = None
    build_args: Annotated[
        Texts, typer.Option("--build-arg", metavar="NAME=VALUE", help="A further build argument. May be repeated.")
    ] = None
    pypirc: Annotated[bool, typer.Option("--pypirc", help="Write .pypirc too, which pip does not read.")] = False
    piprc: Annotated[bool, typer.Option("--piprc", help="Write .piprc too, which pip does not read.")] = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class IndexOptions:
    """Where files come from."""

    indexes: Annotated[
        Texts,
        typer.Option(
            "--index",
            envvar="WHEELHOUSE_INDEX",
            metavar="[NAME=]URL",
            help="The package index (a Simple Repository API); with a NAME, one more, for what --from says. "
            "Default: the one that pip itself uses.",
        ),
    ] = None
    index_projects: Annotated[
        Texts,
        typer.Option(
            "--from",
            metavar="NAME=PROJECT,…",
            help="What comes from the index NAME, and from nowhere else: projects, or patterns such as 'acme-*'.",
        ),
    ] = None
    find_links: Annotated[
        Texts,
        typer.Option(
            "--find-links",
            metavar="[NAME=]FOLDER|URL",
            help="A folder of files, or a page of links. What it holds comes from it, and from no index.",
        ),
    ] = None
    no_index: Annotated[bool, typer.Option("--no-index", help="No default index: only what is named.")] = False
    index_tokens: Annotated[
        Texts,
        typer.Option(
            "--index-token-file",
            metavar="[NAME=]FILE",
            help="A file with an index's token, or with `user:password`.",
        ),
    ] = None
    use_pip_config: Annotated[
        bool, typer.Option("--use-pip-config", help="Follow pip's configuration files and PIP_* variables.")
    ] = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class ChoosingOptions(IndexOptions):
    """Where files come from, and which of them may be chosen."""

    only_binary: Annotated[
        Texts, typer.Option("--only-binary", metavar="NAMES", help="No sdists: of a,b,c, or :all:. May be repeated.")
    ] = None
    no_binary: Annotated[
        Texts, typer.Option("--no-binary", metavar="NAMES", help="No wheels: of a,b,c, or :all:. May be repeated.")
    ] = None
    prefer_binary: Annotated[
        bool, typer.Option("--prefer-binary", help="An older release with a wheel rather than a newer sdist.")
    ] = False
    pre: Annotated[bool, typer.Option("--pre", help="Pre-releases count like any other release.")] = False
    require_hashes: Annotated[
        bool | None,
        typer.Option(
            "--require-hashes/--no-require-hashes",
            help="A hash for every project. Default: as soon as one line gives one.",
            show_default=False,
        ),
    ] = None
    uploaded_prior_to: Annotated[
        str | None,
        typer.Option(
            "--uploaded-prior-to",
            metavar="TIME",
            help="Only files uploaded before: 2025-02-10, or an age such as '7 days'.",
        ),
    ] = None


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class OutputOptions:
    """Where a house is, and which of its pins do not stand."""

    dest: Annotated[
        Path | None, typer.Option("--dest", metavar="HOUSE", help="The house to write. Default: wheels.")
    ] = None
    upgrade: Annotated[
        bool,
        typer.Option(
            "--upgrade", help="Choose anew, whatever the existing lock says, and ask the index about every page."
        ),
    ] = False
    upgrade_projects: Annotated[
        Texts, typer.Option("--upgrade-project", metavar="NAME", help="Choose this project anew. May be repeated.")
    ] = None
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Remove the files of another job in the house that this one does not need."),
    ] = False
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Write the targets that have a solution, although others have none."),
    ] = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class BuildingOptions:
    """How sdists are built, and where."""

    interpreter: Annotated[
        Texts,
        typer.Option("--interpreter", metavar="PATH", help="The target's Python to build with. May be repeated."),
    ] = None
    in_image: Annotated[
        str | None,
        typer.Option("--in-image", metavar="IMAGE", help="Build in containers of this image, with no network."),
    ] = None
    unsealed: Annotated[
        bool,
        typer.Option(
            "--unsealed", help="Build with no sealed room: builds see this machine and its network. Recorded."
        ),
    ] = False
    build_uploaded_prior_to: Annotated[
        str | None,
        typer.Option(
            "--build-uploaded-prior-to",
            metavar="TIME",
            help="Build with what had been uploaded before. Default: the later of the sdist's day and that of what was asked for.",
        ),
    ] = None
    build_constraint: Annotated[
        Texts,
        typer.Option(
            "--build-constraint",
            metavar="FILE|LINE",
            help="Constraints on what sdists are built with: a file, or a line such as 'cython<3'. May be repeated.",
        ),
    ] = None
    build_minutes: Annotated[
        float, typer.Option("--build-minutes", metavar="N", min=0.01, help="How long one build may take.")
    ] = 60.0
    build_memory: Annotated[
        float,
        typer.Option(
            "--build-memory",
            metavar="GIB",
            min=0.1,
            help="How much memory one build may take, all its processes together.",
        ),
    ] = 8.0
    keep_sdists: Annotated[
        bool, typer.Option("--keep-sdists", help="Keep each sdist beside the wheel that was built from it.")
    ] = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class BuildingAlone(BuildingOptions):
    """What `build` takes, and `fetch --build` does not."""

    target: Annotated[
        Texts,
        typer.Option("--target", metavar="NAME", help="Build for this target alone. May be repeated. Default: all."),
    ] = None

    check_reproducible: Annotated[
        bool,
        typer.Option(
            "--check-reproducible", help="Build everything again, and say which members differ. Exit code 1 then."
        ),
    ] = False


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class NetworkOptions:
    """How servers are spoken to."""

    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            envvar="WHEELHOUSE_TIMEOUT",
            metavar="SECONDS",
            min=0.1,
            help="How long to wait for a server.",
        ),
    ] = TIMEOUT
    retries: Annotated[
        int,
        typer.Option(
            "--retries",
            envvar="WHEELHOUSE_RETRIES",
            metavar="N",
            min=0,
            max=20,
            help="How often to try again after a failure.",
        ),
    ] = 4

    ca_file: Annotated[
        str | None,
        typer.Option("--ca-file", metavar="PEM", help="Certificate authorities to trust in the place of the system's."),
    ] = None
    client_cert: Annotated[
        str | None,
        typer.Option("--client-cert", metavar="PEM", help="A certificate and its key, for servers that ask for one."),
    ] = None


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class ConnectionOptions(NetworkOptions):
    """How servers are spoken to, and where what they gave is kept."""

    cache_dir: CacheDir = None


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take groups of options: to typer each field of a group is a parameter of the command's own."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if isinstance(kind, type) and dataclasses.is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        group = groups.get(parameter.name)
        if group is None:
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            parameters.extend(_parameters(group))

    def ungrouped(**given: Any) -> None:  # noqa: ANN401
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
        command(**given)

    ungrouped.__name__ = command.__name__
    ungrouped.__doc__ = (command.__doc__ or "").replace(r"\b", "\b")  # keeps the lines of examples apart
    ungrouped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    ungrouped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return ungrouped


def _parameters(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(group)
    ]


def given(*groups: object) -> dict[str, Any]:
    """What the user said, by the option's name; what was left out is not there."""
    said = {field.name: getattr(group, field.name) for group in groups for field in dataclasses.fields(group)}  # type: ignore[arg-type]
    return {
        name: value
        for name, value in said.items()
        if value not in (None, []) and (value is not False or name == "require_hashes")
    }
