"""Applies waivers to the findings of a file, as of a day; a file with an error that no waiver covers is refused (pure).

Only findings can be waived. A path, a link, or bytes that two readers read differently are never findings, because the
inspection of such a file fails.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from packaging.utils import NormalizedName

from wheelhouse.errors import RefusedError
from wheelhouse.findings import Finding, Severity, Waiver

EXPIRED = "waiver-expired"
LOOK_AGAIN = "look again, and renew the waiver or remove it"
NOT_THIS_FILE = "do not install this file; ask the project that published it, or choose another version"


@dataclass(frozen=True, slots=True)
class Subject:
    """The file that findings are about: its name, project and sha256."""

    filename: str
    project: NormalizedName
    sha256: str


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of a policy, and the day on which they are applied."""

    given: tuple[Waiver, ...] = ()
    today: date = date.min

    def split(
        self, findings: Iterable[Finding], subject: Subject
    ) -> tuple[list[Finding], list[tuple[Finding, Waiver]]]:
        """The findings of one file that count, and those that are waived, each with its waiver.

        A finding that only expired waivers cover counts, followed by a finding about each of these waivers.
        """
        counting: list[Finding] = []
        waived: list[tuple[Finding, Waiver]] = []
        for finding in findings:
            covering = [w for w in self.given if w.covers(finding.rule, subject.project, subject.sha256)]
            valid = next((waiver for waiver in covering if self.today <= waiver.until), None)
            if valid:
                waived.append((finding, valid))
            else:
                counting += [finding, *_expired(finding, covering)]
        return counting, waived

    def admit(self, findings: Iterable[Finding], subject: Subject) -> tuple[Waiver, ...]:
        """The waivers that let a file pass, each with its project and sha256. Raises RefusedError if an error is not waived."""
        counting, waived = self.split(findings, subject)
        if errors := [
            finding for finding in counting if finding.severity >= Severity.ERROR and finding.rule != EXPIRED
        ]:
            raise _refusal(errors, [finding for finding in counting if finding.rule == EXPIRED], subject)
        used = (waiver for finding, waiver in waived if finding.severity >= Severity.ERROR)
        named = (replace(waiver, project=subject.project, sha256=subject.sha256) for waiver in used)
        return tuple(dict.fromkeys(named))


NO_WAIVERS = Waivers()


def waived_sentence(finding: Finding, waiver: Waiver) -> str:
    """A finding's sentence, and who waived it, until when, and why."""
    return f"{finding.sentence} (waived by {waiver.who} until {waiver.until}: {waiver.reason})"


def waive_hint(rule: str, subject: Subject) -> str:
    """The hint how to waive a rule for a file."""
    entry = f'rule = "{rule}", project = "{subject.project}", sha256 = "{subject.sha256}", reason, who and until'
    return f"{NOT_THIS_FILE}; once you have looked at it you can waive this: [[policy.waivers]] in wheelhouse.toml with {entry}"


def _expired(finding: Finding, waivers: Iterable[Waiver]) -> Iterator[Finding]:
    """A finding about each expired waiver of a finding."""
    for waiver in waivers:
        sentence = f"a waiver of {finding.rule} for it ran out on {waiver.until}"
        yield replace(finding, rule=EXPIRED, sentence=sentence, hint=LOOK_AGAIN)


def _refusal(errors: list[Finding], expired: list[Finding], subject: Subject) -> RefusedError:
    """The error about the first of some errors, with the number of the others."""
    first = errors[0]
    more = f", and {len(errors) - 1} more like it" if len(errors) > 1 else ""
    ended = f"; {expired[0].sentence}" if expired else ""
    sentence = f"`{subject.filename}` is refused ({first.rule}): {first.sentence}{more}{ended}"
    return RefusedError(first.rule, sentence, hint=waive_hint(first.rule, subject))
