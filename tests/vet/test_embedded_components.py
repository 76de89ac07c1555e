"""The components that bills of materials inside a wheel name: CycloneDX and SPDX."""

import json

import pytest

from tests.support.made_pins import made_facts
from wheelhouse.vet import embedded_components as module
from wheelhouse.vet.embedded_components import embedded_components

PATH = "odd-1.0.dist-info/sboms/odd.cdx.json"
PURL = "pkg:cargo/openssl@1.0"
LOCATOR = {"referenceType": "purl", "referenceLocator": PURL}


def names(document: object, path: str = PATH) -> list[str]:
    """The components that a bill of materials names, as people write them."""
    text = document if isinstance(document, str) else json.dumps(document)
    found = embedded_components(made_facts(texts={path: text}))
    assert all(one.path == path for one in found)
    return [one.purl.text for one in found]


def nested(purl: object, *inside: object) -> dict[str, object]:
    return {"purl": purl, "components": list(inside)}


BILLS: dict[str, tuple[object, list[str]]] = {
    "CycloneDX": ({"components": [{"purl": PURL}]}, ["cargo openssl 1.0"]),
    "components inside": (
        {"components": [nested(PURL, nested("pkg:npm/a@1", {"purl": "pkg:npm/b@2"})), {"purl": "pkg:npm/c@3"}]},
        ["cargo openssl 1.0", "npm c 3", "npm a 1", "npm b 2"],
    ),
    "named twice": ({"components": [{"purl": PURL}, {"purl": PURL}]}, ["cargo openssl 1.0"]),
    "other distributions": (
        {
            "components": [
                {"purl": f"pkg:rpm/almalinux/a@1?{one}"} for one in ("distro=a-8", "distro=a-9", "distro=a-9&arch=x")
            ]
        },
        ["rpm almalinux/a 1", "rpm almalinux/a 1"],
    ),
    "other sources": (
        {"components": [{"purl": f"pkg:rpm/almalinux/a@1?upstream={one}"} for one in ("a", "b")]},
        ["rpm almalinux/a 1", "rpm almalinux/a 1"],
    ),
    "no version": ({"components": [{"purl": "pkg:cargo/openssl"}]}, []),
    "no package URL": ({"components": [{"purl": "openssl@1.0"}, {"name": "x"}, {"purl": 1}, "x"]}, []),
    "components that are no list": ({"components": {"purl": PURL}}, []),
    "a list": ([{"purl": PURL}], []),
    "no JSON": ("{", []),
    "SPDX": ({"spdxVersion": "SPDX-2.3", "packages": [{"externalRefs": [LOCATOR]}]}, ["cargo openssl 1.0"]),
    "SPDX with another reference": (
        {"spdxVersion": "SPDX-2.3", "packages": [{"externalRefs": [LOCATOR | {"referenceType": "cpe"}]}]},
        [],
    ),
    "SPDX without a locator": (
        {"spdxVersion": "SPDX-2.3", "packages": [{"externalRefs": [LOCATOR | {"referenceLocator": 1}, {}]}]},
        [],
    ),
    "SPDX has no components": ({"spdxVersion": "SPDX-2.3", "components": [{"purl": PURL}]}, []),
    "CycloneDX has no packages": ({"packages": [{"externalRefs": [LOCATOR]}]}, []),
}


def test_the_components_of_a_bill_are_those_with_a_package_url_and_a_version() -> None:
    for name, (document, expected) in BILLS.items():
        assert names(document) == expected, name


def test_only_bills_in_the_folder_for_them_count_each_for_itself() -> None:
    text = json.dumps({"components": [{"purl": PURL}]})
    paths = ("odd-1.0.dist-info/sboms/b.json", "odd-1.0.dist-info/sboms/a.json", "odd/sboms/c.json")
    found = embedded_components(made_facts(texts=dict.fromkeys(paths, text)))
    assert [one.path for one in found] == sorted(paths[:2])


def test_components_inside_others_are_read_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COMPONENTS", 2)
    deep = nested(PURL, nested("pkg:npm/a@1", {"purl": "pkg:npm/b@2"}))
    assert names({"components": [deep]}) == ["cargo openssl 1.0", "npm a 1"]
