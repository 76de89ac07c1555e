"""What Python code does: it uses the network, or executes data that it decodes. The code is parsed, never run (pure).

This finds code that does not hide. Code that hides on purpose is not found; only a sandbox helps against it.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from wheelhouse.vet.code.api_names import NETWORK_MODULES
from wheelhouse.vet.code.calls import parsed_text

NETWORK_PROGRAMS = re.compile(r"(?:^|[\s/'\";|&(])(curl|wget|nc|ncat|ssh|scp|ftp|telnet)(?=\s|$)")
ADDRESS = re.compile(r"(?:https?|ftp|wss?)://[^\s'\"<>)]+|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)\b")
DESCRIBING = frozenset(
    (
        *(
            "url",
            "download_url",
            "project_urls",
            "homepage",
            "author_email",
            "description",
            "long_description",
            "classifiers",
        ),
        *("license", "__url__", "__doc__"),
    )
)
"""What setup() and modules call the texts that describe a project."""
DECODERS = frozenset(
    ("b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "decompress", "unhexlify", "fromhex", "loads")
)
STARTERS = frozenset(("system", "popen", "Popen", "run", "call", "check_call", "check_output"))
EXECUTORS = frozenset(("exec", "eval", "compile", "__import__"))


@dataclass(frozen=True, slots=True)
class CodeSignals:
    """What code does: names of network modules, programs and addresses, and calls that execute decoded data."""

    network: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def read_code(text: str) -> CodeSignals:
    """What Python code does, each name once.

    Of Python 2, and anything else that does not parse, only imports and hidden calls are found, by patterns.
    """
    tree = parsed_text(text)
    if tree is None:
        return CodeSignals(_once(_modules_in_text(text)), _once(_hidden_in_text(text)))
    return CodeSignals(_once(_modules(tree), _programs(tree), _addresses(tree)), _once(_hidden(tree)))


def _once(*found: Iterable[str]) -> tuple[str, ...]:
    """All these texts, each once, in the order in which they first occur."""
    return tuple(dict.fromkeys(chain(*found)))


def _modules(tree: ast.AST) -> Iterator[str]:
    """The modules for network access that a program imports, also by `__import__` or `import_module`; some several times.

    `from requests import get` gives `requests` and `requests.get`: each full name that, or whose first part, is in
    NETWORK_MODULES. Relative imports are left out.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and _called(node) in ("__import__", "import_module"):
            names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        else:
            continue
        yield from (name for name in names if name in NETWORK_MODULES or name.partition(".")[0] in NETWORK_MODULES)


def _called(node: ast.Call) -> str | None:
    """The last part of the name of the function that a call names; None for a call of another expression."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _programs(tree: ast.AST) -> Iterator[str]:
    """The names of programs for the network that are called: `curl` of `os.system("curl …")` or `subprocess.run(["curl", …])`.

    Each word of each text inside the call counts, and any function or method with such a name. Some come several times.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in STARTERS:
            words = [
                one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            yield from (program for word in words for program in NETWORK_PROGRAMS.findall(word))


def _addresses(tree: ast.AST) -> Iterator[str]:
    """The addresses in the texts of a tree, in which one can come several times. The texts that `_used` leaves out are not searched.

    They are URLs of http, https, ftp and websockets, and IPv4 addresses with a port.
    """
    for node in _used(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ADDRESS.findall(node.value)


def _used(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree, without docstrings, what describes the project, what is only printed, logged or raised, and keys
    of dictionaries.
    """
    queue = [tree]
    while queue:
        node = queue.pop()
        if not _is_unused(node):
            yield node
            queue += reversed([*(_values(node) if isinstance(node, ast.Dict) else ast.iter_child_nodes(node))])


def _is_unused(node: ast.AST) -> bool:
    """Whether a node is a docstring, describes the project, or is only printed, logged or raised.

    A call counts as printing by its name alone (HINT_WORDS): also `write` of any object, and `exit`. What describes is a
    named argument, or an assignment to plain names without a type.
    """
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.keyword):
        return node.arg in DESCRIBING
    if isinstance(node, ast.Call):
        return _called(node) in HINT_WORDS
    if isinstance(node, ast.Assign):
        return all(isinstance(one, ast.Name) and one.id.lower() in DESCRIBING for one in node.targets)
    return isinstance(node, ast.Raise)


def _values(node: ast.Dict) -> Iterator[ast.expr]:
    """The values of a dictionary, without those under keys that describe."""
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and str(key.value).lower() in DESCRIBING):
            yield value


HINT_WORDS = frozenset(("print", "warn", "warning", "info", "error", "debug", "exit", "announce", "write"))


def _hidden(tree: ast.AST) -> Iterator[str]:
    """Calls that run a decoded text, as texts: `exec(b64decode(…))`; some several times.

    A text that is decoded before the call does not count, nor does a method with such a name: `builtins.exec`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXECUTORS:
            inner = [_called(one) for one in ast.walk(node) if isinstance(one, ast.Call)]
            yield from (f"{node.func.id}({decoder}(…))" for decoder in inner if decoder in DECODERS)


def _modules_in_text(text: str) -> Iterator[str]:
    """The modules for network access that a text which is no Python of today imports, by lines that look so.

    Some come several times. Of `from a import b` only `a` is looked at.
    """
    for match in re.finditer(r"^[ \t\f]*(import|from)[ \t]+([^\n;#]+)", text, re.MULTILINE):
        parts = match[2].split(",") if match[1] == "import" else [match[2]]
        for name in (found[0] for part in parts if (found := re.match(r"\s*[\w.]+", part))):
            if (module := name.strip()) in NETWORK_MODULES or module.partition(".")[0] in NETWORK_MODULES:
                yield module


def _hidden_in_text(text: str) -> Iterator[str]:
    """Calls that run a decoded text, as texts, in a source that is no Python of today; found by a pattern.

    It wants both names in one line, at most 80 characters apart, and leaves out `loads`.
    """
    names = "|".join(sorted(DECODERS - {"loads"}))
    for match in re.finditer(rf"\b(exec|eval|compile)\b.{{0,80}}?\b({names})\(", text):
        yield f"{match[1]}({match[2]}(…))"
