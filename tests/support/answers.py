"""Answers of servers without a server: in the place of the connections of `Http`."""

import io
from collections.abc import Callable, Mapping
from typing import Any

from wheelhouse.events import Event
from wheelhouse.index.http import Http, HttpSettings


class Answer:
    """A response of urllib3, as far as `Http` needs it."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status, self.reason = status, {404: "Not Found", 503: "Busy"}.get(status, "")
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}
        self.body, self.url, self.closed = io.BytesIO(body), "", False
        self.released = False

    def close(self) -> None:
        self.closed = True

    def release_conn(self) -> None:
        self.released = True


class Site:
    """In the place of connections: answers by URL, and what was requested."""

    def __init__(self, site: Callable[[str, Mapping[str, str]], Answer]) -> None:
        self._site = site
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answers: list[Answer] = []
        self.chunk = 1 << 18

    def get(self, url: str, bare: str, headers: Mapping[str, str]) -> Answer:
        self.requests.append((url, bare, dict(headers)))
        answer = self._site(bare, headers)
        answer.url = bare
        self.answers.append(answer)
        return answer

    def read(self, response: Answer, url: str, *, as_sent: bool) -> bytes:
        return response.body.read(self.chunk)

    def close(self) -> None: ...

    @property
    def authorizations(self) -> list[str | None]:
        return [headers.get("Authorization") for _, _, headers in self.requests]


def asking(site: Callable[[str, Mapping[str, str]], Answer], **settings: Any) -> tuple[Http, Site, list[Event]]:
    events: list[Event] = []
    client, fake = Http(HttpSettings(**settings), events.append), Site(site)
    client._connections = fake  # type: ignore[assignment]
    return client, fake, events
