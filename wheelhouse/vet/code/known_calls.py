"""Calls of Python's library whose meaning is known: getattr, imports, look-ups in mappings, paths, partial() (pure)."""

import ast
from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType

from wheelhouse.vet.code.computed_values import HOME, MAX_PIECES, elements_of, environment_variable
from wheelhouse.vet.code.expressions import Expressions
from wheelhouse.vet.code.named_things import MODULES_OF_NAMES, is_key
from wheelhouse.vet.code.values import GAP, MISSING, UNKNOWN, Scope, Value, origins_of

JOINS = frozenset(("os.path.join", "posixpath.join", "ntpath.join", "path.join"))
PATHS = frozenset(("pathlib.Path", "Path"))
SAME_PATH = frozenset(
    """os.path.expanduser os.path.expandvars os.path.abspath os.path.realpath os.path.normpath os.fspath os.path.dirname
    builtins.str""".split()  # noqa: SIM905
)
"""Functions of which the result has the words of the argument."""
DEFERRED = ("functools.partial()", "operator.attrgetter()", "operator.methodcaller()")


class KnownCalls(Expressions):
    """Gives the values of such calls. `Calls` follows all others."""

    @abstractmethod
    def record(self, kind: str, node: ast.expr | ast.stmt, what: str) -> None:
        """Record what the code does at a place. `Calls` implements it."""

    @abstractmethod
    def import_tests(self, name: str) -> None:
        """Follow the import of each module of tests in a dotted name. `Interpreter` implements it."""

    @abstractmethod
    def _apply(
        self,
        function: Value,
        receiver: Value,
        arguments: tuple[Value, ...],
        keywords: Mapping[str, Value],
        node: ast.Call,
        scope: Scope,
    ) -> Value:
        """The value of a function called with values. `Calls` implements it."""

    def _deferred(
        self, name: str, given: tuple[Value, ...], arguments: tuple[Value, ...], node: ast.Call, scope: Scope
    ) -> Value:
        """The value of a call of what partial(), attrgetter() or methodcaller() made of `given`; UNKNOWN if that is not known.

        Keywords are left out.
        """
        if not given:
            return UNKNOWN
        if name == "functools.partial()":
            return self._apply(given[0], UNKNOWN, (*given[1:], *arguments), {}, node, scope)
        attribute = given[0].constant
        if not arguments or not isinstance(attribute, str):
            return UNKNOWN
        found = self.attribute(arguments[0], attribute, is_spelled=False)
        if name == "operator.attrgetter()":
            return found
        return self._apply(found, arguments[0], given[1:], {}, node, scope)

    def _setattr(
        self, name: str, receiver: Value, arguments: tuple[Value, ...], keywords: object, node: ast.Call, scope: Scope
    ) -> Value | None:
        """Report to `replaced` that setattr(x, 'name', value) replaces something outside the code. Always None: the call is judged, too."""
        if name == "builtins.setattr" and len(arguments) == 3:
            self.replaced(arguments[0], arguments[1].words, node)
        return None

    def _defer(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """What partial(), attrgetter() or methodcaller() of the library make, with their arguments as items; None for any other call."""
        return Value(name=f"{name}()", items=arguments) if f"{name}()" in DEFERRED else None

    def _getattr(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """The value of getattr(x, 'name'), x.__getattribute__('name') and object.__getattribute__(x, 'name'), marked as not spelled.

        If the name is not known, an unknown value with the origins. A default counts if it is a thing or function, and the name or the
        attribute is not known as a constant or dict. None for any other call.
        """
        if len(arguments) >= 2 and (name == "builtins.getattr" or name.endswith(".__getattribute__")):
            owner, attribute = arguments[0], arguments[1].constant
        elif name.endswith(".__getattribute__") and len(arguments) == 1:
            owner, attribute = Value(name=name.removesuffix(".__getattribute__")), arguments[0].constant
        else:
            return None
        found = Value(origins=origins_of(arguments))
        if isinstance(attribute, str):
            found = self.attribute(owner, attribute, is_spelled=False)
        if found.constant is not MISSING or found.entries is not None:
            return found
        default = arguments[2] if name == "builtins.getattr" and len(arguments) > 2 else UNKNOWN
        return self._one_of((found, default)) if default.name or default.target else found

    def _imported(
        self,
        name: str,
        receiver: Value,
        arguments: tuple[Value, ...],
        keywords: Mapping[str, Value],
        node: ast.Call,
        scope: Scope,
    ) -> Value | None:
        """The module that __import__('os') or importlib.import_module('os') gives; UNKNOWN without a known name, None for any other call.

        Of `a.b`, __import__() gives `a`, whatever its other arguments, and import_module() `a.b`; both as a named thing,
        also for the code's own module. Records `hidden-name` if the name is decoded, and follows the imports of modules of
        tests in it.
        """
        if name not in ("builtins.__import__", "importlib.import_module", "importlib.__import__", "import_module"):
            return None
        given = arguments[0] if arguments else keywords.get("name", UNKNOWN)
        module = given.constant
        if not isinstance(module, str):
            return UNKNOWN
        if given.how("decoded"):
            self.record("hidden-name", node, f"imports `{module}`, whose name it decodes")
        self.import_tests(module)
        is_package = name.endswith("__import__")
        return Value(name=module.partition(".")[0] if is_package else module, is_spelled=not is_package)

    def _names(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """The dict of names that vars(os) gives, as a named thing; None for any other call, also for vars()."""
        if name == "builtins.vars" and arguments and arguments[0].name:
            return Value(name=f"{arguments[0].name}.__dict__")
        return None

    def _got(
        self, name: str, receiver: Value, arguments: tuple[Value, ...], keywords: Mapping[str, Value], *_: object
    ) -> Value | None:
        """The value of a variable of the environment, or of x.get('key') and x.pop('key') of a known dict or of the names of a module.

        The key may also be given as `key=`. A default counts only by its place, for a known dict, if the key is not known or not in it.
        None for any other call.
        """
        if not arguments:
            if "key" not in keywords:
                return None
            arguments = (keywords["key"],)
        key = arguments[0].constant
        is_in_dict = receiver.entries is not None and is_key(key) and key in receiver.entries
        if receiver.entries is not None and len(arguments) > 1 and not is_in_dict:
            return self._one_of((self.item(receiver, arguments[0]), arguments[1]))
        if not isinstance(key, str):
            return self.item(receiver, arguments[0]) if is_in_dict else None
        if name in ("os.getenv", "os.environ.get", "os.environ.pop", "environ.get", "getenv"):
            return environment_variable(key)
        is_dict = receiver.name.endswith((".__dict__", "sys.modules")) or receiver.name in MODULES_OF_NAMES
        if is_dict or receiver.entries is not None:
            return self.item(receiver, arguments[0])
        return None

    def _mapped(
        self, name: str, receiver: Value, arguments: tuple[Value, ...], keywords: object, node: ast.Call, scope: Scope
    ) -> Value | None:
        """The results of map(function, sequence) for each element; None for any other call, and for unknown or over MAX_PIECES elements."""
        if name != "builtins.map" or len(arguments) != 2:
            return None
        elements = elements_of(arguments[1])
        if elements is None or len(elements) > MAX_PIECES:
            return None
        results = [self._apply(arguments[0], UNKNOWN, (element,), {}, node, scope) for element in elements]
        return Value(items=tuple(results), origins=origins_of(results))

    def _joined_path(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """The pieces of os.path.join(), Path() and joinpath() with `/` between, GAP for an unknown one; `~` for Path.home().

        Of expanduser() and the like, and str(), the known words of the argument. None for any other call.
        """
        is_method = name.endswith(".joinpath")
        if name in PATHS or name in JOINS or is_method:
            pieces = (receiver, *arguments) if is_method else arguments
            return Value(
                name="" if name in JOINS else "pathlib.Path()",
                text="/".join(one.words or GAP for one in pieces)[:MAX_PIECES],
                origins=origins_of(pieces),
            )
        is_known_text = name == "builtins.str" and arguments and arguments[0].constant is not MISSING
        if name in SAME_PATH and arguments and arguments[0].words and not is_known_text:
            return Value(text=arguments[0].words, origins=arguments[0].origins)
        return HOME if name.endswith("Path.home") else None

    def _repeated(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """The copy, items or values of `os.environ`, as it is itself; None for any other call."""
        return receiver if name.startswith("os.environ.") else None


KNOWN_CALLS: Mapping[str, Callable[..., Value | None]] = MappingProxyType(
    {
        "getattr": KnownCalls._getattr,
        "__getattribute__": KnownCalls._getattr,
        "setattr": KnownCalls._setattr,
        "__import__": KnownCalls._imported,
        "import_module": KnownCalls._imported,
        "vars": KnownCalls._names,
        **dict.fromkeys(("get", "getenv", "pop"), KnownCalls._got),
        "map": KnownCalls._mapped,
        **dict.fromkeys(("partial", "attrgetter", "methodcaller"), KnownCalls._defer),
        **dict.fromkeys(
            (
                "join",
                "joinpath",
                "Path",
                "expanduser",
                "expandvars",
                "abspath",
                "realpath",
                "normpath",
                "fspath",
                "home",
                "str",
                "dirname",
            ),
            KnownCalls._joined_path,
        ),
        **dict.fromkeys(("copy", "items", "values"), KnownCalls._repeated),
    }
)
