"""Rules about integrity: each file is the one that the lock names, and every reader reads its archive alike (pure).

`verify` checks most of them when it opens the files.
"""

from collections.abc import Iterator

from packaging.tags import parse_tag

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, checked_elsewhere, rule

checked_elsewhere(
    Severity.ERROR,
    {
        "altered": "The sha256 or the size of the file differs from the lock file.",
        "missing": "The lock file names the file, but the folder does not have it.",
        "foreign": "No lock file of the wheelhouse names the file.\n\nAn installer that reads the folder can install this file.",
        "link": "The file is a link, but must be a regular file.\n\n"
        "The linked file can change, and a copy of the folder may not contain the linked file.",
        "swapped": "The project or the version of the file differs from the lock file.",
        "unfit": "No tag of the wheel is a tag of the target.",
        "requires-python": "The metadata in the file exclude the target's Python version.\n\n"
        "Installers refuse the file, even if the index states a different Requires-Python.",
        "closure": "The wheelhouse lacks a project that a file requires, or has a version of this project that the file excludes.\n\n"
        "The rule also finds a requirement that cannot be read, and a marker whose value on the target is unknown.",
        "archive": "The archive cannot be read.",
        "filename": "The name of the file is not a valid name of a wheel or sdist.",
        "metadata-mismatch": "METADATA and the name of the file differ in the project or the version.",
        "metadata-duplicate": "A field that identifies the file has two values.\n\n"
        "Some readers use the first value, others use the last. The rule checks Name, Version, Metadata-Version, Requires-Python, "
        "Wheel-Version and Root-Is-Purelib.",
        "archive-limit": "The archive or its metadata exceeds a limit, such as the number of members or the length of a name.\n\n"
        "The limits are far above the values of real files. Without limits, wheelhouse could need minutes to read a small file.",
        "wheel-dist-info": "The wheel does not have exactly one .dist-info folder of its project, with METADATA, WHEEL and RECORD.",
        "wheel-version": "The WHEEL file has no Wheel-Version 1.x.",
        "record-duplicate": "RECORD, the wheel's list of its files, has two different rows for one file.",
        "record-path": "RECORD, the wheel's list of its files, has an absolute path, or a path with `..`.\n\n"
        "pip keeps this row. When pip uninstalls the project, it deletes the file at this path.",
        "zip-structure": "The zip archive is damaged.",
        "zip-directory": "The central directory of the zip is damaged, or differs from the record at the end of the zip.",
        "zip-disagreement": "The two headers of a member differ from each other, or from the data.\n\n"
        "Two readers would unpack different bytes.",
        "zip-duplicate": "The archive has two members with the same name.\n\nSome readers use the first member, others the last.",
        "zip-hidden-data": "The archive has bytes that are outside every member, or that belong to two members.",
        "zip-trailing-data": "There are bytes after the end of the archive.",
        "zip-path": "A member could be unpacked outside the folder that the archive is unpacked into.",
        "zip-link": "A member is a link or a special file.",
        "zip-encrypted": "A member is encrypted, so nobody can read it.",
        "zip-method": "A member is compressed with a method that not every installer reads.",
        "zip-crc": "A member is damaged: its CRC does not match.",
        "zip-bomb": "The unpacked archive would be far larger than the archive.",
        "sdist-metadata": "The sdist does not have exactly one PKG-INFO in its top folder.",
        "sdist-path": "A member could be unpacked through a link, or outside the folder that the sdist is unpacked into.",
        "sdist-duplicate": "The sdist has two members with the same name and different contents, or a file and a folder with the same "
        "name.\n\nSome readers use the first member, others the last.",
        "sdist-sparse": "A member of the sdist is a sparse file.\n\nReaders differ in how they fill the gaps of a sparse file.",
        "sdist-bomb": "The unpacked sdist would be far larger than the sdist.",
    },
    waivable=False,
)
checked_elsewhere(
    Severity.ERROR,
    {
        "record-hash": "The hash of a file differs from its hash in RECORD, or RECORD has a hash of an unknown kind.",
        "record-size": "The size of a file differs from its size in RECORD.",
        "name-twins": "Two files with code or metadata in the wheel become one file on macOS and Windows.\n\n"
        "Their names differ only in case, or in the Unicode form of a letter (composed or decomposed). So macOS "
        "and Windows can run different code than Linux does.",
        "record-fields": "A row of RECORD, the wheel's list of its files, has more than three fields.\n\n"
        "The file name in the row contains commas, but is not in quotes. Some installers refuse the wheel.",
    },
)
checked_elsewhere(
    Severity.WARNING,
    {
        "unneeded": "No requirement needs the project on this target.",
        "left-aside": "The file is a temporary file of an interrupted run.",
        "legacy-metadata": "A Requires-Dist line does not follow PEP 508.\n\npip 24.1 and newer refuse the file.",
        "case-twins": "Two files have names that differ only in case.\n\nOn macOS and Windows, one of the two files is lost.",
        "record-missing-row": "RECORD, the wheel's list of its files, has no row for a file.\n\n"
        "Installers install this file, although no hash protects it.",
        "record-no-hash": "RECORD, the wheel's list of its files, has no hash for a file.",
        "record-weak-hash": "RECORD, the wheel's list of its files, has only a weak hash for a file.",
        "record-missing-file": "RECORD, the wheel's list of its files, has a row for a file that is not in the wheel.",
    },
)
checked_elsewhere(
    Severity.NOTE,
    {
        "several-versions": "The lock files of the targets have different versions of a project.\n\n"
        "An installer that gets only the folder takes the newest version. The right version is in "
        "requirements.<target>.txt."
    },
)


@rule(Severity.ERROR)
def other_bytes(facts: Facts, review: Review) -> Iterator[Observation]:
    """A file with the same name was approved before, but only with another sha256.

    On PyPI, nobody can replace a file. So at least one of the two files is not from PyPI. It can come from a mirror, your own
    build or an attacker.
    """
    approved = review.approvals.sha256s_of(facts.filename)
    sha256 = facts.pin.artifact.sha256
    if approved and sha256 not in approved:
        yield observed(sha256=sha256, approved=tuple(sorted(approved)))


@rule(Severity.WARNING)
def wheel_tags(facts: Facts, review: Review) -> Iterator[Observation]:
    """The tags in the WHEEL file differ from the tags in the name of the wheel.

    Installers use the tags in the name. The tags differ if the wheel was built for another platform and then renamed.
    """
    text = facts.texts.get(f"{facts.dist_info}/WHEEL")
    if text is None or not facts.pin.artifact.is_wheel:
        return
    lines = (line.partition(":") for line in text.splitlines())
    values = [value.strip() for key, _, value in lines if key.strip().lower() == "tag"]
    inside = {tag for value in values for tag in _tags(value)}
    in_name = set(map(str, wheel_parts(facts.filename)[3]))
    if inside and inside != in_name:
        yield observed(inside=tuple(sorted(inside)), in_name=tuple(sorted(in_name)))


def _tags(value: str) -> set[str]:
    """The tags that a `Tag` line of WHEEL names; for a value that names none, the value itself, or the word `(empty)`."""
    try:
        return set(map(str, parse_tag(value)))
    except ValueError:
        return {value or "(empty)"}
