"""Rules about other files than distributions: `[[files]]` (pure)."""

from collections.abc import Iterator, Sequence

from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.other_files import FOLDER, OtherFile
from wheelhouse.vet.rules import checked_elsewhere

GROUP = "otherfiles"

checked_elsewhere(
    Severity.NOTE,
    {
        "file-unvouched": "Only the sha256 in the settings says which bytes the file must have.\n\n"
        "No checksum file or signature of its project was given: the person who wrote the sha256 may have had the wrong file."
    },
    group=GROUP,
)
checked_elsewhere(
    Severity.WARNING,
    {
        "file-in-clear": "The file was fetched without TLS, and is not signed.\n\n"
        "A checksum file that was fetched in the same way proves nothing: an attacker can change both."
    },
    group=GROUP,
)
checked_elsewhere(
    Severity.ERROR,
    {
        "file-leads-out": "A member of the tar would be unpacked outside its folder.\n\n"
        "The rule checks absolute names, `..`, and links that lead out. It also checks tars that will not be unpacked."
    },
    group=GROUP,
)


def other_file_findings(file: OtherFile, leading_out: Sequence[str]) -> Iterator[Finding]:
    """The findings on one file: nothing vouches for it, it was fetched without TLS, or its tar leads out. There may be none.

    `leading_out` has the members of the tar that would be unpacked outside its folder.
    """
    subject, signed = f"{FOLDER}/{file.name}", "signed by" in file.voucher
    if not file.voucher:
        yield Finding.of(subject, "file-unvouched", Severity.NOTE)
    if file.url.startswith("http:") and not signed:
        yield Finding.of(subject, "file-in-clear", Severity.WARNING, url=file.url)
    if leading_out:
        yield Finding.of(subject, "file-leads-out", Severity.ERROR, members=tuple(leading_out))
