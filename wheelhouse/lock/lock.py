"""The lock: pins and hashes for one target, on disk a PEP 751 `pylock.<target>.toml`, which is also the manifest (pure)."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tomli
import tomli_w
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageWheel,
    Pylock,
    PylockValidationError,
)
from packaging.requirements import Requirement
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.filenames import filename_of, is_standard_sdist
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.findings import Waiver
from wheelhouse.index.locations import IndexLocation, document_of, of_document
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.index.provenance import Provenance, identity_of
from wheelhouse.lock import schema as shape
from wheelhouse.lock.schema import check_schema
from wheelhouse.resolve.selection import ANYTHING, Selection
from wheelhouse.target.complete_platform import compress, expand
from wheelhouse.target.target import Platform, Python, Target

TOOL = "wheelhouse"
DEPENDENCY = re.compile(r"[A-Za-z0-9._-]*[A-Za-z0-9]")
LOCK_PREFIX, LOCK_SUFFIX = "pylock.", ".toml"
WAIVED = ("rule", "reason", "who", "until")
"""What a lock says of a waiver; the project and the sha256 are the pin's own."""


@dataclass(frozen=True, slots=True)
class ConstraintsFile:
    """A file of constraints as it was read: tags move, so its sha256 says which one it was."""

    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that decided a lock, beside its target: equal inputs reuse the lock.

    `without` names the database clients that Airflow's image does without. `constraints_sha256` is that of the text of all
    `constraints` together, as the house keeps it; `hashes_sha256` that of all hashes which requirement lines gave,
    `given_sha256` that of the lock which was given in the place of requirements.
    `pip_config` says what pip's configuration gave; it decides nothing by itself. Nor does `settings_sha256`, that of the
    path from the house to the folder of the settings file in which the whole job is written, if it is.
    """

    requirements: tuple[str, ...]
    constraints: tuple[ConstraintsFile, ...] = ()
    locations: tuple[IndexLocation, ...] = ()
    selection: Selection = ANYTHING
    airflow: str | None = None
    without: tuple[str, ...] = ()
    constraints_sha256: str | None = None
    overrides: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    hashes_sha256: str | None = None
    given_sha256: str | None = None
    pip_config: tuple[str, ...] = ()
    settings_sha256: str | None = None

    def document(self) -> dict[str, Any]:
        """As the lock records them."""
        table = {
            "requirements": list(self.requirements),
            "constraints": [{"source": file.source, "sha256": file.sha256} for file in self.constraints],
            "airflow": self.airflow,
            "without": list(self.without),
            "constraints-sha256": self.constraints_sha256,
            "overrides": list(self.overrides),
            "excluded": list(self.excluded),
            "hashes-sha256": self.hashes_sha256,
            "given-sha256": self.given_sha256,
            "pip-config": list(self.pip_config),
            "settings-sha256": self.settings_sha256,
        }
        return _present(table) | document_of(self.locations) | self.selection.document()

    def same_job(self, other: "Inputs") -> bool:
        """Whether two sets of inputs ask for the same: where constraints were read from, and when an age was reckoned, do not matter."""
        return self._identity() == other._identity()

    def _identity(self) -> dict[str, Any]:
        table = replace(
            self, constraints=(), pip_config=(), settings_sha256=None, locations=tuple(sorted(self.locations))
        ).document()
        if self.selection.age:
            del table["uploaded-prior-to"]
        return table

    @property
    def label(self) -> str:
        """Eight characters that tell these inputs from others."""
        return hashlib.sha256(repr(sorted(self._identity().items())).encode()).hexdigest()[:8]

    @property
    def adjustments(self) -> Adjustments:
        """Overrides and exclusions."""
        return Adjustments.of_texts(self.overrides, self.excluded)


@dataclass(frozen=True, slots=True)
class Built:
    """What made a wheel that no index has: from which sdist, by what, under which Python, in what kind of room.

    `glibc` is the oldest that its symbols allow, empty where they ask for none; `sealed` says what sealed the room, and is
    empty where nothing did; `lock` names the build's own lock in the house's `build/`; `libraries` are those that it expects
    to find on the target; `repaired` is what changed it after its build, empty where nothing did; with `kept` the sdist
    stays, too.
    """

    sdist: Artifact
    interpreter: str
    glibc: str = ""
    sealed: str = ""
    lock: str = ""
    requires: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    repaired: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Pin:
    """One project's release in a lock, the file chosen for it, and what it asks for.

    `dependencies` are what it asks for on this target, as `name[extra]>=1`. `rejected` are other files of the release that
    something else than their names speaks against, `skipped` newer releases of which no file fits, `passed_over` newer ones,
    by version, that are yanked or want another Python; `constraint` is the
    line that limited it, and where it stands. `sdist_because` says
    why no wheel was chosen, `provisional` why an sdist's metadata may change when it is built, `yanked` the reason given;
    `build_lock` names the lock in the house's `build/` of what an sdist is built with, `build_lacks` says why there is none;
    `built` tells of a wheel that was made from the sdist here; `provenance` of the attestations of the file as the index has
    it; `status` is what the index says of a project that is not active; `waived` are the waivers that let the file pass.
    """

    project: NormalizedName
    version: Version
    artifact: Artifact
    index: str = ""
    requires_python: str | None = None
    extras: tuple[NormalizedName, ...] = ()
    dependencies: tuple[str, ...] = ()
    sdist_because: str | None = None
    provisional: str | None = None
    build_lock: str = ""
    build_lacks: str = ""
    yanked: str | None = None
    constraint: str | None = None
    rejected: tuple[Rejected, ...] = ()
    skipped: tuple[str, ...] = ()
    built: Built | None = None
    provenance: Provenance | None = None
    status: str | None = None
    waived: tuple[Waiver, ...] = ()
    passed_over: tuple[Rejected, ...] = ()

    @property
    def constrained(self) -> bool:
        """Whether a constraint spoke of it."""
        return self.constraint is not None

    @property
    def build_lock_name(self) -> str:
        """The file name of the lock in `build/` that its build uses, or used; empty where there is none."""
        return self.built.lock if self.built else self.build_lock

    @property
    def needs(self) -> tuple[str, ...]:
        """The projects that it needs on this target."""
        return tuple(dict.fromkeys(dependency_name(text) for text in self.dependencies))

    @property
    def origin(self) -> Artifact:
        """The file as the index has it: of a wheel that was built here, its sdist."""
        return self.built.sdist if self.built else self.artifact

    @property
    def archive(self) -> Artifact | None:
        """Its sdist in the house, where that has a name which neither pip in a folder nor readers of PEP 751 know for an sdist's.

        In a pylock it is a `packages.archive`, not a `packages.sdist`. That has no name, so our own table has it.
        """
        sdists = (file for file in self.files if not file.is_wheel)
        return next((file for file in sdists if not is_standard_sdist(file.filename, self.project, self.version)), None)

    @property
    def files(self) -> tuple[Artifact, ...]:
        """What a house has of it: the one file, and a kept sdist after the wheel that was built from it."""
        return (self.artifact, self.built.sdist) if self.built and self.built.kept else (self.artifact,)


def provenance_filename(pin: Pin) -> str:
    """The name under which a house keeps the attestations of a pin's file, which is the index's."""
    return pin.origin.filename + PROVENANCE


def requirement_line(pin: Pin) -> str:
    """A pin as a requirements file has it: its version, and the hash of its file."""
    return f"{pin.project}=={pin.version} --hash=sha256:{pin.artifact.sha256}\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """The pins for one target, sorted by project, with the inputs that led to them.

    `label` tells locks for one target apart, where a folder has several, as `build/` does. `is_loose` marks a lock that
    wheelhouse wrote before it said the exact Python: such a lock claims every patch release, and keeps its bytes.
    """

    target: Target
    inputs: Inputs
    pins: tuple[Pin, ...] = field(default=())
    label: str = ""
    is_loose: bool = False

    @property
    def name(self) -> str:
        """The target's name, and the label."""
        return f"{self.target.name}-{self.label}" if self.label else self.target.name

    @property
    def filename(self) -> str:
        """`pylock.<target>.toml`."""
        return f"{LOCK_PREFIX}{self.name}{LOCK_SUFFIX}"

    @property
    def requirements_filename(self) -> str:
        """`requirements.<target>.txt`."""
        return f"requirements.{self.name}.txt"

    @property
    def constraints_filename(self) -> str:
        """`constraints.<target>.txt`."""
        return f"constraints.{self.name}.txt"

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files, in the pins' order."""
        return tuple(file for pin in self.pins for file in pin.files)

    def to_toml(self, *, with_paths: bool, names: Mapping[str, str] | None = None) -> str:
        """The lock as PEP 751 text; `with_paths` names each file relative to the lock, as in a house.

        `names` gives the file names of those that lie there under another than their own.
        """
        return tomli_w.dumps(self._document(with_paths, names or {}), multiline_strings=False)

    def to_requirements(self) -> str:
        """The lock as a requirements file for pips that read no pylock: one line and its `--hash` for each artifact."""
        lines = list(map(requirement_line, self.pins))
        return f"# {len(lines)} artifacts for {self.name}, from {self.filename}\n" + "".join(lines)

    def _document(self, with_paths: bool, names: Mapping[str, str]) -> dict[str, Any]:
        return {
            "lock-version": "1.0",
            "environments": [_environment(self.target, "python_version" if self.is_loose else "python_full_version")],
            "requires-python": _loose(self.target) if self.is_loose else f"=={self.target.python.version}",
            "created-by": TOOL,
            "packages": [_package(pin, with_paths, names, is_loose=self.is_loose) for pin in self.pins],
            "tool": {
                TOOL: {
                    "target": {"name": self.target.name, **_target_table(self.target)},
                    **({"label": self.label} if self.label else {}),
                    "inputs": self.inputs.document(),
                }
            },
        }


def _target_table(target: Target) -> dict[str, Any]:
    """The names that a target is derived from, else all that is to be known of it."""
    if target.is_derived:
        return {"python": target.python.spelling, "platform": target.platform.tag}
    known = {key: value for key, value in target.environment.items() if value}
    return {"markers": known, "tags": list(compress(target.tags))}


def _target(table: Mapping[str, Any]) -> Target:
    if "markers" in table:
        return Target.described(table["markers"], tuple(expand(table["tags"])))
    return Target.of(Python.parse(table["python"]), Platform.parse(table["platform"]))


def _loose(target: Target) -> str:
    """The `requires-python` of a loose lock: every patch release."""
    return f"=={target.python.minor}.*"


def _environment(target: Target, version: str) -> str:
    keys = ("implementation_name", version, "sys_platform", "platform_machine")
    return " and ".join(f'{key} == "{target.environment[key]}"' for key in keys if target.environment[key])


def _present(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value not in (None, "", (), [], False)}


def _file(artifact: Artifact, path: str | None) -> dict[str, Any]:
    return _present(
        {
            "name": artifact.filename,
            "upload-time": artifact.upload_time,
            "url": artifact.url,
            "path": path,
            "size": artifact.size,
            "hashes": {"sha256": artifact.sha256},
        }
    )


def _unnamed(file: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in file.items() if key != "name"}


def _built(built: Built, *, kept_archive: bool) -> dict[str, Any]:
    return _present(
        {
            "sdist": _file(built.sdist, None),
            "kept-archive": kept_archive,
            "interpreter": built.interpreter,
            "glibc": built.glibc,
            "sealed": built.sealed or None,
            "unsealed": not built.sealed,
            "lock": built.lock,
            "requires": list(built.requires),
            "libraries": list(built.libraries),
            "repaired": built.repaired,
        }
    )


def _package(pin: Pin, with_paths: bool, names: Mapping[str, str], *, is_loose: bool) -> dict[str, Any]:
    index_is_url = is_loose or "://" in pin.index  # PEP 751: `packages.index` is a URL; a folder is none
    files = {
        artifact.is_wheel: _file(
            artifact, names.get(artifact.filename, artifact.filename) if with_paths or not artifact.url else None
        )
        for artifact in pin.files
    }
    archive = pin.archive.filename if pin.archive else None
    own = {
        "index": "" if index_is_url else pin.index,
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
        "archive": None if True in files else archive,
        "provenance": {"url": pin.provenance.url, "sha256": pin.provenance.sha256} if pin.provenance else None,
        "status": pin.status,
        "waived": [{key: getattr(waiver, key) for key in WAIVED} for waiver in pin.waived],
    }
    tool = _present(own) | ({"yanked": pin.yanked} if pin.yanked is not None else {})
    table = {
        "name": str(pin.project),
        "version": str(pin.version),
        "requires-python": pin.requires_python,
        "index": pin.index if index_is_url else "",
        "dependencies": [{"name": name} for name in pin.needs],
        "wheels": [files[True]] if True in files else None,
        "sdist": None if archive else files.get(False),
        "archive": _unnamed(files[False]) if archive and True not in files else None,
        "attestation-identities": [dict(one) for one in pin.provenance.identities] if pin.provenance else None,
        "tool": {TOOL: tool} if tool else None,
    }
    return _present(table)


def _by_reason(rejected: Iterable[Rejected], key: str) -> list[dict[str, Any]]:
    reasons: dict[str, list[str]] = {}
    for other in rejected:
        reasons.setdefault(other.reason, []).append(other.filename)
    return [{"reason": reason, key: sorted(files)} for reason, files in sorted(reasons.items())]


def dependency_name(text: str) -> str:
    """The project of a dependency as a pin has it: `name[extra]>=1`."""
    match = DEPENDENCY.match(text)
    return match[0] if match else text


def parse_lock(text: str, source: str) -> Lock:
    """Read a lock that wheelhouse wrote. Raises InputError naming `source` for what is not one."""
    try:
        document = tomli.loads(text)
        pylock = Pylock.from_dict(document)
        own = document["tool"][TOOL]
        check_schema(own, shape.LOCK, f"tool.{TOOL}")
        target = _target(own["target"])
        pins = tuple(_pin(package) for package in pylock.packages)
        inputs = _inputs(own.get("inputs", {}))
        inputs.adjustments, list(map(Requirement, inputs.requirements))
    except IntegrityError:
        raise
    except (PylockValidationError, InputError, KeyError, TypeError, ValueError, RecursionError) as error:
        reason = next(iter(str(error).splitlines()), "it is damaged")
        hint = "a house's locks are written by `wheelhouse fetch`; restore this one, or fetch again"
        raise InputError(f"`{source}` is not a lock that wheelhouse wrote: {reason}", hint=hint) from error
    return Lock(target, inputs, pins, str(own.get("label", "")), document.get("requires-python") == _loose(target))


def _inputs(table: Mapping[str, Any]) -> Inputs:
    return Inputs(
        requirements=tuple(table.get("requirements", ())),
        constraints=tuple(ConstraintsFile(file["source"], file["sha256"]) for file in table.get("constraints", ())),
        locations=of_document(table),
        pip_config=tuple(table.get("pip-config", ())),
        settings_sha256=table.get("settings-sha256"),
        selection=Selection.of_document(table),
        airflow=table.get("airflow"),
        without=tuple(table.get("without", ())),
        constraints_sha256=table.get("constraints-sha256"),
        overrides=tuple(table.get("overrides", ())),
        excluded=tuple(table.get("excluded", ())),
        hashes_sha256=table.get("hashes-sha256"),
        given_sha256=table.get("given-sha256"),
    )


def _pin(package: Package) -> Pin:
    own = (package.tool or {}).get(TOOL, {})
    check_schema(own, shape.PIN, f"tool.{TOOL} of {package.name}")
    built = _read_built(own["built"], kept=package.sdist is not None) if "built" in own else None
    others = (package.sdist, package.archive) if not built else ()
    files = [*(package.wheels or ()), *(file for file in others if file)]
    if len(files) != 1 or package.version is None:
        raise ValueError(f"{package.name} has {len(files)} files, where a house has one")
    artifact = _artifact(files[0], own.get("archive"))
    return Pin(
        project=package.name,
        version=package.version,
        artifact=artifact,
        index=package.index or own.get("index", ""),
        requires_python=str(package.requires_python) if package.requires_python else None,
        extras=tuple(own.get("extras", ())),
        dependencies=tuple(own.get("dependencies", ())),
        sdist_because=own.get("sdist-because"),
        provisional=own.get("provisional"),
        build_lock=own.get("build-lock", ""),
        build_lacks=own.get("build-lacks", ""),
        yanked=own.get("yanked"),
        constraint=own.get("constraint"),
        rejected=_rejected(own, "rejected", "files"),
        passed_over=_rejected(own, "passed-over", "releases"),
        skipped=tuple(own.get("skipped", ())),
        built=built,
        provenance=_provenance(own["provenance"], package) if "provenance" in own else None,
        status=own.get("status"),
        waived=tuple(Waiver(**entry, project=package.name, sha256=artifact.sha256) for entry in own.get("waived", ())),
    )


def _rejected(own: Mapping[str, Any], table: str, key: str) -> tuple[Rejected, ...]:
    return tuple(Rejected(name, entry["reason"]) for entry in own.get(table, ()) for name in entry[key])


def _provenance(table: Mapping[str, Any], package: Package) -> Provenance:
    return Provenance(table["url"], table["sha256"], tuple(map(identity_of, package.attestation_identities or ())))


def _artifact(file: PackageWheel | PackageSdist | PackageArchive, archive: str | None) -> Artifact:
    named = archive if isinstance(file, PackageArchive) else file.name
    name = named or filename_of(file.path or file.url or "")
    return Artifact(name, file.hashes["sha256"], file.size or 0, file.url, file.upload_time)


def _read_built(table: Mapping[str, Any], *, kept: bool) -> Built:
    sdist = table["sdist"]
    return Built(
        sdist=Artifact(
            sdist["name"], sdist["hashes"]["sha256"], sdist["size"], sdist.get("url"), sdist.get("upload-time")
        ),
        interpreter=table["interpreter"],
        glibc=table.get("glibc", ""),
        sealed=table.get("sealed", ""),
        lock=table.get("lock", ""),
        requires=tuple(table.get("requires", ())),
        libraries=tuple(table.get("libraries", ())),
        repaired=table.get("repaired", ""),
        kept=kept or table.get("kept-archive", False),
    )
