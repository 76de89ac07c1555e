"""Files: rooted paths, write aside and rename, one writer a folder at a time.

A real name never holds bytes that were not verified; what is unfinished has a name that nothing else reads.
"""

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from wheelhouse.errors import InputError, IntegrityError, MachineError

if TYPE_CHECKING:
    from _hashlib import _HashObject

TEMP_PREFIX = ".wheelhouse-"
BLOCK = 1 << 20
PATIENCE = 100
"""Times that a folder is made again which another run removes."""
INSIDE = ("tools", "files")
"""What stage fills inside a folder: `TOOLS` of model.layout and `FOLDER` of model.otherfiles, which every command would load here."""
FICLONE = 0x40049409
"""Linux's number for sharing blocks; other systems know none, and refuse it."""

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
}
HINTS = {
    errno.ENOSPC: "free some space, or choose another place with --dest or --cache-dir",
    errno.EDQUOT: "free some space, or choose another place with --dest or --cache-dir",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOTDIR: "choose another place: a part of this path is a file",
    errno.EISDIR: "choose another place, or move it away: a folder stands where a file must be",
    errno.EBUSY: "choose another place",
    errno.EEXIST: "choose another place, or move it away: a file stands where a folder must be",
}


@contextmanager
def os_errors_as_machine_error(path: Path) -> Iterator[None]:
    """OSError becomes MachineError, with a sentence that names the path and says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, TimeoutError | ConnectionError):
            raise
        raise machine_error(error, path) from error


def machine_error(error: OSError, path: Path | None = None) -> MachineError:
    """What the system refused, with the path that it names, else with `path`."""
    if error.errno == errno.ENOENT and not _has_current_folder():
        return MachineError("the current folder is gone", hint="cd to a folder that is there")
    renamed_to = (
        error.filename2 if error.errno in (errno.EISDIR, errno.EBUSY) else None
    )  # the other name is one that nothing reads
    where, reason = renamed_to or error.filename or path, error.strerror or str(error)
    return MachineError(f"`{where}`: {reason}" if where else reason, hint=HINTS.get(error.errno or 0))


def _has_current_folder() -> bool:
    try:
        return bool(Path.cwd())
    except FileNotFoundError:
        return False


def read_bytes(path: Path, what: str) -> bytes:
    """A file that the user named. Raises InputError saying `what` could not be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{what} `{path}` cannot be read: {error.strerror}") from error


def read_text(path: Path, what: str) -> str:
    """The text of a file that the user named. Raises InputError saying `what` could not be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} `{path}` is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise InputError(f"{what} `{path}` cannot be read: {error.strerror}") from error


def read_regular(path: Path, most: int, what: str) -> bytes:
    """The bytes of a regular file of at most `most` bytes; links are not followed, and nothing else is opened.

    Raises InputError saying what `what` is: a link, a folder, a device, a FIFO, too large, or unreadable.
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
        raise InputError(f"{what} `{path}` is longer than {most} bytes", hint="look at what it holds")
    return content


def _kind(mode: int) -> str:
    """What a file of this mode is, in one word."""
    return KINDS.get(stat.S_IFMT(mode), "device")


def verbatim(path: Path) -> str:
    """A text of a house with its line ends as they are, so that it can be written again; what is no UTF-8 is replaced."""
    with os_errors_as_machine_error(path):
        return path.read_bytes().decode("utf-8", "replace")


@contextmanager
def temp_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A fresh file in `folder`, open to be written, and its path; gone afterwards, unless it was renamed."""
    with os_errors_as_machine_error(folder):
        path, file = fresh(folder)
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def fresh(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file in a folder, open to be written, under a name that nothing reads.

    Who holds the folder renames it, or it is swept away.
    """
    made = 0
    while True:
        path = folder / f"{TEMP_PREFIX}{random.getrandbits(64):016x}.tmp"
        try:
            file = io.FileIO(path, "x")
        except FileExistsError:
            continue
        except FileNotFoundError:
            if made == PATIENCE:  # the folder is there, and takes no file: as in /proc
                raise
            made += 1
            folder.mkdir(parents=True, exist_ok=True)
            continue
        os.fchmod(file.fileno(), 0o644)
        return path, io.BufferedWriter(file)


def write_all(file: io.FileIO, content: bytes) -> None:
    """Write all of it: the system may take less at a time."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def write(folder: Path, name: str, text: str | bytes) -> None:
    """Write a whole file under its final name, or not at all. What already says the same is left as it is, but for a link."""
    content = text.encode() if isinstance(text, str) else text
    if not name:
        raise InputError(f"`{folder}` is a folder, and a file is to be written", hint="name a file")
    final = rooted(folder, name)
    with os_errors_as_machine_error(final):
        if _own_size(final) != len(content) or final.read_bytes() != content:
            write_whole(final, content)


def write_whole(final: Path, content: bytes) -> None:
    """Write a whole file under its final name, or not at all. Raises OSError."""
    path, file = fresh(final.parent)
    try:
        with file:
            file.write(content)
        path.replace(final)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def must_lie_outside(output: Path, house: Path) -> None:
    """Raise InputError for an output that is the wheelhouse it is made of, or lies in it: that would no longer verify."""
    if output.resolve().is_relative_to(house.resolve()):
        raise InputError(
            f"`{output}` lies in the wheelhouse `{house}`, which holds only what its locks name",
            hint="choose a place outside the wheelhouse",
        )


def must_be_readable(folder: Path) -> None:
    """Raise MachineError where root alone may read a folder or a file in it: in a sealed room nobody is root."""
    if os.geteuid() != 0:
        return
    for path in (folder, *sorted(folder.rglob("*"))):
        needed = 0o005 if path.is_dir() else 0o004
        if not path.is_symlink() and path.stat().st_mode & needed != needed:
            raise MachineError(f"`{path}` is closed to others than root", hint=f"open it: chmod -R a+rX {folder}")


def rooted(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`. Raises IntegrityError for a name that leads out of it."""
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise IntegrityError(f"`{name}` leads out of `{folder}`")
    return folder.joinpath(*parts)


def _sweep(folder: Path) -> None:
    """Remove what lies aside, also in the folders that stage fills inside. Only for who holds the folder."""
    _remove_aside(folder)
    for inner in (folder / name for name in INSIDE):
        if inner.is_dir() and not inner.is_symlink():
            _sweep_unless_held(inner)


def _sweep_unless_held(folder: Path) -> None:
    """In a house, another run may hold a folder inside by itself: what lies aside there is that run's."""
    with os_errors_as_machine_error(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove_aside(folder)
    finally:
        os.close(descriptor)


def _remove_aside(folder: Path) -> None:
    with os_errors_as_machine_error(folder):
        for path in folder.glob(f"{TEMP_PREFIX}*.tmp"):
            path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """A file's sha256, in lower-case hexadecimal."""
    return digest_of(path, "sha256")


class LockedFile(Protocol):
    """What a lock says of a file: its name, its size in bytes, its sha256 in lower-case hexadecimal."""

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
    """Whether a folder holds a regular file with the locked name, size and sha256; a symbolic link does not count."""
    path = rooted(folder, locked.filename)
    with os_errors_as_machine_error(path):
        return _own_size(path) == locked.size and sha256_of(path) == locked.sha256


def _own_size(path: Path) -> int | None:
    """A file's size in bytes; None where nothing is there, or something else, such as a link."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def digest_of(path: Path, algorithm: "str | Callable[[], _HashObject]") -> str:
    """A file's digest, in lower-case hexadecimal; `algorithm` as hashlib names it, or what makes a new one."""
    with os_errors_as_machine_error(path), path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def copy_to_temp_file(source: Path, folder: Path, sha256: str) -> Path:
    """Copy a file into `folder` under a name that nothing reads, hashing what lies there; who holds the folder renames it.

    A copy, never a hard link: an edit in the folder must not reach the source. Where the file system can share blocks until
    one of the two is written to, it does, and nothing is written. Raises IntegrityError where the source is not the file
    that it must be.
    """
    with os_errors_as_machine_error(folder):
        path, writer = fresh(folder)
        with writer, io.FileIO(source) as reader:
            found = sha256_of(path) if _shares(reader, writer) else _copy_hashed(reader, writer)
    if found != sha256:
        raise IntegrityError(f"`{source}` was altered: its sha256 is {found}, where {sha256} was expected")
    return path


def _shares(reader: io.FileIO, writer: BinaryIO) -> bool:
    """Give a new file the blocks of another, until one of the two is written to; False where nobody can (ioctl_ficlone(2))."""
    try:
        fcntl.ioctl(writer, FICLONE, reader.fileno())
    except OSError:
        return False
    return True


def _copy_hashed(reader: io.FileIO | BinaryIO, writer: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := reader.read(BLOCK):
        digest.update(block)
        writer.write(block)
    return digest.hexdigest()


def place(source: Path, folder: Path, name: str, sha256: str) -> None:
    """Copy a file into `folder` as `name`. Raises IntegrityError where it is not the file that it must be."""
    commit_file(copy_to_temp_file(source, folder, sha256), rooted(folder, name))


def commit_file(path: Path, final: Path) -> None:
    """Give a file that lies aside its final name."""
    with os_errors_as_machine_error(final):
        path.replace(final)


def copy_of(source: Path, path: Path) -> str:
    """Write a file's bytes into another; the sha256 of what was written. Raises InputError where it cannot be read."""
    try:
        reader = source.open("rb")
    except OSError as error:
        raise InputError(f"the file `{source}` cannot be read: {error.strerror}") from error
    with os_errors_as_machine_error(path), reader, path.open("wb") as writer:
        return _copy_hashed(reader, writer)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs; they wait. What lies aside in it is gone before, and afterwards."""
    with os_errors_as_machine_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _sweep(folder)
        try:
            yield
        finally:
            _sweep(folder)
    finally:
        os.close(descriptor)
