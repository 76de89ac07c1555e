"""The sentences of what vetting did not look at (pure)."""

from collections.abc import Mapping

from wheelhouse.vet.coverage import GapKind

GAPS: Mapping[GapKind, str] = {
    GapKind.UNOPENED: "files that could not be opened: nothing of their contents",
    GapKind.OTHER_FILE: "files that are no distributions: only their hash, and the names in a tar",
    GapKind.DEBIAN_PACKAGE: "Debian packages: their hash and advisories, not their contents",
    GapKind.BASE_IMAGE: "base images: their hash and what they say of themselves, not their layers",
    GapKind.SDIST_BUILD: "sdists: their contents, not what a build makes of them",
    GapKind.NATIVE_CODE: "machine code: the headers of ELF files, not instructions",
    GapKind.OTHER_CODE: "code in other languages, templates, notebooks: not parsed",
    GapKind.NESTED_ARCHIVE: "archives inside files (depth 1 and deeper): not opened",
    GapKind.COMPILED_PYTHON: "compiled Python (.pyc): compared with its source; without one, only its header",
    GapKind.TOO_LARGE: "members that are too long: only their beginning",
    GapKind.UNPARSED_SOURCE: "Python of another version, or in an encoding that cannot be read: not parsed, or in parts",
    GapKind.UNFOLLOWED_SOURCE: "Python that reached a limit: not followed to its end",
    GapKind.SEARCHED_SOURCE: "Python without any word that the rules need: searched, not parsed",
    GapKind.UNREACHED_SOURCE: "Python files that no import can name: not parsed",
    GapKind.DATA: "members with other names (data): only their first bytes, so code with an unusual suffix is not seen",
}
"""What each kind of gap is, and how much of it was looked at."""
