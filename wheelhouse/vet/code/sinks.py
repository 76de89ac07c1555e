"""What a call does that a reviewer must see: the calls of foreign code, judged by name and arguments (pure)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.hidden_members import pickle_calls
from wheelhouse.vet.code.hostile import hostile_command, is_of_connection, is_whole_place
from wheelhouse.vet.code.named_call import MAX_QUOTED, MAX_SEARCHED, Call, Run, Seen, hidden_code, names_in, shortened
from wheelhouse.vet.code.native_sinks import loads_library, maps_memory, runs_address
from wheelhouse.vet.code.started_commands import (
    ASKS,
    INSTALLS,
    SENDING,
    is_harmless,
    program_of,
    reads_program,
    suspicion,
)
from wheelhouse.vet.code.values import GAP, UNKNOWN, Constant, Value, origins_of

WRITING = re.compile(r"[wax+]")
WRITING_FLAG = re.compile(r"\bO_(?:WRONLY|RDWR|APPEND|CREAT)\b")
COMMAND_KEYWORDS = ("args", "cmd", "command", "argv")
PATH_STARTERS = re.compile(r"os\.(?:exec|(spawn))(?:(l)|v)p?(e)?|os\.posix_spawnp?")
"""Functions that start a program by its path and its arguments, the first of which is a name for it."""
PLACE_KEYWORDS = ("src", "dst", "path", "pathname", "top", "database")
PIP_MAIN = re.compile(r"pip(?:\._internal(?:\.cli\.main|\.main)?)?\.(?:main|pipmain)|pip\._internal\.cli\.main")


def judge(call: Call, run: Run) -> Iterator[Seen]:
    """What a call does that a reviewer must see, as pairs of kind and description; nothing if it does nothing such.

    `run` remembers whether a file got fetched data.
    """
    name = call.name
    last = name.rpartition(".")[2]
    if not call.is_spelled and (last in api_names.DANGEROUS or name in api_names.PROCESSES):
        yield "hidden-name", f"calls `{name}` by a name that it builds or looks up"
    if name in api_names.EXECUTORS:
        yield from _executes(call)
    elif name in api_names.LOADERS:
        yield from _loads(call)
    elif name in api_names.PROCESSES:
        yield from _starts(call, run)
    elif name.partition(".")[0] in api_names.NETWORK_ROOTS:
        yield from _connects(call, run)
    if last in _BY_LAST:
        yield from _BY_LAST[last](call, run)
    if last in WATCHERS and api_names.WATCHING.fullmatch(name):
        yield "watches", f"`{name}`"
    if last in INJECTORS and name != last:
        yield "injects", f"`{last}` puts code into memory"
    if api_names.SECRET_CALLS.fullmatch(name):
        yield "secrets", f"`{name}`"


WATCHERS = frozenset(
    """paste copy waitForNewPaste read_clipboard to_clipboard GetClipboardData OpenClipboard SetClipboardData clipboard_get
    clipboard_append grab
    grabclipboard screenshot mss shot save to_png create Listener on_press on_release hook record read_key read_event add_hotkey
    on_click HookManager VideoCapture rec InputStream open GetAsyncKeyState SetWindowsHookExA SetWindowsHookExW InputDevice""".split()  # noqa: SIM905
)
INJECTORS = frozenset(
    """VirtualAlloc VirtualProtect VirtualProtectEx mprotect
    WriteProcessMemory CreateRemoteThread VirtualAllocEx NtCreateThreadEx QueueUserAPC RtlMoveMemory SetThreadContext
    NtMapViewOfSection RtlCreateUserThread""".split()  # noqa: SIM905
)


def _executes(call: Call) -> Iterator[Seen]:
    """`dynamic`, and `fetched-code` or `decoded-code` if the code is made of fetched or decoded data.

    An environment variable counts as decoded for exec, a file of data for all but eval.
    """
    function = call.name.removeprefix("builtins.")
    yield "dynamic", f"`{function}`"
    code = call.argument(0, "source", "code", "object")
    if how := code.how("fetched"):
        yield "fetched-code", f"`{function}` of what `{how}` fetches"
    elif function == "exec" and (how := code.how("variable")):
        yield "decoded-code", f"`exec` of `{how}`"
    elif how := code.how("decoded") or (code.how("data-file") if function != "eval" else ""):
        yield "decoded-code", f"`{function}` of what `{how}` gives"


def _loads(call: Call) -> Iterator[Seen]:
    """`dynamic` for objects that are made of bytes, and one more kind if the bytes are fetched.

    Else, for a call not of marshal, one more if the bytes are decoded, or are a constant pickle that calls something.
    """
    data = call.argument(0, "file")
    pickled = data.constant if isinstance(data.constant, bytes) else b""
    is_marshal = call.name.startswith("marshal")
    yield "dynamic", f"`{call.name}`"
    if how := data.how("fetched"):
        yield "fetched-code", f"`{call.name}` of what `{how}` fetches"
    elif not is_marshal and any(pickle_calls(pickled)):
        yield "decoded-code", f"`{call.name}` of bytes that call something"
    elif (how := data.how("decoded")) and not is_marshal:
        yield "loads-decoded", f"`{call.name}` of what `{how}` gives"


def _command_of(call: Call) -> Value:
    """The command that a call starts, a text or a sequence: the program, then its arguments; UNKNOWN if it is not given.

    The program is that of `executable`, if this is known and no shell is asked for. What a shell or an interpreter reads as its
    program from `input` follows after `<<<`, if anything is known of it.
    """
    if call.name == "asyncio.create_subprocess_exec":
        return _sequence_of(call.arguments)
    if match := PATH_STARTERS.fullmatch(call.name):
        return _program_and_arguments(call, match)
    given = call.argument(0, *COMMAND_KEYWORDS)
    executable = call.keywords.get("executable", UNKNOWN)
    if executable.words and call.keywords.get("shell", NO_SHELL).constant is False:
        given = _started_with(executable, given)
    read = call.keywords.get("input", UNKNOWN)
    if (read.words or read.origins) and reads_program(given.words):
        given = _sequence_of((*(given.items or (given,)), Value(constant="<<<"), read))
    return given


NO_SHELL = Value(constant=False)


def _sequence_of(values: Sequence[Value]) -> Value:
    """A sequence of values, with their origins."""
    return Value(items=tuple(values), origins=origins_of(values))


def _program_and_arguments(call: Call, match: re.Match[str]) -> Value:
    """The program that a function of PATH_STARTERS starts, by its match, and its arguments but the first, without the environment."""
    is_spawned, is_spread, has_environment = match.groups()
    place = 1 if is_spawned else 0
    program = call.argument(place, "path", "file")
    if is_spread:
        return _sequence_of((program, *call.arguments[place + 2 : -1 if has_environment else None]))
    return _started_with(program, call.argument(place + 1, *COMMAND_KEYWORDS))


def _started_with(program: Value, given: Value) -> Value:
    """The sequence of a program and what follows the first item, or the first word, of the arguments that it is given, with all origins.

    Of a text, nothing follows if only unknown pieces do, without an origin.
    """
    if given.items is not None:
        rest = given.items[1:]
    else:
        text = given.words.partition(" ")[2]
        rest = (Value(text=text),) if text.strip(GAP) or given.origins else ()
    return Value(items=(program, *rest), origins=origins_of((program, given)))


def _starts(call: Call, run: Run) -> Iterator[Seen]:
    """The kinds of a process that is started, at least one. That of fetched or decoded data comes alone. That of an attack is the
    last; without one, the last is that of `_weighed`. Of a command, the first MAX_SEARCHED characters count.
    """
    yield from _runs(call, _command_of(call), run)


def _runs(call: Call, given: Value, run: Run) -> Iterator[Seen]:
    """The kinds of a command, as `_starts` has them, whether this call starts it or gives it its program."""
    command = given.words[:MAX_SEARCHED] or GAP
    quoted = shortened(command)
    origins = origins_of((*call.arguments, given))
    kinds = {origin.kind: origin.how for origin in sorted(origins, reverse=True)}
    if how := kinds.get("fetched"):
        yield "fetched-code", f"`{call.name}` of what `{how}` fetches"
        return
    if how := kinds.get("decoded"):
        yield "decoded-code", f"`{call.name}` of what `{how}` gives"
        return
    if carried := _carried_by(given, command):
        yield "sends", f"hands {carried} to `{quoted}`"
    if why := hostile_command(command):
        yield "hostile", f"`{quoted}`: {why}"
        return
    if INSTALLS.search(command):
        yield "installs", f"`{quoted}`: installs something"
    if run.has_fetched_file and not is_harmless(command):
        yield "drops", f"starts `{quoted}` after it fetched a file"
    yield _weighed(call, command, quoted)


def _feeds(call: Call, run: Run) -> Iterator[Seen]:
    """The kinds of what a started shell or interpreter is given as its program, but for `process` and `tool`: its start has those.

    Nothing for any other process, or if nothing is known of what it is given.
    """
    read = call.argument(0, "input")
    if _is_fed(call) and reads_program(call.receiver.text) and (read.words or read.origins):
        given = _sequence_of((Value(text=call.receiver.text), Value(constant="<<<"), read))
        yield from (seen for seen in _runs(call, given, run) if seen[0] not in ("process", "tool"))


def _is_fed(call: Call) -> bool:
    """Whether this is a call of a process, or of its `stdin`."""
    return call.receiver.name.removesuffix(".stdin").removesuffix("()") in api_names.FED


VERSION_OF_UNKNOWN = re.compile(rf"{GAP} (?:--?version|-V|--help)")
"""The command that asks a program, of which nothing is known, for its version or its options."""


def _weighed(call: Call, command: str, quoted: str) -> Seen:
    """The kind and description of a process by its words: `command` if they are suspicious, `asks`, `process`, or `tool`.

    `tool` if the program is usual and not detached, or the words do not name it. A call of startfile is always a `command`.
    """
    is_plain = is_harmless(command)
    if call.name.rpartition(".")[2] == "startfile":
        return "command", f"`{quoted}`: opens a file by its type"
    if why := suspicion(command):
        return "asks" if why == ASKS else "command", f"`{quoted}`: {why}"
    if (" -c " in command or " <<< " in command) and (code := hidden_code(command)):
        return "command", f"`{quoted}`: runs code in a text, `{code}`"
    is_version = VERSION_OF_UNKNOWN.fullmatch(command)
    if _is_silent(call) and not is_plain and not is_version and _names_own_file(command):
        return "command", f"`{quoted}`: starts a file of its own, with no output"
    if (not is_plain or _is_detached(call)) and (program_of(command) or command.startswith(("/", "./"))):
        return "process", f"`{quoted}`"
    return "tool", f"`{quoted}`"


def _carried_by(given: Value, command: str) -> str:
    """What data of this machine a command carries, in words; empty if none.

    Secrets and the environment count for every program, names of the machine only for one that sends.
    """
    carried = _carried((given,))
    is_sending = bool(SENDING.search(command)) or carried.startswith(("secrets", "the environment"))
    return carried if is_sending else ""


def _is_detached(call: Call) -> bool:
    """Whether a process has no output, and either has a session or creation flags of its own, or no input."""
    is_alone = call.keywords.get("start_new_session", UNKNOWN).constant is True or "creationflags" in call.keywords
    stdin = call.keywords.get("stdin", UNKNOWN)
    return _is_silent(call) and (is_alone or stdin.name.endswith("DEVNULL") or stdin.constant == -3)


def _names_own_file(command: str) -> bool:
    """Whether a command contains `__file__`, or begins with an unknown part or `./`."""
    return "__file__" in command or command.startswith((GAP, "./"))


def _is_silent(call: Call) -> bool:
    """Whether both the output and the errors of a process go to DEVNULL, the errors also by STDOUT."""
    output, errors = (call.keywords.get(key, UNKNOWN) for key in ("stdout", "stderr"))
    is_joined = errors.name.endswith("STDOUT") or errors.constant == -2
    return _is_null(output) and (is_joined or _is_null(errors))


def _is_null(stream: Value) -> bool:
    """Whether a stream of a process is DEVNULL."""
    return stream.name.endswith("DEVNULL") or stream.constant == -3


def _connects(call: Call, run: Run) -> Iterator[Seen]:
    """`network` for a connection, with its address, and more kinds for what is sent, by whom it is received, and what is fetched.

    Of a look-up of a name, only `sends`, if the name contains data of this machine. `run` remembers that a file got fetched data.
    """
    name = call.name
    values = call.values
    if api_names.LOOKUPS.fullmatch(name):
        host = call.argument(0, "host", "qname")
        carried = _carried((host,))
        if carried and GAP in host.text and host.text.strip(f"{GAP}.").count("."):
            yield "sends", f"`{name}` of a name that contains {carried}"
        return
    if not api_names.NETWORK.fullmatch(name):
        return
    if carried := _carried((*values, call.receiver)):
        yield "sends", f"`{name}` with {carried}"
    if how := next((value.how("read") for value in values if value.how("read")), ""):
        yield "sends-file", f"`{name}` with what `{how}` gives"
    text = " ".join(value.words for value in values)
    if "169.254.169.254" in text or "metadata.google.internal" in text:
        yield "metadata", "asks the cloud's metadata service, which has credentials"
    if (numeric := api_names.NUMERIC_ADDRESS.search(text)) and api_names.is_public(numeric[1]):
        yield "address", f"`{name}` to `{numeric[0]}`, an address without a name"
    yield "network", f"`{name}`" + (f" to `{shortened(address)}`" if (address := _address(values)) else "")
    if name.rpartition(".")[2] in ("urlretrieve", "download"):
        run.has_fetched_file = True
        path = call.argument(1, "filename", "out").words
        if api_names.PROGRAM_NAME.search(path):
            yield "drops", f"fetches a program, `{shortened(path)}`"


def _address(values: Sequence[Value]) -> str:
    """The first known text with an address (`://`) in it; empty if there is none."""
    return next((value.words for value in values if "://" in value.words), "")


def _carried(values: Sequence[Value]) -> str:
    """What data of this machine values carry, in words: the environment, else secrets, else names of machine or user. Empty if none."""
    origins = origins_of(values)
    for kind, words in (
        ("environment", "the environment"),
        ("secret", "secrets"),
        ("host", "names of this machine or user"),
    ):
        if how := min((origin.how for origin in origins if origin.kind == kind), default=""):
            return f"{words} (`{how}`)"
    return ""


def _opens(call: Call, run: Run) -> Iterator[Seen]:
    """`secrets` for a file with secrets that is read, the kinds of `_writes_to` for one that is written.

    `process` for an address that is opened in the browser. `run` remembers that write_text() or write_bytes() writes fetched data.
    """
    yield from _opens_browser(call, run)
    path = (
        call.argument(0, "file", "path").words
        if call.name in ("builtins.open", "io.open", "os.open", "codecs.open")
        else ""
    )
    path = path or call.receiver.words
    if not path:
        return
    mode = call.argument(1 if call.arguments and path == call.arguments[0].words else 0, "mode").words
    writes_data = call.name.endswith((".write_text", ".write_bytes"))
    if call.name == "os.open":
        is_opened_to_write = bool(WRITING_FLAG.search(names_in(call.node)))
    else:
        is_opened_to_write = call.name.endswith("open") and bool(WRITING.search(mode))
    if writes_data or is_opened_to_write:
        yield from _writes_to(path)
        if writes_data and any(value.how("fetched") for value in call.values):
            run.has_fetched_file = True
    elif match := api_names.SECRET_FILES.search(path):
        yield "secrets", f"opens `{shortened(path) if len(path) < MAX_QUOTED else match[0]}`"


def _writes_to(path: str) -> Iterator[Seen]:
    """`startup` for a path that is read at the start of a system, shell or Python, or is in `site-packages`.

    `tool-settings` for one by which tools run commands. Nothing for other paths.
    """
    if api_names.STARTUP_FILES.search(path):
        yield "startup", f"writes `{shortened(path)}`"
    elif path.endswith(".pth") or "site-packages" in path:
        yield "startup", f"writes `{shortened(path)}`, which Python reads"
    elif api_names.TOOL_SETTINGS.search(path):
        yield "tool-settings", f"writes `{shortened(path)}`, by which git, an editor or an agent runs commands"


def _reads_place(call: Call, _: Run) -> Iterator[Seen]:
    """`secrets` for places of secrets that are listed, copied or opened, and the kinds of `_writes_to` for what shutil copies to."""
    for value in (*call.arguments[:2], *(call.keywords.get(key, UNKNOWN) for key in PLACE_KEYWORDS)):
        if api_names.SECRET_FILES.search(value.words):
            yield "secrets", f"`{call.name}` of `{shortened(value.words)}`"
    if call.name.startswith("shutil."):
        yield from _writes_to(call.argument(1, "dst").words)


def _writes(call: Call, run: Run) -> Iterator[Seen]:
    """`drops` for fetched data written as a program, and `hidden-text` for code that is written; first what `_feeds` has.

    `run` remembers that fetched data are written.
    """
    yield from _feeds(call, run)
    fetched = next((value.how("fetched") for value in call.values if value.how("fetched")), "")
    path = "" if _is_fed(call) else call.receiver.text
    if fetched:
        run.has_fetched_file = True
        if api_names.PROGRAM_NAME.search(path):
            yield "drops", f"writes what `{fetched}` fetches as a program, `{shortened(path)}`"
    for value in call.values:
        if isinstance(value.constant, str | bytes) and (code := hidden_code(value.words)):
            yield "hidden-text", f"writes code into a file: `{code}`"


def _copies(call: Call, run: Run) -> Iterator[Seen]:
    """`drops` for fetched data that are copied into a program. `run` remembers that they are written."""
    if how := call.argument(0).how("fetched"):
        run.has_fetched_file = True
        path = call.argument(1).text
        if api_names.PROGRAM_NAME.search(path):
            yield "drops", f"writes what `{how}` fetches as a program, `{shortened(path)}`"


def _runs_file(call: Call, run: Run) -> Iterator[Seen]:
    """`drops` for a file that is run as Python code, if a file got fetched data before; else nothing."""
    if run.has_fetched_file:
        yield "drops", f"runs a file that it fetched: `{call.name}`"


def _permits(call: Call, run: Run) -> Iterator[Seen]:
    """`drops` for a chmod after a file got fetched data, or a file that then gets the name of a program, and the kinds of `_writes_to`
    for the new name of a file.
    """
    renamed = UNKNOWN
    if call.name in ("os.rename", "os.replace", "shutil.move"):
        renamed = call.argument(1, "dst")
    elif call.name in ("pathlib.Path().rename", "pathlib.Path().replace"):
        renamed = call.argument(0, "target")
    path = renamed.words
    yield from _writes_to(path)
    if run.has_fetched_file and (call.name.endswith(".chmod") or api_names.PROGRAM_NAME.search(path)):
        yield "drops", f"fetches a file and makes it a program: `{call.name}`"


def _duplicates(call: Call, _: Run) -> Iterator[Seen]:
    """`hostile` for a connection in place of any file descriptor: a shell that is started next talks over it."""
    if is_of_connection(call.argument(0, "fd")):
        yield "hostile", "puts a connection in place of input and output, as a remote shell does"


def _removes_tree(call: Call, _: Run) -> Iterator[Seen]:
    """`hostile` for all of a home folder, a disk or a folder of the system that is removed."""
    if is_whole_place(path := call.argument(0, "path").words):
        yield "hostile", f"removes `{shortened(path)}` and all that is in it"


def _reads_settings(call: Call, _: Run) -> Iterator[Seen]:
    """`secrets` for a file with secrets that configparser reads."""
    path = call.argument(0, "filenames").words
    if call.name.startswith("configparser.") and api_names.SECRET_FILES.search(path):
        yield "secrets", f"reads `{shortened(path)}`"


def _installs(call: Call, _: Run) -> Iterator[Seen]:
    """`installs` for pip's own function, if the word `install` is in its first argument."""
    words = call.argument(0, "args").words
    if PIP_MAIN.fullmatch(call.name) and "install" in words.split():
        yield "installs", f"`{call.name}`: `{shortened(words)}`"


def _opens_browser(call: Call, _: Run) -> Iterator[Seen]:
    """`process` for an address that is opened in the browser of the user."""
    if call.name.startswith("webbrowser."):
        yield "process", f"opens `{shortened(call.argument(0, 'url').words or GAP)}` in the browser"


def _registers(call: Call, _: Run) -> Iterator[Seen]:
    """`startup` for a key of Windows' registry that starts programs, also if it is only opened."""
    if any(re.search(r"CurrentVersion\\+Run", value.words, re.IGNORECASE) for value in call.arguments):
        yield "startup", "writes a key of the registry that starts programs"


def sets_variable(variable: Constant) -> Iterator[Seen]:
    """`injects` for a variable of the environment that loads a library into each program that is started; nothing for others."""
    if variable in ("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"):
        yield "injects", f"sets `{variable}`, which loads a library into each program that starts"


def _exports(call: Call, _: Run) -> Iterator[Seen]:
    """The kinds of `sets_variable` for each variable of the environment that a call sets."""
    if call.name in ("os.putenv", "os.environ.setdefault"):
        yield from sets_variable(call.argument(0, "key").constant)
    elif call.name == "os.environ.update":
        for variable in (*call.keywords, *(call.argument(0).entries or ())):
            yield from sets_variable(variable)


def _sets_up(call: Call, _: Run) -> Iterator[Seen]:
    """`install-command` for a setup() that has its own commands in place of those of an install."""
    entries = call.keywords.get("cmdclass", UNKNOWN).entries or {}
    commands = [str(key) for key in entries if key in INSTALL_COMMANDS]
    if commands:
        yield "install-command", f"setup() has its own `{'`, `'.join(sorted(commands))}`"


INSTALL_COMMANDS = frozenset(("install", "develop", "egg_info", "install_lib", "install_scripts", "install_data"))
_BY_LAST: Mapping[str, Callable[[Call, Run], Iterator[Seen]]] = {
    **dict.fromkeys(("open", "read_text", "read_bytes", "write_text", "write_bytes"), _opens),
    **dict.fromkeys(
        ("copy", "copy2", "copyfile", "copytree", "connect", "listdir", "walk", "glob", "iglob", "scandir"),
        _reads_place,
    ),
    **dict.fromkeys(("write", "writelines"), _writes),
    **dict.fromkeys(("chmod", "rename", "replace", "move"), _permits),
    **dict.fromkeys(("CDLL", "WinDLL", "LoadLibrary", "PyDLL", "OleDLL"), loads_library),
    **dict.fromkeys(("SetValueEx", "SetValue", "RegSetValueEx", "CreateKey", "OpenKey"), _registers),
    **dict.fromkeys(("open_new", "open_new_tab"), _opens_browser),
    **dict.fromkeys(("cast", "CFUNCTYPE()", "WINFUNCTYPE()", "PYFUNCTYPE()"), runs_address),
    "communicate": _feeds,
    "copyfileobj": _copies,
    "dup2": _duplicates,
    "rmtree": _removes_tree,
    "mmap": maps_memory,
    "read": _reads_settings,
    **dict.fromkeys(("main", "pipmain"), _installs),
    **dict.fromkeys(("run_path", "exec_module", "load_module", "SourceFileLoader"), _runs_file),
    "setup": _sets_up,
    **dict.fromkeys(("putenv", "setdefault", "update"), _exports),
}
