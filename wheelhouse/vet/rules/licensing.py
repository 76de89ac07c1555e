"""Rules about licences, which one a file is under and whether the policy allows it: at most one observation for a file (pure)."""

from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.licences import allowed, denied, licence_of, parse
from wheelhouse.vet.rules import Review, rule

MAX_CHARACTERS = 80
"""The longest text of a licence field that a finding quotes."""


@rule(Severity.WARNING)
def licence_unknown(facts: Facts, review: Review) -> Iterator[Observation]:
    """The licence of the file is not known.

    The file has no licence expression (PEP 639), no usable `License` field or classifier, and no licence file with a known
    text.
    """
    if facts.contents and not licence_of(facts).expression:
        text = facts.header("license-expression") or next(iter(facts.header("license").strip().splitlines()), "")
        yield observed(case="unlisted", text=text[:MAX_CHARACTERS]) if text else observed(case="none")


@rule(Severity.WARNING)
def licence_expression_wrong(facts: Facts, review: Review) -> Iterator[Observation]:
    """The License-Expression field cannot be parsed, or names a licence that is not in the SPDX list and not `LicenseRef-…` (PEP 639)."""
    text = facts.header("license-expression")
    if text and parse(text) is None:
        yield observed(text=text[:MAX_CHARACTERS])


@rule(Severity.ERROR)
def licence_denied(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file is under a licence that is in the policy's licences-denied.

    With OR, a user may choose the licence: `GPL-3.0-only OR MIT` is no finding if only the GPL is denied.
    """
    licence = licence_of(facts)
    if names := denied(licence.expression, review.policy.licences_denied):
        yield observed(expression=licence.expression, source=licence.source, denied=tuple(names))


@rule(Severity.ERROR)
def licence_not_allowed(facts: Facts, review: Review) -> Iterator[Observation]:
    """The licence of the file is not in the policy's licences-allowed.

    Without licences-allowed, all licences are allowed. `licence-unknown` reports files whose licence is not known.
    """
    licence = licence_of(facts)
    if (
        review.policy.licences_allowed
        and licence.expression
        and not allowed(licence.expression, review.policy.licences_allowed)
    ):
        yield observed(expression=licence.expression, source=licence.source)
