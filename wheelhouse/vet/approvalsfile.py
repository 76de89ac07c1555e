"""The approvals file: one signed statement a line (in-toto bundle, JSON Lines of DSSE envelopes). Lines are only added."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import folder_lock, read_text, write
from wheelhouse.signing.sign import PREDICATE_BASE, PublicKey, read_envelope
from wheelhouse.vet.approvals import PREDICATE, Approval, Approvals, parse_approval

Reviewers = Mapping[str, tuple[PublicKey, ...]]
"""The keys of each reviewer."""


def read_approvals(path: Path, reviewers: Reviewers, today: date, needed: int) -> Approvals:
    """The approvals of a file; none if there is no file.

    Raises IntegrityError, naming the line, for a line that cannot be read, and for one that names a reviewer's key without a
    valid signature of that key.
    """
    text = read_text(path, "the approvals file") if path.is_file() else ""
    approvals: list[Approval] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            approvals.extend(_approvals(line.encode(), f"line {number} of `{path}`", reviewers))
    return Approvals(tuple(approvals), today, needed)


def _approvals(line: bytes, where: str, reviewers: Reviewers) -> Iterator[Approval]:
    """The approvals of one line: one for each reviewer who signed it."""
    hint = "restore the file; to withdraw an approval, remove its whole line"
    try:
        envelope = read_envelope(line)
        if envelope.statement.get("predicateType") != PREDICATE_BASE + PREDICATE:
            raise IntegrityError("it is a statement of another kind")
        names = {key.id: name for name, keys in reviewers.items() for key in keys}
        signers = envelope.signers(key for keys in reviewers.values() for key in keys)
        claimed = [names[key] for key, _ in envelope.signatures if key in names]
        if claimed and not signers:
            raise IntegrityError(
                f"it says that the key of {claimed[0]} signed it, but that key did not: it was altered after signing, or forged"
            )
        for key in signers:
            yield parse_approval(envelope.statement, names[key.id], key.id)
        if not signers:
            yield parse_approval(envelope.statement, None, next((key[:16] for key, _ in envelope.signatures), ""))
    except IntegrityError as error:
        raise IntegrityError(f"{where} is refused: {error}", hint=hint) from error


def add_approval(path: Path, envelope: Mapping[str, Any]) -> None:
    """Add an envelope to an approvals file, and make the file if it does not exist."""
    with folder_lock(path.parent):
        before = read_text(path, "the approvals file") if path.is_file() else ""
        whole = before if before.endswith("\n") or not before else f"{before}\n"
        write(path.parent, path.name, whole + json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n")
