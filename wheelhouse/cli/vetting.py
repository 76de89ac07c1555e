"""What a security team needs to say yes: `vet`, `rules`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import House, Json, Quiet
from wheelhouse.cli.session import listening, now, say, say_json, settings
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.model.rules import Rule


@app.command()
def vet(
    house: House = Path("wheels"),
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="RULE", help="Say what a rule looks for, and why.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look a house over: what runs by itself, what is odd, where it is from. Works with no network, runs nothing.

    Exit code 1 where a finding reaches the policy's threshold.
    """
    from wheelhouse import report
    from wheelhouse.steps.vet import vet as vet_step

    if explain is not None:
        say(*report.rule_lines(_rule(explain)))
        return
    policy = settings().policy.policy()
    with listening(quiet=quiet or as_json) as listener:
        vetted = vet_step(house, policy, now(), listener)
    bad = [finding for finding in vetted.findings if finding.severity >= policy.threshold]
    if as_json:
        say_json(
            {
                "house": str(house),
                "files": len(vetted.facts),
                "ok": not bad,
                "findings": [report.finding_document(finding) for finding in vetted.findings],
                "waived": [report.finding_document(finding) for finding in vetted.waived],
            }
        )
    else:
        say(*report.finding_lines(vetted.findings))
        say(report.vetted_line(str(house), len(vetted.facts), len(vetted.findings), len(bad), len(vetted.waived)))
    raise typer.Exit(1 if bad else 0)


@app.command()
def rules(as_json: Json = False) -> None:
    """List the rules that `vet` applies, with their severities under the policy here."""
    from wheelhouse import report
    from wheelhouse.steps.vet import RULES

    policy = settings().policy.policy()
    if as_json:
        say_json([report.rule_document(one, policy) for one in RULES.values()])
    else:
        say(*(report.rule_line(one, policy) for one in RULES.values()))


def _rule(name: str) -> "Rule":
    from wheelhouse.steps.vet import RULES

    if name not in RULES:
        raise InputError(f"there is no rule `{name}`", hint="see `wheelhouse rules`")
    return RULES[name]
