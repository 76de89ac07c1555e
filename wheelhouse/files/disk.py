"""Files: paths that stay in their folder, writing under a temporary name and renaming, one writer of a folder at a time.

A final name never holds bytes that were not verified; an unfinished file has a temporary name that nothing else reads.
"""

import errno
import fcntl
import hashlib
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.files.hashed_files import note_sha256, noted_sha256, state_of
from wheelhouse.files.local_locks import must_lock_for_all
from wheelhouse.files.temporary import TEMP_PREFIX, fresh, fresh_unbuffered, sweep, sweep_unless_held

if TYPE_CHECKING:
    from _hashlib import _HashObject

BLOCK = 1 << 20
MAX_TEXT_BYTES = 16 << 20
"""The largest lock, list or manifest that is read. A lock of 700 files has 0.8 MB, measured."""
INNER_FOLDERS = ("tools", "files", "debian", "image", "image/blobs/sha256", "blobs/sha256")
"""The folders that fetch and stage fill inside a folder that they lock. Importing their names would load more modules."""
CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP)
"""Errors of link(2) where the file system cannot make this link, and of chmod(2) on a file of another user."""
LOCK_FILE = f"{TEMP_PREFIX}{0:016x}.tmp"
"""The file that a run locks in a folder on NFS. It has the name of a temporary file, which a killed run may leave."""
OPEN_RETRIES = 20
"""How often a folder is made and opened again that other runs remove between these two steps."""
FICLONE = 0x40049409
"""Linux's ioctl number for sharing blocks (ioctl_ficlone(2)); other systems refuse it."""

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
}
HINTS = {
    errno.ENOSPC: "free some space, or choose another folder with --dest or --cache-dir",
    errno.EDQUOT: "free some space, or choose another folder with --dest or --cache-dir",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOTDIR: "choose another place: a part of this path is a file",
    errno.EISDIR: "choose another place, or move this folder away: wheelhouse must write a file with the same name",
    errno.EBUSY: "choose another place",
    errno.ENOLCK: "mount the file system without this option, or choose a folder on a local disk",
    errno.EEXIST: "choose another place, or move this file away: wheelhouse must make a folder with the same name",
}


@contextmanager
def os_errors_as_machine_error(path: Path) -> Iterator[None]:
    """Turn OSError into MachineError, with the path that the error names, else `path`, and a hint, if there is one for it.
    TimeoutError and ConnectionError pass unchanged.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, TimeoutError | ConnectionError):
            raise
        raise machine_error(error, path) from error


def machine_error(error: OSError, path: Path | None = None) -> MachineError:
    """A MachineError, to be raised, for an OSError, with the path that the error names, else with `path`. If the current folder was
    removed, it says that.
    """
    if error.errno == errno.ENOENT and not _has_current_folder():
        return MachineError("the current folder was removed", hint="change to a folder that exists")
    renamed_to = (
        error.filename2 if error.errno in (errno.EISDIR, errno.EBUSY) else None
    )  # the other name is one that nothing reads
    where, reason = renamed_to or error.filename or path, error.strerror or str(error)
    return MachineError(f"`{where}`: {reason}" if where else reason, hint=HINTS.get(error.errno or 0))


def _has_current_folder() -> bool:
    """Whether the current folder still exists."""
    try:
        return bool(Path.cwd())
    except FileNotFoundError:
        return False


def read_bytes(path: Path, what: str) -> bytes:
    """The bytes of a file that the user named. Raises InputError saying that `what` cannot be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from error


def read_text(path: Path, what: str) -> str:
    """The text, in UTF-8, of a file that the user named; any line end is a line feed. Raises InputError saying that `what`
    cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} `{path}` is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from error


def _unreadable(path: Path, what: str, error: OSError | ValueError) -> InputError:
    """An InputError, to be raised, for a file that the user named. Python raises ValueError for a name with a null byte."""
    reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
    return InputError(f"{what} `{path}` cannot be read: {reason}")


def read_regular(path: Path, most: int, what: str) -> bytes:
    """The bytes of a regular file of at most `most` bytes; links are not followed, and nothing else is opened.

    Raises InputError, naming the file as `what`, for a link, a folder, a device, a FIFO, one that is too large, missing, or
    unreadable; ValueError for a name with a null byte.
    """
    try:
        kind = _kind(path.lstat().st_mode)
        if kind == "file":
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:  # noqa: PTH123  (of a descriptor)
                kind = _kind(os.fstat(descriptor).st_mode)
                content = file.read(most + 1) if kind == "file" else b""
    except OSError as error:
        raise InputError(f"{what} `{path}` cannot be read: {error.strerror}") from error
    if kind != "file":
        raise InputError(f"{what} `{path}` is a {kind}", hint="put the file itself there")
    if len(content) > most:
        raise InputError(f"{what} `{path}` is longer than {most} bytes", hint="look at its content")
    return content


def _kind(mode: int) -> str:
    """What a file of this mode is, in one word."""
    return KINDS.get(stat.S_IFMT(mode), "device")


def verbatim(path: Path) -> str:
    """The text of a wheelhouse's own file of at most MAX_TEXT_BYTES, with its line ends as they are. Bytes that are not UTF-8 are replaced.

    Raises InputError as `read_regular` does.
    """
    return read_regular(path, MAX_TEXT_BYTES, "the file").decode("utf-8", "replace")


def read_regular_text(path: Path, what: str) -> str:
    """The text of a wheelhouse's own file of at most MAX_TEXT_BYTES. Raises InputError as `read_regular` does, and if it is not UTF-8."""
    try:
        return read_regular(path, MAX_TEXT_BYTES, what).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{what} `{path}` is not UTF-8 text: {error.reason} at byte {error.start}") from error


def kind_of(path: Path, *, follow: bool = False) -> str | None:
    """What is at a path, in one word of `KINDS`, or `device`; None for nothing, or if it cannot be looked at. A link is a link,
    unless it is followed. Raises ValueError for a name with a null byte.
    """
    try:
        return _kind(path.stat(follow_symlinks=follow).st_mode)
    except OSError:
        return None


def refuse_endless_files(folder: Path, inside: Iterable[str] = ()) -> None:
    """Raise InputError if a FIFO, socket or device lies directly in a folder, or a link to one: to read it could never end.

    The folders `inside` it are searched, too, if they are there, and are no links. Raises MachineError for a folder that
    cannot be read.
    """
    folders = [folder, *(folder / name for name in inside if kind_of(folder / name) == "folder")]
    with os_errors_as_machine_error(folder):
        paths = [path for searched in folders for path in sorted(searched.iterdir())]
    for path in paths:
        kind = kind_of(path, follow=True)
        if kind not in (None, "file", "folder"):
            link = "link to a " if path.is_symlink() else ""
            raise InputError(
                f"`{path}` is a {link}{kind}, but a wheelhouse can have only files and folders",
                hint="remove it, and find out who put it there",
            )


@contextmanager
def temp_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new temporary file in `folder`, which is made if needed, open for writing, and its path; removed afterwards, unless
    it was renamed.

    Raises MachineError if none can be made; an OSError of the block stays one.
    """
    with os_errors_as_machine_error(folder):
        path, file = fresh(folder)
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def write_all(file: io.FileIO, content: bytes | memoryview) -> None:
    """Write all bytes: one write(2) may take only a part."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def write(folder: Path, name: str, text: str | bytes) -> None:
    """Write a whole file `name` in a folder, which is made if needed, or not at all. A file with the same bytes is left as
    it is; a link is replaced.

    What killed runs left in the file's folder is removed, unless a run holds that folder. Raises InputError for an empty
    name, IntegrityError for one that leads out of the folder, MachineError.
    """
    content = text.encode() if isinstance(text, str) else text
    if not name:
        raise InputError(f"`{folder}` is a folder, but the output must be a file", hint="name a file")
    final = rooted(folder, name)
    with os_errors_as_machine_error(final):
        sweep_unless_held(final.parent)
        if _own_size(final) != len(content) or final.read_bytes() != content:
            write_whole(final, content)


def write_whole(final: Path, content: bytes) -> None:
    """Write a whole file under its final name, or not at all; a file or link that is there is replaced, and the folder is made if
    needed. Raises OSError.
    """
    path, file = fresh_unbuffered(final.parent)
    try:
        with file:
            write_all(file, content)
            path.replace(final)  # while the file is open, no run sweeps it
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def must_lie_outside(output: Path, wheelhouse: Path) -> None:
    """Raise InputError for an output that is, or lies in, the wheelhouse that it is made of: that would no longer verify."""
    if output.resolve().is_relative_to(wheelhouse.resolve()):
        raise InputError(
            f"`{output}` is inside the wheelhouse `{wheelhouse}`, which can contain only files that are listed in "
            "its lock files",
            hint="choose a place outside the wheelhouse",
        )


def must_be_readable(folder: Path) -> None:
    """Raise MachineError if not all users may read a folder and the files in it, at any depth: nobody is root in a sandbox.
    The folders above it, and the targets of links in it, are not looked at. Nothing if the user is not root.
    """
    if os.geteuid() != 0:
        return
    for path in (folder, *sorted(folder.rglob("*"))):
        needed = 0o005 if path.is_dir() else 0o004
        if not path.is_symlink() and path.stat().st_mode & needed != needed:
            raise MachineError(
                f"`{path}` can be read only by root", hint=f"let other users read it: chmod -R a+rX {folder}"
            )


def rooted(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`, which need not exist; links are not looked at. Raises IntegrityError for an empty or
    absolute name, and for one with a null byte or any `..`, also if that does not lead out of the folder.
    """
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise IntegrityError(f"`{name}` leads out of the folder `{folder}`")
    return folder.joinpath(*parts)


def _sweep(folder: Path) -> None:
    """Remove the temporary files that killed runs left, also in the inner folders. Only for the holder of the folder's lock."""
    with os_errors_as_machine_error(folder):
        sweep(folder)
    for inner in (folder / name for name in INNER_FOLDERS):
        if not inner.is_symlink():
            sweep_unless_held(inner)


def sha256_of(path: Path) -> str:
    """A file's sha256, in lower-case hexadecimal; the file is read. Raises MachineError."""
    return digest_of(path, "sha256")


class LockedFile(Protocol):
    """A file as a lock names it: its name, its size in bytes, its sha256 in lower-case hexadecimal."""

    @property
    def filename(self) -> str:
        """The file's name."""

    @property
    def size(self) -> int:
        """Its size in bytes."""

    @property
    def sha256(self) -> str:
        """Its sha256."""


def has_locked_bytes(folder: Path, locked: LockedFile) -> bool:
    """Whether a folder holds a regular file with the locked name, size and sha256, which is computed if the size is right; a
    symbolic link does not count.

    Raises IntegrityError for a name that leads out of the folder, MachineError for a file that cannot be read.
    """
    path = rooted(folder, locked.filename)
    with os_errors_as_machine_error(path):
        return _own_size(path) == locked.size and sha256_of(path) == locked.sha256


def has_bytes(path: Path, content: bytes) -> bool:
    """Whether a regular file with exactly these bytes is at a path; a symbolic link does not count.

    Raises InputError or MachineError for a file that cannot be read.
    """
    with os_errors_as_machine_error(path):
        return _own_size(path) == len(content) and read_regular(path, len(content), "the file") == content


def _own_size(path: Path) -> int | None:
    """The size of a regular file in bytes; None if there is none, or something else, such as a link. Raises other OSErrors."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def digest_of(path: Path, algorithm: "str | Callable[[], _HashObject]") -> str:
    """A file's digest, in lower-case hexadecimal; `algorithm` is a name of hashlib, or makes a hash object.

    Raises ValueError for a name that hashlib does not know, MachineError for a file that cannot be read.
    """
    with os_errors_as_machine_error(path), path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def copy_to_temp_file(source: Path, folder: Path, sha256: str) -> Path:
    """Copy a file into `folder`, which is made if needed, under a temporary name, and hash the copy; the holder of the
    folder's lock renames it.

    A copy, never a hard link: an edit in the folder must not reach the source. If the file system can share blocks until
    one of the two files is written to, no byte is copied. A source that this process hashed before, and that nothing has
    touched since, is not hashed again: the jobs of a fleet copy the same files. What is hashed is noted for this process.

    Raises IntegrityError if the source has another sha256, MachineError if it cannot be copied; then no temporary file is
    left.
    """
    with _new_temp_file(folder) as (path, writer):
        with writer, io.FileIO(source) as reader:
            state = state_of(os.fstat(reader.fileno()))
            shares_blocks = _share_blocks(reader, writer)
            if is_noted := noted_sha256(state) == sha256:
                copied_sha256 = sha256
                if not shares_blocks:
                    shutil.copyfile(source, path)
            else:
                copied_sha256 = sha256_of(path) if shares_blocks else _copy_hashed(reader, writer)
        if state_of(source.stat()) == state:
            note_sha256(state, copied_sha256)
        elif is_noted:
            copied_sha256 = sha256_of(path)
        _must_have_sha256(copied_sha256, sha256, source)
    return path


def link_to_temp_file(source: Path, folder: Path, sha256: str) -> Path:
    """`copy_to_temp_file` that takes a hard link if no blocks can be shared, and a copy if there can be no link. A link makes the
    source read-only, too.

    The link is hashed: whoever may write to a read-only file, as root may, could have written through another link.
    """
    with _new_temp_file(folder) as (path, writer):
        with writer, io.FileIO(source) as reader:
            if _share_blocks(reader, writer):
                linked = True
            else:
                path.unlink()
                linked = _link_read_only(source, path)
        if not linked:
            return copy_to_temp_file(source, folder, sha256)
        _must_have_sha256(sha256_of(path), sha256, source)
    return path


@contextmanager
def _new_temp_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new temporary file in `folder`, which is made if needed, open for writing, and its path; removed after an error. An
    OSError, also of the block, becomes MachineError.
    """
    with os_errors_as_machine_error(folder):
        path, writer = fresh(folder)
        try:
            yield path, writer
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _link_read_only(source: Path, path: Path) -> bool:
    """Make `path` a hard link of a file, which is read-only from now on. Returns False, and makes nothing, if the file
    system cannot, or the file is another user's. Raises MachineError for any other error.
    """
    with os_errors_as_machine_error(path):
        try:
            path.hardlink_to(source)
            source.chmod(source.stat().st_mode & ~0o222)
        except OSError as error:
            if error.errno not in CANNOT_LINK:
                raise
            path.unlink(missing_ok=True)
            return False
    return True


def _must_have_sha256(sha256: str, expected: str, source: Path) -> None:
    """Raise IntegrityError, saying that `source` was altered, if two sha256 differ."""
    if sha256 != expected:
        raise IntegrityError(f"`{source}` was altered: its sha256 is {sha256}, but {expected} was expected")


def _share_blocks(reader: io.FileIO, writer: BinaryIO) -> bool:
    """Give a new file the blocks of another, until one of the two is written to; False if the file system cannot."""
    try:
        fcntl.ioctl(writer, FICLONE, reader.fileno())
    except OSError:
        return False
    return True


def _copy_hashed(reader: io.FileIO | BinaryIO, writer: BinaryIO) -> str:
    """Copy all bytes from where the reader is, and return their sha256."""
    digest = hashlib.sha256()
    while block := reader.read(BLOCK):
        digest.update(block)
        writer.write(block)
    return digest.hexdigest()


def place(source: Path, folder: Path, name: str, sha256: str) -> None:
    """Copy a file into `folder` as `name`, in place of what is there. For the holder of the folder's lock.

    Raises IntegrityError if it has another sha256, or if the name leads out of the folder; MachineError.
    """
    commit_file(copy_to_temp_file(source, folder, sha256), rooted(folder, name))


def commit_file(path: Path, final: Path) -> None:
    """Give a temporary file its final name, in place of what is there. Its folder is not made. Raises MachineError."""
    with os_errors_as_machine_error(final):
        path.replace(final)


def copy_of(source: Path, path: Path) -> str:
    """Write a file's bytes into another, in place of what is there, and return their sha256.

    Raises InputError if the file cannot be opened, MachineError if reading or writing fails later; the other file then
    holds a part.
    """
    try:
        reader = source.open("rb")
    except OSError as error:
        raise InputError(f"the file `{source}` cannot be read: {error.strerror}") from error
    with os_errors_as_machine_error(path), reader, path.open("wb") as writer:
        return _copy_hashed(reader, writer)


@contextmanager
def folder_lock(folder: Path, *, remove_if_empty: bool = False) -> Iterator[None]:
    """Lock a folder, which is made if needed; other runs wait. Temporary files in it are removed before and afterwards, and with
    `remove_if_empty` the folder too, if it is empty then.

    Raises MachineError, also for a folder whose locks other machines do not see.
    """
    with os_errors_as_machine_error(folder):
        descriptor = _locked(folder)
    try:
        _sweep(folder)
        try:
            yield
        finally:
            _sweep(folder)
    finally:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            (folder / LOCK_FILE).unlink(missing_ok=True)
        if remove_if_empty:
            with suppress(OSError):  # it has files, or is not there
                folder.rmdir()
        os.close(descriptor)


def _locked(folder: Path) -> int:
    """The descriptor of a folder that is locked, after waiting; on NFS, which locks only what is open for writing, that of a file in it.
    If the folder was removed meanwhile, a new one is made.
    """
    while True:
        descriptor = _opened(folder)
        try:
            must_lock_for_all(folder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if folder.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
        except BaseException as error:
            os.close(descriptor)
            if not isinstance(error, OSError) or error.errno != errno.EBADF:
                raise
            with suppress(FileNotFoundError):
                return _locked_file(folder / LOCK_FILE)
        else:
            os.close(descriptor)


def _opened(folder: Path, retries: int = OPEN_RETRIES) -> int:
    """The descriptor of a folder, which is made if needed, again if another run removes it meanwhile. Raises OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY)
    except (FileExistsError, FileNotFoundError):
        if not retries:
            raise
        return _opened(folder, retries - 1)


def _locked_file(path: Path) -> int:
    """The descriptor of a file that is locked, after waiting, and made if needed. The run that held it removes it: then a new one
    is made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
