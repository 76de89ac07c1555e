"""From what the user said, on the command line or in wheelhouse.toml, to a job."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelhouse.doors.disk import read_text
from wheelhouse.doors.http import Http
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.model.airflow import CLIENTS, MODES, PROJECT, Airflow, without_clients
from wheelhouse.model.complete_platform import parse_complete_platform
from wheelhouse.model.image import Image
from wheelhouse.model.job import Constraints, Job, Part
from wheelhouse.model.requirements import Line, parse_file, parse_line
from wheelhouse.model.target import Platform, Python, Target
from wheelhouse.steps.constraints import (
    AIRFLOW_PUBLISHES,
    airflow_constraints,
    read_constraints,
    read_source,
    relative_to,
)

DEFAULT_PLATFORM = "linux/amd64"
DECIDED_BY_BUILD = {"pip", "uv"}


@dataclass(frozen=True, slots=True)
class Options:
    """What `fetch`, `lock` and `constraints compile` take, still as text. `constraints_folder` is the project's own."""

    requirements: Sequence[str] = ()
    requirement_files: Sequence[str] = ()
    constraints: Sequence[str] = ()
    python: Sequence[str] = ()
    platform: Sequence[str] = ()
    target_files: Sequence[str] = ()
    image: str | None = None
    airflow: str | None = None
    extras: Sequence[str] = ()
    constraints_mode: str = MODES[0]
    constraints_url: str = AIRFLOW_PUBLISHES
    constraints_folder: Path = field(default=Path("constraints"))
    index: str = ""
    uploaded_prior_to: str | datetime | date | None = None
    disable_mysql_client: bool = False
    disable_mssql_client: bool = False
    disable_postgres_client: bool = False
    upgrade: bool = False
    upgrade_projects: Sequence[str] = ()

    @property
    def without(self) -> tuple[str, ...]:
        """The database clients that Airflow's image is to do without."""
        return tuple(client for client in CLIENTS if getattr(self, f"disable_{client}_client"))


def gather(options: Options, http: Http, now: datetime, on_event: Listener = ignore) -> Job:
    """The job that the options ask for. Raises InputError for what cannot be read, or does not go together."""
    airflow = Airflow.parse(options.airflow) if options.airflow else None
    requirements, constraints = _lines(options, airflow, http)
    if not requirements:
        hint = "name one (`wheelhouse fetch 'requests>=2' …`), or use -r FILE, --airflow VERSION or wheelhouse.toml"
        raise InputError("no requirement was given", hint=hint)
    if airflow and airflow.is_newer_than_known:
        on_event(
            Warned(
                f"Airflow {airflow.version} is newer than any that wheelhouse knows; it is treated as the newest known"
            )
        )
    named = [read_constraints(source, http) for source in options.constraints] + constraints
    parts = []
    for target in targets(options, airflow, on_event):
        own = (
            [_airflow_constraints(options, airflow, target, http, on_event)]
            if airflow and not options.constraints
            else []
        )
        parts.append(Part(target, tuple(named + own)))
    return Job(
        requirements=tuple(requirements),
        parts=tuple(parts),
        index=options.index,
        uploaded_prior_to=parse_moment(options.uploaded_prior_to, now),
        airflow=str(airflow.version) if airflow else None,
        without=options.without if airflow else (),
        upgrade=options.upgrade,
        upgrade_projects=frozenset(map(canonicalize_name, options.upgrade_projects)),
    )


def _lines(options: Options, airflow: Airflow | None, http: Http) -> tuple[list[Line], list[Constraints]]:
    """All requirements; and the constraints that requirements files name, as one more source."""
    requirements = [parse_line(text) for text in options.requirements]
    constraints: list[Constraints] = []

    def read(name: str, named_by: str) -> str:
        return read_source(relative_to(name, named_by), http, "the file")

    for source in options.requirement_files:
        lines = parse_file(read_source(source, http, "the requirements file"), source, read)
        requirements.extend(lines.requirements)
        if lines.constraints:
            text = "".join(f"{line.requirement}\n" for line in lines.constraints)
            constraints.append(Constraints(f"{source} (its -c lines)", text, tuple(lines.constraints)))
    if airflow:
        extras = ",".join(without_clients(split(options.extras), options.without))
        requirements.append(parse_line(f"{PROJECT}{f'[{extras}]' if extras else ''}=={airflow.version}"))
        requirements.extend(parse_line(name, _build_of(airflow)) for name in airflow.recipe.besides)
    elif options.extras:
        raise InputError("--extra goes with --airflow", hint="write extras of other projects as `project[extra]`")
    return requirements, constraints


def split(texts: Iterable[str]) -> list[str]:
    """Names given one by one, or several in one text, as `a,b`."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def _airflow_constraints(
    options: Options, airflow: Airflow, target: Target, http: Http, on_event: Listener
) -> Constraints:
    mode, folder, url = mode_of(options.constraints_mode), options.constraints_folder, options.constraints_url
    return airflow_constraints(airflow, mode, target.python.minor, folder, url, http, on_event)


def mode_of(text: str) -> str:
    """Which of Airflow's constraints, as its files are named. Raises InputError with the choices."""
    mode = text if text.startswith(MODES[0]) else f"{MODES[0]}-{text}"
    if mode not in MODES:
        raise InputError(f"`{text}` is no kind of constraints", hint=f"choose one of {', '.join(MODES)}")
    return mode


def tools_job(job: Job) -> Job | None:
    """What the image build of the job's Airflow itself installs, for the same targets; None without --airflow."""
    if job.airflow is None:
        return None
    airflow = Airflow.parse(job.airflow)
    requirements = tuple(parse_line(text, _build_of(airflow)) for text in airflow.tools)
    parts = tuple(Part(part.target, tuple(map(_for_tools, part.constraints))) for part in job.parts)
    return replace(job, requirements=requirements, parts=parts, airflow=None, without=())


def _build_of(airflow: Airflow) -> str:
    return f"Airflow {airflow.version}'s image build"


def _for_tools(constraints: Constraints) -> Constraints:
    """The same constraints, but for those tools whose version the image build decides."""
    lines = tuple(line for line in constraints.lines if line.project not in DECIDED_BY_BUILD)
    text = "".join(f"{line.requirement}\n" for line in lines)
    return Constraints(f"{constraints.source} (but {', '.join(sorted(DECIDED_BY_BUILD))})", text, lines)


def targets(options: Options, airflow: Airflow | None, on_event: Listener = ignore) -> list[Target]:
    """Every target that a file describes, and every Python on every platform that was named. Raises InputError for none."""
    found = [parse_complete_platform(read_text(Path(file), "the target file"), file) for file in options.target_files]
    image = Image.parse(options.image) if options.image else None
    pythons = [Python.parse(text) for text in options.python or ([image.python] if image and image.python else [])]
    if not pythons and (not found or options.platform or image):
        raise InputError("no Python was given to fetch for", hint="say which one the image has: --python 3.12")
    if airflow and not image:
        image = Image.parse(airflow.debian)
    platforms = [_platform(text, image) for text in options.platform or (DEFAULT_PLATFORM,)]
    for python in pythons:
        if not python.exact:
            on_event(Noted(f"Python {python.minor} is taken for {python.version}; say --python X.Y.Z for an exact one"))
    found += [Target.of(python, platform) for python in pythons for platform in platforms]
    names = [target.name for target in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"the target {twice} is asked for twice", hint="name each once; `target show` prints what a name means"
        )
    return found


def _platform(text: str, image: Image | None) -> Platform:
    return Platform.parse(image.platform(text) if image and text.startswith("linux/") else text)


def parse_moment(text: str | datetime | date | None, now: datetime) -> datetime | None:
    """`2025-02-10`, an ISO 8601 time, or an age such as `7 days`, in UTC. Raises InputError."""
    if text is None:
        return None
    if isinstance(text, date) and not isinstance(text, datetime):
        text = text.isoformat()
    if isinstance(text, datetime):
        moment = text
    elif match := re.fullmatch(r"(\d+)\s*(d|days?|w|weeks?|h|hours?)", text):
        unit = {"d": "days", "w": "weeks", "h": "hours"}[match[2][0]]
        moment = now - timedelta(**{unit: int(match[1])})
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise InputError(f"`{text}` is neither a time nor an age", hint="write 2025-02-10, or 7 days") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
