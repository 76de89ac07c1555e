"""What the three formats of VEX documents say, read into statements, part by part."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from wheelhouse.errors import InputError
from wheelhouse.findings import Analysis
from wheelhouse.vet.ecosystems import Purl
from wheelhouse.vet.version_ranges import parse_range
from wheelhouse.vet.vex import VexProduct, VexStatement
from wheelhouse.vet.vex_documents import HINT, parse_vex

APP, LIB = "pkg:pypi/app@1.0", "pkg:pypi/lib@2.0"
ANY_APP = Purl("pypi", "", "app", "")
APP_PURL, LIB_PURL = Purl("pypi", "", "app", "1.0"), Purl("pypi", "", "lib", "2.0")
DIGEST = "AB" * 32
EARLY, LATE = "2026-05-01T00:00:00Z", "2026-05-09T00:00:00Z"
CVE = frozenset(("CVE-1",))
Table = Mapping[str, Any]


def parsed(document: object) -> tuple[VexStatement, ...]:
    return parse_vex(json.dumps(document), "it.json")


def only(document: object) -> VexStatement:
    (statement,) = parsed(document)
    return statement


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "it is not an object"),
        ({}, "it is neither CycloneDX nor OpenVEX nor CSAF"),
        ({"bomFormat": "SPDX", "@context": 5}, "it is neither CycloneDX nor OpenVEX nor CSAF"),
        ({"document": "csaf_version"}, "it is neither CycloneDX nor OpenVEX nor CSAF"),
        ({"document": {"version": "2.0"}}, "it is neither CycloneDX nor OpenVEX nor CSAF"),
        ({"bomFormat": "CycloneDX", "vulnerabilities": {"a": {}}}, "`vulnerabilities` is no array of objects"),
        ({"bomFormat": "CycloneDX", "vulnerabilities": 5}, "`vulnerabilities` is no array of objects"),
        ({"bomFormat": "CycloneDX", "vulnerabilities": [{}, "x"]}, "`vulnerabilities` is no array of objects"),
        ({"@context": "openvex", "statements": [{"vulnerability": "A", "status": "odd"}]}, "'odd'"),
    ],
)
def test_the_error_says_why_it_is_no_vex_document(document: object, why: str) -> None:
    with pytest.raises(InputError) as error:
        parsed(document)
    assert (str(error.value), error.value.hint) == (f"`it.json` is not a VEX document: {why}", HINT)


def test_states_of_all_formats_are_those_of_cyclonedx() -> None:
    openvex = {
        "not_affected": "not_affected",
        "affected": "exploitable",
        "fixed": "resolved",
        "under_investigation": "in_triage",
    }
    csaf = {
        "known_not_affected": "not_affected",
        "known_affected": "exploitable",
        "first_affected": "exploitable",
        "last_affected": "exploitable",
        "fixed": "resolved",
        "first_fixed": "resolved",
        "under_investigation": "in_triage",
    }
    kept = ("not_affected", "false_positive", "resolved", "resolved_with_pedigree", "exploitable", "in_triage")
    said = {
        **{("openvex", word): only(openvex_of({"status": word})).analysis.state for word in openvex},
        **{("csaf", word): only(csaf_of({"product_status": {word: ["P"]}})).analysis.state for word in csaf},
        **{("cyclonedx", word): only(cyclonedx_of({"analysis": {"state": word}})).analysis.state for word in kept},
    }
    assert said == {
        **{("openvex", word): state for word, state in openvex.items()},
        **{("csaf", word): state for word, state in csaf.items()},
        **{("cyclonedx", word): word for word in kept},
    }
    assert parsed(csaf_of({"product_status": {"recommended": ["P"]}})) == ()
    rows = [{"id": "A"}, {"id": "B", "analysis": {"state": "odd"}}, {"id": "C", "analysis": {"state": "resolved"}}]
    assert [one.ids for one in parsed({"bomFormat": "CycloneDX", "vulnerabilities": rows})] == [frozenset("C")]


# CycloneDX


def cyclonedx_of(row: Table, **more: object) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-1", **row}], **more}


def test_a_cyclonedx_analysis_is_read_as_a_whole() -> None:
    analysis = {"state": "not_affected", "justification": "code_not_present", "detail": "gone", "lastUpdated": LATE}
    row = {
        "references": [{"id": "https://db.example/GHSA-1/"}, {}, {"id": "PYSEC-1"}],
        "analysis": analysis,
        "affects": [{"ref": APP}],
        "updated": EARLY,
    }
    assert only(cyclonedx_of(row, metadata={"authors": [{"name": "Acme"}]})) == VexStatement(
        frozenset(("CVE-1", "GHSA-1", "PYSEC-1")),
        (VexProduct(APP_PURL),),
        Analysis("not_affected", "code_not_present", "gone", "Acme", "it.json"),
        LATE,
    )


def test_what_a_cyclonedx_analysis_lacks_is_empty() -> None:
    empty = VexStatement(CVE, (), Analysis("resolved", source="it.json"), "")
    assert only(cyclonedx_of({"analysis": {"state": "resolved"}})) == empty


def test_the_time_of_a_cyclonedx_analysis_is_the_nearest() -> None:
    metadata = {"timestamp": "2026-05-05"}
    for row, made in {
        (("lastUpdated", LATE),): LATE,
        (("updated", EARLY),): EARLY,
        (("updated", EARLY), ("lastUpdated", LATE)): LATE,
        (): "2026-05-05",
    }.items():
        given = dict(row)
        analysis = {"state": "resolved", "lastUpdated": given.pop("lastUpdated", None)}
        assert only(cyclonedx_of({"analysis": analysis, **given}, metadata=metadata)).made == made, row


def test_the_author_of_a_cyclonedx_document_is_its_first_name() -> None:
    supplier, manufacturer, authors = {"name": "S"}, {"name": "M"}, [{}, {"name": "A"}, {"name": "B"}]
    named: list[tuple[dict[str, object], str]] = [
        ({"supplier": supplier, "manufacturer": manufacturer, "authors": authors}, "S"),
        ({"supplier": {"url": "x"}, "manufacturer": manufacturer, "authors": authors}, "M"),
        ({"authors": authors}, "A"),
        ({"supplier": None}, ""),
    ]
    for metadata, author in named:
        statement = only(cyclonedx_of({"analysis": {"state": "resolved"}}, metadata=metadata))
        assert statement.analysis.author == author, metadata


SHA = {"hashes": [{"alg": "MD5", "content": "1"}, {"alg": "SHA-256", "content": DIGEST}]}
COMPONENTS = {
    "metadata": {"component": {"bom-ref": "root", "purl": APP, "components": [{"bom-ref": "in-root", "purl": LIB}]}},
    "components": [
        {"bom-ref": "outer", "purl": LIB, **SHA, "components": [{"bom-ref": "inner", "purl": APP}]},
        {"bom-ref": "urn:cdx:whole/1#a", "purl": "pkg:pypi/whole@1"},
        {"bom-ref": "b#c", "purl": "pkg:pypi/end@1"},
        {"bom-ref": "pkg:pypi/app@9", "purl": LIB},
        {"bom-ref": "bare", **SHA},
        {"bom-ref": "odd", "purl": 5, "hashes": [{"alg": "SHA-256"}]},
    ],
}
SHA256 = DIGEST.lower()
AFFECTED: dict[str, tuple[Table, tuple[VexProduct, ...]]] = {
    "the subject": ({"ref": "root"}, (VexProduct(APP_PURL),)),
    "inside the subject": ({"ref": "in-root"}, (VexProduct(LIB_PURL),)),
    "a component with a hash": ({"ref": "outer"}, (VexProduct(LIB_PURL, SHA256),)),
    "inside a component": ({"ref": "inner"}, (VexProduct(APP_PURL),)),
    "a reference that is a link": ({"ref": "urn:cdx:whole/1#a"}, (VexProduct(Purl("pypi", "", "whole", "1")),)),
    "a link to a reference": ({"ref": "urn:cdx:other/1#b%23c"}, (VexProduct(Purl("pypi", "", "end", "1")),)),
    "a link with two marks": ({"ref": "urn:cdx:other/1#b#c"}, (VexProduct(Purl("pypi", "", "end", "1")),)),
    "a reference that is another's package URL": ({"ref": "pkg:pypi/app@9"}, (VexProduct(LIB_PURL),)),
    "a package URL": ({"ref": "pkg:pypi/other@1"}, (VexProduct(Purl("pypi", "", "other", "1")),)),
    "a package URL with a mark": ({"ref": "pkg:pypi/o%40x@1#b"}, (VexProduct(Purl("pypi", "", "o@x", "1")),)),
    "nothing known": ({"ref": "unknown"}, (VexProduct(),)),
    "without a package URL": ({"ref": "bare"}, (VexProduct(None, SHA256),)),
    "without the text of a hash": ({"ref": "odd"}, (VexProduct(),)),
    "versions": (
        {
            "ref": "outer",
            "versions": [{"version": "3"}, {"range": "vers:pypi/<3"}, {"status": "affected"}, {"version": 4}],
        },
        (
            VexProduct(Purl("pypi", "", "lib", "3"), SHA256),
            VexProduct(Purl("pypi", "", "lib", ""), SHA256, versions=parse_range("vers:pypi/<3")),
        ),
    ),
    "versions of another status": (
        {
            "ref": "outer",
            "versions": [
                {"version": "1", "status": "affected"},
                {"version": "2", "status": "unaffected"},
                {"range": "vers:pypi/<1", "status": "unknown"},
            ],
        },
        (VexProduct(Purl("pypi", "", "lib", "2"), SHA256),),
    ),
    "versions of what has no package URL": (
        {"ref": "bare", "versions": [{"version": "3"}, {"range": "vers:pypi/<3"}]},
        (),
    ),
}


def test_the_products_of_cyclonedx_are_found_by_reference() -> None:
    for name, (affected, products) in AFFECTED.items():
        row = {"analysis": {"state": "resolved"}, "affects": [affected]}
        assert only(cyclonedx_of(row, **COMPONENTS)).products == products, name
    versions = [{"version": "1", "status": "affected"}, {"version": "2", "status": "unaffected"}]
    row = {"analysis": {"state": "exploitable"}, "affects": [{"ref": "outer", "versions": versions}]}
    assert only(cyclonedx_of(row, **COMPONENTS)).products == (VexProduct(Purl("pypi", "", "lib", "1"), SHA256),)
    with pytest.raises(InputError, match="'ref'"):
        parsed(cyclonedx_of({"analysis": {"state": "resolved"}, "affects": [{}]}))


# OpenVEX


def openvex_of(row: Table, **more: object) -> dict[str, Any]:
    statement = {"vulnerability": {"name": "CVE-1"}, "status": "fixed", **row}
    return {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [statement], **more}


def test_an_openvex_statement_is_read_as_a_whole() -> None:
    row = {
        "vulnerability": {"name": "CVE-1", "@id": "https://db.example/GHSA-1", "aliases": ["PYSEC-1", ""]},
        "status": "not_affected",
        "justification": "component_not_present",
        "impact_statement": "gone",
        "products": [{"@id": APP}, LIB],
        "timestamp": LATE,
    }
    assert only(openvex_of(row, author="Acme", timestamp=EARLY)) == VexStatement(
        frozenset(("CVE-1", "GHSA-1", "PYSEC-1")),
        (VexProduct(APP_PURL), VexProduct(LIB_PURL)),
        Analysis("not_affected", "component_not_present", "gone", "Acme", "it.json"),
        LATE,
    )


def test_what_an_openvex_statement_lacks_is_empty() -> None:
    empty = VexStatement(CVE, (), Analysis("resolved", source="it.json"), "")
    assert only(openvex_of({})) == only(openvex_of({"vulnerability": "CVE-1"})) == empty


def test_of_several_details_and_times_of_openvex_the_first_kind_counts() -> None:
    details = {"impact_statement": "impact", "action_statement": "action", "status_notes": "notes"}
    times = {"last_updated": "2026-05-03", "timestamp": "2026-05-02"}
    for count, key in enumerate(details):
        row = dict(list(details.items())[count:])
        assert only(openvex_of(row)).analysis.detail == details[key]
    for count, key in enumerate(times):
        row = dict(list(times.items())[count:])
        assert only(openvex_of(row, timestamp="2026-05-01")).made == times[key]
    assert only(openvex_of({}, timestamp="2026-05-01")).made == "2026-05-01"


def test_products_of_openvex_have_package_urls_hashes_and_components() -> None:
    rows: list[tuple[Table, VexProduct]] = [
        ({"identifiers": {"purl": LIB}, "@id": APP}, VexProduct(LIB_PURL)),
        ({"identifiers": {"cpe23": "x"}, "@id": APP}, VexProduct(APP_PURL)),
        ({"@id": "https://app.example", "hashes": {"md5": "1", "SHA-256": DIGEST}}, VexProduct(None, SHA256)),
        ({"hashes": {"sha256": DIGEST}}, VexProduct(None, SHA256)),
        ({"hashes": {"sha-512": DIGEST}}, VexProduct()),
        ({"@id": APP, "subcomponents": [{"@id": LIB}, LIB]}, VexProduct(APP_PURL, "", (VexProduct(LIB_PURL),) * 2)),
    ]
    for product, expected in rows:
        assert only(openvex_of({"products": [product]})).products == (expected,), product


def test_components_inside_a_component_of_openvex_are_not_read() -> None:
    for depth in (2, 400):
        product: Table = {"@id": LIB}
        for _ in range(depth):
            product = {"@id": "pkg:pypi/app", "subcomponents": [product]}
        (read,) = only(openvex_of({"products": [product]})).products
        assert (read, read.has_version) == (VexProduct(ANY_APP, "", (VexProduct(ANY_APP),)), False)


# CSAF


def csaf_of(row: Table, tree: Table | None = None, head: Table | None = None) -> dict[str, Any]:
    return {
        "document": {"csaf_version": "2.0", **(head or {})},
        "product_tree": tree or {},
        "vulnerabilities": [{"cve": "CVE-1", "product_status": {"fixed": ["P"]}, **row}],
    }


def product(name: str, **helper: object) -> dict[str, Any]:
    return {"product_id": name, "product_identification_helper": helper}


def test_a_csaf_vulnerability_is_read_as_a_whole() -> None:
    row = {
        "ids": [{"text": "GHSA-1"}, {"system_name": "x"}],
        "product_status": {"fixed": ["P"], "recommended": ["P"], "known_not_affected": ["Q", "R"]},
        "flags": [{"label": "component_not_present", "product_ids": ["Q"]}],
        "threats": [{"category": "impact", "details": "gone", "product_ids": ["Q"]}],
    }
    tree = {"full_product_names": [product("P", purl=APP), product("Q", purl=LIB)]}
    head = {"publisher": {"name": "Acme"}, "tracking": {"current_release_date": LATE}}
    ids = frozenset(("CVE-1", "GHSA-1"))
    assert parsed(csaf_of(row, tree, head)) == (
        VexStatement(ids, (VexProduct(APP_PURL),), Analysis("resolved", "", "", "Acme", "it.json"), LATE),
        VexStatement(
            ids,
            (VexProduct(LIB_PURL),),
            Analysis("not_affected", "component_not_present", "gone", "Acme", "it.json"),
            LATE,
        ),
        VexStatement(ids, (), Analysis("not_affected", "", "", "Acme", "it.json"), LATE),
    )


def test_what_a_csaf_document_lacks_is_empty() -> None:
    empty = VexStatement(CVE, (), Analysis("resolved", source="it.json"), "")
    document = csaf_of({})
    del document["product_tree"]
    assert only(document) == empty
    assert parsed({**document, "vulnerabilities": [{"cve": "CVE-1"}]}) == ()


def test_the_reasons_of_csaf_are_the_first_about_the_product() -> None:
    mine, other, group = {"product_ids": ["P"]}, {"product_ids": ["Q"]}, {"group_ids": ["G"]}
    flags: list[tuple[list[Table], str]] = [
        ([{"label": "a", **other}, {"label": "b", **mine}, {"label": "c"}], "b"),
        ([{"label": "a", **group}, {"label": "b"}], "b"),
        ([{"label": "a", **group, **mine}], "a"),
        ([{"label": "a", **other}], ""),
    ]
    for rows, label in flags:
        analysis = only(csaf_of({"flags": rows})).analysis
        assert (analysis.justification, analysis.detail) == (label, ""), rows
    threats: list[tuple[list[Table], str]] = [
        ([{"category": "exploit_status", "details": "a"}, {"category": "impact", "details": "b"}], "b"),
        ([{"category": "impact", "details": "a", **other}, {"category": "impact", "details": "b", **mine}], "b"),
        ([{"category": "impact", "details": "a"}, {"category": "impact", "details": "b"}], "a"),
        ([{"category": "impact", "details": "a", **other}], ""),
    ]
    for rows, details in threats:
        analysis = only(csaf_of({"threats": rows})).analysis
        assert (analysis.justification, analysis.detail) == ("", details), rows


FILE_HASHES = [{"algorithm": "md5", "value": "1"}, {"algorithm": "SHA256", "value": DIGEST}]
RANGE = {"category": "product_version_range", "name": "vers:pypi/<3"}
APP_OF_ANY = {"product": product("P", purl="pkg:pypi/app")}
RELATION = {
    "product_reference": "in",
    "relates_to_product_reference": "out",
    "full_product_name": {"product_id": "P"},
}
INNER, OUTER = product("in", purl=LIB), product("out", purl=APP, hashes=[{"file_hashes": FILE_HASHES}])
TREES: dict[str, tuple[Table, tuple[VexProduct, ...]]] = {
    "nothing": ({}, ()),
    "another product": ({"full_product_names": [product("Q", purl=APP)]}, ()),
    "a full name": ({"full_product_names": [product("P", purl=APP)]}, (VexProduct(APP_PURL),)),
    "a name alone": ({"full_product_names": [{"product_id": "P"}]}, (VexProduct(),)),
    "a branch": ({"branches": [{"product": product("P", purl=APP)}]}, (VexProduct(APP_PURL),)),
    "an inner branch": ({"branches": [{"branches": [{"product": product("P", purl=APP)}]}]}, (VexProduct(APP_PURL),)),
    "a range": (
        {"branches": [{**RANGE, **APP_OF_ANY}]},
        (VexProduct(Purl("pypi", "", "app", ""), versions=parse_range("vers:pypi/<3")),),
    ),
    "a version that is a range": (
        {"branches": [{**RANGE, "category": "product_version", **APP_OF_ANY}]},
        (VexProduct(Purl("pypi", "", "app", "")),),
    ),
    "a range without a product": (
        {"branches": [{**RANGE, "branches": [APP_OF_ANY]}]},
        (VexProduct(Purl("pypi", "", "app", "")),),
    ),
    "a range without a name": (
        {"branches": [{"category": "product_version_range", **APP_OF_ANY}]},
        (VexProduct(Purl("pypi", "", "app", ""), versions=parse_range("")),),
    ),
    "hashes": (
        {"full_product_names": [product("P", hashes=[{"file_hashes": FILE_HASHES}])]},
        (VexProduct(None, SHA256),),
    ),
    "the hash of another algorithm": (
        {"full_product_names": [product("P", hashes=[{"file_hashes": FILE_HASHES[:1]}, {}])]},
        (VexProduct(),),
    ),
    "a hash without value": (
        {"full_product_names": [product("P", hashes=[{"file_hashes": [{"algorithm": "sha256"}]}])]},
        (VexProduct(),),
    ),
    "a relationship": (
        {"full_product_names": [INNER, OUTER], "relationships": [RELATION]},
        (VexProduct(APP_PURL, SHA256, (VexProduct(LIB_PURL),)),),
    ),
    "a relationship of an unknown component": (
        {"full_product_names": [OUTER], "relationships": [RELATION]},
        (VexProduct(APP_PURL, SHA256, (VexProduct(),)),),
    ),
    "a relationship of an unknown product": (
        {"full_product_names": [INNER], "relationships": [RELATION]},
        (VexProduct(None, "", (VexProduct(LIB_PURL),)),),
    ),
}


def test_the_products_of_csaf_are_those_of_its_tree() -> None:
    for name, (tree, products) in TREES.items():
        assert only(csaf_of({}, tree)).products == products, name
