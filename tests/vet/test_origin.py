"""Rules about origin: each with what it finds, and with almost the same that is no finding."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from packaging.utils import NormalizedName

from tests.support.made_pins import made_facts
from wheelhouse.archive.artifact import Artifact
from wheelhouse.findings import Observation, Policy, observed
from wheelhouse.index.provenance import Attested
from wheelhouse.lock.lock import Built
from wheelhouse.vet.approvals import NO_APPROVALS
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Check, Review, origin

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
INDEX = "https://index.example/simple"
SDIST = Artifact("odd-1.0.tar.gz", "b" * 64, 2)
SEALED = Built(SDIST, "3.12", sealed="bubblewrap", sandbox="bubblewrap, seccomp", requires=("hatchling==1.0",))
OLD_LOCK = replace(SEALED, sandbox="")
OPEN = Built(SDIST, "3.12")
KNOWN = {NormalizedName("odd"): ("GitHub a/b", "GitHub a/c")}
REVIEW = Review((), Policy(), NOW)
BUILT = {"sdist": "odd-1.0.tar.gz", "sha256": "b" * 64, "interpreter": "3.12"}


def attested(*publishers: str, refused: str = "") -> Facts:
    return made_facts(facts={"provenance": "{}", "attested": Attested(publishers, refused)})


def uploaded(days: float) -> Facts:
    return made_facts(uploaded=NOW - timedelta(days=days))


def cool(days: int | None) -> Review:
    return replace(REVIEW, policy=Policy(cool_off_days=days))


def needs(*protections: str) -> Review:
    return replace(REVIEW, policy=Policy(sandbox=frozenset(protections)))


PINNED = replace(REVIEW, publishers=KNOWN)
ROWS: dict[str, tuple[Check, Facts, Review, list[Observation]]] = {
    "from an index": (origin.origin_unknown, made_facts(index=INDEX), REVIEW, []),
    "built here": (origin.origin_unknown, made_facts(built=OPEN), REVIEW, []),
    "by address": (
        *(origin.origin_unknown, made_facts(url="https://a.example/x"), REVIEW),
        [observed(case="address", url="https://a.example/x")],
    ),
    "by path": (origin.origin_unknown, made_facts(), REVIEW, [observed(case="path")]),
    "index in clear": (
        *(origin.origin_unencrypted, made_facts(index="http://i.example/"), REVIEW),
        [observed(url="http://i.example/")],
    ),
    "both in clear": (
        *(origin.origin_unencrypted, made_facts(index="http://i.example/", url="http://f.example/x"), REVIEW),
        [observed(url="http://i.example/"), observed(url="http://f.example/x")],
    ),
    "the same twice": (
        *(origin.origin_unencrypted, made_facts(index="http://i.example/", url="http://i.example/"), REVIEW),
        [observed(url="http://i.example/")],
    ),
    "encrypted": (origin.origin_unencrypted, made_facts(index=INDEX, url="https://f.example/http://"), REVIEW, []),
    "this machine": (
        *(origin.origin_unencrypted, made_facts(index="http://localhost:80/", url="http://127.1.2.3/x"), REVIEW),
        [],
    ),
    "this machine, IPv6": (origin.origin_unencrypted, made_facts(index="http://[::1]:8/"), REVIEW, []),
    "another machine of such a name": (
        *(origin.origin_unencrypted, made_facts(index="http://localhost.example/"), REVIEW),
        [observed(url="http://localhost.example/")],
    ),
    "this machine later in the address": (
        *(origin.origin_unencrypted, made_facts(index="http://i.example/?http://localhost/"), REVIEW),
        [observed(url="http://i.example/?http://localhost/")],
    ),
    "archived": (origin.project_status, made_facts(status="archived"), REVIEW, [observed(status="archived")]),
    "active": (origin.project_status, made_facts(), REVIEW, []),
    "built in a sandbox": (
        *(origin.built_here, made_facts(built=SEALED), REVIEW),
        [observed(case="sandbox", requires=("hatchling==1.0",), sandbox="bubblewrap, seccomp", **BUILT)],
    ),
    "built in a sandbox by an older wheelhouse": (
        *(origin.built_here, made_facts(built=OLD_LOCK), REVIEW),
        [observed(case="sandbox", requires=("hatchling==1.0",), sandbox="bubblewrap", **BUILT)],
    ),
    "built without a sandbox": (
        *(origin.built_here, made_facts(built=OPEN), REVIEW),
        [observed(case="open", requires=(), sandbox="", **BUILT)],
    ),
    "not built": (origin.built_here, made_facts(), REVIEW, []),
    "unsealed": (origin.built_unsealed, made_facts(built=OPEN), REVIEW, [observed()]),
    "sealed": (origin.built_unsealed, made_facts(built=SEALED), REVIEW, []),
    "not built, so not unsealed": (origin.built_unsealed, made_facts(), REVIEW, []),
    "all protections": (
        *(origin.built_in_weaker_sandbox, made_facts(built=SEALED), needs("seccomp", "bubblewrap"), []),
    ),
    "two protections are missing": (
        *(origin.built_in_weaker_sandbox, made_facts(built=SEALED), needs("seccomp", "landlock", "cgroup")),
        [observed(sandbox="bubblewrap, seccomp", missing=("cgroup", "landlock"))],
    ),
    "protections are not known": (
        *(origin.built_in_weaker_sandbox, made_facts(built=OLD_LOCK), needs("bubblewrap")),
        [observed(sandbox="bubblewrap", missing=("bubblewrap",))],
    ),
    "not built, so no weaker sandbox": (origin.built_in_weaker_sandbox, made_facts(), needs("seccomp"), []),
    "published": (origin.publisher, attested("GitHub x/y"), REVIEW, [observed(publishers=("GitHub x/y",))]),
    "refused, so by nobody": (origin.publisher, attested("GitHub x/y", refused="forged"), REVIEW, []),
    "not checked, so by nobody": (origin.publisher, made_facts(facts={"provenance": "{}"}), REVIEW, []),
    "another publisher": (
        *(origin.publisher_changed, attested("GitHub a/b", "GitHub e/vil"), PINNED),
        [observed(publishers=("GitHub a/b", "GitHub e/vil"), known=("GitHub a/b", "GitHub a/c"))],
    ),
    "both of the publishers": (origin.publisher_changed, attested("GitHub a/c", "GitHub a/b"), PINNED, []),
    "one of the publishers": (origin.publisher_changed, attested("GitHub a/c"), PINNED, []),
    "the first publisher": (origin.publisher_changed, attested("GitHub e/vil"), REVIEW, []),
    "another publisher, refused": (origin.publisher_changed, attested("GitHub e/vil", refused="forged"), PINNED, []),
    "a publisher that is not checked": (origin.publisher_changed, made_facts(), PINNED, []),
    "no attestations any more": (
        *(origin.attestation_missing, made_facts(), PINNED),
        [observed(known=("GitHub a/b", "GitHub a/c"))],
    ),
    "never attestations": (origin.attestation_missing, made_facts(), REVIEW, []),
    "still attestations": (origin.attestation_missing, attested("GitHub e/vil"), PINNED, []),
    "a refused attestation": (
        *(origin.attestation_refused, attested(refused="it is forged"), REVIEW),
        [observed(reason="it is forged")],
    ),
    "a valid attestation": (origin.attestation_refused, attested("GitHub a/b"), REVIEW, []),
    "no attestation": (origin.attestation_refused, made_facts(), REVIEW, []),
    "yanked": (
        *(origin.yanked, made_facts(yanked="it broke"), REVIEW),
        [observed(case="reason", reason="it broke")],
    ),
    "yanked for no reason": (origin.yanked, made_facts(yanked=""), REVIEW, [observed(case="bare")]),
    "not yanked": (origin.yanked, made_facts(), REVIEW, []),
    "no cool-off": (origin.cool_off, uploaded(0), cool(None), []),
    "a cool-off of no day": (origin.cool_off, uploaded(0), cool(0), []),
    "an upload that is not known": (origin.cool_off, made_facts(), cool(7), [observed(case="unknown")]),
    "young": (
        *(origin.cool_off, uploaded(6.9), cool(7)),
        [observed(case="young", uploaded="2026-01-24", days=7)],
    ),
    "old enough": (origin.cool_off, uploaded(7), cool(7), []),
}


def test_each_rule_finds_what_it_is_for_and_nothing_like_it() -> None:
    for name, (check, facts, review, expected) in ROWS.items():
        assert list(check(facts, review)) == expected, name


def test_the_indexes_are_counted() -> None:
    facts = (made_facts(index=INDEX), made_facts(), made_facts(index="https://b.example/"), made_facts(index=INDEX))
    assert list(origin.indexes(replace(REVIEW, facts=facts))) == [
        observed(index=INDEX).with_context(count=2),
        observed(index="https://b.example/").with_context(count=1),
    ]
    inner = replace(REVIEW, facts=facts[:1], inner=facts[2:])
    assert list(origin.indexes(inner)) == list(origin.indexes(replace(REVIEW, facts=facts)))


def test_what_could_not_be_checked_is_counted() -> None:
    unchecked = made_facts(facts={"provenance": "{}"})
    both = (unchecked, attested("GitHub a/b"), made_facts(), unchecked)
    rows: dict[int, Callable[[], Review]] = {
        2: lambda: replace(REVIEW, facts=both),
        1: lambda: replace(REVIEW, facts=both[1:3], inner=both[:2]),
        0: lambda: replace(REVIEW, facts=both[1:3]),
    }
    for count, review in rows.items():
        expected = [observed(count=count)] if count else []
        assert list(origin.attestations_unchecked(review())) == expected


def test_the_age_of_the_trust_root_is_given_in_days() -> None:
    assert list(origin.trust_root(REVIEW)) == []
    since = replace(REVIEW, trusted_since=NOW - timedelta(days=30, hours=1), approvals=NO_APPROVALS)
    assert list(origin.trust_root(since)) == [observed(since="2026-01-01").with_context(days=30)]
