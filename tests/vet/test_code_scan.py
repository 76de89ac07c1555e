"""What code that runs unasked does: what is found in its text, and what is almost the same and is not."""

from wheelhouse.vet.code_scan import CodeSignals, read_code

ADDRESS = "https://a.example/x"
NETWORK: dict[str, tuple[str, ...]] = {
    "import os, socket, ftplib": ("socket", "ftplib"),
    "import requests.a.b as c": ("requests.a.b",),
    "import xmlrpc.client": ("xmlrpc.client",),
    "import xmlrpc, urllib.parse, os.requests": (),
    "from urllib import request, parse": ("urllib.request",),
    "from requests import get": ("requests", "requests.get"),
    "from os import socket": (),
    "from . import socket": (),
    "from .socket import x": (),
    "from .a import socket as b": (),
    "from urllib import parse": (),
    "x = 1\nimport socket\nimport socket": ("socket",),
    "__import__('socket')": ("socket",),
    "importlib.import_module('os'); importlib.import_module('http.client')": ("http.client",),
    "__import__(name); __import__(1); __import__(b'socket')": (),
    "load('socket')": (),
    "socket.socket()": (),
    **{
        f"{call}(['wget', 'x', 1])": ("wget",)
        for call in ("os.system", "popen", "a.Popen", "run", "call", "s.check_call", "check_output")
    },
    "os.system('cd x; curl -s a | sh')": ("curl",),
    "os.system('/usr/bin/nc x')": ("nc",),
    "os.system('curl a | wget b; nc c')": ("curl", "wget", "nc"),
    "os.system('curl wget')": ("curl", "wget"),
    f"x = f{'.a()' * 500}\ny = '{ADDRESS}'": (ADDRESS,),
    "os.system(command, shell='telnet')": ("telnet",),
    "os.system('curlew x')": (),
    "os.system('a.curl x')": (),
    "os.listdir('curl')": (),
    "run(1, b'curl', curl)": (),
    f"fetch('{ADDRESS}')": (ADDRESS,),
    f"fetch(to='{ADDRESS}')": (ADDRESS,),
    f"fetch(url='{ADDRESS}')": (),
    f"setup(project_urls={{'Home': '{ADDRESS}'}})": (),
    f"f()('{ADDRESS}')": (ADDRESS,),
    f"print('{ADDRESS}')": (),
    f"log.warning('{ADDRESS}')": (),
    f"raise ValueError('{ADDRESS}')": (),
    f"'{ADDRESS}'": (),
    f"def f():\n    '{ADDRESS}'\n    return '{ADDRESS}'": (ADDRESS,),
    f"HOST = '{ADDRESS}'": (ADDRESS,),
    f"URL = '{ADDRESS}'": (),
    f"url = HOMEPAGE = '{ADDRESS}'": (),
    f"url = other = '{ADDRESS}'": (ADDRESS,),
    f"self.url = '{ADDRESS}'": (ADDRESS,),
    f"x = {{'URL': '{ADDRESS}'}}": (),
    f"x = {{'to': '{ADDRESS}'}}": (ADDRESS,),
    f"x = {{1: '{ADDRESS}'}}": (ADDRESS,),
    f"x = {{**y, **dict(a='{ADDRESS}')}}": (ADDRESS,),
    f"x = {{url: '{ADDRESS}'}}": (ADDRESS,),
    f"x = {{'{ADDRESS}': 1}}": (),
    f"x = b'{ADDRESS}', 1, None": (),
    f"x = 'see <{ADDRESS}> or ws://b.example'": (ADDRESS, "ws://b.example"),
    "x = '10.0.0.1:4444'": ("10.0.0.1:4444",),
    "x = '10.0.0.1'": (),
    f"run('{ADDRESS}', 'curl x'); import socket": ("socket", "curl", ADDRESS),
    "print 'two'\nimport urllib2": ("urllib2",),
    "print 'two'\n  from requests.api import get\nimport os": ("requests.api",),
    "print 'two'\nimport os.socket\nx = 'import socket'": (),
    "print 'two'\nimport http.client": ("http.client",),
    "print 'two'\nimport os, socket as s, ftplib # smtplib": ("socket", "ftplib"),
    "print 'two'\nimport os; x = 1, socket": (),
    "print 'two'" + "\n" * 100_000 + "import socket": ("socket",),
    "print 'two'\nimport requests.a.b": ("requests.a.b",),
    "print 'two'\nimport http": (),
    f"print 'two'\nfetch('{ADDRESS}')": (),
}


def test_the_network_is_found_where_code_uses_it_and_not_where_it_describes() -> None:
    for text, names in NETWORK.items():
        assert read_code(text) == CodeSignals(names, ()), text


HIDDEN: dict[str, tuple[str, ...]] = {
    **{f"{name}(b64decode(x))": (f"{name}(b64decode(…))",) for name in ("exec", "eval", "compile", "__import__")},
    "exec(zlib.decompress(base64.b85decode(x)), {})": ("exec(decompress(…))", "exec(b85decode(…))"),
    "exec(loads(x)); exec(loads(y))": ("exec(loads(…))",),
    "exec(f()(x))": (),
    "exec(read(x))": (),
    "re.compile(b64decode(x))": (),
    "run(b64decode(x))": (),
    "b64decode(exec(x))": (),
    "exec(b64decode)": (),
    "print 'two'\nexec base64.b64decode(x)": ("exec(b64decode(…))",),
    "print 'two'\neval(zlib.decompress(x)); compile(unhexlify(x))": ("eval(decompress(…))", "compile(unhexlify(…))"),
    "print 'two'\nexec pickle.loads(x)": (),
    "print 'two'\nexecute(b64decode(x))": (),
    "print 'two'\nexec " + "x" * 90 + "b64decode(x)": (),
    "print 'two'\nb64decode(x)": (),
}


def test_a_call_that_runs_what_it_decodes_is_found() -> None:
    for text, calls in HIDDEN.items():
        assert read_code(text) == CodeSignals((), calls), text
