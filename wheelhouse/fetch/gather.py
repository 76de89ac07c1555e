"""From the options, of the command line or of wheelhouse.toml, to a job."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.airflow import CLIENTS, MODES, PROJECT, Airflow, without_clients
from wheelhouse.archive.artifact import Candidate
from wheelhouse.config.options import FetchOptions
from wheelhouse.errors import InputError, NoSolutionError, WheelhouseError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.fetch.airflow_release import airflow_of
from wheelhouse.fetch.constraints import AIRFLOW_PUBLISHES, airflow_constraints
from wheelhouse.fetch.inputs import Inputs, Wanted, located, unhashed
from wheelhouse.fetch.job import Constraints, Job, Part
from wheelhouse.fetch.project import Project
from wheelhouse.files.disk import read_text
from wheelhouse.humanize import listed, shortened
from wheelhouse.index.http import Http
from wheelhouse.index.locations import split_named
from wheelhouse.index.pipconfig import PipConfig
from wheelhouse.index.urls import is_remote, redact, same_index
from wheelhouse.lock.pylock_input import PylockInput
from wheelhouse.resolve.file_options import Option
from wheelhouse.resolve.requirements import COMMAND_LINE, RequirementLine, parse_line
from wheelhouse.resolve.selection import ALL, Selection
from wheelhouse.target.complete_platform import parse_complete_platform
from wheelhouse.target.image import Image
from wheelhouse.target.platform import ARCHITECTURES
from wheelhouse.target.target import Platform, Python, Target

DEFAULT_PLATFORM = "linux/amd64"
MOST_NAMED = 10
DECIDED_BY_BUILD = {"pip", "uv"}
AGE = re.compile(r"(\d+)\s*(d|days?|w|weeks?|h|hours?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(FetchOptions):
    """The options of `fetch`, `lock` and `constraints compile`, still as text, and what the machine adds.

    `constraints_folder` holds Airflow's constraints; `pip_index` is the index that pip uses if it is given none. `held_images`
    are the facts of the base image that the wheelhouse holds, by architecture. `uses_published`: Airflow's own constraints
    count. `requirements_origin` is where the requirements stand, for messages.
    """

    constraints_folder: Path = field(default=Path("constraints"))
    pip: PipConfig = field(default_factory=PipConfig)
    environment: Mapping[str, str] = field(default_factory=dict)
    pip_index: str = ""
    held_images: Mapping[str, Image] = field(default_factory=dict)
    uses_published: bool = True
    requirements_origin: str = COMMAND_LINE

    @property
    def without(self) -> tuple[str, ...]:
        """The database clients that Airflow's image leaves out: those of the `--disable-…-client` options."""
        return tuple(client for client in CLIENTS if getattr(self, f"disable_{client}_client"))


def gather(options: Options, http: Http, now: datetime, on_event: Listener = ignore) -> Job:
    """The job that the options describe; files and URLs that they name are read, and Airflow's constraints are fetched into
    `constraints_folder` if they are not there. Notes and warnings tell what is unusual.

    A target that cannot be served is in the job's `failed`. Raises InputError for inputs that cannot be read, and for
    options that exclude each other; ServerError for a URL that does not answer, IntegrityError for a local file with
    another sha256.
    """
    airflow = airflow_of(options)
    wanted = Inputs(http, options.environment).read(
        options.requirements,
        options.requirement_files,
        options.constraints,
        options.overrides,
        origin=options.requirements_origin,
        with_project=bool(options.groups),
    )
    requirements = _requirements(options, airflow, wanted)
    if airflow and airflow.doubt and options.uses_published:
        on_event(
            Warned(
                f"{airflow.doubt}; with --dockerfile PATH, wheelhouse reads Airflow's own Dockerfile to learn what "
                "the image build needs"
            )
        )
    for note in wanted.notes:
        on_event(Noted(note))
    for line in unhashed((*requirements, *wanted.overrides)):
        on_event(Warned(f"{line.origin}: {line.text} has no hash; wheelhouse locks the sha256 of the downloaded file"))
    parts, failed = _parts(options, airflow, wanted, http, on_event)
    return Job(
        requirements=tuple(requirements),
        parts=parts,
        failed=failed,
        selection=selection_of(options, now).with_options(_selection_options(wanted.options, options, http)),
        overrides=tuple(wanted.overrides),
        excluded=_excluded(options.excludes, requirements),
        given_sha256=wanted.given[0].sha256 if wanted.given else None,
        pip_config=options.pip.followed,
        airflow=airflow,
        without=options.without if airflow else (),
        upgrade=options.upgrade,
        upgrade_projects=frozenset(map(canonicalize_name, options.upgrade_projects)),
        resolve_seconds=options.resolve_seconds,
    )


def _parts(
    options: Options, airflow: Airflow | None, wanted: Wanted, http: Http, on_event: Listener
) -> tuple[tuple[Part, ...], dict[str, WheelhouseError]]:
    """The part of each target, and by its name the error of each target that has none. With --constraints, Airflow's own
    constraints do not count.

    Raises InputError as `targets` does.
    """
    parts: list[Part] = []
    failed: dict[str, WheelhouseError] = {}
    takes_published = options.uses_published and not options.constraints
    published = AirflowConstraints(options, airflow, http, on_event) if airflow and takes_published else None
    for target in targets(options, airflow, on_event):
        try:
            _must_allow_python(target, wanted.projects)
            own = (published.for_python(target.python.minor),) if published else ()
            given = _given(wanted.given[0], target, options, on_event) if wanted.given else ()
        except WheelhouseError as error:
            failed[target.name] = error
        else:
            parts.append(Part(target, (*wanted.constraints, *own), given))
    return tuple(parts), failed


def _given(lock: PylockInput, target: Target, options: Options, on_event: Listener) -> tuple[Candidate, ...]:
    """The file of each project that a lock of another tool names for a target, with the extras and groups asked for. A note
    lists the first MOST_NAMED projects that have none.

    Raises NoSolutionError and InputError as `PylockInput.select` does.
    """
    taken = lock.select(target, split(options.extras), options.groups)
    if left := lock.left_out(taken):
        names = listed(left, MOST_NAMED)
        on_event(
            Noted(
                f"`{lock.source}` also has projects that {target.name} does not need with the requested extras and "
                f"groups: {names}"
            )
        )
    return taken


def _may_be_absent(line: RequirementLine) -> bool:
    """Whether a line has a marker, and its local file, if it names one, is not there."""
    source = line.source
    has_file = source is None or not source.is_local or Path(source.location).is_file()
    return line.requirement.marker is not None and not has_file


def _requirements(options: Options, airflow: Airflow | None, wanted: Wanted) -> list[RequirementLine]:
    """All requirements: those of `wanted`, then Airflow's, and what its image build installs; none if a lock of another tool replaces
    them. With Airflow, the extras are Airflow's alone, without those of the database clients that its image leaves out.
    Requirements of a project that name a local file get its sha256, but for one with a marker whose file is not there: it may be for
    another target.

    Raises as `located`, and InputError if there are neither, if anything else is given beside such a lock, for --extra with
    nothing that has extras, and for an extra or group that a project does not have.
    """
    requirements, extras = list(wanted.requirements), split(options.extras)
    for project in wanted.projects:
        lines = project.lines(() if airflow else extras) + project.group_lines(options.groups)
        requirements += [line if _may_be_absent(line) else located(line) for line in lines]
    if airflow:
        named = ",".join(without_clients(extras, options.without))
        requirements.append(parse_line(f"{PROJECT}{f'[{named}]' if named else ''}=={airflow.version}"))
        requirements.extend(parse_line(name, _build_of(airflow)) for name in airflow.recipe.besides)
    if wanted.given:
        if requirements or wanted.constraints or wanted.overrides or options.excludes or len(wanted.given) > 1:
            hint = "name either one lock file alone, or only requirements"
            raise InputError(
                f"`{wanted.given[0].source}` is a lock file, which cannot be combined with other requirements",
                hint=hint,
            )
    elif extras and not airflow and not wanted.projects:
        hint = "write extras of other projects as `project[extra]`"
        raise InputError("--extra needs --airflow or `-r pyproject.toml`", hint=hint)
    elif not requirements:
        hint = "name a requirement (`wheelhouse fetch 'requests>=2' …`), or use -r FILE, --airflow VERSION or wheelhouse.toml"
        raise InputError("no requirement was given", hint=hint)
    return requirements


def _must_allow_python(target: Target, projects: Iterable[Project]) -> None:
    """Raise NoSolutionError if a pyproject.toml requires another Python than that of the target."""
    for project in projects:
        if not target.allows(project.requires_python):
            sentence = f"`{project.source}` requires Python {project.requires_python}, but the target has {target.python.version}"
            raise NoSolutionError(sentence, hint="choose another --python")


def _excluded(names: Iterable[str], requirements: Iterable[RequirementLine]) -> frozenset[NormalizedName]:
    """The excluded projects. Raises InputError for one that is also required."""
    excluded = frozenset(map(canonicalize_name, split(names)))
    for line in requirements:
        if line.project in excluded:
            raise InputError(
                f"{line.project} is requested ({line.origin}), but it is also excluded",
                hint="remove the requirement or the exclusion",
            )
    return excluded


def selection_of(options: Options, now: datetime) -> Selection:
    """The rules for choosing files, from the options; `:all:` is applied first, then its exceptions.

    Raises InputError for a project that is exempt from the upload limit without a reason, and for a time that cannot be
    read.
    """
    moment = options.uploaded_prior_to
    selection = Selection(
        uploaded_prior_to=parse_moment(moment, now),
        age=moment if isinstance(moment, str) and AGE.fullmatch(moment) else None,
        prior_to_except={canonicalize_name(name): why for name, why in options.uploaded_prior_to_except.items()},
        prefer_binary=options.prefer_binary,
        require_hashes=options.require_hashes,
    )
    if unexplained := sorted(name for name, why in selection.prior_to_except.items() if not why.strip()):
        hint = 'give each project a reason: `project = "why its upload time does not matter"`'
        raise InputError(f"`uploaded-prior-to-except` has no reason for {', '.join(unexplained)}", hint=hint)
    formats = [("--no-binary", value) for value in options.no_binary]
    formats += [("--only-binary", value) for value in options.only_binary]
    for name, value in sorted(formats, key=lambda pair: ALL not in pair[1].split(",")):
        selection = selection.with_option(name, value)
    if options.pre:
        selection = selection.with_option("--pre", ALL if isinstance(options.pre, bool) else ",".join(options.pre))
    return selection


def _selection_options(file_options: Iterable[Option], options: Options, http: Http) -> list[Option]:
    """The options in requirements files that say which files may be chosen. An index in them is left out; it must be the job's
    default index, else this raises InputError. The user and password in its URL are used for that index.
    """
    kept, index = [], _default_index(options)
    for option in file_options:
        if option.name != "--index-url":
            kept.append(option)
        elif index and same_index(option.value, index):
            if is_remote(option.value):
                http.credentials.learn(option.value)
        else:
            hint = f"to use this index, add `--index {redact(option.value)}`; if not, remove the line"
            used = redact(index) or "no index"
            sentence = f"{option.origin}: the file names the index {redact(option.value)}, but wheelhouse uses {used}"
            raise InputError(sentence, hint=hint)
    return kept


def _default_index(options: Options) -> str:
    """The address of the index of projects that no option assigns to another one: the first `--index` without a name; else, unless
    `--no-index` is set, the index-url of pip's configuration, or `pip_index`. Empty if there is none.
    """
    named = (split_named(text) for text in options.indexes)
    fallback = "" if options.no_index else options.pip.text("index-url") or options.pip_index
    return next((address for name, address in named if not name), fallback)


def split(texts: Iterable[str]) -> list[str]:
    """Names from texts that hold one name, or several with commas between them; empty names are left out."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


class AirflowConstraints:
    """Airflow's official constraints for each Python, requested once each."""

    def __init__(self, options: Options, airflow: Airflow, http: Http, on_event: Listener) -> None:
        self._options, self._airflow, self._http, self._on_event = options, airflow, http, on_event
        self._results: dict[str, Constraints | WheelhouseError] = {}

    def for_python(self, minor: str) -> Constraints:
        """The constraints for a Python such as `3.12`. Raises the same error each time: InputError for an unknown kind or
        invalid file, ServerError if they cannot be fetched, or another WheelhouseError.
        """
        if minor not in self._results:
            try:
                self._results[minor] = self._get(minor)
            except WheelhouseError as error:
                self._results[minor] = error
        result = self._results[minor]
        if isinstance(result, WheelhouseError):
            raise result
        return result

    def _get(self, minor: str) -> Constraints:
        """The constraints for a Python, from their folder or fetched into it."""
        options = self._options
        mode, url = mode_of(options.constraints_mode or MODES[0]), options.constraints_url or AIRFLOW_PUBLISHES
        return airflow_constraints(
            self._airflow,
            mode,
            minor,
            options.constraints_folder,
            url,
            self._http,
            self._on_event,
            extras=split(options.extras),
        )


def mode_of(text: str) -> str:
    """A kind of Airflow's constraints as file names spell it, with or without the prefix `constraints-` in the text.

    Raises InputError with the choices.
    """
    mode = text if text.startswith(MODES[0]) else f"{MODES[0]}-{text}"
    if mode not in MODES:
        raise InputError(f"`{text}` is not a kind of constraints", hint=f"choose one of {', '.join(MODES)}")
    return mode


def tools_job(job: Job) -> Job | None:
    """The job of the tools that an image build of Airflow installs, for the same targets; None without --airflow.

    It has no overrides, exclusions and failed targets, requires no hashes, and its constraints leave pip and uv out.
    """
    if job.airflow is None:
        return None
    requirements = tuple(parse_line(text, _build_of(job.airflow)) for text in job.airflow.tools)
    parts = tuple(Part(part.target, tuple(map(_for_tools, part.constraints))) for part in job.parts)
    return replace(
        job,
        requirements=requirements,
        parts=parts,
        selection=replace(job.selection, require_hashes=False),
        overrides=(),
        excluded=frozenset(),
        airflow=None,
        without=(),
        failed={},
    )


def _build_of(airflow: Airflow) -> str:
    """`Airflow 2.10.5's image build`: how errors name the origin of requirements that no user wrote."""
    return f"Airflow {airflow.version}'s image build"


def _for_tools(constraints: Constraints) -> Constraints:
    """The same constraints without pip and uv, whose versions the image build decides. Text and source are new: the text has
    only the requirements, no comments and hashes.
    """
    lines = tuple(line for line in constraints.lines if line.project not in DECIDED_BY_BUILD)
    text = "".join(f"{line.requirement}\n" for line in lines)
    return Constraints(f"{constraints.source} (but {', '.join(sorted(DECIDED_BY_BUILD))})", text, lines)


def targets(options: Options, airflow: Airflow | None, on_event: Listener = ignore) -> list[Target]:
    """The targets of the target files, and every named Python on every named platform. A note for each Python without a patch
    release.

    The defaults are the Python of the image, else of Airflow's own Dockerfile, and linux/amd64. Raises InputError without a
    Python, and for a target that is named twice. Target files alone need no Python, and get no target of a Dockerfile.
    """
    chosen = [parse_complete_platform(read_text(Path(file), "the target file"), file) for file in options.target_files]
    image = Image.parse(options.image) if options.image else None
    held = next((image.python for image in options.held_images.values()), None)
    needs_python = bool(not chosen or options.platform or image or options.held_images)
    in_dockerfile = airflow.own.python if airflow and airflow.own and needs_python else None
    in_image = held or (image.python if image else None) or in_dockerfile
    texts = [_exact(text, held, on_event) for text in options.python] or ([in_image] if in_image else [])
    pythons = [Python.parse(text) for text in texts]
    if not pythons and needs_python:
        raise InputError("no Python version was given", hint="give the Python version of the image: --python 3.12")
    if airflow and not image:
        image = Image.parse(airflow.debian)
    platforms = [_platform(text, image, options.held_images) for text in options.platform or (DEFAULT_PLATFORM,)]
    for python in pythons:
        if not python.exact:
            on_event(
                Noted(
                    f"Python {python.minor} stands for {python.version}; for another patch release, write --python X.Y.Z"
                )
            )
    chosen += [Target.of(python, platform) for python in pythons for platform in platforms]
    names = [target.name for target in chosen]
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"the target {duplicate} is requested twice",
            hint="request each target once; `wheelhouse target show` prints the meaning of a target name",
        )
    return chosen


def _platform(text: str, image: Image | None, held: Mapping[str, Image]) -> Platform:
    """A platform by its name. `linux/…` has the C library of the base image for this architecture, else that of `image`."""
    image = held.get(text.removeprefix("linux/"), image)
    return Platform.parse(image.platform(text) if image and text.startswith("linux/") else text)


def _exact(text: str, held: str | None, on_event: Listener) -> str:
    """The text of a `--python`; `3.12` becomes the patch release that the base image has (`held`), if it is known. A warning
    if the image has another Python.
    """
    if held is None or Python.parse(text) == Python.parse(held):
        return text
    if text == Python.parse(held).minor:
        return held
    on_event(Warned(f"the base image has Python {held}, but the files are fetched for Python {text} (--python)"))
    return text


def architectures(options: Options) -> list[str]:
    """The architectures of the Linux platforms of `--platform`, as images name them (`amd64`), each once; target files do
    not count, without `--platform` it is amd64.

    Raises InputError if there is none, and for a text that is no platform.
    """
    machines = {machine: name for name, machine in ARCHITECTURES.items()}
    names: list[str] = []
    for text in options.platform or (DEFAULT_PLATFORM,):
        platform = Platform.parse(text)
        if platform.system == "Linux" and platform.machine in machines:
            names.append(machines[platform.machine])
    if not names:
        raise InputError(
            "a base image is for Linux, but no target of this job is for Linux", hint="remove --base-image"
        )
    return list(dict.fromkeys(names))


def parse_moment(text: str | datetime | date | None, now: datetime) -> datetime | None:
    """`2025-02-10`, an ISO 8601 time, or an age in hours, days or weeks, such as `7 days` before `now`, as a time in UTC;
    None for None. A time without an offset is one in UTC, a date its midnight. Raises InputError.
    """
    if text is None:
        return None
    if isinstance(text, date) and not isinstance(text, datetime):
        text = text.isoformat()
    try:
        moment = text if isinstance(text, datetime) else _moment(text, now)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        sentence = f"`{shortened(str(text))}` is neither a time nor an age"
        raise InputError(sentence, hint="write 2025-02-10, or 7 days") from error


def _moment(text: str, now: datetime) -> datetime:
    """An ISO 8601 time, or an age before `now`, as a time. Raises ValueError for any other text, and OverflowError before the year 1."""
    if match := AGE.fullmatch(text):
        unit = {"d": "days", "w": "weeks", "h": "hours"}[match[2][0]]
        return now - timedelta(**{unit: int(match[1])})
    return datetime.fromisoformat(text)
