"""Who signs: a key in a file, ssh-agent (a real one, and a made one with a FIDO token's key), and a program."""

import hashlib
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wheelhouse.errors import InputError, MachineError, WheelhouseError
from wheelhouse.signing.sign import PublicKey, Signer, load_public_key, sign, verify_signature
from wheelhouse.signing.signers import SIGN_RESPONSE, SigningTools, load_signer
from wheelhouse.signing.ssh_format import (
    ED25519,
    MAGIC,
    NAMESPACE,
    SK_ED25519,
    USER_PRESENT,
    SshReader,
    signature_from_output,
    ssh_string,
)

MESSAGE = b"what is signed"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key as ssh-keygen makes it; its public key lies beside it."""
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@example", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def agent(key: Path) -> Iterator[str]:
    """The socket of a real ssh-agent that holds the key."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/agent"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", address], stdout=subprocess.DEVNULL)
        try:
            while not Path(address).exists():
                assert process.poll() is None
            environment = os.environ | {"SSH_AUTH_SOCK": address}
            subprocess.run(["ssh-add", "-q", key], env=environment, check=True, stderr=subprocess.DEVNULL)
            yield address
        finally:
            process.kill()
            process.wait()


def never(path: Path) -> str:
    raise AssertionError(path)


def tools(agent_socket: str | None = None, command: str = "") -> SigningTools:
    return SigningTools(never, agent_socket, shlex.split(command))


def holds(signer: Signer) -> bool:
    """Whether an envelope that it signs is accepted with its public key."""
    envelope = sign(b"subject", "name", "test", signer).encode()
    return verify_signature(envelope, b"subject", "name", "test", (signer.public,)) == signer.public.id


def test_a_private_key_a_public_key_in_the_agent_and_ssh_keygen_sign_alike(key: Path, agent: str) -> None:
    public = key.with_suffix(".pub")
    command = f"ssh-keygen -q -Y sign -n wheelhouse -f {shlex.quote(str(key))}"
    signers = [
        load_signer(key, tools()),
        load_signer(public, tools(agent)),
        load_signer(public, tools(command=command)),
    ]
    assert all(map(holds, signers)) and len({signer.public.id for signer in signers}) == 1
    by_key, by_agent, by_program = (signer.sign(MESSAGE) for signer in signers)
    assert by_key == by_agent and len(by_key) == 64 and by_program.startswith(MAGIC)
    assert not load_public_key(public).has_signed(MESSAGE + b"!", by_program)


def test_a_signature_for_another_purpose_does_not_count(key: Path) -> None:
    command = f"ssh-keygen -q -Y sign -n git -f {shlex.quote(str(key))}"
    with pytest.raises(InputError, match="is not by the key of"):
        load_signer(key.with_suffix(".pub"), tools(command=command)).sign(MESSAGE)


@dataclass
class Token:
    """A FIDO token in software, behind an agent's socket: it signs as OpenSSH's PROTOCOL.u2f says."""

    flags: int = USER_PRESENT
    refuses: bool = False

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.public = PublicKey(self.key.public_key(), "token", b"ssh:")

    def signature(self, data: bytes) -> bytes:
        state = bytes([self.flags]) + (7).to_bytes(4)
        raw = self.key.sign(hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(data).digest())
        return ssh_string(SK_ED25519) + ssh_string(raw) + state

    def serve(self, listening: socket.socket) -> None:
        with listening:
            connection, _ = listening.accept()
        with connection, connection.makefile("rb") as requests:
            request = SshReader(requests.read(SshReader(requests.read(4)).number()))
            request.take(1)
            blob, data = request.string(), request.string()
            is_known = blob == self.public.ssh.blob and not self.refuses
            answer = bytes([SIGN_RESPONSE]) + ssh_string(self.signature(data)) if is_known else bytes([5])
            connection.sendall(ssh_string(answer))

    def pub_file(self, folder: Path) -> Path:
        path = folder / "token.pub"
        path.write_bytes(SK_ED25519 + b" " + b64encode(self.public.ssh.blob) + b" ada@example\n")
        return path


def signed_by_token(token: Token, folder: Path) -> Signer:
    """A signer whose agent answers once, and has answered."""
    address = tempfile.mkdtemp() + "/agent"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    threading.Thread(target=token.serve, args=(listening,), daemon=True).start()
    return load_signer(token.pub_file(folder), tools(address))


def test_a_token_signs_and_its_key_is_another_than_the_plain_one(tmp_path: Path) -> None:
    token = Token()
    assert holds(signed_by_token(token, tmp_path))
    plain = PublicKey(token.key.public_key(), "plain")
    assert plain.id != token.public.id and load_public_key(token.pub_file(tmp_path)).id == token.public.id
    assert not plain.has_signed(MESSAGE, token.signature(MESSAGE))
    assert not token.public.has_signed(MESSAGE, token.key.sign(MESSAGE))


def test_a_token_that_nobody_touched_or_that_refuses_has_not_signed(tmp_path: Path) -> None:
    for token in (Token(flags=0), Token(refuses=True)):
        with pytest.raises(InputError, match="ssh-agent does not sign"):
            signed_by_token(token, tmp_path).sign(MESSAGE)


def test_an_sshsig_of_a_token_counts(tmp_path: Path) -> None:
    token = Token()
    digest = hashlib.sha512(MESSAGE).digest()
    parts = (NAMESPACE, b"", b"sha512")
    inner = token.signature(MAGIC + b"".join(map(ssh_string, (*parts, digest))))
    blob = MAGIC + (1).to_bytes(4) + b"".join(map(ssh_string, (token.public.ssh.blob, *parts, inner)))
    assert token.public.has_signed(MESSAGE, blob) and not token.public.has_signed(b"other", blob)
    for damaged in (blob[:-1], blob + b"x", blob.replace(b"sha512", b"sha513"), MAGIC, blob[:40]):
        assert not token.public.has_signed(MESSAGE, damaged)


PRINTS = f"{shlex.quote(sys.executable)} -c "


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (PRINTS + "\"print('????')\"", InputError),
        (PRINTS + "\"print('A' * 86 + '==')\"", InputError),
        (PRINTS + '"raise SystemExit(3)"', MachineError),
        ("no-such-program", MachineError),
    ],
)
def test_a_program_that_does_not_sign_is_an_error(key: Path, command: str, error: type[WheelhouseError]) -> None:
    with pytest.raises(error):
        load_signer(key.with_suffix(".pub"), tools(command=command)).sign(MESSAGE)


def test_a_public_key_without_an_agent_is_an_error(key: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ssh-agent"):
        load_signer(key.with_suffix(".pub"), tools())
    with pytest.raises(MachineError, match="does not answer"):
        load_signer(key.with_suffix(".pub"), tools(str(tmp_path / "nobody"))).sign(MESSAGE)
    with pytest.raises(InputError, match="cannot be read"):
        load_signer(tmp_path / "nothing", tools())


@pytest.mark.parametrize(
    "text",
    [
        b"ssh-rsa AAAA ada",
        b"ssh-ed25519",
        b"ssh-ed25519 ???? ada",
        b"ssh-ed25519 " + b64encode(ssh_string(ED25519) + ssh_string(b"short")),
        b"ssh-ed25519 " + b64encode(ssh_string(ED25519) + ssh_string(b"k" * 32) + b"more"),
        b"sk-ssh-ed25519@openssh.com " + b64encode(ssh_string(SK_ED25519) + ssh_string(b"k" * 32)),
        b"ssh-ed25519 " + b64encode(ssh_string(SK_ED25519) + ssh_string(b"k" * 32) + ssh_string(b"ssh:")),
    ],
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key.pub").write_bytes(text)
    with pytest.raises(InputError, match="is not an Ed25519 public key"):
        load_public_key(tmp_path / "key.pub")


def test_a_signature_is_read_in_each_form_that_a_program_prints(key: Path) -> None:
    assert signature_from_output(b"s" * 64) == b"s" * 64
    assert signature_from_output(b64encode(b"s" * 64) + b"\n") == b"s" * 64


@pytest.mark.parametrize(
    "output", [b"", b"\n", b" \n\t", b"-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----\n"]
)
def test_an_empty_output_is_no_signature(output: bytes) -> None:
    with pytest.raises(ValueError, match="empty"):
        signature_from_output(output)


def test_a_program_that_prints_nothing_is_said_to_print_no_signature(key: Path) -> None:
    with pytest.raises(InputError, match="printed no signature"):
        load_signer(key.with_suffix(".pub"), tools(command=PRINTS + '"print()"')).sign(MESSAGE)


def test_a_public_key_after_an_empty_line_is_a_public_key(key: Path, tmp_path: Path) -> None:
    text = key.with_suffix(".pub").read_bytes()
    (tmp_path / "key.pub").write_bytes(b"\n\r\n " + text)
    assert load_public_key(tmp_path / "key.pub").ssh == load_public_key(key.with_suffix(".pub")).ssh
    with pytest.raises(InputError, match="no ssh-agent"):
        load_signer(tmp_path / "key.pub", tools())
