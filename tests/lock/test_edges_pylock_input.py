"""Lock files of other tools as inputs: where each file is, which hashes count, what is refused."""

from dataclasses import replace
from typing import Any

import pytest
import tomli_w
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import InputError, NoSolutionError
from wheelhouse.lock.pylock_input import EXPORTS, PylockInput, is_pylock_name, parse_pylock_input
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
WHEEL = "lib-1.0-py3-none-any.whl"
FILE = {"name": WHEEL, "url": f"https://index.example/{WHEEL}", "hashes": {"sha256": "a" * 64}, "size": 5}


def given(source: str = "locks/pylock.toml", here: tuple[str, ...] = (), **package: Any) -> PylockInput:
    table = {"name": "lib", "version": "1.0", "wheels": [FILE], **package}
    document = {
        "lock-version": "1.0",
        "created-by": "x",
        "packages": [{k: v for k, v in table.items() if v is not None}],
    }
    return parse_pylock_input(tomli_w.dumps(document), source, "f" * 64, lambda path: path in here)


def candidate(lock: PylockInput) -> Candidate:
    (one,) = lock.select(TARGET, (), ())
    return one


def test_every_fact_of_a_file_is_taken() -> None:
    file = {**FILE, "upload-time": "MOMENT"}
    text = tomli_w.dumps(
        {
            "lock-version": "1.0",
            "created-by": "x",
            "packages": [
                {
                    "name": "lib",
                    "version": "1.0",
                    "index": "https://index.example/simple",
                    "requires-python": ">=3.9",
                    "wheels": [file],
                }
            ],
        }
    ).replace('"MOMENT"', "2025-01-02T03:04:05")
    one = candidate(parse_pylock_input(text, "pylock.toml", "f" * 64, lambda _: False))
    assert one == Candidate(
        project="lib",  # type: ignore[arg-type]
        version=Version("1.0"),
        filename=WHEEL,
        url=FILE["url"],  # type: ignore[arg-type]
        index="https://index.example/simple",
        hashes={"sha256": "a" * 64},
        size=5,
        upload_time="2025-01-02T03:04:05+00:00",
        requires_python=">=3.9",
    )
    assert candidate(given()).upload_time is None and candidate(given()).index == ""


@pytest.mark.parametrize(
    ("source", "file", "here", "url"),
    [
        ("locks/pylock.toml", {"path": "w/x.whl"}, ("locks/w/x.whl",), "locks/w/x.whl"),
        ("locks/pylock.toml", {"path": "w/x.whl"}, (), FILE["url"]),
        ("locks/pylock.toml", {"path": "w/x.whl", "url": None}, (), "locks/w/x.whl"),
        ("pylock.toml", {"path": "w/x.whl", "url": None}, (), "./w/x.whl"),
        ("locks/pylock.toml", {"path": "/srv/x.whl"}, ("/srv/x.whl",), "/srv/x.whl"),
        ("https://x.example/a/pylock.toml", {"path": "w/x.whl", "url": None}, (), "https://x.example/a/w/x.whl"),
        ("https://x.example/a/pylock.toml", {"path": "/srv/x.whl", "url": None}, (), "https://x.example/srv/x.whl"),
        ("https://x.example/a/pylock.toml", {"path": "w/x.whl"}, ("https://x.example/a/w/x.whl",), FILE["url"]),
        ("locks/pylock.toml", {"path": "w/x.whl", "url": "ftp://x/y.whl"}, ("locks/w/x.whl",), "locks/w/x.whl"),
        ("locks/pylock.toml", {"url": "http://x.example/y.whl"}, (), "http://x.example/y.whl"),
        ("locks/pylock.toml", {"url": "file:///srv/y.whl"}, (), "file:///srv/y.whl"),
        ("locks/pylock.toml", {"url": "y.whl"}, (), "y.whl"),
        ("locks/pylock.toml", {"url": "HTTPS://x.example/Y.whl"}, (), "https://x.example/Y.whl"),
    ],
)
def test_where_a_file_is(source: str, file: dict[str, Any], here: tuple[str, ...], url: str) -> None:
    table = {key: value for key, value in {**FILE, **file}.items() if value is not None}
    one = candidate(given(source, here, wheels=[table]))
    assert (one.url, one.filename) == (url, WHEEL)


@pytest.mark.parametrize("place", [{"path": f"w/{WHEEL}"}, {"url": f"https://x.example/{WHEEL}?a=b"}])
def test_a_file_without_a_name_has_that_of_its_place(place: dict[str, str]) -> None:
    table = {"hashes": FILE["hashes"], "size": 5, **place}
    assert candidate(given(wheels=[table])).filename == WHEEL


def test_only_a_path_is_looked_up() -> None:
    lock = given()
    paths: list[str] = []
    one = candidate(replace(lock, is_file=lambda path: not paths.append(path)))
    assert (one.url, paths) == (FILE["url"], [])


@pytest.mark.parametrize(
    ("package", "sentence"),
    [
        ({"wheels": [{**FILE, "url": "ftp://x/y.whl"}]}, ": the address of lib cannot be read"),
        ({"wheels": [{**FILE, "hashes": {"md5": "a" * 32}}]}, " has no strong hash for lib"),
        ({"wheels": [{**FILE, "hashes": {"sha1": "a" * 40}}]}, " has no strong hash for lib"),
        ({"wheels": [{**FILE, "hashes": {"sha256": "zz"}}]}, ": `zz`, the sha256 of lib, is not a sha256"),
        (
            {"wheels": [{**FILE, "hashes": {"sha256": "../../../../dev/zero"}}]},
            ": `../../../../dev/zero`, the sha256 of lib, is not a sha256",
        ),
        (
            {"wheels": [{**FILE, "hashes": {**FILE["hashes"], "SHA512": "b" * 64}}]},  # type: ignore[dict-item]
            f": `{'b' * 64}`, the sha512 of lib, is not a sha512",
        ),
        ({"wheels": [{**FILE, "size": -1}]}, ": the size of lib is negative: -1"),
        (
            {"wheels": None, "vcs": {"type": "git", "url": "https://x/y", "commit-id": "0" * 40}},
            " takes lib from a repository",
        ),
        ({"wheels": None, "directory": {"path": "lib"}}, " takes lib from a folder"),
        (
            {
                "wheels": None,
                "archive": {"url": "https://x/lib-1.0.zip", "hashes": FILE["hashes"], "subdirectory": "src"},
            },
            " takes lib from the folder `src` of an archive",
        ),
        (
            {"wheels": None, "version": None, "archive": {"url": "https://x/lib.exe", "hashes": FILE["hashes"]}},
            " lists `lib.exe`, which is neither a wheel nor an sdist",
        ),
    ],
)
def test_what_cannot_be_fetched_as_a_file_is_refused(package: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        candidate(given(**package))
    assert str(caught.value).startswith(f"`locks/pylock.toml`{sentence}")


def test_hashes_are_read_in_any_case_and_weak_ones_are_left_out() -> None:
    hashes = {"SHA256": "A" * 64, "sha512": "b" * 128, "md5": "c" * 32}
    assert candidate(given(wheels=[{**FILE, "hashes": hashes}])).hashes == {"sha256": "a" * 64, "sha512": "b" * 128}


def test_an_archive_has_the_name_and_the_version_of_its_address() -> None:
    one = candidate(
        given(wheels=None, version=None, archive={"url": "https://x/d/lib-1.0.zip", "hashes": FILE["hashes"]})
    )
    assert (one.filename, one.version) == ("lib-1.0.zip", Version("1.0"))


def test_a_version_that_the_lock_gives_need_not_be_in_the_name() -> None:
    one = candidate(given(wheels=None, archive={"url": "https://x/d/download", "hashes": FILE["hashes"]}))
    assert (one.filename, one.version) == ("download", Version("1.0"))


def test_locks_of_one_tool_alone_have_a_command_that_exports_them() -> None:
    assert {name: command.split()[0] for name, command in EXPORTS.items()} == {
        "uv.lock": "uv",
        "poetry.lock": "poetry",
        "pdm.lock": "pdm",
        "Pipfile.lock": "pipenv",
    }


def test_markers_extras_and_groups_select() -> None:
    packages = [
        {"name": "lib", "version": "1.0", "wheels": [FILE], "marker": marker}
        for marker in (
            "'docs' in dependency_groups",
            "'dev' in dependency_groups",
            "'fast' in extras",
            'os_name == "nt"',
        )
    ]
    for number, package in enumerate(packages):
        package["name"] = f"lib{number}"
        package["wheels"] = [{**FILE, "name": f"lib{number}-1.0-py3-none-any.whl"}]
    document = {
        "lock-version": "1.0",
        "created-by": "x",
        "extras": ["fast"],
        "dependency-groups": ["docs", "dev"],
        "default-groups": ["docs"],
        "packages": packages,
    }
    lock = parse_pylock_input(tomli_w.dumps(document), "pylock.toml", "f" * 64, lambda _: False)
    assert [one.project for one in lock.select(TARGET, (), ())] == ["lib0"]
    everything = lock.select(TARGET, ("Fast",), ("dev",))
    assert [one.project for one in everything] == ["lib0", "lib1", "lib2"]
    assert lock.left_out(everything) == ["lib3"]


def test_a_lock_for_another_target_says_so() -> None:
    with pytest.raises(NoSolutionError, match=f"`locks/pylock.toml` cannot be used for {TARGET.name}: "):
        given(wheels=[{**FILE, "name": "lib-1.0-cp312-cp312-win_amd64.whl"}]).select(TARGET, (), ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "has an unknown version of the format"),
        ("packages = 1\n", "is a lock file that does not follow PEP 751"),
        ("= 1\n", "is a lock file that does not follow PEP 751"),
        ("a = " + "[" * 9999, "is a lock file that does not follow PEP 751"),
    ],
)
def test_a_text_that_is_no_lock(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_pylock_input(text, "pylock.toml", "f" * 64, lambda _: False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pylock.toml", True),
        ("a/b/pylock.dev.toml", True),
        ("pylock.a.b.toml", False),
        ("pylock.toml.txt", False),
        ("my-pylock.toml", False),
        ("pylock", False),
        ("requirements.txt", False),
    ],
)
def test_the_name_of_a_lock(name: str, expected: bool) -> None:
    assert is_pylock_name(name) is expected
