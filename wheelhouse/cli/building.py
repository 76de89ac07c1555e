"""`build`: from a wheelhouse with sdists to a wheelhouse of wheels."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.build_location import location_of
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import listening, options, settings, supplied
from wheelhouse.config.options import BuildCommandOptions, BuildingOptions, ConnectionOptions, IndexOptions
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wheelhouse.build.build import BuildReport
    from wheelhouse.build.pending import BuildOptions
    from wheelhouse.config.settings import Settings
    from wheelhouse.events import Listener
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.lock.lock import Lock


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
    r"""Build every sdist of a wheelhouse in a sandbox: one wheel for each target that needs the sdist.

    \b
    wheelhouse build wheels
    wheelhouse build wheels --interpreter /opt/python3.7/bin/python3
    wheelhouse build wheels --in-image python:3.12-bookworm
    wheelhouse build wheels --target cp312-manylinux_2_28_x86_64

    After the build, the lock files name the wheels instead of the sdists. The build requirements of an sdist are
    resolved with the releases that existed on a past date (see --build-uploaded-prior-to). They are locked and kept
    in build/ of the wheelhouse. They come from the same index as the sdist, unless you name another index. Wheels of
    earlier builds come from the cache. If a wheel fits every platform (`none-any`), it replaces its sdist for all
    targets. If an sdist cannot be built, the command builds the other sdists, and exits with code 6.

    With --store, the command also uses the wheels that other machines put into the store. If the targets need several
    machines, run `build --only-here` on each machine: a machine builds the sdists that it can build. Then run `build
    --from-store` on one machine: this machine takes all wheels from the store.
    """
    from wheelhouse.build.pending import is_complete, must_have_targets
    from wheelhouse.files.temporary import sweep_scratch
    from wheelhouse.index.locations import as_options
    from wheelhouse.verify.verify import load_wheelhouse

    from_file = settings()
    folder = named or from_file.wheelhouse
    wheelhouse, build_options = load_wheelhouse(folder), build_options_of(building)
    must_have_targets(wheelhouse, build_options.targets)
    _must_have_store(building, network, from_file)
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


def _must_have_store(building: BuildCommandOptions, network: ConnectionOptions, from_file: "Settings") -> None:
    """Raise InputError if the options need a store with signatures, and there is none, or if they exclude each other."""
    name = "--only-here" if building.only_here else "--from-store" if building.from_store else ""
    if building.only_here and building.from_store:
        raise InputError(
            "--only-here and --from-store exclude each other",
            hint="build with --only-here on each machine, then take the wheels with --from-store on one machine",
        )
    if building.executor and name:
        raise InputError(f"{name} and --executor exclude each other", hint="leave out one of the two options")
    if building.from_store and building.check_reproducible:
        raise InputError(
            "--from-store builds nothing, but --check-reproducible builds each sdist twice",
            hint="leave out one of the two options",
        )
    if name and not (network.store or from_file.store.url):
        raise InputError(f"{name} needs a store", hint="name the store: --store URL, or `url` in the table [store]")
    if building.only_here and not network.store_key:
        raise InputError(
            "--only-here signs the built wheels, but no key was given", hint="name the key: --store-key FILE"
        )
    if building.from_store and not from_file.store.trusted:
        hint = "add the public key of the build machines to `trusted` in the table [store] of wheelhouse.toml"
        raise InputError(
            "--from-store accepts only wheels that a trusted key signed, but the settings trust no key", hint=hint
        )


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
    """Print what was built: as JSON, with the warnings, or as lines without, and no lines if `quiet`."""
    from wheelhouse import report

    if as_json:
        document = report.built_document(locks, fresh, differing)
        say_json({"house": str(folder), **document, "warnings": list(warnings)})
    elif not quiet:
        say(*report.built_lines(str(folder), locks, fresh, differing))


def run_build(folder: Path, building: BuildingOptions, source: "PackageSource", listener: "Listener") -> "BuildReport":
    """Build the sdists of a wheelhouse, here or on the workers of `--executor`. Returns what was built.

    Raises BuildError if one could not be built, after all the others were.
    """
    from wheelhouse.build.build import build as build_step
    from wheelhouse.build.build import must_be_built

    build_options = build_options_of(building)
    with ExitStack() as stack:
        submit = None
        if isinstance(building, BuildCommandOptions) and building.executor:
            from wheelhouse.cli.pool import builds_in, connected_pool

            submit = builds_in(stack.enter_context(connected_pool(building.executor)), building)
        done = build_step(folder, build_options, location_of(building), source, listener, submit)
    must_be_built(done)
    return done


def build_options_of(building: BuildingOptions) -> "BuildOptions":
    """The options as the build takes them; the sandbox that the policy requires comes from the settings file.

    Raises InputError for an option that cannot be read, and for --in-image with --unsealed or --interpreter.
    """
    from wheelhouse.build.pending import BuildOptions
    from wheelhouse.fetch.gather import parse_moment
    from wheelhouse.files.disk import read_text
    from wheelhouse.resolve.requirements import RequirementLine, constraint_lines, parse_line

    if building.in_image and (building.unsealed or building.interpreter):
        raise InputError(
            "--in-image cannot be combined with --unsealed or --interpreter",
            hint="leave out --in-image, or the other option",
        )
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
        only_here=of_command.only_here,
        from_store=of_command.from_store,
        sandbox=frozenset(settings().policy.sandbox),
    )
