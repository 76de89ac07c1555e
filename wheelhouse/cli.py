"""The command line: parse, call one step, render, exit with the documented code. Imports what a command needs, no more."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from wheelhouse import __version__
from wheelhouse.errors import InputError, WheelhouseError
from wheelhouse.events import Event, Listener, Warned

if TYPE_CHECKING:
    from wheelhouse.doors.config import Settings
    from wheelhouse.doors.http import Http
    from wheelhouse.steps.gather import Options
    from wheelhouse.steps.supply import Supply

INTERRUPTED = 130
app = typer.Typer(
    name="wheelhouse",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Lock, fetch, verify and stage every wheel that an air-gapped Python image needs.\n\n"
    "Start with `wheelhouse fetch --help`. Exit codes: 0 done, 1 findings, 2 usage or input, 3 no solution,\n"
    "4 server, 5 integrity, 6 this machine, 130 interrupted.",
)
constraints_app = typer.Typer(help="Fetch Airflow's constraints, or make some as of a day.")
cache_app = typer.Typer(help="Look at the cache, or make it smaller.")
target_app = typer.Typer(help="Look at targets.")
app.add_typer(constraints_app, name="constraints")
app.add_typer(cache_app, name="cache")
app.add_typer(target_app, name="target")

Requirements = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REQUIREMENT]...", help="What to fetch, as PEP 508 has it: 'name[extra]>=1.0'.", show_default=False
    ),
]
RequirementFiles = Annotated[
    list[str] | None, typer.Option("--requirement", "-r", metavar="FILE", help="A requirements file. May be repeated.")
]
ConstraintFiles = Annotated[
    list[str] | None, typer.Option("--constraint", "-c", metavar="FILE|URL", help="Constraints. May be repeated.")
]
Pythons = Annotated[
    list[str] | None,
    typer.Option("--python", metavar="VERSION", help="The target's Python: 3.12, or exactly 3.12.4. May be repeated."),
]
Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="The target's platform: linux/amd64 (the default), linux/arm64, manylinux_2_34_x86_64 … May be repeated.",
    ),
]
ImageName = Annotated[
    str | None,
    typer.Option(
        "--image", metavar="NAME", help="Take libc (and Python) from a base image's name: python:3.12-slim-bookworm."
    ),
]
AirflowVersion = Annotated[
    str | None,
    typer.Option(
        "--airflow",
        metavar="VERSION",
        help="Apache Airflow in this version, with its official constraints and its image's libc.",
    ),
]
Extras = Annotated[
    list[str] | None, typer.Option("--extra", metavar="NAME", help="An extra of Airflow. May be repeated, or a,b,c.")
]
Mode = Annotated[
    str | None,
    typer.Option(
        "--constraints-mode",
        metavar="MODE",
        help="Which of Airflow's constraints: constraints (default), no-providers, source-providers.",
    ),
]
ConstraintsUrl = Annotated[
    str | None,
    typer.Option("--constraints-url", metavar="URL", help="A mirror of where Airflow publishes its constraints."),
]
IndexUrl = Annotated[
    str | None,
    typer.Option(
        "--index",
        envvar="WHEELHOUSE_INDEX",
        metavar="URL",
        help="The package index (a Simple Repository API). Default: the one that pip itself uses.",
    ),
]
PriorTo = Annotated[
    str | None,
    typer.Option(
        "--uploaded-prior-to",
        metavar="TIME",
        help="Only files uploaded before: 2025-02-10, or an age such as '7 days'.",
    ),
]
Dest = Annotated[Path | None, typer.Option("--dest", metavar="HOUSE", help="The house to write. Default: wheels.")]
Upgrade = Annotated[bool, typer.Option("--upgrade", help="Choose anew, whatever the existing lock says.")]
UpgradeProjects = Annotated[
    list[str] | None,
    typer.Option("--upgrade-project", metavar="NAME", help="Choose this project anew. May be repeated."),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir", envvar="WHEELHOUSE_CACHE_DIR", metavar="DIR", help="Where files are kept between runs."
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", envvar="WHEELHOUSE_TIMEOUT", metavar="SECONDS", min=0.1, help="How long to wait for a server."
    ),
]
Retries = Annotated[
    int,
    typer.Option(
        "--retries",
        envvar="WHEELHOUSE_RETRIES",
        metavar="N",
        min=0,
        max=20,
        help="How often to try again after a failure.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, errors included.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]
House = Annotated[
    Path, typer.Argument(metavar="[HOUSE]", help="A house, as `wheelhouse fetch` writes it.", show_default=True)
]


@app.command()
def fetch(
    requirements: Requirements = None,
    requirement_files: RequirementFiles = None,
    constraint_files: ConstraintFiles = None,
    python: Pythons = None,
    platform: Platforms = None,
    image: ImageName = None,
    airflow: AirflowVersion = None,
    extra: Extras = None,
    constraints_mode: Mode = None,
    constraints_url: ConstraintsUrl = None,
    index: IndexUrl = None,
    uploaded_prior_to: PriorTo = None,
    dest: Dest = None,
    upgrade: Upgrade = False,
    upgrade_project: UpgradeProjects = None,
    cache_dir: CacheDir = None,
    timeout: Timeout = 15.0,
    retries: Retries = 4,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Resolve for a target, download every file, verify it, and write a locked house.

    \b
    wheelhouse fetch 'apache-airflow[celery]==2.10.5' -c constraints.txt --python 3.12
    wheelhouse fetch --airflow 2.10.5 --extra celery,postgres --python 3.12
    wheelhouse fetch -r requirements.txt --python 3.11 --python 3.12 --platform linux/arm64

    With no option the job is read from wheelhouse.toml, or from [tool.wheelhouse] of pyproject.toml.
    An existing lock for the same job is used as it stands, until --upgrade. Nothing of a package is run.
    """
    from wheelhouse import report
    from wheelhouse.steps.fetch import fetch as fetch_step
    from wheelhouse.steps.gather import gather, tools_job

    settings = _settings()
    options = _options(settings, locals())
    folder = dest or Path(settings.dest or "wheels")
    with (
        _listening(quiet=quiet or as_json) as listener,
        _supply(options.index, cache_dir, timeout, retries, listener) as (http, supply),
    ):
        job = gather(options, http, _now(), listener)
        fetched = fetch_step(job, folder, supply, listener)
        if tools := tools_job(job):
            fetch_step(tools, folder / "tools", supply, listener)
    if as_json:
        document = {
            "house": str(folder),
            "targets": [report.lock_document(lock) for lock in fetched.locks],
            "fetched": list(fetched.placed),
            "reused": list(fetched.stood),
            "removed": list(fetched.removed),
            "warnings": listener.warnings,
        }
        _print_json(document)
    elif not quiet:
        for lock in fetched.locks:
            _print(*report.lock_lines(lock))
        _print(
            f"{folder}: {len(fetched.placed)} files fetched, {len(fetched.stood)} stood already, {len(fetched.removed)} removed"
        )


@app.command()
def lock(
    requirements: Requirements = None,
    requirement_files: RequirementFiles = None,
    constraint_files: ConstraintFiles = None,
    python: Pythons = None,
    platform: Platforms = None,
    image: ImageName = None,
    airflow: AirflowVersion = None,
    extra: Extras = None,
    constraints_mode: Mode = None,
    constraints_url: ConstraintsUrl = None,
    index: IndexUrl = None,
    uploaded_prior_to: PriorTo = None,
    dest: Dest = None,
    upgrade: Upgrade = False,
    upgrade_project: UpgradeProjects = None,
    cache_dir: CacheDir = None,
    timeout: Timeout = 15.0,
    retries: Retries = 4,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Resolve only: write pylock.<target>.toml without files."""
    from wheelhouse import report
    from wheelhouse.steps.fetch import lock_only
    from wheelhouse.steps.gather import gather

    settings = _settings()
    options = _options(settings, locals())
    folder = dest or Path(settings.dest or "wheels")
    with (
        _listening(quiet=quiet or as_json) as listener,
        _supply(options.index, cache_dir, timeout, retries, listener) as (http, supply),
    ):
        locks = lock_only(gather(options, http, _now(), listener), folder, supply, listener)
    if as_json:
        _print_json(
            {
                "house": str(folder),
                "targets": [report.lock_document(one) for one in locks],
                "warnings": listener.warnings,
            }
        )
    elif not quiet:
        for one in locks:
            _print(*report.lock_lines(one))


@app.command()
def verify(house: House = Path("wheels"), as_json: Json = False) -> None:
    """Hash and open every file again: is the house, or a staged folder, exactly what its locks say?

    Exit code 1 where it is not, with everything that is wrong.
    """
    from wheelhouse import report
    from wheelhouse.model.policy import Severity, worst
    from wheelhouse.steps.stage import verify_folder

    verdict = verify_folder(house)
    bad = (worst(verdict.findings) or Severity.NOTE) >= Severity.ERROR
    if as_json:
        findings = [report.finding_document(finding) for finding in verdict.findings]
        _print_json(
            {"house": str(house), "files": verdict.files, "bytes": verdict.bytes, "ok": not bad, "findings": findings}
        )
    else:
        _print(*report.finding_lines(verdict.findings))
        size = report.size_text(verdict.bytes)
        targets = ", ".join(lock.target.name for lock in verdict.house.locks)
        _print(f"{house}: {verdict.files} files, {size}, for {targets}: {'not as it must be' if bad else 'as locked'}")
    raise typer.Exit(1 if bad else 0)


@app.command()
def stage(
    house: Annotated[
        Path | None, typer.Argument(metavar="[HOUSE]", help="The house to stage. Default: wheels.", show_default=False)
    ] = None,
    dest: Annotated[
        Path | None, typer.Option("--dest", metavar="FOLDER", help="Default: docker-context-files.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            "--layout", metavar="NAME", help="flat (any image), airflow (Airflow's own Dockerfile), or auto (default)."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Which target, where the house has several.")
    ] = None,
    base_image: Annotated[
        str | None, typer.Option("--base-image", metavar="NAME", help="The image that the build starts from.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Verify a house, lay it out for an image build with no network, and print the exact build command.

    What an earlier stage wrote is replaced; a file that stage did not write is never touched.
    """
    from wheelhouse import report
    from wheelhouse.steps.stage import plan_stage
    from wheelhouse.steps.stage import stage as stage_step

    settings = _settings()
    folder = house or Path(settings.dest or "wheels")
    destination = dest or Path(settings.stage.dest or "docker-context-files")
    plan = plan_stage(
        folder,
        layout or settings.stage.layout or "auto",
        target or settings.stage.target,
        base_image or settings.stage.base_image,
    )
    removed = () if dry_run else stage_step(folder, destination, plan).removed
    if as_json:
        _print_json(
            {"folder": str(destination), "written": not dry_run, "removed": list(removed), **report.plan_document(plan)}
        )
        return
    if dry_run:
        _print(*report.plan_lines(plan, str(destination)))
    else:
        _print(f"{destination}: {len(plan.files)} files, layout {plan.layout}, for {plan.target}")
    _print(*report.command_lines(plan))


@app.command()
def why(
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    house: House = Path("wheels"),
    as_json: Json = False,
) -> None:
    """Print why a project is in the house: the chains from what was asked for, from the lock alone."""
    from packaging.utils import canonicalize_name

    from wheelhouse import report
    from wheelhouse.steps.verify import load_house

    found = report.why_lines(load_house(house).locks, canonicalize_name(project))
    if not found:
        raise InputError(f"`{project}` is in no lock of `{house}`", hint="check the spelling")
    if as_json:
        _print_json({"project": project, "targets": found})
        return
    for name, chains in found.items():
        _print(f"{name}:", *(f"  {chain}" for chain in chains))


@constraints_app.command("fetch")
def constraints_fetch(
    airflow: Annotated[str, typer.Option("--airflow", metavar="VERSION", help="The Airflow release.")],
    python: Annotated[list[str], typer.Option("--python", metavar="VERSION", help="May be repeated.")],
    constraints_mode: Mode = None,
    constraints_url: ConstraintsUrl = None,
    timeout: Timeout = 15.0,
    retries: Retries = 4,
) -> None:
    """Fetch Airflow's official constraints into constraints/, to be reviewed and kept."""
    from wheelhouse.model.airflow import Airflow
    from wheelhouse.model.target import Python
    from wheelhouse.steps.constraints import AIRFLOW_PUBLISHES, airflow_constraints
    from wheelhouse.steps.gather import mode_of

    release, mode = Airflow.parse(airflow), mode_of(constraints_mode or "constraints")
    with _listening(quiet=False) as listener, _http(timeout, retries, listener) as http:
        for text in python:
            minor = Python.parse(text).minor
            found = airflow_constraints(
                release, mode, minor, Path("constraints"), constraints_url or AIRFLOW_PUBLISHES, http, listener
            )
            _print(f"{found.source}: {len(found.lines)} pins")


@constraints_app.command("compile")
def constraints_compile(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The constraints file to write.")],
    requirements: Requirements = None,
    requirement_files: RequirementFiles = None,
    constraint_files: ConstraintFiles = None,
    python: Pythons = None,
    platform: Platforms = None,
    image: ImageName = None,
    index: IndexUrl = None,
    uploaded_prior_to: PriorTo = None,
    cache_dir: CacheDir = None,
    timeout: Timeout = 15.0,
    retries: Retries = 4,
    quiet: Quiet = False,
) -> None:
    r"""Make a constraints file from requirements, as they would have resolved on a day.

    \b
    wheelhouse constraints compile 'apache-airflow[celery]==2.10.5' --python 3.12 \
        --uploaded-prior-to 2025-02-11 -o constraints/airflow-2.10.5/constraints-3.12.txt
    """
    from wheelhouse.doors.disk import write
    from wheelhouse.steps.constraints import compile_constraints
    from wheelhouse.steps.gather import gather

    options = _options(_settings(), locals())
    with (
        _listening(quiet=quiet) as listener,
        _supply(options.index, cache_dir, timeout, retries, listener) as (http, supply),
    ):
        text = compile_constraints(gather(options, http, _now(), listener), supply, listener)
    write(output.parent, output.name, text)
    if not quiet:
        _print(f"{output}: {text.count('==') - text.partition(chr(10))[0].count('==')} pins")


@cache_app.command("show")
def cache_show(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Say where the cache is and what it holds."""
    from wheelhouse import report
    from wheelhouse.doors.disk import Cache

    cache = Cache(_cache_folder(cache_dir))
    kinds = cache.size()
    if as_json:
        _print_json(
            {
                "cache": str(cache.root),
                "kinds": {kind: {"files": files, "bytes": size} for kind, (files, size) in kinds.items()},
            }
        )
        return
    _print(
        f"{cache.root}",
        *(f"  {kind}: {files} files, {report.size_text(size)}" for kind, (files, size) in kinds.items()),
    )


@cache_app.command("prune")
def cache_prune(
    days: Annotated[int, typer.Option("--days", min=0, help="Remove what was not used for so many days.")] = 90,
    cache_dir: CacheDir = None,
) -> None:
    """Remove what was not used for a while."""
    oldest = _now().timestamp() - days * 86400
    _prune(cache_dir, lambda path: max(path.stat().st_atime, path.stat().st_mtime) > oldest)


@cache_app.command("clear")
def cache_clear(cache_dir: CacheDir = None) -> None:
    """Remove everything that the cache holds."""
    _prune(cache_dir, lambda _path: False)


def _prune(cache_dir: Path | None, keep: Callable[[Path], bool]) -> None:
    from wheelhouse import report
    from wheelhouse.doors.disk import Cache

    count, size = Cache(_cache_folder(cache_dir)).prune(keep)
    _print(f"{count} files, {report.size_text(size)} removed")


@target_app.command("show")
def target_show(
    python: Pythons = None,
    platform: Platforms = None,
    image: ImageName = None,
    airflow: AirflowVersion = None,
) -> None:
    """Print a target as pex's complete-platform JSON: its markers, and its tags in order."""
    from wheelhouse import report
    from wheelhouse.model.airflow import Airflow
    from wheelhouse.steps.gather import Options, targets

    options = Options(python=python or (), platform=platform or (), image=image)
    found = targets(options, Airflow.parse(airflow) if airflow else None)
    documents = [report.target_document(target) for target in found]
    _print_json(documents[0] if len(documents) == 1 else documents)


# What commands share


class _Listener:
    """Shows events: bars on a terminal, plain lines elsewhere; keeps the warnings for `--json`."""

    def __init__(self, *, quiet: bool) -> None:
        from wheelhouse.report import Tally

        self.warnings: list[str] = []
        self._quiet = quiet
        self._tally = Tally()
        self._status: Any = None
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        from wheelhouse.report import event_line

        self._tally.note(event)
        if isinstance(event, Warned):
            self.warnings.append(event.sentence)
        line = event_line(event)
        if line and (not self._quiet or isinstance(event, Warned)):
            self._say(line)
        self._refresh()

    def _say(self, line: str) -> None:
        if self._status:
            self._status.console.print(line, highlight=False, markup=False)
        else:
            typer.echo(line, err=True)

    def _refresh(self) -> None:
        now = datetime.now(UTC).timestamp()
        interval = 0.1 if self._status else 5.0
        if self._quiet or now - self._last < interval:
            return
        if self._status:
            self._status.update(self._tally.line())
        elif self._last:
            typer.echo(self._tally.line(), err=True)
        self._last = now

    @contextmanager
    def shown(self) -> Iterator[None]:
        self._last = datetime.now(UTC).timestamp()
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console

        with Console(stderr=True).status("starting") as self._status:
            yield
        self._status = None


@contextmanager
def _listening(*, quiet: bool) -> Iterator[_Listener]:
    listener = _Listener(quiet=quiet)
    with listener.shown():
        yield listener


@contextmanager
def _http(timeout: float, retries: int, listener: Listener) -> "Iterator[Http]":
    from wheelhouse.doors.http import Http, HttpSettings

    proxies = {scheme: proxy for scheme in ("http", "https", "all") if (proxy := _environment(f"{scheme}_proxy"))}
    settings = HttpSettings(timeout, retries, proxies, _environment("no_proxy"), user_agent=f"wheelhouse/{__version__}")
    http = Http(settings, listener)
    try:
        yield http
    finally:
        http.close()


@contextmanager
def _supply(
    index: str, cache_dir: Path | None, timeout: float, retries: int, listener: Listener
) -> "Iterator[tuple[Http, Supply]]":
    from wheelhouse.doors.disk import Cache
    from wheelhouse.doors.index import Index
    from wheelhouse.steps.supply import Supply

    with _http(timeout, retries, listener) as http:
        supply = Supply(Index(index or _pip_index(), http), http, Cache(_cache_folder(cache_dir)), listener)
        try:
            yield http, supply
        finally:
            supply.close()


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper(), "")


def _cache_folder(cache_dir: Path | None) -> Path:
    if cache_dir:
        return cache_dir
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "wheelhouse"


def _pip_index() -> str:
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def _now() -> datetime:
    return datetime.now(UTC)


def _settings() -> "Settings":
    from wheelhouse.doors.config import read_settings

    return read_settings(Path.cwd())


def _options(settings: "Settings", given: dict[str, Any]) -> "Options":
    """Options from the command line; where it names nothing to fetch, what to fetch comes from the settings file."""
    from wheelhouse.model.airflow import MODES
    from wheelhouse.steps.constraints import AIRFLOW_PUBLISHES
    from wheelhouse.steps.gather import Options

    asks = any(given.get(name) for name in ("requirements", "requirement_files", "airflow"))
    job = type(settings)() if asks else settings

    def either(name: str, fallback: object) -> Any:  # noqa: ANN401
        return given.get(name) or fallback

    return Options(
        requirements=either("requirements", job.requirements),
        requirement_files=either("requirement_files", job.requirement_files),
        constraints=either("constraint_files", job.constraints),
        python=either("python", _listed(job.python)),
        platform=either("platform", _listed(job.platform)),
        image=either("image", job.image),
        airflow=either("airflow", job.airflow),
        extras=[name.strip() for text in either("extra", job.extras) for name in text.split(",") if name.strip()],
        constraints_mode=either("constraints_mode", settings.constraints_mode) or MODES[0],
        constraints_url=either("constraints_url", settings.constraints_url) or AIRFLOW_PUBLISHES,
        index=either("index", settings.index) or "",
        uploaded_prior_to=either("uploaded_prior_to", job.uploaded_prior_to),
        upgrade=bool(given.get("upgrade")),
        upgrade_projects=given.get("upgrade_project") or (),
    )


def _listed(value: list[str] | str) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _print(*lines: str) -> None:
    for line in lines:
        typer.echo(line)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"wheelhouse {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        _print(context.get_help())
        raise typer.Exit(InputError.exit_code)


def _fail(error: WheelhouseError) -> int:
    from wheelhouse import report

    if "--json" in sys.argv:
        _print_json(report.error_document(error))
    for line in report.error_lines(error):
        typer.echo(line, err=True)
    return error.exit_code


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "wheelhouse"
    return _fail(InputError(error.format_message(), hint=f"see `{where} --help`"))


def _run() -> int:
    """Run one command, and turn whatever ends it into an exit code."""
    try:
        outcome = typer.main.get_command(app)(prog_name="wheelhouse", standalone_mode=False)
        return _interrupted() if outcome == INTERRUPTED else outcome if isinstance(outcome, int) else 0
    except WheelhouseError as error:
        return _fail(error)
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return 0


def _interrupted() -> int:
    typer.echo("error: interrupted; what is complete is kept, and the same command goes on from here", err=True)
    return INTERRUPTED


def main() -> NoReturn:
    """The `wheelhouse` command. Leaves at once, without waiting for threads that a stalled server holds."""
    code = _run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
