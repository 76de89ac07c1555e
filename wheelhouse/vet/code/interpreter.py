"""Follows the statements of foreign code without running it, and records what they do: at import, and in functions (pure)."""

import ast
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from wheelhouse.documents import too_deep_as
from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.behaviour import AT_IMPORT, IF_CALLED, IN_TESTS, Behaviour
from wheelhouse.vet.code.expressions import (
    HOME,
    PACKAGE_FOLDERS,
    ExhaustedError,
    Expressions,
    computed,
    element_of,
    elements_of,
    environment_variable,
)
from wheelhouse.vet.code.sinks import INSTALL_COMMANDS, Call, Run, hidden_code, judge, result_of
from wheelhouse.vet.code.values import (
    GAP,
    MISSING,
    UNKNOWN,
    Class,
    Function,
    Instance,
    Scope,
    Value,
    origins_of,
)

REACHES = (AT_IMPORT, IF_CALLED, IN_TESTS)
"""From what happens by itself to what nearly never happens."""
MAX_STEPS = 150_000
"""Expressions that one module, or one function of it, may take."""
MAX_CALLS = 5
"""How deep calls of the code's own functions are followed."""
MAX_RUNS_OF_FUNCTION = 4
MAX_NESTED_CODE = 3
DEFERRED = ("functools.partial()", "operator.attrgetter()", "operator.methodcaller()")
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
    state: str = ""
    functions: list[Function] = field(default_factory=list)


class Interpreter(Expressions):
    """Follows the modules of one distribution. `behaviours` is what was found so far."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self.behaviours: dict[tuple[str, str, int, str], Behaviour] = {}
        self.current_module: Module | None = None
        self._run = Run()
        self._reach = AT_IMPORT
        self._active: set[int] = set()
        self._runs: dict[tuple[int, str], int] = {}
        self._results: dict[tuple[int, str], Value] = {}
        self._returned: list[Value] = []
        self._nested_code = 0
        self.unfollowed: dict[str, str] = {}

    def run_module(self, module: Module) -> None:
        """Follow a module's import, once."""
        if module.state:
            return
        module.state = "running"
        held = (self.current_module, self._run, self._reach, self.steps, self._returned)
        self.current_module, self._run, self._reach, self.steps = module, Run(), self._reach_of(module), MAX_STEPS
        module.scope.names["__file__"] = Value(name="__file__", text="__file__")
        module.scope.names["__name__"] = Value(name="__name__")
        self._bounded(module, lambda: self._body(module.tree.body, module.scope))
        self.current_module, self._run, self._reach, self.steps, self._returned = held
        module.state = "run"

    def _reach_of(self, module: Module) -> str:
        """How the import of a module is reached: as the module says, but a real import of tests is an import."""
        return self._reach if self.current_module is not None and module.reach == IN_TESTS else module.reach

    def run_functions(self, module: Module, lines: Sequence[int]) -> None:
        """Follow the functions that nothing called so far and that have one of these lines, as if somebody called them."""
        index = 0
        while index < len(module.functions):
            function = module.functions[index]
            index += 1
            node = function.node
            if any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines):
                self._as_called(module, function)

    def _as_called(self, module: Module, function: Function) -> None:
        if any((id(function.node), reach) in self._runs for reach in REACHES):
            return
        reach = IN_TESTS if module.reach == IN_TESTS else IF_CALLED
        self.current_module, self._run, self._reach, self.steps = module, Run(), reach, MAX_STEPS
        self._bounded(module, lambda: self._invoke(function, (), {}))
        self.current_module = None

    def _bounded(self, module: Module, run: Callable[[], object]) -> None:
        """Follow code as far as the limits go. What goes wrong with code of any origin ends its run, not the vetting."""
        active = set(self._active)
        try:
            with too_deep_as(ExhaustedError):
                run()
        except ExhaustedError as error:
            self.unfollowed[module.path] = str(error)
        except Exception as error:
            self.unfollowed[module.path] = f"{type(error).__name__} while it was followed"
        self._active = active

    # names

    def lookup(self, name: str) -> Value | None:
        """The value of a dotted name of the distribution's own modules; None if there is none."""
        head, _, attribute = name.rpartition(".")
        module = self._modules.get(head)
        if module is None:
            return None
        if not module.state:
            self.run_module(module)
        return module.scope.names.get(attribute)

    def lookup_global(self, name: str) -> Value | None:
        """The value of a name of the module that runs."""
        return self.current_module.scope.names.get(name) if self.current_module else None

    def bind_global(self, name: str, value: Value) -> None:
        """Give a value to a name of the module that runs."""
        if self.current_module is not None:
            self.current_module.scope.names[name] = value

    def record(self, kind: str, node: ast.AST, what: str) -> None:
        """Record what the code does at a place."""
        module = self.current_module
        if module is not None:
            line = getattr(node, "lineno", 0)
            key = (kind, module.path, line, what)
            known = self.behaviours.get(key)
            if known is None or REACHES.index(self._reach) < REACHES.index(known.reach):
                self.behaviours[key] = Behaviour(kind, module.path, line, what, self._reach)

    # statements

    def _body(self, statements: Iterable[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            method = _STATEMENTS.get(type(statement))
            if method:
                method(self, statement, scope)

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        if type(node.value) is not ast.Constant:
            self._unused(node, self.eval(node.value, scope))

    def _unused(self, node: ast.Expr, value: Value) -> None:
        """A decoded text that nothing uses, or that is kept: it is looked at for code."""
        self._decoded_text(node, value)

    def _decoded_text(self, node: ast.AST, value: Value) -> None:
        if value.origins and isinstance(value.constant, str | bytes) and value.how("decoded"):
            code = hidden_code(value.words)
            if code:
                self.record("hidden-text", node, f"decodes a text that has code: `{code}`")

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.eval(node.value, scope)
        self._decoded_text(node, value)
        for target in node.targets:
            self.bind(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if isinstance(node.annotation, ast.Call):
            self.eval(node.annotation, scope)
        if node.value is not None:
            self.bind(node.target, self.eval(node.value, scope), scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        if isinstance(node.target, ast.Name):
            joined = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            self.bind(node.target, self.eval(ast.copy_location(joined, node), scope), scope)
        else:
            self.eval(node.value, scope)

    def _if(self, node: ast.If, scope: Scope) -> None:
        test = node.test
        if isinstance(test, ast.Name | ast.Attribute) and _last(test) == "TYPE_CHECKING":
            self._body(node.orelse, scope)
            return
        self.eval(test, scope)
        if _is_main(test):
            if self.current_module is not None and self.current_module.runs:
                self._body(node.body, scope)
            else:
                self._with_reach(max(self._reach, IF_CALLED, key=REACHES.index), node.body, scope)
        else:
            self._body(node.body, scope)
        self._body(node.orelse, scope)

    def _with_reach(self, reach: str, body: Sequence[ast.stmt], scope: Scope) -> None:
        held, self._reach = self._reach, reach
        self._body(body, scope)
        self._reach = held

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        source = self.eval(node.iter, scope)
        elements = elements_of(source) if len(node.body) <= 3 else None
        if (
            elements is not None
            and len(elements) <= 2000
            and all(isinstance(one, ast.AugAssign | ast.Assign) for one in node.body)
        ):
            for element in elements:
                self.bind(node.target, element, scope)
                self._body(node.body, scope)
            return
        self.bind(node.target, element_of(source), scope)
        self._body(node.body, scope)
        self._body(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> None:
        self.eval(node.test, scope)
        self._body(node.body, scope)
        self._body(node.orelse, scope)

    def _try(self, node: ast.Try, scope: Scope) -> None:
        self._body(node.body, scope)
        for handler in node.handlers:
            if handler.name:
                scope.names[handler.name] = UNKNOWN
            self._body(handler.body, scope)
        self._body(node.orelse, scope)
        self._body(node.finalbody, scope)

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        for item in node.items:
            value = self.eval(item.context_expr, scope)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, scope)
        self._body(node.body, scope)

    def _match(self, node: ast.Match, scope: Scope) -> None:
        self.eval(node.subject, scope)
        for case in node.cases:
            self._body(case.body, scope)

    def _return(self, node: ast.Return, scope: Scope) -> None:
        if node.value is not None:
            self._returned.append(self.eval(node.value, scope))

    def _raise(self, node: ast.Raise, scope: Scope) -> None:
        self.eval(node.exc, scope)

    def _assert(self, node: ast.Assert, scope: Scope) -> None:
        self.eval(node.test, scope)

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            name = _plain(alias.name)
            self._note_import(node, name)
            scope.names[alias.asname or alias.name.partition(".")[0]] = Value(
                name=name if alias.asname else name.partition(".")[0]
            )

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        head = self._source(node)
        self._note_import(node, head)
        for alias in node.names:
            name = _plain(f"{head}.{alias.name}") if head else alias.name
            own = self.lookup(name) if name.count(".") or name in self._modules else None
            if own is None and name.startswith("builtins."):
                own = Value(name=name)
            scope.names[alias.asname or alias.name] = own if own is not None else Value(name=_canonical(name))
            if name in self._modules:
                self.run_module(self._modules[name])

    def _source(self, node: ast.ImportFrom) -> str:
        """The dotted name of the module of `from … import`."""
        if not node.level or self.current_module is None:
            return node.module or ""
        parts = self.current_module.name.split(".")
        keep = len(parts) - node.level + (1 if self.current_module.is_package else 0)
        return ".".join((*parts[: max(0, keep)], *([node.module] if node.module else [])))

    def _note_import(self, node: ast.AST, name: str) -> None:
        top = name.partition(".")[0]
        if top in ("ctypes", "cffi") or name in api_names.NETWORK_MODULES or top in api_names.NETWORK_MODULES:
            self.record("native" if top in ("ctypes", "cffi") else "imports-network", node, f"imports `{name}`")
        if top in ("pytransform", "sourcedefender") or top.startswith("pyarmor_runtime"):
            self.record("protected-code", node, f"imports `{top}`, which runs encrypted code")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        function = Function(node, scope, module=self.current_module)
        if self.current_module is not None:
            self.current_module.functions.append(function)
        for decorator in node.decorator_list:
            value = self.eval(decorator, scope)
            if isinstance(value.target, Function) and not isinstance(decorator, ast.Call):
                self._invoke(value.target, (Value(target=function),), {})
            elif value.name in CALLS_ITS_ARGUMENT:
                self._invoke(function, (), {})
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None and type(default) is not ast.Constant:
                self.eval(default, scope)
        scope.names[node.name] = Value(target=function)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        scope.names[node.name] = self.make_class(node, scope)

    def make_class(self, node: ast.ClassDef, scope: Scope) -> Value:
        """A class, after its body has run. In setup.py, a command of an install also runs."""
        bases = tuple(self.eval(base, scope) for base in node.bases)
        for decorator in node.decorator_list:
            self.eval(decorator, scope)
        made = Class(node, Scope(scope), bases, module=self.current_module)
        self._body(node.body, made.scope)
        value = Value(target=made)
        makers = [self.eval(keyword.value, scope) for keyword in node.keywords if keyword.arg == "metaclass"]
        for maker, methods in ((makers, ("__new__", "__init__")), (bases, ("__init_subclass__",))):
            for one in maker:
                if isinstance(one.target, Class):
                    self._call_methods(one.target, methods)
        module = self.current_module
        commands = [
            base
            for base in bases
            if base.name.rpartition(".")[2] in (*INSTALL_COMMANDS, "build_py", "build_ext", "build", "sdist")
        ]
        if commands and module is not None and module.runs:
            self._call_methods(made, ("initialize_options", "finalize_options", "run"))
        return value

    def _call_methods(self, of: Class, names: Sequence[str]) -> None:
        """Follow methods of a class as Python calls them on an instance."""
        for name in names:
            bound = self.attribute(Value(target=Instance(of)), name)
            if isinstance(bound.target, Function):
                self._invoke(bound.target, (), {})

    # calls

    def call(self, node: ast.Call, scope: Scope) -> Value:
        """The value of a call, after what it does is recorded."""
        function, receiver = self._called(node.func, scope)
        arguments = tuple(self.eval(one, scope) for one in node.args)
        keywords = {keyword.arg or "**": self.eval(keyword.value, scope) for keyword in node.keywords}
        return self._apply(function, receiver, arguments, keywords, node, scope)

    def _called(self, node: ast.expr, scope: Scope) -> tuple[Value, Value]:
        """The function that a call calls, and the value that it is an attribute of."""
        if not isinstance(node, ast.Attribute):
            return self.eval(node, scope), UNKNOWN
        receiver = self.eval(node.value, scope)
        is_data = isinstance(receiver.constant, str | bytes) or receiver.items is not None or not receiver.name
        if is_data and receiver.target is None:
            return Value(name=f".{node.attr}", is_spelled=receiver.is_spelled), receiver
        return self.attribute(receiver, node.attr), receiver

    def apply(self, function: Value, arguments: Sequence[Value], node: ast.expr) -> Value:
        """The value of a function called with values."""
        made = node if isinstance(node, ast.Call) else ast.copy_location(ast.Call(node, [], []), node)
        return self._apply(function, UNKNOWN, tuple(arguments), {}, made, Scope())

    def _apply(
        self,
        function: Value,
        receiver: Value,
        arguments: tuple[Value, ...],
        keywords: Mapping[str, Value],
        node: ast.Call,
        scope: Scope,
    ) -> Value:
        target = function.target
        if isinstance(target, Function):
            return self._invoke(target, arguments, keywords)
        if isinstance(target, Class):
            return self._instance(target, arguments, keywords)
        name = function.name
        if function.items is not None and name in DEFERRED:
            return self._deferred(function, arguments, node, scope)
        if not name:
            return Value(origins=origins_of((*arguments, *keywords.values(), function)))
        value = self._followed(name, receiver, arguments, keywords, node, scope)
        if value is not None:
            return value
        call = Call(name, arguments, keywords, node, receiver, function.is_spelled)
        return self._judged(call, scope)

    def _deferred(self, function: Value, arguments: tuple[Value, ...], node: ast.Call, scope: Scope) -> Value:
        """What partial(), attrgetter() and methodcaller() of the library made, called."""
        given = function.items or ()
        if function.name == "functools.partial()":
            return self._apply(given[0], UNKNOWN, (*given[1:], *arguments), {}, node, scope) if given else UNKNOWN
        attribute = given[0].constant if given else MISSING
        if not arguments or not isinstance(attribute, str):
            return UNKNOWN
        found = self.attribute(arguments[0], attribute, is_spelled=False)
        return (
            found
            if function.name.startswith("operator.attr")
            else self._apply(found, arguments[0], given[1:], {}, node, scope)
        )

    def _defer(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """partial(), attrgetter() and methodcaller() of the library."""
        return Value(name=f"{name}()", items=arguments) if f"{name}()" in DEFERRED else None

    def _followed(
        self,
        name: str,
        receiver: Value,
        arguments: tuple[Value, ...],
        keywords: Mapping[str, Value],
        node: ast.Call,
        scope: Scope,
    ) -> Value | None:
        """The value of a call whose meaning is known and that does nothing else; None for any other."""
        special = _SPECIAL.get(name.rpartition(".")[2])
        value = special(self, name, receiver, arguments, keywords, node, scope) if special is not None else None
        if value is None:
            value = computed(name, receiver, arguments, keywords)
        return None if value is None else self.afforded(value)

    def _judged(self, call: Call, scope: Scope) -> Value:
        """The value of any other call, after what it does is recorded."""
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
        """Functions given to what calls them: threads, map(), atexit."""
        if name in CALLS_ITS_ARGUMENT or name.endswith((".submit", ".start_new_thread")):
            for value in (*arguments[:2], *(keywords.get(key, UNKNOWN) for key in ("target", "function"))):
                if isinstance(value.target, Function):
                    self._invoke(value.target, (), {})

    def _constant_code(self, call: Call, scope: Scope) -> None:
        """Code in a text that is known: it is parsed and followed in turn."""
        code = call.argument(0, "source").constant
        if not isinstance(code, str | bytes) or self._nested_code >= MAX_NESTED_CODE or len(code) > 1 << 18:
            return
        tree = parsed_text(code)
        if tree is not None:
            self._nested_code += 1
            for node in ast.walk(tree):
                if hasattr(node, "lineno"):
                    node.lineno = call.node.lineno
            self._body(tree.body, Scope(scope))
            self._nested_code -= 1

    def _instance(self, made: Class, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        value = Value(target=Instance(made))
        first = self.attribute(value, "__init__")
        if isinstance(first.target, Function):
            self._invoke(first.target, arguments, keywords)
        return value

    def _invoke(self, function: Function, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """Follow a call of the code's own function; its result is the first value that it returns, with the data of all."""
        node = function.node
        key = (id(node), self._reach)
        is_plain = not any(
            value.origins or value.constant is not MISSING or value.target or value.name
            for value in (*arguments, *keywords.values())
        )
        count = self._runs.get(key, 0)
        if (
            (is_plain and count)
            or count >= MAX_RUNS_OF_FUNCTION
            or id(node) in self._active
            or len(self._active) >= MAX_CALLS
        ):
            known = self._results.get(key, UNKNOWN)
            return (
                known
                if known.origins or known.name
                else Value(name=known.name, origins=origins_of((*arguments, *keywords.values())))
            )
        self._runs[key] = count + 1
        scope = Scope(function.scope)
        self._bind_parameters(node, function, arguments, keywords, scope)
        held_module, held_returns = self.current_module, self._returned
        self.current_module, self._returned = function.module or held_module, []  # type: ignore[assignment]
        self._active.add(id(node))
        try:
            if isinstance(node, ast.Lambda):
                self._returned.append(self.eval(node.body, scope))
            else:
                self._body(node.body, scope)
            result = self._one_of(self._returned) if self._returned else UNKNOWN
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
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        values = list(arguments)
        if function.instance is not None and names:
            values.insert(0, function.instance)
        for place, name in enumerate(names):
            scope.names[name] = values[place] if place < len(values) else keywords.get(name, UNKNOWN)
        for argument in node.args.kwonlyargs:
            scope.names[argument.arg] = keywords.get(argument.arg, UNKNOWN)
        if node.args.vararg:
            rest = tuple(values[len(names) :])
            scope.names[node.args.vararg.arg] = Value(items=rest, origins=origins_of(rest))
        if node.args.kwarg:
            scope.names[node.args.kwarg.arg] = Value(origins=origins_of(keywords.values()))
        defaults = node.args.defaults
        for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
            if scope.names[name] is UNKNOWN and type(default) is ast.Constant:
                scope.names[name] = Value(constant=default.value)

    # functions that are followed by their meaning

    def _getattr(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """getattr(x, 'name') and x.__getattribute__('name')."""
        if name == "builtins.getattr" and len(arguments) >= 2:
            owner, attribute = arguments[0], arguments[1].constant
        elif name.endswith(".__getattribute__") and len(arguments) == 1:
            owner, attribute = Value(name=name.removesuffix(".__getattribute__")), arguments[0].constant
        elif name == "builtins.builtins.getattr" and len(arguments) >= 2:
            owner, attribute = arguments[0], arguments[1].constant
        else:
            return None
        if not isinstance(attribute, str):
            return Value(origins=origins_of(arguments[1:]))
        if owner.name == "builtins" and attribute in api_names.BUILTINS:
            return Value(name=f"builtins.{attribute}", is_spelled=False)
        return self.attribute(owner, attribute, is_spelled=False)

    def _imported(
        self, name: str, receiver: Value, arguments: tuple[Value, ...], keywords: object, node: ast.Call, scope: Scope
    ) -> Value | None:
        """__import__('os') and importlib.import_module('os')."""
        if name not in ("builtins.__import__", "importlib.import_module", "importlib.__import__", "import_module"):
            return None
        if not arguments:
            return UNKNOWN
        module = arguments[0].constant
        if not isinstance(module, str):
            return UNKNOWN
        if arguments[0].origins and arguments[0].how("decoded"):
            self.record("hidden-name", node, f"imports `{module}`, whose name it decodes")
        is_package = name.endswith("__import__")
        return Value(name=module.partition(".")[0] if is_package else module, is_spelled=not is_package)

    def _names(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """vars(os), globals(), locals()."""
        if name == "builtins.vars" and arguments and arguments[0].name:
            return Value(name=f"{arguments[0].name}.__dict__")
        return Value(name=f"{name}()") if name in ("builtins.vars", "builtins.globals", "builtins.locals") else None

    def _got(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """x.get('key'), os.environ.get and os.getenv."""
        if not arguments or not isinstance(arguments[0].constant, str):
            return None
        if name in ("os.getenv", "os.environ.get", "os.environ.pop", "environ.get", "getenv"):
            return environment_variable(arguments[0].constant)
        is_dict = receiver.name.endswith(("__dict__", "sys.modules")) or receiver.name in (
            "builtins.globals()",
            "builtins.locals()",
            "builtins.vars()",
        )
        if is_dict or receiver.entries is not None:
            return self.item(receiver, arguments[0])
        return None

    def _mapped(
        self, name: str, receiver: Value, arguments: tuple[Value, ...], keywords: object, node: ast.Call, scope: Scope
    ) -> Value | None:
        """map(function, sequence)."""
        if name != "builtins.map" or len(arguments) != 2:
            return None
        elements = elements_of(arguments[1])
        if elements is None or len(elements) > 4000:
            return None
        results = [self._apply(arguments[0], UNKNOWN, (element,), {}, node, scope) for element in elements]
        return Value(items=tuple(results), origins=origins_of(results))

    def _joined_path(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """os.path.join and Path(…): the known pieces of a path."""
        if (
            name in ("os.path.join", "posixpath.join", "ntpath.join", "path.join")
            or name.endswith((".joinpath", "pathlib.Path"))
            or name == "Path"
        ):
            pieces = ((receiver,) if name.endswith("joinpath") else ()) + arguments
            return Value(
                name="pathlib.Path()" if "Path" in name or "joinpath" in name else "",
                text="/".join(one.words or GAP for one in pieces)[:4000],
                origins=origins_of(pieces),
            )
        if (
            name
            in (
                "os.path.expanduser",
                "os.path.expandvars",
                "os.path.abspath",
                "os.path.realpath",
                "os.path.normpath",
                "os.fspath",
                "os.path.dirname",
            )
            or name == "builtins.str"
        ):
            return (
                Value(text=arguments[0].words, origins=arguments[0].origins)
                if (arguments and arguments[0].words and arguments[0].constant is MISSING)
                or (name == "os.path.expanduser" and arguments)
                else None
            )
        return HOME if name.endswith("Path.home") else None

    def _repeated(self, name: str, receiver: Value, arguments: tuple[Value, ...], *_: object) -> Value | None:
        """Methods that give their object back: `x.copy()`, and the elements of a list."""
        return receiver if name.startswith("os.environ") and name.endswith(("copy", "items", "values")) else None


def parsed_text(code: str | bytes) -> ast.Module | None:
    """The tree of code in a text; None if it is none."""
    try:
        with warnings.catch_warnings(), too_deep_as(ValueError):
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, MemoryError):
        return None


def _plain(name: str) -> str:
    """The name of a module that is bundled in a folder of others, by its own name."""
    for folder in PACKAGE_FOLDERS:
        if folder in name:
            return name.partition(folder)[2]
    return name


def _canonical(name: str) -> str:
    """The name of a thing as `api_names` has it."""
    return f"builtins.{name.partition('.')[2]}" if name.startswith("__builtin__.") else name


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_main(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == '__main__'`."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


_STATEMENTS: Mapping[type[ast.stmt], Callable[..., None]] = MappingProxyType(
    {
        ast.Expr: Interpreter._expression,
        ast.Assign: Interpreter._assign,
        ast.AnnAssign: Interpreter._annotated,
        ast.AugAssign: Interpreter._augmented,
        ast.If: Interpreter._if,
        ast.For: Interpreter._for,
        ast.AsyncFor: Interpreter._for,
        ast.While: Interpreter._while,
        ast.Try: Interpreter._try,
        ast.TryStar: Interpreter._try,
        ast.With: Interpreter._with,
        ast.AsyncWith: Interpreter._with,
        ast.Match: Interpreter._match,
        ast.Return: Interpreter._return,
        ast.Raise: Interpreter._raise,
        ast.Assert: Interpreter._assert,
        ast.Import: Interpreter._import,
        ast.ImportFrom: Interpreter._import_from,
        ast.FunctionDef: Interpreter._function,
        ast.AsyncFunctionDef: Interpreter._function,
        ast.ClassDef: Interpreter._class,
    }
)
_SPECIAL: Mapping[str, Callable[..., Value | None]] = MappingProxyType(
    {
        "getattr": Interpreter._getattr,
        "__getattribute__": Interpreter._getattr,
        "__import__": Interpreter._imported,
        "import_module": Interpreter._imported,
        **dict.fromkeys(("vars", "globals", "locals"), Interpreter._names),
        **dict.fromkeys(("get", "getenv", "pop"), Interpreter._got),
        "map": Interpreter._mapped,
        **dict.fromkeys(("partial", "attrgetter", "methodcaller"), Interpreter._defer),
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
            Interpreter._joined_path,
        ),
        **dict.fromkeys(("copy", "items", "values"), Interpreter._repeated),
    }
)
