"""A `Lock` as the text of its file: TOML as PEP 751 has it, with wheelhouse's own tables (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tomli_w

from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.reasons import Reason, reason_table
from wheelhouse.findings import Waiver
from wheelhouse.lock.lock import Built, Lock, Pin, loose_requires_python, without_empty
from wheelhouse.lock.lock_tables import TOOL
from wheelhouse.target.complete_platform import compress
from wheelhouse.target.target import Target


def lock_toml(lock: Lock, *, with_paths: bool, names: Mapping[str, str] | None = None) -> str:
    """The text of a lock file. `with_paths` gives each file's path relative to the lock file, as in a wheelhouse; a file
    without a URL always has it.

    `names` maps the files that lie there under another name than their own to that name.
    """
    packages = [_package(pin, with_paths, names or {}, is_loose=lock.is_loose) for pin in lock.pins]
    head = _head(lock) if packages else {**_head(lock), "packages": []}
    return "\n".join(map(_toml, (head, *({"packages": [package]} for package in packages), _tool_of_lock(lock))))


@dataclass(frozen=True)
class _Document:
    """A TOML document that is the same as another if both have the same text in Python, so the same types and spellings."""

    text: str
    table: Mapping[str, Any] = field(compare=False)


def _toml(table: Mapping[str, Any]) -> str:
    """A table in TOML, written once for equal tables: most packages of a lock file are, letter for letter, also in those of others."""
    return _written(_Document(repr(table), table))


@lru_cache(maxsize=4096)
def _written(document: _Document) -> str:
    """The TOML of a document; the last 4096 are kept."""
    return tomli_w.dumps(document.table, multiline_strings=False)


def _head(lock: Lock) -> dict[str, Any]:
    """The keys before the packages, which say for which Python and environment the lock file is."""
    target = lock.target
    exact, loose = f"=={target.python.version}", loose_requires_python(target)
    return {
        "lock-version": "1.0",
        "environments": [_environment(target, "python_version" if lock.is_loose else "python_full_version")],
        "requires-python": loose if lock.is_loose else exact,
        "created-by": TOOL,
    }


def _tool_of_lock(lock: Lock) -> dict[str, Any]:
    """The table `[tool.wheelhouse]`: the target with its name, the label if there is one, and the inputs."""
    target = lock.target
    own = {"target": {"name": target.name, **_target(target)}, "label": lock.label, "inputs": lock.inputs.document()}
    return {"tool": {TOOL: {key: value for key, value in own.items() if value != ""}}}


def _target(target: Target) -> dict[str, Any]:
    """The names that a target is derived from; for one without, its markers that are not empty, and its tags compressed."""
    if target.is_derived:
        return {"python": target.python.spelling, "platform": target.platform.tag}
    markers = {key: value for key, value in target.environment.items() if value}
    return {"markers": markers, "tags": list(compress(target.tags))}


def _environment(target: Target, version: str) -> str:
    """The marker of PEP 751's `environments`, of what the target has; `version` is the marker variable that gives the Python."""
    keys = ("implementation_name", version, "sys_platform", "platform_machine")
    return " and ".join(f'{key} == "{target.environment[key]}"' for key in keys if target.environment[key])


def _package(pin: Pin, with_paths: bool, names: Mapping[str, str], *, is_loose: bool) -> dict[str, Any]:
    """A pin as a table of `packages`, without empty values; `with_paths` and `names` as in `lock_toml`.

    An index that is no URL is in the table of our own, but with `is_loose` in `index`, as an older wheelhouse wrote it.
    """
    index_is_url = is_loose or "://" in pin.index  # PEP 751: `packages.index` is a URL; a folder is none
    files = {
        artifact.is_wheel: _file(
            artifact, names.get(artifact.filename, artifact.filename) if with_paths or not artifact.url else None
        )
        for artifact in pin.files
    }
    archive = pin.archive.filename if pin.archive else None
    tool = _tool(pin, "" if index_is_url else pin.index, archive)
    table = {
        "name": str(pin.project),
        "version": str(pin.version),
        "requires-python": pin.requires_python,
        "index": pin.index if index_is_url else "",
        "dependencies": [{"name": name} for name in pin.needs],
        "wheels": [files[True]] if True in files else None,
        "sdist": None if archive else files.get(False),
        "archive": _without_name(files[False]) if archive and True not in files else None,
        "attestation-identities": list(map(dict, pin.provenance.identities)) if pin.provenance else None,
        "tool": {TOOL: tool} if tool else None,
    }
    return without_empty(table)


def _tool(pin: Pin, index: str, archive: str | None) -> dict[str, Any]:
    """`[packages.tool.wheelhouse]`, without empty values but an empty reason of a yank.

    `index` is one that is no URL; `archive` is the name of a sdist that is not standard, which is left out beside a wheel.
    """
    table = {
        "index": index,
        "extras": list(pin.extras),
        "dependencies": list(pin.dependencies),
        "sdist-because": pin.sdist_because,
        "provisional": pin.provisional,
        "build-lock": pin.build_lock,
        "build-lacks": pin.build_lacks,
        "constraint": pin.constraint,
        "skipped": list(pin.skipped),
        "rejected": _by_reason(pin.rejected, "files"),
        "passed-over": _by_reason(pin.passed_over, "releases"),
        "built": _built(pin.built, kept_archive=archive is not None) if pin.built else None,
        "archive": None if pin.artifact.is_wheel else archive,
        "provenance": {"url": pin.provenance.url, "sha256": pin.provenance.sha256} if pin.provenance else None,
        "status": pin.status,
        "waived": list(map(_waiver, pin.waived)),
    }
    return without_empty(table) | ({"yanked": pin.yanked} if pin.yanked is not None else {})


def _file(artifact: Artifact, path: str | None) -> dict[str, Any]:
    """A file as a table without empty values; `path` is None for a file that is not beside the lock file."""
    return without_empty(
        {
            "name": artifact.filename,
            "upload-time": artifact.upload_time,
            "url": artifact.url,
            "path": path,
            "size": artifact.size,
            "hashes": {"sha256": artifact.sha256},
        }
    )


def _without_name(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file as `packages.archive`, which PEP 751 gives no name."""
    return {key: value for key, value in file.items() if key != "name"}


def _built(built: Built, *, kept_archive: bool) -> dict[str, Any]:
    """How a wheel was built as a table, without empty values; `unsealed` only if no sandbox confined it."""
    return without_empty(
        {
            "sdist": _file(built.sdist, None),
            "kept-archive": kept_archive,
            "interpreter": built.interpreter,
            "glibc": built.glibc,
            "sealed": built.sealed,
            "unsealed": not built.sealed,
            "sandbox": built.sandbox,
            "lock": built.lock,
            "requires": list(built.requires),
            "libraries": list(built.libraries),
            "repaired": built.repaired,
        }
    )


def _waiver(waiver: Waiver) -> dict[str, Any]:
    """A waiver without the project and the sha256, which are those of the pin."""
    return {"rule": waiver.rule, "reason": waiver.reason, "who": waiver.who, "until": waiver.until}


def _by_reason(rejected: Iterable[Rejected], key: str) -> list[dict[str, Any]]:
    """A table for each reason, with the names that it holds for under `key`; names and tables are sorted."""
    names: dict[Reason, list[str]] = {}
    for one in rejected:
        names.setdefault(one.reason, []).append(one.filename)
    tables = [reason_table(reason) | {key: sorted(group)} for reason, group in names.items()]
    return sorted(tables, key=lambda table: list(map(str, table.values())))
