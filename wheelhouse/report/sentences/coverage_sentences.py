"""The sentences of what vetting did not look at (pure)."""

from collections.abc import Mapping

from wheelhouse.vet.coverage import GapKind

GAPS: Mapping[GapKind, str] = {
    GapKind.UNOPENED: "files that could not be opened: their contents were not read",
    GapKind.OTHER_FILE: "files that are not distributions: only their hash was checked; for a tar, also the names of its members",
    GapKind.DEBIAN_PACKAGE: "Debian packages: their hash and advisories were checked, not their contents",
    GapKind.BASE_IMAGE: "base images: their hash and the data of their Debian packages were read, not the other files in their layers",
    GapKind.SDIST_BUILD: "sdists: their contents were read, but not the wheel that a build would make",
    GapKind.NATIVE_CODE: "machine code: only the headers of ELF files were read, not the instructions",
    GapKind.OTHER_CODE: "templates, notebooks, and code in languages other than Python: not parsed",
    GapKind.NESTED_ARCHIVE: "archives inside files: not opened",
    GapKind.COMPILED_PYTHON: "compiled Python (.pyc): compared with its source; without a source, only its header was read",
    GapKind.TOO_LARGE: "members that are too long: only their beginning was read",
    GapKind.UNPARSED_SOURCE: "Python for another version, or in an encoding that cannot be read: parsed in part, or not at all",
    GapKind.UNFOLLOWED_SOURCE: "Python that exceeds a limit of the analysis: not analysed to its end",
    GapKind.SEARCHED_SOURCE: "Python files that contain none of the words that the rules look for: searched, not parsed",
    GapKind.UNREACHED_SOURCE: "Python files that no import can load: not parsed",
    GapKind.DATA: "all other members (data): only their first bytes were read, so code in files with an unusual suffix is not found",
}
"""What each kind of gap is, and how much of it was looked at."""
