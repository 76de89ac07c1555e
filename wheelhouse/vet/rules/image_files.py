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
        "The settings have no checksum file or signature from the file's project. The person who wrote the sha256 "
        "may have had a wrong file."
    },
    group=GROUP,
)
checked_elsewhere(
    Severity.WARNING,
    {
        "file-in-clear": "The file was fetched without TLS, and is not signed.\n\n"
        "A checksum file that was also fetched without TLS proves nothing, because an attacker can change both files."
    },
    group=GROUP,
)
checked_elsewhere(
    Severity.ERROR,
    {
        "file-leads-out": "A member of the tar would be unpacked outside the folder that the tar is unpacked into.\n\n"
        "The rule looks for absolute names, `..`, and links that lead outside. It also checks tars that the image build does not unpack."
    },
    group=GROUP,
)


def other_file_findings(file: OtherFile, leading_out: Sequence[str]) -> Iterator[Finding]:
    """The findings on one file: nothing vouches for it, no TLS and no signature, or its tar leads out. There may be none.

    `leading_out` has the members of the tar that would be unpacked outside its folder.
    """
    subject, signed = f"{FOLDER}/{file.name}", "signed by" in file.voucher
    if not file.voucher:
        yield Finding.of(subject, "file-unvouched", Severity.NOTE)
    if file.url.startswith("http:") and not signed:
        yield Finding.of(subject, "file-in-clear", Severity.WARNING, url=file.url)
    if leading_out:
        yield Finding.of(subject, "file-leads-out", Severity.ERROR, members=tuple(leading_out))
