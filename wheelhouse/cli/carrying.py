"""What crosses the gap: `pack`, `unpack`, `inspect`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import (
    ConnectionOptions,
    IndexOptions,
    Json,
    Quiet,
    TargetOptions,
    WheelhouseFolder,
    grouped,
)
from wheelhouse.cli.session import listening, options, passphrase_of, say, say_json, settings, supplied
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.lock.lock import Lock
    from wheelhouse.signing.sign import PublicKey

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SMALLEST_VOLUME = 1000
BundleFile = Annotated[Path, typer.Argument(metavar="FILE", help="A bundle, or the name that its volumes share.")]
PublicKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key", metavar="FILE", help="An Ed25519 public key: the bundle must be signed by one. May be repeated."
    ),
]


@app.command()
@grouped
def pack(
    house: WheelhouseFolder,
    targeted: TargetOptions,
    located: IndexOptions,
    network: ConnectionOptions,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The bundle to write.")],
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="OTHER", help="Carry only what this house, bundle or manifest lacks."),
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="SIZE", help="Write volumes of this size, such as 4G or 700M.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Sign with this Ed25519 private key (PEM, or ssh-keygen's)."),
    ] = None,
    with_self: Annotated[
        bool, typer.Option("--with-self", help="Take wheelhouse along, for the --python that the far side has.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Pack a house into one archive to carry across, or into volumes with a hash each. The same house gives the same bytes.

    The archive is a tar whose first member, the manifest, says all that is in it. With --with-self the house gets a folder
    self/, from which two lines of shell, which are printed, install wheelhouse on a machine that has only Python.
    """
    from wheelhouse import report
    from wheelhouse.bundle.pack import pack as pack_step
    from wheelhouse.bundle.self_bundle import install_lines
    from wheelhouse.report.bundles import packed_document
    from wheelhouse.signing.sign import load_key

    limit, signing = size_of(split) if split else None, load_key(key, passphrase_of) if key else None
    locks = _bring_self(house, targeted, located, network, quiet=as_json) if with_self else ()
    packed = pack_step(house, output, since, limit, signing)
    install = [install_lines(lock, output.name, in_volumes=limit is not None) for lock in locks]
    if as_json:
        volumes = [(v.name, v.sha256, v.size) for v in packed.volumes]
        say_json(packed_document(packed.manifest, volumes) | ({"install": install} if install else {}))
        return
    total = report.size_text(sum(volume.size for volume in packed.volumes))
    say(f"{output}: {len(packed.manifest.carried)} of {len(packed.manifest.entries)} files, {total}")
    for volume in packed.volumes:
        say(f"{volume.sha256}  {volume.name}")
    for lock, lines in zip(locks, install, strict=True):
        say(f"where {lock.target.name} is and nothing else, wheelhouse is installed from it by:", *lines)


def _bring_self(
    house: Path, targeted: TargetOptions, located: IndexOptions, network: ConnectionOptions, *, quiet: bool
) -> "tuple[Lock, ...]":
    from wheelhouse.bundle.self_bundle import bring_self
    from wheelhouse.fetch.gather import targets
    from wheelhouse.verify.verify import load_wheelhouse

    load_wheelhouse(house)
    if not (targeted.python or targeted.target_files):
        raise InputError("no Python was given for --with-self", hint="say which one the far side has: --python 3.12")
    wanted = options(settings(), targeted, located)
    with listening(quiet=quiet) as listener, supplied(wanted, network, listener) as (_, supply):
        return bring_self(house, targets(wanted, None, listener), supply, listener)


@app.command()
def unpack(
    bundle: BundleFile,
    house: Annotated[Path, typer.Argument(metavar="HOUSE", help="The house to write.")],
    key: PublicKeys = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a folder the house that a bundle carries, every file verified before it bears its name.

    A difference is unpacked on the very house that it was packed --since, and on nothing else. May be repeated: what stands is kept.
    """
    from wheelhouse.bundle.pack import unpack as unpack_step
    from wheelhouse.report.bundles import unpacked_line

    with listening(quiet=quiet or as_json) as listener:
        done = unpack_step(bundle, house, public_keys(key), listener)
    if as_json:
        document = {
            "house": str(house),
            "placed": list(done.placed),
            "stood": list(done.stood),
            "removed": list(done.removed),
        }
        say_json(document | {"signed-by": done.signer})
    elif not quiet:
        say(unpacked_line(str(house), len(done.placed), len(done.stood), len(done.removed), done.signer))


@app.command()
def inspect(bundle: BundleFile, key: PublicKeys = None, as_json: Json = False) -> None:
    """Show what is in a bundle, without unpacking it."""
    from wheelhouse.bundle.pack import inspect_bundle
    from wheelhouse.report.bundles import manifest_lines, packed_document

    manifest, signer = inspect_bundle(bundle, public_keys(key))
    if as_json:
        say_json(packed_document(manifest, []) | {"signed-by": signer})
    else:
        say(*manifest_lines(manifest, signer))


def size_of(text: str) -> int:
    """`4G`, `700M`, `1000000`, in bytes. Raises InputError."""
    match = re.fullmatch(r"(\d+)\s*([KMGT]?)B?", text.strip().upper())
    size = int(match[1]) * UNITS[match[2]] if match else 0
    if size < SMALLEST_VOLUME:
        raise InputError(f"`{text}` is not a size for a volume", hint="write 4G, 700M, or bytes; at least 1000")
    return size


def public_keys(paths: list[Path] | None) -> "tuple[PublicKey, ...]":
    """The keys that were named."""
    from wheelhouse.signing.sign import load_public_key

    return tuple(map(load_public_key, paths or ()))
