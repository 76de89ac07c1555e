"""Any byte changed, any file added, renamed, linked or removed in a wheelhouse or a staged folder is found by `verify`.

Each edit is told by its folder and seed. A few stand in the default run; `pytest -m soak` does ten thousand.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.support.sampled import sampled
from wheelhouse.bundle.pack import pack, unpack
from wheelhouse.errors import WheelhouseError
from wheelhouse.findings import Severity
from wheelhouse.stage.staged_folder import verify_folder

pytest_plugins = ["tests.support.full_wheelhouse"]

FOLDERS = ("house", "unpacked", "flat", "airflow", "index")
QUICK, SOAK = 10, 2000
"""Edits of each folder."""
NAMES = (
    "requirements.txt",
    "beta-1.0+evil.tgz",
    "sitecustomize.py",
    ".hidden",
    "x.dist-info",
    "SHA256SUMS",
    "pip.conf",
)
NAMES += (
    "beta-1.0-py3-none-any.whl",
    "plain-9.tar.gz",
    "pylock.toml",
    "README.md",
    ".gitignore",
    "uv.toml",
    "index.html",
)
NOTED = ("README.md", ".gitignore")
"""Files that may lie at the top of a staged folder: a note names them."""


@pytest.fixture(scope="module")
def folders(full_wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies to edit, of which `unpacked` came out of a bundle."""
    folder = tmp_path_factory.mktemp("edited")
    for name in ("house", "flat", "airflow", "index"):
        shutil.copytree(full_wheelhouse / name, folder / name)
    pack(folder / "house", folder / "bundle", None, None, None)
    unpack(folder / "bundle", folder / "unpacked", ())
    return folder


def a_file(folder: Path, random: Random) -> Path:
    return random.choice(sorted(path for path in folder.rglob("*") if path.is_file()))


def a_folder(folder: Path, random: Random) -> Path:
    return random.choice([folder, *sorted(path for path in folder.rglob("*") if path.is_dir())])


def new_path(folder: Path, random: Random) -> Path:
    others = [path.name for path in sorted(folder.rglob("*"))]
    name = random.choice((*NAMES, *others, f"{random.getrandbits(32):x}"))
    path = a_folder(folder, random) / name
    return path if not os.path.lexists(path) else path.with_name(f"{random.getrandbits(32):x}-{name}")


def changed_byte(folder: Path, random: Random) -> None:
    path = a_file(folder, random)
    raw = bytearray(path.read_bytes())
    raw[random.randrange(len(raw))] ^= random.randrange(1, 256)
    path.write_bytes(raw)


def changed_length(folder: Path, random: Random) -> None:
    path = a_file(folder, random)
    raw, at = path.read_bytes(), random.randrange(path.stat().st_size)
    path.write_bytes(random.choice((raw[:at], raw + b"\n", raw[:at] + b" " + raw[at:], b"")))


def other_contents(folder: Path, random: Random) -> None:
    path, raw = a_file(folder, random), a_file(folder, random).read_bytes()
    path.write_bytes(raw if raw != path.read_bytes() else raw + raw)


def added_file(folder: Path, random: Random) -> None:
    new_path(folder, random).write_bytes(random.choice((b"", b"import evil\n", a_file(folder, random).read_bytes())))


def added_folder(folder: Path, random: Random) -> None:
    path = new_path(folder, random)
    path.mkdir()
    if random.random() < 0.5:
        shutil.copy(a_file(folder, random), path)


def added_link(folder: Path, random: Random) -> None:
    new_path(folder, random).symlink_to(random.choice((a_file(folder, random), folder.parent, Path("nowhere"))))


def added_pipe(folder: Path, random: Random) -> None:
    os.mkfifo(new_path(folder, random))


def renamed(folder: Path, random: Random) -> None:
    a_file(folder, random).rename(new_path(folder, random))


def renamed_folder(folder: Path, random: Random) -> None:
    path = a_folder(folder, random)
    (path if path != folder else a_file(folder, random)).rename(folder / f"{random.getrandbits(32):x}")


def linked(folder: Path, random: Random) -> None:
    path, elsewhere = a_file(folder, random), folder.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(random.choice((elsewhere, Path("/dev/zero"), Path("/dev/null"))))


def linked_folder(folder: Path, random: Random) -> None:
    path, elsewhere = a_folder(folder, random), folder.parent / "elsewhere"
    path = path if path != folder else a_file(folder, random)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def piped(folder: Path, random: Random) -> None:
    path = a_file(folder, random)
    path.unlink()
    os.mkfifo(path)


def removed(folder: Path, random: Random) -> None:
    a_file(folder, random).unlink()


def removed_folder(folder: Path, random: Random) -> None:
    path = a_folder(folder, random)
    if path == folder:
        path = a_file(folder, random)
    shutil.rmtree(path) if path.is_dir() else path.unlink()


EDITS: tuple[Callable[[Path, Random], None], ...] = (
    *([changed_byte] * 8),
    *(changed_length, other_contents, added_file, added_file, added_folder, added_link, added_pipe, renamed),
    *(renamed_folder, linked, linked_folder, piped, removed, removed_folder),
)


def worst(folder: Path) -> tuple[Severity | None, set[str]]:
    """The severity of what `verify` finds, and the subjects; an error that it raises is one, too."""
    try:
        findings = verify_folder(folder)[0].findings
    except WheelhouseError:
        return Severity.ERROR, set()
    return max((finding.severity for finding in findings), default=None), {finding.subject for finding in findings}


def is_allowed(name: str, severity: Severity | None, subjects: set[str]) -> bool:
    """Whether an edit that is no error was found all the same.

    In a staged folder: a file that nothing reads, or another version of wheelhouse as the one that staged it.
    """
    if name in ("house", "unpacked"):
        return False
    if severity == Severity.WARNING:
        return subjects == {"wheelhouse-stage.json"}
    return severity == Severity.NOTE and subjects <= set(NOTED)


def try_edits(folders: Path, tmp_path: Path, name: str, count: int) -> None:
    assert worst(folders / name) == (None, set())
    for seed in range(count):
        folder = tmp_path / str(seed) / name
        shutil.copytree(folders / name, folder)
        random = Random(f"{name} {seed}")
        edit = random.choice(EDITS)
        edit(folder, random)
        severity, subjects = worst(folder)
        told = f"{edit.__name__} of {name}, seed {seed}: {severity} {subjects}"
        assert severity == Severity.ERROR or is_allowed(name, severity, subjects), told
        shutil.rmtree(folder.parent)


@pytest.mark.parametrize("name", sampled(FOLDERS, 3))
def test_an_edit_is_found(folders: Path, tmp_path: Path, name: str) -> None:
    try_edits(folders, tmp_path, name, QUICK)


@pytest.mark.soak
@pytest.mark.parametrize("name", FOLDERS)
def test_ten_thousand_edits_are_found(folders: Path, tmp_path: Path, name: str) -> None:
    try_edits(folders, tmp_path, name, SOAK)


def test_what_nothing_reads_is_a_note_in_a_staged_folder_alone(folders: Path, tmp_path: Path) -> None:
    for name, severity in (("flat", Severity.NOTE), ("house", Severity.ERROR)):
        shutil.copytree(folders / name, tmp_path / name)
        (tmp_path / name / "README.md").write_text("notes\n")
        assert worst(tmp_path / name) == (severity, {"README.md"})
    (tmp_path / "flat" / "tools" / "README.md").write_text("notes\n")
    assert worst(tmp_path / "flat") == (Severity.ERROR, {"README.md", "tools/README.md"})
