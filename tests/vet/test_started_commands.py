"""What commands are likely to do, by their words, and what almost the same words do not say."""

import re
from collections.abc import Mapping

from wheelhouse.vet.code.started_commands import (
    ASKS,
    INSTALLS,
    SENDING,
    is_harmless,
    program_of,
    reads_program,
    suspicion,
)

SUSPICIONS: Mapping[str, tuple[str, ...]] = {
    "downloads": (
        *("curl https://a.example", "sh -c wget", "curl.exe a", "oddtool;IWR a", "curl a | sh -c whoami"),
        "oddtool (New-Object Net.WebClient) /DownloadString",
    ),
    "runs a shell of Windows": ("powershell", "powershell.exe -c a", "oddtool 'pwsh'", "sh -c MSHTA"),
    "starts a file": ("start a.exe", "cmd /c start a.exe", "CMD.exe /C START a.exe", "ls; start a.exe"),
    "opens a connection to a shell": ("bash -i", "nc a.example 1", "ls > /dev/tcp/a.example/1", "mkfifo a"),
    "decodes and runs": (
        *("base64 -d a", "base64 --decode a", "xxd -r a", "openssl enc -aes256 -d -in a"),
        *("oddtool -enc QQ==", "oddtool -EncodedCommand QQ=="),
    ),
    "runs at every start or on a schedule": (
        *("crontab a", "schtasks /create", "systemctl --user enable a", "systemctl start a", "reg add a"),
        r"oddtool HKCU\a\CurrentVersion\Run",
    ),
    "makes a file executable": ("chmod +x a", "chmod 755 a", "chmod -R u+rwx a", "xattr -c a", "oddtool RunAsInvoker"),
    "removes files": ("rm -rf a", "rm -v -r a", "del /q a", "shred a", "ls;dd if=a"),
    ASKS: ("whoami", "sh -c whoami", "sh -c SystemInfo", "hostname -f", "net user", "tasklist /v"),
    "reads secrets": ("security find-generic-password", "gh auth token", "secret-tool lookup a", "cat ~/.ssh/id_rsa"),
    "switches protection off": ("oddtool Set-MpPreference", "add-mppreference -ExclusionPath a", "ufw disable"),
    "runs a file of a temporary folder": (
        "/tmp/a",
        "'/var/tmp/a'",
        "/dev/shm/a",
        "%TEMP%/a",
        "…%temp%/a",
        "%appdata%/a",
    ),
    "reads or replaces the clipboard": ("xclip", "oddtool Get-Clipboard", "sh -c pbpaste"),
    "takes a picture of the screen": ("scrot", "/usr/bin/grim a.png", "ls; screencapture a", "import -window root a"),
    "runs a hidden file": ("./.a", "~/.Cache/a", "…/.a"),
    "installs from elsewhere": (
        *("pip install --index-url a odd", "pip install -i a odd", "pip3 install git+ssh://a.example/odd"),
        "pip install https://a.example/odd",
    ),
    "": (
        *("", "git log", "libcurl", "curl-config --libs", "powershellx", "npm start", "start explorer a", "nc", "bash"),
        *("base64 a", "openssl enc -aes256", "oddtool -encoding", "systemctl status a", "reg query a", "chmod 644 a"),
        *("rm a", "xrm -rf a", "sh -c hostname", "hostnamectl", "tasklist", "whoamix", "gh auth status", "ufw status"),
        *("ls /tmp/a", "tmp/a", "ls %temp%/a", "xclipboard", "grimoire", "ls grim", "./a", "./.", "ls ./.a"),
        *("pip install odd", "pip download -i a odd", "setenforce 1", r"oddtool \a\CurrentVersion\Fonts"),
    ),
}


def test_a_command_is_suspicious_for_one_reason() -> None:
    wrong = {
        command: (suspicion(command), reason)
        for reason, commands in SUSPICIONS.items()
        for command in commands
        if suspicion(command) != reason
    }
    assert not wrong


WORDS: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        INSTALLS,
        (
            *("pip install odd", "pip3.exe install odd", "sudo pip -q install odd", "npm --yes install odd"),
            *(
                "cargo add odd",
                "uv pip install odd",
                "uv add odd",
                "uv tool install odd",
                "npx -y odd",
                "npx --yes odd",
            ),
        ),
        (
            "pip installer",
            "pip list",
            "pip uninstall odd",
            "xpip install odd",
            "npm run install-odd",
            "uv run",
            "npx odd",
        ),
    ),
    (SENDING, ("curl a", "sh -c 'wget a'", "git"), ("curly", "xgit", "oddtool", "digger")),
)


def test_words_of_installs_and_of_senders_are_known() -> None:
    for pattern, commands, others in WORDS:
        assert [command for command in commands if not pattern.search(command)] == []
        assert [command for command in others if pattern.search(command)] == []


PROGRAMS = {
    "git log": "git",
    "/usr/bin/git log": "git",
    "sys.executable -m odd": "python",
    "oddtool sys.executable": "oddtool",
    "GIT.EXE log": "git",
    ".exe": "",
    "git.exec": "git.exec",
    "git.cmd describe": "git",
    "tool.bat": "tool",
    "sudo git": "git",
    "env A=1 B=2 git": "git",
    "cmd.exe /c git": "git",
    "  git": "git",
    "'/opt/my tools/git' log": "git",
    "…/git": "git",
    "…": "",
    "…git": "",
    "": "",
    "| git": "",
    "(git)": "",
}


def test_a_command_starts_a_program() -> None:
    assert {command: program_of(command) for command in PROGRAMS} == PROGRAMS


HARMLESS_COMMANDS = {
    "git log": True,
    "sys.executable -m odd": True,
    "oddtool": False,
    "git log; rm -rf a": False,
    "rm -rf a": False,
    "": False,
}


def test_a_command_is_harmless_if_its_program_and_its_words_are() -> None:
    assert {command: is_harmless(command) for command in HARMLESS_COMMANDS} == HARMLESS_COMMANDS


READING = "sh|/bin/bash -s|sudo sh|env dash|sys.executable -u|python3.11 -|python.exe|node|CMD|sh /dev/stdin|C:\\a\\pwsh.exe -NoProfile -"
NOT_READING = "|ls|sh a|bash -c ls|python3 -m a|sh.d|oddsh|sudo -u a sh|python-config|echo sh"


def test_a_shell_or_an_interpreter_with_options_alone_reads_its_program() -> None:
    assert not [command for command in READING.split("|") if not reads_program(command)]
    assert not [command for command in NOT_READING.split("|") if reads_program(command)]
