"""Which findings the waivers of a policy cover on a day; an error that none covers refuses the file (pure).

Only findings can be waived. A file that endangers its reader (a path, a link, bytes that two readers read differently) has no
findings, because it is not opened.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from wheelhouse.errors import RefusedError
from wheelhouse.findings import Finding, Severity, Subject, Waiver

EXPIRED = "waiver-expired"
NOT_THIS_FILE = "do not install this file; ask the project that published it, or choose another version"


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of a policy, and the day on which they are applied."""

    given: tuple[Waiver, ...] = ()
    today: date = date.min

    def split(self, findings: Iterable[Finding], subject: Subject) -> tuple[list[Finding], list[Finding]]:
        """(remaining, waived): the findings of one file that no waiver covers, and those that one does, each with its first valid waiver.

        A waiver holds on its day `until`, too. A finding that only expired waivers cover is not waived; one about each of
        these follows it.
        """
        remaining: list[Finding] = []
        waived: list[Finding] = []
        for finding in findings:
            covering = [waiver for waiver in self.given if waiver.covers(finding, subject)]
            valid = next((waiver for waiver in covering if self.today <= waiver.until), None)
            if valid:
                waived.append(replace(finding, waiver=valid))
            else:
                remaining += [finding, *_expired(finding, covering)]
        return remaining, waived

    def admit(self, findings: Iterable[Finding], subject: Subject) -> tuple[Waiver, ...]:
        """The waivers that let a file's errors pass, each once; empty if it has no errors.

        Each has the file's project and sha256, and no longer a version, fingerprint, advisory, state or justification.
        Raises RefusedError, with the findings, for an error that is not waived.
        """
        remaining, waived = self.split(findings, subject)
        if errors := [
            finding for finding in remaining if finding.severity >= Severity.ERROR and finding.rule != EXPIRED
        ]:
            raise _refusal(errors, [finding for finding in remaining if finding.rule == EXPIRED], subject)
        used = (finding.waiver for finding in waived if finding.waiver and finding.severity >= Severity.ERROR)
        named = (Waiver(one.rule, one.reason, one.who, one.until, subject.project, subject.sha256) for one in used)
        return tuple(dict.fromkeys(named))


NO_WAIVERS = Waivers()


def with_subject(findings: Iterable[Finding], subject: Subject) -> Iterator[Finding]:
    """The findings, each with the project and the sha256 that a waiver can name in its context."""
    for finding in findings:
        yield finding.with_context(waive_project=str(subject.project), waive_sha256=subject.sha256)


def _expired(finding: Finding, waivers: Iterable[Waiver]) -> Iterator[Finding]:
    """A finding `waiver-expired` for each of these waivers, with the severity of the finding that it no longer covers."""
    for waiver in waivers:
        yield Finding.of(
            finding.subject, EXPIRED, finding.severity, waived_rule=waiver.rule, until=waiver.until.isoformat()
        )


def _refusal(errors: list[Finding], expired: list[Finding], subject: Subject) -> RefusedError:
    """The error for a file with errors that nothing waives; its rule is the first's, its findings are both lists."""
    rule, sentence = errors[0].rule, f"`{subject.filename}` is refused ({errors[0].rule})"
    return RefusedError(rule, sentence, findings=tuple(with_subject((*errors, *expired), subject)))
