"""A job in a file: `wheelhouse.toml`, or `[tool.wheelhouse]` of `pyproject.toml`."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from packaging.utils import canonicalize_name

from wheelhouse.documents import parse_toml
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_text
from wheelhouse.findings import Policy, Severity, Waiver
from wheelhouse.lock.other_files import OtherFileRequest

if TYPE_CHECKING:
    from wheelhouse.signing.sign import PublicKey
    from wheelhouse.vet.approvals import Approvals

FILES = ("wheelhouse.toml", "pyproject.toml")


class StageSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The `[stage]` table: the options of `wheelhouse stage`."""

    layout: str | None = None
    dest: str | None = None
    target: str | None = None
    base_image: str | None = None
    index: str | None = None
    route: str | None = None
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


class WaiverSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """One entry of `[[policy.waivers]]`: a rule, the project, the file's sha256 or both, why, who says so, until when."""

    rule: str
    reason: str
    who: str
    until: date
    project: str | None = None
    sha256: str | None = None

    def waiver(self) -> Waiver:
        """The waiver that it means. Raises InputError for one without a reason, or that names neither project nor file."""
        if not self.reason.strip() or not self.who.strip():
            raise InputError(f"the waiver of {self.rule} must say its reason and who gives it")
        if self.project is None and self.sha256 is None:
            raise InputError(f"the waiver of {self.rule} must name a project or a sha256")
        project = canonicalize_name(self.project) if self.project else None
        return Waiver(self.rule, self.reason, self.who, self.until, project, self.sha256 and self.sha256.lower())


class FileSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """One entry of `[[files]]`: another file that the image needs, and what says which bytes it must have."""

    url: str
    sha256: str | None = None
    name: str = ""
    checksums: str | None = None
    signature: str | None = None
    key: str | None = None
    to: str | None = None
    unpack: bool = False
    strip: int = 0

    def wish(self) -> OtherFileRequest:
        """The wish that it means."""
        return OtherFileRequest(**msgspec.structs.asdict(self))


class PolicySettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The `[policy]` table: how `vet` weighs what it finds."""

    threshold: Literal["note", "warning", "error"] = "error"
    severities: dict[str, Literal["off", "note", "warning", "error"]] = {}
    waivers: list[WaiverSettings] = []
    cool_off_days: int | None = None
    advisories: str = "advisories.json"
    advisories_max_days: int = 30
    lookalikes: list[str] = []
    publishers: str = "publishers.json"
    trust_root: str | None = None
    licences_allowed: list[str] = []
    licences_denied: list[str] = []

    def policy(self) -> Policy:
        """The policy that it means."""
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
        )


class IndexSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """An `[indexes.NAME]` table: an index's address, or a folder or page of links, and the projects that come from it."""

    url: str | None = None
    find_links: str | None = None
    projects: list[str] = []
    token_file: str | None = None

    def __post_init__(self) -> None:
        """One address, no more and no less."""
        if (self.url is None) == (self.find_links is None):
            raise ValueError("an index has either `url` or `find-links`")


class ReviewerSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """One entry of `[[approvals.reviewers]]`: a name, and a public key as ssh-keygen writes it, or the file it stands in."""

    name: str
    key: str

    def public_key(self, folder: Path) -> "PublicKey":
        """The key that it means; a file counts from `folder`. Raises InputError."""
        from wheelhouse.signing.sign import load_public_key, public_key  # noqa: PLC0415  (cryptography, only where it is used)

        inline = self.key.startswith(("ssh-", "-----"))
        return (
            public_key(self.key.encode(), f"the key of {self.name}") if inline else load_public_key(folder / self.key)
        )


class ApprovalSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The `[approvals]` table: whose approvals count, how many a file needs, and where they are."""

    file: str = "approvals.intoto.jsonl"
    needed: Annotated[int, msgspec.Meta(ge=1)] = 1
    reviewers: list[ReviewerSettings] = []

    def read(self, folder: Path, today: date) -> "Approvals":
        """What was approved, as of a day; the file counts from `folder`. Raises InputError, IntegrityError."""
        from wheelhouse.vet.approvalsfile import read_approvals  # noqa: PLC0415

        return read_approvals(folder / self.file, self.keys(folder), today, self.needed)

    def keys(self, folder: Path) -> "dict[str, tuple[PublicKey, ...]]":
        """The keys that count, by reviewer; one who has several counts once."""
        found: dict[str, tuple[PublicKey, ...]] = {}
        for reviewer in self.reviewers:
            found[reviewer.name] = (*found.get(reviewer.name, ()), reviewer.public_key(folder))
        return found


class Settings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The whole file: the options of `wheelhouse fetch`, and a table for each other command."""

    requirements: list[str] = []
    requirement_files: list[str] = []
    constraints: list[str] = []
    python: list[str] | str = []
    platform: list[str] | str = []
    target_files: list[str] = []
    image: str | None = None
    airflow: str | None = None
    extras: list[str] = []
    disable_mysql_client: bool = False
    disable_mssql_client: bool = False
    disable_postgres_client: bool = False
    constraints_mode: str | None = None
    constraints_url: str | None = None
    overrides: list[str] = []
    excludes: list[str] = []
    groups: list[str] = []
    only_binary: list[str] = []
    no_binary: list[str] = []
    pre: bool | list[str] = False
    prefer_binary: bool = False
    require_hashes: bool | None = None
    default_index: str | None = msgspec.field(default=None, name="index")
    named: dict[str, IndexSettings] = msgspec.field(default_factory=dict, name="indexes")
    links: list[str] = msgspec.field(default_factory=list, name="find-links")
    no_index: bool = False
    use_pip_config: bool = False
    uploaded_prior_to: str | None = None
    uploaded_prior_to_except: dict[str, str] = {}
    dest: str | None = None
    approvals: ApprovalSettings = msgspec.field(default_factory=ApprovalSettings)
    files: list[FileSettings] = []
    policy: PolicySettings = msgspec.field(default_factory=PolicySettings)
    stage: StageSettings = msgspec.field(default_factory=StageSettings)

    def __post_init__(self) -> None:
        """One Python or platform may stand without a list."""
        for name in ("python", "platform"):
            if isinstance(value := getattr(self, name), str):
                msgspec.structs.force_setattr(self, name, [value])

    @property
    def indexes(self) -> list[str]:
        """As `--index` takes them."""
        named = [f"{name}={table.url}" for name, table in self.named.items() if table.url]
        return [self.default_index, *named] if self.default_index else named

    @property
    def find_links(self) -> list[str]:
        """As `--find-links` takes them."""
        return self.links + [f"{name}={table.find_links}" for name, table in self.named.items() if table.find_links]

    @property
    def index_projects(self) -> list[str]:
        """As `--from` takes them."""
        return [f"{name}={','.join(table.projects)}" for name, table in self.named.items() if table.projects]

    @property
    def index_tokens(self) -> list[str]:
        """As `--index-token-file` takes them."""
        return [f"{name}={table.token_file}" for name, table in self.named.items() if table.token_file]


def read_settings(folder: Path) -> Settings:
    """The settings that stand in a folder; empty ones where there are none. Raises InputError naming file and key."""
    own, project = (folder / name for name in FILES)
    if own.is_file():
        return _settings(_toml(own), own)
    if project.is_file() and (table := _toml(project).get("tool", {}).get("wheelhouse")) is not None:
        return _settings(table, project)
    return Settings()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_text(path, "the settings"))
    except ValueError as error:
        raise InputError(f"`{path}` is not TOML: {error}") from error


def _settings(table: dict[str, Any], path: Path) -> Settings:
    told = {key: value.isoformat() if isinstance(value, date) else value for key, value in table.items()}
    try:
        return msgspec.convert(told, Settings)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(Settings))
        raise InputError(f"`{path}`: {error}", hint=f"the keys are {known}") from error
