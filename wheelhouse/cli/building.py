"""`build`: from a house with sdists to a house of wheels."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import BuildingAlone, BuildingOptions, ConnectionOptions, IndexOptions, Json, Quiet, grouped
from wheelhouse.cli.session import interpreters, listening, now, options, places, say, say_json, settings, supplied
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wheelhouse.build.build import BuildReport
    from wheelhouse.build.pending import BuildOptions
    from wheelhouse.events import Listener
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.lock.lock import Lock
    from wheelhouse.sandbox.builder import BuildLocation


@app.command()
@grouped
def build(
    building: BuildingAlone,
    located: IndexOptions,
    network: ConnectionOptions,
    house: Annotated[
        Path | None,
        typer.Argument(metavar="[HOUSE]", help="The house to build in. Default: wheels.", show_default=False),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Turn every sdist of a house into a wheel for its target, in a sealed room, and name the wheels in its locks.

    \b
    wheelhouse build wheels
    wheelhouse build wheels --interpreter /opt/python3.7/bin/python3
    wheelhouse build wheels --in-image python:3.12-bookworm
    wheelhouse build wheels --target cp312-manylinux_2_28_x86_64

    What sdists are built with is chosen as of their day, locked, and kept in the house's build/; it comes from where the
    house's files came from, unless something else is said. What was built before is taken from the cache. A wheel that
    fits every platform (`none-any`) serves each target whose lock has the same sdist. Exit code 6 where something could
    not be built; everything else is built all the same.
    """
    from wheelhouse.build.pending import is_done, must_have_targets
    from wheelhouse.index.locations import as_options
    from wheelhouse.verify.verify import load_wheelhouse

    held = settings()
    folder = house or Path(held.dest or "wheels")
    standing, wishes = load_wheelhouse(folder), wishes_of(building)
    must_have_targets(standing, wishes.targets)
    if all(is_done(lock, folder, wishes) for lock in standing.locks):
        _say(folder, standing.locks, frozenset(), {}, (), as_json=as_json, quiet=quiet)
        return
    wanted = options(held, located)
    if not (wanted.indexes or wanted.find_links or wanted.no_index or wanted.pip.values):
        wanted = replace(wanted, **as_options(standing.locks[0].inputs.locations))
    with listening(quiet=quiet or as_json) as listener, supplied(wanted, network, listener) as (_, supply):
        done = run_build(folder, building, supply, listener)
    _say(folder, done.house.locks, done.fresh, done.differing, listener.warnings, as_json=as_json, quiet=quiet)
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
    from wheelhouse import report

    if as_json:
        document = report.built_document(locks, fresh, differing)
        say_json({"house": str(folder), **document, "warnings": list(warnings)})
    elif not quiet:
        say(*report.built_lines(str(folder), locks, fresh, differing))


def run_build(house: Path, building: BuildingOptions, supply: "PackageSource", listener: "Listener") -> "BuildReport":
    """Build a house as the options say. Raises BuildError where something could not be built, after all else was."""
    from wheelhouse.build.build import build as build_step
    from wheelhouse.build.build import must_be_built

    done = build_step(house, wishes_of(building), _where(building), supply, listener)
    must_be_built(done)
    return done


def wishes_of(building: BuildingOptions) -> "BuildOptions":
    """What the options say of builds. Raises InputError for what cannot be read, or does not go together."""
    from wheelhouse.build.pending import BuildOptions
    from wheelhouse.fetch.gather import parse_moment
    from wheelhouse.files.disk import read_text
    from wheelhouse.resolve.requirements import RequirementLine, constraint_lines, parse_line

    if building.in_image and (building.unsealed or building.interpreter):
        raise InputError("--in-image goes neither with --unsealed nor with --interpreter", hint="leave one of them out")
    alone = building if isinstance(building, BuildingAlone) else None
    lines: list[RequirementLine] = []
    for text in building.build_constraint or ():
        if Path(text).is_file():
            lines += constraint_lines(read_text(Path(text), "the constraints file"), text)
        else:
            lines.append(parse_line(text, "--build-constraint"))
    return BuildOptions(
        prior_to=parse_moment(building.build_uploaded_prior_to, now()),
        constraints=tuple(lines),
        keep_sdists=building.keep_sdists,
        targets=tuple(alone.target or ()) if alone else (),
        check_reproducible=alone.check_reproducible if alone else False,
    )


def _where(building: BuildingOptions) -> "BuildLocation":
    from wheelhouse.sandbox.builder import BuildLocation
    from wheelhouse.sandbox.sandbox import Limits

    engine = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or name.startswith("DOCKER_")
    }
    return BuildLocation(
        places=places(),
        named=interpreters(building.interpreter),
        image=building.in_image,
        unsealed=building.unsealed,
        engine=engine,
        limits=Limits(seconds=60 * building.build_minutes, memory=int(building.build_memory * (1 << 30))),
    )
