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
    """The note lists the indexes from which the files of the wheelhouse and of its inner wheelhouses came.

    Each project comes from one index, which the lock file names. Make sure that you know each index.
    """
    counts = Counter(facts.pin.index for facts in (*review.facts, *review.inner) if facts.pin.index)
    for index, count in counts.items():
        yield observed(index=index).with_context(count=count)


@rule(Severity.WARNING)
def origin_unknown(facts: Facts, review: Review) -> Iterator[Observation]:
    """The lock file does not say which index the file came from.

    The file was requested by path or address, or was in a folder. Only the person who requested it knows where it came from.
    A wheel that wheelhouse built is not reported here: see `built-here`.
    """
    if not facts.pin.index and not facts.pin.built:
        url = facts.pin.origin.url
        yield observed(case="address", url=url) if url else observed(case="path")


@rule(Severity.WARNING)
def origin_unencrypted(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file, or the index page with the file's hash, was fetched over unencrypted HTTP.

    An attacker in the network could replace the file and the hash. The rule does not report addresses of the host itself,
    such as `http://localhost`.
    """
    for url in dict.fromkeys(filter(None, (facts.pin.index, facts.pin.origin.url))):
        if url.startswith("http://") and not LOOPBACK.match(url):
            yield observed(url=url)


@rule(Severity.WARNING)
def project_status(facts: Facts, review: Review) -> Iterator[Observation]:
    """The index says that the project is archived or deprecated (PEP 792)."""
    if facts.pin.status:
        yield observed(status=facts.pin.status)


@rule(Severity.NOTE)
def built_here(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel was built from an sdist by wheelhouse. The note names the build requirements, the Python and the sandbox."""
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
    """The wheel was built in a sandbox without a protection that the policy requires (`sandbox` of `[policy]`).

    Lock files from older releases of wheelhouse do not name the sandbox's protections, so the rule also reports the
    wheels in these lock files.
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
    """The publisher of the file is not the project's first known publisher.

    wheelhouse keeps each project's first publisher in a file (`publishers` in the policy). A new publisher can mean that the
    project moved, or that an attacker took over the project.
    """
    known = review.publishers.get(facts.project, ())
    if known and facts.attested and not facts.attested.refused and not set(facts.attested.publishers) <= set(known):
        yield observed(publishers=tuple(facts.attested.publishers), known=tuple(known))


@rule(Severity.ERROR)
def attestation_missing(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file has no attestations, although earlier files of the project had some.

    An attacker who has a project's password, but cannot run its publishing workflow, can only publish files without
    attestations.
    """
    known = review.publishers.get(facts.project, ())
    if known and facts.provenance is None:
        yield observed(known=tuple(known))


@rule(Severity.ERROR)
def attestation_refused(facts: Facts, review: Review) -> Iterator[Observation]:
    """The attestations of the file are not valid.

    One of these is wrong: the signature, the publisher, the trust root, the name of the file or its sha256 (PEP 740).
    """
    if facts.attested and facts.attested.refused:
        yield observed(reason=facts.attested.refused)


@wheelhouse_rule(Severity.WARNING)
def attestations_unchecked(review: Review) -> Iterator[Observation]:
    """The attestations were not checked, because sigstore is not installed.

    Unchecked attestations prove nothing. The number in the finding includes the files of inner wheelhouses, such as
    `build/`.
    """
    files = (*review.facts, *review.inner)
    if count := sum(facts.provenance is not None and facts.attested is None for facts in files):
        yield observed(count=count)


@wheelhouse_rule(Severity.NOTE)
def trust_root(review: Review) -> Iterator[Observation]:
    """The note gives the age of the trust root: the keys that were used to check attestations.

    Without a network, wheelhouse cannot know which of these keys were revoked later.
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
