"""`build`: from a wheelhouse with sdists to a wheelhouse of wheels."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.machine import interpreter_places, named_interpreters, now
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import listening, options, settings, supplied
from wheelhouse.config.options import BuildCommandOptions, BuildingOptions, ConnectionOptions, IndexOptions
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wheelhouse.build.build import BuildReport
    from wheelhouse.build.pending import BuildOptions
    from wheelhouse.events import Listener
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.lock.lock import Lock
    from wheelhouse.sandbox.builder import BuildLocation


@command(app)
def build(
    building: BuildCommandOptions,
    located: IndexOptions,
    network: ConnectionOptions,
    named: Annotated[
        Path | None,
        typer.Argument(metavar="[WHEELHOUSE]", help="The wheelhouse to build in. Default: wheels.", show_default=False),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Build every sdist of a wheelhouse into a wheel for its target, in a sandbox.

    \b
    wheelhouse build wheels
    wheelhouse build wheels --interpreter /opt/python3.7/bin/python3
    wheelhouse build wheels --in-image python:3.12-bookworm
    wheelhouse build wheels --target cp312-manylinux_2_28_x86_64

    The lock files then name the wheels. Build requirements are resolved as of the sdist's upload date, locked, and kept
    in the wheelhouse's build/. They come from the index of the wheelhouse's files, unless you name another. Wheels that
    were built before come from the cache. A wheel for every platform (`none-any`) serves each target whose lock file has
    the same sdist. Exit code 6 if an sdist could not be built; the others are built all the same.
    """
    from wheelhouse.build.pending import is_complete, must_have_targets
    from wheelhouse.files.temporary import sweep_scratch
    from wheelhouse.index.locations import as_options
    from wheelhouse.verify.verify import load_wheelhouse

    from_file = settings()
    folder = named or from_file.wheelhouse
    wheelhouse, build_options = load_wheelhouse(folder), build_options_of(building)
    must_have_targets(wheelhouse, build_options.targets)
    sweep_scratch()
    if is_complete(wheelhouse, folder, build_options):
        _say(folder, wheelhouse.locks, frozenset(), {}, (), as_json=as_json, quiet=quiet)
        return
    chosen = options(from_file, located)
    if not (chosen.indexes or chosen.find_links or chosen.no_index or chosen.pip.values):
        chosen = replace(chosen, **as_options(wheelhouse.locks[0].inputs.locations))
    with listening(quiet=quiet or as_json) as listener, supplied(chosen, network, listener) as (_, source):
        done = run_build(folder, building, source, listener)
    _say(folder, done.wheelhouse.locks, done.fresh, done.differing, listener.warnings, as_json=as_json, quiet=quiet)
    if done.differing:
        raise typer.Exit(1)


def _say(
    folder: Path,
    locks: "Sequence[Lock]",
    fresh: frozenset[str],
    differing: "Mapping[str, tuple[str, ...]]",
    warnings: "Sequence[str]",
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print what was built."""
    from wheelhouse import report

    if as_json:
        document = report.built_document(locks, fresh, differing)
        say_json({"house": str(folder), **document, "warnings": list(warnings)})
    elif not quiet:
        say(*report.built_lines(str(folder), locks, fresh, differing))


def run_build(folder: Path, building: BuildingOptions, source: "PackageSource", listener: "Listener") -> "BuildReport":
    """Build the sdists of a wheelhouse. Raises BuildError if one could not be built, after all the others were."""
    from wheelhouse.build.build import build as build_step
    from wheelhouse.build.build import must_be_built

    done = build_step(folder, build_options_of(building), _location(building), source, listener)
    must_be_built(done)
    return done


def build_options_of(building: BuildingOptions) -> "BuildOptions":
    """The options as the build takes them. Raises InputError for one that cannot be read, and for two that exclude each other."""
    from wheelhouse.build.pending import BuildOptions
    from wheelhouse.fetch.gather import parse_moment
    from wheelhouse.files.disk import read_text
    from wheelhouse.resolve.requirements import RequirementLine, constraint_lines, parse_line

    if building.in_image and (building.unsealed or building.interpreter):
        raise InputError("--in-image excludes --unsealed and --interpreter", hint="remove one of them")
    of_command = building if isinstance(building, BuildCommandOptions) else BuildCommandOptions()
    lines: list[RequirementLine] = []
    for text in building.build_constraint:
        if Path(text).is_file():
            lines += constraint_lines(read_text(Path(text), "the constraints file"), text)
        else:
            lines.append(parse_line(text, "--build-constraint"))
    return BuildOptions(
        prior_to=parse_moment(building.build_uploaded_prior_to, now()),
        constraints=tuple(lines),
        keep_sdists=building.keep_sdists,
        targets=of_command.target,
        check_reproducible=of_command.check_reproducible,
        sandbox=frozenset(settings().policy.sandbox),
    )


def _location(building: BuildingOptions) -> "BuildLocation":
    from wheelhouse.sandbox.builder import BuildLocation
    from wheelhouse.sandbox.sandbox import Limits

    engine = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or name.startswith("DOCKER_")
    }
    return BuildLocation(
        places=interpreter_places(),
        named=named_interpreters(building.interpreter),
        image=building.in_image,
        unsealed=building.unsealed,
        engine=engine,
        limits=Limits(seconds=60 * building.build_minutes, memory=int(building.build_memory * (1 << 30))),
    )
