"""Which command a script answers to, and whose it is."""

from wheelhouse.vet.command_names import PYTHON_INSTALLERS, SYSTEM_COMMANDS, TOOL_OWNERS, command_of

COMMANDS = {
    **{
        f"Curl.{suffix}": "curl"
        for suffix in ("exe", "COM", "bat", "cmd", "ps1", "sh", "csh", "fish", "nu", "xsh", "py")
    },
    "curl": "curl",
    "curl.exe.txt": "curl.exe.txt",
    "run.sh.py": "run.sh",
    "exe": "exe",
    "curl.pyc": "curl.pyc",
    "python3.12": "python",
    "python3.13t.exe": "python",
    "pythonw": "python",
    "PIP3": "pip",
    "pydoc3.11": "pydoc",
    "pypy3": "pypy",
    "idle3": "idle",
    "2to3": "2to3",
    "gcc12": "gcc12",
    "pipx": "pipx",
    "pip3x": "pip3x",
}


def test_a_script_answers_to_its_name_without_suffix_and_pythons_version() -> None:
    assert {script: command_of(script) for script in COMMANDS} == COMMANDS


def test_commands_of_systems_and_tools_are_known() -> None:
    assert {"curl", "python", "2to3", "pip"} <= SYSTEM_COMMANDS and {"pip", "pipx"} == PYTHON_INSTALLERS
    owners = {"az": ("azure-cli",), "ansible": ("ansible", "ansible-core"), "kubectl": ()}
    assert {command: TOOL_OWNERS[command] for command in owners} == owners
    assert not TOOL_OWNERS.keys() & SYSTEM_COMMANDS
