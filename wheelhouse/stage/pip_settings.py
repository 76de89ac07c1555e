"""Settings with which pip and uv install from the staged folder, or from one index (pure)."""

import re
from urllib.parse import urlsplit

from wheelhouse.errors import InputError
from wheelhouse.lock.wheelhouse import TOOLS
from wheelhouse.stage.destination import FOLDER

NETRC = "/run/secrets/netrc"
SECRET_MOUNT = f"--mount=type=secret,id=netrc,target={NETRC},mode=0444"
NETRC_NOTE = "if the index needs a user and a password, the build reads them from ~/.netrc as a build secret: no layer keeps them"
INDEX = re.compile(r"[A-Za-z]+://(?:\[[0-9A-Fa-f:.]+\](?=[:/]|$))?[A-Za-z0-9:/._~%+@?=&-]*")
"""An address that settings can hold without quotes, also of an IPv6 host."""


def pip_conf(tools: bool) -> str:
    """The text of pip.conf for a build with no network: pip asks no index. It looks in `/docker-context-files`, where the
    build mounts the folder, with `tools` also in its `tools/`.
    """
    links = [f"/{FOLDER}", *([f"/{FOLDER}/{TOOLS}"] if tools else [])]
    lines = "".join(f"\n    {link}" for link in links)
    return f"[global]\nno-index = true\nfind-links ={lines}\ndisable-pip-version-check = true\n"


def index_pip_conf(index: str) -> str:
    """The text of pip.conf for a build that takes everything from one index. `index` is a checked URL; the credentials come from netrc."""
    return f"[global]\nindex-url = {index}\nno-input = true\ndisable-pip-version-check = true\n"


def index_uv_toml(index: str) -> str:
    """The text of uv.toml for a build that takes everything from one index. `index` is a checked URL."""
    return f'[[index]]\nurl = "{index}"\ndefault = true\n'


def checked_index(index: str) -> str:
    """The address of an index, unchanged. Raises InputError if it is no http(s) address that settings can hold, or has credentials or a
    query.
    """
    try:
        parts = urlsplit(index)
        _ = parts.port  # raises ValueError for a port that is no number up to 65535
    except ValueError as error:
        raise InputError(
            "the value of --index is not a valid address", hint="write https://mirror.example/simple/"
        ) from error
    if parts.scheme not in ("https", "http") or not parts.hostname or not INDEX.fullmatch(index):
        shown = parts.hostname or index.rpartition("@")[2].partition("?")[0]
        raise InputError(f"`{shown}` is not the address of an index", hint="write https://mirror.example/simple/")
    if "@" in parts.netloc or "?" in index:
        hint = f"put the credentials in ~/.netrc, which the build mounts as a secret: machine {parts.hostname} login … password …"
        raise InputError("--index cannot have credentials, because settings are kept and shared", hint=hint)
    return index
