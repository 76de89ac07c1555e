"""A folder held open: a link inside it is never followed, in the place of a folder, of a file, or of a folder's parent."""

import os
import stat
from pathlib import Path

import pytest

from wheelhouse.errors import IntegrityError, MachineError
from wheelhouse.files.open_folder import OpenFolder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder with a file, an inner folder and links; what the links lead to is outside."""
    folder, outside = tmp_path / "there", tmp_path / "outside"
    for path in (folder, outside, folder / "inner", outside / "deep"):
        path.mkdir()
    for path in (folder / "file", folder / "inner" / "file", outside / "file", outside / "deep" / "file"):
        path.write_bytes(path.parent.name.encode())
    (folder / "to-file").symlink_to(outside / "file")
    (folder / "to-folder").symlink_to(outside)
    (folder / "to-nothing").symlink_to(outside / "nothing")
    os.mkfifo(folder / "fifo")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["to-folder/file", "to-folder/deep/file", "to-folder/new", "to-file/file"])
def test_a_link_in_the_place_of_a_folder_is_refused(there: Path, name: str) -> None:
    before = contents(there.parent / "outside")
    with OpenFolder(there) as folder:
        for use in (folder.kind_of, folder.open_file, folder.sha256_of, folder.remove, lambda it: folder.read(it, 9)):
            with pytest.raises(IntegrityError, match="is a link, but must be a folder"):
                use(name)
        new, file = folder.new_file()
        file.close()
        with pytest.raises(IntegrityError, match="is a link, but must be a folder"):
            folder.place(new, name)
    assert contents(there.parent / "outside") == before


def test_a_file_of_an_absent_folder_is_not_sought_in_the_current_folder(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "outside")
    with OpenFolder(there) as folder, pytest.raises(MachineError, match="absent/file`: No such file"):
        folder.remove("absent/file")
    assert (tmp_path / "outside" / "file").exists()


@pytest.mark.parametrize("name", ["../outside/file", "inner/../../outside/file", "..", "", "/file"])
def test_a_path_that_leads_out_is_refused(there: Path, name: str) -> None:
    before = contents(there.parent / "outside")
    with OpenFolder(there) as folder:
        new, file = folder.new_file()
        file.close()
        uses = (folder.kind_of, folder.open_file, folder.sha256_of, folder.remove, lambda it: folder.read(it, 9))
        for use in (*uses, lambda it: folder.place(new, it)):
            with pytest.raises(IntegrityError, match="leads out of"):
                use(name)
    assert contents(there.parent / "outside") == before


def test_a_link_in_the_place_of_a_file_is_no_file(there: Path) -> None:
    with OpenFolder(there) as folder:
        for name in ("to-file", "to-folder", "to-nothing"):
            assert folder.kind_of(name) == folder.sha256_of(name) == "link"
            assert folder.open_file(name) is None
            with pytest.raises(IntegrityError, match="is not a regular file"):
                folder.read(name, 9)
        assert folder.kind_of("fifo") == "FIFO" and folder.open_file("fifo") is None
        assert folder.kind_of("nothing") is None and folder.kind_of("nothing/there") is None


def test_a_placed_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to(there: Path) -> None:
    with OpenFolder(there) as folder:
        new, file = folder.new_file()
        with file:
            file.write(b"new")
        folder.place(new, "to-file")
    assert (there / "to-file").read_bytes() == b"new" and not (there / "to-file").is_symlink()
    assert (there.parent / "outside" / "file").read_bytes() == b"outside"


def test_files_are_placed_in_folders_that_are_made_and_removed_with_them(there: Path) -> None:
    with OpenFolder(there) as folder:
        new, file = folder.new_file()
        with file:
            file.write(b"new")
        folder.place(new, "a/b/c")
        assert folder.read("a/b/c", 3) == b"new"
        assert stat.S_IMODE((there / "a/b/c").stat().st_mode) == 0o644
        with pytest.raises(IntegrityError, match="is longer than 2 bytes"):
            folder.read("a/b/c", 2)
        folder.remove("a/b/c")
        assert not (there / "a").exists()
        folder.remove("inner/file")
        assert not (there / "inner").exists() and (there / "file").exists()


def test_a_folder_that_is_in_use_is_not_removed(there: Path) -> None:
    (there / "inner" / "other").write_bytes(b"")
    with OpenFolder(there) as folder:
        folder.remove("inner/file")
        assert folder.kind_of("inner/other") == "file"


def test_the_folder_itself_may_be_a_link_that_its_user_named(there: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(there)
    with OpenFolder(tmp_path / "named") as folder:
        assert folder.read("file", 9) == b"there"
    with pytest.raises(MachineError):
        OpenFolder(tmp_path / "nowhere")
