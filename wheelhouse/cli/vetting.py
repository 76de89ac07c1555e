"""What a security team needs to say yes: `vet`, `rules`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import advisories_app, app
from wheelhouse.cli.options import Json, NetworkOptions, Quiet, WheelhouseFolder, grouped
from wheelhouse.cli.session import approvals, connected, listening, must_agree, now, say, say_json, settings
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.config.settings import PolicySettings
    from wheelhouse.index.provenance import Publishers
    from wheelhouse.vet.advisories import Advisories
    from wheelhouse.vet.rules import Rule
    from wheelhouse.vet.vet import VetContext


@app.command()
def vet(
    house: WheelhouseFolder = Path("wheels"),
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="RULE", help="Say what a rule looks for, and why.")
    ] = None,
    advisories: Annotated[
        Path | None,
        typer.Option(
            "--advisories", metavar="FILE", help="A snapshot of advisories. Default: advisories.json, if it is here."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the report as one HTML page.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="OLD", help="An earlier house: the page says what changed inside its files."),
    ] = None,
    sbom: Annotated[
        Path | None, typer.Option("--sbom", metavar="FILE", help="Write a CycloneDX 1.6 bill of materials (JSON).")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option("--sarif", metavar="FILE", help="Write the findings as SARIF 2.1.0.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look a house over: what runs by itself, what is odd, where it is from. Works with no network, runs nothing.

    The publishers of projects that are attested for the first time are kept in publishers.json.

    What was seen when its file was approved is not shown again. Exit code 1 where a finding reaches the policy's threshold.
    """
    from wheelhouse.files.disk import write
    from wheelhouse.report.formats import FORMATS
    from wheelhouse.report.rule_list import rule_lines
    from wheelhouse.vet.gather_evidence import evidence
    from wheelhouse.vet.vet import vet as vet_step

    if explain is not None:
        say(*rule_lines(_rule(explain)))
        return
    held = settings().policy
    policy = held.policy()
    moment, beforehand = now(), known(held, advisories)
    with listening(quiet=quiet or as_json) as listener:
        vetted = vet_step(house, policy, moment, beforehand, listener)
    _keep_publishers(Path(held.publishers), beforehand.publishers, vetted.publishers)
    found = evidence(house, vetted, policy, approvals(settings()), moment, beforehand.advisories, since)
    for name, path in {"html": html, "sbom": sbom, "sarif": sarif}.items():
        if path:
            write(path.parent, path.name, FORMATS[name](found, house))
    say(FORMATS["json" if as_json else "text"](found, house))
    raise typer.Exit(1 if found.bad else 0)


@app.command()
def rules(as_json: Json = False) -> None:
    """List the rules that `vet` applies, with their severities under the policy here."""
    from wheelhouse.report.rule_list import rule_document, rule_line
    from wheelhouse.vet.vet import RULES

    policy = settings().policy.policy()
    if as_json:
        say_json([rule_document(one, policy) for one in RULES.values()])
    else:
        say(*(rule_line(one, policy) for one in RULES.values()))


def known(held: "PolicySettings", advisories: Path | None = None) -> "VetContext":
    """What is known beforehand: the snapshot of advisories, the projects' publishers, and the trust root."""
    from wheelhouse.files.disk import read_text
    from wheelhouse.index.provenance import parse_publishers
    from wheelhouse.vet.attestations import open_attestor
    from wheelhouse.vet.vet import VetContext

    path = Path(held.publishers)
    publishers = parse_publishers(read_text(path, "the publishers"), str(path)) if path.is_file() else {}
    trust_root = Path(held.trust_root) if held.trust_root else None
    found = snapshot(advisories or Path(held.advisories), advisories is not None)
    return VetContext(found, publishers, lambda: open_attestor(trust_root), approvals(settings()))


def _keep_publishers(path: Path, before: "Publishers", seen: "Publishers") -> None:
    """Add the publishers of projects that none was known of."""
    from wheelhouse.files.disk import write
    from wheelhouse.index.provenance import publishers_json

    if seen:
        write(path.parent, path.name, publishers_json({**seen, **before}))


def snapshot(path: Path, named: bool) -> "Advisories | None":
    """The snapshot of advisories, or None where there is none and none was named. One that holds no advisory is none."""
    from wheelhouse.files.disk import read_text
    from wheelhouse.vet.advisories import parse_snapshot

    if not named and not path.is_file():
        return None
    found = parse_snapshot(read_text(path, "the snapshot of advisories"), str(path)).as_of(now())
    return found if found.by_project else None


@advisories_app.command("import")
@grouped
def advisories_import(
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="An OSV export for PyPI: a zip, a folder, or records.")
    ],
    network: NetworkOptions,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: advisories.json.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Let a smaller or older snapshot take the place of the one that is there."),
    ] = False,
) -> None:
    """Make a snapshot of known vulnerabilities from an OSV export, for `vet` here and on the far side.

    Where it takes the place of an older one, `vet` says which of them are new since. A smaller or older snapshot takes the
    place of another only if you say so.
    """
    from wheelhouse.files.disk import write
    from wheelhouse.vet.advisories import compared, loss, to_json
    from wheelhouse.vet.import_advisories import import_advisories

    path = output or Path(settings().policy.advisories)
    with listening(quiet=False) as listener, connected(network, listener) as http:
        found = import_advisories(source, http, now())
    if before := snapshot(path, named=False):
        if (lost := loss(found, before)) and not replace:
            must_agree(f"{path} is to be replaced by less: {lost}")
        found = compared(found, before)
    write(path.parent, path.name, to_json(found))
    newest = f"{found.newest:%Y-%m-%d}" if found.newest else "no date"
    say(f"{path}: {found.count} advisories for {len(found.by_project)} projects, the newest of {newest}")


def _rule(name: str) -> "Rule":
    from wheelhouse.vet.vet import RULES

    if name not in RULES:
        raise InputError(f"there is no rule `{name}`", hint="see `wheelhouse rules`")
    return RULES[name]
