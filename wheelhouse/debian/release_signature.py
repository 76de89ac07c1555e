"""The signature of an InRelease, checked by gpgv, as apt does, or else by gpg."""

import base64
import binascii
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.files.temporary import scratch_folder

ARMOUR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[^\n]*\n(?:[^\n]+: [^\n]*\n)*\s*\n(.*?)\n(?:=[^\n]*\n)?-----END", re.DOTALL
)
GOOD, BAD, VALID = "GOODSIG", "BADSIG", "VALIDSIG"
VERDICTS = (GOOD, BAD, "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "ERRSIG")
"""What gpgv says of each signature; VALIDSIG, which follows for an expired or revoked key too, has the fingerprint."""
TIMEOUT_SECONDS = 300
WITH_GPG = ("--batch", "--no-tty", "--no-autostart", "--no-default-keyring", "--trust-model", "always", "--decrypt")
"""What makes gpg, on a host without gpgv, check a signature by the given keyrings alone."""


def signed_text(raw: bytes, keyrings: Sequence[bytes], what: str) -> tuple[str, tuple[str, ...]]:
    """The text of an InRelease that its signature covers, and the fingerprints of the keys that signed it. `what` names it in an error.

    As apt does, it is enough that one key of the keyrings signed it; a signature by another key is ignored, a bad one never.
    Raises IntegrityError for anything else, also for damaged keys; but InputError for no keys, or for armour
    that cannot be decoded, MachineError if gpgv and gpg are missing, subprocess.TimeoutExpired after TIMEOUT_SECONDS.
    In the text, invalid UTF-8 is replaced.
    """
    program = shutil.which("gpgv") or shutil.which("gpg")
    if program is None:
        raise MachineError(f"the signature of {what} cannot be checked: gpgv is not installed", hint="install gpgv")
    if not keyrings:
        raise InputError(
            f"the signature of {what} cannot be checked: no key is given",
            hint="name the archive's keyring: --deb-keyring FILE",
        )
    with scratch_folder("gpgv") as home:
        options = [option for path in _written(keyrings, home) for option in ("--keyring", str(path))]
        (home / "InRelease").write_bytes(raw)
        own = () if program.endswith("gpgv") else WITH_GPG
        command = [program, *own, "--status-fd", "1", "--homedir", str(home), *options, "--output", str(home / "text")]
        done = subprocess.run(
            [*command, str(home / "InRelease")],
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env={"LC_ALL": "C"},
        )
        signers = _signers(done.stdout.decode("utf-8", "replace"))
        if not signers:
            raise IntegrityError(
                f"{what} has no valid signature by any of the given keys",
                hint="name the archive's own keyring (--deb-keyring FILE); if you gave that keyring already, do not use this mirror",
            )
        return (home / "text").read_text(encoding="utf-8", errors="replace"), signers


def _signers(output: str) -> tuple[str, ...]:
    """The fingerprints, each once, of the keys whose signatures are good in gpgv's status lines; none if any signature is bad."""
    rows = [line.split()[1:] for line in output.splitlines() if line.startswith("[GNUPG:] ")]
    signers, verdict = [], ""
    for status, *arguments in filter(None, rows):
        if status in VERDICTS:
            verdict = status
        if status == BAD:
            return ()
        if status == VALID and verdict == GOOD and arguments:
            signers.append(arguments[0])
    return tuple(dict.fromkeys(signers))


def _written(keyrings: Sequence[bytes], home: Path) -> list[Path]:
    """Write the keyrings into `home`, without armour, which gpgv does not read; the paths."""
    paths = []
    for number, raw in enumerate(keyrings):
        path = home / f"keyring-{number}.gpg"
        path.write_bytes(_without_armour(raw))
        paths.append(path)
    return paths


def _without_armour(raw: bytes) -> bytes:
    """Keys in binary form (RFC 9580, section 6.2), unchanged if they have no whole armour. Raises InputError for
    armour that cannot be decoded.
    """
    blocks = ARMOUR.findall(raw.replace(b"\r\n", b"\n"))
    try:
        return b"".join(base64.b64decode(block) for block in blocks) or raw
    except binascii.Error as error:
        raise InputError(
            "a keyring contains a damaged key", hint="name the archive's keyring: --deb-keyring FILE"
        ) from error
