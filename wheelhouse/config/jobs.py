"""The jobs of a settings file: its tables `[jobs.NAME]`, and those of the files that it includes.

A job has the keys of its own table, then those of the file that has the table, then those of the including file. A key that
is set twice counts as the nearest says; tables, such as `[indexes.corp]`, are merged key by key.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from wheelhouse.config.settings import (
    FILE,
    INCLUDED,
    JOB,
    JobTable,
    Settings,
    checked_table,
    options_of,
    read_toml,
    settings_of,
    settings_table,
)
from wheelhouse.errors import InputError
from wheelhouse.humanize import listed

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
JOB_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(JobTable))
NAMED_IN_HINT = 10
Table = Mapping[str, Any]


def read_jobs(folder: Path) -> dict[str, Settings]:
    """The jobs of the settings file in a folder, by name; `options["dest"]` of each is its wheelhouse.

    Raises InputError naming file and key: for a table, a job's name or an `include` that is wrong, two jobs of one name, two
    jobs of one folder, a job whose folder is inside that of another; also if there is no settings file, or no job.
    """
    held = settings_table(folder)
    if held is None:
        raise InputError("there is no wheelhouse.toml here", hint="write one with a table [jobs.NAME] for each job")
    table, path = held
    file = settings_of(table, path)
    jobs: dict[str, Settings] = {}
    files: dict[str, Path] = {}
    for name, job, place in _job_tables(table, path):
        if name in jobs:
            both = f"in `{files[name]}` and in `{place}`"
            raise InputError(f"the job `{name}` is {both}", hint="give each job a name of its own")
        origin = f"{place.relative_to(folder)} (jobs.{name})"
        jobs[name] = replace(file, options=options_of(job), files=job.files, has_jobs=False, origin=origin)
        files[name] = place
    if not jobs:
        raise InputError(f"`{path}` has no jobs", hint="add a table [jobs.NAME] for each job")
    _must_have_own_folders(jobs, files)
    return jobs


def selected_jobs(jobs: Mapping[str, Settings], patterns: tuple[str, ...]) -> dict[str, Settings]:
    """The jobs whose names match one of the patterns, such as `team-*`, in their order; all jobs if there is no pattern.

    Upper and lower case differ. Raises InputError for a pattern that matches no job.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in jobs):
            raise InputError(f"no job is named `{pattern}`", hint=f"the jobs are {listed(list(jobs), NAMED_IN_HINT)}")
    return {
        name: job
        for name, job in jobs.items()
        if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def _job_tables(table: Table, path: Path) -> Iterator[tuple[str, Any, Path]]:
    """The name of each job, its `JobTable` with all that it inherits, and the file that has it; included files come last.

    Raises InputError.
    """
    file = checked_table(table, FILE, path)
    yield from _of_file(table, table, path, file.output)
    for included in _included(file.include, path):
        own = read_toml(included)
        checked_table(own, INCLUDED, included)
        yield from _of_file(own, _over(table, own), included, file.output)


def _of_file(own: Table, defaults: Table, path: Path, output: str) -> Iterator[tuple[str, Any, Path]]:
    """The jobs of one file, `own`; `defaults` has the keys that they inherit, all but `dest`, whose default is `output`/NAME.

    Raises InputError for a name that a job cannot have, or keys or values that a `JobTable` cannot have.
    """
    inherited = {key: defaults[key] for key in defaults.keys() & JOB_KEYS - {"dest"}}
    for name, job in own.get("jobs", {}).items():
        place = f"jobs.{name}"
        if not NAME.fullmatch(name):
            hint = "use letters, digits, `.`, `_` and `-`: the name of the job is also the name of its folder"
            raise InputError(f"`{path}`: `{place}`: this cannot be a job's name", hint=hint)
        folder = {"dest": str(Path(output) / name)}
        whole = {**folder, **_over(inherited, job)} if isinstance(job, Mapping) else job
        yield name, checked_table(whole, JOB, path, place), path


def _over(defaults: Table, own: Table) -> dict[str, Any]:
    """The keys of a table over those of another: tables are merged key by key, any other value is replaced."""
    merged = {**defaults, **own}
    for key in defaults.keys() & own.keys():
        if isinstance(defaults[key], dict) and isinstance(own[key], dict):
            merged[key] = _over(defaults[key], own[key])
    return merged


def _included(patterns: list[str], path: Path) -> list[Path]:
    """The files that a file includes, each once, itself too if a pattern matches it; patterns count from its folder.

    Raises InputError for a pattern that is absolute, empty or malformed, or that matches no file.
    """
    files: list[Path] = []
    for pattern in patterns:
        if not pattern or Path(pattern).is_absolute():
            hint = "write the path relative to the folder of this file: `teams/*.toml`"
            raise InputError(f"`{path}`: `include`: `{pattern}` is no relative path", hint=hint)
        matching = _matching(pattern, path)
        if not matching:
            hint = f"relative paths start at `{path.parent}`"
            raise InputError(f"`{path}`: `include`: no file matches `{pattern}`", hint=hint)
        files += matching
    return list(dict.fromkeys(files))


def _matching(pattern: str, path: Path) -> list[Path]:
    """The files that match a pattern, which counts from the folder of the file `path`, by name; an empty list if none does.

    Raises InputError if it is no pattern.
    """
    try:
        return sorted(file for file in path.parent.glob(pattern) if file.is_file())
    except (ValueError, IndexError) as error:  # Python 3.11 for `teams/**a` and for `.`
        hint = "write the path of a file, or a pattern such as `teams/*.toml`"
        raise InputError(f"`{path}`: `include`: `{pattern}` is not a pattern of files", hint=hint) from error


def _must_have_own_folders(jobs: Mapping[str, Settings], files: Mapping[str, Path]) -> None:
    """Raise InputError if the wheelhouse of a job is that of another job, or lies inside it."""
    folders: dict[Path, str] = {}
    for name, job in sorted(jobs.items(), key=lambda pair: pair[1].wheelhouse.resolve()):
        folder = job.wheelhouse.resolve()
        if other := next((folders[outer] for outer in (folder, *folder.parents) if outer in folders), None):
            both = f"the jobs `{other}` and `{name}`"
            sentence = (
                f"{both} have the same folder, `{job.wheelhouse}`"
                if jobs[other].wheelhouse.resolve() == folder
                else f"the folder of `{name}` (`{job.wheelhouse}`) is inside the folder of `{other}`"
            )
            raise InputError(f"`{files[name]}`: {sentence}", hint=f"give `{name}` a folder of its own with `dest`")
        folders[folder] = name
