"""Whether each file is what the lock says, and an archive that everybody reads alike: what `verify` finds while it opens them (pure)."""

from collections.abc import Iterator

from packaging.tags import parse_tag

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.findings import Severity
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Remark, Review, rule, told_by_verify

told_by_verify(
    Severity.ERROR,
    {
        "altered": "Its bytes are not those that the lock names.\n\nIts sha256 or its size differs from the lock's.",
        "missing": "The lock names it, and it is not in the folder.",
        "foreign": "No lock of the house names it.\n\nWhoever installs from the folder may install it.",
        "link": "It is a link where a file must be.\n\nWhat it leads to may change, or stay behind when the folder moves.",
        "swapped": "The file is of another project or version than the lock says.",
        "unfit": "No tag of the wheel fits the target.",
        "requires-python": "The file's own metadata exclude the target's Python.\n\nInstallers refuse it, whatever an index said of it.",
        "closure": "The house lacks what its own files ask for, or has another version of it.",
        "archive": "The archive cannot be read.",
        "filename": "The file's name is not that of a wheel or sdist.",
        "metadata-mismatch": "METADATA speaks of another project or version than the file's name does.",
        "wheel-dist-info": "The wheel does not have exactly one .dist-info folder of its own, with METADATA, WHEEL and RECORD.",
        "wheel-version": "WHEEL does not say Wheel-Version 1.x.",
        "record-duplicate": "RECORD has two rows for one file, which differ.",
        "zip-structure": "The zip archive is damaged.",
        "zip-directory": "The zip's directory is not what its end record says, or is damaged.",
        "zip-disagreement": "The two headers of a member, or a header and the data, differ.\n\nTwo readers would unpack two things.",
        "zip-duplicate": "The archive has a file twice.\n\nReaders differ in which of them counts.",
        "zip-hidden-data": "The archive holds bytes that belong to no member, or to two.",
        "zip-trailing-data": "Something follows the end of the archive.",
        "zip-path": "A member could be written outside its place.",
        "zip-link": "A member is a link or a special file.",
        "zip-encrypted": "A member is encrypted, so that nobody can look at it.",
        "zip-method": "A member is compressed in a way that not every installer reads.",
        "zip-crc": "A member is damaged: its CRC does not match.",
        "zip-bomb": "The archive would unpack to far more than its size.",
        "sdist-metadata": "The sdist does not have exactly one PKG-INFO at its top.",
        "sdist-path": "A member could be written outside its place, or lies behind a link.",
        "sdist-bomb": "The sdist would unpack to far more than its size.",
    },
    waivable=False,
)
told_by_verify(
    Severity.ERROR,
    {
        "record-hash": "A file does not have the hash that RECORD gives, or its hash is of an unknown kind.",
        "record-size": "A file does not have the size that RECORD gives.",
        "record-fields": "A row of RECORD has more than three fields.\n\nA name's commas were not quoted; some installers refuse it.",
    },
)
told_by_verify(
    Severity.WARNING,
    {
        "unneeded": "Nothing that was asked for needs it on this target.",
        "left-aside": "An interrupted run left it.",
        "legacy-metadata": "A Requires-Dist line is not what PEP 508 allows.\n\npip 24.1 and newer refuse the file.",
        "record-missing-row": "A file in the wheel is not in RECORD.\n\nInstallers put it in place, and no hash vouches for it.",
        "record-no-hash": "RECORD has no hash for a file.",
        "record-weak-hash": "RECORD vouches for a file with a weak hash only.",
        "record-missing-file": "RECORD names a file that is not in the wheel.",
    },
)
told_by_verify(
    Severity.NOTE,
    {
        "several-versions": "The targets' locks have different versions of a project.\n\n"
        "An installer that is told only of the folder takes the newest; requirements.<target>.txt names the right one."
    },
)


@rule(Severity.ERROR)
def other_bytes(facts: Facts, review: Review) -> Iterator[Remark]:
    """A file of this name was approved before, with another sha256.

    No index lets anybody replace a file; a mirror, a build of one's own, or whoever has broken in may.
    """
    seen = review.approvals.bytes_of(facts.filename)
    if seen and facts.pin.artifact.sha256 not in seen:
        yield (
            f"its sha256 is {facts.pin.artifact.sha256}, and {', '.join(sorted(seen))} was approved",
            "find out who replaced it",
        )


@rule(Severity.WARNING)
def wheel_tags(facts: Facts, review: Review) -> Iterator[Remark]:
    """The tags in WHEEL are not those of the file's name.

    Installers go by the name; a wheel that was made for something else was renamed, and not retagged.
    """
    text = facts.texts.get(f"{facts.dist_info}/WHEEL")
    if text is None or not facts.pin.artifact.is_wheel:
        return
    lines = (line.partition(":") for line in text.splitlines())
    told = {str(tag) for key, _, value in lines if key.strip().lower() == "tag" for tag in parse_tag(value.strip())}
    named = set(map(str, wheel_parts(facts.filename)[3]))
    if told and told != named:
        yield (
            f"its WHEEL says {', '.join(sorted(told))}, and its name says {', '.join(sorted(named))}",
            "ask who renamed it; `wheel tags` renames and retags",
        )
