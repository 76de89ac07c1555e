"""Evaluates expressions of foreign code without running it: constants are computed, names are followed, data keep their origin (pure)."""

import ast
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence

from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.computed_values import MAX_PIECES, element_of, elements_of
from wheelhouse.vet.code.folding import (
    MAX_BYTES,
    MAX_ITEMS,
    fold_operator,
    python_value,
)
from wheelhouse.vet.code.named_things import NamedThings, is_key
from wheelhouse.vet.code.values import (
    GAP,
    METHOD,
    MISSING,
    UNKNOWN,
    Class,
    ComprehensionScope,
    Constant,
    Function,
    Instance,
    Origin,
    Scope,
    Value,
    origins_of,
)

MAX_STEPS = 150_000
"""The most expressions that are evaluated for one module, or for one function that nothing calls."""
MAX_ENTRIES = 200
MAX_COMPUTED_BYTES = 32 << 20
"""The most bytes and characters of all long constants that are computed in one distribution."""
SMALL = 64
CONVERSIONS: Mapping[int, Callable[[object], str]] = {ord("r"): repr, ord("a"): ascii}
"""What `!r` and `!a` do in an f-string."""
MAX_ROWS = 100
"""A table with more rows is data, not code."""


class ExhaustedError(Exception):
    """A limit ends the run; the text of the error says which."""


class Expressions(NamedThings):
    """Evaluates expressions. `KnownCalls` and `Calls` add calls, `interpreter.Interpreter` adds statements."""

    steps = MAX_STEPS
    current_module: object
    _defining_scopes: set[Scope]
    bytes_left = MAX_COMPUTED_BYTES

    def afforded(self, value: Value) -> Value:
        """The same value.

        Long constants count against MAX_COMPUTED_BYTES of the distribution; when those are used up, a long one is unknown.
        """
        constant = value.constant
        if isinstance(constant, str | bytes) and len(constant) > SMALL:
            self.bytes_left -= len(constant)
            if self.bytes_left < 0:
                return Value(origins=value.origins)
        return value

    def eval(self, node: ast.expr | None, scope: Scope) -> Value:
        """The value of an expression; UNKNOWN for None. Takes one step, and raises ExhaustedError if none is left."""
        if node is None:
            return UNKNOWN
        self.steps -= 1
        if self.steps < 0:
            raise ExhaustedError("it takes too many steps")
        method = self._evaluators.get(type(node))
        return method(self, node, scope) if method else self._children(node, scope)

    @abstractmethod
    def call(self, node: ast.Call, scope: Scope) -> Value:
        """The value of a call. `Calls` implements it."""

    @abstractmethod
    def make_class(self, node: ast.ClassDef, scope: Scope) -> Value:
        """A class, after its body has run. `Interpreter` implements it."""

    def _children(self, node: ast.AST, scope: Scope) -> Value:
        """The value of any other expression: unknown, with the origins of its parts, which are evaluated."""
        return Value(
            origins=origins_of(
                [self.eval(child, scope) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
            )
        )

    def _constant(self, node: ast.Constant, scope: Scope) -> Value:
        """A literal as a known value."""
        return Value(constant=node.value)

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        """The value of a name in scope, else the thing of this name; `builtins.x` for a function of Python."""
        value = scope.get(node.id)
        if value is not None:
            return value
        if node.id in api_names.BUILTINS:
            return Value(name=f"builtins.{node.id}")
        return Value(name="builtins" if node.id == "__builtins__" else node.id)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        """The value of `x.name`, by the value of `x`."""
        return self.attribute(self.eval(node.value, scope), node.attr)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        """The value of `x[index]`, or a part of `x` for a slice."""
        value = self.eval(node.value, scope)
        if isinstance(node.slice, ast.Slice):
            return self._sliced(value, node.slice, scope)
        index = self.eval(node.slice, scope)
        return self.item(value, index)

    def _sliced(self, value: Value, node: ast.Slice, scope: Scope) -> Value:
        """A part of a known text, bytes or sequence. A step other than 1 in a text or bytes of four or more counts as decoding,
        named with a GAP for a step that is as long as the text.

        If the value or a limit is not known, only its name, text and origins.
        """
        limits = [self.eval(part, scope).constant if part else None for part in (node.lower, node.upper, node.step)]
        whole = [limit for limit in limits if limit is None or isinstance(limit, int)]
        if len(whole) < len(limits):
            return Value(origins=value.origins, name=value.name, text=value.text)
        cut = slice(*whole)
        origins = value.origins
        if isinstance(value.constant, str | bytes) and cut.step != 0:
            if cut.step not in (None, 1) and len(value.constant) > 3:
                step = cut.step if abs(cut.step) < len(value.constant) else GAP
                origins = origins | {Origin("decoded", f"text[::{step}]")}
            return self.afforded(Value(constant=value.constant[cut], origins=origins))
        if value.items is not None and cut.step != 0:
            return Value(items=value.items[cut], origins=origins)
        return Value(origins=origins, name=value.name, text=value.text)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Value:
        """A known number with its sign changed by `-`, without origins; any other operator or operand gives an unknown value
        with them.
        """
        value = self.eval(node.operand, scope)
        if isinstance(node.op, ast.USub) and isinstance(value.constant, int | float):
            return Value(constant=-value.constant)
        return Value(origins=value.origins)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Value:
        """The constant that an operator gives of constants, or two sequences joined by `+`.

        Else an unknown value with the origins, and a text with GAPs for `+`, `/` of paths and `%`.
        """
        left, right = self.eval(node.left, scope), self.eval(node.right, scope)
        operator = type(node.op).__name__
        origins = origins_of((left, right))
        operands = (python_value(left), python_value(right))
        if all(operand is not MISSING for operand in operands):
            constant = fold_operator(operator, *operands)
            if constant is not MISSING:
                return self.afforded(Value(constant=constant, origins=origins))
        if operator == "Add" and left.items is not None and right.items is not None:
            return Value(items=(*left.items, *right.items)[:MAX_ITEMS], origins=origins)
        text = ""
        if operator in ("Add", "Div") and (left.words or right.words):
            between = "/" if operator == "Div" else ""
            text = f"{left.words or GAP}{between}{right.words or GAP}"
        elif operator == "Mod" and isinstance(left.constant, str):
            text = left.constant.replace("%s", GAP)
        return Value(text=text[:MAX_PIECES], origins=origins)

    def _joined(self, node: ast.JoinedStr, scope: Scope) -> Value:
        """The text of an f-string: a constant if all pieces are known texts or integers without a format, else a text with GAPs.

        An integer of more digits than Python makes a text of is not known. The text with GAPs is cut after MAX_PIECES * 4 characters,
        and so is one that is longer than MAX_BYTES.
        """
        pieces, origins, is_known = [], [], True
        for part in node.values:
            value = self.eval(part.value if isinstance(part, ast.FormattedValue) else part, scope)
            if isinstance(part, ast.FormattedValue):
                self.eval(part.format_spec, scope)
            origins.append(value)
            piece = _text_of_piece(part, value.constant)
            is_known = is_known and piece is not None
            pieces.append((value.words or GAP) if piece is None else piece)
        is_known = is_known and sum(map(len, pieces)) <= MAX_BYTES
        text = "".join(pieces if is_known else (piece[: MAX_PIECES * 4] for piece in pieces))
        text = text if is_known else text[: MAX_PIECES * 4]
        return self.afforded(
            Value(constant=text if is_known else MISSING, text="" if is_known else text, origins=origins_of(origins))
        )

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Value:
        """The values of the first MAX_ITEMS expressions of a sequence; known items with a star are spread.

        A table of more than MAX_ROWS rows is UNKNOWN. Of what is left out, only calls are evaluated, until half of MAX_STEPS is used.
        """
        if len(node.elts) > MAX_ROWS and isinstance(node.elts[0], ast.Tuple | ast.List | ast.Dict):
            self.eval_calls(node.elts, scope, least=MAX_STEPS // 2)
            return UNKNOWN
        items = self.values_of(node.elts[:MAX_ITEMS], scope)
        self.eval_calls(node.elts[MAX_ITEMS:], scope, least=MAX_STEPS // 2)
        return Value(items=items, origins=origins_of(items))

    def values_of(self, nodes: Sequence[ast.expr], scope: Scope) -> tuple[Value, ...]:
        """The values of several expressions; known items with a star are spread. Constants take no step."""
        values: list[Value] = []
        for node in nodes:
            value = Value(constant=node.value) if type(node) is ast.Constant else self.eval(node, scope)
            values.extend(value.items if isinstance(node, ast.Starred) and value.items is not None else (value,))
        return tuple(values)

    def eval_calls(self, nodes: Iterable[ast.expr], scope: Scope, least: int = 0) -> None:
        """Evaluate what data and annotations contain besides constants, names and their items. Those take no step.

        Stops when fewer than `least` steps are left.
        """
        queue = [*nodes][::-1]
        while queue and self.steps >= least:
            node = queue.pop()
            kind = type(node)
            if kind is ast.Constant or kind is ast.Name:
                continue
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                queue += reversed(node.elts)
            elif isinstance(node, ast.Dict):
                queue += [part for part in (*node.values, *node.keys) if part is not None][::-1]
            elif isinstance(node, ast.Subscript):
                queue += (node.slice, node.value)
            elif isinstance(node, ast.BinOp):
                queue += (node.right, node.left)
            elif isinstance(node, ast.Attribute):
                queue.append(node.value)
            elif isinstance(node, ast.UnaryOp):
                queue.append(node.operand)
            else:
                self.eval(node, scope)

    def _dict(self, node: ast.Dict, scope: Scope) -> Value:
        """A dict of the values whose keys are known texts, integers or bytes; of `**x`, only the origins count.

        Of a dict with more than MAX_ENTRIES entries, constant values are left out; only calls in their keys are evaluated.
        """
        entries: dict[object, Value] = {}
        values = []
        for key, element in zip(node.keys, node.values, strict=True):
            if type(element) is ast.Constant and len(node.values) > MAX_ENTRIES:
                if key is not None:
                    self.eval_calls((key,), scope)
                continue
            value = self.eval(element, scope)
            values.append(value)
            constant = self.eval(key, scope).constant if key is not None else MISSING
            if is_key(constant):
                entries[constant] = value
        return Value(entries=entries, origins=origins_of(values))

    def _either(self, node: ast.IfExp, scope: Scope) -> Value:
        """One of the two values of `x if … else y`, as `_one_of` chooses. The condition is evaluated, too."""
        self.eval(node.test, scope)
        values = [self.eval(node.body, scope), self.eval(node.orelse, scope)]
        return self._one_of(values)

    def _any(self, node: ast.BoolOp, scope: Scope) -> Value:
        """What `_one_of` makes of the values of `and` or `or`: the first that tells something, with the origins of all; UNKNOWN if none
        does. All are evaluated.
        """
        return self._one_of([self.eval(value, scope) for value in node.values])

    @staticmethod
    def _one_of(values: Sequence[Value]) -> Value:
        """The first of several values with a name, text, items or target, else the first constant that is a text or bytes and not
        empty, else the first constant other than None, else UNKNOWN.

        It gets the origins of all. Without words, it also gets the first such text or bytes: a thing may be called, a text read.
        """
        texts = [value for value in values if value.constant and isinstance(value.constant, str | bytes)]
        best = next((value for value in values if value.name or value.target or value.text or value.items), None)
        if best is None:
            constants = (value for value in values if value.constant not in (MISSING, None))
            best = texts[0] if texts else next(constants, UNKNOWN)
        constant = texts[0].constant if texts and not best.words else best.constant
        origins = origins_of(values)
        if origins == best.origins and constant is best.constant:
            return best
        return Value(constant, best.text, best.name, origins, best.items, best.entries, best.target, best.is_spelled)

    def _compared(self, node: ast.Compare, scope: Scope) -> Value:
        """UNKNOWN, after all operands of a comparison are evaluated."""
        for part in (node.left, *node.comparators):
            if type(part) is not ast.Constant:
                self.eval(part, scope)
        return UNKNOWN

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Value:
        """A lambda as a function of the module that runs."""
        return Value(target=self.make_function(node, scope, METHOD))

    def make_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope, binds: str
    ) -> Function:
        """A function of the module that runs, with the values of its defaults. Its body is not evaluated yet.

        Notes the scope in `_defining_scopes`, for `Interpreter.release`.
        """
        defaults = tuple(self.eval(default, scope) for default in node.args.defaults)
        keyword_defaults = tuple(self.eval(default, scope) for default in node.args.kw_defaults)
        self._defining_scopes.add(scope)
        return Function(node, scope, self.current_module, defaults, keyword_defaults, binds)

    def _value_of_child(self, node: ast.expr, scope: Scope) -> Value:
        """The value of the only expression inside: of `await x`, `*x`, `yield from x`."""
        return self.eval(getattr(node, "value", None), scope)

    def _assigned(self, node: ast.NamedExpr, scope: Scope) -> Value:
        """The value of `name := …`, which is also bound to the name, in a comprehension around it.

        Records code in a text that is decoded.
        """
        value = self.eval(node.value, scope)
        self.record_hidden_text(node, value)
        while isinstance(scope, ComprehensionScope) and scope.around is not None:
            scope = scope.around
        scope.bind(node.target.id, value)
        return value

    def _comprehended(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Value:
        """A sequence of one value for each element, if a comprehension is over one known sequence, text or bytes of at most
        MAX_PIECES elements, without a condition.

        Else its element is evaluated once, and gives an unknown value with its text and the origins; `^` in it then counts as decoding.
        """
        inner = ComprehensionScope(scope)
        origins = []
        for place, generator in enumerate(node.generators):
            source = self.eval(generator.iter, inner if place else scope)
            origins.append(source)
            elements = elements_of(source)
            if elements is not None and len(node.generators) == 1 and not generator.ifs and len(elements) <= MAX_PIECES:
                return self._each(node.elt, generator.target, elements, inner)
            self.bind(generator.target, element_of(source), inner)
            for condition in generator.ifs:
                self.eval(condition, inner)
        value = self.eval(node.elt, inner)
        exchanged = frozenset((Origin("decoded", "xor"),)) if _is_exclusive_or(node.elt) else frozenset()
        return Value(text=value.text, origins=origins_of((*origins, value)) | exchanged)

    def _each(self, element: ast.expr, target: ast.expr, elements: Sequence[Value], scope: Scope) -> Value:
        """The sequence of the values of an expression, evaluated once for each element."""
        results: list[Value] = []
        for one in elements:
            self.bind(target, one, scope)
            results.append(self.eval(element, scope))
        return Value(items=tuple(results), origins=origins_of(results))

    def _dict_comprehended(self, node: ast.DictComp, scope: Scope) -> Value:
        """An unknown value with the origins of key and value, which are evaluated once."""
        inner = ComprehensionScope(scope)
        for place, generator in enumerate(node.generators):
            source = self.eval(generator.iter, inner if place else scope)
            self.bind(generator.target, element_of(source), inner)
            for condition in generator.ifs:
                self.eval(condition, inner)
        return Value(origins=origins_of((self.eval(node.key, inner), self.eval(node.value, inner))))

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Give a value to a name, an attribute, an item, or its items to several targets, nested too.

        A target that has no item gets an unknown value with the origins.
        An attribute of an outside thing, or a variable of `os.environ`, is handed to `replaced` or `exported`. An attribute
        of an instance is stored on its class; that of a value without name and class is dropped.
        """
        if isinstance(target, ast.Name):
            scope.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            items = _items_for(target.elts, value)
            for place, part in enumerate(target.elts):
                self.bind(part, items[place] if place < len(items) else Value(origins=value.origins), scope)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value, scope)
        elif isinstance(target, ast.Attribute):
            receiver = self.eval(target.value, scope)
            owner = receiver.target
            if receiver.name:
                self.replaced(receiver, target.attr, target)
            of = owner.of if isinstance(owner, Instance) else owner
            if isinstance(of, Class):
                of.attributes[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner_value = self.eval(target.value, scope)
            key = self.eval(target.slice, scope).constant
            if owner_value.name == "os.environ":
                self.exported(key, target)
            self._bind_item(owner_value, key, value)

    def _bind_item(self, owner: Value, key: Constant, value: Value) -> None:
        """Give a value to an item of a known dict, which also gets its origins, or to a global name by its text.

        Nothing for other owners.
        """
        if owner.entries is not None:
            owner.origins |= value.origins
            if is_key(key):
                owner.entries[key] = value
        elif owner.name == "builtins.globals()" and isinstance(key, str):
            self.bind_global(key, value)

    @abstractmethod
    def replaced(self, owner: Value, attribute: str, node: ast.expr) -> None:
        """Record that an attribute of a thing outside the code is replaced. `Calls` implements it."""

    @abstractmethod
    def exported(self, variable: Constant, node: ast.expr) -> None:
        """Record that a variable of the environment is set. `Calls` implements it."""

    @abstractmethod
    def record_hidden_text(self, node: ast.expr | ast.stmt, value: Value) -> None:
        """Record code in a text that is decoded. `Interpreter` implements it."""

    @abstractmethod
    def bind_global(self, name: str, value: Value) -> None:
        """Give a value to a name of the module that runs. `Calls` implements it."""

    _evaluators: Mapping[type[ast.AST], Callable[..., Value]] = {}


def _text_of_piece(part: ast.expr, constant: Constant) -> str | None:
    """The text of a piece of an f-string with a known value.

    A conversion (`!r`) is applied. None if the piece has a format (`:>8`), or the value is neither a text nor an
    integer or has too many digits for a text.
    """
    if not isinstance(constant, str | int) or (isinstance(part, ast.FormattedValue) and part.format_spec):
        return None
    conversion = CONVERSIONS.get(part.conversion, str) if isinstance(part, ast.FormattedValue) else str
    try:
        return conversion(constant)
    except ValueError:
        return None


def _is_exclusive_or(element: ast.expr) -> bool:
    """Whether there is a `^` anywhere in an element of a comprehension, as in one that decodes a hidden text."""
    return any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor) for node in ast.walk(element))


def _items_for(targets: Sequence[ast.expr], value: Value) -> tuple[Value, ...]:
    """The known items of a value for the targets: those left for a target with a star are one sequence; none if it has no
    known items.

    Without a star, or if there are too few for the other targets, all items as they are, whatever their number.
    """
    if value.items is None:
        return ()
    items = value.items
    star = next((place for place, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
    if star is None or len(items) < len(targets) - 1:
        return items
    end = len(items) - (len(targets) - 1 - star)
    return (*items[:star], Value(items=items[star:end], origins=value.origins), *items[end:])


Expressions._evaluators = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Call: lambda self, node, scope: self.call(node, scope),
    ast.BinOp: Expressions._binary,
    ast.JoinedStr: Expressions._joined,
    ast.List: Expressions._sequence,
    ast.Tuple: Expressions._sequence,
    ast.Set: Expressions._sequence,
    ast.Dict: Expressions._dict,
    ast.IfExp: Expressions._either,
    ast.BoolOp: Expressions._any,
    ast.Compare: Expressions._compared,
    ast.Lambda: Expressions._lambda,
    ast.NamedExpr: Expressions._assigned,
    ast.ListComp: Expressions._comprehended,
    ast.SetComp: Expressions._comprehended,
    ast.GeneratorExp: Expressions._comprehended,
    ast.UnaryOp: Expressions._unary,
    ast.DictComp: Expressions._dict_comprehended,
    ast.Await: Expressions._value_of_child,
    ast.Starred: Expressions._value_of_child,
    ast.FormattedValue: Expressions._value_of_child,
    ast.YieldFrom: Expressions._value_of_child,
}
