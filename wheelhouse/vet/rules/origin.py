"""Rules about origin: index, upload day, publisher, yanked releases; an observation for a file, or one for the wheelhouse (pure)."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, rule, wheelhouse_rule

LOOPBACK = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])[:/]")


@wheelhouse_rule(Severity.NOTE)
def indexes(review: Review) -> Iterator[Observation]:
    """The indexes that the files of the wheelhouse are from.

    Each project has one index, and the lock file names it. Make sure that you know each of them.
    """
    counts = Counter(facts.pin.index for facts in review.facts if facts.pin.index)
    for index, count in counts.items():
        yield observed(index=index).with_context(count=count)


@rule(Severity.WARNING)
def origin_unknown(facts: Facts, review: Review) -> Iterator[Observation]:
    """The lock file does not say which index the file is from.

    The file was named by path or address, or was in a folder. Only the person who named the file can tell where it is from.
    """
    if not facts.pin.index and not facts.pin.built:
        url = facts.pin.origin.url
        yield observed(case="address", url=url) if url else observed(case="path")


@rule(Severity.WARNING)
def origin_unencrypted(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file, or the index page with its hash, was fetched over unencrypted HTTP.

    An attacker in the network could replace both.
    """
    for url in dict.fromkeys((facts.pin.index, facts.pin.origin.url or "")):
        if url.startswith("http://") and not LOOPBACK.match(url):
            yield observed(url=url)


@rule(Severity.WARNING)
def project_status(facts: Facts, review: Review) -> Iterator[Observation]:
    """The index says that the project is archived or deprecated (PEP 792)."""
    if facts.pin.status:
        yield observed(status=facts.pin.status)


@rule(Severity.NOTE)
def built_here(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel was built by wheelhouse from an sdist: with which requirements, Python and sandbox."""
    if built := facts.pin.built:
        yield observed(
            case="sandbox" if built.sealed else "open",
            sdist=built.sdist.filename,
            sha256=built.sdist.sha256,
            interpreter=built.interpreter,
            requires=tuple(built.requires),
            sandbox=built.sandbox or built.sealed,
        )


@rule(Severity.ERROR)
def built_unsealed(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel was built without a sandbox.

    The code of the sdist could reach the network, the files of the host, and other builds.
    """
    if facts.pin.built and not facts.pin.built.sealed:
        yield observed()


@rule(Severity.ERROR)
def built_in_weaker_sandbox(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel was built in a sandbox that did not hold what the policy demands (`sandbox` of `[policy]`).

    A lock file of an older version does not say what its sandbox held, so it does not meet such a policy.
    """
    if built := facts.pin.built:
        missing = review.policy.sandbox - built.held
        if missing:
            yield observed(sandbox=built.sandbox or built.sealed, missing=tuple(sorted(missing)))


@rule(Severity.NOTE)
def publisher(facts: Facts, review: Review) -> Iterator[Observation]:
    """Attestations with valid signatures say who published the file (PEP 740)."""
    if facts.attested and not facts.attested.refused:
        yield observed(publishers=tuple(facts.attested.publishers))


@rule(Severity.ERROR)
def publisher_changed(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file was published by another publisher than the project's first one.

    wheelhouse keeps the first publisher of each project that it sees, in the file that the policy's `publishers` names. A new
    publisher can mean that the project moved, or that an attacker took it over.
    """
    known = review.publishers.get(facts.project, ())
    if known and facts.attested and not facts.attested.refused and not set(facts.attested.publishers) <= set(known):
        yield observed(publishers=tuple(facts.attested.publishers), known=tuple(known))


@rule(Severity.ERROR)
def attestation_missing(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file has no attestations, although the project's publisher is known.

    An attacker who has the password of a project, but not its workflow, publishes without attestations.
    """
    known = review.publishers.get(facts.project, ())
    if known and facts.provenance is None:
        yield observed(known=tuple(known))


@rule(Severity.ERROR)
def attestation_refused(facts: Facts, review: Review) -> Iterator[Observation]:
    """The attestations of the file are not valid.

    The signature, the publisher, the trust root, the name of the file or its sha256 is wrong (PEP 740).
    """
    if facts.attested and facts.attested.refused:
        yield observed(reason=facts.attested.refused)


@wheelhouse_rule(Severity.WARNING)
def attestations_unchecked(review: Review) -> Iterator[Observation]:
    """The attestations were not checked, because sigstore is not installed.

    Attestations that nobody checked prove nothing.
    """
    if count := sum(facts.provenance is not None and facts.attested is None for facts in review.facts):
        yield observed(count=count)


@wheelhouse_rule(Severity.NOTE)
def trust_root(review: Review) -> Iterator[Observation]:
    """The age of the trust root that attestations were checked with.

    Without a network, wheelhouse cannot know which keys were revoked since.
    """
    if since := review.trusted_since:
        yield observed(since=f"{since:%Y-%m-%d}").with_context(days=(review.now - since).days)


@rule(Severity.WARNING)
def yanked(facts: Facts, review: Review) -> Iterator[Observation]:
    """The project yanked the release (PEP 592)."""
    if facts.pin.yanked is not None:
        yield observed(case="reason", reason=facts.pin.yanked) if facts.pin.yanked else observed(case="bare")


@rule(Severity.ERROR)
def cool_off(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file is younger than the policy's cool-off-days, or its age is not known.

    Most malicious releases are found within days. The age is not known if the index does not give the upload time.
    """
    days = review.policy.cool_off_days
    if days is None:
        return
    uploaded = facts.pin.artifact.upload_time
    if uploaded is None:
        yield observed(case="unknown")
    elif review.now - uploaded < timedelta(days=days):
        yield observed(case="young", uploaded=f"{uploaded:%Y-%m-%d}", days=days)
