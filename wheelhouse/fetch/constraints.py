"""Constraints: Airflow's official ones, found or fetched, and those compiled from requirements."""

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
    """Airflow's official constraints: from `folder`, else from `base_url`, and then kept in `folder`. Raises ServerError."""
    path = folder / airflow.constraints_file(mode, python)
    if not path.is_file():
        url = airflow.constraints_url(mode, python, base_url)
        on_event(Noted(f"{path} is not there: it is fetched from {redact(url)} and kept"))
        write(path.parent, path.name, _published(url, path, http))
    return Inputs(http).constraints(str(path))


def _published(url: str, path: Path, http: Http) -> str:
    """The text at a URL; the hint of an error names the path that it would be kept at."""
    hint = f"put the constraints for this release and Python at `{path}`, or name a mirror with --constraints-url"
    try:
        reply = http.get(url)
    except ServerError as error:
        raise ServerError(f"Airflow's constraints could not be had: {error}", hint=hint) from error
    if reply.status != 200:
        raise ServerError(f"Airflow publishes no constraints at {redact(url)} ({reply.status})", hint=hint)
    return reply.body.decode("utf-8", "replace")


def compile_constraints(job: Job, source: PackageSource, on_event: Listener = ignore) -> str:
    """Constraints that pin what a job's requirements resolve to; the first line says from what they were compiled.

    Raises InputError for a job with several targets.
    """
    names = [*(part.target.name for part in job.parts), *job.failed]
    if len(names) != 1:
        raise InputError(f"constraints are made for one target, and {len(names)} are asked for: {', '.join(names)}")
    if job.failed:
        raise job.failed[names[0]]
    part = job.parts[0]
    source.metadata.requests_files = False
    resolved = resolve(job.request(part), source, on_event)
    requirements = " ".join(sorted(line.text for line in job.requirements))
    cutoff = f" as of {job.selection.uploaded_prior_to.isoformat()}" if job.selection.uploaded_prior_to else ""
    pins = "".join(f"{project.candidate.project}=={project.candidate.version}\n" for project in resolved)
    return f"# compiled by wheelhouse from {requirements}{cutoff}, for {part.target.name}\n{pins}"
