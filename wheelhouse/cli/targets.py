"""`target show`."""

from typing import Annotated

import typer

from wheelhouse.cli.app import target_app
from wheelhouse.cli.options import AirflowRelease, TargetOptions, given, grouped
from wheelhouse.cli.session import interpreters, say_json


@target_app.command("show")
@grouped
def target_show(
    targeted: TargetOptions,
    release: AirflowRelease,
    interpreter: Annotated[
        str | None,
        typer.Option("--interpreter", metavar="PATH", help="A Python on this machine, to be asked what it is."),
    ] = None,
) -> None:
    """Print a target as pex's complete-platform JSON: its markers, and its tags in order. --target-file reads it."""
    from wheelhouse.airflow import Airflow
    from wheelhouse.fetch.gather import Options, targets
    from wheelhouse.target.complete_platform import complete_platform
    from wheelhouse.target.interpreter_facts_model import target_of
    from wheelhouse.target.interpreters import facts_of

    said = given(targeted)
    found = [target_of(facts_of(path)) for path in interpreters([interpreter] if interpreter else [])]
    if said or not found:
        found += targets(Options(**said), Airflow.parse(release.airflow) if release.airflow else None)
    documents = [complete_platform(target) for target in found]
    say_json(documents[0] if len(documents) == 1 else documents)
