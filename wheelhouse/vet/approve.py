"""Say yes to a house's files: sign which bytes were looked at, and hold a house against what was signed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.disk import rooted, sha256_of
from wheelhouse.findings import Finding
from wheelhouse.lock.other_files import FOLDER
from wheelhouse.signing.sign import Key, signed
from wheelhouse.stage.staged_folder import read_staged
from wheelhouse.verify.verify import load_wheelhouse, sub_wheelhouses
from wheelhouse.verify.verify_other_files import load_other_files
from wheelhouse.vet.approvals import PREDICATE, Approvals, Seen, claim
from wheelhouse.vet.approvalsfile import add_approval


@dataclass(frozen=True, slots=True)
class Approved:
    """What approving did, by path: files that were approved now, and those that this reviewer had approved before."""

    now: tuple[str, ...]
    before: tuple[str, ...]


def files_of(folder: Path) -> dict[str, str]:
    """Path → sha256 of every wheel, sdist and other file of a wheelhouse and of those inside it, or of a staged folder."""
    if staged := read_staged(folder):
        return {path: artifact.sha256 for path, artifact in staged.artifacts.items()}
    files = {name: artifact.sha256 for name, artifact in load_wheelhouse(folder).artifacts.items()}
    files |= {f"{FOLDER}/{file.name}": file.sha256 for file in load_other_files(folder).files}
    for name in sub_wheelhouses(folder):
        files |= {f"{name}/{path}": sha256 for path, sha256 in files_of(folder / name).items()}
    return files


def chosen(files: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The files that were named, all where none was. Raises InputError for names that the house does not have."""
    wanted = set(names)
    unknown = sorted(wanted - files.keys())
    if unknown:
        details = tuple(f"no such file: {name}" for name in unknown)
        raise InputError(f"the house has no file `{unknown[0]}`", hint="give whole file names", details=details)
    return {path: sha256 for path, sha256 in files.items() if not wanted or path in wanted}


def approve(
    folder: Path,
    files: Mapping[str, str],
    findings: Iterable[Finding],
    path: Path,
    *,
    approvals: Approvals,
    key: Key,
    reviewer: str,
    reason: str,
    made: date,
    expires: date | None = None,
) -> Approved:
    """Sign for files of a house, by path → sha256, in the approvals file at `path`; `findings` are those that were seen.

    What this reviewer approved before, having seen as much, is not signed again. Raises IntegrityError for a file whose bytes
    are not those of the lock.
    """
    _must_stand(folder, files)
    seen = {
        sha256: Seen((one.rule, one.sentence) for one in findings if one.subject == name)
        for name, sha256 in files.items()
    }
    fresh = {
        name: sha256 for name, sha256 in files.items() if not approvals.lasting(sha256, reviewer, expires, seen[sha256])
    }
    if fresh:
        told = claim(reviewer, reason, made, expires, {sha256: seen[sha256] for sha256 in fresh.values()})
        add_approval(path, signed(fresh, PREDICATE, key, told))
    return Approved(tuple(sorted(fresh)), tuple(sorted(files.keys() - fresh.keys())))


def _must_stand(folder: Path, files: Mapping[str, str]) -> None:
    wrong = [name for name, sha256 in files.items() if not _stands(rooted(folder, name), sha256)]
    if wrong:
        raise IntegrityError(
            f"`{wrong[0]}` is not what the house's locks say, and was not approved",
            hint=f"see all that is wrong with `wheelhouse verify {folder}`",
            details=tuple(f"altered or missing: {name}" for name in wrong),
        )


def _stands(path: Path, sha256: str) -> bool:
    return path.is_file() and not path.is_symlink() and sha256_of(path) == sha256
