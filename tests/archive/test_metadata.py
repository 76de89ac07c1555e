"""Core metadata: what a distribution asks for, today's lines and those of old."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.contents import core_metadata
from wheelhouse.archive import legacy
from wheelhouse.archive.artifact import requires_python_of
from wheelhouse.archive.metadata import (
    Metadata,
    UnreadableRequirementError,
    must_match,
    parse_metadata,
    parse_requires_txt,
    read_requirement,
)
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))


def asked(metadata: Metadata, extra: str = "", target: Target = TARGET) -> list[str]:
    return [str(requirement) for requirement, _ in metadata.requirements(target, extra)]


def saying(*lines: str, extras: tuple[str, ...] = ()) -> Metadata:
    """The metadata with these Requires-Dist lines, through the parser."""
    return parse_metadata(core_metadata("one", "1.0", requires=lines, extras=dict.fromkeys(extras, ())), "one")


LEGACY = [
    ("pytz (>dev)", "pytz", legacy.NO_VERSION),
    ("pytz!=dev,<2030", "pytz<2030", legacy.NO_VERSION),
    ("websocket-client (>=0.57<1)", "websocket-client<1,>=0.57", legacy.NO_COMMA),
    ("jinja2>=2.10.1<2.11.0", "jinja2<2.11.0,>=2.10.1", legacy.NO_COMMA),
    ("foo[a,b]>=2.0 <3.0 ; python_version > '3'", 'foo[a,b]<3.0,>=2.0; python_version > "3"', legacy.NO_COMMA),
    ("foo (>=3.6.*)", "foo>=3.6", legacy.ORDERED_STAR),
    ("foo>=1.0.*,<2.*", "foo<2,>=1.0", legacy.ORDERED_STAR),
    ("foo~=1.0.*", "foo~=1.0", legacy.ORDERED_STAR),
    ("foo!=3.0*,>=2.7", "foo!=3.0.*,>=2.7", legacy.DOTLESS_STAR),
    ("foo>='1.0'", "foo>=1.0", legacy.QUOTES),
    ("foo ('>=1.0')", "foo>=1.0", legacy.QUOTES),
    ("foo (>='1.0',<\"2\");extra=='x'", 'foo<2,>=1.0; extra == "x"', legacy.QUOTES),
    ("foo>=1,,<2", "foo<2,>=1", legacy.LONE_COMMA),
    ("pytz (>=2016g)", "pytz>=2016", legacy.STRANGE_END),
    ("foo (>=1.0.*<2)", "foo<2,>=1.0", f"{legacy.NO_COMMA} and {legacy.ORDERED_STAR}"),
]


@pytest.mark.parametrize(("line", "read_as", "rule"), LEGACY)
def test_what_pip_once_took_is_read_and_the_rule_named(line: str, read_as: str, rule: str) -> None:
    requirement, named = read_requirement(line)
    assert (str(requirement), named) == (read_as, rule)


@pytest.mark.parametrize("line", ["pytz (>dev)", "foo>=1.0,", "foo (>=1.0,)", "foo ()", "foo (>2017a)", "foo"])
def test_what_can_be_read_as_it_stands_needs_no_rule_or_loses_nothing(line: str) -> None:
    requirement, rule = read_requirement(line)
    assert requirement.specifier.contains("2024.1") and (rule is None or line == "pytz (>dev)")


@pytest.mark.parametrize(
    "line", ["", "=1", "foo=1.0", "foo 1.0", "foo (==dev)", "foo<dev", "foo >=1.0 extra", "foo~=1"]
)
def test_what_nobody_can_read_is_an_error_that_names_who_asks(line: str) -> None:
    with pytest.raises(InvalidRequirement):
        read_requirement(line)
    if line:
        with pytest.raises(IntegrityError, match=r"one 1\.0 requires `.*`, which cannot be read"):
            asked(saying(line))


VERSIONS = st.builds(
    "{}{}".format,
    st.lists(st.integers(0, 300), min_size=1, max_size=3).map(lambda numbers: ".".join(map(str, numbers))),
    st.sampled_from(["", "", "a1", "rc2", ".post3", ".dev4", "b1.dev2"]),
)
CLAUSES = st.builds(lambda op, v: op + v, st.sampled_from([">=", "<=", "<", ">", "==", "!="]), VERSIONS)
NAMES = st.sampled_from(["a", "foo", "Foo.Bar", "foo-bar_2", "x1"])


@given(
    NAMES, st.lists(CLAUSES, min_size=1, max_size=4), st.booleans(), st.sampled_from(["", " ; python_version > '3'"])
)
def test_mending_changes_nothing_that_is_right(name: str, clauses: list[str], closed: bool, marker: str) -> None:
    joined = ",".join(clauses)
    line = f"{name} ({joined}){marker}" if closed else f"{name}{joined}{marker}"
    assert legacy.repair_requirement(line) == (Requirement(line), "")


@given(st.lists(CLAUSES, min_size=2, max_size=4), st.sampled_from(["", " "]))
def test_a_comma_is_put_wherever_one_is_missing(clauses: list[str], gap: str) -> None:
    assert legacy.repair_specifiers(gap.join(clauses)) == (SpecifierSet(",".join(clauses)), legacy.NO_COMMA)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"a; {'(' * 3000}os_name == 'x'{')' * 3000}", id="parentheses"),
        pytest.param(f"a>={'9' * 5000}", id="digits"),
    ],
)
def test_what_has_no_end_is_an_error_that_names_who_asks(line: str) -> None:
    with pytest.raises(IntegrityError, match=r"one 1\.0 requires `.*`, which cannot be read"):
        asked(saying(line))
    with pytest.raises(InputError):
        parse_line(f"a; {'(' * 3000}os_name == 'x'{')' * 3000}")


def test_a_requires_python_without_end_limits_nothing() -> None:
    assert requires_python_of(f">={'9' * 5000}").contains("3.12")


@pytest.mark.rooms
@given(st.text(max_size=40))
def test_no_requires_python_ends_in_an_error(text: str) -> None:
    assert isinstance(requires_python_of(text), SpecifierSet)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (">=3.6.*", True),
        (">=3.6,", True),
        ("<4.*,>=3.5", True),
        (">=2.7, !=3.0*, !=3.1*", True),
        (">=3.5<3.10", False),
        ("'>=3.13'", False),
        ("<3.12.4", False),
        ("<=3.12", False),
        ("==3.12.*", True),
        ("three", True),
    ],
)
def test_requires_python_is_read_as_pip_reads_or_read_it(text: str, fits: bool) -> None:
    assert TARGET.allows(requires_python_of(text)) is fits


# Extras


def test_extras_are_normalised_on_both_sides() -> None:
    metadata = saying('lib; extra == "Foo_Bar"', "always", extras=("FOO.bar",))
    assert metadata.extras == {"foo-bar"}
    assert asked(metadata, "foo-bar") == ['lib; extra == "foo-bar"']
    assert asked(metadata) == ["always"]


@pytest.mark.parametrize(
    ("marker", "with_a", "without"),
    [
        ("extra == 'a'", True, False),
        ("'a' == extra", True, False),
        ("extra != 'a'", False, True),
        ("extra == 'a' or python_version >= '3'", True, True),
        ("python_version < '3' or extra == 'a'", True, False),
        ("extra == 'a' and python_version < '3'", False, False),
        ("extra in 'a b'", True, True),  # the empty string is in every string
        ("extra == 'b' or 'a' == extra", True, False),
        ("(extra == 'a')", True, False),
    ],
)
def test_markers_about_extras_hold_where_they_say(marker: str, with_a: bool, without: bool) -> None:
    metadata = saying(f"lib ; {marker}", extras=("a", "b"))
    assert (bool(asked(metadata, "a")) or bool(asked(metadata))) is (with_a or without)
    assert bool(asked(metadata)) is without
    if not without:
        assert bool(asked(metadata, "a")) is with_a


ATOMS = st.sampled_from(
    [
        "extra == 'a'",
        "extra == 'B'",
        "'a' == extra",
        "extra != 'b'",
        "python_version > '3'",
        "os_name == 'nt'",
        "'x' == 'x'",
    ]
).filter(lambda atom: "x" not in atom or "extra" in atom)
MARKERS = st.recursive(
    ATOMS,
    lambda inner: st.builds(lambda x, op, y: f"({x} {op} {y})", inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=5,
)


@given(st.lists(MARKERS, max_size=4), st.sampled_from(["a", "b"]))
def test_what_an_extra_adds_is_what_packaging_says(markers: list[str], extra: str) -> None:
    """A release with an extra asks for whatever holds without the extra, or with it."""
    lines = [f"lib{number} ; {marker}" for number, marker in enumerate(markers)]
    metadata = saying(*lines, extras=("a", "b"))
    ours = set(asked(metadata)) | set(asked(metadata, extra))
    requirements = [Requirement(line) for line in lines]
    naive = {
        str(requirement)
        for requirement in requirements
        if requirement.marker
        and any(requirement.marker.evaluate({**TARGET.environment, "extra": name}) for name in ("", extra))
    }
    assert ours == naive


# Markers are the target's


def test_a_patch_level_counts() -> None:
    metadata = saying('async-timeout; python_full_version < "3.11.3"')
    older, newer = (Target.of(Python.parse(text), Platform.parse("linux/amd64")) for text in ("3.11.2", "3.11.3"))
    assert (len(asked(metadata, target=older)), len(asked(metadata, target=newer))) == (1, 0)


def test_nothing_is_taken_from_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target's own markers are all there are: packaging fills in what is left out from the running interpreter."""

    monkeypatch.setattr("packaging.markers.default_environment", lambda: dict.fromkeys(TARGET.environment, "host"))
    keys = [*TARGET.environment]
    markers = " or ".join(f'{key} == "host"' for key in keys if key not in ("platform_release", "platform_version"))
    assert asked(saying(f"lib ; {markers}")) == []


@pytest.mark.parametrize("marker", ["sys_platform ~= 'linux'", "python_version ~= '3'"])
def test_a_marker_without_an_answer_is_one_sentence(marker: str) -> None:
    with pytest.raises(InputError, match="cannot be evaluated"):
        asked(saying(f"lib ; {marker}"))


# The files themselves


def test_only_the_header_is_read_and_folded_lines_are_joined() -> None:
    raw = (
        b"Metadata-Version: 2.1\r\nName: One.Two\r\nVersion: 1.0\r\nRequires-Dist: lib\r\n  (>=1)\r\n"
        b"Summary: \xc3\xa4 \xff\r\n\r\nRequires-Dist: not-this\r\n"
    )
    metadata = parse_metadata(raw, "one")
    assert (metadata.project, metadata.requires_dist) == ("one-two", ("lib (>=1)",))


@pytest.mark.parametrize("raw", [b"", b"Name: one\n", b"Version: 1.0\n", b"Name: one\nVersion: first\n", b"\0\0"])
def test_what_is_no_metadata_is_an_error_that_names_the_file(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"`one\.whl`"):
        parse_metadata(raw, "one.whl")


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_an_integrity_error(raw: bytes) -> None:
    with suppress(IntegrityError):
        parse_metadata(raw, "one.whl")


def test_metadata_must_be_of_the_file() -> None:
    metadata = saying()
    must_match(metadata, "One-1.0.0-py3-none-any.whl")
    must_match(metadata, "one-1.0.tar.gz")
    for name in ("two-1.0.tar.gz", "one-2.0-py3-none-any.whl", "one.whl", "one-first.tar.gz"):
        with pytest.raises(IntegrityError):
            must_match(metadata, name)


def test_requires_txt_sections_become_markers() -> None:
    text = "# note\nlib>=1\n[:sys_platform == 'win32' or os_name == 'nt']\nwin\n\n[X.y]\nz\n[x_y:python_version<'3']\nback\n[empty]\n"
    lines, extras = parse_requires_txt(text)
    assert extras == {"x-y", "empty"}
    for line in lines:
        Requirement(line)
    metadata = Metadata(canonicalize_name("one"), Python.parse("3.12").version, lines, extras=extras)
    assert asked(metadata) == ["lib>=1"]
    assert asked(metadata, "x-y") == ['z; extra == "x-y"']
    assert parse_requires_txt("[x]\n[x] y\n")[0] == ('[x] y ; extra == "x"',)  # a section has nothing behind it


def test_an_override_replaces_a_line_that_cannot_be_read_and_an_exclusion_removes_it() -> None:
    broken = saying("a", "Foo_Bar (=>1; nonsense")
    overrides = (Requirement("foo-bar>=1"), Requirement("foo.bar<3; python_version < '3'"))
    assert [str(one) for one, _ in broken.requirements(TARGET, "", Adjustments(overrides))] == ["a", "foo-bar>=1"]
    excluded = Adjustments(excluded=frozenset({canonicalize_name("foo-bar")}))
    assert [str(one) for one, _ in broken.requirements(TARGET, "", excluded)] == ["a"]
    for other in (Adjustments((Requirement("foo"),)), Adjustments(excluded=frozenset({canonicalize_name("a")}))):
        with pytest.raises(UnreadableRequirementError):
            list(broken.requirements(TARGET, "", other))
    with pytest.raises(UnreadableRequirementError):
        list(saying("(").requirements(TARGET, "", Adjustments(overrides)))


def test_lines_are_read_once_for_all_jobs_and_an_unreadable_one_is_named_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = ("a", "b; python_version < '3'", "c; extra == 'more'", "d (=>1; nonsense")
    whole, broken = saying(*lines[:3], extras=("more",)), saying(*lines)
    read: list[str] = []
    monkeypatch.setattr(
        "wheelhouse.archive.metadata.read_requirement", lambda line: read.append(line) or read_requirement(line)
    )
    for _ in range(2):
        assert (asked(whole), asked(whole, "more")) == (["a"], ['c; extra == "more"'])
        assert not list(whole.requirements(TARGET, "", Adjustments(excluded=frozenset({canonicalize_name("a")}))))
    assert read == [*lines[:3], *lines[:2], *lines[:2]]
    for _ in range(2):
        requirements = broken.requirements(TARGET)
        assert next(requirements)[0].name == "a"
        with pytest.raises(UnreadableRequirementError):
            next(requirements)
