"""The lock: TOML and back byte for byte, valid by PEP 751; what is hostile or damaged is said in one sentence."""

import tomllib
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.reasons import OtherWords, Yanked
from wheelhouse.errors import InputError, IntegrityError, WheelhouseError
from wheelhouse.index.locations import IndexLocation
from wheelhouse.lock import why
from wheelhouse.lock.lock import ConstraintsFile, Inputs, Lock, Pin
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.wheelhouse import Wheelhouse, is_lock_name, sums
from wheelhouse.lock.why import chains, chains_of_pins
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.resolve.requirements import RequirementLine, parse_line
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.closure import closure

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
NAMES = st.sampled_from(["a", "b-c", "d2", "zope-interface", "x"]).map(canonicalize_name)
VERSIONS = st.sampled_from(["1", "1.0", "2!1.0rc1", "1.0+cpu.1", "0.1.dev3", "2024.1.post2"]).map(Version)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
TARGETS = st.builds(
    lambda python, platform: Target.of(Python.parse(python), Platform.parse(platform)),
    st.sampled_from(["3.7", "3.12.4", "3.13t", "pypy3.10"]),
    st.sampled_from(["linux/amd64", "linux/arm64", "musllinux_1_2_x86_64", "macos/arm64", "win_amd64"]),
)


@st.composite
def pins(draw: st.DrawFn) -> tuple[Pin, ...]:
    found = []
    for name in sorted(draw(st.sets(NAMES))):
        version, is_wheel = draw(VERSIONS), draw(st.booleans())
        stem = f"{name.replace('-', '_')}-{version}"
        artifact = Artifact(
            f"{stem}-py3-none-any.whl" if is_wheel else f"{stem}.tar.gz",
            draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
            draw(st.integers(1, 1 << 40)),
            draw(st.one_of(st.none(), st.just(f"https://127.0.0.1/{stem.replace('+', '%2B')}"))),
            draw(st.one_of(st.none(), MOMENTS)),
        )
        found.append(
            Pin(
                project=name,
                version=version,
                artifact=artifact,
                index=draw(st.sampled_from(["", "https://127.0.0.1/simple", "in house", "./dist", "file:///srv/all"])),
                requires_python=draw(st.sampled_from([None, ">=3.7", "<4,>=3.8"])),
                extras=tuple(draw(st.sets(NAMES, max_size=2).map(sorted))),
                dependencies=tuple(draw(st.sets(st.sampled_from(["a", "b-c[x]>=1", "d2<3"]), max_size=3).map(sorted))),
                sdist_because=None if is_wheel else draw(TEXTS.filter(bool)),
                build_lock="" if is_wheel else draw(st.sampled_from(["", "pylock.cp312-any-0123abcd.toml"])),
                build_lacks="" if is_wheel else draw(TEXTS),
                provisional=draw(st.one_of(st.none(), TEXTS.filter(bool))),
                yanked=draw(st.one_of(st.none(), TEXTS)),
                constraint=draw(st.one_of(st.none(), st.just("a==1 (limits.txt:1)"))),
                rejected=draw(st.sampled_from([(), (Rejected("a-1.tar.gz", Yanked("broken")),)])),
                skipped=draw(st.sampled_from([(), ("3.0", "2.0")])),
            )
        )
    return tuple(found)


INPUTS = st.builds(
    Inputs,
    requirements=st.lists(st.sampled_from(["a>=1", "b-c[x]", 'd2; os_name == "nt"']), unique=True)
    .map(sorted)
    .map(tuple),
    constraints=st.sampled_from([(), (ConstraintsFile("c “quoted”.txt", "0" * 64),)]),
    locations=st.sampled_from(
        [
            (),
            (IndexLocation("https://127.0.0.1/simple"),),
            (
                IndexLocation("https://127.0.0.1/simple"),
                IndexLocation("wheels", "inhouse", ("acme-*", "lib"), links=True),
            ),
            (IndexLocation("https://127.0.0.1/corp", "corp", ("lib",)), IndexLocation("wheels", links=True)),
        ]
    ),
    airflow=st.sampled_from([None, "2.10.5"]),
    constraints_sha256=st.sampled_from([None, "1" * 64]),
)
LOCKS = st.builds(Lock, TARGETS, INPUTS, pins(), is_loose=st.booleans())


@given(LOCKS, st.booleans())
@settings(max_examples=40)
def test_a_lock_reads_back_as_it_was_and_writes_the_same_bytes(lock: Lock, with_paths: bool) -> None:
    text = lock_toml(lock, with_paths=with_paths)
    again = parse_lock(text, "pylock.toml")
    assert (again.target, again.inputs, again.pins) == (lock.target, lock.inputs, lock.pins)
    assert again.is_loose == lock.is_loose
    assert again.target.tags == lock.target.tags and again.target.environment == lock.target.environment
    assert lock_toml(again, with_paths=with_paths) == text
    assert again.inputs.same_job(lock.inputs)


def test_equal_values_of_two_spellings_are_written_each_in_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that are the same letter for letter are turned into TOML once for all locks; 1.0 and 1.0.0 are not."""
    written: list[Any] = []
    dumps = tomli_w.dumps
    monkeypatch.setattr(tomli_w, "dumps", lambda table, **options: written.append(table) or dumps(table, **options))
    moment = datetime(2024, 5, 6, 7, tzinfo=UTC)
    artifact = Artifact("spelled_lib-1.0.tar.gz", "a" * 64, 1, "https://127.0.0.1/l", moment)
    elsewhere = replace(artifact, upload_time=moment.astimezone(timezone(timedelta(hours=2))))
    first = replace(a_pin("spelled-lib"), artifact=artifact)
    pins = [replace(first, version=Version(version)) for version in ("1.0", "1.0.0", "1.0")]
    pins.append(replace(pins[0], artifact=elsewhere))
    assert pins[0] == pins[1] == pins[3]
    texts = [lock_toml(Lock(TARGET, Inputs(()), (pin,)), with_paths=True) for pin in pins]
    packages = [tomllib.loads(text)["packages"][0] for text in texts]
    assert [package["version"] for package in packages] == ["1.0", "1.0.0", "1.0", "1.0"]
    times = [str(package["sdist"]["upload-time"]) for package in packages]
    assert times == [*["2024-05-06 07:00:00+00:00"] * 3, "2024-05-06 09:00:00+02:00"]
    assert len([table for table in written if "packages" in table]) == 3


@given(LOCKS)
@settings(max_examples=40)
def test_a_lock_is_what_pep_751_says(lock: Lock) -> None:
    document = tomllib.loads(lock_toml(lock, with_paths=True))
    pylock = Pylock.from_dict(document)
    pylock.validate()
    assert [package.name for package in pylock.packages] == [pin.project for pin in lock.pins]
    assert is_lock_name(lock.filename)
    assert all(file["path"] == file["name"] for table in document["packages"] for file in files_of(table))


def files_of(package: dict[str, Any]) -> list[dict[str, Any]]:
    return [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]


# Hostile and damaged ones


def a_pin(name: str = "lib", version: str = "1.0", **more: Any) -> Pin:
    artifact = Artifact(f"{name}-{version}-py3-none-any.whl", "a" * 64, 10, f"https://127.0.0.1/{name}.whl")
    return Pin(canonicalize_name(name), Version(version), artifact, "https://127.0.0.1/simple", **more)


def a_document() -> dict[str, Any]:
    more = {"dependencies": ("lib>=1",), "rejected": (Rejected("x.whl", OtherWords("no")),), "yanked": "bad"}
    inputs = Inputs(("app",), (ConstraintsFile("c.txt", "b" * 64),), constraints_sha256="b" * 64)
    lock = Lock(TARGET, inputs, (a_pin("app", **more), a_pin()))
    return tomllib.loads(lock_toml(lock, with_paths=True))


@pytest.mark.parametrize(
    "name",
    [
        "../evil.whl",
        "/etc/evil.whl",
        "a/b.whl",
        "a\\b.whl",
        ".hidden.whl",
        "-r.whl",
        "a\x00.whl",
        "a\n.whl",
        "",
        "..",
        "C:evil.whl",
    ],
)
def test_a_name_that_leads_out_of_the_house_is_refused(name: str) -> None:
    document = a_document()
    file = document["packages"][1]["wheels"][0]
    del file["url"], file["path"]
    file.update(name=name, path=name or "/")
    with pytest.raises(WheelhouseError):
        parse_lock(tomli_w.dumps(document), "pylock.toml")


@pytest.mark.parametrize(
    "hashes", [{}, {"md5": "a" * 32}, {"sha256": "A" * 64}, {"sha256": "a" * 63}, {"sha256": "../" * 21 + "a"}]
)
def test_an_artifact_without_a_true_sha256_is_refused(hashes: dict[str, str]) -> None:
    document = a_document()
    document["packages"][1]["wheels"][0]["hashes"] = hashes
    with pytest.raises(WheelhouseError):
        parse_lock(tomli_w.dumps(document), "pylock.toml")


LINE = "x\nRUN id #"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("tool", "wheelhouse", "label"), "$(id)"),
        (("tool", "wheelhouse", "label"), LINE),
        (("tool", "wheelhouse", "label"), "deadbeef\n"),
        (("tool", "wheelhouse", "inputs", "without"), [LINE]),
        (("tool", "wheelhouse", "inputs", "indexes"), [{"name": 1, "url": "x", "projects": []}]),
        (("tool", "wheelhouse", "target", "python"), LINE),
        (("tool", "wheelhouse", "target", "platform"), LINE),
        (("packages", 0, "name"), LINE),
        (("packages", 0, "version"), LINE),
        (("packages", 0, "tool", "wheelhouse", "extras"), ["x] --index-url=https://evil.example foo[y"]),
        (("packages", 0, "tool", "wheelhouse", "extras"), ["celery\nPIP_INDEX_URL=https://evil.example"]),
        (("packages", 0, "tool", "wheelhouse", "provenance"), {"url": "", "sha256": "../x"}),
    ],
)
def test_no_lock_has_what_could_be_a_line_of_a_script(place: tuple[Any, ...], value: Any) -> None:
    document = a_document()
    parse_lock(tomli_w.dumps(document), "pylock.toml")
    alter(document, place, value)
    with pytest.raises(InputError, match="is not a lock"):
        parse_lock(tomli_w.dumps(document), "pylock.toml")


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("tool", "wheelhouse", "label"), "$(id)", "`tool.wheelhouse.label` is '$(id)': expected `str` matching"),
        (
            ("tool", "wheelhouse", "inputs", "pip-config"),
            [7],
            "`tool.wheelhouse.inputs.pip-config[0]` is 7: expected `str`",
        ),
        (("tool", "wheelhouse", "target"), None, "`tool.wheelhouse`: object missing required field `target`"),
        (("tool",), None, "it has no [tool.wheelhouse]"),
        (
            ("packages", 0, "tool", "wheelhouse", "rejected"),
            [{"reason": "no", "files": [True]}],
            "`packages[app].tool.wheelhouse.rejected[0].files[0]` is True: expected `str`, got `bool`",
        ),
        (
            ("packages", 0, "tool", "wheelhouse", "waived"),
            [{"until": "soon"}],
            "`packages[app].tool.wheelhouse.waived[0].until` is 'soon'",
        ),
        (("packages", 0, "version"), 1, "Unexpected type int (expected str) in 'packages[0].version'"),
    ],
)
def test_an_error_in_a_lock_names_the_place_and_the_value(place: tuple[Any, ...], value: Any, sentence: str) -> None:
    document = a_document()
    alter(document, place, value)
    with pytest.raises(InputError) as error:
        parse_lock(tomli_w.dumps(document), "pylock.toml")
    assert str(error.value).startswith(f"`pylock.toml` is not a lock that wheelhouse wrote: {sentence}")


def test_a_lock_that_is_nested_without_end_is_said() -> None:
    document = a_document()
    document["tool"]["wheelhouse"]["inputs"]["requirements"] = [f"app; {'(' * 3000}os_name == 'x'{')' * 3000}"]
    for text in (tomli_w.dumps(document), f"lock-version = {'[' * 3000}{']' * 3000}"):
        with pytest.raises(InputError, match="is not a lock"):
            parse_lock(text, "pylock.toml")


@pytest.mark.parametrize(
    "text", ["", "x", "lock-version = '1.0'", "[[", "lock-version = '9.0'\ncreated-by = 'x'\npackages = []"]
)
def test_what_is_no_lock_is_said_with_its_name(text: str) -> None:
    with pytest.raises(InputError, match=r"`pylock\.x\.toml` is not a lock"):
        parse_lock(text, "pylock.x.toml")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a document a value stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, held in inner for place in places(held, (*path, key)))]


PLACES = [place for place in places(a_document()) if place]
JUNK = st.sampled_from(
    [None, "", "x", "../x", 0, -1, 1.5, True, [], ["x"], [1], {}, {"x": 1}, [[]], [{}], datetime(2020, 1, 1)]
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=2))
@settings(max_examples=100)
def test_a_lock_with_anything_in_it_is_read_or_refused_in_one_sentence(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    document = deepcopy(a_document())
    for place, junk in changes:
        alter(document, place, deepcopy(junk))  # else one change could put a list into itself
    metadata = {name: Metadata(name, Version("1.0"), ("lib",)) for name in map(canonicalize_name, ("app", "lib"))}
    try:
        lock = parse_lock(tomli_w.dumps(document), "pylock.toml")
        list(closure(lock, metadata))
        lock.to_requirements()
        assert Wheelhouse((lock,)).texts
        chains(lock, canonicalize_name("lib"))
    except WheelhouseError as error:
        assert "\n" not in str(error).strip()


def alter(document: Any, place: tuple[Any, ...], junk: Any) -> None:
    """Put junk in a place, or nothing at all for None, as far as the place is still there."""
    *way, last = place
    for key in way:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return
    in_table = isinstance(document, dict) and isinstance(last, str)
    if in_table or (isinstance(document, list) and isinstance(last, int) and last < len(document)):
        if junk is None:
            document.pop(last, None) if isinstance(document, dict) else document.pop(last)
        else:
            document[last] = junk


# Wheelhouses


def test_two_locks_that_give_one_name_two_hashes_are_refused() -> None:
    other = Target.of(Python.parse("3.11"), Platform.parse("linux/amd64"))
    changed = Pin(canonicalize_name("lib"), Version("1.0"), Artifact("lib-1.0-py3-none-any.whl", "b" * 64, 10))
    house = Wheelhouse((Lock(TARGET, Inputs(()), (a_pin(),)), Lock(other, Inputs(()), (changed,))))
    with pytest.raises(IntegrityError, match="with two different sha256 hashes"):
        _ = house.artifacts


def test_sums_are_what_coreutils_read() -> None:
    assert sums({"b": "2" * 64, "a": "1" * 64}) == f"{'1' * 64}  a\n{'2' * 64}  b\n"


def test_a_pin_with_a_requirement_file_line_has_its_hash() -> None:
    lines = Lock(TARGET, Inputs(("lib",)), (a_pin(),)).to_requirements().splitlines()
    assert lines[1:] == [f"lib==1.0 --hash=sha256:{'a' * 64}"]


# Closure


def saying(name: str, version: str = "1.0", *requires: str, **more: Any) -> Metadata:
    return Metadata(canonicalize_name(name), Version(version), requires, **more)


def findings(asked: list[str], *held: Metadata) -> list[tuple[str, str]]:
    lock = Lock(
        TARGET, Inputs(tuple(asked)), tuple(a_pin(metadata.project, str(metadata.version)) for metadata in held)
    )
    return [
        (finding.rule, finding.subject) for finding in closure(lock, {metadata.project: metadata for metadata in held})
    ]


@pytest.mark.parametrize(
    ("asked", "held", "found"),
    [
        (["app"], [saying("app", "1.0", "lib>=1"), saying("lib")], []),
        (["app"], [saying("app", "1.0", "lib>=1")], [("closure", "lib")]),
        (["app"], [saying("app", "1.0", "lib>=2"), saying("lib")], [("closure", "lib")]),
        (["app>1"], [saying("app")], [("closure", "app")]),
        (["app"], [saying("app", "1.0", 'lib; os_name == "nt"')], []),
        (["app[x]"], [saying("app", "1.0", 'lib; extra == "x"', extras=frozenset({"x"}))], [("closure", "lib")]),
        (["app"], [saying("app", "1.0", 'lib; extra == "x"', extras=frozenset({"x"}))], []),
        (["app"], [saying("app"), saying("lib")], [("unneeded", "lib-1.0-py3-none-any.whl")]),
        (["app; python_version < '3'"], [], []),
        (["app"], [saying("app", "1.0", "lib (>=0.5<2)"), saying("lib")], []),
        (
            ["app"],
            [saying("app", "2.0rc1", "app[x]", 'lib; extra == "x"', extras=frozenset({"x"}))],
            [("closure", "lib")],
        ),
    ],
)
def test_a_house_satisfies_itself_or_says_what_is_missing(
    asked: list[str], held: list[Metadata], found: list[tuple[str, str]]
) -> None:
    assert findings(asked, *held) == found


def lock_of(asked: tuple[str, ...], **needs: str) -> Lock:
    """A lock of projects, each with those that it needs."""
    held = tuple(
        Pin(
            project=canonicalize_name(name),
            version=Version("1"),
            artifact=Artifact(f"{name}-1-py3-none-any.whl", "0" * 64, 1),
            index="",
            dependencies=tuple(wanted.split()),
        )
        for name, wanted in needs.items()
    )
    return Lock(TARGET, Inputs(requirements=asked), held)


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("lib", ["app provider lib", "app lib"]),
        ("provider", ["app provider"]),
        ("app", ["app"]),
        ("tail", ["app lib tail"]),
    ],
)
def test_chains_start_at_what_was_asked_for_and_go_round_circles(project: str, expected: list[str]) -> None:
    """Airflow and its providers require each other."""
    lock = lock_of(("app",), provider="app lib", app="provider lib", lib="tail", tail="lib")
    found = [" ".join(chain) for chain in chains(lock, canonicalize_name(project))]
    assert found == expected


def test_chains_of_all_pins_read_each_requirement_of_the_lock_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_of(
        ("app", "lib ; python_version >= '3.9'"), provider="app lib", app="provider lib", lib="tail", tail=""
    )
    expected = [(pin, chains(lock, pin.project)) for pin in lock.pins]
    texts: list[str] = []

    def read(text: str) -> RequirementLine:
        texts.append(text)
        return parse_line(text)

    monkeypatch.setattr(why, "parse_line", read)
    assert list(chains_of_pins(lock)) == expected
    assert texts == list(lock.inputs.requirements)


def test_chains_follow_dependencies_however_a_lock_file_spells_them() -> None:
    for asked in ((), ("app",)):
        lock = lock_of(asked, **{"app": "Foo_Bar>=1", "foo-bar": "Tail", "tail": ""})
        assert chains(lock, canonicalize_name("tail")) == [["app", "foo-bar", "tail"]]
        assert chains(lock, canonicalize_name("foo-bar")) == [["app", "foo-bar"]]


def test_chains_of_a_lock_that_was_given_start_where_nobody_requires() -> None:
    lock = lock_of((), app="lib", lib="")
    assert chains(lock, canonicalize_name("lib")) == [["app", "lib"]]
    assert chains(lock, canonicalize_name("app")) == [["app"]]
