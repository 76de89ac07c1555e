"""Who can give credentials and signatures here: keyring and ssh-agent. Nothing secret is read."""

import shutil
from collections.abc import Mapping
from importlib import util

from wheelhouse.doctor.diagnosis import Check, State, Topic
from wheelhouse.errors import WheelhouseError
from wheelhouse.extras import pip_install
from wheelhouse.signing.signers import agent_key_count


def keyring_check(path: str) -> Check:
    """Whether keyring can be asked: as a module, else as a program in a folder of `path` (PATH).

    Else MISSING, with the command that installs it.
    """
    if util.find_spec("keyring"):
        return Check(Topic.KEYRING, "keyring", State.GOOD, {"as": "module"})
    if program := shutil.which("keyring", path=path):
        return Check(Topic.KEYRING, "keyring", State.GOOD, {"as": "program", "path": program})
    return Check(Topic.KEYRING, "keyring", State.MISSING, {"command": pip_install("keyring")})


def agent_check(environment: Mapping[str, str]) -> Check:
    """Whether ssh-agent answers, and how many keys it holds: MISSING without SSH_AUTH_SOCK, BROKEN if it does not answer."""
    address = environment.get("SSH_AUTH_SOCK")
    if not address:
        return Check(Topic.AGENT, "ssh-agent", State.MISSING)
    try:
        count = agent_key_count(address)
    except WheelhouseError as error:
        return Check(Topic.AGENT, "ssh-agent", State.BROKEN, {"reason": str(error)})
    return Check(Topic.AGENT, "ssh-agent", State.GOOD, {"keys": count})
