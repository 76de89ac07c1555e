"""`fetch` and `lock`: from requirements to a wheelhouse, or to its lock files alone."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.building import run_build
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.machine import docker_config_file, now
from wheelhouse.cli.output import end_with, say, say_json
from wheelhouse.cli.session import listening, options, settings, settings_sha256, supplied
from wheelhouse.config.declare import declared, given, names_job
from wheelhouse.config.options import BuildingOptions, ConnectionOptions, FetchOptions, JobOptions
from wheelhouse.errors import InputError
from wheelhouse.events import Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wheelhouse.cli.progress import Shown
    from wheelhouse.debian.debian_lock import DebianLock
    from wheelhouse.fetch.fetch import Consent, Fetched
    from wheelhouse.fetch.gather import Options
    from wheelhouse.fetch.job import Job
    from wheelhouse.index.http import Http
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.lock.lock import Lock
    from wheelhouse.lock.other_files import OtherFiles
    from wheelhouse.oci.image_lock import ImageLock


@command(app)
def fetch(
    chosen: FetchOptions,
    network: ConnectionOptions,
    building: BuildingOptions,
    build: Annotated[
        bool,
        typer.Option("--build", rich_help_panel="Building", help="Build each sdist, as `wheelhouse build` does."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Resolve for a target, download and verify every file, and write a locked wheelhouse.

    \b
    wheelhouse fetch 'apache-airflow[celery]==2.10.5' -c constraints.txt --python 3.12
    wheelhouse fetch --airflow 2.10.5 --extra celery,postgres --python 3.12
    wheelhouse fetch -r requirements.txt --python 3.11 --python 3.12 --platform linux/arm64

    Without options, the job is read from wheelhouse.toml, or from [tool.wheelhouse] of pyproject.toml.
    An existing lock file of the same job is used as it is, unless you add --upgrade. Files of another job in the
    wheelhouse are removed only after a question, or with --replace. If only the settings file changed, its old files are
    replaced without a question. No package code runs, except with --build: then each sdist is built in a sandbox.
    """
    from wheelhouse import report
    from wheelhouse.fetch.fetch import fetch_all
    from wheelhouse.fetch.gather import tools_job
    from wheelhouse.lock.other_files import FOLDER, OtherFiles
    from wheelhouse.oci.image_lock import FOLDER as IMAGE

    from_file = settings()
    job_options = options(from_file, chosen)
    folder = Path(job_options.dest or "wheels")
    with (
        listening(quiet=quiet or as_json) as listener,
        supplied(job_options, network, listener) as (http, source),
    ):
        job_options, images = _with_base_images(job_options, folder, http, source, listener)
        job = _job(job_options, chosen, http, folder, listener)
        tools = tools_job(job)
        jobs = [(job, folder), *([(tools, folder / "tools")] if tools else [])]
        consent = _consent(folder, listener, replace_files=chosen.replace, as_json=as_json)
        fetched, error = fetch_all(jobs, source, listener, consent=consent, keep_going=chosen.keep_going)
        wheelhouse = fetched[0].wheelhouse
        if any(not artifact.is_wheel for artifact in wheelhouse.artifacts.values()):
            from wheelhouse.build.build_wheelhouse import fetch_build_requirements

            wheelhouse = fetch_build_requirements(wheelhouse, folder, source, listener)
        others, removed_others = OtherFiles(), tuple[str, ...]()
        if not names_job(FetchOptions, given(chosen)) and (from_file.files or (folder / FOLDER).is_dir()):
            from wheelhouse.fetch.fetch_other_files import fetch_other_files

            requests = [entry.request() for entry in from_file.files]
            others, removed_others = fetch_other_files(requests, folder, http, source.store, listener)
        if not names_job(FetchOptions, given(chosen)) and not images.images and (folder / IMAGE).is_dir():
            from wheelhouse.fetch.fetch_base_images import remove_base_images

            remove_base_images(folder)
        debian = _with_debian(job_options, chosen, folder, http, source, listener)
        if build:
            wheelhouse = run_build(folder, building, source, listener).wheelhouse
        by_name = {lock.name: lock for lock in wheelhouse.locks}
        locks = tuple(by_name[lock.name] for lock in fetched[0].locks)
        if foreign := _paths(folder, fetched, lambda done: done.foreign):
            listener(Warned(report.foreign_sentence(str(folder), foreign)))
    if as_json:
        document = _document(folder, fetched, locks, others, removed_others)
        document |= {"images": report.base_images_document(images), "debian": report.debian_document(debian)}
        say_json(document | {"warnings": listener.warnings} | (report.error_document(error) if error else {}))
    elif not quiet:
        say(*report.locks_lines(locks))
        for done in fetched:
            say(*report.fetched_lines(str(done.folder), done.placed, done.kept, done.removed))
        say(*report.other_files_lines(others, removed_others), *report.base_images_lines(images))
        say(*report.debian_lines(debian))
    end_with(error, as_json=as_json)


def _document(
    folder: Path,
    fetched: "Sequence[Fetched]",
    locks: "Sequence[Lock]",
    others: "OtherFiles",
    removed_others: "Sequence[str]",
) -> dict[str, Any]:
    """What `fetch --json` prints."""
    from wheelhouse import report
    from wheelhouse.lock.other_files import FOLDER

    removed = _paths(folder, fetched, lambda done: done.removed)
    return {
        "house": str(folder),
        "targets": [report.lock_document(lock) for lock in locks],
        "fetched": list(fetched[0].placed),
        "reused": list(fetched[0].kept),
        "removed": [*removed, *(f"{FOLDER}/{name}" for name in removed_others)],
        "foreign": _paths(folder, fetched, lambda done: done.foreign),
        "files": report.other_files_document(others),
    }


def _with_base_images(
    options: "Options", folder: Path, http: "Http", source: "PackageSource", listener: "Shown"
) -> "tuple[Options, ImageLock]":
    """The options with the facts of the base image, which is fetched first: it decides libc and Python of the targets."""
    from wheelhouse.oci.image_lock import ImageLock

    if options.whole_image:
        from wheelhouse.fetch.whole_image_request import with_whole_image

        options = with_whole_image(options)
    if options.base_image is None:
        return options, ImageLock()
    from wheelhouse.fetch.base_image_request import with_base_images

    return with_base_images(options, folder, http, source.store, docker_config_file(), listener)


def _with_debian(
    options: "Options",
    chosen: FetchOptions,
    folder: Path,
    http: "Http",
    source: "PackageSource",
    listener: "Shown",
) -> "DebianLock":
    """Fetch the Debian packages that the options request; their lock. If the settings name none any more, they are removed."""
    from wheelhouse.debian.debian_lock import FOLDER, DebianLock

    if options.debs or options.deb_lists:
        from wheelhouse.fetch.debian_request import requested_debian
        from wheelhouse.fetch.fetch_debian import fetch_debian

        job = requested_debian(options, folder)
        return fetch_debian(job, folder, http, source.store, now(), listener, upgrade=options.upgrade)
    if not names_job(FetchOptions, given(chosen)) and (folder / FOLDER).is_dir():
        from wheelhouse.fetch.fetch_debian import remove_debian

        remove_debian(folder)
    return DebianLock()


def _job(options: "Options", chosen: FetchOptions, http: "Http", folder: Path, listener: "Shown") -> "Job":
    """The job of this run. If the settings file alone says what to fetch, the job is known by that file's place."""
    from wheelhouse.fetch.gather import gather

    job = gather(options, http, now(), listener)
    is_of_command_line = given(chosen).keys() & declared(JobOptions).keys()
    return job if is_of_command_line else replace(job, settings_sha256=settings_sha256(folder))


def _consent(folder: Path, listener: "Shown", *, replace_files: bool, as_json: bool) -> "Consent":
    """Ask on the terminal whether files of another job may be removed, else refuse; `--replace` says yes."""
    from wheelhouse import report

    def consent(lost: "Sequence[str]") -> None:
        if not lost or replace_files:
            return
        sentence = report.lost_sentence(str(folder), len(lost))
        if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
            hint = "to remove them, add --replace; else use another folder (--dest), or fetch both jobs in one command"
            raise InputError(sentence, hint=hint, details=tuple(lost))
        if not listener.confirm([f"  {name}" for name in lost], f"{sentence}. Continue?"):
            raise InputError(f"{sentence}; nothing was changed", hint="use another folder (--dest)")

    return consent


def _paths(folder: Path, fetched: "Sequence[Fetched]", names: "Callable[[Fetched], Sequence[str]]") -> list[str]:
    """Files of a wheelhouse and of those inside it, as paths relative to its folder."""
    return [str(done.folder.relative_to(folder) / name) for done in fetched for name in names(done)]


@command(app)
def lock(chosen: FetchOptions, network: ConnectionOptions, as_json: Json = False, quiet: Quiet = False) -> None:
    """Resolve only: write pylock.<target>.toml, and download no files."""
    from wheelhouse import report
    from wheelhouse.fetch.fetch import lock_only

    job_options = options(settings(), chosen)
    folder = Path(job_options.dest or "wheels")
    with (
        listening(quiet=quiet or as_json) as listener,
        supplied(job_options, network, listener) as (http, source),
    ):
        job_options, _ = _with_base_images(job_options, folder, http, source, listener)
        job = _job(job_options, chosen, http, folder, listener)
        consent = _consent(folder, listener, replace_files=chosen.replace, as_json=as_json)
        locks, error = lock_only(job, folder, source, listener, consent=consent, keep_going=chosen.keep_going)
    if as_json:
        targets = [report.lock_document(lock) for lock in locks]
        failed = report.error_document(error) if error else {}
        say_json({"house": str(folder), "targets": targets, "warnings": listener.warnings, **failed})
    elif not quiet:
        say(*report.locks_lines(locks))
    end_with(error, as_json=as_json)
