"""What an expression of foreign code may stand for: a constant, a text known in part, a named thing, data of some origin (pure)."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

GAP = "…"
"""Stands for the unknown pieces of a text."""


class Origin(NamedTuple):
    """Where data comes from. `how` is the call or name that gave it.

    Kinds: `decoded`, `fetched`, `read` (from a file), `environment` (all of it), `variable` (one of the environment), `secret`,
    `host` (names of machine and user).
    """

    kind: str
    how: str


NOTHING: frozenset[Origin] = frozenset()


class Missing:
    """The type of `MISSING`."""


MISSING = Missing()
"""In place of a constant that is not known: None is a constant itself."""
Constant = str | bytes | int | float | bool | complex | None | Missing | object


MAX_ABOVE = 64
METHOD, CLASS_METHOD, STATIC_METHOD = "", "builtins.classmethod", "builtins.staticmethod"


@dataclass(slots=True, eq=False)
class Function:
    """A function or lambda of the code, with the scope that it was made in, and the values of its defaults.

    `binds` says what its first parameter gets: METHOD (an instance), CLASS_METHOD or STATIC_METHOD. `instance` is that value, once the
    function is an attribute of it.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: "Scope"
    module: object
    defaults: "tuple[Value, ...]"
    keyword_defaults: "tuple[Value, ...]"
    binds: str
    instance: "Value | None" = None


@dataclass(slots=True, eq=False)
class Class:
    """A class of the code: the names of its body, and the attributes that its methods store on `self`.

    `above` are its base classes in the code and theirs, in the order in which Python searches them, the first MAX_ABOVE.
    """

    node: ast.ClassDef
    scope: "Scope"
    bases: tuple["Value", ...] = ()
    attributes: "dict[str, Value]" = field(default_factory=dict)
    module: object = None
    above: "tuple[Class, ...]" = field(init=False)

    def __post_init__(self) -> None:
        classes = [base.target for base in self.bases if isinstance(base.target, Class)]
        every = [one for made in classes for one in (made, *made.above)]
        self.above = tuple(reversed(dict.fromkeys(reversed(every))))[:MAX_ABOVE]


@dataclass(slots=True, eq=False)
class Instance:
    """An instance of a class of the code."""

    of: Class


@dataclass(slots=True, eq=False)
class Value:
    """What is known of a value.

    `constant` is the value itself; `text` the known pieces of a text, with gaps; `name` the dotted name of a thing, as
    `os.system`, with `()` for the result of a call; `items` the elements of a sequence; `entries` those of a dict by key.
    `is_spelled` is False for a thing that was reached by a text, as `getattr(os, 'system')`.
    """

    constant: Constant = MISSING
    text: str = ""
    name: str = ""
    origins: frozenset[Origin] = NOTHING
    items: "tuple[Value, ...] | None" = None
    entries: "dict[object, Value] | None" = None
    target: Function | Class | Instance | None = None
    is_spelled: bool = True

    def how(self, kind: str) -> str:
        """The `how` of its origin of this kind, of several the first in alphabetical order; empty if it has none."""
        return min((origin.how for origin in self.origins if origin.kind == kind), default="")

    @property
    def words(self) -> str:
        """Its known text; empty if none is known, as for a number. Bytes are read as Latin-1 and cut.

        The words of the first MAX_ITEMS items are joined by blanks, with GAP for an unknown one. Of nested items, the first MAX_PIECES
        count.
        `sys.executable` and `__file__` are their own words.
        """
        if isinstance(self.constant, str):
            return self.constant
        if isinstance(self.constant, bytes):
            return self.constant[:MAX_WORDS].decode("latin-1")
        if self.items is not None:
            return " ".join(islice(_pieces(self.items), MAX_PIECES))
        return self.text or (self.name if self.name in ("sys.executable", "__file__") else "")


MAX_WORDS = 1 << 16
MAX_ITEMS = 64
MAX_PIECES = 1 << 10
UNKNOWN = Value()


def _pieces(items: "tuple[Value, ...]") -> Iterator[str]:
    """The words of the first MAX_ITEMS items, and of those inside them; GAP for an unknown one."""
    for item in items[:MAX_ITEMS]:
        if item.items:
            yield from _pieces(item.items)
        else:
            yield item.words or GAP


class Scope:
    """The names of a module, function or class body, and the scope around it.

    `outer` are names that `global` or `nonlocal` declares; `made` is the class of a class body.
    """

    __slots__ = ("around", "made", "names", "outer")

    def __init__(self, around: "Scope | None" = None) -> None:
        self.names: dict[str, Value] = {}
        self.around = around
        self.outer: Mapping[str, Scope] = {}
        self.made: Class | None = None

    def bind(self, name: str, value: Value) -> None:
        """Give a value to a name of this scope, or of the one that is declared for it."""
        self.outer.get(name, self).names[name] = value

    def get(self, name: str) -> Value | None:
        """The value of a name in this scope or the nearest one around it that binds it; None if none of them does.

        A class body around it does not count, as in Python. A name in `outer` is looked up in the scope that is declared for it.
        """
        scope: Scope | None = self
        while scope is not None:
            if scope is self or scope.made is None:
                scope = scope.outer.get(name, scope)
                value = scope.names.get(name)
                if value is not None:
                    return value
            scope = scope.around
        return None


class ComprehensionScope(Scope):
    """The names of a comprehension. `:=` in it binds around it."""

    __slots__ = ()


class CodeScope(Scope):
    """The names of code in a text that runs with names of its own. `global` in it declares these."""

    __slots__ = ()


def origins_of(values: Iterable[Value]) -> frozenset[Origin]:
    """The origins of all these values together."""
    found = NOTHING
    for value in values:
        if value.origins:
            found = found | value.origins if found else value.origins
    return found
