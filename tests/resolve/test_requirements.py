"""Requirement lines and files: read as pip reads them, which is asked."""

import os
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from pip._internal.models.format_control import FormatControl
from pip._internal.req import req_file

from wheelhouse.errors import InputError
from wheelhouse.resolve.direct import looks_direct, source_of
from wheelhouse.resolve.requirements import logical_lines, parse_file
from wheelhouse.resolve.selection import Selection

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.sampled_from(["lib", "Foo.Bar", "a", "zope-interface", "x_y"])
SPECIFIERS = st.sampled_from(["", ">=1", "==1.0", "~=2.1,!=2.2", " >= 1 , < 2", "===weird"])
MARKERS = st.sampled_from(["", ' ; python_version < "3.8"', "; sys_platform=='win32' and extra == 'a'"])
HASH_TEXTS = (f" --hash=sha256:{'a' * 64}", f" --hash sha512:{'b' * 128}", f" \\\n --hash=sha384:{'c' * 96}")
HASHES = st.lists(st.sampled_from(HASH_TEXTS), max_size=2)
COMMENTS = st.sampled_from(["", " # why", "   #", "\t# tab"])
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\n# a comment \\\n"])


@st.composite
def requirement_lines(draw: st.DrawFn) -> str:
    extras = draw(st.sampled_from(["", "[x]", "[x,Y_z]"]))
    bare = draw(NAMES) + extras + draw(SPECIFIERS) + draw(MARKERS)
    return bare + "".join(draw(HASHES)) + draw(COMMENTS) + draw(ENDS)


OPTION_LINES = st.sampled_from(
    ["--pre\n", "--only-binary a,b\n", "--no-binary=:all: --prefer-binary\n", "--require-hashes\n"]
)


def by_pip(path: Path) -> list[tuple[str, int, frozenset[str]]]:
    """(requirement, its line's number, its hashes), as pip has them."""
    found = []
    for parsed in req_file.parse_requirements(str(path), session=Mock()):
        hashes = (parsed.options or {}).get("hashes", {})
        told = frozenset(f"{name}:{digest}" for name, digests in hashes.items() for digest in digests)
        found.append((str(Requirement(parsed.requirement)), int(str(parsed.line_source).split()[1]), told))
    return found


def by_us(text: str, environment: Mapping[str, str] = os.environ) -> list[tuple[str, int, frozenset[str]]]:
    lines = parse_file(text, "r.txt", lambda *_: ("", ""), environment=environment)
    return [(str(line.requirement), int(line.origin.rpartition(":")[2]), line.hashes) for line in lines.requirements]


@pytest.mark.rooms
@QUICK
@given(st.lists(requirement_lines() | OPTION_LINES, max_size=6).map("".join))
def test_a_file_is_read_as_pip_reads_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.txt"
    path.write_bytes(text.encode())
    assert by_us(text) == by_pip(path)


@pytest.mark.parametrize(
    ("line", "values", "shown"),
    [
        ("foo==${USER}${PW}!", {"USER": "ann", "PW": "annsecret"}, "foo==${USER}${PW}!"),
        ("foo==${OO}-o${PW}!", {"PW": "obarsecret", "OO": "oo"}, "${OO}${PW}!"),
        ("foo==${A}x${PW}! ${B}", {"A": "zzab", "PW": "bxsecret", "B": "abx"}, "foo==${A}"),
        ("foo==${A}!", {"A": "P", "P": "A"}, "foo==${A}!"),
        ("foo==${A}! ${P}", {"A": "P", "P": "A"}, "foo==${A}! ${P}"),
    ],
)
def test_an_error_shows_no_part_of_a_variables_value(line: str, values: Mapping[str, str], shown: str) -> None:
    with pytest.raises(InputError) as refused:
        by_us(line, values)
    assert shown in str(refused.value)
    assert "secret" not in str(refused.value)


@QUICK
@given(st.text(alphabet="ab #\\\n-\t=", max_size=40))
def test_lines_are_joined_and_stripped_as_pip_does(text: str) -> None:
    assert list(logical_lines(text)) == list(req_file.preprocess(text))


@QUICK
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_whatever_a_file_holds_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        parse_file(text, "r.txt", lambda name, _by: (name, ""), environment={})
    except InputError as error:
        assert "r.txt" in str(error) or any("r.txt" in detail for detail in error.details)


@QUICK
@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.sampled_from(["a", "B_b", ":all:", ":none:"]), min_size=1, max_size=3)),
        max_size=5,
    )
)
def test_formats_are_told_as_to_pip(told: list[tuple[bool, list[str]]]) -> None:
    control, selection = FormatControl(), Selection()
    for only, names in told:
        value = ",".join(names)
        sets = (control.only_binary, control.no_binary) if only else (control.no_binary, control.only_binary)
        FormatControl.handle_mutual_excludes(value, *sets)
        selection = selection.with_option("--only-binary" if only else "--no-binary", value)
    for name in ("a", "b-b", "c"):
        formats = control.get_allowed_formats(name)
        assert (selection.takes_wheels(name), selection.takes_sdists(name)) == (
            "binary" in formats,
            "source" in formats,
        )


def test_every_option_that_pip_knows_is_known() -> None:
    for factory in (*req_file.SUPPORTED_OPTIONS, *req_file.SUPPORTED_OPTIONS_REQ):
        option = factory()
        name = next(name for name in option._long_opts)
        value = f" sha256:{'0' * 64}" if option.dest == "hashes" else (" value" if option.takes_value() else "")
        try:
            parse_file(f"{name}{value}\n", "r.txt", lambda name, _by: (name, ""))
        except InputError as error:
            assert "is not supported in a file" in str(error), name


@pytest.mark.parametrize(
    ("text", "project", "extras", "marker"),
    [
        ("./dist/acme-1.0-py3-none-any.whl", "acme", "", ""),
        ("dist/acme-1.0-py3-none-any.whl[a,b] ; python_version > '3'", "acme", "[a,b]", "python_version > '3'"),
        ("acme-1.0.tar.gz", "acme", "", ""),
        ("/srv/acme-1.0.zip", "acme", "", ""),
        ("file:///srv/acme-1.0%2Bx-py3-none-any.whl", "acme", "", ""),
        ("Acme[a] @ https://127.0.0.1/p/acme-1.0-py3-none-any.whl ; os_name == 'nt'", "acme", "[a]", "os_name == 'nt'"),
        ("https://127.0.0.1/p/acme-1.0-py3-none-any.whl#sha256=" + "0" * 64, "acme", "", ""),
    ],
)
def test_files_by_path_and_address(text: str, project: str, extras: str, marker: str) -> None:
    assert looks_direct(text)
    source, found_extras, found_marker = source_of(text, "here")
    assert (source.project, found_extras, found_marker) == (project, extras, marker)


@given(NAMES, SPECIFIERS, MARKERS)
def test_no_version_looks_like_a_file(name: str, specifier: str, marker: str) -> None:
    assert not looks_direct(name + specifier + marker)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://127.0.0.1/acme-1.0.tar.gz",
        "file://elsewhere/acme-1.0.tar.gz",
        "https://127.0.0.1/acme-1.0.tar.gz#md5=" + "0" * 32,
        "https://127.0.0.1/acme-1.0.tar.gz#sha256=short",
        "https://127.0.0.1/acme-1.0.tar.gz#subdirectory=x",
        "other @ https://127.0.0.1/acme-1.0.tar.gz",
        "./acme.exe",
        "./acme-x.whl",
    ],
)
def test_files_that_cannot_be_taken(text: str) -> None:
    with pytest.raises(InputError, match="here"):
        source_of(text, "here")
