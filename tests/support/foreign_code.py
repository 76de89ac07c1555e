"""Follows a few lines of foreign code, whose names can be bound to data of each origin."""

import ast
from collections.abc import Mapping

from wheelhouse.vet.code.calls import Module
from wheelhouse.vet.code.interpreter import Interpreter
from wheelhouse.vet.code.values import MISSING, UNKNOWN, Instance, Origin, Value


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


def shown(value: Value) -> str:
    """What is known of a value, in words; empty if nothing is known."""
    node = value.target.of.node if isinstance(value.target, Instance) else value.target and value.target.node
    facts = [
        "" if value.constant is MISSING else repr(value.constant),
        f"text {value.text}" if value.text else "",
        f"name {value.name}" if value.name else "",
        "" if value.items is None else f"items {', '.join(map(shown, value.items))}",
        ""
        if value.entries is None
        else f"entries {', '.join(f'{key!r}: {shown(value.entries[key])}' for key in value.entries)}",
        f"{type(value.target).__name__} {getattr(node, 'name', '')}" if value.target else "",
        *(f"{kind} {how}" for kind, how in sorted(value.origins)),
        "" if value.is_spelled else "not spelled",
    ]
    return "; ".join(fact.strip() for fact in facts if fact)


def wrongly_valued(rows: Mapping[str, str]) -> dict[str, str]:
    """Of a table of code and the value that it gives, the rows with another one. Code of one line is an expression; more bind `x`."""
    values = {code: shown(followed(code if "\n" in code else f"x = {code}")[0].scope.names["x"]) for code in rows}
    return {code: value for code, value in values.items() if value != rows[code]}
