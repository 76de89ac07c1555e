"""auditwheel, where it is installed: it copies foreign libraries into a wheel, and gives it the tag that it deserves."""

import shutil
import subprocess
from pathlib import Path


def repair(path: str, wheel: Path, platform: str, folder: Path) -> Path:
    """The wheel that auditwheel makes of one for a platform tag; the same where there is none, or it cannot. `path` is PATH."""
    program = shutil.which("auditwheel", path=path)
    if program is None or not platform.startswith(("manylinux", "musllinux")):
        return wheel
    repaired = folder / "repaired"
    command = [program, "repair", "--plat", platform, "--wheel-dir", str(repaired), str(wheel)]
    environment = {"PATH": path, "LANG": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(command, env=environment, capture_output=True, timeout=600, check=False)
    return next(iter(sorted(repaired.glob("*.whl"))), wheel)
