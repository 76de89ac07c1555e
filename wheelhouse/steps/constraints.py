"""Constraints: read from a file or an address, Airflow's own found or fetched, and made from requirements as of a day."""

from pathlib import Path

from wheelhouse.doors.credentials import redact
from wheelhouse.doors.disk import read_text, write
from wheelhouse.doors.http import Http
from wheelhouse.errors import InputError, ServerError
from wheelhouse.events import Listener, Noted, ignore
from wheelhouse.model.airflow import Airflow
from wheelhouse.model.job import Constraints, Job
from wheelhouse.model.question import Question
from wheelhouse.model.requirements import parse_file
from wheelhouse.steps.resolve import resolve
from wheelhouse.steps.supply import Supply

AIRFLOW_PUBLISHES = "https://raw.githubusercontent.com/apache/airflow"


def read_source(source: str, http: Http, what: str) -> str:
    """The text of a file or of an http(s) address. Raises InputError, or ServerError where it cannot be had."""
    if not source.startswith(("http://", "https://")):
        return read_text(Path(source), what)
    reply = http.get(source)
    if reply.status != 200:
        raise ServerError(f"{redact(source)} answered {reply.status}", hint="check the address")
    try:
        return reply.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{redact(source)} is not UTF-8 text") from error


def read_constraints(source: str, http: Http) -> Constraints:
    """A constraints file, those that it names included."""
    return _constraints(read_source(source, http, "the constraints file"), source, http)


def _constraints(text: str, source: str, http: Http) -> Constraints:
    shown = redact(source) if "://" in source else source

    def read(name: str, named_by: str) -> str:
        return read_source(relative_to(name, named_by), http, "the constraints file")

    return Constraints(shown, text, tuple(parse_file(text, shown, read, constraints=True).constraints))


def relative_to(name: str, named_by: str) -> str:
    """A file that another one names, from where that one lies."""
    if "://" in name or Path(name).is_absolute():
        return name
    if "://" in named_by:
        return f"{named_by.rpartition('/')[0]}/{name}"
    return str(Path(named_by).parent / name)


def airflow_constraints(
    airflow: Airflow, mode: str, python: str, folder: Path, base_url: str, http: Http, on_event: Listener = ignore
) -> Constraints:
    """Airflow's official constraints: from `folder`, else from where Airflow publishes them, and then kept there."""
    path = folder / airflow.constraints_file(mode, python)
    if not path.is_file():
        url = airflow.constraints_url(mode, python, base_url)
        on_event(Noted(f"{path} is not there: it is fetched from {redact(url)} and kept"))
        write(path.parent, path.name, _published(url, path, http))
    return _constraints(read_text(path, "the constraints file"), str(path), http)


def _published(url: str, path: Path, http: Http) -> str:
    hint = f"put the constraints for this release and Python at `{path}`, or name a mirror with --constraints-url"
    try:
        reply = http.get(url)
    except ServerError as error:
        raise ServerError(f"Airflow's constraints could not be had: {error}", hint=hint) from error
    if reply.status != 200:
        raise ServerError(f"Airflow publishes no constraints at {redact(url)} ({reply.status})", hint=hint)
    return reply.body.decode("utf-8", "replace")


def compile_constraints(job: Job, supply: Supply, on_event: Listener = ignore) -> str:
    """Constraints that pin what a job's requirements resolve to; the first line says how they came about.

    Raises InputError for a job with several targets.
    """
    if len(job.parts) != 1:
        names = ", ".join(part.target.name for part in job.parts)
        raise InputError(f"constraints are made for one target, and {len(job.parts)} are asked for: {names}")
    part = job.parts[0]
    lines = tuple(line for file in part.constraints for line in file.lines)
    answers = resolve(Question(part.target, job.requirements, lines, job.uploaded_prior_to), supply, on_event)
    asked = " ".join(sorted(str(line.requirement) for line in job.requirements))
    when = f" as of {job.uploaded_prior_to.isoformat()}" if job.uploaded_prior_to else ""
    pins = "".join(f"{answer.candidate.project}=={answer.candidate.version}\n" for answer in answers)
    return f"# compiled by wheelhouse from {asked}{when}, for {part.target.name}\n{pins}"
