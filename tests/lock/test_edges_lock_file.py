"""Every field of a lock: what is written is a golden text, and what is read is the same value."""

import os
import re
import tomllib
from dataclasses import MISSING, fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import msgspec
import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.checkout import ROOT
from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.reasons import NoFittingTag, RequiresPython, Yanked
from wheelhouse.errors import InputError
from wheelhouse.findings import Waiver
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.provenance import Provenance
from wheelhouse.lock.lock import Built, ConstraintsFile, Inputs, Lock, Pin, dependency_name, without_empty
from wheelhouse.lock.lock_tables import InputsTable, Table
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.wheelhouse import LINKS, Wheelhouse, sha256_of_text, summed, summed_folders
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

GOLDEN = ROOT / "tests" / "golden" / "lock"
TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
MOMENT = datetime(2025, 2, 10, 12, 30, tzinfo=UTC)
LIB, APP, RAW, ODD = map(canonicalize_name, ("lib", "app", "raw", "odd"))


def file(name: str, digit: str, size: int = 10, moment: datetime | None = MOMENT) -> Artifact:
    return Artifact(name, digit * 64, size, f"https://index.example/files/{name}", moment)


WAIVER = Waiver("record-hash", "vendored", "Ada", date(2027, 1, 2), LIB, "a" * 64)
BUILT = Built(
    sdist=file("app-2.0.tar.gz", "b", 20),
    interpreter="CPython 3.12.4",
    glibc="2.28",
    sealed="bubblewrap",
    lock="pylock.cp312-manylinux_2_28_x86_64-0123abcd.toml",
    requires=("setuptools==75.1.0", "wheel==0.44.0"),
    libraries=("libz.so.1",),
    repaired="auditwheel 6.1.0",
    kept=True,
)
PINS = (
    Pin(
        APP,
        Version("2.0"),
        Artifact("app-2.0-cp312-cp312-linux_x86_64.whl", "c" * 64, 30),
        "https://index.example/simple",
        requires_python=">=3.9",
        extras=(canonicalize_name("fast"),),
        dependencies=("lib[x]>=1", "raw<3"),
        sdist_because="the project published no wheel that fits",
        constraint="app==2.0 (limits.txt:3)",
        rejected=(
            Rejected("app-2.0-cp311-cp311-win_amd64.whl", NoFittingTag("cp312-manylinux_2_28_x86_64")),
            Rejected("app-2.0-cp313-cp313-win_amd64.whl", NoFittingTag("cp312-manylinux_2_28_x86_64")),
            Rejected("app-2.0-py3-none-any.whl", Yanked("broken")),
        ),
        skipped=("3.0", "2.5"),
        passed_over=(Rejected("2.9", RequiresPython(">=3.13", "3.12.4")),),
        built=BUILT,
        status="archived: no more work",
    ),
    Pin(
        LIB,
        Version("1.0+cpu"),
        file("lib-1.0+cpu-py3-none-any.whl", "a"),
        "https://index.example/simple",
        yanked="",
        provenance=Provenance(
            "https://index.example/lib.provenance", "d" * 64, ((("kind", "GitHub"), ("repository", "a/b")),)
        ),
        waived=(WAIVER,),
    ),
    Pin(ODD, Version("1.0"), file("odd-1.0.zip", "f", 5), "./dist", sdist_because="it is an sdist"),
    Pin(
        RAW,
        Version("2!1.0"),
        file("raw-2!1.0.tar.gz", "e", 40, None),
        "./dist",
        sdist_because="--no-binary excludes wheels",
        provisional="its version is dynamic",
        build_lock="pylock.cp312-manylinux_2_28_x86_64-89abcdef.toml",
        build_lacks="a backend",
    ),
)
INPUTS = Inputs(
    requirements=("app>=1", "raw"),
    constraints=(ConstraintsFile("limits.txt", "1" * 64),),
    locations=(
        IndexLocation("https://index.example/simple"),
        IndexLocation("https://corp.example/simple", "corp", ("acme-*", "lib")),
        IndexLocation("./dist", links=True),
    ),
    selection=Selection(
        only_binary=frozenset({"app"}),
        no_binary=frozenset({"raw"}),
        pre=frozenset({"lib"}),
        only_final=frozenset({"odd"}),
        prefer_binary=True,
        require_hashes=True,
        uploaded_prior_to=MOMENT,
        age="7 days",
        prior_to_except={"lib": "ours"},
    ),
    airflow="2.10.5",
    without=("mysql-client",),
    constraints_sha256="2" * 64,
    overrides=("lib==1.0",),
    excluded=("tail",),
    hashes_sha256="3" * 64,
    given_sha256="4" * 64,
    pip_config=("index-url = https://index.example/simple",),
    settings_sha256="5" * 64,
)
LOCK = Lock(TARGET, INPUTS, PINS, label="0a1b2c3d")


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("WHEELHOUSE_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_lock_with_every_field_is_written_as_ever() -> None:
    assert_golden("full.toml", lock_toml(LOCK, with_paths=True))


def test_a_lock_with_no_path_names_only_the_built_wheel_by_its_path() -> None:
    text = lock_toml(LOCK, with_paths=False, names={"lib-1.0+cpu-py3-none-any.whl": "sub/lib.whl"})
    assert [line for line in text.splitlines() if line.startswith("path = ")] == [
        'path = "app-2.0-cp312-cp312-linux_x86_64.whl"',
    ]
    renamed = lock_toml(LOCK, with_paths=True, names={"lib-1.0+cpu-py3-none-any.whl": "sub/lib.whl"})
    assert 'path = "sub/lib.whl"' in renamed


def test_every_field_is_read_back() -> None:
    again = parse_lock(lock_toml(LOCK, with_paths=True), "pylock.toml")
    assert again == LOCK


@pytest.mark.parametrize(
    "pin",
    [replace(PINS[0], built=replace(BUILT, kept=False, sealed="", glibc="", repaired=""))],
    ids=["sdist left out"],
)
def test_a_wheel_whose_sdist_is_not_kept_is_read_back(pin: Pin) -> None:
    lock = Lock(TARGET, Inputs(("app",)), (pin,))
    text = lock_toml(lock, with_paths=True)
    assert parse_lock(text, "pylock.toml") == lock
    assert "unsealed = true" in text and "kept-archive" not in text


def test_attestations_without_a_publisher_are_read_back() -> None:
    provenance = Provenance("https://index.example/p", "d" * 64, ())
    lock = Lock(TARGET, Inputs(("lib",)), (replace(PINS[1], provenance=provenance),))
    assert parse_lock(lock_toml(lock, with_paths=True), "pylock.toml") == lock


def test_a_size_of_nothing_is_read_back() -> None:
    lock = Lock(TARGET, Inputs(("lib",)), (replace(PINS[1], artifact=replace(PINS[1].artifact, size=0)),))
    assert parse_lock(lock_toml(lock, with_paths=True), "pylock.toml") == lock


def test_an_sdist_whose_name_pip_does_not_know_is_an_archive() -> None:
    lock = Lock(TARGET, Inputs(("odd",)), (replace(PINS[2], artifact=file("odd-1.0.tar.xz", "f", 5)),))
    text = lock_toml(lock, with_paths=True)
    assert "[packages.archive]" in text and 'archive = "odd-1.0.tar.xz"' in text
    assert parse_lock(text, "pylock.toml") == lock
    assert lock.pins[0].archive == lock.pins[0].artifact and PINS[2].archive is None
    assert Wheelhouse((lock,)).texts[LINKS].splitlines()[2:] == [
        f'<a href="odd-1.0.tar.xz#sha256={"f" * 64}">odd-1.0.tar.xz</a><br>'
    ]
    kept = replace(PINS[0], built=replace(BUILT, sdist=file("app-2.0.tar.xz", "b", 20)))
    again = parse_lock(lock_toml(Lock(TARGET, Inputs(("app",)), (kept,)), with_paths=True), "pylock.toml")
    assert again.pins == (kept,)


# What makes two jobs the same


CHANGED = {
    "requirements": ("app>=2",),
    "locations": (),
    "selection": Selection(),
    "airflow": None,
    "without": (),
    "constraints_sha256": None,
    "overrides": (),
    "excluded": (),
    "hashes_sha256": None,
    "given_sha256": None,
}
NOTES = {
    "constraints": (),
    "pip_config": (),
    "settings_sha256": None,
    "locations": INPUTS.locations[::-1],
    "selection": replace(INPUTS.selection, uploaded_prior_to=datetime(2026, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("name", CHANGED)
def test_each_input_makes_another_job(name: str) -> None:
    other = replace(INPUTS, **{name: CHANGED[name]})
    assert not INPUTS.same_job(other) and other.label != INPUTS.label


@pytest.mark.parametrize("name", NOTES)
def test_notes_order_and_a_computed_time_do_not(name: str) -> None:
    other = replace(INPUTS, **{name: NOTES[name]})
    assert other != INPUTS and INPUTS.same_job(other) and other.label == INPUTS.label


def test_every_input_is_in_one_of_the_tables() -> None:
    assert {field.name for field in fields(Inputs)} == CHANGED.keys() | NOTES.keys()
    assert not INPUTS.same_job(replace(INPUTS, selection=replace(INPUTS.selection, age=None)))


def test_a_label_stays_what_it_was() -> None:
    """It is in the names of build locks that are in wheelhouses today."""
    assert Inputs(("setuptools>=61",)).label == "c7f69405"
    assert len(INPUTS.label) == 8


# Small things


def test_names_of_a_lock_and_its_files() -> None:
    assert (LOCK.name, LOCK.filename) == (f"{TARGET.name}-0a1b2c3d", f"pylock.{TARGET.name}-0a1b2c3d.toml")
    assert LOCK.requirements_filename == f"requirements.{TARGET.name}-0a1b2c3d.txt"
    assert LOCK.constraints_filename == f"constraints.{TARGET.name}-0a1b2c3d.txt"
    assert replace(LOCK, label="").filename == f"pylock.{TARGET.name}.toml"
    assert [artifact.filename for artifact in LOCK.artifacts] == [
        "app-2.0-cp312-cp312-linux_x86_64.whl",
        "app-2.0.tar.gz",
        "lib-1.0+cpu-py3-none-any.whl",
        "odd-1.0.zip",
        "raw-2!1.0.tar.gz",
    ]
    assert LOCK.to_requirements().splitlines()[0] == f"# 4 artifacts for {LOCK.name}, from {LOCK.filename}"


def test_facts_of_a_pin() -> None:
    app, lib, _, raw = PINS
    assert (app.constrained, lib.constrained) == (True, False)
    assert (app.build_lock_name, raw.build_lock_name, lib.build_lock_name) == (BUILT.lock, raw.build_lock, "")
    assert app.needs == ("lib", "raw") and replace(app, dependencies=("b", "a", "b[x]")).needs == ("b", "a")
    assert replace(app, dependencies=("Foo_Bar>=1", "foo.bar[x]", "b")).needs == ("foo-bar", "b")
    assert (app.origin, lib.origin) == (BUILT.sdist, lib.artifact)
    assert app.files == (app.artifact, BUILT.sdist)
    assert replace(app, built=replace(BUILT, kept=False)).files == (app.artifact,)


@pytest.mark.parametrize(
    ("text", "name"),
    [("lib[x]>=1", "lib"), ("zope.interface==5", "zope.interface"), ("a_b-c", "a_b-c"), ("!lib", "!lib"), ("", "")],
)
def test_the_project_of_a_dependency(text: str, name: str) -> None:
    assert dependency_name(text) == name


def test_empty_values_are_left_out() -> None:
    table = {"none": None, "text": "", "list": [], "tuple": (), "false": False, "zero": 0, "kept": "x", "dict": {}}
    assert without_empty(table) == {"kept": "x", "dict": {}}


def test_a_wheelhouse_writes_every_text_of_its_locks() -> None:
    name = "lib-1.0+cpu-py3-none-any.whl.provenance"
    house = Wheelhouse((LOCK,), {LOCK.name: "app==2.0\n", "another": "x\n"}, {name: "{}"})
    texts = house.texts
    assert list(texts) == ["SHA256SUMS", LOCK.requirements_filename, LOCK.constraints_filename, name, LOCK.filename]
    listed = summed(texts["SHA256SUMS"])
    assert listed == {
        artifact.filename: artifact.sha256 for artifact in LOCK.artifacts if "!" not in artifact.filename
    } | {other: sha256_of_text(text) for other, text in texts.items() if other != "SHA256SUMS"} | (
        {"raw-2!1.0.tar.gz": "e" * 64} if "raw-2!1.0.tar.gz" in listed else {}
    )
    assert Wheelhouse((LOCK,)).texts.keys() == texts.keys() - {LOCK.constraints_filename, name}


def test_lines_of_other_forms_are_no_sums() -> None:
    right = f"{'a' * 64}  x.whl"
    assert summed(
        f"{right}\n{'A' * 64}  y.whl\n{'b' * 63}  z.whl\n{'c' * 64} w.whl\n{'d' * 64}  ../v.whl\n{'e' * 64}  u/../v.whl\n"
    ) == {"x.whl": "a" * 64}


@pytest.mark.parametrize("used", [{}, {"lib-1.0+cpu-py3-none-any.whl": (WAIVER,)}])
def test_waivers_are_written_to_the_pins_of_their_files(used: dict[str, tuple[Waiver, ...]]) -> None:
    (lock,) = Wheelhouse((LOCK,)).with_waivers(used).locks
    assert [pin.waived for pin in lock.pins] == [(), used.get("lib-1.0+cpu-py3-none-any.whl", ()), (), ()]


def test_disagreement_names_the_first_project_and_counts_the_others() -> None:
    windows = Target.of(Python.parse("3.12.4"), Platform.parse("win_amd64"))
    other = replace(LOCK, label="", target=windows, pins=tuple(replace(pin, version=Version("9")) for pin in PINS[:2]))
    plain = replace(LOCK, label="")
    sentence = Wheelhouse((plain, other)).disagreement
    assert sentence is not None and sentence.startswith("its lock files have different versions of app (2.0 for ")
    assert f"2.0 for {TARGET.name}, 9 for {windows.name})" in sentence and ", and of 1 more project" in sentence
    assert Wheelhouse((plain, replace(other, pins=other.pins[:1]))).disagreement != sentence
    assert Wheelhouse((plain, replace(other, label="0a1b2c3d"))).disagreement is None
    assert Wheelhouse((plain, replace(plain, target=windows))).disagreement is None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('label = "0a1b2c3d"', 'label = "../../x"', "label"),
        ('find-links = "./dist"\nprojects', "projects", "has an index with neither `url` nor `find-links`"),
        ("packages.wheels", "packages.others", "app has 0 files"),
        ('version = "2.0"', 'other = "2.0"', "app has 1 files"),
    ],
)
def test_a_damaged_lock_is_refused_with_its_name(old: str, new: str, sentence: str) -> None:
    text = lock_toml(LOCK, with_paths=True)
    with pytest.raises(InputError, match=r"`there/pylock.toml` is not a lock that wheelhouse wrote") as caught:
        parse_lock(text.replace(old, new, 2), "there/pylock.toml")
    assert sentence in str(caught.value) and caught.value.hint


def test_a_lock_names_nothing_but_wheels_and_sdists() -> None:
    sdist = file("app-2.0.tar.gz", "b", 20)
    built = Lock(TARGET, Inputs(("app",)), (replace(PINS[0], built=replace(BUILT, sdist=sdist, kept=False)),))
    archive = Lock(TARGET, Inputs(("odd",)), (replace(PINS[2], artifact=file("odd-1.0.tar.xz", "f", 5)),))
    for lock, name in ((built, "app-2.0.tar.gz"), (archive, "odd-1.0.tar.xz")):
        text = lock_toml(lock, with_paths=True).replace(name, "run.py")
        with pytest.raises(InputError, match=r"`'run\.py'` is not the name of a wheel or an sdist"):
            parse_lock(text, "pylock.toml")


# What is left out


def tables() -> list[type[Table]]:
    pending, classes = [Table], list[type[Table]]()
    while pending:
        classes.append(pending.pop())
        pending += classes[-1].__subclasses__()
    return classes


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.__name__)
def test_a_key_that_a_file_leaves_out_is_empty(table: type[Table]) -> None:
    for field in msgspec.structs.fields(table):
        if field.default is not msgspec.NODEFAULT:
            assert not field.default or field.default == InputsTable()


def test_what_a_lock_does_not_say_is_empty() -> None:
    artifact = file("lib-1.0-py3-none-any.whl", "a", moment=None)
    values = {
        Pin: Pin(LIB, Version("1.0"), artifact),
        Built: Built(artifact, "CPython 3.12"),
        Inputs: Inputs(()),
        Lock: Lock(TARGET, Inputs(())),
    }
    for kind, value in values.items():
        optional = [one.name for one in fields(kind) if one.default is not MISSING]
        assert optional and not any(getattr(value, name) for name in optional if name != "selection")
    built = replace(values[Pin], sdist_because="no wheel", built=values[Built])
    lock = Lock(TARGET, Inputs(("lib",)), (built,))
    assert parse_lock(lock_toml(lock, with_paths=True), "pylock.toml") == lock
    tables = tomllib.loads(lock_toml(lock, with_paths=True))["packages"][0]["tool"]["wheelhouse"]
    assert set(tables) == {"sdist-because", "built"} and set(tables["built"]) == {"sdist", "interpreter", "unsealed"}


def test_a_described_target_is_written_with_its_markers_and_tags() -> None:
    target = Target.described(dict(TARGET.environment), TARGET.tags[:5])
    lock = Lock(target, Inputs(("app",)))
    text = lock_toml(lock, with_paths=True)
    table = tomllib.loads(text)["tool"]["wheelhouse"]["target"]
    assert set(table) == {"name", "markers", "tags"} and table["markers"]["sys_platform"] == "linux"
    again = parse_lock(text, "pylock.toml")
    assert (again.target.environment, again.target.tags) == (target.environment, target.tags)


def test_only_sums_of_folders_with_plain_names_are_those_of_folders() -> None:
    names = ("files/SHA256SUMS", "SHA256SUMS", "a b/SHA256SUMS", "a/b/SHA256SUMS", ".a/SHA256SUMS", "files/x.whl")
    assert summed_folders("".join(f"{'a' * 64}  {name}\n" for name in names)) == {"files": "a" * 64}


@pytest.mark.parametrize(
    "text", ["!!", "", "lib>>1", "lib>=x", "lib~=1", "lib[", "lib[,]", "lib>=1.*", "-lib", f"lib<{'9' * 5000}"]
)
def test_a_dependency_that_is_no_requirement_is_refused(text: str) -> None:
    pin = replace(PINS[1], dependencies=("lib[x,y-z]>=1.0,<2,!=1.5.*,~=1.4", text))
    for lock in (Lock(TARGET, INPUTS, (pin,)), Lock(TARGET, Inputs((text,)), ())):
        with pytest.raises(InputError, match="`x` is not a lock that wheelhouse wrote"):
            parse_lock(lock_toml(lock, with_paths=False), "x")


def test_an_upload_time_that_utc_does_not_have_is_refused() -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    text = lock_toml(Lock(TARGET, INPUTS, PINS), with_paths=False)
    other = re.sub("upload-time = .*", f"upload-time = {early.isoformat()}", text)
    with pytest.raises(InputError, match="`x` is not a lock that wheelhouse wrote"):
        parse_lock(other, "x")


@pytest.mark.parametrize(
    "text",
    [
        "lib",
        "a.b_c-d",
        "lib[x]",
        "Lib_x>=1",
        "lib[x,y-z]>=1.0,<2,!=1.5.*,~=1.4",
        "lib==1.0rc1",
        "lib===x",
        "lib @ https://a/b",
    ],
)
def test_dependencies_are_read_as_they_are(text: str) -> None:
    pin = replace(PINS[1], dependencies=(text,))
    again = parse_lock(lock_toml(Lock(TARGET, INPUTS, (pin,)), with_paths=False), "x")
    assert again.pins[0].dependencies == (text,)
