"""Constraints: read from a file or an address, Airflow's own found or fetched, and made from requirements as of a day."""

from pathlib import Path

from wheelhouse.airflow import Airflow
from wheelhouse.errors import InputError, ServerError
from wheelhouse.events import Listener, Noted, ignore
from wheelhouse.fetch.inputs import Inputs
from wheelhouse.fetch.job import Constraints, Job
from wheelhouse.files.disk import write
from wheelhouse.index.http import Http
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.urls import redact
from wheelhouse.resolve.search import resolve

AIRFLOW_PUBLISHES = "https://raw.githubusercontent.com/apache/airflow"


def airflow_constraints(
    airflow: Airflow, mode: str, python: str, folder: Path, base_url: str, http: Http, on_event: Listener = ignore
) -> Constraints:
    """Airflow's official constraints: from `folder`, else from where Airflow publishes them, and then kept there."""
    path = folder / airflow.constraints_file(mode, python)
    if not path.is_file():
        url = airflow.constraints_url(mode, python, base_url)
        on_event(Noted(f"{path} is not there: it is fetched from {redact(url)} and kept"))
        write(path.parent, path.name, _published(url, path, http))
    return Inputs(http).constraints(str(path))


def _published(url: str, path: Path, http: Http) -> str:
    hint = f"put the constraints for this release and Python at `{path}`, or name a mirror with --constraints-url"
    try:
        reply = http.get(url)
    except ServerError as error:
        raise ServerError(f"Airflow's constraints could not be had: {error}", hint=hint) from error
    if reply.status != 200:
        raise ServerError(f"Airflow publishes no constraints at {redact(url)} ({reply.status})", hint=hint)
    return reply.body.decode("utf-8", "replace")


def compile_constraints(job: Job, supply: PackageSource, on_event: Listener = ignore) -> str:
    """Constraints that pin what a job's requirements resolve to; the first line says how they came about.

    Raises InputError for a job with several targets.
    """
    names = [*(part.target.name for part in job.parts), *job.failed]
    if len(names) != 1:
        raise InputError(f"constraints are made for one target, and {len(names)} are asked for: {', '.join(names)}")
    if job.failed:
        raise job.failed[names[0]]
    part = job.parts[0]
    question = job.question(part)
    answers = resolve(question, supply, on_event)
    asked = " ".join(sorted(line.text for line in job.requirements))
    when = f" as of {job.selection.uploaded_prior_to.isoformat()}" if job.selection.uploaded_prior_to else ""
    pins = "".join(f"{answer.candidate.project}=={answer.candidate.version}\n" for answer in answers)
    return f"# compiled by wheelhouse from {asked}{when}, for {part.target.name}\n{pins}"
