"""Redirects: where a server may send a request, and what goes along."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.index import Fault, IndexServer
from tests.support.tls import make_certificate
from wheelhouse.errors import ServerError
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.tls import Trust


@contextmanager
def asking(**settings: object) -> Iterator[Http]:
    http = Http(HttpSettings(timeout=5, retries=0, **settings))  # type: ignore[arg-type]
    try:
        yield http
    finally:
        http.close()


def test_a_redirect_from_https_to_http_is_refused_and_to_https_followed(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trust = Trust(ca_file=str(certificate.authority))
    with IndexServer(tls=certificate.pair) as secure, IndexServer() as plain, asking(trust=trust) as http:
        plain.put("/there", b"plain")
        secure.put("/there", b"secure")
        secure.faults.append(Fault("/here", "redirect", times=None, to=f"{plain.origin}/there?token=secret"))
        with pytest.raises(ServerError, match=rf"redirects from https to {plain.origin}/there, which") as error:
            http.get(f"{secure.origin}/here")
        assert "secret" not in str(error.value)
        assert not plain.requests
        secure.faults[:] = [Fault("/here", "redirect", times=None, to=f"{secure.origin}/there")]
        assert http.get(f"{secure.origin}/here").body == b"secure"
        plain.faults.append(Fault("/here", "redirect", times=None, to=f"{secure.origin}/there"))
        assert http.get(f"{plain.origin}/here").body == b"secure"
        plain.faults[:] = [Fault("/here", "redirect", times=None, to=f"{secure.origin}/here")]
        secure.faults[:] = [Fault("/here", "redirect", times=None, to="/there")]
        assert http.get(f"{plain.origin}/here").body == b"secure"
        plain.faults[:] = [Fault("/here", "redirect", times=None, to="/there")]
        assert http.get(f"{plain.origin}/here").body == b"plain"


def test_a_second_redirect_is_held_to_https_too(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trust = Trust(ca_file=str(certificate.authority))
    with IndexServer(tls=certificate.pair) as secure, IndexServer() as plain, asking(trust=trust) as http:
        plain.put("/there", b"plain")
        secure.faults += [
            Fault("/first", "redirect", times=None, to="/second"),
            Fault("/second", "redirect", times=None, to=f"{plain.origin}/there"),
        ]
        with pytest.raises(ServerError, match="redirects from https"):
            http.get(f"{secure.origin}/first")
        assert not plain.requests
