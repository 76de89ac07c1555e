"""Requirement lines, their files and encodings at their edges: one case for each refusal and each form."""

from collections.abc import Mapping

import pytest
from packaging.version import Version

from wheelhouse.errors import InputError
from wheelhouse.resolve.direct import DirectSource, looks_direct, source_of
from wheelhouse.resolve.encoding import decoded
from wheelhouse.resolve.file_options import FILE_OPTIONS, REFUSED, REFUSED_FLAGS, SHORT, read_options
from wheelhouse.resolve.requirements import (
    RequirementLines,
    by_project,
    constraint_lines,
    logical_lines,
    parse_file,
    parse_line,
    raise_all,
)
from wheelhouse.resolve.resolution import _compatible

SHA256, SHA384 = "a" * 64, "b" * 96
WHEEL = "lib-1.0-py3-none-any.whl"


# Encodings


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe\x00\x00", "utf-32-le"),
        (b"\x00\x00\xfe\xff", "utf-32-be"),
        (b"", "utf-8"),
    ],
)
def test_a_mark_says_the_encoding(mark: bytes, encoding: str) -> None:
    assert decoded(mark + "lib # größer\n".encode(encoding), "r.txt") == "lib # größer\n"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"# -*- coding: latin-1 -*-\nlib # \xe4\n", "# -*- coding: latin-1 -*-\nlib # ä\n"),
        (b"# a\n# vim: set fileencoding=latin-1\n# \xe4\n", "# a\n# vim: set fileencoding=latin-1\n# ä\n"),
        (b"lib\n# coding=latin-1\n# \xe4", "lib\n# coding=latin-1\n# ä"),
    ],
)
def test_a_comment_in_the_first_two_lines_declares_it(raw: bytes, text: str) -> None:
    assert decoded(raw, "r.txt") == text


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"lib\nlib\n# coding: latin-1\n\xe4", "`r.txt` is not utf-8 text: "),
        (b"x coding: latin-1\n\xe4", "`r.txt` is not utf-8 text: "),
        (b"# coding: klingon\n", "`r.txt` declares an unknown encoding: klingon"),
        (b"\xef\xbb\xbf# coding: latin-1\n\xe4", "`r.txt` is not utf-8 text: "),
        (b"lib\xff", "at byte 3"),
        (b"# coding: undefined\nlib\n", "`r.txt` is not undefined text: "),
    ],
)
def test_what_is_no_text_is_refused(raw: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        decoded(raw, "r.txt")
    assert sentence in str(caught.value)


# Options


@pytest.mark.parametrize("line", ["-e .", "-f folder", "-C a=b", "--config-setting a=b"])
def test_a_short_spelling_is_known(line: str) -> None:
    with pytest.raises(InputError, match=r"`--[a-z-]+` is not supported in a file"):
        read_options(line, "r.txt:1")


@pytest.mark.parametrize("name", [*REFUSED, *REFUSED_FLAGS])
def test_an_option_that_is_not_supported_is_refused_in_each_spelling(name: str) -> None:
    advice = REFUSED.get(name) or REFUSED_FLAGS[name]
    for spelling in (name, *SHORT.get(name, "").split()):
        with pytest.raises(InputError) as caught:
            read_options(f"{spelling} value" if name in REFUSED else spelling, "r.txt:1")
        assert str(caught.value) == f"r.txt:1: `{name}` is not supported in a file" and caught.value.hint == advice


@pytest.mark.parametrize(
    ("text", "bare", "options"),
    [
        ("lib", "lib", []),
        ("lib --hash=sha256:1 --hash sha256:2", "lib", [("--hash", "sha256:1"), ("--hash", "sha256:2")]),
        ("-r other.txt", "", [("--requirement", "other.txt")]),
        ("-c limits.txt", "", [("--constraint", "limits.txt")]),
        ("-i https://x/simple", "", [("--index-url", "https://x/simple")]),
        ("--pypi-url https://x/simple", "", [("--index-url", "https://x/simple")]),
        ("--pre", "", [("--pre", "")]),
        ("-r 'a b.txt'", "", [("--requirement", "a b.txt")]),
    ],
)
def test_options_are_split_from_a_line(text: str, bare: str, options: list[tuple[str, str]]) -> None:
    rest, found = read_options(text, "r.txt:1")
    assert (rest, [(option.name, option.value) for option in found]) == (bare, options)
    assert all(option.origin == "r.txt:1" for option in found)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("--unknown", "r.txt:1: `--unknown`: no such option: --unknown"),
        ("--hash", "r.txt:1: `--hash`: --hash option requires 1 argument"),
        ("lib --pre other", "r.txt:1: `other` follows an option"),
        ("-r 'x", "r.txt:1: `-r 'x`: No closing quotation"),
    ],
)
def test_options_that_cannot_be_read(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_options(text, "r.txt:1")
    assert str(caught.value) == sentence and caught.value.hint
    if "no such" in sentence:
        assert all(name in caught.value.hint for name in FILE_OPTIONS)


# Lines


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("lib=1.0", "x: `lib=1.0` is not a requirement: ", "write `==` for an exact version"),
        ("lib==${VERSION}", "x: `lib==${VERSION}` is not a requirement: ", "set the environment variable VERSION"),
        ("lib!", "x: `lib!` is not a requirement: ", "write a name, with optional extras"),
        ("lib --pre", "x: the option `--pre` cannot follow a requirement", "only --hash"),
        ("lib --hash=md5:00", "x: `md5:00` is not a hash that pip accepts", "sha256"),
        (f"lib --hash=sha256:{SHA256}0", f"x: `sha256:{SHA256}0` is not a hash that pip accepts", "sha256"),
        (f"lib --hash=sha256:{'g' * 64}", f"x: `sha256:{'g' * 64}` is not a hash that pip accepts", "sha256"),
        (f"./{WHEEL}; nonsense", f"x: `./{WHEEL}; nonsense` is not a requirement: ", ""),
        ("lib; " + "(" * 2000, "is not a requirement: ", ""),
        (f"./{WHEEL}; {'(' * 2000}", "is not a requirement: ", ""),
    ],
)
def test_a_line_that_is_no_requirement(text: str, sentence: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_line(text, "x")
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_facts_of_a_line() -> None:
    line = parse_line(f"Lib_X[b,a]>=1; os_name == 'posix' --hash=sha256:{SHA256.upper()} --hash=sha384:{SHA384}", "x")
    assert (line.project, line.origin) == ("lib-x", "x")
    assert line.hashes == {f"sha256:{SHA256}", f"sha384:{SHA384}"} and line.allowed_hashes == [line.hashes]
    assert line.text == 'Lib_X[a,b]>=1; os_name == "posix"'
    assert parse_line("lib;").text == "lib" and parse_line("lib").origin == "the command line"
    assert parse_line("lib").allowed_hashes == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (f"./d/{WHEEL}", f"lib @ ./d/{WHEEL}"),
        (f"lib[b,a] @ ./d/{WHEEL} ; os_name == 'nt'", f'lib[a,b] @ ./d/{WHEEL} ; os_name == "nt"'),
        (f"./d d/{WHEEL}[x]", f"lib[x] @ ./d%20d/{WHEEL}"),
        (
            f"https://me:secret@x.example/{WHEEL}?token=1#sha256={SHA256.upper()}&sha384={SHA384}",
            f"lib @ https://x.example/{WHEEL}#sha256={SHA256}&sha384={SHA384}",
        ),
        (f"file:///srv/{WHEEL}", f"lib @ /srv/{WHEEL}"),
        (f"file://localhost/srv/{WHEEL}", f"lib @ /srv/{WHEEL}"),
        (f"FILE:/srv/a%20b/{WHEEL}", f"lib @ /srv/a%20b/{WHEEL}"),
        (f"file:///srv/a%23b/{WHEEL}", f"lib @ /srv/a%23b/{WHEEL}"),
        (f"HTTPS://x.example/{WHEEL}", f"lib @ https://x.example/{WHEEL}"),
        (f"./{WHEEL}#SHA256={SHA256}", f"lib @ ./{WHEEL}#sha256={SHA256}"),
    ],
)
def test_a_line_that_names_a_file_is_recorded_without_secrets(text: str, written: str) -> None:
    line = parse_line(text, "x")
    assert line.text == written and "secret" not in line.text
    assert str(line.requirement.specifier) == "==1.0"
    assert parse_line(line.text, "x").text == written


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("git+https://x/y.git", "x: `git+https` is a repository, not a file"),
        (f"other @ ./{WHEEL}", f"x: `{WHEEL}` is a file of lib, not of other"),
        (f"ftp://x/{WHEEL}", "x: `ftp:` addresses are not supported"),
        (f"file://server/{WHEEL}", "x: the `file:` address is for another machine, server"),
        ("./lib.whl", "x: `lib.whl` does not state a project and version: "),
        ("./lib-1.0.exe", "x: `lib-1.0.exe` is neither a wheel nor an sdist"),
        ("./d/", "x: `/` is neither a wheel nor an sdist"),
        (f"https://[x/{WHEEL}", "x: the address cannot be read"),
        (f"./{WHEEL}#md5=00", "x: the hash md5 is too weak"),
        (f"./{WHEEL}#sha1=00", "x: the hash sha1 is too weak"),
        (f"./{WHEEL}#sha256=00", "x: `00` is not a sha256"),
        (f"./{WHEEL}#sha256=", "x: `` is not a sha256"),
        (f"./{WHEEL}#SHA256=00", "x: `00` is not a sha256"),
        (f"./{WHEEL}#sha256={SHA256}0", f"x: `{SHA256}0` is not a sha256"),
        (f"./{WHEEL}#subdirectory=a&sha256={SHA256}", "x: `#subdirectory=` is not supported"),
    ],
)
def test_a_file_that_cannot_be_named(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        source_of(text, "x")
    assert str(caught.value).startswith(sentence)


def test_a_weak_hash_beside_a_strong_one_is_left_out() -> None:
    source, extras, marker = source_of(f"./{WHEEL}#md5=00&sha256={SHA256}&egg=x ; os_name", "x")
    assert (source.hashes, extras, marker) == ({f"sha256:{SHA256}"}, "", "os_name")
    assert source.version == Version("1.0")


def test_what_is_written_comes_before_the_address() -> None:
    source = DirectSource(f"https://u:p@x/{WHEEL}?q", WHEEL, parse_line("lib").project, Version("1.0"))
    assert source.shown == source.without_credentials == f"https://x/{WHEEL}" and not source.is_local
    named = DirectSource(source.location, WHEEL, source.project, source.version, frozenset(), "https://x/${DIR}/l.whl")
    assert named.shown == "https://x/${DIR}/l.whl"


@pytest.mark.parametrize(
    ("text", "direct"),
    [
        ("lib", False),
        ("lib==1.0", False),
        ("lib[a]", False),
        (".", True),
        ("..", True),
        ("~/x", True),
        ("/x", True),
        ("d/x", True),
        (WHEEL, True),
        ("lib-1.0.tar.gz[a]", True),
        ("lib @ x", True),
        ("git@x:y", True),
        ("https://x", True),
        ("lib>=1;os_name=='a/b'", False),
    ],
)
def test_what_looks_like_a_file(text: str, direct: bool) -> None:
    assert looks_direct(text) is direct


# Files


def read(texts: Mapping[str, str], name: str = "r.txt", **more: object) -> RequirementLines:
    def reader(written: str, named_by: str) -> tuple[str, str]:
        assert named_by in texts
        return written, texts[written]

    return parse_file(texts[name], name, reader, **more)  # type: ignore[arg-type]


def test_files_are_read_with_those_that_they_name() -> None:
    lines = read(
        {
            "r.txt": "app\n-r more.txt\n-c limits.txt\n--pre\n",
            "more.txt": "lib\n-c deep.txt",
            "limits.txt": "app<2\n-c deep.txt\n",
            "deep.txt": "tail<3\n",
        }
    )
    assert [(line.text, line.origin) for line in lines.requirements] == [("app", "r.txt:1"), ("lib", "more.txt:1")]
    assert [(line.text, line.origin) for line in lines.constraints] == [
        ("tail<3", "deep.txt:1"),
        ("app<2", "limits.txt:1"),
        ("tail<3", "deep.txt:1"),
    ]
    assert [(option.name, option.origin) for option in lines.options] == [("--pre", "r.txt:4")]
    assert {project: len(group) for project, group in by_project(lines.constraints).items()} == {"tail": 2, "app": 1}


@pytest.mark.parametrize(
    ("texts", "constraints", "sentence"),
    [
        ({"r.txt": "-r r.txt\n"}, False, "`r.txt` includes itself: r.txt → r.txt"),
        ({"r.txt": "-r a.txt\n", "a.txt": "-c r.txt\n"}, False, "`r.txt` includes itself: r.txt → a.txt → r.txt"),
        ({"r.txt": "-r a.txt\n", "a.txt": ""}, True, "r.txt:1: `-r` is not allowed in a constraints file"),
        ({"r.txt": "lib[x]<2\n"}, True, "r.txt:1: a constraint cannot have extras"),
        ({"r.txt": f"./{WHEEL}\n"}, True, "r.txt:1: a constraint cannot refer to a file"),
    ],
)
def test_a_file_that_cannot_be_used(texts: Mapping[str, str], constraints: bool, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read(texts, constraints=constraints)
    assert str(caught.value) == sentence


def test_all_bad_lines_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read({"r.txt": "lib=1\napp\n\nother!\n"})
    assert str(caught.value) == "2 lines cannot be used"
    assert [detail.partition(": ")[0] for detail in caught.value.details] == ["r.txt:1", "r.txt:4"]
    assert "(write `==` for an exact version)" in caught.value.details[0]
    raise_all([])


def test_constraints_that_include_others_are_refused() -> None:
    assert [line.text for line in constraint_lines("lib<2\n# x\napp<3", "c.txt")] == ["lib<2", "app<3"]
    with pytest.raises(
        InputError, match=r"c.txt includes `d.txt`, but this constraints file cannot include other files"
    ):
        constraint_lines("-c d.txt\n", "c.txt")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", [(1, "a"), (2, "b")]),
        ("\n# c\n a # d\n", [(3, "a")]),
        ("a#b\n", [(1, "a#b")]),
        ("a \\\n  >=1\nb", [(1, "a   >=1"), (3, "b")]),
        ("a \\\n# comment\nb", [(1, "a"), (3, "b")]),
        ("a \\", [(1, "a")]),
        ("# c \\\nb", [(2, "b")]),
        ("\ufeffa", [(1, "a")]),
        ("\\\n\\\na", [(1, "a")]),
    ],
)
def test_lines_are_joined_and_counted(text: str, lines: list[tuple[int, str]]) -> None:
    assert list(logical_lines(text)) == lines


def test_variables_of_addresses_are_concealed_and_never_written() -> None:
    concealed: dict[str, str] = {}
    text = f"https://u:${{TOKEN}}@x.example/${{AREA}}/d/{WHEEL}\nhttps://y.example/${{UNSET}}/{WHEEL}\n"
    lines = read(
        {"r.txt": text}, environment={"TOKEN": "s3cret", "AREA": "hidden"}, conceal=concealed.__setitem__
    ).requirements
    assert concealed == {"https://x.example/hidden": "https://x.example/${AREA}"}
    assert lines[0].source is not None and lines[0].source.location == f"https://u:s3cret@x.example/hidden/d/{WHEEL}"
    assert lines[0].text == f"lib @ https://x.example/${{AREA}}/d/{WHEEL}"
    assert lines[1].text == f"lib @ https://y.example/${{UNSET}}/{WHEEL}"


def test_an_error_shows_the_variable_and_not_its_value() -> None:
    with pytest.raises(InputError) as caught:
        read({"r.txt": "lib==${TOKEN}\n"}, environment={"TOKEN": "s3cret!"})
    assert "s3cret" not in str(caught.value) and "${TOKEN}" in str(caught.value)


@pytest.mark.parametrize(
    ("some", "others", "compatible"),
    [
        ({"sha256:1"}, {"sha256:1"}, True),
        ({"sha256:1"}, {"sha256:2"}, False),
        ({"sha256:1"}, {"sha512:2"}, True),
        ({"sha256:1"}, {"sha512:2", "sha256:2"}, True),
        ({"sha256:1", "sha256:3"}, {"sha256:3"}, True),
        (set(), {"sha256:3"}, False),
    ],
)
def test_hashes_that_one_file_can_have(some: set[str], others: set[str], compatible: bool) -> None:
    assert _compatible(some, others) is compatible
