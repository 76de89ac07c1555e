"""Which members of a wheel or sdist are followed as sources, and as which modules."""

from tests.vet.test_rules import DISTUTILS
from wheelhouse.vet.code.follow import Source
from wheelhouse.vet.code_reader import is_source, source_of

DATA = "odd-1.0.data"
IS_SOURCE: dict[str, tuple[bool, bool]] = {
    "odd/a.py": (True, True),
    ".py/a": (False, False),
    "odd/a.pyw": (True, True),
    "odd.pth": (True, False),
    f"{DATA}/purelib/odd.pth": (True, False),
    f"{DATA}/data/lib/python3.12/site-packages/odd.pth": (True, False),
    "odd/odd.pth": (False, False),
    ".pth.txt": (False, False),
    f"{DATA}/scripts/odd": (True, False),
    f"{DATA}/data/bin/odd": (True, False),
    f"{DATA}/data/Scripts/odd.pth": (True, False),
    f"{DATA}/data/share/odd": (False, False),
    "scripts/odd": (False, False),
    "odd/a.pyc": (False, False),
}
"""By name: in a wheel, and in an sdist."""


def test_a_source_is_known_by_its_name() -> None:
    for name, (in_wheel, in_sdist) in IS_SOURCE.items():
        assert (is_source(name, is_wheel=True), is_source(name, is_wheel=False)) == (in_wheel, in_sdist), name


SCRIPT, SHELL = b"#!/usr/bin/env Python3\nx = 1\n", b"#!/bin/sh\n# python\n"
IN_WHEEL: dict[str, tuple[bytes, tuple[object, ...] | None]] = {
    "odd/a.py": (b"x", ("odd.a", b"x")),
    "odd/in/__init__.py": (b"x", ("odd.in", b"x", True)),
    "odd/__init__.pyi.py": (b"x", None),
    "__init__.py": (b"x", ("__init__", b"x")),
    ".py.py": (b"x", None),
    "py.py": (b"x", ("py", b"x")),
    "odd/my-file.py": (b"x", ("odd.my-file", b"x")),
    "my-folder/a.py": (b"x", ("my-folder.a", b"x")),
    "odd/a.pyw": (b"x", ("odd.a", b"x")),
    "odd/in/__init__.pyw": (b"x", ("odd.in", b"x", True)),
    f"{DATA}/purelib/odd/a.py": (b"x", ("odd.a", b"x")),
    f"{DATA}/data/share/a.py": (b"x", None),
    "odd-1.0.dist-info/a.py": (b"x", None),
    "odd.pth": (b"import a\n# no\n/opt\nimport \xff\n", ("odd.pth:", "import a\nimport \ufffd".encode(), False, True)),
    f"{DATA}/platlib/odd.pth": (b"import a\n", ("odd.pth:", b"import a", False, True)),
    "path.pth": (b"/opt\n", None),
    "distutils.pth": (DISTUTILS.encode(), None),
    f"{DATA}/scripts/odd": (SCRIPT, ("@scripts/odd:", SCRIPT, False, True, True)),
    f"{DATA}/data/bin/odd.py": (SHELL, ("@data/bin/odd.py:", SHELL, False, True, True)),
    f"{DATA}/scripts/odd.sh": (SHELL, None),
    f"{DATA}/scripts/py.odd": (b"\n" + SCRIPT, None),
}
"""By name: the bytes, and the source that they are in a wheel: module, bytes, whether it is a package, runs, is a script."""
IN_SDIST: dict[str, tuple[bytes, tuple[object, ...] | None]] = {
    "odd-1.0/setup.py": (b"x", ("setup", b"x", False, True)),
    "odd-1.0/src/setup.py": (b"x", ("setup", b"x")),
    "odd-1.0/odd/setup.py": (b"x", ("odd.setup", b"x")),
    "odd-1.0/src/odd/__init__.py": (b"x", ("odd", b"x", True)),
    "odd-1.0/lib/odd.py": (b"x", ("odd", b"x")),
    "odd-1.0/python/odd.py": (b"x", ("odd", b"x")),
    "odd-1.0/source/odd.py": (b"x", ("source.odd", b"x")),
    "odd-1.0/odd/src/a.py": (b"x", ("odd.src.a", b"x")),
    "odd-1.0/my-folder/a.py": (b"x", ("my-folder.a", b"x")),
    "odd-1.0/my.folder/a.py": (b"x", None),
    "odd-1.0/odd.pth/a.py": (b"import x", None),
}


def test_a_member_is_the_module_that_an_import_names() -> None:
    for is_wheel, rows in ((True, IN_WHEEL), (False, IN_SDIST)):
        for name, (data, expected) in rows.items():
            source = Source(name, *expected) if expected else None  # type: ignore[arg-type]
            assert source_of(name, data, is_wheel=is_wheel) == source, name
