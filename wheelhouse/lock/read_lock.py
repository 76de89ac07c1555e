"""A lock file as text, read into a `Lock` (pure)."""

import re
from datetime import UTC

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock, PylockValidationError
from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, filename_of
from wheelhouse.documents import parse_toml, too_deep_as
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.findings import Waiver
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.provenance import Provenance, identity_of
from wheelhouse.lock.lock import Built, ConstraintsFile, Inputs, Lock, Pin, loose_requires_python
from wheelhouse.lock.lock_tables import (
    LOCK_TABLE,
    PIN_TABLE,
    TOOL,
    BuiltTable,
    IndexTable,
    InputsTable,
    ProvenanceTable,
    TargetTable,
    WaiverTable,
)
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.complete_platform import expand
from wheelhouse.target.target import Platform, Python, Target

VERSION = r"[0-9]{1,9}(?:\.[0-9]{1,9})"
CLAUSE = rf"(?:[<>]=?{VERSION}*|[=!]={VERSION}*(?:\.\*)?|~={VERSION}+)"
EXTRAS = r"\[[a-z0-9]+(?:[-,][a-z0-9]+)*\]"
PLAIN_DEPENDENCY = re.compile(rf"[a-z0-9]+(?:[._-][a-z0-9]+)*(?:{EXTRAS})?(?:{CLAUSE}(?:,{CLAUSE})*)?")
"""Most dependencies of pins. These are requirements; to parse them costs three times as much as to read a lock file of 900 pins."""
HINT = "restore the lock file from a copy, or fetch again"


def parse_lock(text: str, source: str) -> Lock:
    """Read a lock file that wheelhouse wrote.

    Raises InputError naming `source`, the place and the value for what is none; IntegrityError for a file name that leads
    out of the wheelhouse, or a sha256 that is none.
    """
    try:
        with too_deep_as(ValueError):
            return _lock(Pylock.from_dict(parse_toml(text)))
    except IntegrityError:
        raise
    except (PylockValidationError, InputError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        reason = next(iter(str(error).splitlines()), "it is damaged")
        raise InputError(f"`{source}` is not a lock that wheelhouse wrote: {reason}", hint=HINT) from error


def _lock(pylock: Pylock) -> Lock:
    """The lock of a parsed file. Raises ValueError without our own table, and for a requirement that is none.

    Its parts raise also the other errors that `parse_lock` names or turns into an InputError.
    """
    tables = pylock.tool or {}
    if TOOL not in tables:
        raise ValueError(f"it has no [tool.{TOOL}]")
    table = LOCK_TABLE.from_table(tables[TOOL], f"tool.{TOOL}")
    target, inputs = _target(table.target), _inputs(table.inputs)
    inputs.adjustments, list(map(_must_be_requirement, inputs.requirements))
    is_loose = str(pylock.requires_python) == loose_requires_python(target)
    return Lock(target, inputs, tuple(map(_pin, pylock.packages)), table.label, is_loose)


def _target(table: TargetTable) -> Target:
    """The target of its markers and tags, if the table has markers; else that of the names of Python and platform.

    Raises InputError if they are none.
    """
    if table.markers is not None:
        return Target.described(table.markers, tuple(expand(table.tags)))
    return Target.of(Python.parse(table.python), Platform.parse(table.platform))


def _inputs(table: InputsTable) -> Inputs:
    """The inputs of a table; `index` of old lock files is the first location."""
    return Inputs(
        requirements=table.requirements,
        constraints=tuple(ConstraintsFile(file.source, file.sha256) for file in table.constraints),
        locations=(*([IndexLocation(table.index)] if table.index is not None else []), *map(_location, table.indexes)),
        selection=_selection(table),
        airflow=table.airflow,
        without=table.without,
        constraints_sha256=table.constraints_sha256,
        overrides=table.overrides,
        excluded=table.excluded,
        hashes_sha256=table.hashes_sha256,
        given_sha256=table.given_sha256,
        pip_config=table.pip_config,
        settings_sha256=table.settings_sha256,
    )


def _selection(table: InputsTable) -> Selection:
    """The rules of a table of inputs for choosing files: wheels or sdists, pre-releases, hashes and upload times."""
    return Selection(
        only_binary=table.only_binary,
        no_binary=table.no_binary,
        pre=table.pre,
        only_final=table.only_final,
        prefer_binary=table.prefer_binary,
        require_hashes=table.require_hashes,
        uploaded_prior_to=table.uploaded_prior_to,
        age=table.uploaded_prior_to_age,
        prior_to_except=table.uploaded_prior_to_except,
    )


def _location(table: IndexTable) -> IndexLocation:
    """An index, or the folder or page of `find-links`, which counts if it has both. Raises ValueError if it has neither
    address.
    """
    address = table.url if table.find_links is None else table.find_links
    if address is None:
        raise ValueError(f"`tool.{TOOL}.inputs.indexes` has an index with neither `url` nor `find-links`")
    return IndexLocation(address, table.name, table.projects, table.find_links is not None)


def _pin(package: Package) -> Pin:
    """The pin of a package. Raises ValueError unless it has a version and exactly one file, apart from the sdist of a built
    wheel, and for a dependency that is no requirement; and as `_artifact`, `_built` and `_provenance`.
    """
    table = PIN_TABLE.from_table((package.tool or {}).get(TOOL, {}), f"packages[{package.name}].tool.{TOOL}")
    built = _built(table.built, kept=package.sdist is not None) if table.built else None
    sdists = () if built else (package.sdist, package.archive)
    files = [*(package.wheels or ()), *(file for file in sdists if file)]
    if len(files) != 1 or package.version is None:
        raise ValueError(
            f"{package.name} has {len(files)} files, but a lock file of wheelhouse has exactly one file for each project"
        )
    artifact = _artifact(files[0], table.archive)
    return Pin(
        project=package.name,
        version=package.version,
        artifact=artifact,
        index=package.index or table.index,
        requires_python=str(package.requires_python) if package.requires_python else None,
        extras=tuple(map(NormalizedName, table.extras)),
        dependencies=tuple(map(_dependency, table.dependencies)),
        sdist_because=table.sdist_because,
        provisional=table.provisional,
        build_lock=table.build_lock,
        build_lacks=table.build_lacks,
        yanked=table.yanked,
        constraint=table.constraint,
        rejected=tuple(Rejected(name, one.value()) for one in table.rejected for name in one.files),
        passed_over=tuple(Rejected(version, one.value()) for one in table.passed_over for version in one.releases),
        skipped=table.skipped,
        built=built,
        provenance=_provenance(table.provenance, package) if table.provenance else None,
        status=table.status,
        waived=tuple(_waiver(waiver, package.name, artifact.sha256) for waiver in table.waived),
    )


def _dependency(text: str) -> str:
    """The same dependency. Raises ValueError if it is no requirement."""
    if not PLAIN_DEPENDENCY.fullmatch(text):
        _must_be_requirement(text)
    return text


def _must_be_requirement(text: str) -> None:
    """Raises ValueError for what is no requirement, and for a version in it with more digits than Python reads."""
    hash(Requirement(text).specifier)


def _waiver(table: WaiverTable, project: NormalizedName, sha256: str) -> Waiver:
    """A waiver of a pin, with the pin's project and sha256."""
    return Waiver(table.rule, table.reason, table.who, table.until, project, sha256)


def _provenance(table: ProvenanceTable, package: Package) -> Provenance:
    """Where the attestations of a package's file were, and their sha256, with the package's identities of publishers.

    Raises KeyError for an identity without a `kind`.
    """
    return Provenance(table.url, table.sha256, tuple(map(identity_of, package.attestation_identities or ())))


def _artifact(file: PackageWheel | PackageSdist | PackageArchive, archive: str | None) -> Artifact:
    """The file of a package. A `packages.archive` has no name; `archive` is the one that our own table gives it, else that of
    its path or URL counts. A missing size is 0. Raises ValueError if the name has no suffix of a distribution, OverflowError
    for an upload time that UTC does not have, IntegrityError as `Artifact`, also without a sha256.
    """
    if file.upload_time:
        file.upload_time.astimezone(UTC)
    own_name = archive if isinstance(file, PackageArchive) else file.name
    name = _distribution_name(own_name or filename_of(file.path or file.url or ""))
    return Artifact(name, file.hashes.get("sha256", ""), file.size or 0, file.url, file.upload_time)


def _distribution_name(filename: str) -> str:
    """The same file name. Raises ValueError if it has no suffix of a wheel or an sdist: a lock file names nothing else, such
    as a `.py`.
    """
    if not filename.endswith(ARCHIVE_SUFFIXES):
        raise ValueError(f"`{filename!a}` is not the name of a wheel or an sdist")
    return filename


def _built(table: BuiltTable, *, kept: bool) -> Built:
    """How a wheel was built, always with its sdist. The sdist counts as kept in the wheelhouse if `kept` is true, or the
    table says so.

    Raises ValueError if the sdist's name has no suffix of a distribution, IntegrityError as `Artifact`.
    """
    sdist = table.sdist
    return Built(
        sdist=Artifact(_distribution_name(sdist.name), sdist.hashes.sha256, sdist.size, sdist.url, sdist.upload_time),
        interpreter=table.interpreter,
        glibc=table.glibc,
        sealed=table.sealed,
        sandbox=table.sandbox,
        lock=table.lock,
        requires=table.requires,
        libraries=table.libraries,
        repaired=table.repaired,
        kept=kept or table.kept_archive,
    )
