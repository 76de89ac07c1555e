"""What loads by itself, or takes the place of something else: one made file for each shape, and what is like it and harmless."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.wheels import build_sdist
from tests.vet.test_rules import facts_of, rules_of, wheel
from wheelhouse.vet.command_names import command_of

DATA = "odd-1.0.data/data/"
ENTRY_POINTS = "odd-1.0.dist-info/entry_points.txt"


@pytest.mark.parametrize(
    "path",
    [
        *("pyvenv.cfg", "python312._pth", "bin/python", "bin/python3.12", "Scripts/python.exe", "bin/activate"),
        *("bin/Activate.ps1", "lib/python3.12/json/decoder.py", "lib/python3.13t/site.py", "lib64/python3.11/os.py"),
        *("lib/python312.zip", "Lib/json.py", "lib/email/__init__.py", "DLLs/_ssl.pyd", "lib/libpython3.12.so.1.0"),
        *("lib/pypy3.10/os.py", "usr/lib/python3.12/sitecustomize.py", "lib/python3/dist-packages/odd.py"),
        *("local/lib/python3.12/dist-packages/odd.py", "usr/local/bin/python3"),
    ],
)
def test_a_file_of_python_itself_is_an_error(tmp_path: Path, path: str) -> None:
    assert "python-replaced" in rules_of(wheel(tmp_path, **{DATA + path: b"x"}))


@pytest.mark.parametrize(
    "path",
    [
        *("etc/profile.d/odd.sh", "etc/profile", "etc/bash.bashrc", "etc/ld.so.preload", "etc/ld.so.conf.d/odd.conf"),
        *("etc/cron.d/odd", "etc/cron.daily/odd", "etc/crontab", "etc/rc3.d/S99odd", "etc/sudoers.d/odd"),
        *("etc/systemd/system/multi-user.target.wants/odd.service", "etc/conda/activate.d/odd.sh", "etc/skel/.bashrc"),
        *("etc/xdg/autostart/odd.desktop", "etc/ipython/startup/odd.py", "etc/jupyter/jupyter_server_config.py"),
        *(".bashrc", ".zshenv", ".ssh/authorized_keys", ".config/autostart/odd.desktop", "root/.profile"),
        *("Library/LaunchAgents/odd.plist", ".ipython/profile_default/startup/00-odd.py"),
    ],
)
def test_what_the_system_starts_is_an_error(tmp_path: Path, path: str) -> None:
    assert "starts-with-system" in rules_of(wheel(tmp_path, **{DATA + path: b"x"}))


@pytest.mark.parametrize(
    "path",
    ["pip.conf", "pip.ini", "etc/pip.conf", ".config/pip/pip.conf", ".pypirc", ".netrc", "etc/uv/uv.toml", ".npmrc"],
)
def test_settings_of_installers_are_an_error(tmp_path: Path, path: str) -> None:
    assert "installer-settings" in rules_of(wheel(tmp_path, **{DATA + path: b"x"}))


@pytest.mark.parametrize(
    "path",
    [
        *("share/man/man1/odd.1", "share/jupyter/kernels/odd/kernel.json", "etc/odd/odd.conf", "lib/cmake/odd.cmake"),
        *("lib/libodd.so", "include/odd.h", "bin/odd", "etc/bash_completion.d/odd", "share/applications/odd.desktop"),
        *("etc/systemd/system/odd.service", "lib/python3.12/site-packages/odd/more.py", "lib/token/readme.txt"),
        "etc/jupyter/jupyter_server_config.d/odd.json",
    ],
)
def test_ordinary_data_files_are_no_error(tmp_path: Path, path: str) -> None:
    found = rules_of(wheel(tmp_path, **{DATA + path: b"x"}))
    assert not found.keys() & {"python-replaced", "starts-with-system", "installer-settings"}


def test_settings_of_jupyter_are_a_note_alone(tmp_path: Path) -> None:
    files = {DATA + "etc/jupyter/jupyter_notebook_config.d/odd.json": b"{}"}
    assert rules_of(wheel(tmp_path, **files)).keys() == {"jupyter-settings"}


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("odd/start", "odd/start/sitecustomize.py"),
        ("./odd/start/", "odd/start/usercustomize.cpython-312-x86_64-linux-gnu.so"),
        ("odd\\start", "odd/start/sitecustomize/__init__.py"),
        ("../../../share/odd", "odd-1.0.data/data/share/odd/sitecustomize.py"),
        ("/usr/lib/python3.12/site-packages/odd/start", "odd/start/sitecustomize.pyc"),
        ("share/odd", "odd-1.0.data/data/share/odd/sitecustomize.py"),
    ],
)
def test_a_start_module_in_a_folder_that_a_pth_file_adds(tmp_path: Path, line: str, module: str) -> None:
    assert "pth-start-module" in rules_of(wheel(tmp_path, **{"odd.pth": line.encode(), module: b""}))


def test_the_start_module_can_be_in_another_file(tmp_path: Path) -> None:
    one, two = (
        wheel(tmp_path, "one", **{"one.pth": b"two/start\n"}),
        wheel(tmp_path, "two", **{"two/start/sitecustomize.py": b""}),
    )
    assert "pth-start-module" not in rules_of(one)
    assert "pth-start-module" in rules_of(one, two)


def test_a_start_module_in_another_folder_is_not_started(tmp_path: Path) -> None:
    assert "pth-start-module" not in rules_of(
        wheel(tmp_path, **{"odd.pth": b"odd/vendored\n", "odd/start/sitecustomize.py": b""})
    )


@pytest.mark.parametrize(
    "name", ["python3.12", "Python.EXE", "pip3.13", "git", "ssh.bat", "activate.fish", "sudo", "docker"]
)
def test_a_script_of_a_system_command_is_an_error(tmp_path: Path, name: str) -> None:
    assert "script-shadows" in rules_of(wheel(tmp_path, **{f"odd-1.0.data/scripts/{name}": b"#!/bin/sh\n"}))
    entry_point = f"[console_scripts]\n{name} = odd:main\n".encode()
    assert "script-shadows" in rules_of(wheel(tmp_path, **{ENTRY_POINTS: entry_point}))


def test_a_project_has_no_right_to_a_system_command_of_its_name(tmp_path: Path) -> None:
    script = {"sudo-1.0.dist-info/entry_points.txt": b"[console_scripts]\nsudo = sudo:main\n"}
    assert "script-shadows" in rules_of(wheel(tmp_path, "sudo", **script))
    pip = {"pip-1.0.dist-info/entry_points.txt": b"[console_scripts]\npip = pip:main\npip3 = pip:main\n"}
    assert "script-shadows" not in rules_of(wheel(tmp_path, "pip", **pip))


def test_a_tool_comes_from_the_project_that_makes_it(tmp_path: Path) -> None:
    def found(project: str) -> bool:
        stem = project.replace("-", "_")
        script = {f"{stem}-1.0.dist-info/entry_points.txt": b"[console_scripts]\nairflow = x:main\n"}
        return "script-shadows-tool" in rules_of(wheel(tmp_path, project, **script))

    assert found("airflow-helper")
    assert not found("apache-airflow") and not found("apache-airflow-core")


@pytest.mark.parametrize(
    ("script", "command"), [("PIP3.12.exe", "pip"), ("python3-config", "python3-config"), ("h2", "h2")]
)
def test_a_script_answers_to_a_command(script: str, command: str) -> None:
    assert command_of(script) == command


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("shared.py", "shared/__init__.py"),
        ("shared.cpython-312-x86_64-linux-gnu.so", "shared.py"),
        ("shared.py", "shared/part.py"),
        ("two-1.0.data/purelib/shared.py", "shared.abi3.so"),
    ],
)
def test_a_module_in_two_forms(tmp_path: Path, one: str, two: str) -> None:
    wheels = wheel(tmp_path, "one", **{one: b""}), wheel(tmp_path, "two", **{two: b""})
    assert "module-hidden" in rules_of(*wheels)
    assert "module-hidden" not in rules_of(wheels[0], replace(wheels[1], targets=("cp313",)))


@pytest.mark.parametrize(
    ("one", "two"), [("s/one.py", "s/two.py"), ("s/__init__.py", "s/two.py"), ("s.pyi", "s/two.py")]
)
def test_parts_of_one_package_are_not_one_module_in_two_forms(tmp_path: Path, one: str, two: str) -> None:
    assert "module-hidden" not in rules_of(wheel(tmp_path, "one", **{one: b""}), wheel(tmp_path, "two", **{two: b""}))


@pytest.mark.parametrize(
    "path",
    [
        "requests.egg-info",
        "requests-2.32.0.egg-info/PKG-INFO",
        "requests.egg-link",
        "requests-2.32.0.Dist-Info/METADATA",
        "odd-1.0.data/purelib/odd-1.0.dist-info/entry_points.txt",
        "odd-1.0.data/platlib/requests-2.32.0.dist-info/METADATA",
        "odd-1.0.data/data/lib/python3.12/site-packages/requests-2.32.0.dist-info/METADATA",
    ],
)
def test_metadata_of_another_project_is_an_error(tmp_path: Path, path: str) -> None:
    assert "poses-as" in rules_of(wheel(tmp_path, **{path: b""}))


@pytest.mark.parametrize(
    "path", ["Odd.egg-info", "odd-1.0.egg-info/PKG-INFO", "odd/_vendor/requests-2.32.0.dist-info/METADATA"]
)
def test_own_and_vendored_metadata_is_no_error(tmp_path: Path, path: str) -> None:
    assert "poses-as" not in rules_of(wheel(tmp_path, **{path: b""}))


@pytest.mark.parametrize(
    ("group", "rule"),
    [
        ("pytest11", "plugin-at-start"),
        ("airflow.plugins", "plugin-at-start"),
        ("apache_airflow_provider", "plugin-at-start"),
        ("jupyter_serverproxy_servers", "plugin-at-start"),
        ("opentelemetry_distro", "plugin-at-start"),
        ("torch.backends", "plugin-at-start"),
        ("setuptools.finalize_distribution_options", "plugin-in-builds"),
        ("egg_info.writers", "plugin-in-builds"),
        ("sqlalchemy.dialects", "plugin"),
    ],
)
def test_a_plugin_is_rated_by_what_imports_it(tmp_path: Path, group: str, rule: str) -> None:
    found = rules_of(wheel(tmp_path, **{ENTRY_POINTS: f"[{group}]\nx = odd.hooks:begin\n".encode()}))
    assert rule in found
    assert ("plugin-in-builds" in found) == (rule == "plugin-in-builds")


def test_a_command_of_its_own_is_in_no_build(tmp_path: Path) -> None:
    assert "plugin-in-builds" not in rules_of(
        wheel(tmp_path, **{ENTRY_POINTS: b"[distutils.commands]\ncompile_catalog = odd:Compile\n"})
    )


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".vscode/settings.json",
            ".idea/workspace.xml",
            ".claude/settings.json",
            ".claude/hooks/run.sh",
            ".cursor/mcp.json",
        ),
        *(".mcp.json", ".git/hooks/post-checkout", ".githooks/pre-commit", ".envrc", ".devcontainer/devcontainer.json"),
        *(".husky/pre-commit", ".codex/config.toml", "odd.code-workspace"),
    ],
)
def test_settings_of_tools_are_found_in_wheels_and_sdists(tmp_path: Path, path: str) -> None:
    for place in (path, f"odd/{path}", f"{DATA}share/{path}"):
        assert "tool-settings" in rules_of(wheel(tmp_path, **{place: b"x"}))
    sdist = rules_of(facts_of(build_sdist(tmp_path, "odd", "1.0", files={path: b"x"})))
    assert "sdist-tool-settings" in sdist and "tool-settings" not in sdist


@pytest.mark.parametrize(
    "path", ["odd/AGENTS.md", "CLAUDE.md", "odd/.cursorrules", ".cursor/rules/odd.mdc", "odd/SKILL.md"]
)
def test_instructions_for_agents_are_a_note(tmp_path: Path, path: str) -> None:
    found = rules_of(wheel(tmp_path, **{path: b"x"}))
    assert "agent-instructions" in found and "tool-settings" not in found


@pytest.mark.parametrize(
    "path", ["odd/vscode/settings.json", "odd/.gitignore", "odd/agents.py", "odd/mcp.json", "odd/.vscode/x.md"]
)
def test_files_like_settings_are_not_found(tmp_path: Path, path: str) -> None:
    assert not rules_of(wheel(tmp_path, **{path: b"x"})).keys() & {"tool-settings", "agent-instructions"}


@pytest.mark.parametrize("text", ["*.bin filter=lfs diff=lfs\n", "# a filter=odd\n", "*.py diff=python\n"])
def test_common_attributes_of_git_are_no_filter(tmp_path: Path, text: str) -> None:
    assert "git-filter" not in rules_of(wheel(tmp_path, **{"odd/.gitattributes": text.encode()}))


def test_a_known_backport_is_a_note(tmp_path: Path) -> None:
    assert rules_of(wheel(tmp_path, "dataclasses", **{"dataclasses.py": b""})).keys() == {"stdlib-backport"}
    assert "stdlib-name" in rules_of(wheel(tmp_path, "odd", **{"dataclasses.py": b""}))


def test_a_script_is_read_as_code(tmp_path: Path) -> None:
    """It runs when somebody calls it, not at import."""
    code = b"#!python\nimport base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n"
    assert "code-runs-hidden" in rules_of(wheel(tmp_path, **{"odd-1.0.data/scripts/odd-run": code}))
