"""What answers on the network: proxies and indexes, and whether the clocks agree."""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from packaging.utils import NormalizedName

from wheelhouse.doctor.diagnosis import Check, FactValue, State, Topic
from wheelhouse.errors import TransientError, WheelhouseError
from wheelhouse.index.http import Http, Reply
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.pages import ACCEPT, parse_page
from wheelhouse.index.urls import is_remote, locked_url, redact

SECONDS = 5.0
"""How long a proxy may take to accept a connection."""
PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
MOST_SKEW_SECONDS = 300
TRIED_PROJECT = NormalizedName("pip")


def proxy_checks(proxies: Mapping[str, str]) -> Iterator[Check]:
    """Whether each proxy accepts connections: one check for each URL. `proxies` maps a scheme to a proxy's URL."""
    for url in dict.fromkeys(proxies.values()):
        schemes = tuple(scheme for scheme, proxy in proxies.items() if proxy == url)
        facts: dict[str, FactValue] = {"url": redact(url), "schemes": schemes}
        if reason := _refusal(url):
            facts["reason"] = reason
        yield Check(Topic.PROXY, redact(url), State.BROKEN if reason else State.GOOD, facts)


def _refusal(url: str) -> str:
    """Why no TCP connection to the host of a URL can be made, in words; empty if one can."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        port = parts.port or PORTS.get(parts.scheme, 80)
        socket.create_connection((parts.hostname or "", port), timeout=SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    except ValueError:
        return "it has no valid host and port"  # Python's own text may quote a password
    return ""


def index_checks(http: Http, locations: Iterable[IndexLocation], now: Callable[[], datetime]) -> Iterator[Check]:
    """Whether each index answers with an index page, and then how its clock differs from `now`, which is read when the answer arrives.

    Only indexes at http and https addresses are asked; folders and pages of links are left out.
    """
    for location in locations:
        if not location.links and is_remote(location.address):
            yield from _index_check(http, location, now)


def _index_check(http: Http, location: IndexLocation, now: Callable[[], datetime]) -> Iterator[Check]:
    """Ask an index for the page of pip, then compare the clocks. `http` learns the credentials in the index's address.
    GOOD if it answers with an index page, or that it has no such project; MISSING after a failure that may pass; BROKEN after any
    other. The clocks are compared only if it is GOOD.
    """
    name, facts = location.name or "default", {"url": redact(location.address)}
    url = f"{locked_url(location.address).rstrip('/')}/{TRIED_PROJECT}/"
    http.credentials.learn(location.address)
    try:
        reply = http.get(url, {"Accept": ACCEPT}, subject=redact(url))
        arrived = now()
        kind = reply.headers.get("Content-Type", "")
        has_project = reply.status == 200
        if has_project:
            parse_page(reply.body, kind, TRIED_PROJECT, facts["url"], reply.url)
    except TransientError as error:
        yield Check(Topic.INDEX, name, State.MISSING, {**facts, "reason": str(error)})
    except WheelhouseError as error:
        yield Check(Topic.INDEX, name, State.BROKEN, {**facts, "reason": str(error)})
    else:
        answer: dict[str, FactValue] = {
            "project": str(TRIED_PROJECT),
            "has_project": has_project,
            "has_json": "json" in kind,
        }
        yield Check(Topic.INDEX, name, State.GOOD, facts | answer)
        yield from _clock_check(reply, name, arrived)


def _clock_check(reply: Reply, name: str, now: datetime) -> Iterator[Check]:
    """How many seconds this machine's clock is ahead of a server's, from the answer's Date; negative if it is behind.

    BROKEN from 300 on, ahead or behind. No check without a Date, or for one that is no date.
    """
    try:
        date = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, OverflowError):
        return
    seconds = round((now - (date if date.tzinfo else date.replace(tzinfo=UTC))).total_seconds())
    state = State.GOOD if abs(seconds) < MOST_SKEW_SECONDS else State.BROKEN
    yield Check(Topic.CLOCK, name, state, {"seconds_ahead": seconds})
