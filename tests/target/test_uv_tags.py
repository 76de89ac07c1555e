"""Platform tags as uv knows them: for each platform that both can name, both accept the very same wheels.

Two differences are uv's, and packaging, whose rules pip follows, is with us: uv leaves out macOS's `fat3` (i386, ppc and
x86_64 in one file), and starts riscv64 at glibc 2.31.
"""

import re
import sys
from pathlib import Path

import pytest

from tests.support.sampled import sampled
from tests.support.tools import run
from tests.support.wheels import build_wheel
from wheelhouse.target.target import Platform

SAME = {
    "x86_64-manylinux_2_28": "linux/amd64",
    "aarch64-manylinux_2_40": "manylinux_2_40_aarch64",
    "aarch64-unknown-linux-musl": "alpine/arm64",
    "aarch64-apple-darwin": "macosx_13_0_arm64",
    "x86_64-apple-darwin": "macosx_13_0_x86_64",
    "x86_64-pc-windows-msvc": "windows/amd64",
    "aarch64-pc-windows-msvc": "windows/arm64",
    "i686-pc-windows-msvc": "windows/386",
}
BEYOND = ("manylinux_2_42_x86_64", "manylinux_2_42_aarch64", "musllinux_1_3_aarch64", "macosx_15_0_arm64")


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """For each platform tag a project: version 1 is for any platform, version 2 for that one."""
    folder = tmp_path_factory.mktemp("offered")
    tags = sorted({tag for name in (*SAME.values(), *BEYOND) for tag in Platform.parse(name).tags})
    for tag in tags:
        build_wheel(folder, f"for_{tag}", "1")
        build_wheel(folder, f"for_{tag}", "2", tag=f"py3-none-{tag}")
    return folder, tags


@pytest.mark.parametrize("theirs", sampled(SAME, 4))
def test_uv_takes_the_same_platforms(theirs: str, offered: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, tags = offered
    asked = tmp_path / "asked.txt"
    asked.write_text("\n".join(f"for_{tag}" for tag in tags))
    source = ("--no-index", "--find-links", folder, "--only-binary", ":all:", "--no-cache", "--no-config")
    target = ("--python", sys.executable, "--python-version", "3.12", "--python-platform", theirs)
    command = (sys.executable, "-I", "-m", "uv", "pip", "compile", "--no-annotate", "--no-header")
    ran = run(*command, *source, *target, asked)
    assert ran.returncode == 0, ran.stderr
    taken = {name.replace("-", "_") for name in re.findall(r"^for-(\S+)==2$", ran.stdout, re.MULTILINE)}
    ours = {tag for tag in Platform.parse(SAME[theirs]).tags if not tag.endswith("_fat3")}
    assert taken == ours
