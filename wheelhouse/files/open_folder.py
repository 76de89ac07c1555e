"""A folder and the folders inside it, reached without following links, so that nothing outside is read or written."""

import errno
import hashlib
import os
import random
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import KINDS, os_errors_as_machine_error, rooted
from wheelhouse.files.temporary import TEMP_PREFIX

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
ABSENT = (FileNotFoundError, NotADirectoryError)


class OpenFolder:
    """A folder that is held open. `path` may be a link, because the user named it; no link inside is followed.

    Methods take paths relative to it, with `/`. They raise MachineError for what the system refuses, and IntegrityError for a
    path that leads out of it, and for a link, or anything else, in the place of a folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with os_errors_as_machine_error(path):
            self._descriptors = {"": os.open(path, FOLDER_FLAGS)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)

    def kind_of(self, name: str) -> str | None:
        """What is there: `file`, `link`, `folder`, `FIFO`, `socket` or `device`; None if nothing is."""
        folder, last = self._split(name)
        descriptor = self._inner(folder)
        if descriptor is None:
            return None
        with os_errors_as_machine_error(self.path / name):
            try:
                mode = os.stat(last, dir_fd=descriptor, follow_symlinks=False).st_mode
            except ABSENT:
                return None
        return KINDS.get(stat.S_IFMT(mode), "device")

    def open_file(self, name: str) -> BufferedReader | None:
        """A regular file, open for reading; None if nothing or anything else is there."""
        if self.kind_of(name) != "file":
            return None
        folder, last = self._split(name)
        with os_errors_as_machine_error(self.path / name):
            file = os.fdopen(os.open(last, FILE_FLAGS, dir_fd=self._descriptors[folder]), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            return None
        return file

    def sha256_of(self, name: str) -> str | None:
        """The sha256 of the regular file at this path inside, in lower-case hexadecimal; of anything else its kind, such as `link`; None
        if nothing is there. Raises IntegrityError for a link in the place of a folder.
        """
        file = self.open_file(name)
        if file is None:
            return self.kind_of(name)
        with file, os_errors_as_machine_error(self.path / name):
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a regular file of at most `most` bytes. Raises IntegrityError for anything else, for a larger one, and for
        nothing.
        """
        file = self.open_file(name)
        if file is None:
            raise IntegrityError(f"`{self.path / name}` is not a regular file")
        with file, os_errors_as_machine_error(self.path / name):
            content = file.read(most + 1)
        if len(content) > most:
            raise IntegrityError(f"`{self.path / name}` is longer than {most} bytes")
        return content

    def new_file(self) -> tuple[str, BinaryIO]:
        """The name and the stream of a new file, open for writing, directly in the folder. `place` gives it its final name; a file
        that is not placed is left for a sweep.
        """
        name = f"{TEMP_PREFIX}{random.getrandbits(64):016x}.tmp"
        with os_errors_as_machine_error(self.path):
            descriptor = os.open(name, NEW_FILE_FLAGS, 0o644, dir_fd=self._descriptors[""])
        os.fchmod(descriptor, 0o644)
        return name, os.fdopen(descriptor, "wb")

    def place(self, new: str, name: str) -> None:
        """Give a new file its name, in place of what is there, in folders that are made if needed."""
        folder, last = self._split(name)
        destination = self._inner(folder, create=True)
        with os_errors_as_machine_error(self.path / name):
            os.replace(new, last, src_dir_fd=self._descriptors[""], dst_dir_fd=destination)

    def remove(self, name: str) -> None:
        """Remove a file, and then the inner folders above it that are empty. Raises MachineError if it is not there."""
        folder, last = self._split(name)
        with os_errors_as_machine_error(self.path / name):
            descriptor = self._inner(folder)
            if descriptor is None:  # without one, unlink would look in the current folder
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            os.unlink(last, dir_fd=descriptor)
            while folder:
                parent, _, last = folder.rpartition("/")
                os.close(self._descriptors.pop(folder))
                with suppress(OSError):  # it is not empty
                    os.rmdir(last, dir_fd=self._inner(parent))
                folder = parent

    def _split(self, name: str) -> tuple[str, str]:
        """The folder inside (empty for none) and the last name of a path. Raises IntegrityError if the path leads out of the folder."""
        rooted(self.path, name)
        folder, _, last = name.rpartition("/")
        return folder, last

    def _inner(self, folder: str, *, create: bool = False) -> int | None:
        """The descriptor of a folder inside, which stays open; None if it is not there and is not to be made.

        Raises IntegrityError if a link or anything else is in its place.
        """
        if folder in self._descriptors:
            return self._descriptors[folder]
        parent_name, _, last = folder.rpartition("/")
        parent = self._inner(parent_name, create=create)
        if parent is None:
            return None
        with os_errors_as_machine_error(self.path / folder):
            if create:
                with suppress(FileExistsError):
                    os.mkdir(last, dir_fd=parent)
            try:
                descriptor = os.open(last, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=parent)
            except FileNotFoundError:
                return None
            except OSError as error:
                if self.kind_of(folder) in (None, "folder"):
                    raise
                sentence = f"`{self.path / folder}` is a {self.kind_of(folder)}, but must be a folder"
                raise IntegrityError(sentence, hint="remove it") from error
        self._descriptors[folder] = descriptor
        return descriptor
