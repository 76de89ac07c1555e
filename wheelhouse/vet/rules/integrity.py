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
        "altered": "The bytes differ from those that the lock file names.\n\nThe sha256 or the size differs from the lock file's.",
        "missing": "The lock file names the file, and it is not in the folder.",
        "foreign": "No lock file of the wheelhouse names the file.\n\nAn install from the folder may install it.",
        "link": "The file is a link, and must be a regular file.\n\n"
        "The target of a link can change, or stay behind when the folder is moved.",
        "swapped": "The file is of another project or version than the lock file says.",
        "unfit": "No tag of the wheel fits the target.",
        "requires-python": "The file's own metadata exclude the Python of the target.\n\n"
        "Installers refuse the file, even if an index says something else.",
        "closure": "The wheelhouse lacks a project that its own files require, or has a version that they exclude.",
        "archive": "The archive cannot be read.",
        "filename": "The name of the file is not the name of a wheel or sdist.",
        "metadata-mismatch": "METADATA names another project or version than the name of the file.",
        "metadata-duplicate": "A field that decides what the file is has two values.\n\n"
        "Some readers take the first, others the last: Name, Version, Metadata-Version, Requires-Python, Wheel-Version, Root-Is-Purelib.",
        "archive-limit": "The archive or its metadata exceed a limit: of members, rows, fields, or the length of a name.\n\n"
        "The limits are far above real files. A small file that takes minutes to read stops everybody who reads it.",
        "wheel-dist-info": "A wheel must have one .dist-info folder of its own, with METADATA, WHEEL and RECORD.",
        "wheel-version": "The WHEEL file does not say Wheel-Version 1.x.",
        "record-duplicate": "RECORD has two rows for one file, and they differ.",
        "record-path": "RECORD names an absolute path, or one with `..`.\n\n"
        "pip keeps such a row, and deletes that file when it uninstalls the project.",
        "zip-structure": "The zip archive is damaged.",
        "zip-directory": "The directory of the zip is damaged, or differs from what its end record says.",
        "zip-disagreement": "The two headers of a member differ, or one differs from the data.\n\n"
        "Two readers would unpack different bytes.",
        "zip-duplicate": "The archive has two members of the same name.\n\nReaders differ in which of the two they use.",
        "zip-hidden-data": "The archive has bytes that belong to no member, or to two.",
        "zip-trailing-data": "There are bytes after the end of the archive.",
        "zip-path": "A member could be written outside its folder.",
        "zip-link": "A member is a link or a special file.",
        "zip-encrypted": "A member is encrypted, so nobody can read it.",
        "zip-method": "A member is compressed with a method that not every installer reads.",
        "zip-crc": "A member is damaged: its CRC does not match.",
        "zip-bomb": "The archive would unpack to far more than its size.",
        "sdist-metadata": "An sdist must have one PKG-INFO in its top folder.",
        "sdist-path": "A member could be written outside its folder, or lies behind a link.",
        "sdist-duplicate": "The sdist has two members of the same name, with two contents.\n\nReaders differ in which of the two they use.",
        "sdist-sparse": "A member of the sdist is sparse.\n\nReaders differ in how they fill its gaps.",
        "sdist-bomb": "The sdist would unpack to far more than its size.",
    },
    waivable=False,
)
checked_elsewhere(
    Severity.ERROR,
    {
        "record-hash": "The hash of a file differs from RECORD, or RECORD has a hash of an unknown kind.",
        "record-size": "The size of a file differs from RECORD.",
        "name-twins": "Two files of the wheel are one file on macOS and Windows, and have code or metadata.\n\n"
        "Their names differ in case, or in how Unicode composes a letter. On those systems, another file runs than on Linux.",
        "record-fields": "A row of RECORD has more than three fields.\n\nA name with commas was not quoted; some installers refuse it.",
    },
)
checked_elsewhere(
    Severity.WARNING,
    {
        "unneeded": "No requirement needs the project on this target.",
        "left-aside": "An interrupted run left the file.",
        "legacy-metadata": "A Requires-Dist line does not follow PEP 508.\n\npip 24.1 and newer refuse the file.",
        "case-twins": "Two files are one file on macOS and Windows: their names differ in case.\n\nOne of the two is lost there.",
        "record-missing-row": "RECORD has no row for a file of the wheel.\n\nInstallers install the file, and no hash protects it.",
        "record-no-hash": "RECORD has no hash for a file.",
        "record-weak-hash": "RECORD has only a weak hash for a file.",
        "record-missing-file": "RECORD names a file that the wheel does not have.",
    },
)
checked_elsewhere(
    Severity.NOTE,
    {
        "several-versions": "The lock files of the targets have different versions of a project.\n\n"
        "An installer that gets only the folder takes the newest; requirements.<target>.txt names the right one."
    },
)


@rule(Severity.ERROR)
def other_bytes(facts: Facts, review: Review) -> Iterator[Observation]:
    """A file of this name was approved before, with another sha256.

    An index does not let anybody replace a file. A mirror, your own build or an attacker can replace it.
    """
    approved = review.approvals.sha256s_of(facts.filename)
    sha256 = facts.pin.artifact.sha256
    if approved and sha256 not in approved:
        yield observed(sha256=sha256, approved=tuple(sorted(approved)))


@rule(Severity.WARNING)
def wheel_tags(facts: Facts, review: Review) -> Iterator[Observation]:
    """The tags in the WHEEL file differ from the tags in the name of the wheel.

    Installers use the name. A wheel that was made for another platform was renamed, and not retagged.
    """
    text = facts.texts.get(f"{facts.dist_info}/WHEEL")
    if text is None or not facts.pin.artifact.is_wheel:
        return
    lines = (line.partition(":") for line in text.splitlines())
    inside = {str(tag) for key, _, value in lines if key.strip().lower() == "tag" for tag in parse_tag(value.strip())}
    in_name = set(map(str, wheel_parts(facts.filename)[3]))
    if inside and inside != in_name:
        yield observed(inside=tuple(sorted(inside)), in_name=tuple(sorted(in_name)))
