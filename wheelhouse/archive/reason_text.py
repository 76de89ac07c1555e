"""The English of reasons: the only module that has it. It is here because errors of `resolve` quote reasons, too (pure)."""

from collections.abc import Mapping
from dataclasses import asdict

from wheelhouse.archive.reasons import (
    BadFilename,
    BadPageEntry,
    FitsLess,
    HashNotAllowed,
    InvalidRequirementLine,
    NoFittingTag,
    OtherWords,
    Reason,
    RequiresPython,
    SdistExcluded,
    UnreadableFormat,
    UnreadableRequirement,
    UploadedTooLate,
    WheelExcluded,
    Yanked,
)
from wheelhouse.humanize import shortened

TEXTS: Mapping[type[Reason], str] = {
    NoFittingTag: "none of its tags fits {target}",
    FitsLess: "{better} fits better",
    UnreadableFormat: "pip does not unpack a {suffix}",
    RequiresPython: "requires Python {specifier}, but the target has {python}",
    Yanked: "it was yanked: {explanation}",
    BadFilename: "its name is not the name of a wheel: {problem}",
    HashNotAllowed: "no requirement line allows its {algorithm} {digest}",
    WheelExcluded: "it is a wheel, and --no-binary excludes wheels",
    SdistExcluded: "it is an sdist, and --only-binary excludes sdists",
    UploadedTooLate: "it was uploaded on {date}, after the latest time that is allowed",
    UnreadableRequirement: "requires `{line}`, which cannot be read: {problem}",
    OtherWords: "{text}",
}
PAGE_ENTRIES = {
    "url": "no address",
    "scheme": "an address that is neither http nor https",
    "sha256": "a malformed sha256",
}
NEW_PIPS_REFUSE = "pip 24.1 and newer refuse it; pip 24.0 and older accept it"


def reason_text(reason: Reason) -> str:
    """A reason as a clause about the file or release: "requires Python >=3.13, but the target has 3.12.4". Long details are shortened."""
    match reason:
        case Yanked(""):
            return "it was yanked"
        case BadPageEntry(field):
            return f"on the index page, the file has {PAGE_ENTRIES.get(field, field)}"
        case InvalidRequirementLine(line, old_pip_reads_it):
            pips = NEW_PIPS_REFUSE if old_pip_reads_it else "pip refuses it"
            return f"requires `{shortened(line)}`, which PEP 508 does not allow: {pips}"
    details = {name: shortened(text) for name, text in asdict(reason).items()}
    return TEXTS[type(reason)].format(**details)
