"""The files of a review that travel with a bundle: what is sent, and how the far side keeps them.

They lie beside the wheelhouse, in a folder of their own: a wheelhouse holds only what its lock files name. The far side judges by
its own settings and keys; the policy comes along to be read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from wheelhouse.bundle.bundle import ADVISORIES, APPROVALS, POLICY, REVIEW
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_text, write
from wheelhouse.vet.advisory_snapshot import parse_snapshot


def review_to_send(approvals: Path, advisories: Path, policy: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of a review, name → contents: approvals, advisories and policy. Files that do not exist and an empty policy are left out.

    `policy` are the tables of the settings that decide, which are written as TOML. Raises OSError if a file cannot be read.
    """
    review = {
        name: path.read_bytes() for name, path in ((APPROVALS, approvals), (ADVISORIES, advisories)) if path.is_file()
    }
    if policy:
        review[POLICY] = tomli_w.dumps(policy).encode()
    return review


def review_folder(wheelhouse: Path) -> Path:
    """The folder where the review of a wheelhouse is kept, `far.review/` beside `far/`, as an absolute path; it is not made."""
    folder = wheelhouse.resolve()
    return folder.parent / f"{folder.name}.{REVIEW}"


def merged_approvals(folder: Path, review: Mapping[str, bytes]) -> str:
    """The lines of the approvals file in a folder, then those of `review`, each once, as one text: no statement is ever lost.

    Raises InputError if one of the two is not UTF-8 text.
    """
    path = folder / APPROVALS
    kept = read_text(path, "the approvals file").splitlines() if path.is_file() else []
    try:
        came = review.get(APPROVALS, b"").decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"the approvals of the bundle are not UTF-8 text: {error.reason}") from error
    lines = dict.fromkeys(line for line in (*kept, *came) if line.strip())
    return "".join(f"{line}\n" for line in lines)


def keep_review(folder: Path, review: Mapping[str, bytes]) -> None:
    """Write the approvals, advisories and policy that came with a bundle into a folder, which is made if any is written.

    Approvals are merged; of two snapshots of advisories, the newer one stays, of two equally new ones the one that came; the
    policy is replaced. Raises InputError for approvals that are not UTF-8 text, before anything is written, and for what is
    no snapshot, after the approvals were.
    """
    if APPROVALS in review:
        write(folder, APPROVALS, merged_approvals(folder, review))
    for name in (ADVISORIES, POLICY):
        if name in review and not (name == ADVISORIES and _is_older(review[name], folder / name)):
            write(folder, name, review[name])


def _is_older(came: bytes, path: Path) -> bool:
    """Whether a snapshot that came is older than the one at a path, or has no advisories; False if the one there has none, or is missing.

    Raises InputError if one of them is no snapshot.
    """
    newest = parse_snapshot(came.decode("utf-8", "replace"), "the advisories of the bundle").newest
    kept = parse_snapshot(read_text(path, "the snapshot of advisories"), str(path)).newest if path.is_file() else None
    return kept is not None and (newest is None or newest < kept)
