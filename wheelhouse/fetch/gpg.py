"""OpenPGP signatures, checked by GnuPG with a temporary keyring."""

import shutil
import subprocess
from pathlib import Path

from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.files.temporary import scratch_folder

REFUSED = ("BADSIG", "ERRSIG", "EXPSIG", "REVKEYSIG")


def signer_of(signature: Path, signed: Path, keys: Path, what: str) -> str:
    """The fingerprint of the key in the file `keys` that made a detached signature: of the subkey, if one made it, and of
    the last key if there are several signatures. An expired key counts. `what` is the signed file in an error.

    Raises IntegrityError if none did, and if any signature is bad, has expired, or is by a revoked key or one that is not in
    the file; InputError if the file holds no key, MachineError if GnuPG is missing, subprocess.TimeoutExpired after five
    minutes.
    """
    program = shutil.which("gpg")
    if program is None:
        raise MachineError(f"the signature of {what} cannot be checked: GnuPG is not installed", hint="install gpg")
    with scratch_folder("gpg") as home:
        imported = _run(program, str(home), "--import", str(keys))
        if "IMPORT_OK" not in imported:
            raise InputError(f"`{keys}` holds no OpenPGP key", hint="use the key file that the project publishes")
        output = _run(program, str(home), "--verify", str(signature), str(signed))
    statuses = {
        parts[1]: parts[2:] for line in output.splitlines() if len(parts := line.split()) > 1 and parts[0] == "[GNUPG:]"
    }
    if "VALIDSIG" not in statuses or statuses.keys() & set(REFUSED):
        raise IntegrityError(
            f"the signature of {what} was made for a different file, or with a key that is not in `{keys}`",
            hint="do not use this file; ask the project which key signs its releases",
        )
    return statuses["VALIDSIG"][0]


def _run(program: str, home: str, *arguments: str) -> str:
    """The standard output of a GnuPG command: its status lines. Its exit code is not checked.

    Raises subprocess.TimeoutExpired after five minutes.
    """
    options = ("--batch", "--no-tty", "--quiet", "--no-autostart", "--no-auto-key-retrieve", "--status-fd", "1")
    environment = {"GNUPGHOME": home, "LC_ALL": "C"}
    done = subprocess.run(
        [program, *options, *arguments], env=environment, capture_output=True, check=False, timeout=300
    )
    return done.stdout.decode("utf-8", "replace")
