"""The values of calls of Python's library whose meaning is known, and of calls that only look like them."""

from collections.abc import Mapping

from tests.support.foreign_code import followed, wrongly_seen, wrongly_valued
from wheelhouse.vet.code.computed_values import MAX_PIECES

DEFERRED = {
    "functools.partial(odd, 1)": "name functools.partial(); items name odd, 1",
    "functools.partial(int, '7', 8)()": "7",
    "functools.partial(int, '7')(8)": "7",
    "functools.partial()()": "",
    "operator.attrgetter('system')(os)": "name os.system; not spelled",
    "operator.attrgetter('system')()": "",
    "operator.attrgetter()(os)": "",
    "operator.attrgetter(unknown)(os)": "",
    "operator.methodcaller('upper')('a')": "",
    "operator.methodcaller('replace', 'a', 'b')('aa')": "",
    "operator.methodcaller('upper')()": "",
    "odd.partial(int, '7')()": "name odd.partial()()",
    "odd.attrgetter('system')(os)": "name odd.attrgetter()()",
}


def test_a_deferred_call_is_made_with_what_it_was_given() -> None:
    assert not wrongly_valued(DEFERRED)


ATTRIBUTES = {
    "getattr(os, 'system')": "name os.system; not spelled",
    "getattr(os, 'system', None)": "name os.system; not spelled",
    "getattr(odd, fetched, os.system)": "name os.system; fetched fetched()",
    "getattr(odd, fetched, 1)": "fetched fetched()",
    "class A: b = 'a'\nx = getattr(A, 'b', print)": "'a'",
    "class A: b = 1\nx = getattr(A, 'b', print)": "1",
    "class A: b = {1: 2}\nx = getattr(A, 'b', print)": "entries 1: 2",
    "class A: b = 1\nx = getattr(A, 'c', print)": "name builtins.print",
    "getattr(os)": "name builtins.getattr()",
    "getattr(builtins, 'exec')": "name builtins.exec; not spelled",
    "getattr(os, fetched)": "fetched fetched()",
    "getattr(fetched, unknown)": "fetched fetched()",
    "os.__getattribute__('system')": "name os.system; not spelled",
    "os.__getattribute__()": "name os.__getattribute__()",
    "os.__getattribute__(fetched)": "fetched fetched()",
    "odd.getattr(os, 'system')": "name odd.getattr()",
    "object.__getattribute__(os, 'system')": "name os.system; not spelled",
    "object.__getattribute__(fetched, unknown)": "fetched fetched()",
}


def test_an_attribute_by_a_text_is_named_and_not_spelled() -> None:
    assert not wrongly_valued(ATTRIBUTES)


IMPORTED = {
    "__import__('os.path')": "name os; not spelled",
    "importlib.__import__('os.path')": "name os; not spelled",
    "importlib.import_module('os.path')": "name os.path",
    "import_module('os.path')": "name os.path",
    "odd.import_module('os.path')": "name odd.import_module()",
    "__import__()": "",
    "__import__(name='os.path')": "name os; not spelled",
    "importlib.import_module(name='os')": "name os",
    "importlib.import_module(package='os')": "",
    "__import__(fetched)": "",
}


def test_a_module_by_a_text_is_named() -> None:
    assert not wrongly_valued(IMPORTED)


NAMES = {
    "vars(os)['system']": "name os.system; not spelled",
    "vars(os)": "name os.__dict__",
    "vars()": "name builtins.vars()",
    "vars(unknown)": "name builtins.vars()",
    "globals()": "name builtins.globals()",
    "locals()": "name builtins.locals()",
    "odd.vars(os)": "name odd.vars()",
    "odd.globals()": "name odd.globals()",
    "globals().get('odd_name')": "name odd_name; not spelled",
    "locals().get('odd_name')": "name odd_name; not spelled",
    "vars().get('exec')": "name builtins.exec; not spelled",
}


def test_the_names_of_a_module_are_a_named_thing() -> None:
    assert not wrongly_valued(NAMES)


ITEMS = {
    "os.getenv('A')": "variable os.environ['A']",
    "os.environ.get('A')": "variable os.environ['A']",
    "os.environ.pop('A')": "variable os.environ['A']",
    "environ.get('A')": "variable os.environ['A']",
    "getenv('A')": "variable os.environ['A']",
    "os.getenv(key='A_TOKEN')": "secret os.environ['A_TOKEN']",
    "os.getenv(default=1, key='A')": "variable os.environ['A']",
    "os.environ.get(key='A')": "variable os.environ['A']",
    "os.getenv(key=unknown)": "name os.getenv()",
    "os.getenv(default=1)": "name os.getenv()",
    "odd.getenv('A')": "name odd.getenv()",
    "os.getenv('HOME')": "text ~; name ~",
    "os.getenv('USERPROFILE')": "text ~; name ~",
    "os.getenv('APPDATA')": "text %APPDATA%",
    "os.getenv('A_TOKEN')": "secret os.environ['A_TOKEN']",
    "os.getenv('USER')": "host os.environ['USER']",
    "os.getenv(unknown)": "name os.getenv()",
    "os.getenv()": "name os.getenv()",
    "os.getenv(7)": "name os.getenv()",
    "os.__dict__.get('system')": "name os.system; not spelled",
    "sys.modules.get('os')": "name os; not spelled",
    "sys.modules.pop('os')": "name os; not spelled",
    "{'a': 7}.get('a')": "7",
    "{'a': 7}.pop('a')": "7",
    "{}.get('a')": "",
    "odd.get('a')": "name odd.get()",
    "odd.modules.get('a')": "name odd.modules.get()",
}


def test_an_item_by_a_text_is_looked_up() -> None:
    assert not wrongly_valued(ITEMS)


MAPPED = {
    "map(ord, 'ab')": "items 97, 98",
    "map(unknown, [fetched, 7])": "items fetched fetched(),; fetched fetched()",
    "map(ord, 'ab', 'cd')": "name builtins.map()",
    "map(ord)": "name builtins.map()",
    "map(ord, unknown)": "name builtins.map()",
    "odd.map(ord, 'ab')": "name odd.map()",
}


def test_a_known_sequence_is_mapped_one_by_one() -> None:
    assert not wrongly_valued(MAPPED)


JOINED = {
    "os.path.join('a', 'b')": "text a/b",
    "posixpath.join('a', unknown)": "text a/…",
    "ntpath.join('a', host)": "text a/…; host host()",
    "path.join('a', 'b')": "text a/b",
    "odd.join('a', 'b')": "name odd.join()",
    "pathlib.Path('a', 'b')": "text a/b; name pathlib.Path()",
    "Path('a')": "text a; name pathlib.Path()",
    "Path.home().joinpath('a')": "text ~/a; name pathlib.Path()",
    "pathlib.Path('a').joinpath('b')": "text a/b; name pathlib.Path()",
    "unknown.joinpath('b')": "text …/b; name pathlib.Path()",
    "odd.Path('a')": "name odd.Path()",
}


def test_the_pieces_of_a_path_are_joined() -> None:
    assert not wrongly_valued(JOINED)


SAME = {
    "os.path.expanduser(f'{host}/a')": "text …/a; host host()",
    "os.path.expandvars(f'{host}/a')": "text …/a; host host()",
    "os.path.abspath(f'{host}/a')": "text …/a; host host()",
    "os.path.realpath(f'{host}/a')": "text …/a; host host()",
    "os.path.normpath(f'{host}/a')": "text …/a; host host()",
    "os.fspath(f'{host}/a')": "text …/a; host host()",
    "os.path.dirname(__file__)": "text __file__",
    "str(f'{host}/a')": "text …/a; host host()",
    "odd.dirname(f'{host}/a')": "name odd.dirname(); host host()",
    "os.path.expanduser('~/a')": "text ~/a",
    "os.path.expanduser(unknown)": "name os.path.expanduser()",
    "os.path.expanduser()": "name os.path.expanduser()",
    "os.path.expandvars('$HOME/a')": "text $HOME/a",
    "os.path.abspath('a')": "text a",
    "os.path.realpath('a')": "text a",
    "os.path.normpath('a')": "text a",
    "os.fspath('a')": "text a",
    "os.path.dirname('a/b')": "text a/b",
    "odd.normpath('a')": "name odd.normpath()",
    "os.path.abspath(unknown)": "name os.path.abspath()",
    "os.path.abspath()": "name os.path.abspath()",
    "str(7)": "'7'",
    "str('a')": "'a'",
    "str()": "name builtins.str()",
    "pathlib.Path.home()": "text ~; name ~",
    "Path.home()": "text ~; name ~",
    "odd.home()": "name odd.home()",
}


def test_a_path_keeps_its_words() -> None:
    assert not wrongly_valued(SAME)


ENVIRONMENT = {
    "os.environ.copy()": "name os.environ; environment os.environ",
    "os.environ.items()": "name os.environ; environment os.environ",
    "os.environ.values()": "name os.environ; environment os.environ",
    "os.environ.keys()": "name os.environ.keys(); environment os.environ",
    "odd.copy()": "name odd.copy()",
    "odd.environ.copy()": "name odd.environ.copy()",
}


def test_the_environment_in_another_form_is_the_environment() -> None:
    assert not wrongly_valued(ENVIRONMENT)


def test_a_long_sequence_is_not_mapped() -> None:
    for size, name in ((MAX_PIECES, ""), (MAX_PIECES + 1, "builtins.map()")):
        assert followed(f"x = map(unknown, 'a' * {size})")[0].scope.names["x"].name == name


SEEN: Mapping[str, list[str]] = {
    "operator.attrgetter('system')(os)('ls')": [
        "hidden-name: calls `os.system` by a name that it builds or looks up",
        "tool: `ls`",
    ],
    "operator.methodcaller('system', 'ls')(os)": [
        "hidden-name: calls `os.system` by a name that it builds or looks up",
        "tool: `ls`",
    ],
    "functools.partial(os.system, 'ls')()": ["tool: `ls`"],
    "functools.partial(os.system)('ls')": ["tool: `ls`"],
    "odd.partial(os.system)('ls')": [],
    "__import__('os').system('ls')": [
        "hidden-name: calls `os.system` by a name that it builds or looks up",
        "tool: `ls`",
    ],
    "importlib.import_module('os').system('ls')": ["tool: `ls`"],
    "__import__(base64.b64decode('b3M=').decode())": ["hidden-name: imports `os`, whose name it decodes"],
    "importlib.import_module(base64.b64decode('b3M=').decode())": ["hidden-name: imports `os`, whose name it decodes"],
    "odd.import_module(base64.b64decode('b3M=').decode())": [],
    "setattr(requests, 'get', odd)": ["patches: replaces `requests.get`, and sees all that goes through it"],
    "setattr(requests, 'odd', odd)": [],
    "setattr(odd, 'get', requests)": [],
    "setattr(requests, 'get')": [],
    "setattr(requests, 'get', odd, odd)": [],
    "setattr(requests, unknown, odd)": [],
    "setattr(unknown, 'get', odd)": [],
    "odd.setattr(requests, 'get', odd)": [],
}


def test_what_is_reached_by_a_text_is_found() -> None:
    assert not wrongly_seen(SEEN)
