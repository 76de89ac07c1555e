"""Answers that a server gives again as they are. What a plain request costs is mostly the making of its answer."""

import time
from dataclasses import dataclass, field, replace

from wheelhouse.mirror.answer import Answer, FilePart, Request
from wheelhouse.mirror.served import Served

MAX_ANSWERS = 20_000
MAX_KEY_LENGTH = 500
"""Clients choose paths and headers: together with MAX_ANSWERS, this keeps the memory for them below 20 MB."""
MAX_FILE_BYTES, MAX_BYTES = 1 << 16, 1 << 26
"""Of a file that is kept in memory, and of all of them. Larger ones are read each time: sending them costs more than reading them."""
LOOK_SECONDS = 0.05
"""How long bytes in memory, which have their hash, are sent without a look at the file that they come from."""
Plain = tuple[str, str, str]
"""What the answer to a plain request depends on: its path, Accept and Accept-Encoding."""


def plain(request: Request) -> Plain | None:
    """The path, Accept and Accept-Encoding of a request, empty if absent; None if it has a Range or an If-None-Match, or if
    they are too long. Its method, and whether its user may read, are not looked at.
    """
    header = request.header
    if header("range") or header("if-none-match"):
        return None
    path, accept, encoding = request.path, header("accept") or "", header("accept-encoding") or ""
    return (path, accept, encoding) if len(path) + len(accept) + len(encoding) <= MAX_KEY_LENGTH else None


@dataclass(slots=True)
class _Kept:
    """An answer, the file that it has, if any, and until when it is sent without a look at that file."""

    answer: Answer
    served: Served | None = None
    until: float = 0.0

    def is_current(self) -> bool:
        """Whether the file was not touched. For bytes in memory it is looked at only every LOOK_SECONDS. True without a file."""
        if self.served is None or (now := time.monotonic()) < self.until:
            return True
        if isinstance(self.answer.body, bytes):
            self.until = now + LOOK_SECONDS
        return self.served.is_untouched()


@dataclass(slots=True)
class KeptAnswers:
    """Answers with status 200 that one catalogue gave to plain requests."""

    _answers: dict[Plain, _Kept] = field(default_factory=dict)
    _bytes: int = 0

    def get(self, request: Plain) -> Answer | None:
        """The answer to give again; None if there is none, or if its file was touched since: then the answer is forgotten."""
        kept = self._answers.get(request)
        if kept is None:
            return None
        if kept.is_current():
            return kept.answer
        self._forget(request)
        return None

    def keep(self, request: Plain, answer: Answer) -> None:
        """Keep an answer if its status is 200, with the bytes of a small file. If MAX_ANSWERS are kept, all are forgotten
        first.

        Raises ConnectionResetError if the small file was truncated meanwhile.
        """
        if answer.status != 200:
            return
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()
            self._bytes = 0
        self._forget(request)
        served = answer.body.served if isinstance(answer.body, FilePart) else None
        self._answers[request] = _Kept(self._in_memory(answer), served)

    def _forget(self, request: Plain) -> None:
        """Forget the answer to a request, if there is one. The bytes of its file no longer count."""
        kept = self._answers.pop(request, None)
        if kept and kept.served and isinstance(kept.answer.body, bytes):
            self._bytes -= kept.answer.length

    def _in_memory(self, answer: Answer) -> Answer:
        """The answer with the bytes of its file in memory; unchanged if the file is large, if memory is full, or if it was
        just touched.

        The bytes are counted. Raises ConnectionResetError if the file was truncated.
        """
        body, length = answer.body, answer.length
        if isinstance(body, bytes) or length > MAX_FILE_BYTES or self._bytes + length > MAX_BYTES:
            return answer
        raw = body.read()
        if not body.served.is_untouched():
            return answer
        self._bytes += length
        return replace(answer, body=raw)
