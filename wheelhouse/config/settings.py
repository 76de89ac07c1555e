"""The settings file: `wheelhouse.toml`, or `[tool.wheelhouse]` of `pyproject.toml`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from packaging.utils import canonicalize_name

from wheelhouse.config.declare import Texts, declared
from wheelhouse.config.options import FetchOptions, StageOptions
from wheelhouse.documents import DocumentType, parse_toml
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_text
from wheelhouse.findings import Policy, Severity, Waiver
from wheelhouse.lock.other_files import OtherFileRequest

FILES = ("wheelhouse.toml", "pyproject.toml")


WaiverState = Literal[
    "not_affected", "false_positive", "resolved", "resolved_with_pedigree", "exploitable", "in_triage"
]


class WaiverSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """A finding that somebody accepted until a certain day. The waiver names a rule, and a project or the sha256 of a file.

    `version`, `fingerprint` and `advisory` limit the waiver to one finding. `state` and `justification` say why a vulnerability
    does not matter. `vet --sbom` writes both keys into the bill of materials.
    """

    rule: str
    reason: str
    who: str
    until: date
    project: str | None = None
    sha256: str | None = None
    version: str | None = None
    fingerprint: str | None = None
    advisory: str | None = None
    state: WaiverState | None = None
    justification: str | None = None

    def waiver(self) -> Waiver:
        """The waiver that it stands for, with its hashes in lower case and its project normalised.

        Raises InputError if it has no reason, does not say who gives it, names neither project nor sha256, or an empty one.
        """
        if not self.reason.strip() or not self.who.strip():
            raise InputError(
                f"the waiver of {self.rule} must have a `reason`, and `who` must name the person who accepts the finding"
            )
        if not (self.project or self.sha256) or "" in (self.project, self.sha256):
            raise InputError(f"the waiver of {self.rule} must name a project or a sha256")
        project = canonicalize_name(self.project) if self.project else None
        return Waiver(
            self.rule,
            self.reason,
            self.who,
            self.until,
            project,
            self.sha256 and self.sha256.lower(),
            self.version,
            self.fingerprint and self.fingerprint.lower(),
            self.advisory,
            self.state or "",
            self.justification or "",
        )


class FileSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """A file that the image needs besides the distributions and the Debian packages, with a hash, a checksum file or a signature."""

    url: str
    sha256: str | None = None
    name: str = ""
    checksums: str | None = None
    signature: str | None = None
    key: str | None = None
    to: str | None = None
    unpack: bool = False
    strip: int = 0

    def request(self) -> OtherFileRequest:
        """The request that it stands for, unchecked."""
        return OtherFileRequest(**msgspec.structs.asdict(self))


class PolicySettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """How `vet` rates its findings."""

    threshold: Literal["note", "warning", "error"] = "error"
    severities: dict[str, Literal["off", "note", "warning", "error"]] = {}
    waivers: list[WaiverSettings] = []
    cool_off_days: int | None = None
    advisories: str = "advisories.json"
    advisories_max_days: int = 30
    kev: str | None = None
    epss: str | None = None
    vex: list[str] = []
    lookalikes: list[str] = []
    publishers: str = "publishers.json"
    trust_root: str | None = None
    licences_allowed: list[str] = []
    licences_denied: list[str] = []
    sandbox: list[Literal["seccomp", "cgroup"]] = []

    def policy(self) -> Policy:
        """The policy that it stands for. Raises InputError for a waiver that lacks something."""
        return Policy(
            severities={
                rule: None if name == "off" else Severity[name.upper()] for rule, name in self.severities.items()
            },
            threshold=Severity[self.threshold.upper()],
            waivers=tuple(waiver.waiver() for waiver in self.waivers),
            cool_off_days=self.cool_off_days,
            advisories_max_days=self.advisories_max_days,
            lookalikes=frozenset(map(canonicalize_name, self.lookalikes)),
            licences_allowed=frozenset(self.licences_allowed),
            licences_denied=frozenset(self.licences_denied),
            sandbox=frozenset(self.sandbox),
        )


class IndexSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """An additional source (an index, a folder, or a page of links), and the projects that come from this source."""

    url: str | None = None
    find_links: str | None = None
    projects: list[str] = []
    token_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse an index with no address, or with two."""
        if (self.url is None) == (self.find_links is None):
            raise ValueError("an index must have one address: `url` or `find-links`")


class ImageSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The base image, and the mirrors of image registries."""

    base: str | None = None
    mirrors: dict[str, str] = {}

    @property
    def options(self) -> dict[str, Any]:
        """The options of `fetch` that it sets, by field name: `base_image`, and `image_mirrors` as texts `REGISTRY=URL`."""
        mirrors = tuple(f"{registry}={url}" for registry, url in self.mirrors.items())
        return {**({"base_image": self.base} if self.base else {}), **({"image_mirrors": mirrors} if mirrors else {})}


class DebianSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The Debian packages of the image, and where they come from."""

    packages: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()
    base: str | None = None
    sources: tuple[str, ...] = ()
    keyrings: tuple[str, ...] = ()
    date: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The options of `fetch` that it sets, by field name; empty lists and texts are left out."""
        lists = {"development": self.development, "runtime": self.runtime}
        values = {
            "debs": self.packages,
            "deb_lists": {name: requests for name, requests in lists.items() if requests},
            "deb_base": self.base,
            "deb_sources": self.sources,
            "deb_keyrings": self.keyrings,
            "deb_date": self.date,
        }
        return {name: value for name, value in values.items() if value}


class ReviewerSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """A reviewer's name and public key."""

    name: str
    key: str
    role: str | None = None


class RoleSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """Which projects the reviewers of this role may approve, and how many of these reviewers must approve each file."""

    projects: tuple[str, ...] = ("*",)
    needed: Annotated[int, msgspec.Meta(ge=0)] = 0


class ApprovalSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """Whose approvals count, how many approvals each file needs, and where the approvals file is."""

    file: str = "approvals.intoto.jsonl"
    needed: Annotated[int, msgspec.Meta(ge=1)] = 1
    reviewers: list[ReviewerSettings] = []
    roles: dict[str, RoleSettings] = {}

    def __post_init__(self) -> None:
        """Refuse a reviewer with a role that is not described, or with two roles."""
        named: dict[str, str | None] = {}
        for reviewer in self.reviewers:
            if reviewer.role is not None and reviewer.role not in self.roles:
                raise ValueError(
                    f"`{reviewer.name}` has the role `{reviewer.role}`, but there is no [approvals.roles.{reviewer.role}]"
                )
            if named.setdefault(reviewer.name, reviewer.role) != reviewer.role:
                raise ValueError(f"`{reviewer.name}` has two roles")


class StoreSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The store that machines share, and the public keys whose signatures count in the store."""

    url: str | None = None
    trusted: tuple[str, ...] = ()


class JobTables(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """What a job may hold besides options."""

    index: str | None = None
    indexes: dict[str, IndexSettings] = {}
    find_links: list[str] = []
    debian: DebianSettings = msgspec.field(default_factory=DebianSettings)
    files: list[FileSettings] = []


class Tables(JobTables, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """What the file may hold besides options: a job of its own, further jobs, and the tables of other commands.

    `jobs` and `include` are read by `config/jobs`. `output` is the folder of the wheelhouses of jobs that name none.
    """

    approvals: ApprovalSettings = msgspec.field(default_factory=ApprovalSettings)
    policy: PolicySettings = msgspec.field(default_factory=PolicySettings)
    include: list[str] = []
    jobs: dict[str, Any] = {}
    output: str = "wheelhouses"
    store: StoreSettings = msgspec.field(default_factory=StoreSettings)
    store_mode: Literal["read", "read-write"] = "read-write"
    store_private: bool = False


@dataclass(frozen=True)
class Settings:
    """What a settings file says: the options of `fetch`, those of `stage`, and the tables of the other commands.

    `options` and `stage` hold only what the file sets, by the names of the fields of `FetchOptions` and `StageOptions`.
    `has_jobs` if the file has jobs besides the one of its own options, or includes files. `origin` is where they stand, for
    messages.
    """

    options: dict[str, Any] = field(default_factory=dict)
    stage: dict[str, Any] = field(default_factory=dict)
    approvals: ApprovalSettings = field(default_factory=ApprovalSettings)
    files: Sequence[FileSettings] = ()
    policy: PolicySettings = field(default_factory=PolicySettings)
    has_jobs: bool = False
    store: StoreSettings = field(default_factory=StoreSettings)
    store_is_read_only: bool = False
    store_private: bool = False
    origin: str = ""

    @property
    def wheelhouse(self) -> Path:
        """The folder of the wheelhouse, for commands that are given none: `dest` as it is written, else `wheels`."""
        return Path(self.options.get("dest", "wheels"))


def _keys(group: type) -> list[tuple[str, Any, Any]]:
    """The options of a group that are keys of the settings file, as `msgspec.defstruct` takes them: name, type, UNSET."""
    hints = get_type_hints(group)
    names = [name for name, facts in declared(group).items() if facts.is_key]
    return [(name, hints[name] | msgspec.UnsetType, msgspec.UNSET) for name in names]


StageTable = msgspec.defstruct(
    "StageTable", _keys(StageOptions), rename="kebab", forbid_unknown_fields=True, frozen=True
)
FILE_KEYS = {key[0]: key for key in _keys(FetchOptions)} | {
    "image": ("image", str | ImageSettings | msgspec.UnsetType, msgspec.UNSET)
}
"""The keys of the file that are options. `image` is a name, from which alone libc and Python follow, or the table of an image."""
File = msgspec.defstruct(
    "File",
    [*FILE_KEYS.values(), ("stage", StageTable, msgspec.field(default_factory=StageTable))],
    bases=(Tables,),
    rename="kebab",
    forbid_unknown_fields=True,
    frozen=True,
)
FILE: DocumentType[Any] = DocumentType(File)
JobTable = msgspec.defstruct(
    "JobTable", [*FILE_KEYS.values()], bases=(JobTables,), rename="kebab", forbid_unknown_fields=True, frozen=True
)
JOB: DocumentType[Any] = DocumentType(JobTable)
"""A table `[jobs.NAME]`."""
IncludedFile = msgspec.defstruct(
    "IncludedFile",
    [*FILE_KEYS.values(), ("jobs", dict[str, Any], {})],
    bases=(JobTables,),
    rename="kebab",
    forbid_unknown_fields=True,
    frozen=True,
)
INCLUDED: DocumentType[Any] = DocumentType(IncludedFile)
"""A file that `include` names: jobs, and the keys that they share."""


def read_settings(folder: Path) -> Settings:
    """The settings that a folder holds; empty ones if there are none. Raises InputError naming file and key."""
    held = settings_table(folder)
    return settings_of(*held) if held else Settings()


def settings_table(folder: Path) -> tuple[dict[str, Any], Path] | None:
    """The table of settings that a folder holds, and its file; None if it holds none. Raises InputError.

    It is wheelhouse.toml, else [tool.wheelhouse] of pyproject.toml.
    """
    own, project = (folder / name for name in FILES)
    if own.is_file():
        return read_toml(own), own
    tools = read_toml(project).get("tool") if project.is_file() else None
    if isinstance(tools, dict) and (table := tools.get("wheelhouse")) is not None:
        return table, project
    return None


def read_toml(path: Path) -> dict[str, Any]:
    """A file of settings as a table. Raises InputError if it cannot be read."""
    try:
        return parse_toml(read_text(path, "the settings file"))
    except ValueError as error:
        raise InputError(f"`{path}` is not TOML: {error}") from error


def settings_of(table: Mapping[str, Any], path: Path) -> Settings:
    """What the table of a file says, without further jobs and included files. Raises InputError naming file and key."""
    file = checked_table(table, FILE, path)
    has_jobs = bool(file.jobs or file.include)
    return Settings(
        options_of(file),
        _set(file.stage, StageOptions),
        file.approvals,
        file.files,
        file.policy,
        has_jobs,
        file.store,
        file.store_mode == "read",
        file.store_private,
        path.name,
    )


def options_of(job: Any) -> dict[str, Any]:  # noqa: ANN401  (a `File` or a `JobTable`)
    """The options of `fetch` that a file or a job sets, by the names of the fields of `FetchOptions`."""
    options: dict[str, Any] = _set(job, FetchOptions) | _locations(job) | job.debian.options
    if isinstance(job.image, ImageSettings):
        options |= options.pop("image").options
    return options


def checked_table(table: object, kind: DocumentType[Any], path: Path, place: str = "") -> Any:  # noqa: ANN401  (of `kind`)
    """A table of a file as one of the types of this module; `place` is where it stands in the file.

    A date is the same as its text, and one Python or platform needs no array. Raises InputError naming file and key.
    """
    if isinstance(table, Mapping):
        table = _as_texts(table)
    try:
        return kind.from_table(table, place)
    except ValueError as error:
        keys = ", ".join(sorted(field.encode_name for field in msgspec.structs.fields(kind.kind)))
        raise InputError(f"`{path}`: {error}", hint=f"the keys are {keys}") from error


def _as_texts(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with dates, also those in [debian], as texts, and one Python or platform as an array."""
    texts = _with_dates_as_text(table)
    if isinstance(debian := table.get("debian"), dict):
        texts["debian"] = _with_dates_as_text(debian)
    return texts | {key: [value] for key in ("python", "platform") if isinstance(value := texts.get(key), str)}


def _with_dates_as_text(table: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a table with the dates among its own values as texts; inner tables stay as they are."""
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in table.items()}


def _set(struct: Any, group: type) -> dict[str, Any]:  # noqa: ANN401  (a struct of `_keys`)
    """What a struct sets of a group's options, by field name; an empty array sets nothing."""
    values = {name: getattr(struct, name, msgspec.UNSET) for name, _, _ in _keys(group)}
    return {name: value for name, value in values.items() if value not in (msgspec.UNSET, None, ())}


def _locations(tables: JobTables) -> dict[str, Texts]:
    """The indexes of a file as `--index`, `--find-links`, `--from` and `--index-token-file` take them, by field name.

    Empty ones are left out.
    """
    named = tables.indexes.items()
    values = {
        "indexes": (*filter(None, [tables.index]), *(f"{name}={one.url}" for name, one in named if one.url)),
        "find_links": (*tables.find_links, *(f"{name}={one.find_links}" for name, one in named if one.find_links)),
        "index_projects": tuple(f"{name}={','.join(one.projects)}" for name, one in named if one.projects),
        "index_tokens": tuple(f"{name}={one.token_file}" for name, one in named if one.token_file),
    }
    return {name: texts for name, texts in values.items() if texts}
