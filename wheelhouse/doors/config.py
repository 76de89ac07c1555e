"""A job in a file: `wheelhouse.toml`, or `[tool.wheelhouse]` of `pyproject.toml`."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from wheelhouse.doors.disk import read_text
from wheelhouse.errors import InputError

FILES = ("wheelhouse.toml", "pyproject.toml")


class StageSettings(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """The `[stage]` table: the options of `wheelhouse stage`."""

    layout: str | None = None
    dest: str | None = None
    target: str | None = None
    base_image: str | None = None
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
    index: str | None = None
    uploaded_prior_to: str | None = None
    dest: str | None = None
    stage: StageSettings = msgspec.field(default_factory=StageSettings)

    def __post_init__(self) -> None:
        """One Python or platform may stand without a list."""
        for name in ("python", "platform"):
            if isinstance(value := getattr(self, name), str):
                msgspec.structs.force_setattr(self, name, [value])


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
        return tomllib.loads(read_text(path, "the settings"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"`{path}` is not TOML: {error}") from error


def _settings(table: dict[str, Any], path: Path) -> Settings:
    told = {key: value.isoformat() if isinstance(value, date) else value for key, value in table.items()}
    try:
        return msgspec.convert(told, Settings)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(Settings))
        raise InputError(f"`{path}`: {error}", hint=f"the keys are {known}") from error
