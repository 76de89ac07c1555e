"""Who signs: a private key in a file, a key that ssh-agent holds (FIDO tokens, too), or a program such as a KMS's client."""

import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.errors import InputError, MachineError
from wheelhouse.signing.sign import PublicKey, Signer, load_key, load_public_key
from wheelhouse.signing.ssh_format import SshReader, signature_from_output, ssh_string

PUBLIC = (b"ssh-", b"sk-ssh-", b"-----BEGIN PUBLIC KEY-----")
HEAD_BYTES = 1 << 10
"""How much of a key file shows its kind: a public key can follow empty lines."""
LIST_REQUEST, LIST_RESPONSE = 11, 12
SIGN_REQUEST, SIGN_RESPONSE = 13, 14
"""Messages of ssh-agent (draft-ietf-sshm-ssh-agent, 3.6)."""
MAX_ANSWER_BYTES = 64 << 10
TOUCH_SECONDS = 120
"""How long a user has to touch the token, or a program to sign."""


@dataclass(frozen=True, slots=True)
class SigningTools:
    """What may sign beside a private key in a file: the socket of ssh-agent, and a command that reads stdin and prints a signature."""

    passphrase_of: Callable[[Path], str]
    agent_socket: str | None = None
    command: Sequence[str] = ()


def load_signer(path: Path, tools: SigningTools) -> Signer:
    """The signer for a key file. If there is a command, it signs, and the file must be a public key.

    Without a command, a private key signs itself, and ssh-agent signs for a public key; the agent is not asked yet. Raises InputError
    for a file that is no such Ed25519 key, or for a public key without ssh-agent; MachineError without `cryptography`.
    """
    if tools.command:
        return CommandSigner(load_public_key(path), tuple(tools.command))
    try:
        with path.open("rb") as file:
            is_public = file.read(HEAD_BYTES).lstrip().startswith(PUBLIC)
    except OSError:
        is_public = False  # load_key says what is wrong
    if not is_public:
        return load_key(path, tools.passphrase_of)
    if not tools.agent_socket:
        hint = "start ssh-agent and add the key with ssh-add, or name the file of the private key"
        raise InputError(f"`{path}` is a public key, but no ssh-agent runs here", hint=hint)
    return AgentSigner(load_public_key(path), tools.agent_socket)


@dataclass(frozen=True, slots=True)
class AgentSigner:
    """A key that ssh-agent holds. `address` is the path of the agent's socket."""

    public: PublicKey
    address: str

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, checked: 64 bytes by a plain key, all that SSH encodes by a FIDO token.

        Raises MachineError if the agent does not answer, InputError if it does not sign.
        """
        request = bytes([SIGN_REQUEST]) + ssh_string(self.public.ssh.blob) + ssh_string(message) + bytes(4)
        answer = _ask_agent(self.address, request)
        try:
            if answer.take(1)[0] != SIGN_RESPONSE:
                raise ValueError("it refuses")
            signature = _without_kind(self.public, answer.string())
            if not self.public.has_signed(message, signature):
                raise ValueError("it is not a signature by this key")
        except ValueError as error:
            hint = (
                "add the key with ssh-add; if the key has a FIDO token, plug the token in, and touch it when it blinks"
            )
            raise InputError(f"ssh-agent does not sign with the key of `{self.public.source}`", hint=hint) from error
        return signature


def _ask_agent(address: str, request: bytes) -> SshReader:
    """Send a request to the ssh-agent at a socket's path, and return its answer, cut at MAX_ANSWER_BYTES, or where the agent
    stops early. Raises MachineError if it gives none.
    """
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(TOUCH_SECONDS)
            agent.connect(address)
            agent.sendall(ssh_string(request))
            with agent.makefile("rb") as answers:
                return SshReader(answers.read(min(SshReader(answers.read(4)).number(), MAX_ANSWER_BYTES)))
    except (OSError, ValueError) as error:
        hint = "check that SSH_AUTH_SOCK is correct, and that `ssh-add -l` lists the key"
        raise MachineError(f"ssh-agent does not answer: {error}", hint=hint) from error


def agent_key_count(address: str) -> int:
    """How many keys the ssh-agent at a socket's path holds. Raises MachineError if it does not say."""
    answer = _ask_agent(address, bytes([LIST_REQUEST]))
    try:
        if answer.take(1)[0] != LIST_RESPONSE:
            raise ValueError("it refuses")
        return answer.number()
    except ValueError as error:
        raise MachineError(f"ssh-agent does not list its keys: {error}") from error


def _without_kind(public: PublicKey, blob: bytes) -> bytes:
    """The signature in an agent's blob, as it is stored: 64 bytes by a plain key; by a FIDO token, the whole blob.

    Neither is checked. Raises ValueError if the blob of a plain key ends too early.
    """
    if public.ssh.application is not None:
        return blob
    reader = SshReader(blob)
    reader.string()
    return reader.string()


@dataclass(frozen=True, slots=True)
class CommandSigner:
    """A program that signs: it reads the message from stdin, and prints 64 bytes, base64, or an SSHSIG (`ssh-keygen -Y sign`)."""

    public: PublicKey
    command: tuple[str, ...]

    def sign(self, message: bytes) -> bytes:
        """The signature that the program makes of a message, checked, and decoded if it is base64 or armored.

        Raises MachineError if the program fails, InputError if it prints no signature by the key.
        """
        name = self.command[0]
        try:
            done = subprocess.run(
                self.command, input=message, stdout=subprocess.PIPE, timeout=TOUCH_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MachineError(f"`{name}` did not sign: {error}", hint="check --sign-command") from error
        if done.returncode:
            raise MachineError(
                f"`{name}` did not sign: it ended with code {done.returncode}", hint="check --sign-command"
            )
        try:
            signature = signature_from_output(done.stdout)
        except ValueError as error:
            raise InputError(
                f"`{name}` printed no signature", hint="the program must print the signature as base64 or as an SSHSIG"
            ) from error
        if not self.public.has_signed(message, signature):
            hint = "name the public key with --key; an SSHSIG needs the namespace `wheelhouse`: ssh-keygen -Y sign -n wheelhouse"
            raise InputError(
                f"`{name}` printed a signature that is not by the key of `{self.public.source}`", hint=hint
            )
        return signature
