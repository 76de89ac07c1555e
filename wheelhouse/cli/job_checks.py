"""`verify --all` and `why --all`: the wheelhouses of the jobs of the settings file, one after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from wheelhouse.cli.defects import error_of
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.terminal import echo
from wheelhouse.errors import EXIT_CODES, InputError, WheelhouseError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings

T = TypeVar("T")
Reasons = Mapping[str, Sequence[str]]
"""Why a project is in a wheelhouse: lines, by target."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found in one folder: as `--json`, as lines about findings, and as lines about the folder.

    `warnings` are the lines about findings that are no notes.
    """

    document: Mapping[str, Any]
    findings: Sequence[str]
    warnings: Sequence[str]
    summary: Sequence[str]
    is_bad: bool

    def lines(self, *, quiet: bool) -> Sequence[str]:
        """The lines to print: `quiet` leaves out notes, and the summary of a folder that is as it must be."""
        findings = self.warnings if quiet else self.findings
        return findings if quiet and not self.is_bad else [*findings, *self.summary]


def verify_jobs(
    jobs: "Mapping[str, Settings]", verify: Callable[[Path], Verified], *, as_json: bool, quiet: bool
) -> None:
    """Verify the wheelhouse of each job, and print what was found. Always raises typer.Exit, with the exit code of all.

    A job for which `verify` raises any exception is named on stderr, also with `as_json`.
    """
    verified, errors = _of_each(jobs, verify)
    code = _exit_code([*errors.values()], [int(one.is_bad) for one in verified.values()])
    if as_json:
        documents = [{"job": name, **verified[name].document} for name in verified]
        say_json({"jobs": documents + _failed(errors), "ok": code == 0, "exit-code": code})
    else:
        say(*(line for one in verified.values() for line in one.lines(quiet=quiet)))
    _say_errors(errors)
    raise typer.Exit(code)


def why_jobs(
    jobs: "Mapping[str, Settings]", project: str, reasons_of: Callable[[Path], Reasons], *, as_json: bool
) -> None:
    """Print why each job has a project; jobs without it are left out. A job that cannot be read is named on stderr.

    Raises InputError if none has it and all can be read, else typer.Exit, with the exit code of all.
    """
    reasons, errors = _of_each(jobs, reasons_of)
    having = {name: targets for name, targets in reasons.items() if targets}
    if not having and not errors:
        raise InputError(f"no job has `{project}`", hint="check the spelling")
    if as_json:
        documents: list[dict[str, Any]] = [{"job": name, "targets": targets} for name, targets in having.items()]
        say_json({"project": project, "jobs": documents + _failed(errors)})
    else:
        for name, targets in having.items():
            say(f"{name} ({jobs[name].wheelhouse}):")
            for target, lines in targets.items():
                say(f"  {target}:", *(f"    {line}" for line in lines))
    _say_errors(errors)
    raise typer.Exit(_exit_code([*errors.values()], [0]))


def _of_each(
    jobs: "Mapping[str, Settings]", step: Callable[[Path], T]
) -> tuple[dict[str, T], dict[str, WheelhouseError]]:
    """The results of a step for the wheelhouses of the jobs, and the errors of the jobs for which it failed, both by job.

    Every exception counts, defects too, as `error_of` gives them.
    """
    results: dict[str, T] = {}
    errors: dict[str, WheelhouseError] = {}
    for name, job in jobs.items():
        try:
            results[name] = step(job.wheelhouse)
        except Exception as error:
            errors[name] = error_of(error)
    return results, errors


def _failed(errors: Mapping[str, WheelhouseError]) -> list[dict[str, Any]]:
    """The jobs that failed, each with its error, as rows for `--json`."""
    from wheelhouse import report

    return [{"job": name, **report.error_document(error)} for name, error in errors.items()]


def _say_errors(errors: Mapping[str, WheelhouseError]) -> None:
    """Print the errors of jobs to stderr, each line after the job's name."""
    from wheelhouse import report

    for name, error in errors.items():
        for line in report.error_lines(error):
            echo(f"{name}: {line}", err=True)


def _exit_code(errors: Sequence[WheelhouseError], codes: Sequence[int]) -> int:
    """The first exit code by precedence (`EXIT_CODES`), of errors and of what was done: at least one of all these."""
    return min([*codes, *(error.exit_code for error in errors)], key=EXIT_CODES.index)
