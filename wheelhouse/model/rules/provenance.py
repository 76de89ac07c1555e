"""Where it came from: when it was uploaded, whether it was withdrawn."""

from collections.abc import Iterator
from datetime import timedelta

from wheelhouse.model.facts import Facts
from wheelhouse.model.policy import Severity
from wheelhouse.model.rules import Remark, Review, rule


@rule(Severity.WARNING)
def yanked(facts: Facts, review: Review) -> Iterator[Remark]:
    """The release was withdrawn by its own project (PEP 592)."""
    if facts.pin.yanked is not None:
        yield f"it was yanked: {facts.pin.yanked or 'no reason given'}", "choose another version"


@rule(Severity.ERROR)
def cool_off(facts: Facts, review: Review) -> Iterator[Remark]:
    """The file is younger than the policy's cool-off-days, or its age is not known.

    Most malicious releases are found out within days. A file whose upload time the index does not give has no known age.
    """
    days = review.policy.cool_off_days
    if days is None:
        return
    uploaded = facts.pin.artifact.upload_time
    if uploaded is None:
        yield (
            "the index did not say when it was uploaded",
            "ask the index for upload times (PEP 700), or waive this rule with a reason",
        )
    elif review.now - uploaded < timedelta(days=days):
        yield f"it was uploaded on {uploaded:%Y-%m-%d}, less than {days} days ago", "wait, or choose an older version"
