"""Rules about known vulnerabilities, and the age of the advisories (pure)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from packaging.version import Version

from wheelhouse.findings import FactValue, Observation, Severity, observed
from wheelhouse.vet.advisories import Advisory
from wheelhouse.vet.cvss import rating
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, rule, wheelhouse_rule


@rule(Severity.ERROR)
def vulnerable(facts: Facts, review: Review) -> Iterator[Observation]:
    """A published advisory says that this release is vulnerable.

    The advisories are those of the snapshot that `wheelhouse advisories import` made. Aliases of one advisory are one finding.
    An advisory that the snapshot before did not have is marked as new.
    """
    for group in review.advisories.of(facts.project, facts.version) if review.advisories else ():
        ids = tuple(sorted({name for advisory in group for name in advisory.names}))
        severity = next((advisory.severity for advisory in group if advisory.severity), "")
        release = {"project": str(facts.project), "version": str(facts.version)}
        observation = observed(**release, ids=ids, severity=severity)
        yield observation.with_context(**_context(group, facts.version, severity))


def _context(group: Sequence[Advisory], version: Version, severity: str) -> dict[str, FactValue]:
    """What an advisory may say in other words, or later than its first day, while it stays the same finding."""
    fixes = [fix for advisory in group if (fix := advisory.fixed_in(version))]
    return {
        "case": "fixed" if fixes else "unfixed",
        "fixed": str(max(fixes)) if fixes else "",
        "rating": rating(severity),
        "since": max((advisory.since for advisory in group), default=""),
        "summary": next((advisory.summary for advisory in group if advisory.summary), ""),
    }


@wheelhouse_rule(Severity.WARNING)
def advisories_missing(review: Review) -> Iterator[Observation]:
    """Known vulnerabilities were not checked, because there is no snapshot of advisories.

    Not checked does not mean not vulnerable. A snapshot without an advisory counts as none.
    """
    if review.advisories is None or not review.advisories.by_project:
        yield observed()


@wheelhouse_rule(Severity.WARNING)
def advisories_old(review: Review) -> Iterator[Observation]:
    """The snapshot of advisories is older than the policy's advisories-max-days.

    Newer advisories are not known without a network. A date in the future counts as now.
    """
    newest = review.advisories.newest if review.advisories else None
    if newest and review.now - newest > timedelta(days=review.policy.advisories_max_days):
        yield observed(newest=f"{newest:%Y-%m-%d}").with_context(days=(review.now - newest).days)
