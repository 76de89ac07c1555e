"""Follows the calls of foreign code: of its own functions, of the library's, and of what a reviewer must see (pure)."""

import ast
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wheelhouse.documents import too_deep_as
from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.behaviour import AT_IMPORT, IF_CALLED, IN_TESTS, Behaviour
from wheelhouse.vet.code.computed_values import computed
from wheelhouse.vet.code.known_calls import DEFERRED, KNOWN_CALLS, KnownCalls
from wheelhouse.vet.code.named_call import Call, Run, result_of
from wheelhouse.vet.code.sinks import judge, sets_variable
from wheelhouse.vet.code.source import syntax_tree
from wheelhouse.vet.code.values import (
    MISSING,
    UNKNOWN,
    Class,
    CodeScope,
    Constant,
    Function,
    Instance,
    Scope,
    Value,
    origins_of,
)

REACHES = (AT_IMPORT, IF_CALLED, IN_TESTS)
"""The reaches, the most direct one first."""
MAX_CALLS = 5
"""How deep calls of the code's own functions are followed."""
MAX_RUNS_OF_FUNCTION = 4
MAX_NESTED_CODE = 3
COLLECTING = frozenset((".append", ".extend", ".insert", ".update", ".add", ".setdefault"))
CALLS_ITS_ARGUMENT = frozenset(
    """threading.Thread threading.Timer multiprocessing.Process atexit.register builtins.map builtins.filter asyncio.run
    threading.Thread()._target _thread.start_new_thread concurrent.futures.ThreadPoolExecutor().submit
    concurrent.futures.ThreadPoolExecutor().map asyncio.get_event_loop().run_until_complete""".split()  # noqa: SIM905
)


@dataclass(slots=True, eq=False)
class Module:
    """A module of the code: its dotted name, its path in the archive, its tree, and its names once it has run."""

    name: str
    path: str
    tree: ast.Module
    is_package: bool = False
    runs: bool = False
    reach: str = AT_IMPORT
    scope: Scope = field(default_factory=Scope)
    is_started: bool = False
    functions: list[Function] = field(default_factory=list)


class Calls(KnownCalls):
    """Follows calls. `Interpreter` adds statements and modules. `behaviours` is what was found so far."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self.behaviours: dict[tuple[str, str, int, str], Behaviour] = {}
        self.current_module: Module = Module("", "", ast.Module([], []))
        self._run = Run()
        self._reach = AT_IMPORT
        self._active: set[int] = set()
        self._started: list[Module] = []
        self._runs: dict[tuple[int, str], int] = {}
        self._results: dict[tuple[int, str], Value] = {}
        self._returned: list[Value] = []
        self._nested_code = 0
        self.unfollowed: dict[str, str] = {}
        self._made_classes: list[Class] = []
        self._defining_scopes: set[Scope] = set()

    def lookup_global(self, name: str) -> Value | None:
        """The value of a name of the module that runs; None if nothing binds it there."""
        return self.current_module.scope.names.get(name)

    def bind_global(self, name: str, value: Value) -> None:
        """Give a value to a name of the module that runs."""
        self.current_module.scope.names[name] = value

    def record(self, kind: str, node: ast.expr | ast.stmt, what: str) -> None:
        """Record what the code does at the line of a node, with the current reach.

        The same thing is recorded once, with the reach that comes first in REACHES.
        """
        key = (kind, self.current_module.path, node.lineno, what)
        known = self.behaviours.get(key)
        reach = min(known.reach if known else self._reach, self._reach, key=REACHES.index)
        self.behaviours[key] = Behaviour(*key, reach)

    def replaced(self, owner: Value, attribute: str, node: ast.expr) -> None:
        """Record `patches` if what is replaced is in GUARDED: passwords, keys or requests go through it; else nothing."""
        name = f"{owner.name}.{attribute}"
        if api_names.GUARDED.fullmatch(name):
            self.record("patches", node, f"replaces `{name}`, and sees all that goes through it")

    def exported(self, variable: Constant, node: ast.expr) -> None:
        """Record `injects` for a variable that loads a library into each program that is started; for others nothing."""
        for kind, what in sets_variable(variable):
            self.record(kind, node, what)

    @abstractmethod
    def body(self, statements: Iterable[ast.stmt], scope: Scope) -> None:
        """Follow statements. `Interpreter` implements it."""

    def call(self, node: ast.Call, scope: Scope) -> Value:
        """The value of a call, after its arguments are evaluated and what it does is recorded."""
        function, receiver = self._called(node.func, scope)
        arguments = self.values_of(node.args, scope)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.eval(keyword.value, scope)
            if not keyword.arg and value.entries:
                keywords |= {key: entry for key, entry in value.entries.items() if isinstance(key, str)}
            keywords[keyword.arg or "**"] = value
        return self._apply(function, receiver, arguments, keywords, node, scope)

    def _called(self, node: ast.expr, scope: Scope) -> tuple[Value, Value]:
        """The function that a call calls, and the value that it is an attribute of (else UNKNOWN).

        A method of data has the name `.method`.
        """
        if not isinstance(node, ast.Attribute):
            return self.eval(node, scope), UNKNOWN
        receiver = self.eval(node.value, scope)
        if not receiver.name and receiver.target is None:
            return Value(name=f".{node.attr}", is_spelled=receiver.is_spelled), receiver
        return self.attribute(receiver, node.attr), receiver

    def _apply(
        self,
        function: Value,
        receiver: Value,
        arguments: tuple[Value, ...],
        keywords: Mapping[str, Value],
        node: ast.Call,
        scope: Scope,
    ) -> Value:
        """The value of a function called with values.

        A function or class of the code is followed, also through `__call__` of an instance or one of DEFERRED; a call whose
        meaning is known is computed, and what any other named call does is recorded. What is neither of the code nor has a
        name gives an unknown value with the origins.
        """
        target = function.target
        if isinstance(target, Instance):
            target = self.attribute(function, "__call__").target
        if isinstance(target, Function):
            return self._invoke(target, arguments, keywords)
        if isinstance(target, Class):
            return self._instance(target, arguments, keywords)
        name = function.name
        if function.items is not None and name in DEFERRED:
            return self._deferred(name, function.items, arguments, node, scope)
        if not name:
            return Value(origins=origins_of((*arguments, *keywords.values(), function)))
        value = self._followed(name, receiver, arguments, keywords, node, scope)
        if value is not None:
            return value
        call = Call(name, arguments, keywords, node, receiver, function.is_spelled)
        return self._judged(call, scope)

    def _followed(
        self,
        name: str,
        receiver: Value,
        arguments: tuple[Value, ...],
        keywords: Mapping[str, Value],
        node: ast.Call,
        scope: Scope,
    ) -> Value | None:
        """The value of a call whose meaning is known and that needs no judgement; None for any other call.

        May record `hidden-name` or `patches`, and follow functions or imports, as the methods in KNOWN_CALLS say.
        """
        if name == "builtins.super":
            return self._above(scope)
        special = KNOWN_CALLS.get(name.rpartition(".")[2])
        value = special(self, name, receiver, arguments, keywords, node, scope) if special is not None else None
        if value is None:
            value = computed(name, receiver, arguments, keywords)
        return None if value is None else self.afforded(value)

    @staticmethod
    def _above(scope: Scope) -> Value:
        """What super() gives in a method: an instance of a base class of the code, else `Base()` if one is outside; else UNKNOWN."""
        made = scope.around.made if scope.around is not None else None
        bases = made.bases if made is not None else ()
        own = next((Value(target=Instance(base.target)) for base in bases if isinstance(base.target, Class)), UNKNOWN)
        return next((Value(name=f"{base.name}()") for base in bases if base.name), UNKNOWN) if own is UNKNOWN else own

    def _judged(self, call: Call, scope: Scope) -> Value:
        """The value of any other call, after what it does is recorded.

        Follows functions among its arguments that it calls, and code in a text for exec, eval or compile. A known list or dict gets the
        origins of what is added to it.
        """
        name, arguments, receiver = call.name, call.arguments, call.receiver
        for kind, what in judge(call, self._run):
            self.record(kind, call.node, what)
        self._calls_arguments(name, arguments, call.keywords)
        if name in ("builtins.exec", "builtins.eval", "builtins.compile"):
            self._constant_code(call, scope)
        if name in COLLECTING and (receiver.items is not None or receiver.entries is not None):
            receiver.origins |= origins_of((*arguments, *call.keywords.values()))
        if name.startswith(".") and receiver.origins:
            return Value(text=receiver.text, origins=origins_of((receiver, *arguments)))
        return result_of(call)

    def _calls_arguments(self, name: str, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> None:
        """Follow, without arguments, functions that are given to what calls them, as threads, map() and atexit.

        They are looked for in the first two arguments, `target` and `function`.
        """
        if name in CALLS_ITS_ARGUMENT or name.endswith((".submit", ".start_new_thread")):
            for value in (*arguments[:2], *(keywords.get(key, UNKNOWN) for key in ("target", "function"))):
                if isinstance(value.target, Function):
                    self._invoke(value.target, (), {})

    def _constant_code(self, call: Call, scope: Scope) -> None:
        """Follow the code in a known text, as if it stood at the line of the call. exec() binds its names there, if no namespace is given.

        Nothing if it is unknown, longer than 256 Ki, nested too deeply, or does not parse.
        """
        code = call.argument(0, "source").constant
        if not isinstance(code, str | bytes) or self._nested_code >= MAX_NESTED_CODE or len(code) > 1 << 18:
            return
        tree = parsed_text(code)
        if tree is not None:
            for node in ast.walk(tree):
                if hasattr(node, "lineno"):
                    node.lineno = call.node.lineno
            binds_here = call.name == "builtins.exec" and len(call.values) == 1
            inner = scope if binds_here else CodeScope(scope)
            if not binds_here and scope.made is not None:
                inner.names.update(scope.names)
            self._nested_code += 1
            try:
                self.body(tree.body, inner)
            finally:
                self._nested_code -= 1

    def _instance(self, made: Class, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        """An instance of a class of the code, after its `__init__` was followed, if the code has one."""
        value = Value(target=Instance(made))
        first = self.attribute(value, "__init__")
        if isinstance(first.target, Function):
            self._invoke(first.target, arguments, keywords)
        return value

    def _invoke(self, function: Function, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """Follow a call of the code's own function; its result is one of the values that it returns, as `_one_of` chooses.

        Not followed if a limit of calls is reached, the function runs already, or it was followed before and nothing is known of the
        arguments: the result is then an earlier one, or an unknown value with the origins of the arguments.
        """
        node = function.node
        key = (id(node), self._reach)
        given = (*arguments, *keywords.values())
        is_plain = not any(
            one.origins or one.constant is not MISSING or one.target or one.name or one.text or one.items or one.entries
            for one in given
        )
        count = self._runs.get(key, 0)
        if (
            (is_plain and count)
            or count >= MAX_RUNS_OF_FUNCTION
            or id(node) in self._active
            or len(self._active) >= MAX_CALLS
        ):
            known = self._results.get(key, UNKNOWN)
            return known if known.origins or known.name or not given else Value(origins=origins_of(given))
        self._runs[key] = count + 1
        scope = Scope(function.scope)
        self._bind_parameters(node, function, arguments, keywords, scope)
        held_module, held_returns = self.current_module, self._returned
        self.current_module, self._returned = function.module, []  # type: ignore[assignment]
        self._active.add(id(node))
        try:
            if isinstance(node, ast.Lambda):
                self._returned.append(self.eval(node.body, scope))
            else:
                self.body(node.body, scope)
            result = self._one_of(self._returned)
        finally:
            self._active.discard(id(node))
            self.current_module, self._returned = held_module, held_returns
        self._results[key] = result
        return result

    @staticmethod
    def _bind_parameters(
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        function: Function,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
        scope: Scope,
    ) -> None:
        """Bind the parameters in `scope` to the function's instance, if any, and the arguments; a missing one to its
        default, else to UNKNOWN. `**rest` gets only the origins of all keywords.
        """
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        values = [*arguments] if function.instance is None else [function.instance, *arguments]
        missing = (UNKNOWN,) * (len(names) - len(function.defaults))
        for place, (name, default) in enumerate(zip(names, (*missing, *function.defaults), strict=True)):
            scope.names[name] = values[place] if place < len(values) else keywords.get(name, default)
        for argument, default in zip(node.args.kwonlyargs, function.keyword_defaults, strict=True):
            scope.names[argument.arg] = keywords.get(argument.arg, default)
        if node.args.vararg:
            rest = tuple(values[len(names) :])
            scope.names[node.args.vararg.arg] = Value(items=rest, origins=origins_of(rest))
        if node.args.kwarg:
            scope.names[node.args.kwarg.arg] = Value(origins=origins_of(keywords.values()))


def parsed_text(code: str | bytes) -> ast.Module | None:
    """The tree of Python code; None if it does not parse. Warnings are suppressed."""
    try:
        with warnings.catch_warnings(), too_deep_as(ValueError):
            warnings.simplefilter("ignore")
            return syntax_tree(code)
    except (SyntaxError, ValueError, MemoryError):
        return None
