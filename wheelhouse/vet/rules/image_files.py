"""What a reviewer should see of other files than distributions: `[[files]]` (pure)."""

from collections.abc import Iterator, Sequence

from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.other_files import FOLDER, OtherFile
from wheelhouse.vet.rules import RULES, Rule, named

LISTED = {
    "file-unvouched": (
        Severity.NOTE,
        "Nobody but the settings says which bytes it must have.\n\n"
        "Its project's checksum file or signature was not given: whoever wrote the sha256 down may have got the wrong file.",
    ),
    "file-in-clear": (
        Severity.WARNING,
        "It was fetched without TLS, and nobody signed it.\n\n"
        "A checksum file that came the same way proves nothing: whoever alters one alters both.",
    ),
    "file-leads-out": (
        Severity.ERROR,
        "A member of the tar would be unpacked outside its folder.\n\n"
        "Looked at are absolute names, `..`, and links that lead out; tars that are not to be unpacked, too.",
    ),
}
for _id, (_severity, _explanation) in LISTED.items():
    RULES[_id] = Rule(_id, "otherfiles", _severity, None, None, _explanation)


def other_file_findings(file: OtherFile, leading_out: Sequence[str]) -> Iterator[Finding]:
    """What is to be said of one file; `leading_out` are the members of the tar that it is which lead out of it."""
    subject, signed = f"{FOLDER}/{file.name}", "signed by" in file.voucher
    if not file.voucher:
        sentence = "only the sha256 in the settings says which bytes it must have"
        hint = "say checksums = or signature =, where its project publishes them"
        yield Finding(subject, "file-unvouched", LISTED["file-unvouched"][0], sentence, hint)
    if file.url.startswith("http:") and not signed:
        sentence = f"it was fetched from {file.url}, without TLS, and nobody signed it"
        yield Finding(subject, "file-in-clear", LISTED["file-in-clear"][0], sentence, "fetch it by https")
    if leading_out:
        sentence = f"{named(leading_out)} would be unpacked outside its folder"
        yield Finding(subject, "file-leads-out", LISTED["file-leads-out"][0], sentence, "do not unpack it")
