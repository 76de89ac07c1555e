"""Constraints: Airflow's official ones, found or fetched, and those compiled from requirements."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from wheelhouse.airflow import MODES, PROJECT, Airflow
from wheelhouse.errors import InputError, ServerError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.fetch.inputs import Inputs
from wheelhouse.fetch.job import Constraints, Job
from wheelhouse.files.disk import read_text, write
from wheelhouse.index.http import Http
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.urls import redact
from wheelhouse.resolve.resolution import ResolvedProject
from wheelhouse.resolve.search import resolve

COMPILED = "# compiled by wheelhouse from"
AIRFLOW_PUBLISHES = "https://raw.githubusercontent.com/apache/airflow"


def airflow_constraints(
    airflow: Airflow,
    mode: str,
    python: str,
    folder: Path,
    base_url: str,
    http: Http,
    on_event: Listener = ignore,
    *,
    extras: Sequence[str] = (),
) -> Constraints:
    """Airflow's official constraints: the file in `folder`; if it is missing, it is fetched from `base_url` and written there,
    with a note.

    Raises ServerError if it cannot be fetched; the hint also has the command that compiles constraints for these `extras`.
    Raises InputError for a text that is no constraints file; one that was fetched is then not written.
    """
    inputs = Inputs(http)
    path = folder / airflow.constraints_file(mode, python)
    if not path.is_file():
        url = airflow.constraints_url(mode, python, base_url)
        on_event(Noted(f"{path} does not exist, so wheelhouse downloads it from {redact(url)} and keeps it"))
        extra = f" --extra {','.join(extras)}" if extras else ""
        compiling = f"wheelhouse constraints compile --airflow {airflow.version}{extra} --python {python}"
        text = _published(url, path, http, compiling)
        inputs.constraints_of(text, url)  # a mirror may answer 200 with a page for people
        write(path.parent, path.name, text)
    return inputs.constraints(str(path))


def _published(url: str, path: Path, http: Http, compiling: str) -> str:
    """The text at a URL, without a byte order mark, invalid UTF-8 replaced.

    Raises ServerError unless the answer has status 200; the hint names `path`, where the user can put the text, the option
    for a mirror, and `compiling`, the command that compiles the text.
    """
    hint = (
        f"put the constraints for this Airflow release and this Python at `{path}`, name a mirror "
        f"(--constraints-url), or compile the constraints from an index: {compiling}"
    )
    try:
        reply = http.get(url)
    except ServerError as error:
        raise ServerError(f"Airflow's constraints could not be fetched: {error}", hint=hint) from error
    if reply.status != 200:
        raise ServerError(f"Airflow publishes no constraints at {redact(url)} ({reply.status})", hint=hint)
    return reply.body.decode("utf-8-sig", "replace")


def compile_constraints(job: Job, source: PackageSource, on_event: Listener = ignore) -> str:
    """Resolve a job, and return the text of constraints: a comment that says what it was compiled from, then `project==version`
    for each resolved project. A warning if the job has an Airflow release and no limit of upload times.
    From now on, `source` fetches no file only to confirm its metadata.

    Raises InputError for a job with no target or several, the error of the only target if it failed before, and what the
    resolution raises, such as NoSolutionError.
    """
    names = [*(part.target.name for part in job.parts), *job.failed]
    if len(names) != 1:
        raise InputError(
            f"constraints are made for one target, but {len(names)} targets are requested: {', '.join(names)}"
        )
    if job.failed:
        raise job.failed[names[0]]
    part = job.parts[0]
    source.metadata.requests_files = False
    resolved = resolve(job.request(part), source, on_event)
    if job.airflow and job.selection.uploaded_prior_to is None:
        on_event(Warned(_date_sentence(job.airflow, resolved)))
    requirements = " ".join(sorted(line.text for line in job.requirements))
    cutoff = f" as of {job.selection.uploaded_prior_to.isoformat()}" if job.selection.uploaded_prior_to else ""
    pins = "".join(f"{project.candidate.project}=={project.candidate.version}\n" for project in resolved)
    return f"{COMPILED} {requirements}{cutoff}, for {part.target.name}\n{pins}"


def compiled_constraints_path(job: Job, folder: Path) -> Path:
    """The path in `folder` where `fetch --airflow` looks for a job's constraints, unless it is told another mode; nothing is written.

    Raises InputError for a job without Airflow or without exactly one target, and if the file there was not compiled.
    """
    if job.airflow is None or len(job.parts) != 1:
        raise InputError("no output file was named", hint="name one: -o FILE")
    path = folder / job.airflow.constraints_file(MODES[0], job.parts[0].target.python.minor)
    if path.is_file() and not read_text(path, "the constraints file").startswith(COMPILED):
        raise InputError(
            f"`{path}` is not replaced, because `constraints compile` did not write this file",
            hint="name another file: -o FILE",
        )
    return path


def _date_sentence(airflow: Airflow, resolved: Sequence[ResolvedProject]) -> str:
    """A sentence: the pins are those of today, not of the release's upload date. If the index tells that date, the sentence names
    the option for the pins of that day.
    """
    uploaded = next((one.candidate.upload_time for one in resolved if one.candidate.project == PROJECT), None)
    sentence = f"the pins are of today, not of the day when Airflow {airflow.version} was uploaded"
    if uploaded is None:
        return sentence
    following = datetime.fromisoformat(uploaded).date() + timedelta(days=1)
    return f"{sentence}; for the pins of the upload day, add --uploaded-prior-to {following.isoformat()}"
