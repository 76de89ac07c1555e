"""Whole answers of a resolution in memory, what it warns of, and what is said of files that cannot be named or read."""

from datetime import UTC, datetime
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.conflicts import Offered, releases, sdist, wheel
from tests.support.held_offers import HeldOffers
from wheelhouse.archive.artifact import Rejected
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.archive.reasons import RequiresPython, Yanked
from wheelhouse.errors import InputError
from wheelhouse.events import Event, Warned
from wheelhouse.resolve.direct import source_of
from wheelhouse.resolve.encoding import decoded
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))


def answered(
    offers: list[Offered],
    *asked: str,
    constraints: tuple[str, ...] = (),
    hidden: dict[str, str] | None = None,
    **more: Any,
) -> tuple[dict[str, ResolvedProject], list[str]]:
    """The projects that are chosen, and the warnings."""
    events: list[Event] = []
    lines = tuple(parse_line(text, f"c.txt:{number}") for number, text in enumerate(constraints, 1))
    request = ResolutionRequest(TARGET, tuple(map(parse_line, asked)), lines, **more)
    answers = resolve(request, HeldOffers(offers, hidden=hidden or {}), events.append)  # type: ignore[arg-type]
    projects = {f"{answer.candidate.project} {answer.candidate.version}": answer for answer in answers}
    return projects, [event.sentence for event in events if isinstance(event, Warned)]


def test_everything_that_a_lock_file_says_of_a_project() -> None:
    offers = [
        wheel("lib 1.0"),
        sdist("lib 1.0"),
        wheel("lib 1.1", tag="cp312-cp312-win_amd64"),
        sdist("lib 1.2"),
        wheel("lib 1.3", python=">=3.13"),
        wheel("lib 1.4", yanked="bad"),
        wheel("lib 1.5"),
        wheel("app 1.0", "Lib[Y]<1.5", "lib>=0", "tool ; os_name == 'nt'", extras={"x": ["lib[y]"], "z": ["tool"]}),
        wheel("app 0.9", yanked="older"),
    ]
    found, warnings = answered(
        offers, "app[x,x]", constraints=("lib>0.5", "lib<9"), selection=Selection(only_binary=frozenset({"lib"}))
    )
    assert list(found) == ["app 1.0", "lib 1.0"]
    app, lib = found.values()
    assert (app.extras, app.dependencies) == (("x",), ("lib>=0", "lib[y]", "lib[y]<1.5"))
    assert (app.rejected, app.skipped, app.passed_over, app.constraint) == ((), (), (), None)
    assert (lib.extras, lib.dependencies, lib.constraint) == ((), (), "lib>0.5 (c.txt:1)")
    assert [other.filename for other in lib.rejected] == ["lib-1.0.tar.gz"]
    assert lib.skipped == (Version("1.2"), Version("1.1"))
    assert lib.passed_over == (
        Rejected("1.4", Yanked("bad")),
        Rejected("1.3", RequiresPython(">=3.13", "3.12.4")),
    )
    assert warnings == ["lib 1.0 has no extra named `y`; the extra is ignored"]


def test_a_release_whose_python_only_its_metadata_tell_is_left_out() -> None:
    offers = releases("app", ["1.0", "1.1", "1.2"])
    assert list(answered(offers, "app", hidden={"app 1.2": ">=3.13", "app 1.1": ">=3.12"})[0]) == ["app 1.1"]


def test_an_old_way_to_ask_is_told_once() -> None:
    offers = [wheel("app 1.0", "lib>=1.*", "lib"), *releases("lib", ["1.0", "2.0"])]
    found, warnings = answered(offers, "app", "app>=1")
    assert list(found) == ["app 1.0", "lib 2.0"]
    assert len(warnings) == 1
    assert warnings[0].startswith("app 1.0 has a requirement on `lib` that PEP 508 does not allow (")
    assert warnings[0].endswith("); wheelhouse reads the requirement as `lib>=1`")


def test_a_newer_release_with_an_invalid_line_is_passed_over_and_told() -> None:
    offers = [wheel("app 1.0"), wheel("app 2.0", "lib>=1.*"), wheel("app 3.0", "lib>=1.*"), wheel("lib 1.0")]
    found, warnings = answered(offers, "app")
    assert list(found) == ["app 1.0"]
    assert [warning.partition(", which ")[0] for warning in warnings] == [
        "app 1.0 was chosen instead of 3.0",
        "app 1.0 was chosen instead of 2.0",
    ]
    assert all("`lib>=1.*`" in warning for warning in warnings)
    found, warnings = answered(offers, "app==2")
    assert list(found) == ["app 2.0", "lib 1.0"]
    assert not any("was chosen instead of 2.0" in warning for warning in warnings)


def test_a_release_that_nobody_can_read_is_left_out_with_a_warning() -> None:
    found, warnings = answered([wheel("app 1.0"), wheel("app 1.1", "b @@ c")], "app")
    assert list(found) == ["app 1.0"]
    assert warnings == [
        "app 1.0 was chosen instead of 1.1, which requires `b @@ c`, which PEP 508 does not allow: pip refuses it"
    ]


def test_lines_for_another_target_and_overrides() -> None:
    offers = [*releases("lib", ["1.0", "2.0"]), wheel("app 1.0", "lib>=2"), wheel("tool 1.0")]
    adjustments = Adjustments(overrides=(Requirement("lib==1.0"), Requirement("lib<9 ; os_name == 'nt'")))
    assert list(answered(offers, "app", "tool ; os_name == 'nt'", "lib", adjustments=adjustments)[0]) == [
        "app 1.0",
        "lib 1.0",
    ]


def test_two_extras_of_one_project_are_told_sorted() -> None:
    found, warnings = answered([wheel("app 1.0", extras={"y": [], "x": [], "z": []})], "app[y,X]", "app[q]")
    assert found["app 1.0"].extras == ("x", "y")
    assert warnings == ["app 1.0 has no extra named `q`; the extra is ignored"]


# What cannot be named or read

WHEEL = "lib-1.0-py3-none-any.whl"
BUILD = "if you trust the code, build a wheel of it (`python -m build --wheel`), and request this wheel"
NAME = "use the file name from the build: name-version-tags.whl, or name-version.tar.gz"
SHA256 = "a" * 64


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("git+https://x/y.git", "`git+https` is a repository, not a file", BUILD),
        ("svn:x:y", "`svn` is a repository, not a file", BUILD),
        (f"other @ ./{WHEEL}", f"`{WHEEL}` is a file of lib, not of other", None),
        (f"ftp://x/{WHEEL}", "`ftp:` addresses are not supported", "give an https address, or a path"),
        (f"file://server/{WHEEL}", "the `file:` address is for another machine, server", "give a path"),
        ("./lib-1.0.exe", "`lib-1.0.exe` is neither a wheel nor an sdist", BUILD),
        ("./d/", "`/` is neither a wheel nor an sdist", BUILD),
        (f"https://[x/{WHEEL}", "the address cannot be read", "write https://host/path/name-version-tags.whl"),
        (f"./{WHEEL}#md5=00", "the hash md5 is too weak", "give its sha256"),
        (f"./{WHEEL}#sha224=00", "the hash sha224 is too weak", "give its sha256"),
        (f"./{WHEEL}#sha1=00&md5=00", "the hash md5 is too weak", "give its sha256"),
        (f"./{WHEEL}#sha256=00", "`00` is not a sha256", "write all hexadecimal digits of the hash"),
        (f"./{WHEEL}#sha512={SHA256}", f"`{SHA256}` is not a sha512", "write all hexadecimal digits of the hash"),
        (f"./{WHEEL}#subdirectory=a&sha256={SHA256}", "`#subdirectory=` is not supported", BUILD),
    ],
)
def test_files_that_cannot_be_named(text: str, sentence: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        source_of(text, "x")
    assert (str(caught.value), caught.value.hint) == (f"x: {sentence}", hint)


def test_a_file_without_a_version_gets_a_hint() -> None:
    with pytest.raises(InputError) as caught:
        source_of("./lib.whl", "x")
    assert str(caught.value).startswith("x: `lib.whl` does not state a project and version: ")
    assert caught.value.hint == NAME


@pytest.mark.parametrize(
    ("text", "location", "filename", "hashes", "extras", "marker"),
    [
        (f"./d/{WHEEL}", f"./d/{WHEEL}", WHEEL, set(), "", ""),
        (f"https://h/%20/lib-1%2Bx.zip#sha256={SHA256}", "https://h/%20/lib-1%2Bx.zip", "lib-1+x.zip", {f"sha256:{SHA256}"}, "", ""),
        (f"./a%20b/{WHEEL}[x] ; y", f"./a%20b/{WHEEL}", WHEEL, set(), "[x]", "y"),
        (f"File://localhost/a%20b/{WHEEL}", f"/a b/{WHEEL}", WHEEL, set(), "", ""),
        (f"Lib[x,y]@http://h/{WHEEL}?q ; z", f"http://h/{WHEEL}?q", WHEEL, set(), "[x,y]", "z"),
        (f"./{WHEEL}#egg=lib&sha384={'C' * 96}", f"./{WHEEL}", WHEEL, {f"sha384:{'c' * 96}"}, "", ""),
    ],
)  # fmt: skip
def test_files_that_can_be_named(
    text: str, location: str, filename: str, hashes: set[str], extras: str, marker: str
) -> None:
    source, *others = source_of(text, "x")
    assert (source.location, source.filename, source.hashes, source.written) == (location, filename, hashes, "")
    assert others == [extras, marker]
    assert source.is_local is not location.startswith("http")


def test_texts_that_cannot_be_read_are_told_with_their_first_bad_byte() -> None:
    hint = "save it as UTF-8, or declare its encoding in the first line: `# -*- coding: latin-1 -*-`"
    for raw, sentence in (
        (b"lib\xff", "`r.txt` is not utf-8 text: invalid start byte at byte 3"),
        (b"\xef\xbb\xbflib\xff", "`r.txt` is not utf-8 text: invalid start byte at byte 3"),
        (b"# coding: ascii\n\xe4", "`r.txt` is not ascii text: ordinal not in range(128) at byte 16"),
        (b" # coding: latin-1\n\xe4", "`r.txt` is not utf-8 text: invalid continuation byte at byte 19"),
    ):
        with pytest.raises(InputError) as caught:
            decoded(raw, "r.txt")
        assert str(caught.value).replace("unexpected end of data", "invalid continuation byte") == sentence
        assert caught.value.hint == hint
    with pytest.raises(InputError) as caught:
        decoded(b"# coding: klingon\n", "r.txt")
    assert str(caught.value) == "`r.txt` declares an unknown encoding: klingon"


def test_a_limit_of_upload_times_holds_for_wheels_and_sdists() -> None:
    offers = [wheel("lib 1.0"), wheel("lib 2.0", uploaded="2025-03-01T00:00:00Z"), sdist("lib 1.5")]
    limit = Selection(uploaded_prior_to=datetime(2025, 3, 1, tzinfo=UTC))
    assert list(answered(offers, "lib", selection=limit)[0]) == ["lib 1.5"]
    assert list(answered(offers, "lib")[0]) == ["lib 2.0"]


@pytest.mark.parametrize(
    ("asked", "constraints", "found"),
    [
        (("lib",), (), ["lib 1"]),
        (("lib==2",), (), ["lib 2"]),
        (("lib",), ("lib==2",), ["lib 2"]),
        (("lib", "pin"), (), ["lib 2", "pin 2"]),
        (("lib", "pin<2"), (), ["lib 1", "pin 1"]),
        (("wide", "pin"), (), ["lib 2", "pin 2", "wide 1"]),
        (("wide", "other"), (), ["lib 1", "other 1", "wide 1"]),
        (("lib>=1", "either"), (), ["either 2", "lib 2"]),
        (("lib<2", "either"), (), ["either 1", "lib 1"]),
    ],
)
def test_yanked_releases_are_taken_where_another_pins_them(
    asked: tuple[str, ...], constraints: tuple[str, ...], found: list[str]
) -> None:
    offers = [
        wheel("lib 3", yanked="worse"),
        wheel("lib 2", yanked="bad"),
        wheel("lib 1"),
        wheel("pin 2", "lib==2"),
        wheel("pin 1", "lib<=1"),
        wheel("wide 1", "lib>=1"),
        wheel("other 1", "lib<3"),
        wheel("either 2", "lib==2"),
        wheel("either 1", "lib==1"),
    ]
    assert list(answered(offers, *asked, constraints=constraints)[0]) == found
