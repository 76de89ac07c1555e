"""Attributes and items of values of foreign code, and the values that calls of named things give."""

from collections.abc import Mapping

from tests.support.foreign_code import followed, seen_in, shown, wrongly_valued
from wheelhouse.vet.code.named_call import MAX_QUOTED, MAX_SEARCHED, hidden_code, shortened

ATTRIBUTES: Mapping[str, str] = {
    "os.system": "name os.system",
    "os.system.__call__": "name os.system",
    "variable.__call__": "variable variable()",
    "os.environ": "name os.environ; environment os.environ",
    "odd.environ": "name odd.environ",
    "variable.a": "variable variable()",
    "('a' + variable).b": "text a…; variable variable()",
    "('a' + unknown).b": "",
    "unknown.a": "",
    "odd(variable).a": "name odd().a; variable variable()",
    "open('a.txt').b": "text a.txt; name builtins.open().b; read open",
    "getattr(os, 'path').join": "name os.path.join; not spelled",
    "class A:\n    y = 1\nx = A.y": "1",
    "class A:\n    y = 1\nA.y = 2\nx = A.y": "2",
    "class A: pass\nA.y = 2\nx = A.y": "2",
    "class A: pass\nx = A.y": "",
    "class A:\n    y = 1\nx = A().y": "1",
    "class A:\n    y = 1\nA.y = 2\nx = A().y": "2",
    "class A: pass\nA.y = 2\nx = A().y": "2",
    "class A: pass\nx = A().y": "",
    "class A: pass\nx = A().__call__": "",
    "class A: pass\nx = A.__call__": "Class A",
    "class A:\n    def __call__(self):\n        return 1\nx = A().__call__()": "1",
    "class A(odd): pass\nx = A.y": "",
    "class A:\n    y = 1\nclass B(A): pass\nx = B.y": "1",
    "odd._vendor.requests": "name requests",
    "odd.vendor.requests": "name requests",
    "odd.vendored.requests": "name requests",
    "odd._vendored.requests": "name requests",
    "odd.thirdparty.requests": "name requests",
    "odd.extern.requests": "name requests",
    "odd.other.requests": "name odd.other.requests",
    "odd._vendor.other": "name odd._vendor.other",
    "class A:\n    y = 1\nclass B(odd, A): pass\nx = B().y": "1",
    "class A(odd.One): pass\nx = A().y": "name odd.One().y",
    "class A(odd.One): pass\nclass B(A): pass\nx = B().y": "name odd.One().y",
    "class A(odd.One): pass\nclass B(A, odd.Two): pass\nx = B().y": "name odd.Two().y",
    "class A:\n    @staticmethod\n    def f(a):\n        return a\nx = A().f(1)": "1",
    "class A:\n    @staticmethod\n    def f(a):\n        return a\nx = A.f(1)": "1",
    "class A:\n    @classmethod\n    def f(cls, a):\n        return a\nx = A().f(1)": "1",
    "class A:\n    @classmethod\n    def f(cls, a):\n        return a\nx = A.f(1)": "1",
    "class A:\n    @odd\n    def f(self, a):\n        return a\nx = A().f(1)": "1",
    "class A:\n    def f(self, a):\n        return a\nx = A.f(odd, 1)": "1",
    "class A:\n    def f(self):\n        return self.y\na = A()\na.y = 1\nx = a.f()": "1",
    "class A:\n    def f(self):\n        return self.y\nclass B: pass\nA.y = 1\nb = B()\nb.g = A().f\nx = b.g()": "1",
}


def test_an_attribute_is_what_the_code_has_else_a_named_thing() -> None:
    assert not wrongly_valued(ATTRIBUTES)


ITEMS: Mapping[str, str] = {
    "{'a': 1}['a']": "1",
    "{2: 1}[2]": "1",
    "{b'a': 1}[b'a']": "1",
    "{'a': variable}['b']": "variable variable()",
    "{'a': secret}[variable]": "secret secret(); variable variable()",
    "{'a': 1}[None]": "",
    "[1, 2][0]": "1",
    "[1, 2][-2]": "1",
    "[1, 2][1]": "2",
    "[1, 2][2]": "",
    "[1, 2][-3]": "",
    "[1, 2]['a']": "",
    "[1, secret][variable]": "secret secret(); variable variable()",
    "'ab'[0]": "'a'",
    "'ab'[-2]": "'a'",
    "'ab'[2]": "",
    "'ab'[-3]": "",
    "'ab'['a']": "",
    "'abcd'[::-1][0]": "'d'; decoded text[::-1]",
    "b'ab'[1]": "98",
    "12[0]": "",
    "odd(secret)[variable]": "name odd()[]; secret secret(); variable variable()",
    "odd(secret)['a']": "name odd()[]; secret secret()",
    "open('a.txt')[0]": "text a.txt; name builtins.open()[]; read open",
    "open('a.txt')['a']": "text a.txt; name builtins.open()[]; read open",
    "odd[0]": "",
    "odd['a']": "name odd[]",
    "os.environ['GITHUB_TOKEN']": "secret os.environ['GITHUB_TOKEN']",
    "os.environ[unknown]": "environment os.environ",
    "odd.environ['GITHUB_TOKEN']": "name odd.environ[]",
    "sys.modules['os']": "name os; not spelled",
    "odd.modules['os']": "name odd.modules[]",
    "os.__dict__['system']": "name os.system; not spelled",
    "os.__dict__x['system']": "name os.__dict__x[]",
    "vars(os)['system']": "name os.system; not spelled",
    "__builtins__['exec']": "name builtins.exec; not spelled",
    "__builtins__.__dict__['exec']": "name builtins.exec; not spelled",
    "globals()['exec']": "name builtins.exec; not spelled",
    "locals()['exec']": "name builtins.exec; not spelled",
    "vars()['exec']": "name builtins.exec; not spelled",
    "globals()['__builtins__']": "name builtins; not spelled",
    "globals()['odd']": "name odd; not spelled",
    "globals()['unknown']": "",
    "y = 1\nx = globals()['y']": "1",
}


def test_an_item_is_known_or_named_by_a_text() -> None:
    assert not wrongly_valued(ITEMS)


CALLS: Mapping[str, str] = {
    "odd(secret, a=variable)": "name odd(); secret secret(); variable variable()",
    "odd(secret).f(variable)": "name odd().f(); secret secret(); variable variable()",
    "base64.b64decode(variable)": "name base64.b64decode(); decoded base64.b64decode; variable variable()",
    "cryptography.fernet.Fernet(odd).decrypt(variable)": "name cryptography.fernet.Fernet().decrypt(); "
    "decoded cryptography.fernet.Fernet().decrypt; variable variable()",
    "tools.lsb.reveal(variable)": "name tools.lsb.reveal(); decoded tools.lsb.reveal; variable variable()",
    "requests.get(variable)": "name requests.get(); fetched requests.get",
    "requests.get_other(variable)": "name requests.get_other(); variable variable()",
    "requests.other(variable)": "name requests.other(); variable variable()",
    "urllib.request.urlopen(variable)": "name urllib.request.urlopen(); fetched urllib.request.urlopen",
    "URLopener().open(variable)": "name URLopener().open(); fetched URLopener().open",
    "platform.node(variable)": "name platform.node(); host platform.node; variable variable()",
    "__file__.replace('a', 'b')": "text …b; name __file__.replace()",
    "odd.replace('a', 'b')": "name odd.replace()",
    "tempfile.gettempdir()": "text %TEMP%; name tempfile.gettempdir()",
    "tempfile.mkdtemp()": "text %TEMP%; name tempfile.mkdtemp()",
    "tempfile.other()": "name tempfile.other()",
    "pkgutil.get_data(variable, 'a.py')": "name pkgutil.get_data(); read pkgutil.get_data",
    "pkgutil.get_data('odd', 'b/a.PNG')": "name pkgutil.get_data(); data-file open('b/a.PNG'); read pkgutil.get_data",
    "importlib.resources.read_binary('odd', resource='a.dat')": "name importlib.resources.read_binary(); "
    "data-file open('a.dat'); read importlib.resources.read_binary",
    "importlib.resources.read_text('odd', 'a.dat')": "name importlib.resources.read_text(); "
    "data-file open('a.dat'); read importlib.resources.read_text",
    "open('a.py', variable)": "text a.py; name builtins.open(); read open",
    "open(file='a.py')": "text a.py; name builtins.open(); read open",
    "open(variable)": "name builtins.open(); read open",
    "open('b/a.png')": "text b/a.png; name builtins.open(); data-file open('b/a.png'); read open",
    "open('a.png.py')": "text a.png.py; name builtins.open(); read open",
    "open('~/.aws/credentials')": "text ~/.aws/credentials; name builtins.open(); secret open",
    "io.open('a.py')": "text a.py; name io.open(); read io.open",
    "codecs.open('a.py')": "text a.py; name codecs.open(); read codecs.open",
    "tarfile.open('a.py')": "name tarfile.open(); read tarfile.open",
    "Path('a.py').open('b.py')": "text a.py; name pathlib.Path().open(); read pathlib.Path().open",
    "Path('a.py').read_text()": "text a.py; name pathlib.Path().read_text(); read pathlib.Path().read_text",
    "Path('a.py').read_bytes()": "text a.py; name pathlib.Path().read_bytes(); read pathlib.Path().read_bytes",
    "Path('a.py').other()": "name pathlib.Path().other()",
    "keyring.get_password(variable)": "name keyring.get_password(); secret keyring.get_password; variable variable()",
    "keyring.get_password_of(variable)": "name keyring.get_password_of(); variable variable()",
}


def test_a_call_gives_a_named_thing_with_the_origin_of_its_data() -> None:
    assert not wrongly_valued(CALLS)


HIDDEN: Mapping[str, str] = {
    "x = exec(b64decode(y))": "exec(b64decode",
    "x = EXEC(B64DECODE(y))": "EXEC(B64DECODE",
    "eval(\n\nurlopen(y))": "eval( urlopen",
    "exec(" + "y" * 81 + "urlopen": "",
    "__import__( 'os')": "__import__( 'os",
    "__import__('odd')": "",
    "import os; os.getcwd(); x.system(y)": "import os; os.getcwd(); x.system(",
    "import os": "",
    "a | sh": "| sh",
    "curl -s https://a.example": "curl -s https:",
    "curl a.example": "",
    "x = subprocess.run(y)": "subprocess.run(",
    "subprocesses": "",
    "." * (MAX_SEARCHED - 8) + "cmd.exe": "cmd.exe",
    "." * (MAX_SEARCHED - 6) + "cmd.exe": "",
}


def test_code_in_a_text_is_its_first_command() -> None:
    assert {text: hidden_code(text) for text in HIDDEN} == HIDDEN


def test_a_long_text_is_cut() -> None:
    assert shortened(" a\n\n b ") == "a b"
    assert shortened("a" * MAX_QUOTED) == "a" * MAX_QUOTED
    assert shortened("a" * MAX_QUOTED + "b") == "a" * MAX_QUOTED + "…"
    assert shown(followed("x = open('" + "a" * MAX_QUOTED + ".png')")[0].scope.names["x"]).endswith(
        "name builtins.open(); data-file open('" + "a" * MAX_QUOTED + "…'); read open"
    )


def test_an_opener_that_a_star_import_brings_connects() -> None:
    code = "from urllib.request import *\nURLopener().open('https://a.example')"
    assert seen_in(code)[1:] == ["network: `URLopener().open` to `https://a.example`"]
