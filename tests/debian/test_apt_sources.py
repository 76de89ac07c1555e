"""Sources of apt: their options, and which of them are enabled."""

import pytest

from wheelhouse.debian.apt_sources import parse_deb822_sources, parse_source_line
from wheelhouse.debian.base_system import BaseSystem
from wheelhouse.debian.debian_job import debian_job
from wheelhouse.errors import InputError


@pytest.mark.parametrize(
    ("option", "architectures"),
    [
        ("arch=amd64,i386", ("amd64", "i386")),
        ("arch+=i386", ()),
        ("arch-=i386", ()),
        ("arch=amd64 arch+=i386", ("amd64", "i386")),
        ("arch=amd64,i386 arch-=i386", ("amd64",)),
        ("ARCH=amd64 lang-=de", ("amd64",)),
    ],
)
def test_an_option_of_a_source_sets_adds_or_removes(option: str, architectures: tuple[str, ...]) -> None:
    source = parse_source_line(f"deb [{option}] https://m.example/debian bookworm main")
    assert source.architectures == architectures


@pytest.mark.parametrize(("option", "is_used"), [("arch-=i386", True), ("arch-=amd64", False), ("arch+=i386", True)])
def test_a_source_that_removes_the_architecture_of_the_base_is_left_out(option: str, is_used: bool) -> None:
    base, line = BaseSystem("", "amd64"), f"deb [{option}] https://m.example/debian bookworm main"
    if is_used:
        assert debian_job({"packages": ("git",)}, base, (line,)).sources
        return
    with pytest.raises(InputError, match="no source of Debian packages"):
        debian_job({"packages": ("git",)}, base, (line,))


@pytest.mark.parametrize(
    ("value", "is_enabled"),
    [
        ("yes", True),
        ("on", True),
        ("no", False),
        ("False", False),
        ("without", False),
        ("off", False),
        ("disable", False),
    ],
)
def test_a_record_is_disabled_by_any_word_of_apt_for_no(value: str, is_enabled: bool) -> None:
    record = f"Types: deb\nURIs: https://m.example/debian\nSuites: bookworm\nComponents: main\nEnabled: {value}\n"
    assert bool(list(parse_deb822_sources(record))) == is_enabled


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://user:secret@m.example/debian", "https://m.example/debian"),
        ("https://user:sec/ret@m.example/debian", "https://m.example/debian"),
        ("https://user:sec/ret@x@m.example/debian", "https://m.example/debian"),
        ("https://user:secret@m.example/a@b/debian", "https://m.example/a@b/debian"),
        ("https://[::1]/a@b/debian", "https://[::1]/a@b/debian"),
        ("https://m.example:8080/a@b/debian", "https://m.example:8080/a@b/debian"),
        ("https://m.example:8080/@SNAPSHOTID@", "https://m.example:8080/@SNAPSHOTID@"),
        ("https://m.example/@SNAPSHOTID@", "https://m.example/@SNAPSHOTID@"),
    ],
)
def test_a_source_is_shown_without_its_password(written: str, shown: str) -> None:
    assert str(parse_source_line(f"deb {written} bookworm main")) == f"deb {shown} bookworm main"


@pytest.mark.parametrize("line", ["deb https://user:secret@m.example/", "https://user:sec/secret@m.example/ bookworm"])
def test_a_line_that_is_no_source_is_shown_without_its_password(line: str) -> None:
    with pytest.raises(InputError, match="is not a source of Debian packages") as error:
        parse_source_line(line)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(("suite", "folder"), [("a./", "a."), ("a/b/", "a/b"), ("./", ""), ("b", "dists/b")])
def test_the_folder_of_a_suite(suite: str, folder: str) -> None:
    components = "" if suite.endswith("/") else " main"
    assert parse_source_line(f"deb https://m.example/debian {suite}{components}").folder == folder
