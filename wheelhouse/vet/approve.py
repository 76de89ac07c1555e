"""Approve the files of a wheelhouse: sign their sha256 and the findings that the reviewer saw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.disk import rooted, sha256_of
from wheelhouse.findings import Finding
from wheelhouse.lock.other_files import FOLDER
from wheelhouse.signing.sign import Signer, signed
from wheelhouse.stage.staged_folder import read_staged
from wheelhouse.verify.verify import load_wheelhouse, sub_wheelhouses
from wheelhouse.verify.verify_other_files import load_locked_folders, load_other_files
from wheelhouse.vet.approval_statement import PREDICATE, Claim
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.approvalsfile import add_approval


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer is about to sign: the files by path → sha256, and their findings.

    `before` are the files that this reviewer had approved before, with the same findings; `beyond_role` those of projects that the
    reviewer's role is not for. `twins` are those of `beyond_role` that have the bytes of one of the files, and findings, by path →
    sha256.
    """

    files: Mapping[str, str]
    findings: tuple[Finding, ...]
    before: tuple[str, ...]
    beyond_role: tuple[str, ...] = ()
    twins: Mapping[str, str] = field(default_factory=dict)


def files_of(folder: Path) -> dict[str, str]:
    """Path → sha256 of every wheel, sdist and other file of a wheelhouse and of those inside it, or of a staged folder, by
    its locks: no file is hashed. Left out are the published checksums and signatures beside files in `files/`.

    Raises as `read_staged`, `load_wheelhouse` and `load_other_files` do, and IntegrityError if locks give one name two
    hashes.
    """
    if staged := read_staged(folder):
        return {path: artifact.sha256 for path, artifact in staged.artifacts.items()}
    files = {name: artifact.sha256 for name, artifact in load_wheelhouse(folder).artifacts.items()}
    files |= {f"{FOLDER}/{file.name}": file.sha256 for file in load_other_files(folder).files}
    for inside, lock in load_locked_folders(folder).items():
        files |= {f"{inside}/{path}": artifact.sha256 for path, artifact in lock.artifacts.items() if inside != FOLDER}
    for name in sub_wheelhouses(folder):
        files |= {f"{name}/{path}": sha256 for path, sha256 in files_of(folder / name).items()}
    return files


def chosen(files: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The named files of `files` (path → sha256); all if none is named. Raises InputError for names that it does not have."""
    selected = set(names)
    unknown = sorted(selected - files.keys())
    if unknown:
        details = tuple(f"no such file: {name}" for name in unknown)
        raise InputError(
            f"the wheelhouse has no file `{unknown[0]}`", hint="give the whole name of each file", details=details
        )
    return {path: sha256 for path, sha256 in files.items() if not selected or path in selected}


def review(
    folder: Path,
    files: Mapping[str, str],
    findings: Iterable[Finding],
    approvals: Approvals,
    reviewer: str,
    expires: date | None = None,
) -> Review:
    """What a reviewer is about to sign: the files that the reviewer has not approved yet with these findings for so long,
    and their findings.

    The others need no new signature; `before` and `beyond_role` name them. Findings on other subjects are left out.

    Raises IntegrityError if one of `files` is missing, a link, or has another sha256; InputError if the reviewer's role is
    for none of them.
    """
    _must_be_as_locked(folder, files)
    allowed = _of_role(files, approvals, reviewer)
    seen: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.subject in files:
            seen.setdefault(files[finding.subject], []).append(finding)
    fresh = {
        name: sha256
        for name, sha256 in allowed.items()
        if not approvals.covers_all(sha256, reviewer, expires, seen.get(sha256, ()))
    }
    shown = tuple(finding for sha256 in dict.fromkeys(fresh.values()) for finding in seen.get(sha256, ()))
    before, beyond_role = (
        tuple(sorted(names)) for names in (allowed.keys() - fresh.keys(), files.keys() - allowed.keys())
    )
    twins = {one.subject: files[one.subject] for one in shown if one.subject not in fresh}
    return Review(fresh, shown, before, beyond_role, twins)


def _of_role(files: Mapping[str, str], approvals: Approvals, reviewer: str) -> dict[str, str]:
    """The files that the reviewer's role is for; all without a role. Raises InputError if there are files, but none for the
    role.
    """
    role = approvals.roles.get(reviewer)
    if not role:
        return dict(files)
    allowed = {path: sha256 for path, sha256 in files.items() if role.is_for(path.rpartition("/")[2])}
    if files and not allowed:
        raise InputError(
            f"the role `{role.name}` of {reviewer} is for none of these files, so the approval would not count",
            hint="choose files of the role's projects, or add the projects of these files to the role in wheelhouse.toml",
        )
    return allowed


def claim_of(current: Approvals, reviewer: str, reason: str, expires: date | None) -> Claim:
    """The claim of a reviewer's next statement, made today in the reviewer's role; it follows the reviewer's last one.

    Raises InputError without a reason, or for a past day.
    """
    if not reason.strip():
        raise InputError(
            "an approval needs a reason",
            hint="say in --reason what you looked at, or why you withdraw the approval",
        )
    if expires and expires < current.today:
        raise InputError(f"{expires} is past, so the approval would never count")
    role = current.roles.get(reviewer)
    previous = next(reversed(current.tips.get(reviewer, ())), None)
    return Claim(reviewer, reason, current.today, expires, previous, role=role.name if role else None)


def sign_review(reviewed: Review, path: Path, claim: Claim, key: Signer) -> None:
    """Add a signed statement to the approvals file at `path`; nothing if there is no file to approve."""
    if reviewed.files:
        sha256s = {**reviewed.twins, **reviewed.files}
        seen: dict[str, list[Finding]] = {}
        for finding in reviewed.findings:
            seen.setdefault(sha256s[finding.subject], []).append(finding)
        add_approval(path, signed(reviewed.files, PREDICATE, key, claim.predicate(seen)))


def withdrawable(
    files: Mapping[str, str], approvals: Approvals, reviewer: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The files, by path → sha256, that a reviewer has approved, and the ids of these statements, also of expired ones.

    Raises InputError if the reviewer has approved none of the files.
    """
    sha256s = set(files.values())
    statements = [one for one in approvals.approvals if one.reviewer == reviewer and sha256s & one.files.keys()]
    approved = {sha256 for one in statements for sha256 in one.files}
    if not statements:
        raise InputError(f"{reviewer} has approved none of these files", hint="list approvals: `wheelhouse vet --html`")
    return {path: sha256 for path, sha256 in files.items() if sha256 in approved}, tuple(one.id for one in statements)


def sign_withdrawal(files: Mapping[str, str], path: Path, claim: Claim, key: Signer) -> None:
    """Add a signed statement to the approvals file at `path` that withdraws files from the statements of `claim.withdraws`."""
    add_approval(path, signed(files, PREDICATE, key, claim.predicate({})))


def _must_be_as_locked(folder: Path, files: Mapping[str, str]) -> None:
    """Raise IntegrityError if one of these files is missing, a link, or has another sha256."""
    wrong = [name for name, sha256 in files.items() if not _has_sha256(rooted(folder, name), sha256)]
    if wrong:
        raise IntegrityError(
            f"`{wrong[0]}` differs from the lock file, and was not approved",
            hint=f"see every problem: `wheelhouse verify {folder}`",
            details=tuple(f"altered or missing: {name}" for name in wrong),
        )


def _has_sha256(path: Path, sha256: str) -> bool:
    """Whether a file with this sha256 is at the path; a link does not count."""
    return path.is_file() and not path.is_symlink() and sha256_of(path) == sha256
