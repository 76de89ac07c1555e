"""`target show`."""

from typing import Annotated

import typer

from wheelhouse.cli.app import target_app
from wheelhouse.cli.command import command
from wheelhouse.cli.machine import named_interpreters
from wheelhouse.cli.output import say_json
from wheelhouse.config.declare import given
from wheelhouse.config.options import AirflowRelease, TargetOptions


@command(target_app, "show")
def target_show(
    targeted: TargetOptions,
    release: AirflowRelease,
    interpreter: Annotated[
        str | None,
        typer.Option("--interpreter", metavar="PATH", help="Print the target of this Python interpreter."),
    ] = None,
) -> None:
    """Print a target's markers and ordered tags as JSON, in pex's complete-platform format. `--target-file` reads this JSON.

    Several targets are printed as an array, which `--target-file` does not read.
    """
    from wheelhouse.airflow import Airflow
    from wheelhouse.fetch.gather import Options, targets
    from wheelhouse.target.complete_platform import complete_platform
    from wheelhouse.target.interpreter_facts_model import target_of
    from wheelhouse.target.interpreters import facts_of

    values = given(targeted)
    shown = [target_of(facts_of(path)) for path in named_interpreters([interpreter] if interpreter else [])]
    if values or not shown:
        shown += targets(Options(**values), Airflow.parse(release.airflow) if release.airflow else None)
    documents = [complete_platform(target) for target in shown]
    say_json(documents[0] if len(documents) == 1 else documents)
