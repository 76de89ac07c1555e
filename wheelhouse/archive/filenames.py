"""File names of distributions: which ones are wheels and sdists, and the project and version that a name states (pure).

Sources: the binary distribution format (wheels), PEP 625 (sdists), and pip's `ARCHIVE_EXTENSIONS` for sdists older than that.
"""

from functools import lru_cache
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from wheelhouse.humanize import shortened

WHEEL_SUFFIX = ".whl"
SDIST_SUFFIXES = (
    *(".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.lz", ".tar"),
)
"""The suffixes of sdists that pip accepts, best first."""
ARCHIVE_SUFFIXES = (WHEEL_SUFFIX, *SDIST_SUFFIXES)
"""The suffixes that pip installs from."""
UNREADABLE_SUFFIXES = (".tar.Z", ".tar.zst")
"""Suffixes of sdists that pip does not accept: Python cannot read `.tar.Z`, and reads `.tar.zst` since 3.14 only."""


def is_wheel(filename: str) -> bool:
    """Whether a file name ends in `.whl`."""
    return filename.endswith(WHEEL_SUFFIX)


def is_globbed(filename: str) -> bool:
    """Whether a file name ends in `.whl` or `.tar.gz`, as the glob of the files that Airflow's image build installs asks."""
    return filename.endswith((WHEEL_SUFFIX, SDIST_SUFFIXES[0]))


def filename_of(url: str) -> str:
    """The file name at the end of an address's path, without query and fragment; `%2B` and the like are decoded.

    It is empty if the path ends in a slash, and has a slash where `%2F` was. Raises ValueError for an invalid address, such
    as `http://[`.
    """
    return unquote(urlsplit(url).path.rpartition("/")[2])


@lru_cache(maxsize=65536)
def wheel_parts(filename: str) -> tuple[NormalizedName, Version, BuildTag, frozenset[Tag]]:
    """Project, version, build tag and tags that a wheel's file name states. Raises InvalidWheelFilename."""
    try:
        return parse_wheel_filename(filename, validate_order=False)
    except InvalidWheelFilename:
        raise
    except ValueError as error:  # a number with more digits than Python reads
        raise InvalidWheelFilename(f"`{shortened(filename)}` states a number with too many digits") from error


def release_of(filename: str) -> tuple[NormalizedName, Version]:
    """Project and version that the name of a wheel or sdist states; the likeliest if an sdist's name is ambiguous.

    Raises InvalidWheelFilename or InvalidSdistFilename.
    """
    return wheel_parts(filename)[:2] if is_wheel(filename) else sdist_releases(filename)[0]


@lru_cache(maxsize=4096)
def sdist_releases(filename: str) -> tuple[tuple[NormalizedName, Version], ...]:
    """Every project and version that an sdist's name may state, the likeliest first. Raises InvalidSdistFilename.

    Before PEP 625 both could contain hyphens: `a-1.0-2` is 1.0.post2 of `a` (an implicit post-release of PEP 440), or 2 of
    `a-1-0`. The shortest name comes first if its version has two numbers or more, as here, else last: `a-1-2` is 2 of `a-1`.
    """
    stem = sdist_stem(filename)
    if stem is None:
        raise InvalidSdistFilename(f"`{filename}` does not have the suffix of an sdist")
    hyphens = (at for at, letter in enumerate(stem) if letter == "-" and at)
    releases = [(canonicalize_name(stem[:at]), version) for at in hyphens if (version := _version(stem[at + 1 :]))]
    if not releases:
        raise InvalidSdistFilename(f"`{filename}` does not state a project and a version")
    return tuple(releases if len(releases[0][1].release) > 1 else reversed(releases))


def is_standard_sdist(filename: str, project: NormalizedName, version: Version) -> bool:
    """Whether packaging's `parse_sdist_filename` reads this project and version; False if it ends in neither `.tar.gz` nor `.zip`.

    pip finds no others in a `--find-links` folder, and PEP 751 allows no others as `packages.sdist`.
    """
    try:
        return parse_sdist_filename(filename) == (project, version)
    except ValueError:  # no such name, or a number with more digits than Python reads
        return False


def _version(text: str) -> Version | None:
    """A text as a version; None if it is none."""
    try:
        return Version(text)
    except ValueError:  # no version, or a number with more digits than Python reads
        return None


def sdist_stem(filename: str) -> str | None:
    """An sdist's file name without its suffix, also for suffixes that pip does not accept; None for another kind of file."""
    for suffix in (*SDIST_SUFFIXES, *UNREADABLE_SUFFIXES):
        if filename.endswith(suffix):
            return filename[: -len(suffix)]
    return None


def _has_tags(rest: str) -> bool:
    """Whether what follows a wheel's version can be three tags, or a build tag and three tags.

    Only the number of hyphens counts, and that a build tag begins with a digit.
    """
    hyphens = rest.count("-")
    return hyphens == 2 or (hyphens == 3 and rest[:1].isdigit())


class Filenames:
    """Takes the version out of the file names of one project's page, without parsing the rest of the name."""

    def __init__(self, project: NormalizedName) -> None:
        self._project = project
        self._ours: dict[str, bool] = {}
        self._last = ("", "")

    def version(self, filename: str) -> str | None:
        """The version as the file name spells it, not validated; None for what is neither a wheel nor an sdist of this project."""
        if filename.endswith(".whl"):
            start, version = self._last  # a release's wheels usually follow one another
            if version and filename.startswith(start):
                return version if _has_tags(filename[len(start) :]) else None
            name, _, rest = filename.partition("-")
            version, _, tags = rest.partition("-")
            if not version or not _has_tags(tags) or not self._is_ours(name):
                return None
            self._last = (f"{name}-{version}-", version)
            return version
        stem = sdist_stem(filename)
        return None if stem is None else self._sdist_version(stem)

    def _sdist_version(self, stem: str) -> str | None:
        """The part of a stem after the project's name; both can contain hyphens. None for another project, or if nothing follows."""
        end = -1
        for _ in range(stem.count("-")):
            end = stem.index("-", end + 1)
            if self._is_ours(stem[:end]):
                return stem[end + 1 :] or None
        return None

    def _is_ours(self, name: str) -> bool:
        """Whether a name normalises to the project's."""
        if name not in self._ours:
            self._ours[name] = canonicalize_name(name) == self._project
        return self._ours[name]
