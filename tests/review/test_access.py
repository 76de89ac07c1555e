"""Who may ask the review server: the browser that opened the one-time address, and nobody else."""

import pytest

from wheelhouse.review.access import COOKIE, Access, Request

ACCESS = Access(8123, "token", "place", "secret")
OWN = {"host": "127.0.0.1:8123", "cookie": f"other=1; {COOKIE}=secret"}


def asked(method: str = "POST", **headers: str | None) -> Request:
    """A request of our page, with other headers; None leaves one out."""
    everything = {**OWN, "origin": ACCESS.origin, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(method, "/place/approve", {name: value for name, value in everything.items() if value is not None})


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example:8123"},
        {"host": "localhost:8123"},
        {"host": "127.0.0.1:8124"},
        {"host": "127.0.0.1"},
        {"host": None},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8124"},
        {"origin": "https://127.0.0.1:8123"},
        {"origin": "null"},
        {"origin": None},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
    ids=str,
)
def test_what_is_not_from_the_page_is_refused(headers: dict[str, str | None]) -> None:
    assert ACCESS.refusal(asked(**headers))


@pytest.mark.parametrize("headers", [{}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}], ids=str)
def test_what_the_page_asks_is_answered(headers: dict[str, str]) -> None:
    assert ACCESS.refusal(asked(**headers)) is None
    assert ACCESS.refusal(asked("GET", origin=None, **headers)) is None


@pytest.mark.parametrize(
    "cookie", ["", COOKIE, f"{COOKIE}=", f"{COOKIE}=secre", f"{COOKIE}=secrets", "other=secret", "\udce9"]
)
def test_another_cookie_is_not_known(cookie: str) -> None:
    assert not ACCESS.knows(asked(cookie=cookie))
    assert ACCESS.knows(asked())


def test_the_cookie_is_for_the_secret_path_only_and_no_script_reads_it() -> None:
    assert ACCESS.set_cookie() == f"{COOKIE}=secret; Path=/place/; HttpOnly; SameSite=Strict"


@pytest.mark.parametrize(
    ("method", "path", "opens"),
    [
        ("GET", "/open/token", True),
        ("POST", "/open/token", False),
        ("GET", "/open/token2", False),
        ("GET", "/open/", False),
    ],
)
def test_the_one_time_address(method: str, path: str, opens: bool) -> None:
    assert ACCESS.opens(Request(method, path, OWN)) is opens
