"""Follows the statements and modules of foreign code without running them, and records what they do (pure)."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType

from wheelhouse.documents import too_deep_as
from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.behaviour import IF_CALLED, IN_TESTS
from wheelhouse.vet.code.calls import CALLS_ITS_ARGUMENT, REACHES, Calls, Module
from wheelhouse.vet.code.computed_values import element_of, elements_of
from wheelhouse.vet.code.expressions import MAX_STEPS, ExhaustedError
from wheelhouse.vet.code.named_call import Run, hidden_code
from wheelhouse.vet.code.named_things import PACKAGE_FOLDERS
from wheelhouse.vet.code.sinks import INSTALL_COMMANDS
from wheelhouse.vet.code.values import (
    CLASS_METHOD,
    METHOD,
    STATIC_METHOD,
    UNKNOWN,
    Class,
    CodeScope,
    Function,
    Instance,
    Scope,
    Value,
)

TYPE_CHECKING = frozenset(("TYPE_CHECKING", "typing.TYPE_CHECKING", "typing_extensions.TYPE_CHECKING"))
MAX_REPEATS = 64
"""How many elements of a known sequence the body of a loop is followed with."""
MAX_REPEATED_STEPS = 500
"""After so many steps, a loop is not followed with the next element."""
COMMANDS = (*INSTALL_COMMANDS, "build_py", "build_ext", "build", "sdist")
"""The classes of setuptools whose methods a build or an install calls."""


class Interpreter(Calls):
    """Follows the modules of one distribution."""

    _growing: Sequence[ast.stmt] = ()
    """The statements that add to a text in a loop, until its last element."""

    def run_module(self, module: Module) -> None:
        """Follow what an import of a module does, reached as the module says; nothing if it runs or has run."""
        self._run_module(module, module.reach)

    def _import_module(self, module: Module) -> None:
        """Follow the import of a module by the code that runs. A module of tests is reached as this code is reached."""
        self._run_module(module, self._reach if module.reach == IN_TESTS else module.reach)

    def _run_module(self, module: Module, reach: str) -> None:
        """Follow what an import of a module does; nothing if it runs or has run.

        It gets its own limit of steps, and the module that imports it continues afterwards.
        """
        if module.is_started:
            return
        module.is_started = True
        self._started.append(module)
        held = (self.current_module, self._run, self._reach, self.steps, self._returned)
        self.current_module, self._run, self._reach, self.steps = module, Run(), reach, MAX_STEPS
        module.scope.names["__file__"] = Value(name="__file__", text="__file__")
        self._bounded(module, lambda: self._import_body(module))
        self.current_module, self._run, self._reach, self.steps, self._returned = held

    def _import_body(self, module: Module) -> None:
        """Follow the statements of a module, then its `__getattr__`, which imports of names from it call (PEP 562)."""
        self.body(module.tree.body, module.scope)
        getter = module.scope.names.get("__getattr__")
        if getter is not None and isinstance(getter.target, Function):
            self._invoke(getter.target, (UNKNOWN,), {})

    def run_functions(self, module: Module, lines: Sequence[int]) -> None:
        """Follow the functions of a module that nothing called so far and that have one of these lines, as if somebody called them.

        The same for functions that they define.
        """
        index = 0
        while index < len(module.functions):
            function = module.functions[index]
            index += 1
            node = function.node
            if any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines):
                self._as_called(module, function)

    def release(self) -> None:
        """Forget all names, functions and attributes. They refer to each other, and would keep the trees in memory."""
        for module in (*self._modules.values(), *self._started):
            module.scope.names.clear()
            module.functions.clear()
        for scope in self._defining_scopes:
            scope.names.clear()
            scope.made = None
        for made in self._made_classes:
            made.attributes.clear()

    def _as_called(self, module: Module, function: Function) -> None:
        """Follow a function without arguments, as if somebody called it; nothing if it was followed before.

        The reach is IN_TESTS in a module of tests, else IF_CALLED. It, the module and the steps left stay set afterwards.
        """
        if any((id(function.node), reach) in self._runs for reach in REACHES):
            return
        reach = IN_TESTS if module.reach == IN_TESTS else IF_CALLED
        self.current_module, self._run, self._reach, self.steps = module, Run(), reach, MAX_STEPS
        self._bounded(module, lambda: self._invoke(function, (), {}))

    def _bounded(self, module: Module, run: Callable[[], object]) -> None:
        """Call `run`, as far as the limits go. Any error ends it and is kept in `unfollowed`, by the module's path; none is raised."""
        active = set(self._active)
        try:
            with too_deep_as(ExhaustedError):
                run()
        except ExhaustedError as error:
            self.unfollowed[module.path] = str(error)
        except Exception as error:
            self.unfollowed[module.path] = f"{type(error).__name__} while it was followed"
        self._active = active

    def lookup(self, name: str) -> Value | None:
        """The value of a name `module.x` that one of the distribution's own modules binds; None if there is none.

        Follows the import of the module first.
        """
        head, _, attribute = name.rpartition(".")
        module = self._modules.get(head)
        if module is None:
            return None
        self._import_module(module)
        return module.scope.names.get(attribute)

    def body(self, statements: Iterable[ast.stmt], scope: Scope) -> None:
        """Follow statements in order. Those that do nothing which is followed (`pass`, `break`) are skipped."""
        for statement in statements:
            method = _STATEMENTS.get(type(statement))
            if method:
                method(self, statement, scope)

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        """Follow an expression that is a statement, and record code in a text that it decodes. A constant, as a docstring, is skipped."""
        if type(node.value) is not ast.Constant:
            self.record_hidden_text(node, self.eval(node.value, scope))

    def record_hidden_text(self, node: ast.expr | ast.stmt, value: Value) -> None:
        """Record `hidden-text` if a value is a decoded text that is known and contains code or a command.

        Not for a text that a loop still puts together: a search in each piece of it takes time with the square of its length.
        """
        if node not in self._growing and isinstance(value.constant, str | bytes) and value.how("decoded"):
            code = hidden_code(value.words)
            if code:
                self.record("hidden-text", node, f"decodes a text that has code: `{code}`")

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        """Bind each target to the value, and record code in a text that is decoded."""
        value = self.eval(node.value, scope)
        self.record_hidden_text(node, value)
        for target in node.targets:
            self.bind(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        """Bind the target if there is a value, and record code in a text that is decoded.

        Of the annotation, only calls are evaluated, also after `from __future__ import annotations`: whoever reads the types runs them.
        """
        self.eval_calls((node.annotation,), scope)
        if node.value is not None:
            value = self.eval(node.value, scope)
            self.record_hidden_text(node, value)
            self.bind(node.target, value, scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        """Bind a name to the result of the operator; for any other target, only evaluate the target and the value.

        If the result for a name, or the value for another target, is a decoded text that has code, that is recorded. A
        variable of `os.environ` is handed to `exported`.
        """
        target = node.target
        if isinstance(target, ast.Name):
            joined = ast.BinOp(ast.Name(target.id, ast.Load()), node.op, node.value)
            value = self.eval(ast.copy_location(joined, node), scope)
            self.bind(target, value, scope)
        else:
            if isinstance(target, ast.Subscript):
                owner, key = self.eval(target.value, scope), self.eval(target.slice, scope).constant
                if owner.name == "os.environ":
                    self.exported(key, target)
            else:
                self.eval(target, scope)
            value = self.eval(node.value, scope)
        self.record_hidden_text(node, value)

    def _if(self, node: ast.If, scope: Scope) -> None:
        """Follow both branches, of `if TYPE_CHECKING` only the other one, unless the code binds this name itself.

        The body of `if __name__ == '__main__'` counts as called, in tests as tests, unless the module runs by itself. So does that of
        `if TYPE_CHECKING` if the code binds this name to False.
        """
        test = node.test
        value = self.eval(test, scope)
        if value.name in TYPE_CHECKING and isinstance(test, ast.Name | ast.Attribute):
            self.body(node.orelse, scope)
            return
        is_main = _is_main(test, self.current_module.name) and not self.current_module.runs
        is_for_types = value.constant is False and "TYPE_CHECKING" in (
            getattr(test, "id", ""),
            getattr(test, "attr", ""),
        )
        if is_main or is_for_types:
            self._with_reach(max(self._reach, IF_CALLED, key=REACHES.index), node.body, scope)
        else:
            self.body(node.body, scope)
        self.body(node.orelse, scope)

    def _with_reach(self, reach: str, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Follow statements with another reach; the old one is restored afterwards, but not if an error ends them."""
        held, self._reach = self._reach, reach
        self.body(body, scope)
        self._reach = held

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        """Follow the body of a loop with the first elements of a known sequence, else once, with one that stands for all.

        MAX_REPEATS and MAX_REPEATED_STEPS say with how many; with one only, if half of MAX_STEPS is used. A body of at most three
        assignments is followed for each element of a known sequence or text of at most 2000. An empty one may get elements elsewhere:
        the body is followed once.
        """
        source = self.eval(node.iter, scope)
        elements = elements_of(source) if len(node.body) <= 3 else None
        if elements and len(elements) <= 2000 and all(isinstance(one, ast.AugAssign | ast.Assign) for one in node.body):
            held, growing = self._growing, _growing_in(node)
            try:
                for number, element in enumerate(elements, 1):
                    self._growing = growing if number < len(elements) else ()
                    self.bind(node.target, element, scope)
                    self.body(node.body, scope)
            finally:
                self._growing = held
        else:
            last = max(self.steps - MAX_REPEATED_STEPS, MAX_STEPS // 2)
            for element in (source.items or ())[:MAX_REPEATS] or (element_of(source),):
                self.bind(node.target, element, scope)
                self.body(node.body, scope)
                if self.steps < last:
                    break
        self.body(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> None:
        """Follow the condition and both bodies once."""
        self.eval(node.test, scope)
        self.body(node.body, scope)
        self.body(node.orelse, scope)

    def _try(self, node: ast.Try, scope: Scope) -> None:
        """Follow all branches; the name of an exception becomes UNKNOWN."""
        self.body(node.body, scope)
        for handler in node.handlers:
            self.eval(handler.type, scope)
            if handler.name:
                scope.bind(handler.name, UNKNOWN)
            self.body(handler.body, scope)
        self.body(node.orelse, scope)
        self.body(node.finalbody, scope)

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        """Bind each target to the value of its context expression, follow the methods that enter and leave it, and the body."""
        for item in node.items:
            value = self.eval(item.context_expr, scope)
            if isinstance(value.target, Instance):
                self._call_methods(value.target.of, ("__enter__", "__aenter__", "__exit__", "__aexit__"))
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, scope)
        self.body(node.body, scope)

    def _match(self, node: ast.Match, scope: Scope) -> None:
        """Follow the guards and bodies of all cases. A pattern binds only the name of the whole subject, as `case x` or `case … as x`."""
        subject = self.eval(node.subject, scope)
        for case in node.cases:
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.name:
                scope.bind(case.pattern.name, subject)
            self.eval(case.guard, scope)
            self.body(case.body, scope)

    def _return(self, node: ast.Return, scope: Scope) -> None:
        """Keep the value that a function returns, for its call; nothing for a `return` alone."""
        if node.value is not None:
            self._returned.append(self.eval(node.value, scope))

    def _raise(self, node: ast.Raise, scope: Scope) -> None:
        """Evaluate the exception and its cause."""
        self.eval(node.exc, scope)
        self.eval(node.cause, scope)

    def _assert(self, node: ast.Assert, scope: Scope) -> None:
        """Evaluate the condition and the message."""
        self.eval(node.test, scope)
        self.eval(node.msg, scope)

    def _delete(self, node: ast.Delete, scope: Scope) -> None:
        """Evaluate what is deleted; no name is forgotten."""
        for target in node.targets:
            self.eval(target, scope)

    def _global(self, node: ast.Global, scope: Scope) -> None:
        """Declare names of the nearest code in a text around, if it has names of its own, else of the module."""
        around: Scope | None = scope
        while around is not None and not isinstance(around, CodeScope):
            around = around.around
        scope.outer = {**scope.outer, **dict.fromkeys(node.names, around or self.current_module.scope)}

    def _nonlocal(self, node: ast.Nonlocal, scope: Scope) -> None:
        """Declare names of the nearest scope around that binds each so far, no class body; one that none binds is not declared."""
        for name in node.names:
            around = scope.around
            while around is not None and (around.made is not None or name not in around.names):
                around = around.around
            if around is not None:
                scope.outer = {**scope.outer, name: around}

    def _import(self, node: ast.Import, scope: Scope) -> None:
        """Record imports as `_record_import` says, and bind the names to dotted names; only modules of tests are followed at once."""
        for alias in node.names:
            name = _without_bundling_folder(alias.name)
            self._record_import(node, name)
            self.import_tests(alias.name)
            bound = alias.asname or alias.name.partition(".")[0]
            scope.bind(bound, Value(name=name if alias.asname else bound))

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        """Bind the imported names to values of the distribution's own modules, which are followed first, else to dotted names.

        Records the import as `_record_import` says, also if the name is the module that uses the network: `from urllib import request`.
        `*` binds names of the distribution's own module, as `_public_names` says.
        """
        head = self._module_imported_from(node)
        self._record_import(node, _without_bundling_folder(head))
        self.import_tests(head)
        if node.names[0].name == "*" and head in self._modules:
            self._import_module(self._modules[head])
            for name, value in _public_names(self._modules[head], scope):
                scope.bind(name, value)
        for alias in node.names:
            name = _without_bundling_folder(f"{head}.{alias.name}") if head else alias.name
            if head and name in api_names.NETWORK_MODULES:
                self._record_import(node, name)
            own = self.lookup(name)
            scope.bind(alias.asname or alias.name, own if own is not None else Value(name=_canonical(name)))
            if name in self._modules:
                self._import_module(self._modules[name])

    def import_tests(self, name: str) -> None:
        """Follow the import of each module of tests in a dotted name. Other modules are followed in any case."""
        for part in accumulate(name.split("."), "{}.{}".format):
            if part in self._modules and self._modules[part].reach == IN_TESTS:
                self._import_module(self._modules[part])

    def _module_imported_from(self, node: ast.ImportFrom) -> str:
        """The absolute dotted name of the module of `from … import`; empty for `from . import` at the top."""
        around: list[str] = []
        if node.level:
            parts = self.current_module.name.split(".")
            around = parts[: max(0, len(parts) - node.level + self.current_module.is_package)]
        return ".".join((*around, *([node.module] if node.module else [])))

    def _record_import(self, node: ast.stmt, name: str) -> None:
        """Record an import of a module that uses the network, of ctypes or cffi, or of what runs encrypted code; of others nothing."""
        top = name.partition(".")[0]
        if top in ("ctypes", "cffi") or name in api_names.NETWORK_MODULES or top in api_names.NETWORK_MODULES:
            self.record("native" if top in ("ctypes", "cffi") else "imports-network", node, f"imports `{name}`")
        if top in ("pytransform", "sourcedefender") or top.startswith("pyarmor_runtime"):
            self.record("protected-code", node, f"imports `{top}`, which runs encrypted code")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        """Bind the name of a function, and evaluate its decorators, its defaults and the calls in its annotations.

        Its body is followed only if a decorator calls it, as `atexit.register` does. Its decorators are called as `_decorate`
        says, but the name is bound to the function itself, whatever they give. It is noted in the module's `functions`, for
        `run_functions`. `from __future__ import annotations` makes no difference.
        """
        decorators = [self.eval(decorator, scope) for decorator in node.decorator_list]
        binds = next((one.name for one in decorators if one.name in (CLASS_METHOD, STATIC_METHOD)), METHOD)
        function = self.make_function(node, scope, binds)
        self.current_module.functions.append(function)
        self.eval_calls(_annotations(node), scope)
        value = Value(target=function)
        self._decorate(value, node.decorator_list, decorators, scope)
        scope.bind(node.name, value)

    def _decorate(self, made: Value, nodes: Sequence[ast.expr], decorators: Sequence[Value], scope: Scope) -> None:
        """Follow the calls of the decorators of a function or class, the lowest first.

        Each gets what the one below it gives, if that is a text, a sequence or a thing of the code, else the function or class.
        A decorator from outside the code is called only with a text or a sequence, or if it calls a function that it is given.
        """
        given = made
        for node, decorator in zip(reversed(nodes), reversed(decorators), strict=True):
            if decorator.target is not None or given.words:
                call = ast.copy_location(ast.Call(node, [], []), node)
                result = self._apply(decorator, UNKNOWN, (given,), {}, call, scope)
                given = result if result.words or result.target else made
            elif decorator.name in CALLS_ITS_ARGUMENT and isinstance(made.target, Function):
                self._invoke(made.target, (), {})

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        """Bind the name of a class, after its body has run."""
        scope.bind(node.name, self.make_class(node, scope))

    def make_class(self, node: ast.ClassDef, scope: Scope) -> Value:
        """A class as a value, after its body has run.

        Also follows its decorators, as `_decorate` says, `__new__` and `__init__` of its metaclass and
        `__init_subclass__` of its bases. In setup.py and other modules that run by themselves, the methods of a build or
        install command are followed, too. The class is noted, for `release`.
        """
        bases = tuple(self.eval(base, scope) for base in node.bases)
        decorators = [self.eval(decorator, scope) for decorator in node.decorator_list]
        keywords = {keyword.arg: self.eval(keyword.value, scope) for keyword in node.keywords}
        made = Class(node, Scope(scope), bases, module=self.current_module)
        self._made_classes.append(made)
        self._defining_scopes.update((scope, made.scope))
        made.scope.made = made
        self.body(node.body, made.scope)
        value = Value(target=made)
        self._decorate(value, node.decorator_list, decorators, scope)
        makers = [keywords["metaclass"]] if "metaclass" in keywords else []
        for maker, methods in ((makers, ("__new__", "__init__")), (bases, ("__init_subclass__",))):
            for one in maker:
                if isinstance(one.target, Class):
                    self._call_methods(one.target, methods)
        is_command = any(base.name.rpartition(".")[2] in COMMANDS for base in bases)
        if is_command and self.current_module.runs:
            self._call_methods(made, ("initialize_options", "finalize_options", "run"))
        return value

    def _call_methods(self, of: Class, names: Sequence[str]) -> None:
        """Follow these methods in their order, on an instance and without arguments. A method that it lacks is skipped."""
        for name in names:
            bound = self.attribute(Value(target=Instance(of)), name)
            if isinstance(bound.target, Function):
                self._invoke(bound.target, (), {})


def _growing_in(loop: ast.For | ast.AsyncFor) -> list[ast.stmt]:
    """The assignments of a loop that change a name by its own value, if neither another one nor the loop gives it a new value."""
    growing: dict[str, list[ast.stmt]] = {}
    renewed = _bound_names(loop.target)
    for one in loop.body:
        if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name):
            growing.setdefault(one.target.id, []).append(one)
        elif isinstance(one, ast.Assign):
            names = {name for target in one.targets for name in _bound_names(target)}
            used = {part.id for part in ast.walk(one.value) if isinstance(part, ast.Name)}
            renewed |= names - used
            for name in names & used:
                growing.setdefault(name, []).append(one)
    return [one for name, changes in growing.items() if name not in renewed for one in changes]


def _bound_names(target: ast.expr) -> set[str]:
    """The names that a target binds; not those of the things whose attributes or items it sets."""
    return {part.id for part in ast.walk(target) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """The annotations of parameters and result."""
    arguments = node.args
    parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    for annotation in (*(one.annotation for one in parameters if one), node.returns):
        if annotation is not None:
            yield annotation


def _public_names(module: Module, scope: Scope) -> list[tuple[str, Value]]:
    """The names that `from module import *` binds in a scope, with their values: those of a known `__all__`, else those without `_` before.

    `__all__` may also get names that are not known: those without `_` before that mean nothing in the scope so far are bound, too.
    """
    names = module.scope.names
    public = [(name, value) for name, value in names.items() if not name.startswith("_")]
    items = names.get("__all__", UNKNOWN).items
    if items is None:
        return public
    listed = [(one.words, names[one.words]) for one in items if one.words in names]
    bound = api_names.BUILTINS | {name for name, _ in listed}
    return [*listed, *((name, value) for name, value in public if name not in bound and scope.get(name) is None)]


def _without_bundling_folder(name: str) -> str:
    """The name of a module without the packages that bundle it: `pip._vendor.requests` is `requests`. Any other name as it is."""
    for folder in PACKAGE_FOLDERS:
        name = name.rpartition(f"{folder}.")[2]
    return name


def _is_main(test: ast.expr, module: str) -> bool:
    """Whether a condition is `__name__ == '__main__'`, `__name__ in ('__main__', 'y')` or `__name__ != 'x'` in a module `x`.

    An import does not run its body.
    """
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Name) or test.left.id != "__name__":
        return False
    right = test.comparators[0]
    if len(test.ops) == 1 and isinstance(test.ops[0], ast.In) and isinstance(right, ast.Tuple | ast.List | ast.Set):
        listed = [one.value if isinstance(one, ast.Constant) else module for one in right.elts]
        return "__main__" in listed and module not in listed
    name = right.value if isinstance(right, ast.Constant) and len(test.ops) == 1 else None
    return name == ("__main__" if isinstance(test.ops[0], ast.Eq) else module) and isinstance(
        test.ops[0], ast.Eq | ast.NotEq
    )


def _canonical(name: str) -> str:
    """The name of a thing as `api_names` has it: `__builtin__.x` of Python 2 is `builtins.x`. Any other name as it is."""
    return f"builtins.{name.partition('.')[2]}" if name.startswith("__builtin__.") else name


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
        ast.Delete: Interpreter._delete,
        ast.Global: Interpreter._global,
        ast.Nonlocal: Interpreter._nonlocal,
        ast.Import: Interpreter._import,
        ast.ImportFrom: Interpreter._import_from,
        ast.FunctionDef: Interpreter._function,
        ast.AsyncFunctionDef: Interpreter._function,
        ast.ClassDef: Interpreter._class,
    }
)
