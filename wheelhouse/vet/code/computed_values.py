"""Values that are computed without the code around them: elements, variables of the environment, functions of Python's library (pure)."""

from collections.abc import Mapping, Sequence

from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.folding import FUNCTIONS, HIDING_CODEC, fold_call, fold_method, python_value, value_of
from wheelhouse.vet.code.values import GAP, MISSING, Origin, Value, origins_of

MAX_PIECES = 4000
HOME = Value(text="~", name="~")


def elements_of(value: Value) -> tuple[Value, ...] | None:
    """The items of a sequence, or the elements of a known text or bytes, at most MAX_PIECES + 1 of these; None if they are not known."""
    if value.items is not None:
        return value.items
    if isinstance(value.constant, str | bytes):
        return tuple(Value(constant=one, origins=value.origins) for one in value.constant[: MAX_PIECES + 1])
    return None


def element_of(value: Value) -> Value:
    """A value that stands for any element of a sequence: its first item if it has known items, else an unknown value with its origins."""
    if value.items:
        return value.items[0]
    return Value(origins=value.origins)


def environment_variable(name: str) -> Value:
    """What a variable of the environment stands for, by its name: a folder, as `~` for HOME, or an unknown value.

    An unknown one has the origin `secret`, `host` or `variable`.
    """
    how = f"os.environ['{name}']"
    if api_names.SECRET_VARIABLE.search(name):
        return Value(origins=frozenset((Origin("secret", how),)))
    if name in ("COMPUTERNAME", "USERNAME", "USER", "LOGNAME", "HOSTNAME", "USERDOMAIN"):
        return Value(origins=frozenset((Origin("host", how),)))
    if name in ("HOME", "USERPROFILE"):
        return HOME
    if name in ("APPDATA", "LOCALAPPDATA", "TEMP", "TMP", "PROGRAMDATA"):
        return Value(text=f"%{name}%")
    return Value(origins=frozenset((Origin("variable", how),)))


def computed(name: str, receiver: Value, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Value | None:
    """The result of a function of Python's library, or of a method of a constant, that is computed here; else None.

    If it cannot be computed, join() and format() of a text give a text with GAPs, cut after MAX_PIECES characters, and
    decode() with a codec that hides text an unknown value with the origins.
    """
    base = receiver.constant
    if name not in FUNCTIONS and not isinstance(base, str | bytes):
        return None
    constants = [python_value(one) for one in arguments]
    known = {key: python_value(one) for key, one in keywords.items()}
    constant = fold_call(name, constants, known)
    if constant is not MISSING:
        return _with_origins(value_of(constant), name, (*arguments, *keywords.values()))
    method = name.rpartition(".")[2]
    if isinstance(base, str | bytes):
        constant = fold_method(base, method, constants, known)
        codec = constants[0] if constants else known.get("encoding")
        hides = method == "decode" and isinstance(codec, str) and bool(HIDING_CODEC.fullmatch(codec))
        origins = origins_of((receiver, *arguments, *keywords.values()))
        if hides:
            origins = origins | {Origin("decoded", f".decode('{codec}')")}
        if constant is not MISSING:
            value = value_of(constant)
            value.origins = origins
            return value
        if hides or method in ("join", "format"):
            text = ""
            if isinstance(base, str):
                text = _filled(base, arguments, keywords) if method == "format" else _joined(base, arguments)
            return Value(text=text[:MAX_PIECES], origins=origins)
    return None


def _joined(separator: str, arguments: Sequence[Value]) -> str:
    """The words of the items of the first argument, GAP for an unknown one, joined by a separator; empty if it has no items."""
    return separator.join(item.words or GAP for one in arguments[:1] for item in one.items or ())


def _filled(template: str, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> str:
    """A template with one `{}` for each argument, and the first `{name}` for each keyword, replaced by its words, GAP if they are unknown.

    Only the first eight count.
    """
    fields = [*(("{}", value) for value in arguments), *((f"{{{name}}}", value) for name, value in keywords.items())]
    for field, value in fields[:8]:
        template = template.replace(field, value.words or GAP, 1)
    return template


def _with_origins(value: Value, name: str, arguments: Sequence[Value]) -> Value:
    """The same value. Its origins are replaced, in place, by those of the arguments.

    What decodes, chr(), reversed() of a text, and bytes made of numbers add `decoded`.
    """
    origins = origins_of(arguments)
    if name in api_names.DECODERS:
        origins = origins | {Origin("decoded", name)}
    elif name == "builtins.chr" or (name == "builtins.reversed" and not arguments[0].items):
        origins = origins | {Origin("decoded", name.removeprefix("builtins."))}
    elif name in ("builtins.bytes", "builtins.bytearray") and arguments[0].items:
        origins = origins | {Origin("decoded", "bytes of numbers")}
    value.origins = origins
    return value
