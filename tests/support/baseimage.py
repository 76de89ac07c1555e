"""A small base image made of this machine's own files: CPython with pip, a shell, coreutils. No registry is needed.

It stands in for python:X.Y-slim: Python is in /usr/local (a Python of the system's own, in /usr), together with the
shared libraries that manylinux wheels take for granted. It holds no compiler, no headers and no package manager.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.docker import DockerEngine

_LABEL = "wheelhouse.test.base"
_TOOL_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_TOOLS = """
    [ awk basename bash cat chgrp chmod chown cksum cmp comm cp cut date dd df diff dirname du echo env expr false find
    getent grep gzip head hostname id install join ldconfig ln ls md5sum mkdir mkfifo mktemp mv nproc od paste printenv
    printf pwd readlink realpath rm rmdir sed seq sh sha256sum sha512sum sleep sort split stat stty tail tar tee test
    timeout touch tr true truncate tty uname uniq wc which whoami xargs yes
"""
_LIBRARIES = """
    libdl.so.2 libexpat.so.1 libgcc_s.so.1 libm.so.6 libnss_dns.so.2 libnss_files.so.2 libpthread.so.0 libresolv.so.2
    librt.so.1 libstdc++.so.6 libutil.so.1 libz.so.1
"""
_NOT_IN_STDLIB = shutil.ignore_patterns(
    "*.a", "*.opt-?.pyc", "EXTERNALLY-MANAGED", "_test*", "_tkinter*", "config-*", "dist-packages", "idlelib",
    "lib2to3", "site-packages", "test", "tests", "tkinter", "turtledemo",
)  # fmt: skip
_DESCRIBE = """
import importlib.util, json, os, sys, sysconfig
paths, pip = sysconfig.get_paths(), importlib.util.find_spec("pip")
print(json.dumps({
    "prefix": sys.base_prefix,
    "executable": os.path.realpath(sys.executable),
    "version": sys.version,
    "name": "python" + sysconfig.get_config_var("LDVERSION"),
    "standard": sorted({paths["stdlib"], paths["platstdlib"]}),
    "site": paths["purelib"],
    "pip": os.path.dirname(pip.origin) if pip else None,
}))
"""


@dataclass(frozen=True)
class _Interpreter:
    """What a Python says of itself; paths are those on this machine."""

    prefix: str
    executable: str
    version: str
    name: str
    standard: list[str]
    site: str
    pip: str | None

    @property
    def home(self) -> Path:
        """The prefix this Python has in the image."""
        return Path("/usr") if Path(self.prefix).resolve() == Path("/usr") else Path("/usr/local")

    def in_image(self, path: Path) -> Path:
        """Where a file of this machine is in the image: what is under the prefix moves with it."""
        return self.home / path.relative_to(self.prefix) if path.is_relative_to(self.prefix) else path


def base_image(engine: DockerEngine, python_prefix: Path, tag: str) -> str:
    """Give the engine the image `tag`, which holds the Python installed in `python_prefix`, and return the tag.

    An image of that name which is already made of the same Python is left as it is. The image's files are kept, as an
    archive, in the engine's cache.
    """
    interpreter = _describe(python_prefix)
    fingerprint = _fingerprint(interpreter)
    with engine.lock("base-image"):
        found = engine.docker("image", "inspect", f'--format={{{{index .Config.Labels "{_LABEL}"}}}}', tag)
        if found.returncode != 0 or found.stdout.strip() != fingerprint:
            _import(engine, _kept_archive(interpreter, engine.cache, fingerprint), tag, fingerprint)
    return tag


def _import(engine: DockerEngine, archive: Path, tag: str, fingerprint: str) -> None:
    settings = (
        "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin LANG=C.UTF-8",
        f"LABEL {_LABEL}={fingerprint}",
        'CMD ["python3"]',
    )
    result = engine.docker("import", *(f"--change={setting}" for setting in settings), str(archive), tag)
    if result.returncode != 0:
        raise RuntimeError(f"docker import of a base image failed: {result.stderr}")


def _describe(prefix: Path) -> _Interpreter:
    """Ask the Python in `prefix`; of a virtual environment, the Python it is made with."""
    python = prefix / "bin/python3"
    answer = subprocess.run([python, "-I", "-c", _DESCRIBE], capture_output=True, text=True, check=True)
    interpreter = _Interpreter(**json.loads(answer.stdout))
    base = Path(interpreter.prefix)
    return interpreter if base.resolve() == prefix.resolve() else _describe(base)


def _fingerprint(interpreter: _Interpreter) -> str:
    """Changes with the Python, with its pip, and with this module."""
    stamps = [path.stat().st_mtime_ns for path in (Path(interpreter.executable), *_pip_files(interpreter))]
    parts = json.dumps([asdict(interpreter), stamps]).encode() + Path(__file__).read_bytes()
    return hashlib.sha256(parts).hexdigest()


def _pip_files(interpreter: _Interpreter) -> list[Path]:
    """The folders of the Python's pip; for one without, those of the pip that is among the tests' own requirements."""
    if interpreter.pip:
        folder = Path(interpreter.pip)
    elif (spec := importlib.util.find_spec("pip")) and spec.origin:
        folder = Path(spec.origin).parent
    else:
        raise RuntimeError(f"neither {interpreter.executable} nor the Python of the tests has pip")
    return [folder, *folder.parent.glob("pip-*.dist-info")]


def _kept_archive(interpreter: _Interpreter, cache: Path, fingerprint: str) -> Path:
    """The archive in `cache`; a new one takes the place of one made of the same Python when it was another."""
    kind = f"base-{interpreter.name}-{hashlib.sha256(interpreter.prefix.encode()).hexdigest()[:8]}"
    kept = cache / f"{kind}-{fingerprint[:16]}.tar"
    if not kept.exists():
        for outdated in cache.glob(f"{kind}-*.tar"):
            outdated.unlink()
        with tempfile.TemporaryDirectory(dir=cache, prefix="base-") as work:
            _archive(interpreter, Path(work)).rename(kept)
    return kept


def _archive(interpreter: _Interpreter, work: Path) -> Path:
    """Lay out the image's files in `work`, and put them in a tar archive there."""
    root, archive = work / "root", work / "root.tar"
    _lay_out(root)
    python = _copy_python(interpreter, root)
    _copy_libraries(interpreter, root, [*_copy_tools(root), *_system_libraries(), *python])
    subprocess.run(["ldconfig", "-r", root], env=_system_environment(), capture_output=True, check=True)
    owner = ("--owner=0", "--group=0", "--numeric-owner")
    subprocess.run(["tar", "-C", root, *owner, "-cf", archive, "."], capture_output=True, check=True)
    return archive


def _lay_out(root: Path) -> None:
    """Make the folders and the few settings of a system whose /bin, /sbin and /lib are those of /usr."""
    for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/local/bin", "usr/local/lib"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "etc", "home", "opt", "proc", "run", "sys", "var"):
        (root / name).mkdir()
    for name, mode in {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700}.items():
        (root / name).mkdir()
        (root / name).chmod(mode)
    texts = {
        "passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
        "ld.so.conf": "/usr/local/lib\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "os-release": Path("/etc/os-release").read_text(encoding="utf-8"),
    }
    for name, text in texts.items():
        (root / "etc" / name).write_text(text, encoding="utf-8")


def _copy_python(interpreter: _Interpreter, root: Path) -> list[Path]:
    """Copy the interpreter, its standard library and pip; the binaries whose libraries it needs."""

    def place(path: Path) -> Path:
        return root / interpreter.in_image(path).relative_to("/")

    executable = Path(interpreter.executable)
    for folder in map(Path, interpreter.standard):
        shutil.copytree(folder, place(folder), ignore=_NOT_IN_STDLIB, ignore_dangling_symlinks=True, dirs_exist_ok=True)
    site = Path(interpreter.pip).parent if interpreter.pip else Path(interpreter.site)
    for folder in _pip_files(interpreter):
        shutil.copytree(folder, place(site / folder.name), dirs_exist_ok=True)
    commands = root / interpreter.home.relative_to("/") / "bin"
    shutil.copy2(executable, commands / interpreter.name)
    for alias in ("python", "python3"):
        (commands / alias).symlink_to(interpreter.name)
    _write_pip_commands(root / "usr/local/bin", interpreter.home / "bin" / interpreter.name)
    return [executable, *(path for folder in interpreter.standard for path in Path(folder).rglob("lib-dynload/*.so"))]


def _write_pip_commands(folder: Path, python: Path) -> None:
    for name in ("pip", "pip3"):
        command = folder / name
        command.write_text(f"#!{python}\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n")
        command.chmod(0o755)


def _copy_tools(root: Path) -> Iterator[Path]:
    """Copy the commands this machine has; yields them."""
    for tool in _TOOLS.split():
        if found := shutil.which(tool, path=_TOOL_PATH):
            shutil.copy2(os.path.realpath(found), root / "usr/bin" / tool)
            yield Path(found)


def _system_libraries() -> Iterator[Path]:
    """The libraries that wheels take for granted, where this machine has them: next to its C library."""
    libc = next(path for path in _linked_libraries([Path("/bin/sh").resolve()]) if path.name.startswith("libc."))
    yield from (libc.with_name(name) for name in _LIBRARIES.split() if libc.with_name(name).exists())


def _copy_libraries(interpreter: _Interpreter, root: Path, binaries: list[Path]) -> None:
    """Copy the shared libraries among `binaries`, and those that any of them is linked to."""
    given = [path for path in binaries if ".so." in path.name]
    for library in {*given, *_linked_libraries(binaries, Path(interpreter.prefix) / "lib")}:
        destination = root / interpreter.in_image(library).relative_to("/")
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library.resolve(), destination)


def _linked_libraries(binaries: Iterable[Path], folder: Path | None = None) -> list[Path]:
    """The libraries that `binaries` are linked to, as the loader finds them, also looking in `folder`."""
    environment = {**_system_environment(), **({"LD_LIBRARY_PATH": str(folder)} if folder else {})}
    # ldd fails as a whole for any file that is not a binary (a command may be a script), and still lists the others.
    listing = subprocess.run(["ldd", *binaries], env=environment, capture_output=True, text=True, check=False).stdout
    return [Path(path) for path in dict.fromkeys(re.findall(r"(/\S+) \(0x", listing))]


def _system_environment() -> dict[str, str]:
    return {"PATH": _TOOL_PATH, "LC_ALL": "C"}
