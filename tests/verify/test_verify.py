"""A wheelhouse that is not what its locks say: verify names each thing that is wrong, and stage refuses the wheelhouse."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.wheels import build_wheel

TARGET = "cp312-manylinux_2_28_x86_64"
APP, LIB, NATIVE = (
    "app-1.0-py3-none-any.whl",
    "lib-2.0-py3-none-any.whl",
    "native-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a verified wheelhouse in `wheels`, a staged folder of it in `staged`, and other files in `offered`."""
    folder = tmp_path_factory.mktemp("good")
    offered = folder / "offered"
    offered.mkdir()
    build_wheel(offered, "app", "1.0", requires=["lib>=2", "native"])
    build_wheel(offered, "lib", "2.0")
    build_wheel(offered, "native", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    (folder / "limits.txt").write_text("lib<3\n")
    with IndexServer(offered) as index:
        session = Session(folder)
        assert session(f"fetch app -c limits.txt --python 3.12 --index {index.url}") == 0, session.transcript
    build_wheel(offered, "lib", "2.1")
    build_wheel(offered, "native", "1.0", tag="cp312-cp312-macosx_14_0_arm64")
    assert session("stage --dest staged") == 0
    assert session("verify") == session("verify staged") == 0
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def altered(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def said_more(path: Path) -> None:
    path.write_text(path.read_text() + "# more\n")


def link(path: Path) -> None:
    """In place of a file, a link to the very same bytes elsewhere."""
    elsewhere = path.parent.parent / "elsewhere.whl"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def relocked(house: Path) -> None:
    """The lock and all that follows from it speak of other bytes, as one who covers his traces would have them."""
    for name in (f"pylock.{TARGET}.toml", f"requirements.{TARGET}.txt", "SHA256SUMS"):
        path = house / name
        path.write_text(path.read_text().replace("lib", "lob"))


Tamper = Callable[[Path], object]
CASES: dict[str, tuple[Tamper, str, str]] = {
    "a file altered": (lambda house: altered(house / LIB), LIB, "altered"),
    "a file cut short": (lambda house: (house / LIB).write_bytes((house / LIB).read_bytes()[:-1]), LIB, "altered"),
    "a file emptied": (lambda house: (house / LIB).write_bytes(b""), LIB, "altered"),
    "a file removed": (lambda house: (house / LIB).unlink(), LIB, "missing"),
    "another version under its name": (
        lambda house: shutil.copy(house.parent / "offered/lib-2.1-py3-none-any.whl", house / LIB),
        LIB,
        "altered",
    ),
    "another project under its name": (lambda house: shutil.copy(house / APP, house / LIB), LIB, "altered"),
    "a wheel added": (
        lambda house: shutil.copy(house.parent / "offered/lib-2.1-py3-none-any.whl", house),
        "lib-2.1-py3-none-any.whl",
        "foreign",
    ),
    "a wheel for another platform added": (
        lambda house: shutil.copy(house.parent / "offered/native-1.0-cp312-cp312-macosx_14_0_arm64.whl", house),
        "native-1.0-cp312-cp312-macosx_14_0_arm64.whl",
        "foreign",
    ),
    "a hidden file added": (lambda house: (house / ".profile").write_text("x"), ".profile", "foreign"),
    "a folder added": (lambda house: (house / "more").mkdir(), "more", "foreign"),
    "a link in place of a file": (lambda house: link(house / LIB), LIB, "link"),
    "a folder in place of a file": (lambda house: ((house / LIB).unlink(), (house / LIB).mkdir()), LIB, "missing"),
    "the constraints altered": (
        lambda house: said_more(house / f"constraints.{TARGET}.txt"),
        f"constraints.{TARGET}.txt",
        "altered",
    ),
    "the constraints removed": (
        lambda house: (house / f"constraints.{TARGET}.txt").unlink(),
        f"constraints.{TARGET}.txt",
        "missing",
    ),
    "the requirements altered": (
        lambda house: said_more(house / f"requirements.{TARGET}.txt"),
        f"requirements.{TARGET}.txt",
        "altered",
    ),
    "the requirements not UTF-8": (
        lambda house: (house / f"requirements.{TARGET}.txt").write_bytes(b"\xff"),
        f"requirements.{TARGET}.txt",
        "altered",
    ),
    "the constraints not UTF-8": (
        lambda house: (house / f"constraints.{TARGET}.txt").write_bytes(b"\xff"),
        f"constraints.{TARGET}.txt",
        "altered",
    ),
    "the sums altered": (lambda house: said_more(house / "SHA256SUMS"), "SHA256SUMS", "altered"),
    "the sums removed": (lambda house: (house / "SHA256SUMS").unlink(), "SHA256SUMS", "missing"),
    "the lock said more": (
        lambda house: said_more(house / f"pylock.{TARGET}.toml"),
        f"pylock.{TARGET}.toml",
        "altered",
    ),
}


@pytest.mark.parametrize("case", sampled(CASES, 11))
def test_verify_names_it_and_stage_refuses_it(folder: Path, case: str) -> None:
    tamper, subject, rule = CASES[case]
    tamper(folder / "wheels")
    session = Session(folder)
    assert session("verify --json") == 1, session.transcript
    document = json.loads(session.stdout)
    assert not document["ok"]
    wrong = {
        (finding["subject"], finding["rule"]) for finding in document["findings"] if finding["severity"] == "error"
    }
    assert (subject, rule) in wrong
    assert session("stage --dest new") == 5
    assert subject in session.transcript
    assert not (folder / "new").exists()


@pytest.mark.text
def test_a_file_that_is_far_too_long_is_not_read(folder: Path) -> None:
    with (folder / "wheels" / LIB).open("r+b") as file:
        file.truncate(1 << 42)  # a sparse file: to hash it would take an hour
    session = Session(folder)
    assert session("verify") == 1
    assert f"{LIB}: its size is 4398046511104 bytes, but the lock file has the size " in session.stdout


def test_a_lock_that_speaks_of_other_files(folder: Path) -> None:
    relocked(folder / "wheels")
    session = Session(folder)
    assert session("verify") == 1
    assert "lob" in session.transcript
    assert session("stage --dest new") == 5


@pytest.mark.parametrize(
    "text", ["", "lock-version = 1\n", "[[packages]\n", 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n']
)
def test_a_lock_that_cannot_be_read(folder: Path, text: str) -> None:
    (folder / "wheels" / f"pylock.{TARGET}.toml").write_text(text)
    session = Session(folder)
    assert session("verify") == 2
    assert f"pylock.{TARGET}.toml" in session.transcript
    assert session("stage --dest new") == 2


def test_a_lock_under_the_name_of_another(folder: Path) -> None:
    house, other = folder / "wheels", f"pylock.{TARGET.replace('312', '311')}.toml"
    (house / f"pylock.{TARGET}.toml").rename(house / other)
    session = Session(folder)
    assert session("verify") == session("stage --dest new") == 2
    assert f"/{other}` has the content of the lock file `pylock.{TARGET}.toml`" in session.transcript


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    house = folder / "wheels"
    altered(house / LIB)
    (house / APP).unlink()
    (house / "foreign.whl").write_bytes(b"")
    said_more(house / "SHA256SUMS")
    session = Session(folder)
    assert session("verify --json") == 1
    wrong = {finding["subject"] for finding in json.loads(session.stdout)["findings"]}
    assert wrong == {LIB, APP, "foreign.whl", "SHA256SUMS"}


STAGED: dict[str, tuple[Tamper, str]] = {
    "a file altered": (lambda house: altered(house / LIB), LIB),
    "a file removed": (lambda house: (house / LIB).unlink(), LIB),
    "a wheel added": (
        lambda house: shutil.copy(house.parent / "offered/lib-2.1-py3-none-any.whl", house),
        "lib-2.1-py3-none-any.whl",
    ),
    "a link in place of a file": (lambda house: link(house / LIB), LIB),
    "pip's settings altered": (lambda house: said_more(house / "pip.conf"), "pip.conf"),
    "pip's settings removed": (lambda house: (house / "pip.conf").unlink(), "pip.conf"),
    "pip's settings a link": (lambda house: link(house / "pip.conf"), "pip.conf"),
    "the fragment altered": (lambda house: said_more(house / "install.Dockerfile"), "install.Dockerfile"),
    "the lock altered": (lambda house: said_more(house / f"pylock.{TARGET}.toml"), f"pylock.{TARGET}.toml"),
    "the requirements altered": (
        lambda house: said_more(house / f"requirements.{TARGET}.txt"),
        f"requirements.{TARGET}.txt",
    ),
}


@pytest.mark.parametrize("case", STAGED)
def test_verify_of_a_staged_folder(folder: Path, case: str) -> None:
    tamper, subject = STAGED[case]
    tamper(folder / "staged")
    session = Session(folder)
    assert session("verify staged --json") == 1, session.transcript
    assert subject in {finding["subject"] for finding in json.loads(session.stdout)["findings"]}


def test_verify_of_a_staged_folder_with_tools(good: Path, tmp_path: Path) -> None:
    for name in ("apache-airflow-2.10.5", "pip-24.2", "uv-0.4.1", "packaging-24.1"):
        project, _, version = name.rpartition("-")
        build_wheel(tmp_path / "offered", project, version)
    constraints = tmp_path / "constraints/airflow-2.10.5/constraints-3.12.txt"
    constraints.parent.mkdir(parents=True)
    constraints.write_text("apache-airflow==2.10.5\n")
    session = Session(tmp_path)
    with IndexServer(tmp_path / "offered") as index:
        assert session(f"fetch --airflow 2.10.5 --python 3.12 --index {index.url}") == 0, session.transcript
    assert session("stage") == session("verify docker-context-files") == 0
    tools = tmp_path / "docker-context-files/tools"
    shutil.copy(good / "offered" / LIB, tools)
    altered(tools / "pip-24.2-py3-none-any.whl")
    assert session("verify docker-context-files --json") == 1
    wrong = {(finding["subject"], finding["rule"]) for finding in json.loads(session.stdout)["findings"]}
    assert wrong == {(f"tools/{LIB}", "foreign"), ("tools/pip-24.2-py3-none-any.whl", "altered")}


def test_a_manifest_cannot_lead_out_of_the_folder(folder: Path) -> None:
    manifest = folder / "staged" / "wheelhouse-stage.json"
    document = json.loads(manifest.read_text())
    (folder / "precious").write_text("mine\n")
    document["files"].append({"path": "../precious", "sha256": "0" * 64})
    manifest.write_text(json.dumps(document))
    session = Session(folder)
    assert session("stage --dest staged") == 5
    assert session("verify staged") in (1, 5)
    assert (folder / "precious").read_text() == "mine\n"


def test_a_manifest_that_is_nested_without_end(folder: Path) -> None:
    (folder / "staged" / "wheelhouse-stage.json").write_text("[" * 99999)
    session = Session(folder)
    assert session("verify staged") == session("stage --dest staged") == 2
    assert "is not a manifest that `wheelhouse stage` wrote" in session.transcript


def test_no_name_in_a_manifest_leads_out_of_the_folder(folder: Path) -> None:
    manifest = folder / "staged" / "wheelhouse-stage.json"
    document = json.loads(manifest.read_text())
    (folder / "staged" / LIB).rename(folder / LIB)
    manifest.write_text(json.dumps(document | {"renamed": {LIB: f"../{LIB}"}}))
    session = Session(folder)
    assert session("verify staged --json") == 1
    wrong = {(finding["subject"], finding["rule"]) for finding in json.loads(session.stdout)["findings"]}
    assert wrong == {(LIB, "missing"), ("wheelhouse-stage.json", "altered")}
