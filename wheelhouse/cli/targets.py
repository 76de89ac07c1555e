"""`target show`."""

from wheelhouse.cli.app import target_app
from wheelhouse.cli.options import AirflowRelease, Targeted, given, grouped
from wheelhouse.cli.session import say_json


@target_app.command("show")
@grouped
def target_show(targeted: Targeted, release: AirflowRelease) -> None:
    """Print a target as pex's complete-platform JSON: its markers, and its tags in order."""
    from wheelhouse import report
    from wheelhouse.model.airflow import Airflow
    from wheelhouse.steps.gather import Options, targets

    found = targets(Options(**given(targeted)), Airflow.parse(release.airflow) if release.airflow else None)
    documents = [report.target_document(target) for target in found]
    say_json(documents[0] if len(documents) == 1 else documents)
