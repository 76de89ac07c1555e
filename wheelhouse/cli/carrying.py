"""Bundles that cross the air gap: `pack`, `unpack`, `inspect`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import OUTPUT, Json, Quiet, RequireApproved, WheelhouseFolder, command
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import listening, must_be_approved, options, settings, signer_of, supplied
from wheelhouse.config.options import ConnectionOptions, IndexOptions, TargetOptions
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.lock.lock import Lock
    from wheelhouse.signing.sign import PublicKey

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MIN_VOLUME_BYTES = 1000
BundleFile = Annotated[Path, typer.Argument(metavar="FILE", help="A bundle, or the common part of its volumes' names.")]
PublicKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key", metavar="FILE", help="Refuse a bundle that no such Ed25519 public key signed. May be repeated."
    ),
]


@command(app)
def pack(
    wheelhouse: WheelhouseFolder,
    targeted: TargetOptions,
    located: IndexOptions,
    network: ConnectionOptions,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="The bundle to write.")
    ],
    since: Annotated[
        Path | None,
        typer.Option(
            "--since", metavar="OTHER", help="Pack only files that this wheelhouse, bundle or manifest lacks."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="SIZE", help="Write volumes of this size: 4G or 700M.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="Sign with this Ed25519 key: private, or public if ssh-agent holds it."
        ),
    ] = None,
    with_self: Annotated[
        bool, typer.Option("--with-self", help="Pack wheelhouse itself too, for the --python of the far side.")
    ] = False,
    require_approved: RequireApproved = False,
    as_json: Json = False,
) -> None:
    """Pack a wheelhouse into one bundle, or into volumes with a hash each. The same wheelhouse gives the same bytes.

    The bundle is a tar file; its first member, the manifest, lists all its files. With --with-self the wheelhouse gets a folder
    self/, and two lines of shell are printed that install wheelhouse from it on a machine that has only Python.
    """
    from wheelhouse import report
    from wheelhouse.bundle.pack import pack as pack_step
    from wheelhouse.bundle.self_bundle import install_lines
    from wheelhouse.report.bundles import packed_document
    from wheelhouse.vet.approve import files_of

    limit, signing = size_of(split) if split else None, signer_of(key) if key else None
    locks = _bring_self(wheelhouse, targeted, located, network, quiet=as_json) if with_self else ()
    if require_approved:
        must_be_approved(files_of(wheelhouse), [wheelhouse])
    packed = pack_step(wheelhouse, output, since, limit, signing)
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
        say(f"to install wheelhouse from it on {lock.target.name}, with Python alone:", *lines)


def _bring_self(
    wheelhouse: Path, targeted: TargetOptions, located: IndexOptions, network: ConnectionOptions, *, quiet: bool
) -> "tuple[Lock, ...]":
    """Put wheelhouse itself into the wheelhouse, for each target; the lock of each."""
    from wheelhouse.bundle.self_bundle import bring_self
    from wheelhouse.fetch.gather import targets
    from wheelhouse.verify.verify import load_wheelhouse

    load_wheelhouse(wheelhouse)
    if not (targeted.python or targeted.target_files):
        raise InputError("no Python was given for --with-self", hint="name the one of the far side: --python 3.12")
    chosen = options(settings(), targeted, located)
    with listening(quiet=quiet) as listener, supplied(chosen, network, listener) as (_, source):
        return bring_self(wheelhouse, targets(chosen, None, listener), source, listener)


@command(app)
def unpack(
    bundle: BundleFile,
    wheelhouse: Annotated[Path, typer.Argument(metavar="WHEELHOUSE", help="The folder to write.")],
    key: PublicKeys = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Unpack the wheelhouse of a bundle into a folder. Every file is verified before it gets its name. Safe to repeat.

    A bundle that was packed with --since is unpacked only over the wheelhouse that it was packed against.
    """
    from wheelhouse.bundle.pack import unpack as unpack_step
    from wheelhouse.report.bundles import unpacked_line

    with listening(quiet=quiet or as_json) as listener:
        done = unpack_step(bundle, wheelhouse, public_keys(key), listener)
    if as_json:
        document = {
            "house": str(wheelhouse),
            "placed": list(done.placed),
            "stood": list(done.stood),
            "removed": list(done.removed),
        }
        say_json(document | {"signed-by": done.signer})
    elif not quiet:
        say(unpacked_line(str(wheelhouse), len(done.placed), len(done.stood), len(done.removed), done.signer))


@command(app)
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
    """`4G`, `700M` or `1000000` in bytes. Raises InputError."""
    match = re.fullmatch(r"(\d+)\s*([KMGT]?)B?", text.strip().upper())
    size = int(match[1]) * UNITS[match[2]] if match else 0
    if size < MIN_VOLUME_BYTES:
        raise InputError(f"`{text}` is not a size for a volume", hint="write 4G, 700M, or bytes; at least 1000")
    return size


def public_keys(paths: list[Path] | None) -> "tuple[PublicKey, ...]":
    """The public keys of files."""
    from wheelhouse.signing.sign import load_public_key

    return tuple(map(load_public_key, paths or ()))
