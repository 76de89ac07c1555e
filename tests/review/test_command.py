"""The command `review`: what it serves, to whom, and what it says in the end."""

import json
import re
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.reviews import made_keys, made_pair, write_settings
from tests.support.served import free_port
from wheelhouse.cli.entry import run
from wheelhouse.review.loopback import LoopbackServer

AIRFLOW = "apache_airflow-2.10.5-py3-none-any.whl"
Visitor = Callable[[httpx.Client, str], None]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    made_pair(folder, ("http",))
    made_keys(folder / "keys", "ada", "eve")
    return folder


@pytest.fixture
def place(pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the settings of a team of one."""
    write_settings(tmp_path, pair / "keys", "ada")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> Callable[[Visitor], list[BaseException]]:
    """Lets somebody visit the server of the next command, which ends after that; the errors of the visit."""
    original, errors = LoopbackServer.run, list[BaseException]()

    def with_visitor(visitor: Visitor) -> list[BaseException]:
        def serve(self: LoopbackServer, *arguments: object) -> None:
            def visit() -> None:
                try:
                    with httpx.Client(trust_env=False, follow_redirects=True) as client:
                        visitor(client, self.access.address)
                except BaseException as error:
                    errors.append(error)
                finally:
                    self.shutdown()

            thread = threading.Thread(target=visit)
            thread.start()
            original(self, *arguments)  # type: ignore[arg-type]
            thread.join()

        monkeypatch.setattr(LoopbackServer, "run", serve)
        return errors

    return with_visitor


def test_a_review_from_the_address_to_the_signature(
    pair: Path, place: Path, visited: Callable[[Visitor], list[BaseException]], capsys: pytest.CaptureFixture[str]
) -> None:
    port, refused = free_port(), []

    def visitor(client: httpx.Client, address: str) -> None:
        assert address.startswith(f"http://127.0.0.1:{port}/open/")
        page = client.get(address)
        assert page.status_code == 200 and "review of new" in page.text
        assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
        decision = {"files": [AIRFLOW], "reason": "read the diff"}
        refused.append(client.post(f"{page.url}approve", json=decision).status_code)  # no browser: without an Origin
        refused.append(httpx.get(str(page.url), trust_env=False).status_code)
        refused.append(client.get(address).status_code)
        refused.append(client.request("PUT", str(page.url)).status_code)
        done = client.post(f"{page.url}approve", json=decision, headers={"origin": f"http://127.0.0.1:{port}"})
        assert done.status_code == 200, done.text
        huge = client.post(f"{page.url}approve", content=b"x" * (1 << 20) + b"x")
        refused.append(huge.status_code)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST / HTTP/1.0\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n")
            refused.append(int(connection.makefile("rb").readline().split()[1]))

    errors = visited(visitor)
    words = [
        "--since",
        str(pair / "old"),
        "--key",
        str(pair / "keys/ada"),
        "--approvals",
        "other.jsonl",
        "--port",
        str(port),
    ]
    assert run(["review", str(pair / "new"), *words]) == 0
    assert not errors, errors
    assert refused == [403, 403, 403, 501, 413, 413]
    out = capsys.readouterr().out
    assert re.match(r"review by ada: open http://127\.0\.0\.1:\d+/open/[\w-]{43}\n", out)
    assert "other.jsonl: 1 file approved and 0 withdrawn by ada in this review" in out
    assert len((place / "other.jsonl").read_text().splitlines()) == 1
    assert not (place / "approvals.intoto.jsonl").exists()


def test_a_program_signs_each_decision(
    pair: Path, place: Path, visited: Callable[[Visitor], list[BaseException]]
) -> None:
    signer = place / "kms.py"
    signer.write_text(
        "import base64, sys\nfrom cryptography.hazmat.primitives.serialization import load_ssh_private_key as load\n"
        f"key = load(open({str(pair / 'keys/ada')!r}, 'rb').read(), None)\n"
        "print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())\n"
    )
    (place / "advisories.json").unlink(missing_ok=True)

    def visitor(client: httpx.Client, address: str) -> None:
        page = client.get(address)
        headers = {"origin": address.partition("/open/")[0]}
        done = client.post(f"{page.url}approve", json={"files": [AIRFLOW], "reason": "read"}, headers=headers)
        assert json.loads(done.text)["files"] == [AIRFLOW], done.text

    errors = visited(visitor)
    words = ["--key", str(pair / "keys/ada.pub"), "--sign-command", f"{sys.executable} {signer}"]
    assert run(["review", str(pair / "new"), *words]) == 0
    assert not errors, errors
    assert len((place / "approvals.intoto.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--key", "eve"], 2, "no reviewer in the settings has the key"),
        (["--key", "ada", "--port", "80"], 2, "80 is not in the range"),
        (["--key", "nowhere"], 2, "cannot be read"),
        (["--key", "ada.pub"], 2, "no ssh-agent runs here"),
        (["--key", "ada", "--advisories", "nowhere.json"], 2, "nowhere.json"),
        (["--key", "ada", "--since", "nowhere"], 2, "nowhere"),
    ],
    ids=str,
)
def test_what_cannot_be_reviewed(
    pair: Path, place: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    typed = [
        str(pair / "keys" / word) if before == "--key" else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    assert run(["review", str(pair / "new"), *typed]) == code
    assert sentence in capsys.readouterr().err
    assert not (place / "approvals.intoto.jsonl").exists()


def test_a_port_that_is_taken(pair: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer(0) as other:
        words = ["--key", str(pair / "keys/ada"), "--port", str(other.access.port)]
        assert run(["review", str(pair / "new"), *words]) == 6
    assert "choose a different port with --port" in capsys.readouterr().err
