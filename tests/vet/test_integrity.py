"""Rules about integrity, licences and other files, on facts that are made for them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from tests.support.made_pins import WHEEL, made_facts
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.findings import Finding, Observation, Policy, Severity, observed
from wheelhouse.lock.other_files import OtherFile
from wheelhouse.vet.approvals import Approval, Approvals
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Check, Review, integrity, licensing
from wheelhouse.vet.rules.image_files import other_file_findings
from wheelhouse.vet.vet import RULES

REVIEW = Review((), Policy(), datetime(2026, 1, 31, tzinfo=UTC))
ELSEWHERE: dict[tuple[str, Severity, bool], str] = {
    ("integrity", Severity.ERROR, False): "altered missing link swapped archive zip-crc sdist-bomb metadata-mismatch",
    ("integrity", Severity.ERROR, True): "record-hash record-size name-twins record-fields",
    ("integrity", Severity.WARNING, True): "unneeded left-aside legacy-metadata case-twins record-missing-file",
    ("integrity", Severity.NOTE, True): "several-versions",
    ("otherfiles", Severity.NOTE, True): "file-unvouched",
    ("otherfiles", Severity.WARNING, True): "file-in-clear",
    ("otherfiles", Severity.ERROR, True): "file-leads-out",
    ("vulnerabilities", Severity.ERROR, True): "deb-vulnerable",
    ("vulnerabilities", Severity.WARNING, True): "deb-advisories-missing",
    ("licensing", Severity.ERROR, True): "deb-licence-denied deb-licence-not-allowed",
    ("licensing", Severity.WARNING, True): "deb-licence-unknown",
    ("policy", Severity.ERROR, False): "waiver-expired",
    ("policy", Severity.NOTE, True): "waiver-unused",
    ("policy", Severity.WARNING, True): "waiver-broad",
}


def test_rules_without_a_function_have_a_group_a_severity_and_may_be_waived_or_not() -> None:
    for (group, severity, waivable), names in ELSEWHERE.items():
        for name in names.split():
            one = RULES[name]
            assert (one.id, one.group, one.severity, one.waivable) == (name, group, severity, waivable), name
            assert one.check is None and one.explanation


def approved(**files: str) -> Review:
    """A review after approvals of these files: name → sha256."""
    statements = (
        Approval({sha256: (f"tools/{name}.whl", frozenset())}, "ada", "k", "read", date(2026, 1, 1))
        for name, sha256 in files.items()
    )
    return replace(REVIEW, approvals=Approvals(tuple(statements)))


ODD = WHEEL.removesuffix(".whl")
TAGS = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTAG : {}\n"


def tagged(text: str | None, filename: str = WHEEL, info: str = "odd-1.0.dist-info") -> Facts:
    texts = {} if text is None else {f"{info}/WHEEL": text}
    return made_facts(filename, members=["odd-1.0.dist-info/METADATA"], texts=texts)


def licensed(can_be_read: bool = True, **headers: str) -> Facts:
    contents = InspectedFile(None, b"") if can_be_read else None  # type: ignore[arg-type]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return made_facts(headers=named, facts={"contents": contents})


def policy(allowed: str = "", denied: str = "") -> Review:
    return replace(
        REVIEW, policy=Policy(licences_allowed=frozenset(allowed.split()), licences_denied=frozenset(denied.split()))
    )


LONG = "no licence of the list " * 5
ROWS: dict[str, tuple[Check, Facts, Review, list[Observation]]] = {
    "the same bytes": (integrity.other_bytes, made_facts(), approved(**{ODD: "a" * 64}), []),
    "nothing approved": (integrity.other_bytes, made_facts(), REVIEW, []),
    "another file approved": (integrity.other_bytes, made_facts(), approved(**{"even-1.0-py3-none-any": "b" * 64}), []),
    "other bytes": (
        *(integrity.other_bytes, made_facts(), approved(**{ODD: "b" * 64})),
        [observed(sha256="a" * 64, approved=("b" * 64,))],
    ),
    "the tags of the name": (integrity.wheel_tags, tagged(TAGS.format("py3-none-any")), REVIEW, []),
    "no tags": (integrity.wheel_tags, tagged("Wheel-Version: 1.0\n"), REVIEW, []),
    "tags with a colon": (
        *(integrity.wheel_tags, tagged("Tag: py3-none-any:x\n"), REVIEW),
        [observed(inside=("py3-none-any:x",), in_name=("py3-none-any",))],
    ),
    "tags that are none": (
        *(integrity.wheel_tags, tagged("Tag: nonsense\nTag:\n"), REVIEW),
        [observed(inside=("(empty)", "nonsense"), in_name=("py3-none-any",))],
    ),
    "other tags": (
        *(integrity.wheel_tags, tagged(TAGS.format("py2.py3-none-any")), REVIEW),
        [observed(inside=("py2-none-any", "py3-none-any"), in_name=("py3-none-any",))],
    ),
    "no WHEEL": (integrity.wheel_tags, tagged(None), REVIEW, []),
    "an sdist": (
        *(integrity.wheel_tags, tagged(TAGS.format("py2-none-any"), "odd-1.0.tar.gz"), REVIEW),
        [],
    ),
    "no licence": (licensing.licence_unknown, licensed(), REVIEW, [observed(case="none")]),
    "a known licence": (licensing.licence_unknown, licensed(license="MIT"), REVIEW, []),
    "no licence in a file that cannot be read": (licensing.licence_unknown, licensed(can_be_read=False), REVIEW, []),
    "a field of several lines": (
        *(licensing.licence_unknown, licensed(license="\n  Odd terms\nsecond line"), REVIEW),
        [observed(case="unlisted", text="Odd terms")],
    ),
    "an expression and a field": (
        *(licensing.licence_unknown, licensed(license_expression="Odd-1 OR", license="Odd terms"), REVIEW),
        [observed(case="unlisted", text="Odd-1 OR")],
    ),
    "a long field": (
        *(licensing.licence_unknown, licensed(license=LONG), REVIEW),
        [observed(case="unlisted", text=LONG[:80])],
    ),
    "a wrong expression": (
        *(licensing.licence_expression_wrong, licensed(license_expression="MIT OR"), REVIEW),
        [observed(text="MIT OR")],
    ),
    "a right expression": (licensing.licence_expression_wrong, licensed(license_expression="MIT"), REVIEW, []),
    "no expression": (licensing.licence_expression_wrong, licensed(license="MIT OR"), REVIEW, []),
    "a denied licence": (
        *(licensing.licence_denied, licensed(license_expression="MIT AND ISC"), policy(denied="ISC BSD-3-Clause")),
        [observed(expression="MIT AND ISC", source="License-Expression", denied=("ISC",))],
    ),
    "a licence that is not denied": (licensing.licence_denied, licensed(license="MIT"), policy(denied="ISC"), []),
    "a licence that is not allowed": (
        *(licensing.licence_not_allowed, licensed(license_expression="ISC"), policy("MIT")),
        [observed(expression="ISC", source="License-Expression")],
    ),
    "an allowed licence": (licensing.licence_not_allowed, licensed(license="MIT"), policy("MIT"), []),
    "an unknown licence": (licensing.licence_not_allowed, licensed(), policy("MIT"), []),
    "a policy that allows all": (licensing.licence_not_allowed, licensed(license="ISC"), policy(denied="MIT"), []),
}


def test_each_rule_finds_what_it_is_for_and_nothing_like_it() -> None:
    for name, (check, facts, review, expected) in ROWS.items():
        assert list(check(facts, review)) == expected, name


SUBJECT = "files/tool.tar"
UNVOUCHED = Finding.of(SUBJECT, "file-unvouched", Severity.NOTE)
OTHER_FILES: dict[tuple[str, str], tuple[Sequence[str], list[Finding]]] = {
    ("https://a.example/http:", ""): ((), [UNVOUCHED]),
    ("https://a.example/tool.tar", "in its checksum file"): ((), []),
    ("http://a.example/tool.tar", "signed by ada"): ((), []),
    ("http://a.example/tool.tar", "in its checksum file"): (
        ("../x", "/y"),
        [
            Finding.of(SUBJECT, "file-in-clear", Severity.WARNING, url="http://a.example/tool.tar"),
            Finding.of(SUBJECT, "file-leads-out", Severity.ERROR, members=("../x", "/y")),
        ],
    ),
}


def test_a_file_that_is_no_distribution_needs_a_voucher_encryption_and_a_tar_that_stays_inside() -> None:
    for (url, voucher), (members, expected) in OTHER_FILES.items():
        file = OtherFile("tool.tar", url, "c" * 64, 1, voucher)
        assert list(other_file_findings(file, members)) == expected, (url, voucher)
