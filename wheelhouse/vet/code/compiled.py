"""Compares compiled modules with their source: by what this Python compiles it to, else by their names and texts (pure).

Source: PEP 552 (the header of a .pyc), PEP 3147 (`__pycache__`).
"""

import ast
import marshal
import re
import struct
import unicodedata
import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from wheelhouse.documents import too_deep_as
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.marshal_reader import Code, MarshalError, Plain, read_marshal
from wheelhouse.vet.code.named_call import shortened
from wheelhouse.vet.code.source import UnparsedError, decoded_source, syntax_tree

CACHED = re.compile(r"(?P<folder>.*/)?__pycache__/(?P<module>[^/]+?)\.[^/.]+(?:\.opt-(?P<level>[12]))?\.pyc")
HEADER_BYTES = 16
HASH_BASED = 1
OLDEST_MAGIC = 3390
"""The first magic number of Python 3.7."""
MAX_COMPARED_BYTES = 2 << 20
"""The longest source and the longest compiled module that are compared."""
COMPARED_FIELDS = (
    *("argcount", "posonlyargcount", "kwonlyargcount", "flags", "code", "names", "varnames", "kinds"),
    *("exceptions", "name"),
)
"""The fields of code that say what it does; not file names, lines and sizes. The constants are compared by themselves."""
MADE_BY_COMPILERS = re.compile(
    r"__\w+|\.\w+|(?:[\w<>]+\.)*<\w+>(?:\.[\w<>]+)*|AssertionError|annotations|Template|Interpolation|format|return"
)
"""Names that compilers put into code by themselves, as `__module__`, `.0` and `f.<locals>.g`."""
MANGLED = re.compile(r"^_[^_]\w*?(?=__)")
REPEATED = re.compile(r"(.{1,40}?)\1{3,}", re.DOTALL)
"""What a compiler makes of `'-' * 60`."""
MAX_NAMED = 4


def source_path(path: str) -> str | None:
    """The path of the source that a compiled module in `__pycache__` is of; None for any other member."""
    match = CACHED.fullmatch(path)
    return _source_path(match) if match else None


def _source_path(match: re.Match[str]) -> str:
    """The path of the source by a match of CACHED."""
    return f"{match['folder'] or ''}{match['module']}.py"


def unlike_source(compiled: Mapping[str, bytes], sources: Mapping[str, bytes], own_magic: int) -> Iterator[Behaviour]:
    """A behaviour for each compiled module that Python may run in place of a source that says something else, in the order of paths.

    `own_magic` is the magic number of the Python that runs this; of what another Python compiled, only names and texts
    are compared. One that cannot be read counts, too. Modules outside `__pycache__` or without a source are passed
    over, and those whose header has another size than the source: Python compiles that source anew. Also passed over
    are modules of a Python before 3.7, those that are too long to compare or whose source is, and those that can be
    read and whose source does not parse.
    """
    for path, data in sorted(compiled.items()):
        match = CACHED.fullmatch(path)
        if match is None:
            continue
        source, level = sources.get(_source_path(match)), int(match["level"] or 0)
        if source is not None and _may_run(data, source) and (what := _difference(data, source, level, own_magic)):
            yield Behaviour("unlike-pyc", path, 0, what)


def _may_run(data: bytes, source: bytes) -> bool:
    """Whether Python may take a compiled module for the source: it is bound by any hash, or has the size of the source.

    Hash and time are not compared. False for one of a Python before 3.7, and without a whole header.
    """
    if len(data) < HEADER_BYTES or data[2:4] != b"\r\n" or int.from_bytes(data[:2], "little") < OLDEST_MAGIC:
        return False
    flags, _, size = struct.unpack("<III", data[4:HEADER_BYTES])
    return bool(flags & HASH_BASED) or size == len(source) & 0xFFFFFFFF


def _difference(data: bytes, source: bytes, level: int, own_magic: int) -> str:
    """How a compiled module of a level of optimisation differs from its source, or that it cannot be read.

    Empty if it does not, if one of them is too long, or if the module can be read and the source does not parse. If
    another Python compiled it, or the source does not compile here, only names and texts are compared.
    """
    if max(len(data), len(source)) > MAX_COMPARED_BYTES:
        return ""
    magic = int.from_bytes(data[:2], "little")
    try:
        code = read_marshal(data[HEADER_BYTES:], magic)
    except MarshalError as error:
        return f"it cannot be read: {error}"
    try:
        text = decoded_source(source)
        with warnings.catch_warnings(), too_deep_as(ValueError):
            warnings.simplefilter("ignore")
            tree = syntax_tree(text)
            made = _made(tree, level, magic) if magic == own_magic else None
    except (UnparsedError, SyntaxError, ValueError, MemoryError):
        return ""
    if made is not None and made == _meaning(code):
        return ""
    if foreign := _foreign(code, text, tree):
        return f"it has {', '.join(f'`{shortened(one)}`' for one in foreign[:MAX_NAMED])}"
    return "" if made is None else "its instructions are not those of its source"


def _made(tree: ast.Module, level: int, magic: int) -> Any:  # noqa: ANN401  (any value of marshal data)
    """What this Python, of this magic number, compiles a tree to, by `_meaning`.

    None if the tree does not compile, as with a `return` at its top, or if the result is nested too deeply to be read.
    """
    try:
        data = marshal.dumps(compile(tree, "its source", "exec", dont_inherit=True, optimize=level))
        return _meaning(read_marshal(data, magic))
    except (SyntaxError, MarshalError):
        return None


def _meaning(value: Any) -> Any:  # noqa: ANN401  (any value of marshal data)
    """Code as a tuple of the fields that say what it does, and of its constants; a tuple of such; any other value as it is."""
    if isinstance(value, Code):
        known = dict(value.fields)
        return (*(known.get(name) for name in COMPARED_FIELDS), _meaning(known["consts"]))
    return tuple(map(_meaning, value)) if isinstance(value, tuple) else value


def _foreign(code: Any, text: str, tree: ast.AST) -> list[str]:  # noqa: ANN401  (any value of marshal data)
    """The names and texts of compiled code that are nowhere in a source and that no compiler makes, sorted, each once.

    `no code` alone if the value is no code.
    """
    if not isinstance(code, Code):
        return ["no code"]
    constants = sorted(
        (one for one in ast.walk(tree) if isinstance(one, ast.Constant)), key=lambda one: (one.lineno, one.col_offset)
    )
    literals = [one.value for one in constants if isinstance(one.value, str | bytes)]
    texts = [one if isinstance(one, str) else one.decode("latin-1") for one in literals]
    words = set(re.findall(r"\w+", f"{text} {unicodedata.normalize('NFKC', text)}"))  # PEP 3131
    everything = _squeezed(text) + "\0" + _squeezed("".join(texts))
    return sorted(name for name in set(_names_and_texts(code)) if not _is_known(name, words, everything))


def _names_and_texts(code: Code) -> Iterator[str]:
    """The names and texts of code, and of the code inside it, bytes read as Latin-1; some several times."""
    queue: list[Any] = [code]
    seen: set[int] = set()
    for value in queue:
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Code):
            queue += (value["names"], value["varnames"], value["consts"])
        elif isinstance(value, tuple):
            queue += value
        elif isinstance(value, Plain) and value.kind in ("set", "list", "slice"):
            queue += value.value
        elif isinstance(value, str | bytes):
            yield value if isinstance(value, str) else value.decode("latin-1")


def _is_known(name: str, words: Collection[str], everything: str) -> bool:
    """Whether a name or text of compiled code is in the source, or is one that compilers make. `words` are those of the
    source; `everything` is the source, squeezed already.
    """
    if MADE_BY_COMPILERS.fullmatch(name) or all(MANGLED.sub("", part) in words for part in name.split(".")):
        return True
    squeezed = _squeezed(name)
    return squeezed in everything or all(piece in everything for piece in REPEATED.split(squeezed))


def _squeezed(text: str) -> str:
    """A text without blanks, quotes, brackets and most punctuation: compilers clean docstrings, join texts and write annotations anew."""
    return re.sub(r"[^\w./:@#&=?-]+", "", text)
