"""Reviews of a wheelhouse: `vet`, `rules`, `advisories import`."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import advisories_app, app
from wheelhouse.cli.command import OUTPUT, Json, Quiet, WheelhouseFolder, command
from wheelhouse.cli.machine import cache_folder, now, own_umask
from wheelhouse.cli.output import must_agree, say, say_json, say_text
from wheelhouse.cli.session import approvals, connected, listening, read_snapshot, settings, vex_statements
from wheelhouse.config.options import CacheOptions, NetworkOptions
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.index.provenance import Publishers
    from wheelhouse.vet.remote_reader import RemoteReader
    from wheelhouse.vet.rules import Rule
    from wheelhouse.vet.vet import VetContext


@command(app)
def vet(
    place: CacheOptions,
    wheelhouse: WheelhouseFolder = Path("wheels"),
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="RULE", help="Explain what a rule looks for, and why.")
    ] = None,
    advisories: Annotated[
        Path | None,
        typer.Option(
            "--advisories", metavar="FILE", help="The snapshot of advisories. Default: advisories.json, if it exists."
        ),
    ] = None,
    kev: Annotated[
        Path | None,
        typer.Option(
            "--kev",
            metavar="FILE",
            help="CISA's catalogue of exploited vulnerabilities (KEV). Default: the catalogue in the folder of the "
            "advisories, if it exists.",
        ),
    ] = None,
    epss: Annotated[
        Path | None,
        typer.Option(
            "--epss",
            metavar="FILE",
            help="FIRST's EPSS scores. Default: the newest scores in the folder of the advisories, if they exist.",
        ),
    ] = None,
    vex: Annotated[
        list[Path] | None,
        typer.Option(
            "--vex",
            metavar="FILE",
            help="A VEX document (CycloneDX, OpenVEX or CSAF) with the vulnerabilities that do not matter. May be "
            "repeated.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", rich_help_panel=OUTPUT, help="Write the report as one HTML page."),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="OLD",
            help="Compare with this earlier wheelhouse, and report what new things the code of each file can do. The "
            "HTML page shows what changed.",
        ),
    ] = None,
    sbom: Annotated[
        Path | None,
        typer.Option(
            "--sbom", metavar="FILE", rich_help_panel=OUTPUT, help="Write a CycloneDX 1.6 bill of materials (JSON)."
        ),
    ] = None,
    sarif: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", rich_help_panel=OUTPUT, help="Write the findings as SARIF 2.1.0."),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor",
            metavar="URL",
            help="Read the files on the workers of this Dask scheduler: tls://HOST:8786. Only a scheduler on this machine "
            "may have a tcp: URL.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Review a wheelhouse for code that runs by itself, for unusual contents and for unclear origins.

    The command needs no network, and runs no package code. The publisher in a project's first attestation is added to
    publishers.json. The cache keeps what `vet` read in each file, for the next run.

    A reviewer who approves a file also signs its findings. `vet` does not show these findings again. If a finding is at or
    above the threshold, the exit code is 1.
    """
    from wheelhouse.files.cache import Cache
    from wheelhouse.files.disk import write
    from wheelhouse.report.formats import FORMATS, as_quiet_text
    from wheelhouse.report.rule_list import rule_lines
    from wheelhouse.vet.cyclonedx import require_cyclonedx
    from wheelhouse.vet.gather_evidence import evidence
    from wheelhouse.vet.vet import vet as vet_step

    if explain is not None:
        say(*rule_lines(_rule(explain)))
        return
    if sbom:
        require_cyclonedx()
    from_file, moment = settings(), now()
    policy, context = (
        from_file.policy.policy(),
        replace(vet_context(from_file, advisories, kev, epss, vex or ()), since=since, with_texts=html is not None),
    )
    with (
        listening(quiet=quiet or as_json) as listener,
        closing(Cache(cache_folder(place.cache_dir), listener, mode=0o777 & ~own_umask())) as cache,
        _remote_reader(executor) as remote,
    ):
        vetted = vet_step(
            wheelhouse,
            policy,
            moment,
            replace(context, notes=cache.private, with_deb_licences=sbom is not None, remote=remote),
            listener,
        )
    _keep_publishers(Path(from_file.policy.publishers), context.publishers, vetted.publishers)
    reviewed = evidence(wheelhouse, vetted, policy, context.approvals, moment, context.advisories, since)
    for name, path in {"html": html, "sbom": sbom, "sarif": sarif}.items():
        if path:
            write(path.parent, path.name, FORMATS[name](reviewed, wheelhouse))
    as_printed = FORMATS["json"] if as_json else as_quiet_text if quiet else FORMATS["text"]
    if text := as_printed(reviewed, wheelhouse):
        say_text(text)
    raise typer.Exit(1 if reviewed.bad else 0)


@contextmanager
def _remote_reader(address: str | None) -> "Iterator[RemoteReader | None]":
    """The workers of the scheduler at an address, as readers of files, during the block; None without an address."""
    if address is None:
        yield None
        return
    from wheelhouse.cli.pool import connected_pool
    from wheelhouse.vet.file_reader import read_contents
    from wheelhouse.vet.remote_reader import RemoteReader

    with connected_pool(address) as pool:
        yield RemoteReader(lambda files: pool.submit(read_contents, files, starts=1), pool.threads * 2)


@command(app)
def rules(as_json: Json = False) -> None:
    """List the rules that `vet` applies. The policy in the current folder can change the severities."""
    from wheelhouse.report.rule_list import rule_document, rule_line
    from wheelhouse.vet.vet import RULES

    policy = settings().policy.policy()
    every = sorted(RULES.values(), key=lambda rule: (rule.group, rule.id))
    if as_json:
        say_json([rule_document(rule, policy) for rule in every])
    else:
        say(*(rule_line(rule, policy) for rule in every))


def vet_context(
    from_file: "Settings",
    advisories: Path | None = None,
    kev: Path | None = None,
    epss: Path | None = None,
    vex: Sequence[Path] = (),
) -> "VetContext":
    """What a review compares with: advisories and other facts on vulnerabilities, known publishers, the trust root, and the approvals.

    Files that the arguments do not name are those of the policy; its VEX documents count besides `vex`. KEV and EPSS that
    neither names are looked for beside the snapshot. A snapshot or a file of publishers that only the policy names may be
    missing. The trust root is not read yet. Raises InputError, and IntegrityError as `approvals` does.
    """
    from wheelhouse.files.disk import read_text
    from wheelhouse.index.provenance import parse_publishers
    from wheelhouse.vet.attestations import open_attestor
    from wheelhouse.vet.threat_files import read_threats
    from wheelhouse.vet.vet import VetContext

    policy = from_file.policy
    path = Path(policy.publishers)
    publishers = parse_publishers(read_text(path, "the publishers"), str(path)) if path.is_file() else {}
    trust_root = Path(policy.trust_root) if policy.trust_root else None
    place = advisories or Path(policy.advisories)
    snapshot = read_snapshot(place, is_named=advisories is not None)
    context = VetContext(snapshot, publishers, lambda: open_attestor(trust_root), approvals(from_file))
    kev, epss = kev or (Path(policy.kev) if policy.kev else None), epss or (Path(policy.epss) if policy.epss else None)
    return replace(context, threats=read_threats(kev, epss, place.parent), vex=vex_statements(from_file, vex))


def _keep_publishers(path: Path, before: "Publishers", seen: "Publishers") -> None:
    """Write the file of publishers: those of `before`, and those `seen` of other projects. Nothing if none were seen."""
    from wheelhouse.files.disk import write
    from wheelhouse.index.provenance import publishers_json

    if seen:
        write(path.parent, path.name, publishers_json({**seen, **before}))


@command(advisories_app, "import")
def advisories_import(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL", help="OSV's export for PyPI: a zip file, a folder of records, or one record."
        ),
    ],
    network: NetworkOptions,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The snapshot to write. Default: advisories.json."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace the previous snapshot without a question, even if the new snapshot is smaller or older.",
        ),
    ] = False,
) -> None:
    """Write a snapshot of known vulnerabilities from an OSV export, for `vet` on both sides of the air gap.

    `vet` marks the advisories that the previous snapshot did not have. If the new snapshot is smaller or older, the
    command asks before it replaces the previous snapshot. With --replace, it does not ask.
    """
    from wheelhouse.files.disk import write
    from wheelhouse.humanize import counted
    from wheelhouse.vet.advisories import compared, loss
    from wheelhouse.vet.advisory_snapshot import to_json
    from wheelhouse.vet.import_advisories import import_advisories

    path = output or Path(settings().policy.advisories)
    with listening(quiet=False) as listener, connected(network, listener) as http:
        snapshot = import_advisories(source, http, now())
    if before := read_snapshot(path, is_named=False):
        if (lost := loss(snapshot, before)) and not replace:
            must_agree(f"the new snapshot is smaller or older than the existing snapshot {path}: {lost}")
        snapshot = compared(snapshot, before)
    write(path.parent, path.name, to_json(snapshot))
    newest = f"{snapshot.newest:%Y-%m-%d}" if snapshot.newest else "an unknown date"
    advisories = "1 advisory" if snapshot.count == 1 else f"{snapshot.count} advisories"
    say(f"{path}: {advisories} for {counted(len(snapshot.by_project), 'project')}; the newest advisory is of {newest}")


def _rule(name: str) -> "Rule":
    """The rule with an id. Raises InputError if there is none."""
    from wheelhouse.vet.vet import RULES

    if name not in RULES:
        raise InputError(f"there is no rule `{name}`", hint="see `wheelhouse rules`")
    return RULES[name]
