"""Who may ask the review server: one browser of this machine, which opened the one-time address (pure).

Any page that the browser shows can send requests to a loopback address, and any program of this machine can. So the server
answers to its own `Host` only (a name of somebody else that leads to this machine, DNS rebinding, has another one), refuses what
another page sends (`Origin`, `Sec-Fetch-Site`), and wants the cookie that the one-time address gave. Browsers send the cookies of
one host to all its ports: the path of the cookie is secret, so a server on another port does not get it.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

COOKIE = "wheelhouse-review"
ADDRESS = "127.0.0.1"
OWN_SITES = ("none", "same-origin")
"""`Sec-Fetch-Site` of an address that the user opened, and of a request by our own page (Fetch Metadata)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its method, its path with the query, its headers by name in lower case, and its body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Access:
    """The secrets of one run of the server, which listens on a port.

    `token` is in the one-time address, `place` is the path of the page, `cookie` is the cookie's value.
    """

    port: int
    token: str
    place: str
    cookie: str

    @property
    def host(self) -> str:
        """The one `Host` header that is answered: the loopback address with the port."""
        return f"{ADDRESS}:{self.port}"

    @property
    def origin(self) -> str:
        """The origin of the page, as browsers send it: `http://` and the host, without a path."""
        return f"http://{self.host}"

    @property
    def address(self) -> str:
        """The one-time address, a whole URL."""
        return f"{self.origin}/open/{self.token}"

    @property
    def root(self) -> str:
        """The secret path of the page, with a slash at both ends."""
        return f"/{self.place}/"

    def set_cookie(self) -> str:
        """The value of the header `Set-Cookie` that gives the cookie. No script can read it, and no request of another site has it."""
        return f"{COOKIE}={self.cookie}; Path={self.root}; HttpOnly; SameSite=Strict"

    def opens(self, request: Request) -> bool:
        """Whether a request is a GET of the one-time address; how often it was opened is not looked at."""
        return request.method == "GET" and _same(request.path, f"/open/{self.token}")

    def refusal(self, request: Request) -> str | None:
        """Why a request is not one of our page, in a sentence; None if it is, or if a user opened an address.

        Looks at the method and at `Host`, `Origin` and `Sec-Fetch-Site`; not at the path and the cookie.
        """
        headers = request.headers
        if headers.get("host") != self.host:
            return f"this server answers only to {self.host}: open the address that the program printed"
        if headers.get("origin", self.origin) != self.origin or headers.get("sec-fetch-site", "none") not in OWN_SITES:
            return "this request came from a page that is not the review page"
        if request.method != "GET" and "origin" not in headers:
            return "a request that changes something must have the header Origin"
        return None

    def knows(self, request: Request) -> bool:
        """Whether a request has the cookie with the right value."""
        cookies = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        return any(name == COOKIE and _same(value, self.cookie) for name, _, value in cookies)


def _same(given: str, secret: str) -> bool:
    """Whether two texts are equal. The time of the comparison does not tell how much of them is."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
