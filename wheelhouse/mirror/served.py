"""What a server holds: files on disk, each held open and served only while it has its hash, and bodies in memory."""

import gzip
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from wheelhouse.mirror.offered_files import Stamp, stamp_of

HASHED_BYTES = 1 << 20
"""Bytes that are read and hashed at once."""
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
MIN_ENCODED_BYTES = 1000
"""A shorter body fits one packet, encoded or not."""
NO_WEIGHT = re.compile(r"\s*q=0(?:\.0{0,3})?\s*")
"""The weight of an encoding that a client refuses (RFC 9110, 12.4.2)."""


class Served:
    """A file on disk, served only while it has the hash of its lock file.

    It is held open, so that a file that is replaced or removed can still be sent to a client that has read its page. Without a
    free file descriptor, it is opened for each request.
    """

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path, self.sha256, self.size = path, sha256, size
        self._descriptor: int | None = None
        self._stamp: Stamp | None = None
        self._guard = threading.Lock()

    @classmethod
    def holding(cls, path: Path, sha256: str, size: int, stamp: Stamp) -> "Served":
        """A file that is held open from now on, and was hashed when it had this stamp.

        If it has another stamp now, it is hashed again before it is served. If it cannot be opened, no error is raised.
        """
        served = cls(path, sha256, size)
        with suppress(OSError):
            served._open()
            served._stamp = stamp if served._now() == stamp else None
        return served

    def __del__(self) -> None:
        self._release()

    def is_untouched(self) -> bool:
        """Whether size, times and inode are those of the hashed file; False if none was hashed. Nothing is hashed here."""
        try:
            return self._stamp is not None and self._now() == self._stamp
        except OSError:
            return False

    def _now(self) -> Stamp:
        """The stamp, now, of the file that is held open; if none is, of the file at the path. Raises OSError."""
        return stamp_of(self.path.stat() if self._descriptor is None else os.fstat(self._descriptor))

    @property
    def inode(self) -> int:
        """The inode of the file that was hashed; 0 if none was."""
        return self._stamp[3] if self._stamp else 0

    @property
    def changed(self) -> float:
        """When the content of the file that was hashed changed, in seconds since 1970; 0 if none was hashed."""
        return (self._stamp[1] if self._stamp else 0) / 1e9

    def is_right(self) -> bool:
        """Whether the file has its sha256; it is hashed only if it was touched.

        If the open file has another sha256, the file that is at the path now is opened and hashed instead.
        """
        with self._guard:
            return self._has_hash() or self._has_hash(reopened=True)

    def _has_hash(self, *, reopened: bool = False) -> bool:
        """Whether the open file has its size and sha256; notes its stamp if so. With the noted stamp, it is not hashed again.

        `reopened` opens the file at the path first.
        """
        try:
            if reopened or self._descriptor is None:
                self._open()
            stamp = self._now()
            if stamp == self._stamp:
                return True
            if stamp[0] != self.size or self._hash() != self.sha256:
                return False
        except OSError:
            return False
        self._stamp = stamp
        return True

    def read(self, part: range) -> bytes:
        """A part of the file that was hashed, in one piece; less if the file was cut short.

        If none is held open, it is of the file at the path now; raises OSError if that is gone.
        """
        if self._descriptor is None:
            return b"".join(self.blocks(part, len(part)))
        return os.pread(self._descriptor, len(part), part.start)

    def blocks(self, part: range, most: int) -> Iterator[bytes]:
        """A part of the file that was hashed, in blocks of at most so many bytes; it ends early if the file was cut short.

        If none is held open, it is of the file at the path now; raises OSError if that is gone.
        """
        with nullcontext() if self._descriptor is not None else self.path.open("rb", buffering=0) as file:
            descriptor = file.fileno() if file else os.dup(self._descriptor or 0)
            try:
                position = part.start
                while block := os.pread(descriptor, min(most, part.stop - position), position):
                    position += len(block)
                    yield block
            finally:
                if not file:
                    os.close(descriptor)

    def _hash(self) -> str:
        """The sha256 of the file as it is now, of one byte more than its size at most."""
        digest = hashlib.sha256()
        for block in self.blocks(range(self.size + 1), HASHED_BYTES):
            digest.update(block)
        return digest.hexdigest()

    def _open(self) -> None:
        """Open and hold the file that is at the path now. The descriptor stays the same: another thread may be reading from it.

        Raises OSError if there is no file. If it cannot be opened (too many open files), nothing is held open.
        """
        self.path.stat()
        try:
            new = os.open(self.path, OPEN_FLAGS)
        except OSError:  # too many open files
            self._release()
            return
        if self._descriptor is None:
            self._descriptor = new
        else:
            os.dup2(new, self._descriptor, inheritable=False)
            os.close(new)

    def _release(self) -> None:
        """Close the file that is held open, if any."""
        before, self._descriptor = self._descriptor, None
        if before is not None:
            with suppress(OSError):
                os.close(before)


def _brotli() -> Callable[[bytes], bytes] | None:
    """A function that compresses with Brotli; None if it is not installed."""
    with suppress(ImportError):
        compress: Callable[..., bytes] = import_module("brotli").compress
        return lambda body: compress(body, quality=5)
    return None


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    **({"br": encoder} if (encoder := _brotli()) else {}),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""The content encodings, the best first."""


@dataclass(slots=True)
class Content:
    """The body of an answer, in memory; its encoded forms are made when a client first asks for one."""

    body: bytes
    kind: str
    etag: str
    _encoded: dict[str, "Content"] = field(default_factory=dict)

    def encoded(self, accepted: str) -> tuple[str, "Content"]:
        """The name of the first of ENCODERS that a client accepts by name (RFC 9110, 12.5.3), and the body in it, which is
        made once.

        The client's weights are not compared, and `*` does not count. An empty name and the body as it is, if it accepts
        none of ours or the body is short.
        """
        if not accepted or len(self.body) < MIN_ENCODED_BYTES:
            return "", self
        parts = (part.partition(";") for part in accepted.lower().split(","))
        names = {name.strip() for name, _, weight in parts if not NO_WEIGHT.fullmatch(weight)}
        for name, encode in ENCODERS.items():
            if name in names:
                if name not in self._encoded:
                    self._encoded[name] = Content(encode(self.body), self.kind, f'{self.etag[:-1]}-{name}"')
                return name, self._encoded[name]
        return "", self


def content_of(text: str | bytes, kind: str) -> Content:
    """A body with its type and its ETag: the first 32 digits of its sha256, in quotes. A text is UTF-8."""
    body = text.encode() if isinstance(text, str) else text
    return Content(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
