"""Under which licence it may be used, and whether the policy takes that (pure)."""

from collections.abc import Iterator

from wheelhouse.findings import Severity
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.licences import allowed, denied, licence_of, parse
from wheelhouse.vet.rules import Remark, Review, rule


@rule(Severity.WARNING)
def licence_unknown(facts: Facts, review: Review) -> Iterator[Remark]:
    """Nothing tells its licence.

    Neither an expression (PEP 639) nor a `License` field or classifiers, nor a licence file whose text is known.
    """
    if facts.contents and not licence_of(facts).expression:
        told = facts.header("license-expression") or next(iter(facts.header("license").strip().splitlines()), "")
        what = (
            f"says only `{told[:80]}`, which is no licence that SPDX lists"
            if told
            else "does not say under which licence it is"
        )
        yield what, "find out, and waive this with what you found as the reason"


@rule(Severity.WARNING)
def licence_expression_wrong(facts: Facts, review: Review) -> Iterator[Remark]:
    """Its License-Expression cannot be read, or names licences that SPDX does not list (PEP 639)."""
    text = facts.header("license-expression")
    if text and parse(text) is None:
        yield f"its License-Expression `{text[:80]}` cannot be read", "tell the project"


@rule(Severity.ERROR)
def licence_denied(facts: Facts, review: Review) -> Iterator[Remark]:
    """Its licence cannot be had without one that the policy's licences-denied name.

    What stands beside an OR can be left out: `GPL-3.0-only OR MIT` is no finding where only the GPL is denied.
    """
    licence = licence_of(facts)
    if names := denied(licence.expression, review.policy.licences_denied):
        yield (
            f"it is under {licence.expression} (from its {licence.source}), and the policy denies {', '.join(names)}",
            "leave it out, or waive this with a reason",
        )


@rule(Severity.ERROR)
def licence_not_allowed(facts: Facts, review: Review) -> Iterator[Remark]:
    """Its licence is not among the policy's licences-allowed, where there are any."""
    licence = licence_of(facts)
    if (
        review.policy.licences_allowed
        and licence.expression
        and not allowed(licence.expression, review.policy.licences_allowed)
    ):
        yield (
            f"it is under {licence.expression} (from its {licence.source}), which the policy does not allow",
            "add the licence to the policy, leave the project out, or waive this with a reason",
        )
