"""The approvals file as a ledger: each reviewer's statements are a chain, and a later one can withdraw an earlier one (pure).

A statement names the id of the reviewer's statement before it (`previous`), so a line that was removed from the middle is missed.
The order of the lines does not matter: the files of two reviewers can be merged. A statement that is there twice counts once, and
a withdrawal names ids, so an old line that somebody adds again stays withdrawn.
"""

from collections.abc import Iterable
from dataclasses import replace

from wheelhouse.errors import IntegrityError
from wheelhouse.vet.approvals import Approval

RESTORE = "restore the file; to withdraw an approval, use `wheelhouse approve --withdraw`, and never remove its line"


def must_be_whole(statements: Iterable[Approval]) -> None:
    """Raise IntegrityError if a known reviewer's statement follows one that is missing or another's, or withdraws another's.

    Statements of unknown keys are not checked. To withdraw a statement that is not there is no error.
    """
    known = [statement for statement in statements if statement.reviewer]
    there = {(statement.id, statement.reviewer) for statement in known}
    ids = {statement.id for statement in known}
    for statement in known:
        if statement.previous and (statement.previous, statement.reviewer) not in there:
            raise IntegrityError(
                f"{statement.reviewer}'s statement of {statement.made} refers to an earlier statement, {statement.previous[:16]}, "
                "which is missing",
                hint=RESTORE,
            )
        if any(one in ids and (one, statement.reviewer) not in there for one in statement.withdraws):
            raise IntegrityError(
                f"{statement.reviewer} withdraws a statement of another reviewer",
                hint="only the reviewer who approved can withdraw the approval",
            )


def without_withdrawn(statements: Iterable[Approval]) -> tuple[tuple[Approval, ...], tuple[Approval, ...]]:
    """The approvals that stand, each without the files that were withdrawn from it; and the withdrawals of known reviewers.

    Approvals of unknown keys are among them; those without a file left are not. A statement that is there twice counts once.
    Whether a withdrawal is by the reviewer who approved is not checked: `must_be_whole` does that.
    """
    unique = list({(statement.id, statement.key): statement for statement in statements}.values())
    withdrawals = tuple(statement for statement in unique if statement.withdraws and statement.reviewer)
    withdrawn = {
        (one, sha256) for statement in withdrawals for one in statement.withdraws for sha256 in statement.files
    }
    approvals = []
    for statement in unique:
        files = {sha256: file for sha256, file in statement.files.items() if (statement.id, sha256) not in withdrawn}
        if files and not statement.withdraws:
            approvals.append(replace(statement, files=files))
    return tuple(approvals), withdrawals


def tips(statements: Iterable[Approval]) -> dict[str, tuple[str, ...]]:
    """For each known reviewer, the ids of the statements that no other statement follows, in the order of the file: usually
    one.

    A reviewer without statements is not in the answer.
    """
    known = [(statement, statement.reviewer) for statement in statements if statement.reviewer]
    followed = {statement.previous for statement, _ in known}
    ends: dict[str, dict[str, None]] = {}
    for statement, reviewer in known:
        if statement.id not in followed:
            ends.setdefault(reviewer, {})[statement.id] = None
    return {reviewer: tuple(ids) for reviewer, ids in ends.items()}
