"""A pylock.toml as an input (PEP 751), wheelhouse's own or another tool's: nothing is resolved, the lock decides."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import tomli
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.errors import InputError, NoSolutionError
from wheelhouse.model.artifact import Candidate
from wheelhouse.model.filenames import filename_of, release_of
from wheelhouse.model.sources import STRONG_HASHES
from wheelhouse.model.target import Target

NAME = re.compile(r"(?:.*/)?pylock(?:\.[^./]+)?\.toml")


@dataclass(frozen=True)
class Given:
    """A lock that was given: where it was read, its text's sha256, and what it says."""

    source: str
    sha256: str
    pylock: Pylock

    def select(self, target: Target, extras: Collection[str], groups: Collection[str]) -> tuple[Candidate, ...]:
        """The file of each project on a target. Raises NoSolutionError where the lock does not cover it."""
        environment: Any = dict(target.environment)
        try:
            selected = list(
                self.pylock.select(
                    environment=environment,
                    tags=target.tags,
                    extras=[canonicalize_name(extra) for extra in extras],
                    dependency_groups=list(groups) or None,
                )
            )
        except PylockSelectError as error:
            hint = "lock again with the tool that wrote it, for this target too; or give the requirements themselves"
            raise NoSolutionError(f"`{self.source}` does not serve {target.name}: {error}", hint=hint) from error
        return tuple(self._candidate(package, file) for package, file in selected)

    def _candidate(
        self, package: Package, file: PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist
    ) -> Candidate:
        if isinstance(file, PackageVcs | PackageDirectory):
            kind = "a repository" if isinstance(file, PackageVcs) else "a folder"
            hint = "build a wheel of it where you trust the code, and lock that"
            raise InputError(f"`{self.source}` takes {package.name} from {kind}, and not from a file", hint=hint)
        hashes = {name: digest.lower() for name, digest in file.hashes.items() if name in STRONG_HASHES}
        if not hashes:
            hint = "lock again with a tool that writes sha256"
            raise InputError(f"`{self.source}` gives no strong hash for {package.name}", hint=hint)
        named = None if isinstance(file, PackageArchive) else file.name
        filename, url = self._located(package, named, file.url, file.path or "")
        return Candidate(
            project=package.name,
            version=package.version or _version(filename, self.source),
            filename=filename,
            url=url,
            index=package.index or "",
            hashes=hashes,
            size=file.size,
            upload_time=_in_utc(moment) if (moment := getattr(file, "upload_time", None)) else None,
            requires_python=str(package.requires_python) if package.requires_python else None,
        )

    def _located(self, package: Package, named: str | None, url: str | None, path: str) -> tuple[str, str]:
        """A file's name, and its path or address."""
        try:
            return named or filename_of(url or path), url or _beside(self.source, path)
        except ValueError as error:
            raise InputError(f"`{self.source}` gives an address of {package.name} that cannot be read") from error


def _in_utc(moment: datetime) -> str:
    """A time as TOML has it; one that names no zone is in UTC (PEP 751)."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _version(filename: str, source: str) -> Version:
    try:
        return release_of(filename)[1]
    except ValueError as error:
        raise InputError(f"`{source}` names `{filename}`, which is neither a wheel nor an sdist") from error


def _beside(source: str, path: str) -> str:
    """A path in a lock counts from where the lock lies."""
    if "://" in source:
        return urljoin(source, path)
    return path if path.startswith("/") else f"{source.rpartition('/')[0] or '.'}/{path}"


def is_given_name(name: str) -> bool:
    """Whether a file that was named as requirements is a lock: `pylock.toml` or `pylock.<name>.toml`."""
    return NAME.fullmatch(name) is not None


def parse_given(text: str, source: str, sha256: str) -> Given:
    """Read a lock. Raises InputError for what is not one."""
    try:
        return Given(source, sha256, Pylock.from_dict(tomli.loads(text)))
    except PylockUnsupportedVersionError as error:
        raise InputError(f"`{source}` is of a kind that is not known: {error}") from error
    except (tomli.TOMLDecodeError, PylockValidationError, RecursionError) as error:
        raise InputError(f"`{source}` is not a lock as PEP 751 has it: {error}") from error
