"""Follows a few lines of foreign code, whose names can be bound to data of each origin."""

import ast
from collections.abc import Mapping

from wheelhouse.vet.code.calls import Module
from wheelhouse.vet.code.interpreter import Interpreter
from wheelhouse.vet.code.values import UNKNOWN, Origin, Value


def data_of(*kinds: str, text: str = "") -> Value:
    """A value with an origin of each of these kinds, given by `kind()`."""
    return Value(text=text, origins=frozenset(Origin(kind, f"{kind}()") for kind in kinds))


DATA: Mapping[str, Value] = {
    **{kind: data_of(kind) for kind in ("decoded", "fetched", "read", "environment", "variable", "secret", "host")},
    "data_file": data_of("data-file"),
    "fetched_later": Value(origins=frozenset((Origin("fetched", "later()"),))),
    "other_host": Value(origins=frozenset((Origin("host", "other()"),))),
    "host_without_gap": data_of("host", text="a.x.example"),
    "unknown": UNKNOWN,
}


def followed(code: str) -> tuple[Module, Interpreter]:
    """A module after it has run with the names of DATA bound, and its interpreter."""
    module = Module("odd", "odd.py", ast.parse(code))
    module.scope.names.update(DATA)
    interpreter = Interpreter({"odd": module})
    interpreter.run_module(module)
    assert not interpreter.unfollowed
    return module, interpreter


def seen_in(code: str) -> list[str]:
    """What a reviewer must see in code that runs at import, in the order in which it is found."""
    return [f"{one.kind}: {one.what}" for one in followed(code)[1].behaviours.values()]


def wrongly_seen(rows: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Of a table of code and what must be seen in it, the rows in which something else is seen."""
    seen = {code: seen_in(code) for code in rows}
    return {code: found for code, found in seen.items() if found != rows[code]}
