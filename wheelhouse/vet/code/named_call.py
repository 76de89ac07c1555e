"""A call of a named thing in foreign code, and the value that it gives (pure)."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.values import GAP, UNKNOWN, Origin, Value, origins_of

MAX_QUOTED = 80
DATA_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|bmp|ico|webp|wav|mp3|mp4|ttf|woff2?|dat|bin|db|log|tmp|pdf|zip)$", re.IGNORECASE
)
"""Names of files that hold no code."""
TEMPORARY = "%TEMP%"
Seen = tuple[str, str]
"""Kind and description of a behaviour."""


@dataclass(slots=True, eq=False)
class Call:
    """A call of a named thing, with the values of its arguments. `receiver` is the value of `x` in `x.f()`."""

    name: str
    arguments: Sequence[Value]
    keywords: Mapping[str, Value]
    node: ast.Call
    receiver: Value
    is_spelled: bool

    @property
    def values(self) -> tuple[Value, ...]:
        """The values of all arguments, first by place, then by keyword; without the receiver."""
        return (*self.arguments, *self.keywords.values())

    def argument(self, place: int, *names: str) -> Value:
        """The argument at a place, else the first of these keywords that is given; UNKNOWN if there is neither."""
        if place < len(self.arguments):
            return self.arguments[place]
        return next((self.keywords[name] for name in names if name in self.keywords), UNKNOWN)


@dataclass(slots=True, eq=False)
class Run:
    """What one run of code has done so far: a module's import, or a function and what it calls.

    `has_fetched_file` is whether a file got fetched data.
    """

    has_fetched_file: bool = False


CODE_WORDS = re.compile(
    r"\b(?:exec|eval)\s*\(.{0,80}(?:urlopen|requests|b64decode|decompress|marshal|__import__|\.read\(\))|\b__import__\s*\(\s*['\"](?:os|subprocess|socket|base64|requests|urllib|builtins|ctypes|marshal|zlib)\b|"
    r"\bimport\s+(?:os|subprocess|socket|base64|requests|urllib)\b.{0,4000}\b(?:system|popen|Popen|exec|eval|urlopen|connect|post)\s*\(|"
    r"\b(?:powershell|cmd\.exe)\b|(?:curl|wget)\s+(?:-\S+\s+)*https?:|\|\s*(?:ba)?sh\b|/dev/tcp/|\bos\.(?:system|popen)\(|\bsubprocess\.\w+\(",
    re.DOTALL | re.IGNORECASE,
)


def hidden_code(text: str) -> str:
    """The first part of a text that is code or a command, shortened to one line; empty if there is none.

    Only the first 64 Ki characters are searched.
    """
    match = CODE_WORDS.search(text[:MAX_SEARCHED])
    return shortened(match[0]) if match else ""


MAX_SEARCHED = 1 << 16
PACKAGE_DATA = frozenset(("pkgutil.get_data", "importlib.resources.read_binary", "importlib.resources.read_text"))


def _of_file(kind: str, how: str, path: str) -> frozenset[Origin]:
    """The origin of what is read of a file. If the suffix is one of files without code, also the origin `data-file`."""
    origins = frozenset((Origin(kind, how),))
    return origins | {Origin("data-file", f"open('{shortened(path)}')")} if DATA_FILE.search(path) else origins


def shortened(text: str) -> str:
    """A text on one line, each run of blanks as one blank; cut after MAX_QUOTED characters, with GAP at the end."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTED else f"{line[:MAX_QUOTED]}{GAP}"


def names_in(node: ast.expr) -> str:
    """The names, attributes and texts in an expression, with blanks between."""
    parts = [getattr(part, field, None) for part in ast.walk(node) for field in ("id", "attr", "value")]
    return " ".join(part for part in parts if isinstance(part, str))


def result_of(call: Call) -> Value:
    """The value that a call of a named thing gives: its name with `()`, and the origins of arguments and receiver.

    A call that decodes, that asks about the host, or that returns a secret adds an origin of its own. What is fetched
    or read from a file has no other origins than that, and perhaps `data-file`; what is read from a file also has its path as
    text, unless it is data of a package. A temporary folder has TEMPORARY as text, `__file__.replace(a, b)` a GAP and `b`, a
    process that can still be given input its command.
    """
    name = call.name
    text = ""
    last = name.rpartition(".")[2]
    origins = origins_of((*call.arguments, *call.keywords.values(), call.receiver))
    if name in api_names.DECODERS or api_names.DECRYPTING.search(name) or api_names.REVEALING.search(name):
        origins = origins | {Origin("decoded", name)}
    elif api_names.NETWORK.fullmatch(name):
        origins = frozenset((Origin("fetched", name),))
    elif name in api_names.HOST_CALLS:
        origins = origins | {Origin("host", name)}
    elif name == "__file__.replace":
        text = f"{GAP}{call.argument(1).words}"
    elif name in ("tempfile.gettempdir", "tempfile.mkdtemp"):
        text = TEMPORARY
    elif name in api_names.FED:
        words = call.arguments if name.endswith("_exec") else (call.argument(0, "args", "cmd", "command"),)
        text = " ".join(value.words or GAP for value in words)
    elif name in PACKAGE_DATA:
        origins = _of_file("read", name, call.argument(1, "resource").words)
    elif last in ("open", "read_text", "read_bytes"):
        text = (
            call.argument(0, "file").words if call.name in ("builtins.open", "io.open", "codecs.open") else ""
        ) or call.receiver.words
        kind = "secret" if api_names.SECRET_FILES.search(text) else "read"
        origins = _of_file(kind, name.removeprefix("builtins."), text)
    elif api_names.SECRET_CALLS.fullmatch(name):
        origins = origins | {Origin("secret", name)}
    return Value(name=f"{name}()", text=text, origins=origins)
