"""Calls of constants that are computed here, within bounds: joins, slices, encodings, base64, compression (pure)."""

import base64
import binascii
import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import and_, floordiv, mod, mul, or_, rshift, sub, xor
from types import MappingProxyType

from wheelhouse.vet.code.values import MISSING, Constant, Value

MAX_BYTES = 1 << 20
"""The longest result; a longer one is MISSING."""
MAX_ITEMS = 1 << 16
FORMAT_FIELD = re.compile(r"\{(?:\d{0,2}|[A-Za-z_]\w{0,40})\}")
PERCENT_FIELD = re.compile(r"%[sdrcxX]")
CODECS = re.compile(
    r"utf[_-]?(?:7|8|16|32)(?:[_-]?sig|[_-]?[lb]e)?|ascii|us-ascii|latin[_-]?1|iso[_-]?8859[_-]?\d+|cp\d{3,4}|windows[_-]?125\d"
    r"|(?:raw[_-]?)?unicode[_-]?escape|rot[_-]?13|hex(?:[_-]codec)?|base64(?:[_-]codec)?|koi8[_-]r|mac[_-]?roman",
    re.IGNORECASE,
)
HIDING_CODEC = re.compile(
    r"rot[_-]?13|hex(?:[_-]codec)?|base64(?:[_-]codec)?|zlib(?:[_-]codec)?|bz2(?:[_-]codec)?|uu(?:[_-]codec)?|utf[_-]?7"
    r"|cp(?:037|273|424|500|875|1026|1140|1047)|(?:raw[_-]?)?unicode[_-]?escape|punycode|ebcdic\S*",
    re.IGNORECASE,
)
"""Encodings in which nobody can read a text."""
TEXT_METHODS = frozenset(
    """lower upper swapcase title capitalize strip lstrip rstrip split rsplit splitlines removeprefix removesuffix partition
    rpartition hex encode decode isoformat casefold""".split()  # noqa: SIM905
)


def fold_method(
    constant: Constant, method: str, arguments: Sequence[Constant], keywords: Mapping[str, Constant]
) -> Constant:
    """The result of a method of a constant text or bytes.

    MISSING if it is not computed here or too long, an argument is not known, or Python raises an error.
    """
    if not isinstance(constant, str | bytes) or any(one is MISSING for one in (*arguments, *keywords.values())):
        return MISSING
    with suppress(Exception):  # whatever the code would raise
        if method in ("encode", "decode"):
            return _coded(constant, method, arguments, keywords)
        if method in TEXT_METHODS:
            return _bounded(getattr(constant, method)(*arguments, **keywords))
        special = _METHODS.get(method)
        if special:
            return _bounded(special(constant, arguments, keywords))
    return MISSING


def _coded(constant: str | bytes, method: str, arguments: Sequence[object], keywords: Mapping[str, object]) -> Constant:
    """The result of `encode` or `decode` with the codec of the first argument or of `encoding`; UTF-8 without one. `errors`
    does not count. MISSING as `recoded` says; nothing is raised.
    """
    codec = str(arguments[0] if arguments else keywords.get("encoding", "utf-8"))
    return recoded(constant, codec, decoding=method == "decode")


def recoded(constant: object, codec: str, *, decoding: bool) -> Constant:
    """A constant decoded from, or encoded in, a codec: text or bytes.

    MISSING if the codec is not computed here, the constant is too long, or it does not fit the codec.
    """
    if not CODECS.fullmatch(codec) or not isinstance(constant, str | bytes) or len(constant) > MAX_BYTES:
        return MISSING
    with suppress(LookupError, UnicodeError, TypeError, ValueError):
        return _decoded(constant, codec) if decoding else _encoded(constant, codec)
    return MISSING


def _decoded(constant: str | bytes, codec: str) -> Constant:
    """What a constant is in a codec: bytes for base64 and hex, else text. Raises what the codec raises.

    MISSING for a text in any codec but those, ROT13 and `unicode_escape`.
    """
    family = next(
        (name for name in ("base64", "hex", "rot", "unicode_escape") if name in codec.lower().replace("-", "_")), ""
    )
    if family == "base64":
        return base64.b64decode(constant)
    if family == "hex":
        return binascii.unhexlify(constant)
    if family == "rot":
        return codecs.encode(constant if isinstance(constant, str) else constant.decode("latin-1"), "rot13")
    data = constant.encode("latin-1", "replace") if isinstance(constant, str) and family else constant
    return data.decode(codec) if isinstance(data, bytes) else MISSING


def _encoded(constant: str | bytes, codec: str) -> Constant:
    """A text in a codec: bytes, but a text for ROT13; MISSING for bytes. Raises what the codec raises."""
    if not isinstance(constant, str):
        return MISSING
    return codecs.encode(constant, "rot13") if codec.lower().startswith("rot") else constant.encode(codec)


def _replace(constant: str | bytes, arguments: Sequence[object], keywords: Mapping[str, object]) -> object:
    """`constant.replace(old, new, count)`; MISSING if the result could be too long."""
    old, new, *count = (*arguments, *keywords.values())
    if len(constant) * max(1, len(new)) > MAX_BYTES * 4:  # type: ignore[arg-type]
        return MISSING
    return constant.replace(old, new, *count)  # type: ignore[arg-type]


def _join(constant: str | bytes, arguments: Sequence[object], _: object) -> object:
    """`constant.join(pieces)`; MISSING if the result would be too long."""
    pieces = list(arguments[0])  # type: ignore[call-overload]
    if sum(map(len, pieces)) + len(constant) * len(pieces) > MAX_BYTES:
        return MISSING
    return constant.join(pieces)


def _format(constant: str | bytes, arguments: Sequence[object], keywords: Mapping[str, object]) -> object:
    """`constant.format(…)`.

    MISSING for bytes, if a `{` begins no empty, numbered or named field, if a value is a sequence, and if the result could be too long.
    """
    if not isinstance(constant, str):
        return MISSING
    count = constant.count("{")
    if len(FORMAT_FIELD.findall(constant)) != count or _is_long(count, (*arguments, *keywords.values())):
        return MISSING
    return constant.format(*arguments, **keywords)


def _is_long(count: int, values: Sequence[object]) -> bool:
    """Whether the values of this many fields of a text could make it too long, or one is a sequence, whose text is not known."""
    if any(isinstance(value, tuple | list) for value in values):
        return True
    return count * max((len(one) for one in values if isinstance(one, str | bytes)), default=0) > MAX_BYTES * 4


def _translate(constant: str | bytes, arguments: Sequence[object], _: object) -> object:
    """`constant.translate(table)`; MISSING for bytes, and if the result could be too long."""
    table = arguments[0]
    longest = max((len(one) for one in table if isinstance(one, str)), default=1) if isinstance(table, tuple) else 1
    if not isinstance(constant, str) or len(constant) * longest > MAX_BYTES * 4:
        return MISSING
    return constant.translate(*arguments)  # type: ignore[arg-type]


_METHODS: Mapping[str, Callable[..., object]] = {
    "replace": _replace,
    "join": _join,
    "format": _format,
    "translate": _translate,
}


SETTINGS = frozenset(("errors", "bufsize", "wbits", "format", "memlimit", "filters", "validate", "strict_mode", "key"))
"""Keywords that hardly change what a function gives: how errors are met, how much memory it takes, in which order it sorts."""


def fold_call(
    name: str, arguments: Sequence[Constant], keywords: Mapping[str, Constant] = MappingProxyType({})
) -> Constant:
    """The result of a function of Python's library with constants, as FUNCTIONS has it. Keywords of SETTINGS do not count.

    MISSING for another function, without arguments, if one is not known or a keyword is not computed here, if the first or the result
    is too long, and if Python raises an error.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        return MISSING
    if keywords and name != "builtins.str":  # str() decodes bytes only if `errors` or `encoding` is given
        keywords = {key: value for key, value in keywords.items() if key not in SETTINGS}
    if not arguments or any(one is MISSING for one in (*arguments, *keywords.values())):
        return MISSING
    first = arguments[0]
    if isinstance(first, str | bytes | tuple | list) and len(first) > MAX_BYTES:
        return MISSING
    with suppress(Exception):  # whatever the code would raise
        return _bounded(function(*arguments, **keywords))
    return MISSING


def _inflated(data: object) -> object:
    """Unpacked zlib data, cut after MAX_BYTES; what there is of data that end early."""
    return zlib.decompressobj().decompress(data, MAX_BYTES)  # type: ignore[arg-type]


def _gunzipped(data: object) -> object:
    """The first member of gzip data, unpacked and cut after MAX_BYTES; what there is of data that end early."""
    return zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES)  # type: ignore[arg-type]


def _bz2(data: object) -> object:
    """The first stream of bzip2 data, unpacked and cut after MAX_BYTES; what there is of data that end early."""
    return bz2.BZ2Decompressor().decompress(data, MAX_BYTES)  # type: ignore[arg-type]


def _xz(data: object) -> object:
    """The first stream of xz or lzma data, unpacked in at most 64 MiB of memory, and cut after MAX_BYTES; what there is of
    data that end early.
    """
    return lzma.LZMADecompressor(memlimit=1 << 26).decompress(data, MAX_BYTES)  # type: ignore[arg-type]


def _str(data: object, *rest: str, **keywords: str) -> object:
    """`str(data, …)`; MISSING for a sequence: whether it is a list or a tuple is not known."""
    return MISSING if isinstance(data, tuple | list) else str(data, *rest, **keywords)


def _bytes(data: object, encoding: object = "utf-8", *_: object) -> object:
    """The bytes of a text, in the given codec or UTF-8, or of numbers; bytes as they are; MISSING for a single number."""
    if isinstance(data, str):
        return data.encode(str(encoding))
    return bytes(data) if isinstance(data, tuple | list | bytes) else MISSING


def _sorted(items: Sequence[object], *, reverse: bool = False) -> object:
    """The items in order, or from the last to the first."""
    return tuple(sorted(items, reverse=reverse))  # type: ignore[type-var]


def _range(*limits: object) -> object:
    """The numbers of a range as a tuple; MISSING if there are more than MAX_ITEMS."""
    numbers = range(*limits)  # type: ignore[call-overload]
    return tuple(numbers) if len(numbers) <= MAX_ITEMS else MISSING


def _codecs_decode(data: object, encoding: object = "utf-8", *_: object) -> object:
    """`codecs.decode(data, encoding)`, by `recoded`."""
    return recoded(data, str(encoding), decoding=True)


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.int": int,
    "builtins.str": _str,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.list": tuple,
    "builtins.tuple": tuple,
    "builtins.sorted": _sorted,
    "builtins.reversed": lambda items: tuple(reversed(items)),
    "builtins.range": _range,
    "builtins.len": len,
    "base64.b64decode": base64.b64decode,
    "base64.standard_b64decode": base64.b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.decodebytes": base64.b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "b64decode": base64.b64decode,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.unhexlify,
    "binascii.a2b_base64": base64.b64decode,
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.bytearray.fromhex": bytes.fromhex,
    "zlib.decompress": _inflated,
    "gzip.decompress": _gunzipped,
    "bz2.decompress": _bz2,
    "lzma.decompress": _xz,
    "codecs.decode": _codecs_decode,
    "codecs.encode": lambda data, encoding="utf-8", *_: recoded(data, str(encoding), decoding=False),
}


def fold_operator(operator: str, left: Constant, right: Constant) -> Constant:
    """The result of an operator, by its name in `ast`, on two constants.

    MISSING if it is not computed here, too long, or Python raises an error.
    """
    with suppress(Exception):  # whatever the code would raise
        if operator == "Add" and isinstance(left, str | bytes | int) and type(left) is type(right):
            return _bounded(left + right)  # type: ignore[operator]
        if operator == "Mult" and isinstance(right, str | bytes):
            left, right = right, left
        if operator == "Mult" and isinstance(left, str | bytes) and isinstance(right, int):
            return left * right if len(left) * right <= MAX_BYTES else MISSING
        if operator == "Mod" and isinstance(left, str):
            count, values = left.count("%"), right if isinstance(right, tuple) else (right,)
            if len(PERCENT_FIELD.findall(left)) != count or _is_long(count, values):
                return MISSING
            return _bounded(left % right)
        if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) < 1 << 64:
            return _INTEGERS[operator](left, right) if operator in _INTEGERS else MISSING
    return MISSING


_INTEGERS: Mapping[str, Callable[[int, int], Constant]] = {
    "Sub": sub,
    "Mult": mul,
    "BitXor": xor,
    "BitAnd": and_,
    "BitOr": or_,
    "Mod": mod,
    "FloorDiv": floordiv,
    "RShift": rshift,
    "LShift": lambda left, right: left << right if right <= 64 else MISSING,
}


def python_value(value: Value, depth: int = 4) -> Constant:
    """The Python constant that a value is, a sequence as a tuple.

    MISSING if a part of it is not known, it has more than `depth` levels, or all sequences of a level have more than MAX_ITEMS.
    """
    if value.constant is not MISSING or value.items is None:
        return value.constant
    return _sequence(value.items, depth, [MAX_ITEMS] * (depth + 1))


def _sequence(items: Sequence[Value], depth: int, left: list[int]) -> Constant:
    """Values as a tuple of constants, or MISSING. `left` says how many items each depth may still have, and is counted down."""
    left[depth] -= len(items)
    if depth == 0 or left[depth] < 0:
        return MISSING
    constants = []
    for item in items:
        constant = item.constant
        if constant is MISSING and item.items is not None:
            constant = _sequence(item.items, depth - 1, left)
        if constant is MISSING:
            return MISSING
        constants.append(constant)
    return tuple(constants)


def value_of(constant: Constant) -> Value:
    """A value that is a constant. A tuple or list becomes a sequence of the first MAX_ITEMS values."""
    if isinstance(constant, tuple | list):
        return Value(items=tuple(map(value_of, constant[:MAX_ITEMS])))
    return Value(constant=constant)


def _bounded(result: object) -> Constant:
    """The same result; MISSING for a text, bytes or sequence longer than MAX_BYTES."""
    if isinstance(result, str | bytes | tuple | list) and len(result) > MAX_BYTES:
        return MISSING
    return result
