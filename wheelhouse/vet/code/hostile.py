"""What only attacks do: a shell over a connection, machine code in memory, wiping a home folder, exchanged addresses of wallets (pure)."""

import ast
import re
from collections.abc import Iterator

from wheelhouse.vet.code.behaviour import IF_CALLED, Behaviour
from wheelhouse.vet.code.named_call import names_in
from wheelhouse.vet.code.values import GAP, Value

CONNECTION = re.compile(r"(?:socket\.(?:socket|create_connection)|ssl\..*)\(\).*fileno\(\)")
WHOLE_PLACE = re.compile(rf"(?:~|/|[A-Za-z]:[/\\]*|{GAP}?/?\*|/home|/root|/etc|/usr)/?")
CLIPBOARD = re.compile(r"pyperclip|[cC]lipboard")
WALLET = re.compile(
    r"\[13\]\)?\[a-km-zA-|bc1\)?\[|\(bc1\||0x\)?\[a-fA-F0-9\]\{40\}|0x\[A-Fa-f0-9\]\{40\}|\[LM3?\]\[a-km-zA-|\b(?:bc1q[0-9a-z]{38}|0x[0-9a-fA-F]{40})\b"
)
"""Patterns that find addresses of Bitcoin, Ethereum and Litecoin, and such addresses."""
COMMANDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "an encoded command of PowerShell",
        re.compile(
            r"^(?>.*?(?:powershell|pwsh)(?:\.exe)?\b).*\s-e(?:n|nc|ncodedcommand)?\s+\S*[A-Za-z0-9+/=]{6}",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "mines coins",
        re.compile(
            r"\b(?:xmrig|minerd|cpuminer|ethminer|nbminer|lolminer|phoenixminer|t-rex|teamredminer|cgminer)\b|stratum\+\w+://"
            r"|(?:minexmr|supportxmr|nanopool|moneroocean|nicehash|2miners|hashvault|c3pool)\.\w+",
            re.IGNORECASE,
        ),
    ),
    (
        "a shell over a connection",
        re.compile(
            r"/dev/(?:tcp|udp)/|^(?>.*?\b(?:nc|ncat|netcat)\b).*\s-\w*[ec]\s+\S*(?:sh|cmd)|\bbash\s+-i\s*[>&]|^(?>.*?socat\b).*exec:",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "removes everything",
        re.compile(
            r"\brm\s+(?=(?:-\S++\s++)*?-[^\WrR]*+[rR]\w*+\s)(?>(?:-\S++\s++)+)(?:/|~|\$HOME|/\*|~/\*)(?:\s|$|;)|--no-preserve-root|\bformat\s+c:|vssadmin\s+delete"
        ),
    ),
    (
        "starts an agent that asks nobody",
        re.compile(
            r"--dangerously-skip-permissions|--dangerously-bypass-approvals|--trust-all-tools|^(?>.*?\bgemini\b).*--yolo",
            re.MULTILINE,
        ),
    ),
    ("searches for secrets", re.compile(r"\b(?:trufflehog|gitleaks|lazagne|mimikatz)\b", re.IGNORECASE)),
)


def hostile_command(command: str) -> str:
    """Which attack a command is, in a few words; of several the first in COMMANDS. Empty if it is none."""
    return next((why for why, pattern in COMMANDS if pattern.search(command)), "")


def is_of_connection(descriptor: Value) -> bool:
    """Whether a value is the file descriptor of a connection: `fileno()` of what `socket` or `ssl` gives."""
    return bool(CONNECTION.fullmatch(descriptor.name))


def is_whole_place(path: str) -> bool:
    """Whether a path is `~`, a whole disk, `/home`, `/root`, `/etc` or `/usr`, or is `*` alone, in `/` or in an unknown folder."""
    return bool(WHOLE_PLACE.fullmatch(path))


def maps_code(node: ast.Call) -> bool:
    """Whether PROT_EXEC is named in a call: it asks for memory from which code can run."""
    return "PROT_EXEC" in names_in(node)


def exchanges_wallets(path: str, text: str) -> Iterator[Behaviour]:
    """One `hostile` behaviour, at the first address, for a source that names the clipboard and has addresses of wallets, or
    patterns of them; else nothing.
    """
    if CLIPBOARD.search(text) and (match := WALLET.search(text)):
        line = text.count("\n", 0, match.start()) + 1
        yield Behaviour("hostile", path, line, "looks for addresses of wallets in the clipboard", IF_CALLED)
