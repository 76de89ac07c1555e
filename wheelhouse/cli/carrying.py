"""Bundles that cross the air gap, and what the far side has: `pack`, `unpack`, `inspect`, `state`."""

import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import OUTPUT, Json, Quiet, RequireApproved, command
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import (
    approval_rules,
    listening,
    must_be_approved,
    options,
    settings,
    signer_of,
    supplied,
)
from wheelhouse.cli.terminal import echo
from wheelhouse.cli.whole_wheelhouses import whole_wheelhouses
from wheelhouse.config.options import ConnectionOptions, FileOrigin, IndexOptions, TargetOptions
from wheelhouse.errors import InputError
from wheelhouse.humanize import shortened

if TYPE_CHECKING:
    from wheelhouse.bundle.unpack import Approve
    from wheelhouse.lock.lock import Lock
    from wheelhouse.signing.sign import PublicKey

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MIN_VOLUME_BYTES = 1000
STREAM = Path("-")
BundleFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A bundle, or - for stdin. For volumes: the common start of their names."),
]
Wheelhouses = Annotated[
    list[Path], typer.Argument(metavar="WHEELHOUSE...", help="The folders that `wheelhouse fetch` or `unpack` wrote.")
]
PublicKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Accept only a bundle with a signature of this Ed25519 public key. May be repeated.",
    ),
]


@command(app)
def pack(
    wheelhouses: Wheelhouses,
    targeted: TargetOptions,
    located: IndexOptions,
    network: ConnectionOptions,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="The bundle to write; - is stdout."
        ),
    ],
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="OTHER",
            help="Pack only files that the far side lacks. OTHER lists the files of the far side. It is a file "
            "that `wheelhouse state` wrote there, or a wheelhouse, a bundle or a manifest.",
        ),
    ] = None,
    since_keys: Annotated[
        list[Path] | None,
        typer.Option(
            "--since-key",
            metavar="FILE",
            help="Accept only a state with a signature of this Ed25519 public key. May be repeated.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="SIZE", help="Write volumes of this size: 4G or 700M.")
    ] = None,
    par2: Annotated[
        int | None,
        typer.Option(
            "--par2",
            metavar="PERCENT",
            min=1,
            max=100,
            help="Also write recovery files with the program par2. They can repair damage of up to PERCENT of the "
            "bundle.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Sign the bundle with this Ed25519 key: the private key, or the public key if ssh-agent signs.",
        ),
    ] = None,
    with_self: Annotated[
        bool,
        typer.Option(
            "--with-self",
            help="Also pack the program wheelhouse itself. Add --python, with the Python version of the far side.",
        ),
    ] = False,
    require_approved: RequireApproved = False,
    as_json: Json = False,
) -> None:
    r"""Pack wheelhouses into one bundle, or into volumes, and print the hash of the bundle or of each volume. The same input
    always gives the same bytes.

    The bundle is a tar file. Its first member is the manifest, which lists all files of the bundle. If there are several
    wheelhouses, each has its own folder in the bundle. With --with-self, the first wheelhouse gets a folder self/. The
    command then prints two shell commands, which install the program from self/ on a machine that has only Python.

    \b
    wheelhouse pack wheels -o update.tar --since far.json
    wheelhouse pack wheels -o - | ssh gateway 'cat > /diode/update.tar'
    """
    from wheelhouse.bundle.far_side_state import read_far_side
    from wheelhouse.bundle.pack import pack as pack_step
    from wheelhouse.bundle.recovery import add_recovery_files, must_have_par2
    from wheelhouse.bundle.self_bundle import install_lines
    from wheelhouse.report.bundles import packed_document, packed_lines
    from wheelhouse.vet.approve import files_of

    limit, signing = size_of(split) if split else None, signer_of(key) if key else None
    stream = _output_stream(split=split, par2=par2, as_json=as_json) if output == STREAM else None
    if par2:
        must_have_par2()
    far_side = read_far_side(since, public_keys(since_keys)) if since else None
    origin = FileOrigin(store=network.store, cache_dir=network.cache_dir)
    with whole_wheelhouses(wheelhouses, origin, quiet=as_json) as folders:
        locks = _bring_self(folders[0], targeted, located, network, quiet=as_json) if with_self else ()
        if require_approved:
            for folder in folders:
                must_be_approved(files_of(folder), [folder])
        packed = pack_step(folders, stream or output, far_side, limit, signing, _review())
    if par2:
        names = [volume.name for volume in packed.volumes]
        add_recovery_files(output, [*names, *([f"{output.name}.volumes.json"] if split else [])], par2)
    install = [install_lines(lock, output.name, packed.manifest, in_volumes=limit is not None) for lock in locks]
    volumes = [(v.name, v.sha256, v.size) for v in packed.volumes]
    if as_json:
        say_json(packed_document(packed.manifest, volumes) | ({"install": install} if install else {}))
        return
    for line in packed_lines("stdout" if stream else str(output), packed.manifest, volumes):
        echo(line, err=stream is not None)
    for lock, lines in zip(locks, install, strict=True):
        for line in (f"to install wheelhouse on {lock.target.name} from the bundle, with Python alone:", *lines):
            echo(line, err=stream is not None)


def _review() -> dict[str, bytes]:
    """The files of a review to pack, by name: approvals, advisories and policy of the settings of this folder.

    A file that is not there, and a table that is as by default, are left out.
    """
    from msgspec import to_builtins

    from wheelhouse.vet.carried_review import review_to_send

    from_file = settings()
    tables = {"policy": from_file.policy, "approvals": from_file.approvals}
    written = {
        name: _without_none(to_builtins(table, builtin_types=(date,)))
        for name, table in tables.items()
        if table != type(table)()
    }
    return review_to_send(Path(from_file.approvals.file), Path(from_file.policy.advisories), written)


def _without_none(value: Any) -> Any:  # noqa: ANN401  (TOML has no null)
    """A document without the keys whose value is None, also in inner tables."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


def _output_stream(*, split: str | None, par2: int | None, as_json: bool) -> BinaryIO:
    """Stdout for bytes, for a bundle. Raises InputError if it is a terminal, and with --split, --par2 or --json."""
    if split or par2 or as_json:
        option = "--split" if split else "--par2" if par2 else "--json"
        raise InputError(
            f"{option} does not go with `-o -`: only the bundle goes to stdout",
            hint="write the bundle into a file: -o FILE",
        )
    if sys.stdout.isatty():
        raise InputError("stdout is a terminal, but a bundle is not text", hint="pipe it: wheelhouse pack … -o - | …")
    return sys.stdout.buffer


def _input(bundle: Path) -> Path | BinaryIO:
    """The bundle that a path names: the path itself, or stdin as bytes for `-`. Raises InputError if stdin is a terminal."""
    if bundle != STREAM:
        return bundle
    if sys.stdin.isatty():
        raise InputError(
            "stdin is a terminal, but a bundle is not text", hint="pipe it: … | wheelhouse unpack - FOLDER"
        )
    return sys.stdin.buffer


def _bring_self(
    wheelhouse: Path, targeted: TargetOptions, located: IndexOptions, network: ConnectionOptions, *, quiet: bool
) -> "tuple[Lock, ...]":
    """Fetch wheelhouse itself into a folder of the wheelhouse, for each target that the options name. Returns the lock of each.

    Raises InputError if they name neither a Python nor a target file (the settings do not count), or if the folder is no
    wheelhouse.
    """
    from wheelhouse.bundle.self_bundle import bring_self
    from wheelhouse.fetch.gather import targets
    from wheelhouse.verify.verify import load_wheelhouse

    load_wheelhouse(wheelhouse)
    if not (targeted.python or targeted.target_files):
        raise InputError("no Python was given for --with-self", hint="name the Python of the far side: --python 3.12")
    chosen = options(settings(), targeted, located)
    with listening(quiet=quiet) as listener, supplied(chosen, network, listener) as (_, source):
        return bring_self(wheelhouse, targets(chosen, None, listener), source, listener)


@command(app)
def unpack(
    bundle: BundleFile,
    wheelhouse: Annotated[Path, typer.Argument(metavar="WHEELHOUSE", help="The folder to write.")],
    key: PublicKeys = None,
    require_approved: RequireApproved = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Unpack the wheelhouse of a bundle into a folder. Every file is verified before it gets its final name.

    The folder may be empty, or have an earlier wheelhouse of the same job. If a file is not in the bundle, it is
    taken from this earlier wheelhouse. Files are removed if the new wheelhouse does not need them. If files are missing,
    the command names them and changes nothing. If the bundle has several wheelhouses, each gets its own folder inside
    WHEELHOUSE. You can repeat the command at any time. The approvals, advisories and policy of the bundle go into
    WHEELHOUSE.review/. With --require-approved, the command checks the approvals with the keys in your own settings, before
    it writes a file.
    """
    from wheelhouse.bundle.unpack import approve_all
    from wheelhouse.bundle.unpack import unpack as unpack_step
    from wheelhouse.report.bundles import review_line, unpacked_line
    from wheelhouse.signing.sign import label_of
    from wheelhouse.vet.carried_review import keep_review, review_folder

    folder = review_folder(wheelhouse)
    approve = _approval(folder) if require_approved else approve_all
    with listening(quiet=quiet or as_json) as listener:
        keys = public_keys(key)
        done = unpack_step(_input(bundle), wheelhouse, keys, listener, approve)
        keep_review(folder, done.review)
    if as_json:
        document = {
            "house": str(wheelhouse),
            "placed": list(done.placed),
            "stood": list(done.stood),
            "removed": list(done.removed),
            "already-applied": done.was_applied,
        }
        kept = {"review": {"folder": str(folder), "files": list(done.review)}} if done.review else {}
        say_json(document | {"signed-by": done.signer} | kept)
    elif not quiet:
        signer = label_of(keys, done.signer)
        say(unpacked_line(str(wheelhouse), len(done.placed), len(done.stood), len(done.removed), signer))
        say(*([review_line(str(folder), done.review)] if done.review else []))


def _approval(folder: Path) -> "Approve":
    """A function that raises IntegrityError for files that not enough reviewers approved, by our own settings and keys.

    It reads the approvals of the bundle, those in the folder of earlier ones, and our own file.
    """
    from wheelhouse.bundle.bundle import APPROVALS
    from wheelhouse.files.disk import read_text
    from wheelhouse.vet.approvals import must_be_approved
    from wheelhouse.vet.approvalsfile import parse_approvals
    from wheelhouse.vet.carried_review import merged_approvals

    from_file = settings()
    rules, own = approval_rules(from_file), Path(from_file.approvals.file)

    def approve(files: Mapping[str, str], review: Mapping[str, bytes]) -> None:
        """Raise IntegrityError for files, by path → sha256, that these approvals and those of the bundle's review do not cover.

        Raises InputError for approvals that are not UTF-8 text.
        """
        own_text = read_text(own, "the approvals file") if own.is_file() else ""
        text = merged_approvals(folder, review) + own_text
        must_be_approved(files, parse_approvals(text, folder / APPROVALS, rules, now().date()))

    return approve


@command(app)
def inspect(bundle: BundleFile, key: PublicKeys = None, as_json: Json = False) -> None:
    """Show what is in a bundle, without unpacking it."""
    from wheelhouse.bundle.pack import inspect_bundle
    from wheelhouse.report.bundles import manifest_lines, packed_document
    from wheelhouse.signing.sign import label_of

    keys = public_keys(key)
    with listening(quiet=as_json) as listener:
        manifest, signer = inspect_bundle(_input(bundle), keys, listener)
    if as_json:
        say_json(packed_document(manifest, []) | {"signed-by": signer})
    else:
        say(*manifest_lines(manifest, label_of(keys, signer)))


@command(app)
def state(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="The file to write; - is stdout."),
    ],
    wheelhouses: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[WHEELHOUSE]...", help="The folders that `wheelhouse unpack` wrote. Default: wheels."),
    ] = None,
    short: Annotated[
        bool,
        typer.Option(
            "--short", help="Write only the first 6 bytes of each sha256, so that 400 files fit into one QR code."
        ),
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Sign the list with this Ed25519 key: the private key, or the public key if ssh-agent signs.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Write a list of a wheelhouse's files, for `wheelhouse pack --since` on the other side of the air gap. Every file is hashed.

    The command leaves out files that are missing or differ from the lock file, and prints their names. The next bundle then
    has these files.

    \b
    wheelhouse state far-side -o far.json
    wheelhouse state far-side --short -o - | qrencode -8 -o far.png
    """
    from wheelhouse.bundle.far_side_state import state_of
    from wheelhouse.files.disk import write
    from wheelhouse.report.bundles import state_lines

    if output == STREAM and as_json:
        raise InputError(
            "--json does not go with `-o -`: only the state goes to stdout", hint="write the state into a file: -o FILE"
        )
    signing = signer_of(key) if key else None
    stated = state_of(wheelhouses or [Path("wheels")])
    content = stated.short(signing) if short else stated.full(signing)
    if output == STREAM:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        write(output.parent, output.name, content)
    if as_json:
        facts = {"house": stated.far_side.digest, "files": len(stated.far_side.files), "missing": list(stated.missing)}
        say_json({"file": str(output), "size": len(content)} | facts)
    elif not quiet:
        for line in state_lines(str(output), stated.far_side, len(content), stated.missing):
            echo(line, err=output == STREAM)


def size_of(text: str) -> int:
    """The size of a volume, `4G`, `700M` or `1000000`, in bytes; K is 1000. Raises InputError, also for less than 1000 bytes."""
    match = re.fullmatch(r"(\d{1,15})\s*([KMGT]?)B?", text.strip().upper())
    size = int(match[1]) * UNITS[match[2]] if match else 0
    if size < MIN_VOLUME_BYTES:
        raise InputError(
            f"`{shortened(text)}` is not a size for a volume", hint="write 4G, 700M or a number of bytes, at least 1000"
        )
    return size


def public_keys(paths: list[Path] | None) -> "tuple[PublicKey, ...]":
    """The public keys in files; an empty tuple for None. Raises InputError for a file that has none."""
    from wheelhouse.signing.sign import load_public_key

    return tuple(map(load_public_key, paths or ()))
