"""A lock file as an input (PEP 751), from any tool: it is used as it is, and nothing is resolved (pure)."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

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

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.filenames import filename_of, release_of
from wheelhouse.documents import parse_toml
from wheelhouse.errors import InputError, NoSolutionError
from wheelhouse.humanize import shortened
from wheelhouse.resolve.direct import STRONG_HASHES, is_digest
from wheelhouse.target.target import Target

EXPORTS = {
    "uv.lock": "uv export --no-emit-project --format pylock.toml -o pylock.toml",
    "poetry.lock": "poetry export -f requirements.txt -o requirements.txt",
    "pdm.lock": "pdm export -f requirements -o requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
}
"""Lock formats of one tool only, and the command that exports each in a format that other tools read."""
LOCK_AGAIN = "lock again with a tool that writes sha256 hashes"
ADDRESS_SCHEME = re.compile("^[A-Za-z]+(?=://)")
NAME = re.compile(r"(?:.*/)?pylock(?:\.[^./]+)?\.toml")


@dataclass(frozen=True)
class PylockInput:
    """A lock file as an input: the sha256 of its text, and its content. `is_file` tells if a path is a file.

    `source` is where it was read, for output: a URL without credentials. `base` is the same with them; relative paths start there.
    """

    source: str
    sha256: str
    pylock: Pylock
    is_file: Callable[[str], bool]
    base: str

    def left_out(self, taken: Iterable[Candidate]) -> list[str]:
        """The projects of the lock file of which no file was taken, sorted: they are for other targets, extras or groups."""
        projects = {candidate.project for candidate in taken}
        return sorted({package.name for package in self.pylock.packages} - projects)

    def select(self, target: Target, extras: Collection[str], groups: Collection[str]) -> tuple[Candidate, ...]:
        """The file of each project that a target needs, with these extras, the default groups and `groups`.

        Raises NoSolutionError if the lock file does not cover the target, or does not declare one of the extras or groups,
        InputError for a project that comes from no file, has no strong hash, a malformed one or a negative size, or whose
        address or file name cannot be used.
        """
        all_groups = [*(self.pylock.default_groups or ()), *groups]
        environment: Any = dict(target.environment)
        try:
            selected = list(
                self.pylock.select(
                    environment=environment,
                    tags=target.tags,
                    extras=[canonicalize_name(extra) for extra in extras],
                    dependency_groups=all_groups or None,
                )
            )
        except PylockSelectError as error:
            hint = (
                "lock again with the tool that wrote the file, and include this target; "
                "or give the requirements instead of the lock file"
            )
            raise NoSolutionError(f"`{self.source}` cannot be used for {target.name}: {error}", hint=hint) from error
        return tuple(self._candidate(package, file) for package, file in selected)

    def _candidate(
        self, package: Package, file: PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist
    ) -> Candidate:
        """A file of the lock as a candidate, with its strong hashes alone. The file name gives a missing version.

        Raises InputError for a repository, a folder (also one of an archive), and a file without a strong hash, with a
        malformed one or a negative size, or whose address or name cannot be used.
        """
        if isinstance(file, PackageVcs | PackageDirectory):
            kind = "a repository" if isinstance(file, PackageVcs) else "a folder"
            hint = "build a wheel of the project, and lock that wheel"
            raise InputError(f"`{self.source}` takes {package.name} from {kind}, and not from a file", hint=hint)
        if isinstance(file, PackageArchive) and file.subdirectory:
            sentence = f"`{self.source}` takes {package.name} from the folder `{file.subdirectory}` of an archive"
            raise InputError(sentence, hint="if you trust the code, build a wheel of the project, and lock that wheel")
        lower = {name.lower(): digest.lower() for name, digest in file.hashes.items()}
        hashes = {name: digest for name, digest in lower.items() if name in STRONG_HASHES}
        if not hashes:
            raise InputError(f"`{self.source}` has no strong hash for {package.name}", hint=LOCK_AGAIN)
        if malformed := next((pair for pair in hashes.items() if not is_digest(*pair)), None):
            algorithm, digest = malformed
            sentence = (
                f"`{self.source}`: `{shortened(digest)}`, the {algorithm} of {package.name}, is not a {algorithm}"
            )
            raise InputError(sentence, hint=LOCK_AGAIN)
        if file.size is not None and file.size < 0:
            raise InputError(f"`{self.source}`: the size of {package.name} is negative: {file.size}", hint=LOCK_AGAIN)
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
            upload_time=_iso_time(moment) if (moment := getattr(file, "upload_time", None)) else None,
            requires_python=str(package.requires_python) if package.requires_python else None,
        )

    def _located(self, package: Package, named: str | None, url: str | None, path: str) -> tuple[str, str]:
        """A file's name, and its location: its path beside the lock if that file exists or there is no URL, else the URL.

        Raises InputError for an address that cannot be read, or for a taken URL of another scheme than http(s) and `file:`;
        one without a scheme is taken as it is.
        """
        try:
            beside = _beside(self.base, path) if path else ""
            here = bool(beside) and "://" not in self.source and self.is_file(beside)
            if url and not here and urlsplit(url).scheme not in ("", "http", "https", "file"):
                raise ValueError(url)
            url = ADDRESS_SCHEME.sub(lambda scheme: scheme[0].lower(), url or "")
            return named or filename_of(url or path), beside if here or not url else url
        except ValueError as error:
            raise InputError(f"`{self.source}`: the address of {package.name} cannot be read") from error


def _iso_time(moment: datetime) -> str:
    """A time in ISO 8601, in its own time zone; one without a time zone is in UTC (PEP 751)."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _version(filename: str, source: str) -> Version:
    """The version in a file name. Raises InputError if it is not a wheel's or sdist's name."""
    try:
        return release_of(filename)[1]
    except ValueError as error:
        raise InputError(f"`{source}` lists `{filename}`, which is neither a wheel nor an sdist") from error


def _beside(source: str, path: str) -> str:
    """A path of a lock file, relative to its folder or URL, as a path or URL to read; in a folder, an absolute path as it
    is.
    """
    if "://" in source:
        return urljoin(source, path)
    return path if path.startswith("/") else f"{source.rpartition('/')[0] or '.'}/{path}"


def is_pylock_name(name: str) -> bool:
    """Whether the name of a requirements file, with or without folders, is `pylock.toml` or `pylock.<name>.toml`, where
    `<name>` has no dot (PEP 751).
    """
    return NAME.fullmatch(name) is not None


def parse_pylock_input(
    text: str, source: str, sha256: str, is_file: Callable[[str], bool], base: str | None = None
) -> PylockInput:
    """Read a lock file of any tool. Without `base`, relative paths start at `source`. Raises InputError for anything else, and
    for a version of the format that is not supported.
    """
    try:
        return PylockInput(source, sha256, Pylock.from_dict(parse_toml(text)), is_file, base or source)
    except PylockUnsupportedVersionError as error:
        raise InputError(f"`{source}` has an unknown version of the format: {error}") from error
    except (ValueError, PylockValidationError) as error:
        raise InputError(f"`{source}` is a lock file that does not follow PEP 751: {error}") from error
