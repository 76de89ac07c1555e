"""The decisions of one reviewer on one wheelhouse: each reads the approvals file again, signs, and adds a line to it."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from wheelhouse.archive.named_members import contents_of_members
from wheelhouse.errors import InputError
from wheelhouse.files.disk import has_locked_bytes, rooted
from wheelhouse.signing.sign import Signer
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.approve import claim_of, review, sign_review, sign_withdrawal, withdrawable
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.review_queue import FileStanding, QueuedFile, standings

MAX_SHOWN_BYTES = 256 << 10
"""A longer member is not shown."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides: the name that the settings give to the key, and what signs with it."""

    name: str
    signer: Signer


@dataclass(frozen=True, slots=True)
class ApprovalsFile:
    """The approvals file, and how to read it: as of today, by the rules of the settings."""

    path: Path
    read: Callable[[], Approvals]


@dataclass
class Desk:
    """What a reviewer works with. `files` are the distributions of the wheelhouse in `folder`, by subject.

    Each file needs at least `needed` reviewers. `approved` and `withdrawn` have the subjects of this run's decisions.
    """

    folder: Path
    queue: tuple[QueuedFile, ...]
    files: Mapping[str, Facts]
    reviewer: Reviewer
    approvals_file: ApprovalsFile
    needed: int = 1
    approved: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def standings(self) -> Mapping[str, FileStanding]:
        """Where each file stands now, by subject; the approvals file is read again.

        Raises IntegrityError if the approvals file was altered, shortened, or is an older copy, and what else reading it
        raises.
        """
        return standings(self.queue, self.approvals_file.read(), self.reviewer.name)

    def approve(self, subjects: Iterable[str], reason: str, expires: date | None = None) -> list[str]:
        """Sign that the reviewer approves these files with their findings, and add a line to the approvals file.

        Gives the subjects that were signed, sorted. Files that the reviewer approved before, with the same findings and for as
        long, are left out. The signed ones are added to `approved`. Waits for a decision that is being signed; after
        `finish` forever. Raises InputError for what cannot be signed, also if no file is left, IntegrityError if a file, or
        the approvals file, is not as it was, and what the signer raises.
        """
        with self._one_at_a_time:
            current, chosen = self.approvals_file.read(), self._chosen(subjects)
            self._must_be_for(chosen, current)
            claim = claim_of(current, self.reviewer.name, reason, expires)
            findings = [finding for one in chosen for finding in one.findings]
            files = {one.subject: one.sha256 for one in chosen}
            reviewed = review(self.folder, files, findings, current, self.reviewer.name, expires)
            if not reviewed.files:
                raise InputError("you approved these files before, with the same findings")
            sign_review(reviewed, self.approvals_file.path, claim, self.reviewer.signer)
            self.approvals_file.read()  # this machine remembers the new line
            self.approved += reviewed.files
            return sorted(reviewed.files)

    def withdraw(self, subjects: Iterable[str], reason: str) -> list[str]:
        """Sign that the reviewer's approvals of these files no longer count, and add a line to the approvals file.

        Gives the subjects that were signed, sorted, and adds them to `withdrawn`. Files that the reviewer has not approved
        are left out. Waits, and raises InputError, as `approve`, but whatever the role, IntegrityError if the approvals file
        is not as it was, and what the signer raises; the files themselves are not read.
        """
        with self._one_at_a_time:
            current = self.approvals_file.read()
            named = {one.subject: one.sha256 for one in self._chosen(subjects)}
            claim = claim_of(current, self.reviewer.name, reason, None)
            files, statements = withdrawable(named, current, self.reviewer.name)
            claim = replace(claim, withdraws=statements)
            sign_withdrawal(files, self.approvals_file.path, claim, self.reviewer.signer)
            self.approvals_file.read()
            self.withdrawn += files
            return sorted(files)

    def source(self, subject: str, name: str) -> str | None:
        """The text of a member of a file; None if it is no text, or too long.

        The file is hashed first. Raises InputError if it was altered, and if there is no such file or no member of that
        name; MachineError if it cannot be read, RefusedError or tarfile.ReadError if it is damaged.
        """
        facts = self.files.get(subject)
        if facts is None or name not in {entry.name for entry in facts.entries}:
            raise InputError("the wheelhouse has no archive with this member")
        artifact, folder = facts.pin.artifact, self.folder / facts.place
        if not has_locked_bytes(folder, artifact):
            raise InputError(f"`{subject}` differs from the lock file: it was altered since this review began")
        path = rooted(folder, artifact.filename)
        contents = contents_of_members(path, artifact.filename, [name], MAX_SHOWN_BYTES).get(name)
        try:
            return None if contents is None or b"\0" in contents else contents.decode()
        except UnicodeDecodeError:
            return None

    def finish(self) -> None:
        """Wait for a decision that is being signed. From then on the lock is held, so no other is signed; call it once."""
        self._one_at_a_time.acquire()

    def _chosen(self, subjects: Iterable[str]) -> list[QueuedFile]:
        """The files with these subjects, in the order of the queue. Raises InputError if none is named, and for an unknown one."""
        wanted = set(subjects)
        chosen = [one for one in self.queue if one.subject in wanted]
        if not chosen or len(chosen) < len(wanted):
            raise InputError("the decision must list at least one file, and only files of this wheelhouse")
        return chosen

    def _must_be_for(self, chosen: Iterable[QueuedFile], current: Approvals) -> None:
        """Raise InputError for a file that the reviewer's role is not for; nothing for a reviewer without a role."""
        role = current.roles.get(self.reviewer.name)
        for one in chosen:
            if role and not role.is_for(one.subject.rpartition("/")[2]):
                raise InputError(f"your role `{role.name}` is not for `{one.subject}`, so the approval would not count")
