"""The answers of the review server: the page, where each file stands, the source of a member, and decisions."""

import json
import threading
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from wheelhouse.errors import InputError, WheelhouseError
from wheelhouse.files.disk import machine_error
from wheelhouse.report.rendering import visible
from wheelhouse.report.reviewpage import decision_sentence, error_document, source_document, state_document
from wheelhouse.review.access import Access, Request
from wheelhouse.review.desk import Desk

JSON_TYPE = "application/json"
USED = (
    "this address was opened before. If you did not open it, somebody else on this machine did so: stop the "
    "program with Ctrl-C. All that was signed stays signed. For a new address, start `wheelhouse review` again"
)
CLOSED = "open the address that `wheelhouse review` printed in the terminal"
SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""The headers of each answer. The page's own policy says what it may load and ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


class _Decision(msgspec.Struct, forbid_unknown_fields=True):
    """What the page sends to approve or withdraw."""

    files: list[str]
    reason: str
    expires: date | None = None


_DECISION: msgspec.json.Decoder[_Decision] = msgspec.json.Decoder(_Decision)


class Application:
    """Answers requests about one desk. `page` is the HTML; the one-time address gives the cookie to the first who opens it."""

    def __init__(self, access: Access, desk: Desk, page: str) -> None:
        self._access, self._desk, self._page = access, desk, page.encode()
        self._is_opened = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """The answer to one request: 403 if it is refused, and then nothing changes; 409 with the error as JSON if it fails
        with a WheelhouseError or OSError. Other errors are raised.
        """
        if refusal := self._access.refusal(request):
            return _refused(refusal)
        if self._access.opens(request):
            return self._opened()
        if not self._access.knows(request) or not request.path.startswith(self._access.root):
            return _refused(CLOSED)
        address = urlsplit(request.path)
        name = address.path.removeprefix(self._access.root)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        try:
            return self._routed(request, name, query)
        except (WheelhouseError, OSError) as error:
            known = error if isinstance(error, WheelhouseError) else machine_error(error)
            return _json({"error": error_document(known)}, 409)

    def _opened(self) -> Answer:
        """The redirect to the page, with the cookie, for the first who opens the one-time address; a refusal for all others."""
        if not self._is_opened.acquire(blocking=False):
            return _refused(USED)
        headers = {"location": self._access.root, "set-cookie": self._access.set_cookie()}
        return Answer(303, headers=headers)

    def _routed(self, request: Request, name: str, query: dict[str, str]) -> Answer:
        """The answer to a request of our page, by its method and name: the page, `state`, `source` of a member, or a decision. Else 404."""
        match request.method, name:
            case "GET", "":
                return Answer(200, self._page, "text/html; charset=utf-8")
            case "GET", "state":
                return _json(state_of(self._desk))
            case "GET", "source":
                member = query.get("name", "")
                text = self._desk.source(query.get("file", ""), member)
                return _json(source_document(visible(member), None if text is None else visible(text)))
            case "POST", "approve" | "withdraw":
                return self._decided(request, is_approval=name == "approve")
        return Answer(404, b"no such page\n")

    def _decided(self, request: Request, *, is_approval: bool) -> Answer:
        """Sign an approval, or else a withdrawal, whose `expires` is ignored, and answer with what was signed and where each
        file stands now, as JSON.

        Answers 415 if the content type is not exactly JSON_TYPE. Raises InputError for a body that is no decision, and what
        `Desk.approve` or `Desk.withdraw` raises.
        """
        if request.headers.get("content-type") != JSON_TYPE:
            return Answer(415, b"a decision must be JSON\n")
        try:
            decision = _DECISION.decode(request.body)
        except msgspec.MsgspecError as error:
            raise InputError(f"the decision cannot be read: {error}") from error
        reason = decision.reason.strip()
        if is_approval:
            verb, subjects = "approved", self._desk.approve(decision.files, reason, decision.expires)
        else:
            verb, subjects = "withdrawn", self._desk.withdraw(decision.files, reason)
        said = decision_sentence(verb, subjects, self._desk.reviewer.name)
        return _json({"said": visible(said), "files": subjects, "state": state_of(self._desk)})


def state_of(desk: Desk) -> dict[str, Any]:
    """Where each file stands, read anew, as a document for JSON; or, without files, why the approvals file cannot be used."""
    try:
        return state_document(desk.standings(), desk.reviewer.name, desk.needed)
    except WheelhouseError as error:
        return state_document({}, desk.reviewer.name, desk.needed, error)


def _json(document: dict[str, Any], status: int = 200) -> Answer:
    """An answer with a document as JSON."""
    return Answer(status, json.dumps(document).encode(), JSON_TYPE)


def _refused(sentence: str) -> Answer:
    """An answer with status 403 and one sentence as text."""
    return Answer(403, f"{sentence}\n".encode())
