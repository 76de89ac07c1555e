"""The access log of a server: a JSON line for each request."""

import json
from datetime import UTC, datetime
from typing import Protocol

from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.mirror.answer import Answer, Request


class Writable(Protocol):
    """An unbuffered file."""

    def write(self, line: bytes, /) -> int | None:
        """Write, and say how many bytes were written; None or less than all if there is no room."""


class AccessLog:
    """Each line is written at once. One that cannot be written, as on a full disk, is lost; the request is answered all the same.

    `lost` counts such lines. The first of several is reported as a warning.
    """

    def __init__(self, file: Writable, on_event: Listener = ignore) -> None:
        self.lost = 0
        self._file, self._on_event = file, on_event
        self._is_failing, self._is_torn = False, False

    def add(self, request: Request, answer: Answer, user: str | None, size: int, seconds: float) -> None:
        """Write the line of a request; `size` is that of the body, in bytes.

        An OSError is not raised: a line that cannot be written is counted in `lost`, and the first of several is reported as
        a warning. After a line that was written in part, the next one begins on a new line.
        """
        line = ("\n" if self._is_torn else "").encode() + _line(request, answer, user, size, seconds)
        try:
            written, reason = self._file.write(line) or 0, "the disk has no room for a whole line"
        except OSError as error:
            written, reason = 0, error.strerror or str(error)
        self._is_torn = written < len(line) and (self._is_torn or written > 0)
        if written < len(line):
            self.lost += 1
            if not self._is_failing:
                self._on_event(Warned(f"the access log loses lines: {reason}; requests are still answered"))
        self._is_failing = written < len(line)


def _line(request: Request, answer: Answer, user: str | None, size: int, seconds: float) -> bytes:
    """A line of the access log: a JSON object, in bytes with a line end. Its time is now, in UTC."""
    row = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "client": request.client,
        "user": user,
        "method": request.method,
        "path": request.path,
        "status": answer.status,
        "bytes": size,
        "seconds": round(seconds, 6),
        "agent": request.header("user-agent"),
    }
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"
