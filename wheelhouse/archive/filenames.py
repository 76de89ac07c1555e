"""File names of distributions: which ones are wheels and sdists, and the project and version that a name states (pure).

Sources: the binary distribution format (wheels), PEP 625 (sdists), and pip's `ARCHIVE_EXTENSIONS` for sdists older than that.
"""

from functools import lru_cache
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

WHEEL_SUFFIX = ".whl"
SDIST_SUFFIXES = (
    *(".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.lz", ".tar"),
)
"""What pip takes as an sdist, the preferred first."""
ARCHIVE_SUFFIXES = (WHEEL_SUFFIX, *SDIST_SUFFIXES)
"""What pip installs from."""
UNREADABLE_SUFFIXES = (".tar.Z", ".tar.zst")
"""Sdists that pip does not take: Python has no reader for the first, and its reader for the second is too new."""


def is_wheel(filename: str) -> bool:
    """Whether a file is a wheel by its name."""
    return filename.endswith(WHEEL_SUFFIX)


def is_sdist(filename: str) -> bool:
    """Whether a file is an sdist by its name, of a kind that pip takes."""
    return filename.endswith(SDIST_SUFFIXES)


def is_globbed(filename: str) -> bool:
    """Whether Airflow's image build, which installs `*.{whl,tar.gz}` of its folder, takes a file for something to install."""
    return filename.endswith((WHEEL_SUFFIX, SDIST_SUFFIXES[0]))


def filename_of(url: str) -> str:
    """The file name at the end of an address, `%2B` and the like decoded."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


@lru_cache(maxsize=65536)
def wheel_parts(filename: str) -> tuple[NormalizedName, Version, BuildTag, frozenset[Tag]]:
    """Project, version, build tag and tags that a wheel's file name states. Raises InvalidWheelFilename."""
    return parse_wheel_filename(filename, validate_order=False)


def release_of(filename: str) -> tuple[NormalizedName, Version]:
    """Project and version that the name of a wheel or sdist states. Raises InvalidWheelFilename or InvalidSdistFilename."""
    return wheel_parts(filename)[:2] if is_wheel(filename) else sdist_releases(filename)[0]


@lru_cache(maxsize=4096)
def sdist_releases(filename: str) -> tuple[tuple[NormalizedName, Version], ...]:
    """Every project and version that an sdist's name may state, the likeliest first. Raises InvalidSdistFilename.

    Before PEP 625 both could hold hyphens: `a-1.0-2` is 1.0.post2 of `a` (an implicit post-release of PEP 440), or 2 of `a-1-0`.
    """
    stem = sdist_stem(filename)
    if stem is None:
        raise InvalidSdistFilename(f"`{filename}` ends as no sdist does")
    hyphens = (at for at, letter in enumerate(stem) if letter == "-" and at)
    releases = [(canonicalize_name(stem[:at]), version) for at in hyphens if (version := _version(stem[at + 1 :]))]
    if not releases:
        raise InvalidSdistFilename(f"`{filename}` does not state a project and a version")
    return tuple(releases if len(releases[0][1].release) > 1 else reversed(releases))


def is_standard_sdist(filename: str, project: NormalizedName, version: Version) -> bool:
    """Whether an sdist is named so that packaging's `parse_sdist_filename` reads it: as `.tar.gz` or `.zip`.

    pip finds no other in a folder of `--find-links`, and readers of PEP 751 take no other as `packages.sdist`.
    """
    try:
        return parse_sdist_filename(filename) == (project, version)
    except InvalidSdistFilename:
        return False


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:  # no version, or a number with more digits than Python reads
        return None


def sdist_stem(filename: str) -> str | None:
    """An sdist's file name without its suffix; None for a file of another kind. Sdists that nobody can read are sdists."""
    for suffix in (*SDIST_SUFFIXES, *UNREADABLE_SUFFIXES):
        if filename.endswith(suffix):
            return filename[: -len(suffix)]
    return None


class Filenames:
    """Splits the file names on one project's page into version and the rest, without parsing what nobody asks for."""

    def __init__(self, project: NormalizedName) -> None:
        self._project = project
        self._ours: dict[str, bool] = {}
        self._last = ("-", "")

    def version(self, filename: str) -> str | None:
        """The version as the file name spells it, or None for what is neither a wheel nor an sdist of this project."""
        if filename.endswith(".whl"):
            start, known = self._last  # a release's wheels usually stand together
            if filename.startswith(start):
                return known
            name, _, rest = filename.partition("-")
            version, _, tags = rest.partition("-")
            hyphens = tags.count("-")
            whole = hyphens == 2 or (hyphens == 3 and tags[:1].isdigit())
            if not whole or not self._is_ours(name):
                return None
            self._last = (f"{name}-{version}-", version)
            return version
        stem = sdist_stem(filename)
        return None if stem is None else self._sdist_version(stem)

    def _sdist_version(self, stem: str) -> str | None:
        """What follows the project's name, which may hold hyphens itself, as may the version."""
        end = -1
        for _ in range(stem.count("-")):
            end = stem.index("-", end + 1)
            if self._is_ours(stem[:end]):
                return stem[end + 1 :] or None
        return None

    def _is_ours(self, name: str) -> bool:
        known = self._ours.get(name)
        if known is None:
            known = self._ours[name] = canonicalize_name(name) == self._project
        return known
