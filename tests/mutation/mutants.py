"""Mutants of a module: each is the source with one small fault (pure)."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
PAIRS = (
    *(("all", "any"), ("max", "min"), ("startswith", "endswith"), ("partition", "rpartition")),
    *(("removeprefix", "removesuffix"), ("lstrip", "rstrip"), ("match", "search"), ("fullmatch", "match")),
)
NAMES = {**{second: first for first, second in PAIRS}, **dict(PAIRS)}
"""Functions and methods that are easily taken for another."""
STRIPS = ("strip", "lstrip", "rstrip")
"""Their argument is a set of characters: one more of them is no fault, so the whole set is another."""
MIN_VOCABULARY = 8
"""A set, tuple or mapping of a module with so many texts, and nothing else, is a list of names: a test of each would be its copy."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault. `scope` is the qualified name around it; `number` tells equal faults of one scope apart.

    `lines` are those from the start of its statement to its own last; `start` and `stop` are offsets in bytes.
    """

    file: str
    scope: str
    before: str
    after: str
    number: int
    lines: range
    start: int
    stop: int

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What stays when lines above it move."""
        return self.file, self.scope, self.before, self.after, self.number

    def applied(self, source: str) -> str:
        """The source with this fault."""
        raw = source.encode()
        return (raw[: self.start] + self.after.encode() + raw[self.stop :]).decode()

    def __str__(self) -> str:
        return f"{self.file}:{self.lines[-1]} {self.scope}: {self.before} → {self.after}" + f" #{self.number}" * (
            self.number > 1
        )


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in order. Not mutated: annotations, docstrings, sentences, limits (`MAX_X = 10`), long lists of names."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for scope, first, node, replacement in _replacements(ast.parse(source), "", 1):
        start = starts[node.lineno - 1] + node.col_offset
        stop = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before, after = (
            ast.unparse(node),
            replacement if isinstance(replacement, str) else f"({ast.unparse(replacement)})",
        )
        seen[scope, before, after] += 1
        lines = range(first, (node.end_lineno or first) + 1)
        found.append(Mutant(file, scope, before, after, seen[scope, before, after], lines, start, stop))
    return found


Replacement = tuple[str, int, ast.expr | ast.stmt, ast.expr | str]


def _replacements(node: ast.AST, scope: str, line: int) -> Iterator[Replacement]:
    """Scope, first line of the statement, a node, and what takes its place: an expression, or the text of a statement."""
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for child in children:
            if not isinstance(child, ast.AST) or name in ("annotation", "returns", "type_params", "decorator_list"):
                continue
            if _is_left_alone(node, child):
                continue
            inner = scope
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{scope}.{child.name}".lstrip(".")
            if isinstance(child, ast.expr):
                yield from ((inner, line, child, mutated) for mutated in _of_expression(child))
                if name == "test" or (isinstance(node, ast.comprehension) and name == "ifs"):
                    yield from ((inner, line, child, mutated) for mutated in _of_condition(child))
            elif isinstance(child, ast.stmt):
                yield from ((inner, child.lineno, child, text) for text in _of_statement(child))
            if not isinstance(child, ast.JoinedStr):  # Python before 3.12 does not know where its parts are
                yield from _replacements(child, inner, child.lineno if isinstance(child, ast.stmt) else line)


def _is_left_alone(parent: ast.AST, child: ast.AST) -> bool:
    """Docstrings, what only type checkers read, declarations, long lists of names, and limits."""
    match child:
        case ast.Expr(ast.Constant()) | ast.If(ast.Name("TYPE_CHECKING")):
            return True
        case ast.keyword(arg="frozen" | "kw_only" | "strict" | "repr" | "hash"):  # of classes, of zip, and of fields
            return True
    if isinstance(parent, ast.Call) and _is_strip(parent):
        return child is not parent.func
    if isinstance(child, ast.Set | ast.Tuple | ast.List | ast.Dict):
        return _is_vocabulary(child)
    if not (isinstance(parent, ast.Module) and isinstance(child, ast.Assign)):
        return False
    limits = isinstance(child.targets[0], ast.Tuple) and isinstance(child.value, ast.Tuple)
    tables = ast.Call | ast.Dict | ast.Set if limits else ast.Call | ast.Dict | ast.Set | ast.Tuple
    return not any(isinstance(part, tables) for part in ast.walk(child.value))


def _is_vocabulary(node: ast.expr) -> bool:
    """Whether an expression is a long list or table of texts, which may be grouped."""
    parts = [part for part in ast.walk(node) if not isinstance(part, ast.expr_context)]
    texts = [part for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    groups = [part for part in parts if isinstance(part, ast.Set | ast.Tuple | ast.List | ast.Dict | ast.Starred)]
    return len(texts) >= MIN_VOCABULARY and len(texts) + len(groups) == len(parts)


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:  # noqa: C901  (a table)
    match node:
        case ast.Compare(left, [op], right) if type(op) in COMPARISONS:
            yield ast.Compare(left, [COMPARISONS[type(op)]()], right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for position in range(len(values)):
                rest = values[:position] + values[position + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC and not _is_text(left) and not _is_text(right):
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(str() as value) if " " not in value:
            yield ast.Constant(f"{value}X")
        case ast.Call(function, [ast.Constant(str())]) if _is_strip(node):
            yield ast.Call(function, [ast.Constant("X")], [])
        case ast.Call(ast.Name(name), arguments, keywords) if name in NAMES:
            yield ast.Call(ast.Name(NAMES[name]), arguments, keywords)
        case ast.Call(ast.Attribute(value, name), arguments, keywords) if name in NAMES:
            yield ast.Call(ast.Attribute(value, NAMES[name]), arguments, keywords)


def _of_condition(node: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield ast.UnaryOp(ast.Not(), node)


def _of_statement(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Delete(targets) if all(isinstance(target, ast.Name) for target in targets):
            return  # it says that an argument is not used
        case ast.Raise() | ast.Expr(ast.Call()) | ast.AugAssign() | ast.Delete():
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"


def _is_strip(call: ast.expr) -> bool:
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in STRIPS
        and bool(call.args)
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
