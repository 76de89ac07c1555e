"""Where it came from: from which index, when, by whom, and whether it was withdrawn (pure)."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from wheelhouse.findings import Severity
from wheelhouse.humanize import counted
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Remark, Review, named, rule, wheelhouse_rule

LOOPBACK = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])[:/]")


@wheelhouse_rule(Severity.NOTE)
def indexes(review: Review) -> Iterator[Remark]:
    """The indexes that the files of the house are from.

    One index is asked for a project, and the lock keeps which; a second index in this list is one to know.
    """
    counts = Counter(facts.pin.index for facts in review.facts if facts.pin.index)
    if counts:
        told = ", ".join(f"{index} ({counted(count, 'file')})" for index, count in counts.most_common())
        yield f"the files are from {told}", ""


@rule(Severity.WARNING)
def origin_unknown(facts: Facts, review: Review) -> Iterator[Remark]:
    """The lock does not say which index the file is from.

    It was named by its path or its address, or lay in a folder; what vouches for it is whoever named it.
    """
    if not facts.pin.index and not facts.pin.built:
        where = facts.pin.origin.url
        yield (
            f"it is from {where}, and from no index" if where else "it was a file on somebody's machine",
            "find out where it is from",
        )


@rule(Severity.WARNING)
def origin_unencrypted(facts: Facts, review: Review) -> Iterator[Remark]:
    """The file, or the index's page that named it and its hash, came over unencrypted HTTP.

    Whoever was on the way could replace both.
    """
    for url in dict.fromkeys((facts.pin.index, facts.pin.origin.url or "")):
        if url.startswith("http://") and not LOOPBACK.match(url):
            yield f"it came from {url}, unencrypted", "fetch it over https, and compare the sha256"


@rule(Severity.WARNING)
def project_status(facts: Facts, review: Review) -> Iterator[Remark]:
    """The index says that the project is archived or deprecated (PEP 792)."""
    if facts.pin.status:
        yield (
            f"the index says that the project is {facts.pin.status}",
            "nobody mends it any more: look for what replaces it",
        )


@rule(Severity.NOTE)
def built_here(facts: Facts, review: Review) -> Iterator[Remark]:
    """The wheel was built here, from an sdist: with what, under which Python, how sealed."""
    if built := facts.pin.built:
        with_what = f" with {named(built.requires)}" if built.requires else ""
        how = f"sealed by {built.sandbox or built.sealed}" if built.sealed else "unsealed"
        yield (
            f"it was built here from {built.sdist.filename} (sha256 {built.sdist.sha256}), under {built.interpreter}{with_what}, {how}",
            "",
        )


@rule(Severity.ERROR)
def built_unsealed(facts: Facts, review: Review) -> Iterator[Remark]:
    """The wheel was built here without a sandbox.

    The sdist's code could reach the network, this machine's files, and other builds.
    """
    if facts.pin.built and not facts.pin.built.sealed:
        yield "its build was not sealed", "build it again where a sandbox can be made"


@rule(Severity.ERROR)
def built_in_weaker_sandbox(facts: Facts, review: Review) -> Iterator[Remark]:
    """The wheel was built here in a sandbox that did not hold what the policy demands (`sandbox` of `[policy]`).

    A lock file of an older version says nothing of it, and does not meet such a policy.
    """
    if built := facts.pin.built:
        missing = review.policy.sandbox - set(built.sandbox.split(", "))
        if missing:
            held = built.sandbox or built.sealed or "nothing"
            yield (
                f"its build was sealed by {held}, and the policy demands {named(sorted(missing))} too",
                "build it again where the sandbox has this",
            )


@rule(Severity.NOTE)
def publisher(facts: Facts, review: Review) -> Iterator[Remark]:
    """Attestations say who published the file, and their signatures hold (PEP 740)."""
    if facts.attested and not facts.attested.refused:
        yield f"published by {named(facts.attested.publishers)}", ""


@rule(Severity.ERROR)
def publisher_changed(facts: Facts, review: Review) -> Iterator[Remark]:
    """Another publisher attests the file than the project's at first sight.

    At first sight a project's publisher is kept in the file that the policy's `publishers` names. What came later may be
    a project that moved, or one that was taken over.
    """
    known = review.publishers.get(facts.project, ())
    if known and facts.attested and not facts.attested.refused and not set(facts.attested.publishers) <= set(known):
        yield (
            f"it was published by {named(facts.attested.publishers)}, and at first sight the publisher was {named(known)}",
            "ask the project; where it is right, add the publisher to the file of publishers",
        )


@rule(Severity.ERROR)
def attestation_missing(facts: Facts, review: Review) -> Iterator[Remark]:
    """Nothing attests who published the file, though the project's publisher is known.

    Whoever takes over a project's password, and not its workflow, publishes without attestations.
    """
    known = review.publishers.get(facts.project, ())
    if known and facts.provenance is None:
        yield f"nothing attests who published it, and the project's publisher is {named(known)}", "ask the project why"


@rule(Severity.ERROR)
def attestation_refused(facts: Facts, review: Review) -> Iterator[Remark]:
    """The attestations of the file do not hold.

    Signature, publisher, trust root, the file's name or its sha256 are not what they must be (PEP 740).
    """
    if facts.attested and facts.attested.refused:
        yield f"its attestations are refused: {facts.attested.refused}", "do not use the file before you know why"


@wheelhouse_rule(Severity.WARNING)
def attestations_unchecked(review: Review) -> Iterator[Remark]:
    """There are attestations, and they were not checked, because what checks them is not installed.

    Not checked is not vouched for.
    """
    if count := sum(facts.provenance is not None and facts.attested is None for facts in review.facts):
        hint = "pip install 'airgap-wheelhouse[attestations]'"
        yield f"the attestations of {counted(count, 'file')} were not checked: sigstore is not installed", hint


@wheelhouse_rule(Severity.NOTE)
def trust_root(review: Review) -> Iterator[Remark]:
    """How old the trust root is that attestations were checked against.

    Offline, what was revoked since cannot be known.
    """
    if since := review.trusted_since:
        days = (review.now - since).days
        yield f"the newest key in the trust root is in use since {since:%Y-%m-%d}, {days} days ago", ""


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
