"""The proof of a sandbox before its first use: what a command in it tries, and what must come of it.

Each protection is tried with a canary. A sandbox that lets the network or a file through is refused; what this kernel or this
user cannot have (seccomp, a cgroup) is only missing from what the sandbox is said to hold.
"""

import errno
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from wheelhouse.errors import MachineError
from wheelhouse.sandbox import seccomp
from wheelhouse.sandbox.sandbox import HERE, WORK, Limits, SandboxResult

UNASSIGNED_ADDRESS = ("192.0.2.1", 80)
"""An address reserved for documentation (RFC 5737): a machine with a route to it has a default route."""
MEMORY, FILLED = 128 << 20, 160 << 20
"""The limit of a proof's memory, and what it fills, in bytes."""
LIMITS = Limits(seconds=60, memory=MEMORY, disk=16 << 20, processes=64, answer=1 << 20, log=1 << 20)
KILLED_BY_ENGINE = 137
"""The exit code of a container whose process was killed, as by its memory limit."""
FORBIDDEN_FAMILIES = {"AF_PACKET": 17, "AF_ALG": 38, "AF_VSOCK": 40, "AF_XDP": 44}
SECCOMP, CGROUP = "seccomp", "cgroup"


class Proof(msgspec.Struct, frozen=True):
    """What a command found in a sandbox; see `inside.prove`."""

    devices: tuple[str, ...]
    reached: tuple[tuple[str | int, ...], ...]
    seen: tuple[str, ...]
    written: tuple[str, ...]
    works: bool
    filtered: bool
    calls: dict[str, int]
    families: tuple[int, ...]

    @property
    def leaks(self) -> Iterator[str]:
        """A clause for each thing that the command reaches and must not, and for a work folder that it cannot write to; else none."""
        yield from (f"it has the network device {name}" for name in self.devices if name != "lo")
        yield from (f"it can connect to {address[0]}" for address in self.reached)
        yield from (f"it can see {path}" for path in self.seen)
        yield from (f"it can write to {path}" for path in self.written)
        if not self.works:
            yield "it cannot write to its own folder"

    @property
    def unrefused(self) -> tuple[str, ...]:
        """The names of the tried system calls and socket families that do not answer as the filter makes them."""
        expected = dict.fromkeys(seccomp.REFUSED, errno.EPERM) | dict.fromkeys(seccomp.MISSING, errno.ENOSYS)
        calls = [name for name, number in self.calls.items() if number != expected[name]]
        return (*calls, *(name for name, number in FORBIDDEN_FAMILIES.items() if number in self.families))


_decoder = msgspec.json.Decoder(Proof)


@contextmanager
def proof_request(folder: Path, readonly: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The request for `inside.prove`, while its canaries exist: a server on this machine, and a file in `folder`, which
    stays there.
    """
    canary = folder / f"canary-{secrets.token_hex(8)}"
    canary.write_text("not to be seen", encoding="utf-8")
    known = seccomp.ARCHITECTURES.get(os.uname().machine)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {
            "hook": "prove",
            "addresses": [list(server.getsockname()), list(UNASSIGNED_ADDRESS)],
            "unseen": [str(canary), str(folder)],
            "readonly": ["/", "/usr", "/etc", "/dev", HERE, *readonly],
            "work": WORK,
            "calls": {name: known.number(name) for name in (*seccomp.REFUSED, *seccomp.MISSING)} if known else {},
            "families": list(FORBIDDEN_FAMILIES.values()),
            "fill": FILLED,
            "memfd": known.number("memfd_create") if known else -1,
        }


def protections(result: SandboxResult, answer: bytes, *, filtered: bool) -> tuple[str, ...]:
    """What a sandbox holds beside its namespaces: `seccomp`, `cgroup`. `filtered` says whether it must have the filter; any
    that refuses the same counts as `seccomp`, also if it need not have one, and memory that an engine limits as `cgroup`.

    Raises MachineError if it leaks, does not refuse what a filter that it must have refuses, filled more memory than its
    limit, or if the proof did not run.
    """
    proof = _read(result, answer)
    leaks = list(proof.leaks)
    is_sealed = proof.filtered and not proof.unrefused
    if filtered and not is_sealed:
        leaks += [f"it does not refuse {name}" for name in proof.unrefused] or ["it has no seccomp filter"]
    if _unlimited(answer):
        leaks.append("its memory is not limited")
    if leaks:
        raise MachineError("; ".join(leaks))
    has_cgroup = result.limited_by == CGROUP or result.code == KILLED_BY_ENGINE
    return (*([SECCOMP] if is_sealed else []), *([CGROUP] if has_cgroup else []))


def _read(result: SandboxResult, answer: bytes) -> Proof:
    """The proof in the first line of the answer. Raises MachineError with the reason if there is none: the last line of the
    log, if any.
    """
    try:
        return _decoder.decode(answer.partition(b"\n")[0])
    except msgspec.DecodeError as error:
        lines = result.log.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else result.stopped or f"it ended with code {result.code}"
        raise MachineError(reason) from error


def _unlimited(answer: bytes) -> bool:
    """Whether the proof filled more memory than its limit, and was not killed."""
    second = answer.partition(b"\n")[2]
    return bool(second) and bool(json.loads(second)["unlimited"])
