"""What must be installed: apt's rules, each on records that a test writes; apt itself answers the same for every one."""

from pathlib import Path

import pytest

from tests.support.debian_archive import Apt, status_of
from tests.support.sampled import sampled
from wheelhouse.debian.deb_catalogue import Catalogue, SuitePackages
from wheelhouse.debian.deb_request import parse_request
from wheelhouse.debian.deb_solver import closure
from wheelhouse.errors import InputError, IntegrityError, NoSolutionError

DPKG = {"Package": "dpkg", "Version": "1.21", "Essential": "yes"}


def fields(text: str) -> dict[str, str]:
    """`name version; Field: value; …` as the fields of a record."""
    head, *rest = text.split("; ")
    name, version = head.split(" ")
    return {"Package": name, "Version": version} | dict(part.split(": ", 1) for part in rest)


def records(*texts: str) -> str:
    rows = [
        {"Architecture": "amd64", "Maintainer": "T <t@example.org>", "Description": "made", "Size": "1", **fields(text)}
        for text in texts
    ]
    rows = [
        row | {"Filename": f"pool/{row['Package']}_{row['Version'].rpartition(':')[2]}_amd64.deb", "SHA256": "0" * 64}
        for row in rows
    ]
    return "\n".join("".join(f"{key}: {value}\n" for key, value in row.items()) for row in rows)


CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str]] = {
    # name: (installed, offered, requested, expected)
    "dependencies are followed": ((), ("aa 1; Depends: bb", "bb 1; Depends: cc", "cc 1", "dd 1"), ("aa",), "aa bb cc"),
    "the first alternative is taken": ((), ("aa 1; Depends: bb | cc", "bb 1", "cc 1"), ("aa",), "aa bb"),
    "an alternative that is requested is enough": (
        (),
        ("aa 1; Depends: bb | cc", "bb 1", "cc 1"),
        ("aa", "cc"),
        "aa cc",
    ),
    "an alternative that is installed is enough": (
        ("cc 1",),
        ("aa 1; Depends: bb | cc", "bb 1", "cc 1"),
        ("aa",),
        "aa",
    ),
    "an alternative that cannot be installed is passed over": (
        (),
        ("aa 1; Depends: bb | cc", "bb 1; Depends: nothing", "cc 1"),
        ("aa",),
        "aa cc",
    ),
    "what failed leaves nothing behind": (
        (),
        ("aa 1; Depends: bb | cc", "bb 1; Depends: dd, ee", "cc 1", "dd 1", "ee 1; Conflicts: aa"),
        ("aa",),
        "aa cc",
    ),
    "recommended packages stay away": ((), ("aa 1; Recommends: bb", "bb 1"), ("aa",), "aa"),
    "pre-dependencies are dependencies": ((), ("aa 1; Pre-Depends: bb", "bb 1"), ("aa",), "aa bb"),
    "a virtual package has a provider": ((), ("aa 1; Depends: vv", "bb 1; Provides: vv"), ("aa",), "aa bb"),
    "a provider of higher priority is better": (
        (),
        ("aa 1; Depends: vv", "bb 1; Provides: vv; Priority: optional", "cc 1; Provides: vv; Priority: important"),
        ("aa",),
        "aa cc",
    ),
    "a real package is better than its providers": (
        (),
        ("aa 1; Depends: vv", "bb 1; Provides: vv", "vv 1"),
        ("aa",),
        "aa vv",
    ),
    "of equal providers the later named one": (
        (),
        ("aa 1; Depends: vv", "bb 1; Provides: vv", "cc 1; Provides: vv"),
        ("aa",),
        "aa cc",
    ),
    "a versioned dependency needs a versioned provider": (
        (),
        ("aa 1; Depends: vv (>= 2)", "bb 1; Provides: vv", "cc 1; Provides: vv (= 2)", "dd 1; Provides: vv (= 1)"),
        ("aa",),
        "aa cc",
    ),
    "a virtual package with one provider can be requested": ((), ("bb 1; Provides: vv",), ("vv",), "bb"),
    "the newest version is taken": ((), ("aa 1~rc1", "aa 1", "aa 1~rc2"), ("aa",), "aa"),
    "a too old installed package is upgraded": (("bb 1",), ("aa 1; Depends: bb (>= 2)", "bb 2"), ("aa",), "aa bb"),
    "what is new enough stays": (("bb 2",), ("aa 1; Depends: bb (>= 2)", "bb 3"), ("aa",), "aa"),
    "the other packages of an upgraded source are upgraded": (
        ("bb 1; Source: ss", "cc 1; Source: ss"),
        ("aa 1; Depends: bb (>= 2)", "bb 2; Source: ss", "cc 2; Source: ss"),
        ("aa",),
        "aa bb cc",
    ),
    "what needs the old version is upgraded, too": (
        ("bb 1", "cc 1; Depends: bb (= 1)"),
        ("aa 1; Depends: bb (>= 2)", "bb 2", "cc 2; Depends: bb (= 2)"),
        ("aa",),
        "aa bb cc",
    ),
    "what is broken is upgraded": (("bb 1",), ("aa 1; Breaks: bb (<< 2)", "bb 2"), ("aa",), "aa bb"),
    "what conflicts and cannot be upgraded is removed": (("bb 1",), ("aa 1; Conflicts: bb", "bb 1"), ("aa",), "aa"),
    "an alternative that a request excludes is passed over": (
        (),
        ("aa 1; Depends: bb | cc", "bb 1", "cc 1", "dd 1; Conflicts: bb"),
        ("aa", "dd"),
        "aa cc dd",
    ),
    "a choice gives way to what must be there": (
        (),
        (
            "aa 1; Depends: xx, yy",
            "xx 1; Depends: bb | cc",
            "yy 1; Depends: cc",
            "bb 1; Conflicts: cc",
            "cc 1; Conflicts: bb",
        ),
        ("aa",),
        "aa cc xx yy",
    ),
    "a conflict with an own virtual package is none": (
        (),
        ("aa 1; Depends: bb", "bb 1; Provides: vv; Conflicts: vv"),
        ("aa",),
        "aa bb",
    ),
    "a conflict with another architecture is none": (
        (),
        ("aa 1; Depends: bb, cc", "bb 1; Conflicts: cc:i386", "cc 1"),
        ("aa",),
        "aa bb cc",
    ),
    ":any means this architecture": ((), ("aa 1; Depends: bb:any", "bb 1; Multi-Arch: allowed"), ("aa",), "aa bb"),
    "a dependency on another architecture has no solution": ((), ("aa 1; Depends: bb:i386", "bb 1"), ("aa",), ""),
    "a version can be requested": ((), ("aa 1; Depends: bb", "aa 2", "bb 1"), ("aa=1",), "aa bb"),
    "requests that exclude each other have no solution": ((), ("aa 1", "bb 1; Conflicts: aa"), ("aa", "bb"), ""),
    "what a request needs is not removed for a later one": (
        ("xx 1",),
        ("aa 1; Depends: xx", "bb 1; Conflicts: xx"),
        ("aa", "bb"),
        "",
    ),
    "what a request needs is replaced for a later one": (
        ("xx 1",),
        ("aa 1; Depends: xx | yy", "bb 1; Conflicts: xx", "yy 1"),
        ("aa", "bb"),
        "aa bb yy",
    ),
    "a version that a request needs is not upgraded for a later one": (
        ("xx 1",),
        ("aa 1; Depends: xx (<= 1)", "bb 1; Breaks: xx (<= 1)", "xx 2"),
        ("aa", "bb"),
        "",
    ),
    "what fails by a package above it is not refused for good": (
        ("lib 1", "tool 1; Depends: lib (= 1)", "old 1"),
        (
            *("app 1; Depends: lib (>= 2); Conflicts: old (<= 1)", "lib 1", "lib 2", "old 1"),
            *("tool 1; Depends: lib (= 1)", "tool 2; Depends: gone (>= 2)", "old 2; Depends: lib (= 2), tool (= 2)"),
        ),
        ("app",),
        "app lib",
    ),
    "a version that is installed is not installed again": (("xx 1",), ("xx 1", "xx 0"), ("xx=1",), "-"),
    "a missing dependency has no solution": ((), ("aa 1; Depends: bb (>= 2)", "bb 1"), ("aa",), ""),
    "cycles end": ((), ("aa 1; Depends: bb", "bb 1; Depends: aa"), ("aa",), "aa bb"),
}


def solved(installed: tuple[str, ...], offered: tuple[str, ...], requests: tuple[str, ...]) -> set[tuple[str, str]]:
    status = status_of([DPKG, *map(fields, installed)])
    catalogue = Catalogue(status, [SuitePackages(records(*offered))], "amd64")
    found = closure(catalogue, [parse_request(text, "amd64") for text in requests])
    return {(package.name, package.version) for package in found.packages}


@pytest.mark.parametrize("case", CASES)
def test_what_is_installed(case: str) -> None:
    installed, offered, requests, expected = CASES[case]
    if not expected:
        with pytest.raises(NoSolutionError):
            solved(installed, offered, requests)
        return
    assert {name for name, _ in solved(installed, offered, requests)} == set(expected.replace("-", "").split())


@pytest.mark.parametrize("case", sampled(CASES, 5))
def test_apt_installs_the_same(tmp_path: Path, case: str) -> None:
    installed, offered, requests, expected = CASES[case]
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "Packages").write_text(records(*offered))
    status = status_of([DPKG, *map(fields, installed)])
    apt = Apt(tmp_path / "apt", status, [f"deb [trusted=yes] file:{archive} ./"])
    apt.run("update")
    assert apt.closure(*requests) == (solved(installed, offered, requests) if expected else set())


def test_the_chain_to_what_is_missing_is_told() -> None:
    with pytest.raises(NoSolutionError) as caught:
        solved((), ("aa 1; Depends: bb", "bb 1; Depends: cc (>= 2)", "cc 1"), ("aa",))
    assert "`aa` (1) cannot be installed" in str(caught.value)
    assert caught.value.details[-1] == "`bb` (1) depends on cc (>= 2), but the sources have cc 1"


def test_an_essential_package_is_never_removed() -> None:
    with pytest.raises(NoSolutionError, match="cannot be installed"):
        solved((), ("aa 1; Conflicts: dpkg",), ("aa",))


@pytest.mark.parametrize("text", ["", "-a", "a b", "a=", "a;rm", "A", "a/../b=", "../x"])
def test_what_names_no_package_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not the name of a Debian package"):
        parse_request(text)


def test_a_request_for_another_architecture_is_refused() -> None:
    with pytest.raises(InputError, match="requests the wrong architecture: the base has"):
        parse_request("git:i386", "amd64")
    assert parse_request("git:amd64", "amd64").name == "git"


def test_a_suite_that_is_not_automatic_is_used_on_request_alone() -> None:
    backports = SuitePackages(records("aa 2"), ("bookworm-backports",), 100)
    for requested, version in (("aa", "1"), ("aa/bookworm-backports", "2"), ("aa=2", "2"), ("aa=2*", "2")):
        catalogue = Catalogue(status_of([DPKG]), [SuitePackages(records("aa 1"), ("bookworm",)), backports], "amd64")
        (package,) = closure(catalogue, [parse_request(requested)]).packages
        assert package.version == version


@pytest.mark.parametrize("security", [("aa 1",), ("aa 1", "aa 0")])
def test_a_version_that_two_suites_offer_is_in_both(security: tuple[str, ...]) -> None:
    suites = [
        SuitePackages(records("aa 1"), ("bookworm",)),
        SuitePackages(records(*security), ("bookworm-security",)),
    ]
    for suite in ("bookworm", "bookworm-security"):
        (package,) = closure(Catalogue(status_of([DPKG]), suites, "amd64"), [parse_request(f"aa/{suite}")]).packages
        assert package.version == "1"


@pytest.mark.parametrize("field", ["Depends: b c", "Depends: bb (>= x:1)", "Provides: v (= 1:", "Conflicts: (bb)"])
def test_a_record_with_a_relation_that_is_none_is_named(field: str) -> None:
    with pytest.raises(IntegrityError, match="the record of `aa` 1: "):
        solved((), (f"aa 1; {field}", "bb 1"), ("aa",))


@pytest.mark.parametrize("version", ["x:1", "1" * 5000])
def test_a_record_whose_version_has_no_order_is_left_out(version: str) -> None:
    assert solved((), (f"aa {version}", "aa 1; Depends: bb", f"bb {version}", "bb 2"), ("aa",)) == {
        ("aa", "1"),
        ("bb", "2"),
    }
    assert solved((f"aa {version}",), ("aa 1",), ("aa",)) == {("aa", "1")}


def test_a_record_without_a_version_is_left_out() -> None:
    offered = "Package: aa\nArchitecture: amd64\n\n" + records("bb 1")
    catalogue = Catalogue(status_of([DPKG]), [SuitePackages(offered)], "amd64")
    assert catalogue.candidate("aa") is None and catalogue.candidate("bb") is not None


def test_a_virtual_package_of_several_must_be_chosen() -> None:
    with pytest.raises(NoSolutionError, match="virtual Debian package; these packages provide it: bb, cc"):
        solved((), ("bb 1; Provides: vv", "cc 1; Provides: vv"), ("vv",))


def test_a_chain_that_is_too_long_is_refused_and_a_long_one_is_followed() -> None:
    def chain(length: int) -> tuple[str, ...]:
        links = (f"p{number} 1; Depends: p{number + 1}" for number in range(length))
        return (*links, f"p{length} 1")

    assert len(solved((), chain(100), ("p0",))) == 101
    with pytest.raises(NoSolutionError):
        solved((), chain(1000), ("p0",))
