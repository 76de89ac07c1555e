"""The architecture, proved: who imports whom, who touches the outside, and what the documents say of it."""

import ast
import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.checkout import ROOT
from wheelhouse import errors

SOURCE = ROOT / "wheelhouse"
ORDER = (
    *(
        "errors",
        "events",
        "findings",
        "humanize",
        "documents",
        "extras",
        "dockerfile",
        "airflow",
        "target",
        "files",
        "archive",
        "index",
        "resolve",
        "lock",
        "oci",
        "debian",
        "verify",
        "config",
    ),
    *(
        "fetch",
        "sandbox",
        "build",
        "signing",
        "stage",
        "rehearse",
        "bundle",
        "vet",
        "mirror",
        "doctor",
        "report",
        "review",
        "cli",
    ),
)
"""The packages from the ground up: a module imports from its own package and from those before it."""
HTTP_LIBRARIES = {
    "urllib3": {"wheelhouse.index.connections"},
    "requests": {"wheelhouse.mirror.upload"},
    "httpx": set(),
    "aiohttp": set(),
    "http": {"wheelhouse.review.loopback"},
    "urllib.request": {"wheelhouse.index.connections"},
}
"""Each HTTP library, and the one module that may import it, if any.

Of `urllib.request` only the reading of proxies, of `http` only its server.
"""
RUN_APART = {
    "wheelhouse.target.interpreter_facts",
    "wheelhouse.sandbox.confine",
    "wheelhouse.sandbox.inside",
    "wheelhouse.sandbox.inside_commands",
    "wheelhouse.sandbox.inside_filter",
    "wheelhouse.sandbox.inside_environment",
    "wheelhouse.sandbox.launcher",
}
"""Programs that another interpreter runs: they speak for themselves."""
OUTSIDE = {
    *("os", "io", "pathlib", "shutil", "tempfile", "glob", "socket", "ssl", "subprocess", "time"),
    *("random", "secrets", "uuid", "sys", "platform", "sysconfig", "importlib", "zipfile", "tarfile", "gzip"),
    *("fcntl", "signal", "threading", "concurrent", "urllib3"),
}
"""What a pure module has no business with: files, network, clock, chance, threads, this interpreter."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of each module."""
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """Every node of each module's tree."""
    return {name: list(ast.walk(tree)) for name, tree in trees().items()}


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Every module that a tree imports, in functions too, but for what only type checkers see."""
    if isinstance(tree, ast.expr) or (isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING"):
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom):
        module = tree.module or ""
        for alias in tree.names:
            inner = f"{module}.{alias.name}"
            yield inner if inner in MODULES else module
    for child in ast.iter_child_nodes(tree):
        yield from imports_of(child)


@cache
def imports() -> dict[str, frozenset[str]]:
    """What each module imports."""
    return {name: frozenset(imports_of(tree)) for name, tree in trees().items()}


def inner_imports(name: str) -> set[str]:
    """The modules of wheelhouse that a module imports."""
    return {imported for imported in imports()[name] if imported.startswith("wheelhouse.")}


def offenders(wrong: Callable[[str], object], names: Iterable[str] = MODULES) -> dict[str, object]:
    """What is wrong with each module, without those that nothing is wrong with."""
    return {name: found for name in names if (found := wrong(name))}


def package_of(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_a_package_imports_only_from_those_before_it() -> None:
    def wrong(name: str) -> set[str]:
        own = package_of(name)
        allowed = set(ORDER) if own == "__main__" else set(ORDER[: ORDER.index(own) + 1]) if own else set()
        return {imported for imported in inner_imports(name) if package_of(imported) not in allowed}

    assert not offenders(wrong)


def test_no_module_imports_itself_in_a_circle() -> None:
    left = {name: {other for other in imported if other in MODULES} for name, imported in imports().items()}
    while free := [name for name, needed in left.items() if not needed & left.keys() - {name}]:
        for name in free:
            del left[name]
    assert not left


def test_only_the_command_line_prints_exits_and_reads_the_environment() -> None:
    calls = {"print", "input", "exit", "quit", "breakpoint"}
    attributes = {"os.environ", "os.environb", "os.getenv", "os._exit"}
    attributes |= {"sys.exit", "sys.stdout", "sys.stderr", "sys.stdin", "sys.argv"}

    def wrong(name: str) -> set[str]:
        used = set()
        for node in nodes()[name]:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                used.add(node.func.id)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used.add(f"{node.value.id}.{node.attr}")
        printing = {imported for imported in imports()[name] if imported == "typer" or imported.startswith("rich")}
        return used & (calls | attributes) | printing

    assert not offenders(
        wrong, (name for name in MODULES if package_of(name) not in ("cli", "") and name not in RUN_APART)
    )


@pytest.mark.parametrize("library", HTTP_LIBRARIES)
def test_one_module_imports_an_http_library(library: str) -> None:
    users = {
        name
        for name, imported in imports().items()
        if any(top == library or top.startswith(f"{library}.") for top in imported)
    }
    assert users == HTTP_LIBRARIES[library]


def test_one_module_catches_what_is_nested_too_deeply() -> None:
    """What parses a document of any origin does so in `documents`, or in `too_deep_as`, and so never ends in a RecursionError."""
    handlers = {
        name
        for name, inside in nodes().items()
        for node in inside
        if isinstance(node, ast.ExceptHandler) and node.type and "RecursionError" in ast.unparse(node.type)
    }
    assert handlers == {"wheelhouse.documents"}


def test_no_file_name_stands_for_two_things() -> None:
    paths = [path for path in MODULES.values() if path.name != "__init__.py"]
    count = Counter(path.name for path in paths)
    assert not [str(path.relative_to(SOURCE)) for path in paths if count[path.name] > 1]


def test_what_decodes_is_made_when_its_module_is_loaded() -> None:
    """msgspec prepares a type at its first use, and two threads that do so at once end the process."""
    calls = (ast.unparse(node.func) for inside in nodes().values() for node in inside if isinstance(node, ast.Call))
    assert not [call for call in calls if re.fullmatch(r"msgspec\.\w+\.decode", call)]


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 matches `(?:a|b)*+` wrongly (CPython issue 106052); `(?>(?:a|b)*)` means the same and works."""

    def wrong(name: str) -> list[str]:
        texts = [node.value for node in nodes()[name] if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [text for text in texts if re.search(r"\)(?:[*+?]|\{[\d,]+\})\+", text)]

    assert not offenders(wrong, [name for name in MODULES if "re" in imports()[name]])


def test_each_constant_is_used() -> None:
    words = Counter(word for path in MODULES.values() for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))

    def wrong(name: str) -> list[str]:
        targets = [node for node in nodes()[name] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        return [node.id for node in targets if node.id.isupper() and words[node.id] == 1]

    assert not offenders(wrong)


def is_pure(name: str) -> bool:
    """Whether a module says in its first line that it is pure."""
    return (ast.get_docstring(trees()[name]) or "").partition("\n")[0].endswith("(pure).")


@cache
def pure() -> tuple[str, ...]:
    return tuple(name for name in MODULES if is_pure(name))


def test_a_pure_module_touches_nothing_outside() -> None:
    def wrong(name: str) -> set[str]:
        calls = {ast.unparse(node.func) for node in nodes()[name] if isinstance(node, ast.Call)}
        outside = {imported.split(".")[0] for imported in imports()[name]} & OUTSIDE
        return outside | {call for call in calls if call == "open" or call.endswith((".now", ".today", ".utcnow"))}

    assert len(pure()) > 100
    assert not offenders(wrong, pure())


def test_a_pure_module_imports_only_pure_ones() -> None:
    assert not offenders(lambda name: inner_imports(name) - set(pure()), pure())


STARTS_PROGRAMS = {
    "archive.inspect_pool": "workers of wheelhouse's own, which open archives",
    "build.auditwheel": "auditwheel, on a wheel that was built",
    "bundle.recovery": "par2, on a bundle",
    "debian.release_signature": "gpgv, on the signature of an archive",
    "fetch.gpg": "gpg, on a signature",
    "fetch.local_base_image": "docker, which saves an image that the user named",
    "index.credential_sources": "keyring, for a password",
    "oci.docker_config": "a credential helper that Docker's configuration names, for a password",
    "index.pipconfig": "pip, for its settings",
    "signing.signers": "the program that the user named to sign with",
    "target.interpreter_facts": "the interpreter's own C library, for its version",
    "target.interpreters": "an interpreter that the user named, for its facts",
}
"""What a module outside of the sandbox starts: never a program or code that came with a package."""


def test_only_the_sandbox_starts_what_came_with_a_package() -> None:
    starting = {name.removeprefix("wheelhouse.") for name, imports in imports().items() if "subprocess" in imports}
    assert {name for name in starting if not name.startswith("sandbox.")} == set(STARTS_PROGRAMS)


def test_what_is_public_says_what_it_is() -> None:
    def wrong(name: str) -> list[str]:
        tree = trees()[name]
        silent = [node.name for node in public(tree) if not ast.get_docstring(node)]
        return silent if ast.get_docstring(tree) else [name, *silent]

    assert not offenders(wrong, (name for name in MODULES if MODULES[name].stat().st_size and package_of(name)))


def public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes, and the public methods of public classes; what fills in for a base is told there."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and not node.bases:
                yield from public(node)


# The documents


def test_the_errors_docstring_draws_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(\d)", errors.__doc__ or "")
    real = [(kind.__name__, str(kind.exit_code)) for kind in tree_of(errors.WheelhouseError, errors)]
    assert sorted(drawn) == sorted(real[1:])


def tree_of(root: type[errors.WheelhouseError], module: ModuleType | None = None) -> list[type[errors.WheelhouseError]]:
    found = [root, *(kind for child in root.__subclasses__() for kind in tree_of(child, module))]
    return [kind for kind in found if module is None or inspect.getmodule(kind) is module]


def commands() -> set[tuple[str, ...]]:
    """Every command there is, as one types it after `wheelhouse`."""
    import typer

    from wheelhouse.cli import entry

    def walk(group: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        inner = getattr(group, "commands", None)
        if inner is None:
            yield path
        else:
            for name, command in inner.items():
                yield from walk(command, (*path, name))

    entry.load()
    return set(walk(typer.main.get_command(entry.app), ()))


def test_each_command_is_found_in_its_module() -> None:
    from wheelhouse.cli import entry

    named = [name for names in entry.MODULES.values() for name in names]
    assert sorted(named) == sorted({path[0] for path in commands()})
    for module, names in entry.MODULES.items():
        program = f"from wheelhouse.cli import entry; entry.load({names[0]!r}); import typer; "
        program += "print(*typer.main.get_command(entry.app).commands)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
        assert set(names) <= set(done.stdout.split()), module


@pytest.mark.parametrize("arguments", [["--help"], ["fetch", "--help"], ["--version"]])
def test_asking_for_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys, atexit\n"
        f"sys.argv = ['wheelhouse', *{arguments!r}]\n"
        "import os\n"
        "leave = os._exit\n"
        "heavy = ('urllib3', 'msgspec', 'packaging', 'rich', 'cryptography', 'pip', 'ssl')\n"
        "def said(code):\n"
        "    print('LOADED', *sorted(set(heavy) & sys.modules.keys()), flush=True)\n"
        "    leave(code)\n"
        "os._exit = said\n"
        "from wheelhouse.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED", done.stdout.splitlines()[-1]


def test_what_a_fetch_is_made_of_loads_no_more_than_it_needs() -> None:
    """A run from a lock with a full cache asks no server, and vets, stages, packs and builds nothing."""
    program = (
        "import sys\n"
        "from wheelhouse import report\n"
        "from wheelhouse.cli import main\n"
        "from wheelhouse.config.settings import read_settings\n"
        "from wheelhouse.index.http import Http\n"
        "from wheelhouse.fetch import fetch; from wheelhouse.fetch import gather\n"
        "from wheelhouse.index.package_source import PackageSource\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    unneeded = {
        "urllib3",
        "rich",
        *(f"wheelhouse.{package}" for package in ("vet", "stage", "rehearse", "bundle", "mirror")),
    }
    loaded = {".".join(name.split(".")[:2]) if name.startswith("wheelhouse.") else name for name in done.stdout.split()}
    assert not loaded & unneeded
