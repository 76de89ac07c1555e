"""What is known to be vulnerable, and how old that knowledge is (pure)."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from packaging.version import Version

from wheelhouse.findings import Severity
from wheelhouse.vet.advisories import Advisory
from wheelhouse.vet.cvss import severity_text
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Remark, Review, rule, wheelhouse_rule


@rule(Severity.ERROR)
def vulnerable(facts: Facts, review: Review) -> Iterator[Remark]:
    """A published advisory says that this release is vulnerable.

    From the OSV records of the snapshot that was imported with `wheelhouse advisories import`; aliases are one finding. What
    the snapshot before did not have is marked as new.
    """
    for group in review.advisories.of(facts.project, facts.version) if review.advisories else ():
        ids = ", ".join(sorted({name for advisory in group for name in advisory.names}))
        severity = next((advisory.severity for advisory in group if advisory.severity), "")
        summary = next((advisory.summary for advisory in group if advisory.summary), "")
        weight = f" ({severity_text(severity)})" if severity else ""
        yield f"{facts.project} {facts.version} is affected by {ids}{weight}: {summary}", _remedy(group, facts.version)


def _remedy(group: Iterable[Advisory], version: Version) -> str:
    """What to do, and whether it is news: apart from the sentence, which must stay what was seen when a file was approved."""
    fixes = [fix for advisory in group if (fix := advisory.fixed_in(version))]
    what = (
        f"take {max(fixes)} or newer"
        if fixes
        else "no fixed version is named: leave it out, or waive this with a reason"
    )
    since = max((advisory.since for advisory in group), default="")
    return f"new since the snapshot of {since}: {what}" if since else what


@wheelhouse_rule(Severity.WARNING)
def advisories_missing(review: Review) -> Iterator[Remark]:
    """Nothing was checked for known vulnerabilities, because no snapshot of advisories is here.

    Not checked is not clean. A snapshot that holds no advisory is none.
    """
    if review.advisories is None or not review.advisories.by_project:
        yield (
            "known vulnerabilities were not checked: there is no snapshot of advisories",
            "import one: wheelhouse advisories import FILE",
        )


@wheelhouse_rule(Severity.WARNING)
def advisories_old(review: Review) -> Iterator[Remark]:
    """The snapshot of advisories is older than the policy's advisories-max-days.

    Offline, what was published since cannot be known. A date in the future counts as now.
    """
    newest = review.advisories.newest if review.advisories else None
    if newest and review.now - newest > timedelta(days=review.policy.advisories_max_days):
        days = (review.now - newest).days
        yield f"the newest advisory here is of {newest:%Y-%m-%d}, {days} days ago", "import a newer export"
