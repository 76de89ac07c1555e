"""The manifest of a staged folder: the options that no lock holds, and a list of what `stage` wrote (pure).

The list helps the next `stage` to replace what this one wrote. `verify` believes none of it: it lays the folder out again
from its locks and the recorded options, and compares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError
from wheelhouse.lock.wheelhouse import sha256_of_text
from wheelhouse.stage.destination import FOLDER, Destination
from wheelhouse.stage.plan import Plan


class RecordedOptions(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """The options of `stage` that can decide what a folder holds, by their names in `[stage]` of the settings.

    `folder` is the name of the staged folder, as its Dockerfiles mount it.
    """

    base_image: str | None = None
    folder: str = FOLDER
    sdists: bool = False
    rename: str | None = None
    disable_mysql_client: bool = False
    disable_mssql_client: bool = False
    disable_postgres_client: bool = False
    dev_apt: list[str] = []
    runtime_apt: list[str] = []
    apt_sources: list[str] = []
    build_args: list[str] = []
    pypirc: bool = False
    piprc: bool = False


class _FileRow(msgspec.Struct):
    path: str
    sha256: str


class _Document(msgspec.Struct):
    layout: str
    route: str | None
    index: str | None
    files: tuple[_FileRow, ...]
    wheelhouse: str = ""
    options: RecordedOptions = RecordedOptions()
    signed: bool = False


_DOCUMENT = DocumentType(_Document)
OPTIONS = frozenset(RecordedOptions.__struct_encode_fields__)


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What a manifest says that no lock does.

    `version` is that of the wheelhouse that wrote it, empty if that one did not say so. `files` maps paths to the sha256
    that `stage` wrote there: nothing vouches for it.
    """

    version: str
    layout: str
    route: str | None
    index: str | None
    options: RecordedOptions
    signed: bool
    files: Mapping[str, str]

    @property
    def destination(self) -> Destination:
        """The folder by its recorded name, in the current folder. Raises InputError for a name that no Dockerfile takes."""
        destination = Destination(name=self.options.folder)
        if not destination.is_plain:
            raise InputError(f"the folder name {destination.name!r} cannot be written in a Dockerfile")
        return destination

    @property
    def choices(self) -> dict[str, Any]:
        """The recorded options, route and index by name, as `Choices.parse` reads them."""
        return {**msgspec.structs.asdict(self.options), "route": self.route, "index": self.index}


def manifest_text(plan: Plan, version: str, *, signed: bool) -> str:
    """The manifest of a plan, as JSON: its layout, release, route, target, index and options, the path and sha256 of each
    file and text, and which files were renamed. `version` is that of wheelhouse. `signed` is only noted: nothing is signed
    here.
    """
    files = {path: artifact.sha256 for path, artifact in plan.files.items()}
    files |= {path: sha256_of_text(text) for path, text in plan.texts.items()}
    document = {
        "wheelhouse": version,
        "layout": plan.layout,
        "release": plan.release,
        "route": plan.route,
        "target": plan.target,
        "index": plan.index,
        "options": dict(plan.options),
        "signed": signed,
        "files": [{"path": path, "sha256": sha256} for path, sha256 in sorted(files.items())],
        "renamed": plan.renamed,
    }
    return json.dumps(document, indent=2) + "\n"


def parse_manifest(text: str, source: str) -> StageRecord:
    """Read a manifest. An unknown key is ignored, a missing `wheelhouse`, `options` or `signed` gets its default, and
    paths are not checked.

    Raises InputError naming `source` for no JSON, another missing key, a value of another type, or an option that
    RecordedOptions lacks.
    """
    try:
        document = _DOCUMENT.from_json(text)
    except ValueError as error:
        raise not_staged(source, error) from error
    return StageRecord(
        document.wheelhouse,
        document.layout,
        document.route,
        document.index,
        document.options,
        document.signed,
        {row.path: row.sha256 for row in document.files},
    )


def not_staged(source: str, reason: object) -> InputError:
    """The error, to be raised, for a manifest that `stage` never writes."""
    return InputError(
        f"`{source}` is not a manifest that `wheelhouse stage` wrote: {reason}",
        hint="restore it, or stage into another folder",
    )
