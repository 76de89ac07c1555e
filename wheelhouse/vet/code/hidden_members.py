"""Members that are not what they seem: programs inside images, pickles that call, compiled modules without their source (pure)."""

import codecs
import pickletools
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice

from wheelhouse.vet.code.behaviour import Behaviour

MAX_MEMBER_BYTES = 8 << 20
"""The most bytes of one such member that are looked at."""
MAX_PICKLE_STEPS = 100_000
MARK = pickletools.markobject
OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
MEDIA = re.compile(r"\.(?:png|jpe?g|gif|bmp|ico|webp|tiff?|wav|mp3|ogg|flac|mp4|ttf|otf|woff2?|eot)$", re.IGNORECASE)
PICKLES = re.compile(r"\.(?:pkl|pickle|pckl|p|joblib|dill)$", re.IGNORECASE)
COMPILED = re.compile(r"\.py[co]$")
PROGRAMS = (
    ("a program for Linux", re.compile(rb"\x7fELF[\x01\x02]\x01\x01[\x00-\x12]\x00{7}")),
    ("a program for Windows", re.compile(rb"MZ[^\x00]?.{0,200}This program cannot be run in DOS mode", re.DOTALL)),
    ("a zip", re.compile(rb"PK\x03\x04.{20,}PK\x05\x06", re.DOTALL)),
    ("a script", re.compile(rb"\n?#!/(?:usr/)?bin/(?:env |ba)?(?:sh|bash|python)")),
    (
        "Python code",
        re.compile(
            rb"\bimport (?:os|subprocess|base64|socket)\b.{0,2000}\b(?:exec|eval|system|Popen|connect)\s*\(", re.DOTALL
        ),
    ),
)
ENCODED_PROGRAMS = (
    ("a program for Linux", re.compile(rb"f0VMR[gi](?:IB|EB)AQ[A-Za-z0-9+/]{200}")),
    ("a program for Windows", re.compile(rb"TV(?:qQ|pQ|oA|pB)AA[A-Z]A{3,}[A-Za-z0-9+/]{200}")),
)
"""How a program begins if it is written as base64."""
START_OF_PNG = b"\x89PNG\r\n\x1a\n"
END_OF_PNG = b"IEND\xaeB`\x82"
DANGEROUS_MODULES = frozenset(
    """os posix nt subprocess sys socket pty runpy importlib ctypes shutil webbrowser commands builtins __builtin__ code
    requests urllib.request http.client asyncio multiprocessing.util marshal types _posixsubprocess pdb bdb pydoc timeit profile
    cProfile trace doctest pip ensurepip""".split()  # noqa: SIM905
)
HARMLESS_BUILTINS = frozenset(
    """object set frozenset dict list tuple bytearray bytes complex slice range int float str bool type getattr print
    xrange long unicode reversed enumerate property""".split()  # noqa: SIM905
)
HARMLESS_TYPES = frozenset(("SimpleNamespace", "MappingProxyType", "NoneType"))


def is_looked_at(name: str) -> bool:
    """Whether the suffix of a member's name is that of an image, sound, video or font, of a pickle, or of compiled Python."""
    return bool(MEDIA.search(name) or PICKLES.search(name) or COMPILED.search(name))


def look_at(name: str, kind: str, data: bytes) -> Iterator[Behaviour]:
    """What a member hides, by the suffix of its name; nothing for other suffixes. `kind` is what its first bytes say.

    Compiled Python is a finding only if its header forbids the comparison with the source.
    """
    if MEDIA.search(name):
        yield from _inside_media(name, kind, data)
    elif PICKLES.search(name):
        for called in sorted(set(pickle_calls(data))):
            yield Behaviour("pickle-calls", name, 0, f"`{called}`")
    elif COMPILED.search(name) and len(data) >= 16 and data[2:4] == b"\r\n" and data[4:8] == b"\x01\0\0\0":
        yield Behaviour("unchecked-pyc", name, 0, "its header says that Python must not compare it with its source")


def _inside_media(name: str, kind: str, data: bytes) -> Iterator[Behaviour]:
    """At most one `disguised`, for a member with the name of an image or the like.

    Its first bytes, by their `kind`, are a program's, a script's or a zip's; or it has one, or Python code, behind the first
    end of a PNG, or in another format after its first 64 bytes.
    """
    if kind in ("elf", "pe", "macho", "script", "zip"):
        yield Behaviour("disguised", name, 0, f"it begins as {kind}, not as its name says")
        return
    end = data.find(END_OF_PNG)
    start = end + len(END_OF_PNG) if end >= 0 else 64
    rest = data[start if data.startswith(START_OF_PNG) else min(start, 64) :]
    for what, pattern in (*PROGRAMS, *ENCODED_PROGRAMS):
        if pattern.search(rest):
            yield Behaviour("disguised", name, 0, f"it has {what} inside or behind its data")
            return


def encoded_program(path: str, data: bytes) -> Iterator[Behaviour]:
    """A `disguised` for each kind of program that a source has as base64, at the line where the first one begins."""
    for what, pattern in ENCODED_PROGRAMS:
        if match := pattern.search(data):
            yield Behaviour("disguised", path, data.count(b"\n", 0, match.start()) + 1, f"it has {what} as base64")


def pickle_calls(data: bytes) -> Iterator[str]:
    """The dotted names of the dangerous functions and classes that a pickle names, some several times, as `_dangerous` says.

    Nothing is loaded: at most MAX_PICKLE_STEPS opcodes are read, up to the first end of a pickle or the first damage, with
    the texts that they put on the stack. Nothing is raised.
    """
    stack: list[object] = []
    memo: dict[object, object] = {}
    with suppress(Exception):
        for opcode, argument in islice(_opcodes(data), MAX_PICKLE_STEPS):
            value: object = argument
            match opcode.name:
                case "GLOBAL" | "INST":
                    module, _, name = str(argument).partition(" ")
                    yield from _dangerous(module, name)
                    value = None
                case "STACK_GLOBAL":
                    yield from _dangerous(stack[-2], stack[-1])
                case "PUT" | "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "MEMOIZE":
                    value = memo[len(memo)] = stack[-1]
                case "DUP":
                    value = stack[-1]
                case "GET" | "BINGET" | "LONG_BINGET":
                    value = memo[argument]
            _take_step(stack, opcode, value)


class _Stream:
    """Bytes in memory, with the methods of a file that the readers of `pickletools` call."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def read(self, size: int) -> bytes:
        """The next bytes, fewer if there are no more."""
        data = self._data[self._place : self._place + size]
        self._place += len(data)
        return data

    def readline(self) -> bytes:
        """The next line with its end, or all that is left if it has none."""
        end = self._data.find(b"\n", self._place) + 1 or len(self._data)
        return self.read(end - self._place)


def _opcodes(data: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, object]]:
    """The opcodes of a pickle up to its first end, each with its argument, if it has one. Any error is damage.

    `pickletools.genops` refuses what `pickle.loads` reads: a number as `0x1` or with a null byte, and letters that are not ASCII.
    """
    stream = _Stream(data)
    while code := stream.read(1):
        opcode = OPCODES[code]
        argument: object = None
        match opcode.name:
            case "INT" | "LONG" | "FLOAT":
                argument = _line(stream)
            case "PUT" | "GET":
                argument = int(_line(stream).partition(b"\0")[0])
            case "STRING":
                argument = codecs.escape_decode(_line(stream)[1:-1])[0].decode("latin-1")
            case "GLOBAL" | "INST":
                argument = f"{_line(stream).decode()} {_line(stream).decode()}"
            case _ if opcode.arg:
                argument = opcode.arg.reader(stream)  # type: ignore[arg-type]
        yield opcode, argument
        if opcode.name == "STOP":
            return


def _line(stream: _Stream) -> bytes:
    """The next line without its end. Raises ValueError if it has none."""
    line = stream.readline()
    return line[: line.index(b"\n")]


def _take_step(stack: list[object], opcode: pickletools.OpcodeInfo, value: object) -> None:
    """Change the stack of a pickle as an opcode does; each object that the opcode puts there is `value`, unless it is a mark."""
    taken = opcode.stack_before
    if MARK in taken:
        while stack.pop() is not MARK:
            pass
        taken = taken[: taken.index(MARK)]
    del stack[len(stack) - len(taken) :]
    stack.extend(MARK if one is MARK else value for one in opcode.stack_after)


def _dangerous(module: object, name: object) -> Iterator[str]:
    """The dotted name, if the module is dangerous and the name not known to be harmless, or if the name leads into such a module.

    A name leads into a dangerous module if a part of it is one: `os.system` and `_os.system` of any module that imports `os`. A module
    or name that is no text is only known when the pickle is loaded: it counts as dangerous, and is `…` in the dotted name. Else nothing.
    """
    if not (isinstance(module, str) and isinstance(name, str)):
        yield ".".join(one if isinstance(one, str) else "…" for one in (module, name))
        return
    is_harmless = name in HARMLESS_BUILTINS if module in ("builtins", "__builtin__") else name in HARMLESS_TYPES
    leads = any(part.lstrip("_") in DANGEROUS_MODULES for part in name.split("."))
    if leads or (module in DANGEROUS_MODULES and not is_harmless):
        yield f"{module}.{name}"


def without_source(names: Collection[str]) -> Iterator[Behaviour]:
    """A `sourceless-pyc` for each compiled module outside `__pycache__` that has no source beside it."""
    for name in names:
        if COMPILED.search(name) and "/__pycache__/" not in f"/{name}" and f"{name[:-1]}" not in names:
            yield Behaviour("sourceless-pyc", name, 0, "only compiled code, without its source")
