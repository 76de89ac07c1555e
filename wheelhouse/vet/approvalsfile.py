"""The approvals file: one signed statement a line (in-toto bundle, JSON Lines of DSSE envelopes).

Lines are only added, by each reviewer as a chain (`ledger`).
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import folder_lock, read_text, write
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.signing.sign import PREDICATE_BASE, PublicKey, read_envelope
from wheelhouse.vet.approval_statement import PREDICATE, parse_approval
from wheelhouse.vet.approvals import Approval, Approvals, Role
from wheelhouse.vet.ledger import RESTORE, must_be_whole, tips, without_withdrawn
from wheelhouse.vet.ledger_memory import must_not_be_older

Reviewers = Mapping[str, tuple[PublicKey, ...]]
"""The keys of each reviewer."""


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Whose approvals count: the reviewers' keys, how many reviewers a file needs, and the roles by reviewer.

    `memory` is the folder in which this machine remembers what it saw of approvals files; None if it has none.
    """

    reviewers: Reviewers
    needed: int = 1
    roles: Mapping[str, Role] = field(default_factory=dict)
    memory: Path | None = None


def read_approvals(path: Path, rules: ApprovalRules, today: date) -> Approvals:
    """The approvals of a file; none if there is no file.

    The last statements of each reviewer are remembered in the machine's memory, if it has one.

    Raises IntegrityError, naming the line, for a line that cannot be read, and for one that names a reviewer's key, but that no
    reviewer signed; also for a file, even one that is not there, that lacks a statement that was there before, and for a
    reviewer who withdraws another reviewer's statement. Raises InputError if the file cannot be read as text.
    """
    return parse_approvals(read_text(path, "the approvals file") if path.is_file() else "", path, rules, today)


def parse_approvals(text: str, path: Path, rules: ApprovalRules, today: date) -> Approvals:
    """The approvals of a text that is, or will be, the approvals file at `path`.

    Raises, and remembers in the machine's memory, as `read_approvals` does.
    """
    statements: list[Approval] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            statements.extend(_approvals(line.encode(), f"line {number} of `{path}`", rules.reviewers))
    try:
        must_be_whole(statements)
    except IntegrityError as error:
        raise IntegrityError(f"`{path}` is refused: {error}", hint=error.hint) from error
    ends = dict.fromkeys(rules.reviewers, ()) | tips(statements)
    if rules.memory:
        must_not_be_older(rules.memory, path, ends, {statement.id for statement in statements})
    approvals, withdrawals = without_withdrawn(statements)
    return Approvals(approvals, today, rules.needed, rules.roles, withdrawals, ends)


def _approvals(line: bytes, where: str, reviewers: Reviewers) -> Iterator[Approval]:
    """The approvals of one line: one for each known key that signed it, or one without a reviewer if none did.

    Raises IntegrityError that names the line.
    """
    try:
        envelope = read_envelope(line)
        statement_id = sha256_of_bytes(envelope.payload)
        if envelope.statement.get("predicateType") != PREDICATE_BASE + PREDICATE:
            raise IntegrityError("it is a statement, but not an approval")
        names = {key.id: name for name, keys in reviewers.items() for key in keys}
        signers = envelope.signers(key for keys in reviewers.values() for key in keys)
        claimed = [names[key] for key, _ in envelope.signatures if key in names]
        if claimed and not signers:
            raise IntegrityError(
                f"it says that the key of {claimed[0]} signed it, but this key did not sign it: the line was altered after signing, or "
                "forged"
            )
        for key in signers:
            yield parse_approval(envelope.statement, names[key.id], key.id, statement_id)
        if not signers:
            key_id = next((key[:16] for key, _ in envelope.signatures), "")
            yield parse_approval(envelope.statement, None, key_id, statement_id)
    except IntegrityError as error:
        raise IntegrityError(f"{where} is refused: {error}", hint=RESTORE) from error


def add_approval(path: Path, envelope: Mapping[str, Any]) -> None:
    """Add an envelope as one line at the end of an approvals file, under a lock of its folder.

    Makes the file and its folder if they do not exist. If the path is a link, the file that it leads to gets the line. The
    envelope is not checked. Raises InputError if the file cannot be read as text, MachineError if it cannot be written.
    """
    path = Path(os.path.realpath(path))
    with folder_lock(path.parent):
        before = read_text(path, "the approvals file") if path.is_file() else ""
        whole = before if before.endswith("\n") or not before else f"{before}\n"
        write(path.parent, path.name, whole + json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n")
