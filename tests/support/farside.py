"""The far side of the gap: a fresh user on a machine with a Python, coreutils and tar, and no network."""

import subprocess
from pathlib import Path

from tests.support.tools import clean_environment


def far_side(python: Path, media: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script there, in an empty home; `media` is what was carried in, read-only, at /media."""
    prefix = python.resolve().parent.parent
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--uid", "4711", "--gid", "4711", "--clearenv"]
    for folder in ("/usr", "/lib", "/lib64", "/bin"):
        if Path(folder).is_symlink():
            command += ["--symlink", str(Path(folder).readlink()), folder]
        elif Path(folder).is_dir():
            command += ["--ro-bind", folder, folder]
    command += ["--ro-bind", str(prefix), str(prefix), "--ro-bind", str(media), "/media"]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/home/user", "--chdir", "/home/user"]
    command += ["--setenv", "HOME", "/home/user", "--setenv", "PATH", f"{prefix}/bin:/usr/bin:/bin"]
    return subprocess.run(
        [*command, "sh", "-euc", script],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
