"""Packages of other ecosystems: their package URLs, the names and the order of their versions, and the advisories on them."""

import pytest
from packaging.utils import NormalizedName

from wheelhouse.vet.advisories import Advisories, Advisory, Event
from wheelhouse.vet.ecosystems import (
    Purl,
    advisories_on,
    advisory_key,
    agreed_fix,
    component_keys,
    debian_key,
    is_affected,
    parse_purl,
    rpm_key,
    semver_key,
)

PURLS = {
    "pkg:cargo/a@1": Purl("cargo", "", "a", "1"),
    "pkg://CARGO//a/@1": Purl("cargo", "", "a", "1"),
    "pkg:npm/@a/b@1": Purl("npm", "@a", "b", "1"),
    "pkg:npm/%40a/b": Purl("npm", "@a", "b", ""),
    "pkg:golang/x.org/y/z@v1%2B2#in#side": Purl("golang", "x.org/y", "z", "v1+2"),
    "pkg:deb/debian/a@1:2?Distro=debian-12&&epoch=a%20b=c?d": Purl(
        "deb", "debian", "a", "1:2", {"distro": "debian-12", "epoch": "a b=c?d"}
    ),
    "pkg:cargo/a?x": Purl("cargo", "", "a", "", {"x": ""}),
    **dict.fromkeys(("", "pkg:", "pkg:a", "pkg:a/", "pkg:a//@1", "pkg:/", "npm:a/b@1", "a/b@1")),
}


def test_a_package_url_is_read_in_its_parts_or_is_none() -> None:
    assert {text: parse_purl(text) for text in PURLS} == PURLS


def test_a_package_is_written_for_people_and_as_a_url() -> None:
    written = {
        ("cargo", "", "a", "1"): ("cargo a 1", "pkg:cargo/a@1"),
        ("npm", "@a/b c", "d/e", ""): ("npm @a/b c/d/e", "pkg:npm/%40a/b%20c/d%2Fe"),
        ("deb", "", "c++", "1:2+3"): ("deb c++ 1:2+3", "pkg:deb/c%2B%2B@1:2%2B3"),
    }
    assert {parts: (Purl(*parts).text, Purl(*parts).release) for parts in written} == written


def test_one_package_names_another_by_type_name_namespace_and_version() -> None:
    rows = {
        ("pypi/A_b@1.0", "pypi/a-b@1"): True,
        ("pypi/a@1", "pypi/a@2"): False,
        ("pypi/a@1", "pypi/a@x"): False,
        ("pypi/a@x", "pypi/a@x"): False,
        ("pypi/a", "pypi/a@x"): True,
        ("pypi/a@1", "pypi/a"): False,
        (f"pypi/a@{'1' * 5000}", "pypi/a@1"): False,
        ("cargo/A_b@1", "cargo/a-b@1"): True,
        ("cargo/a@1.0", "cargo/a@1"): False,
        ("cargo/a@1", "npm/a@1"): False,
        ("cargo/a@1", "cargo/b@1"): False,
        ("npm/A@1", "npm/a@1"): False,
        ("npm/a_b@1", "npm/a-b@1"): False,
        ("npm/A/b@1", "npm/a/b@1"): True,
        ("npm/a/b@1", "npm/c/b@1"): False,
        ("npm/b@1", "npm/c/b@1"): True,
        ("npm/c/b@1", "npm/b@1"): True,
    }
    purls = {pair: [purl for text in pair if (purl := parse_purl(f"pkg:{text}"))] for pair in rows}
    assert {pair: one.names(other) for pair, (one, other) in purls.items()} == rows


def test_advisories_of_other_ecosystems_have_a_name_with_a_slash() -> None:
    names = {
        "Debian:12": "debian:12/a-b",
        "Ubuntu:22.04:LTS": "ubuntu:22-04:lts/a-b",
        "crates.io": "crates.io/a-b",
        "npm": "npm/a_b",
        "Go": "go/a_b",
        "AlmaLinux:8": "almalinux:8/a_b",
        "Rocky Linux:9": "rocky linux:9/a_b",
        "Red Hat:enterprise_linux:8::baseos": "red hat:8/a_b",
        **dict.fromkeys(("npm:", "12:Debian:", "x Red Hat:enterprise_linux:8", "Red Hat:openshift:4", "AlmaLinux", "")),
    }
    assert {ecosystem: advisory_key(ecosystem, "A_b") for ecosystem in names} == names
    assert debian_key("Debian:12", "a_b") == "debian:12/a-b"


KEYS = {
    "cargo/some_crate@1": ("crates.io/some-crate",),
    "npm/%40a/b_c@1": ("npm/@a/b_c",),
    "golang/x.org/y@1": ("go/x.org/y",),
    "rpm/AlmaLinux/a@1-1.el8_6": ("almalinux:8/a",),
    "rpm/rocky/a@1-1.el8?distro=rocky-9.4": ("rocky linux:9/a",),
    "rpm/rockylinux/a@1-1.el9": ("rocky linux:9/a",),
    "rpm/redhat/a@1-1.el9": ("red hat:9/a",),
    "rpm/rhel/a@1?distro=rhel-10": ("red hat:10/a",),
    "rpm/centos/a@1-1.el7": ("red hat:7/a",),
    "rpm/almalinux/a-libs@1-1.el8?upstream=a@1@2": ("almalinux:8/a", "almalinux:8/a-libs"),
    "rpm/almalinux/a-libs@1-1.el8?upstream=a-b-1-1.el8.src.rpm": ("almalinux:8/a-b", "almalinux:8/a-libs"),
    "rpm/almalinux/a-libs@2:1-1.el8?upstream=a-1-1.el8.src.rpm": ("almalinux:8/a", "almalinux:8/a-libs"),
    "rpm/almalinux/a-libs@1-1.el8?upstream=a-5-1.el8.src.rpm": ("almalinux:8/a-libs",),
    "deb/debian/liba3@1?distro=bookworm&upstream=a": ("debian:12/a", "debian:12/liba3"),
    "deb/debian/a@1?distro=debian-12.5": ("debian:12/a",),
    "deb/a@1?distro=Debian-12": ("debian:12/a",),
    "deb/debian/a@1?distro=debian-Bookworm": ("debian:12/a",),
    "deb/a@1?distro=ubuntu-jammy": ("ubuntu:22-04/a", "ubuntu:22-04:lts/a"),
    "deb/ubuntu/a@1?distro=Debian-12": ("debian:12/a",),
    "deb/ubuntu/a@1?distro=ubuntu-22.04": ("ubuntu:22-04/a", "ubuntu:22-04:lts/a"),
    "deb/Ubuntu/a@1?distro=focal": ("ubuntu:20-04/a", "ubuntu:20-04:lts/a"),
    "deb/ubuntu/a@1?distro=Jammy": ("ubuntu:22-04/a", "ubuntu:22-04:lts/a"),
    "deb/ubuntu/a@1?distro=noble": ("ubuntu:24-04/a", "ubuntu:24-04:lts/a"),
    **dict.fromkeys(
        (
            *("generic/a@1", "pypi/a@1", "rpm/suse/a@1-1.el8", "rpm/almalinux/a@1-1", "rpm/redhat/a@1-1"),
            *("deb/ubuntu/a@1", "deb/debian/a@1", "deb/debian/a@1?distro=sid", "deb/ubuntu/a@1?distro=sid"),
            *("deb/a@1?distro=mint-12", "deb/mint/a@1?distro=bookworm"),
        ),
        (),
    ),
}


def test_the_advisories_on_a_component_are_kept_under_the_names_of_its_distribution() -> None:
    purls = {text: parse_purl(f"pkg:{text}") for text in KEYS}
    assert {text: component_keys(purl) for text, purl in purls.items() if purl} == KEYS


def ranged(*events: str, versions: frozenset[str] = frozenset()) -> Advisory:
    """An advisory with a range, given as `introduced 1`."""
    pairs = tuple(Event(*event.split()) for event in events)
    return Advisory("A", NormalizedName("a"), ranges=(pairs,), versions=versions)


def test_a_component_is_affected_by_a_range_or_a_listed_version() -> None:
    below = {version: ranged("introduced 0", f"fixed {version}") for version in ("2", "1:2-1", "1.10.0-1")}
    listed = ranged(versions=frozenset(("1.5", "1:3")))
    rows = {
        ("cargo/a@1.9", "2"): True,
        ("cargo/a@2.0.0", "2"): False,
        ("cargo/a@1.9.0", "1.10.0-1"): True,
        ("npm/a@x", "2"): False,
        ("deb/a@1.10.0~rc-1", "1.10.0-1"): True,
        ("deb/a@1.10.0-2", "1.10.0-1"): False,
        ("deb/a@3", "1:2-1"): True,
        ("rpm/a@1.9-1", "1:2-1"): True,
        ("rpm/a@2-1", "1:2-1"): False,
        ("rpm/a@2-1?epoch=0", "1:2-1"): True,
        ("rpm/a@1-1?epoch=2", "1:2-1"): False,
        ("rpm/a@1:3-1?epoch=0", "1:2-1"): False,
        ("rpm/a@0:9", "1:2-1"): True,
    }
    purls = {text: purl for text, _ in rows if (purl := parse_purl(f"pkg:{text}"))}
    assert {(text, bound): is_affected(below[bound], purls[text]) for text, bound in rows} == rows
    of_list = {
        "cargo/a@1.5": True,
        "cargo/a@1.6": False,
        "rpm/a@3?epoch=1": True,
        "rpm/a@3": False,
        "rpm/a@1.5?epoch=1": True,
    }
    assert {text: is_affected(listed, parse_purl(f"pkg:{text}") or Purl("", "", "", "")) for text in of_list} == of_list
    two = Advisory("A", NormalizedName("a"), ranges=(*ranged("fixed 2").ranges, *ranged("introduced 1").ranges))
    assert is_affected(two, Purl("cargo", "", "a", "1.5.0"))
    odd, even = ranged("introduced 1.x", "fixed 3").ranges, ranged("introduced 0", "fixed 2.0.0").ranges
    for ranges in ((*odd, *even), (*even, *odd)):
        assert is_affected(Advisory("A", NormalizedName("a"), ranges=ranges), Purl("cargo", "", "a", "1.0.0"))


def test_the_advisories_on_a_component_are_grouped_by_alias() -> None:
    python, crate = NormalizedName("a-b"), NormalizedName("crates.io/a-b")
    every = ((Event("introduced", "0"),),)
    first = Advisory("A-1", crate, frozenset(("CVE-1",)), every)
    second = Advisory("A-2", crate, frozenset(("CVE-1",)), every)
    other = Advisory("A-3", crate, ranges=((Event("introduced", "2"),),))
    pythons = Advisory("P-1", python, ranges=every)
    advisories = Advisories({crate: (first, second, other), python: (pythons,)})
    assert advisories_on(Purl("cargo", "", "a_b", "1.0.0"), advisories) == [(first, second)]
    assert advisories_on(Purl("cargo", "", "a_b", "2.0.0"), advisories) == [(first, second), (other,)]
    assert advisories_on(Purl("cargo", "", "other", "1.0.0"), advisories) == []
    assert advisories_on(Purl("pypi", "", "A_B", "1"), advisories) == [(pythons,)]
    for version in ("x", "1" * 5000):  # Python converts no number of more than 4300 digits
        assert advisories_on(Purl("pypi", "", "A_B", version), advisories) == []


@pytest.mark.parametrize(
    ("ranges", "fix"),
    [
        ((), ""),
        ((("introduced 1", "last_affected 3"),), ""),
        ((("introduced 1", "fixed 2"), ("introduced 3", "fixed 2")), "2"),
        ((("introduced 1", "fixed 2"), ("introduced 3", "fixed 4")), ""),
    ],
)
def test_a_fix_is_named_if_all_advisories_agree(ranges: tuple[tuple[str, ...], ...], fix: str) -> None:
    assert agreed_fix(ranged(*events) for events in ranges) == fix


def test_versions_have_keys_that_sort_them() -> None:
    semvers = {
        " v1.2.3+b ": (1, 2, 3, 1, ()),
        "1": (1, 0, 0, 1, ()),
        "0.4-a.10": (0, 4, 0, 0, ((1, 0, "a"), (0, 10, ""))),
    }
    assert {text: semver_key(text) for text in semvers} == semvers
    end = (1, 0, "")
    rpms = {
        "2:1a-3": (2, ((4, 1, ""), (3, 0, "a"), end), ((4, 3, ""), end)),
        "1~b^": (0, ((4, 1, ""), (0, 0, ""), (3, 0, "b"), (2, 0, ""), end), (end,)),
        "x:1-2-3": (0, ((4, 1, ""), end), ((4, 2, ""), (4, 3, ""), end)),
        "1:2:3": (0, ((4, 3, ""), end), (end,)),
        "²:": (0, (end,), (end,)),
    }
    assert {text: rpm_key(text) for text in rpms} == rpms


@pytest.mark.parametrize("text", ["", "x", "1.0.0.0", "1.2-", "1 2"])
def test_what_is_no_semantic_version_has_no_key(text: str) -> None:
    with pytest.raises(ValueError, match=f"`{text}` is not a semantic version"):
        semver_key(text)
