"""What one file can do by the places of its members, and the rules that say so."""

from dataclasses import replace

from tests.support.made_facts import NOW, made, observations
from wheelhouse.findings import Observation, Policy, observed
from wheelhouse.vet.capabilities import Capability, Earlier
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.rules import Review
from wheelhouse.vet.vet import RULES

DATA = "odd-1.0.data"
START, OUTSIDE = (Capability.START_UP,), (Capability.FILES_OUTSIDE,)
BOTH = (*START, *OUTSIDE)
PLACED: dict[str, tuple[Capability, ...]] = {
    "sitecustomize.py": START,
    "usercustomize/__init__.pyc": START,
    f"{DATA}/purelib/sitecustomize.py": START,
    "odd/sitecustomize.py": (),
    "sitecustomize.py.txt": (),
    "odd.start": START,
    "odd/odd.start": (),
    ".start.odd": (),
    "odd.pth": (),
    f"{DATA}/data/etc/profile.d/odd.sh": BOTH,
    f"{DATA}/data/etc/profile.txt": OUTSIDE,
    f"{DATA}/data/bin/python3": BOTH,
    f"{DATA}/data/bin/python3-config": OUTSIDE,
    f"{DATA}/data/etc/odd.conf": OUTSIDE,
    f"{DATA}/data/share/odd/odd.txt": (),
    f"{DATA}/headers/odd.h": (),
    f"{DATA}/scripts/odd": (),
    f"{DATA}/platlib/odd/a.py": (),
    "odd/@a": (),
}
"""By name of a member: what a wheel with it can do."""


def test_a_place_gives_a_wheel_a_capability_and_an_sdist_none() -> None:
    for name, can in PLACED.items():
        assert capabilities_of(made("odd", name)) == dict.fromkeys(can, (name,)), name
        assert capabilities_of(made("odd", name, tag="")) == {}, name


def test_a_pth_file_at_the_top_gives_a_capability_if_it_has_code() -> None:
    for name, text, is_found in (
        ("odd.pth", "import a\n", True),
        ("odd.pth", "a\n", False),
        ("odd/odd.pth", "import a\n", False),
        (".pth.txt", "import a\n", False),
        (f"{DATA}/platlib/odd.pth", "import a\n", True),
    ):
        expected = {Capability.START_UP: (name,)} if is_found else {}
        assert capabilities_of(made("odd", texts={name: text})) == expected, name


def test_machine_code_gives_a_capability_to_wheels_and_sdists() -> None:
    entries = [Entry(f"odd/{kind}", 1, kind=kind) for kind in ("pe", "macho", "zip", "elf", "")]
    for tag in ("py3-none-any", ""):
        expected = {Capability.NATIVE: ("odd/elf", "odd/macho", "odd/pe")}
        assert capabilities_of(made("odd", *entries, tag=tag)) == expected


def with_group(group: str) -> Facts:
    return made("odd", texts={"odd-1.0.dist-info/entry_points.txt": f"[{group}]\na = odd:a\n"})


def test_an_entry_point_that_is_no_command_makes_a_plugin() -> None:
    expected = {Capability.PLUGIN: ("odd-1.0.dist-info/entry_points.txt",)}
    assert capabilities_of(with_group("pytest11")) == expected
    for group in ("console_scripts", "gui_scripts"):
        assert capabilities_of(with_group(group)) == {}


CODE = {Capability.NETWORK: ("odd/b.py", "odd/a.py"), Capability.START_UP: ("odd/c.py",)}


def test_what_a_file_can_do_is_told_with_the_first_member_of_each() -> None:
    odd = made("odd", "sitecustomize.py", capabilities=CODE)
    members = ("start-up (odd/c.py)", "network (odd/a.py)")
    told = observed(case="some", capabilities=("start-up", "network")).with_context(members=members)
    assert observations("capabilities", odd) == [told]
    assert observations("capabilities", made("odd", "odd/a.py")) == [observed(case="none", capabilities=())]


def gained(facts: Facts, *before: str) -> list[Observation]:
    """What `new-capability` observes of a file if the release before could do these."""
    check = RULES["new-capability"].check
    assert check
    review = Review((facts,), Policy(), NOW)
    assert list(check(facts, review)) == []
    return list(check(facts, replace(review, earlier={facts.subject: Earlier("0.9", frozenset(before))})))


def test_what_the_release_before_could_not_do_is_told() -> None:
    odd = made("odd", "sitecustomize.py", capabilities=CODE)
    told = observed(capabilities=("network",), before="0.9").with_context(members=("network (odd/a.py)",))
    assert gained(odd, "start-up", "native") == [told]
    assert gained(odd, "start-up", "network") == []


def test_code_that_the_sdist_has_not_is_told() -> None:
    sdist = made(
        "odd",
        Entry("odd-1.0/src/a.py", 1, digest="sha256=a"),
        Entry("odd-1.0/b", 1, digest="sha256=b"),
        Entry("odd-1.0/b.py", 1),
        tag="",
    )
    added = [
        *(Entry(f"odd/{name}", 1, digest=f"sha256={name}") for name in ("z.py", "d.pth", "e.txt", "py.e", "f.pyc")),
        Entry("odd/a.py", 1, digest="sha256=a"),
        Entry("odd/b.py", 1, digest="sha256=b"),
        Entry("odd/empty.py", 0, digest="sha256=c"),
        Entry("a.py", 1, digest="md5=c"),
        Entry("b.py", 2, digest="sha512=c"),
        Entry("b.pth", 1),
        Entry("odd-1.0.dist-info/x.py", 1, digest="sha256=x"),
    ]
    told = observed(sdist="odd-1.0.tar.gz", paths=("b.pth", "b.py", "odd/d.pth", "odd/z.py"))
    assert observations("not-in-sdist", made("odd", *added), sdist) == [told]
    same = [one for one in added if one.name not in ("b.pth", "b.py", "odd/d.pth", "odd/z.py")]
    assert observations("not-in-sdist", made("odd", *same), sdist) == []
    assert observations("not-in-sdist", made("odd", *added)) == []
