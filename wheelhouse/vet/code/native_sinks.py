"""Calls that bring machine code into the process: memory that runs, libraries from odd places, bytes that are called (pure)."""

import re
from collections.abc import Iterator

from wheelhouse.vet.code.hostile import maps_code
from wheelhouse.vet.code.named_call import Call, Run, Seen, shortened

OPEN_FOLDER = re.compile(
    r"%(?:TEMP|TMP|APPDATA|LOCALAPPDATA|PROGRAMDATA)%|/tmp/|/var/tmp/|/dev/shm/|~[/\\]|[A-Za-z]:[/\\]+(?:Users[/\\]+Public|Windows[/\\]+Temp)\b"
)
"""Folders from which no installed library is loaded."""
NATIVE_TYPES = ("ctypes.CFUNCTYPE()", "ctypes.WINFUNCTYPE()", "ctypes.PYFUNCTYPE()")
NATIVE_BYTES = frozenset(("ctypes.create_string_buffer()", "ctypes.c_char_p()", "ctypes.addressof()"))


def maps_memory(call: Call, _: Run) -> Iterator[Seen]:
    """`injects` if a call names PROT_EXEC, and so asks for memory from which code can run; else nothing."""
    if maps_code(call.node):
        yield "injects", "asks for memory from which it can run code"


def loads_library(call: Call, _: Run) -> Iterator[Seen]:
    """`injects` if a library of native code is loaded from a folder that no install writes, or has the suffix of a Python file, text,
    image, data, log or temporary file; else nothing.
    """
    path = call.argument(0, "name").words
    if re.search(r"\.(?:py|txt|dat|png|jpg|gif|json|log|tmp)$", path):
        yield "injects", f"loads `{shortened(path)}` as native code"
    elif OPEN_FOLDER.match(path):
        yield "injects", f"loads `{shortened(path)}` as native code, from a folder that no install writes"


def runs_address(call: Call, _: Run) -> Iterator[Seen]:
    """`injects` if bytes are called as a function of native code; else nothing."""
    is_cast = call.name == "ctypes.cast" and call.argument(1, "typ").name in NATIVE_TYPES
    if (is_cast and call.argument(0).name in NATIVE_BYTES) or (
        call.name in NATIVE_TYPES and call.argument(0).name.startswith(("ctypes.addressof()", "ctypes.cast()"))
    ):
        yield "injects", "calls bytes as native code"
