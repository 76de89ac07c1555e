"""Requirements that cannot be met, one of each kind: what an index offers, what is asked, and how pip and uv are asked the same."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.index import IndexServer
from tests.support.tools import run
from tests.support.wheels import build_sdist, build_wheel

DATE = "2025-01-01T00:00:00Z"
BINARY = "--only-binary :all:"


@dataclass(frozen=True)
class Offered:
    """One file of a release, `name version`."""

    release: str
    requires: Sequence[str] = ()
    extras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    python: str | None = None
    tag: str = "py3-none-any"
    is_wheel: bool = True
    yanked: str | None = None
    uploaded: str = "2024-01-01T00:00:00Z"


def wheel(release: str, *requires: str, **more: object) -> Offered:
    return Offered(release, requires, **more)  # type: ignore[arg-type]


def sdist(release: str, *requires: str, **more: object) -> Offered:
    return Offered(release, requires, is_wheel=False, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Conflict:
    """`asked` are words for all three; `options` those of wheelhouse, and `uv` and `pip` what stands for them there.

    `files` are in the working directory, `wheels` of them are built there. `{sha256}` in a file is a digest of no file.
    """

    offers: Sequence[Offered]
    asked: str
    options: str = ""
    uv: str | None = None
    pip: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    local: Sequence[Offered] = ()
    code: int = 3
    target: str = "--python 3.12.4"
    uv_target: str = "--python-version 3.12.4 --python-platform x86_64-manylinux_2_28"
    pip_target: str = (
        "--python-version 3.12.4 --platform manylinux_2_28_x86_64 --implementation cp --abi cp312 --abi abi3 --abi none"
    )

    def with_uv(self, index: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """uv, asked for the same; the last to be asked, because it changes the files."""
        (folder / "asked.in").write_text("".join(f"{word}\n" for word in self._words if "-r" not in self.asked))
        asked = self._words[1::2] if "-r" in self.asked else ["asked.in"]
        for name in asked:  # uv knows no --only-final
            lines = (folder / name).read_text().splitlines(keepends=True)
            (folder / name).write_text("".join(line for line in lines if not line.startswith("--only-final")))
        options = shlex.split(f"{self.options if self.uv is None else self.uv} {self.uv_target}")
        where = ("--index-url", index, "--python", sys.executable, "--no-python-downloads", "--no-header")
        command = ("pip", "compile", *asked, *options, *where, "--no-cache", "--no-config")
        return run(sys.executable, "-I", "-m", "uv", *command, cwd=folder)

    def with_pip(self, index: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """pip, asked for the same; for another target it takes wheels alone."""
        options = shlex.split(f"{self.options if self.pip is None else self.pip} {self.pip_target}")
        quiet = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--dry-run", "--ignore-installed")
        where = ("--index-url", index, "--target", folder / "nowhere", "--only-binary", ":all:")
        command = ("-m", "pip", "install", "-q", *quiet, *self._words, *options, *where)
        return run(sys.executable, "-I", *command, cwd=folder)

    @property
    def _words(self) -> list[str]:
        return shlex.split(self.asked)

    def offer(self, index: IndexServer, folder: Path) -> None:
        """Build and offer all files, and write those of the user."""
        for offered in self.offers:
            path = build(offered, folder / "offered")
            index.add(path, upload_time=offered.uploaded, yanked=offered.yanked)
        for offered in self.local:
            build(offered, folder)
        for name, text in self.files.items():
            (folder / name).write_text(text.format(sha256="a" * 64))


def build(offered: Offered, folder: Path) -> Path:
    """The file of an offer, in a folder."""
    name, version = offered.release.split()
    facts = {"requires": offered.requires, "extras": offered.extras, "requires_python": offered.python}
    folder.mkdir(parents=True, exist_ok=True)
    if offered.is_wheel:
        return build_wheel(folder, name, version, tag=offered.tag, **facts)  # type: ignore[arg-type]
    return build_sdist(folder, name, version, **facts)  # type: ignore[arg-type]


def releases(name: str, versions: Sequence[str], *requires: str, **more: object) -> list[Offered]:
    """A wheel of each version, all with the same requirements."""
    return [wheel(f"{name} {version}", *requires, **more) for version in versions]


CONFLICTS: Mapping[str, Conflict] = {
    "constraint": Conflict(
        [wheel("app 1.0", "lib>=2"), *releases("lib", ["1.0", "2.0", "2.1"])],
        "app",
        "-c limits.txt",
        files={"limits.txt": "# what we allow\nlib==1.0\n"},
    ),
    "two-requirements": Conflict([wheel("lib 1.0"), wheel("lib 2.0")], "'lib>=2' 'lib<2'"),
    "two-files": Conflict(
        releases("lib", ["1.0", "1.5", "2.0"]),
        "-r web.txt -r jobs.txt",
        files={"web.txt": "# the site\n\nlib<2\n", "jobs.txt": "lib>=2\n"},
    ),
    "transitive": Conflict(
        [
            *releases("app", ["1.0", "1.1"], "lib<2"),
            *releases("tool", ["3.0", "3.1", "3.2"], "lib>=2"),
            *releases("lib", ["1.0", "2.0"]),
        ],
        "app tool",
    ),
    "chain-of-four": Conflict(
        [
            wheel("app 1.0", "middle"),
            *releases("middle", ["1.0", "2.0"], "inner"),
            *releases("inner", ["1.0", "2.0"], "deep"),
            *releases("deep", ["1.0", "2.0"], "lib<2"),
            *releases("lib", ["1.0", "2.0"]),
        ],
        "-r requirements.txt",
        files={"requirements.txt": "app\nlib>=2\n"},
    ),
    "requires-python": Conflict(
        [
            *releases("lib", ["1.0", "1.1"], python=">=3.8"),
            *releases("lib", ["2.0", "2.1"], python=">=3.13"),
            wheel("app 1.0", "lib>=2"),
        ],
        "app",
    ),
    "python-too-new": Conflict(
        [*releases("lib", ["1.0", "1.1"], python=">=3.8,<3.11"), *releases("lib", ["1.2"], python=">=3.8,<3.12")],
        "-r requirements.txt",
        files={"requirements.txt": "lib\n"},
    ),
    "no-wheel-for-the-platform": Conflict(
        [
            wheel("lib 1.0", tag="cp312-cp312-win_amd64"),
            wheel("lib 1.0", tag="cp312-cp312-macosx_11_0_arm64"),
            wheel("lib 1.1", tag="cp312-cp312-win_amd64"),
            wheel("app 1.0", "lib"),
        ],
        "app",
        BINARY,
    ),
    "sdists-only": Conflict([wheel("app 1.0", "lib"), sdist("lib 1.0"), sdist("lib 1.1")], "app", BINARY),
    "glibc-too-old": Conflict(
        [
            wheel("app 1.0", "lib>=2"),
            wheel("lib 1.0", tag="cp312-cp312-manylinux_2_17_x86_64"),
            wheel("lib 2.0", tag="cp312-cp312-manylinux_2_28_x86_64"),
            wheel("lib 2.1", tag="cp312-cp312-manylinux_2_28_x86_64"),
        ],
        "app",
        BINARY,
        target="--python 3.12.4 --platform manylinux_2_17_x86_64",
        uv_target="--python-version 3.12.4 --python-platform x86_64-manylinux_2_17",
        pip_target="--python-version 3.12.4 --platform manylinux_2_17_x86_64",
    ),
    "free-threaded": Conflict(
        [
            wheel("lib 1.0", tag="cp313-cp313-manylinux_2_17_x86_64"),
            wheel("lib 1.0", tag="cp39-abi3-manylinux_2_17_x86_64"),
        ],
        "lib",
        BINARY,
        target="--python 3.13t",
        uv_target="--python-version 3.13t --python-platform x86_64-manylinux_2_28",
        pip_target="--python-version 3.13 --platform manylinux_2_17_x86_64 --implementation cp --abi cp313t",
    ),
    "yanked": Conflict(
        [
            wheel("app 1.0", "lib>=2"),
            wheel("lib 1.0"),
            wheel("lib 2.0", yanked="wrong licence file"),
            wheel("lib 2.1", yanked="loses data on restart"),
        ],
        "app",
    ),
    "pre-releases": Conflict(
        [wheel("app 1.0", "lib>1"), wheel("lib 1.0"), wheel("lib 2.0rc1"), wheel("lib 2.0rc2")],
        "-r requirements.txt",
        uv="--prerelease disallow",
        files={"requirements.txt": "--only-final :all:\napp\n"},
    ),
    "date": Conflict(
        [
            wheel("app 1.0", "lib>=2"),
            wheel("lib 1.0"),
            *releases("lib", ["2.0", "2.1"], uploaded="2025-03-01T10:00:00Z"),
        ],
        "app",
        f"--uploaded-prior-to {DATE}",
        uv=f"--exclude-newer {DATE}",
    ),
    "hash": Conflict(
        [wheel("lib 1.0")],
        "-r requirements.txt",
        files={"requirements.txt": "# reviewed\nlib==1.0 --hash=sha256:{sha256}\n"},
        code=5,
    ),
    "extras": Conflict(
        [
            wheel("app 1.0", extras={"fast": ["lib>=2"], "small": ["lib<2"]}),
            wheel("lib 1.0"),
            wheel("lib 2.0"),
        ],
        "-r requirements.txt",
        files={"requirements.txt": "app[fast,small]\n"},
    ),
    "local-versions": Conflict(
        [
            wheel("vision 1.0", "torch==2.0+cu118"),
            wheel("torch 2.0+cpu"),
            wheel("torch 2.0+cu118"),
        ],
        "-r requirements.txt",
        files={"requirements.txt": "torch==2.0+cpu\nvision\n"},
    ),
    "named-file": Conflict(
        [wheel("app 1.0", "lib>=2"), wheel("lib 1.0"), wheel("lib 2.0")],
        "-r requirements.txt",
        files={"requirements.txt": "./odd-1.0-py3-none-any.whl\n./lib-1.0-py3-none-any.whl\napp\n"},
        local=[wheel("odd 1.0"), wheel("lib 1.0")],
    ),
    "circle": Conflict(
        [wheel("plugin 1.0", "core>=2"), wheel("core 1.0", "plugin"), wheel("core 2.0", "plugin>=2")],
        "core plugin",
    ),
    "constraint-excludes-the-only-wheel": Conflict(
        [wheel("app 1.0", "lib"), wheel("lib 1.0"), sdist("lib 1.1"), sdist("lib 1.2")],
        "app",
        f"-c limits.txt {BINARY}",
        files={"limits.txt": "lib>=1.1\n"},
    ),
    "two-conflicts": Conflict(
        [
            wheel("app 1.0", "lib<2", "base<2"),
            wheel("tool 1.0", "lib>=2", "base>=2"),
            *releases("lib", ["1.0", "2.0"]),
            *releases("base", ["1.0", "2.0"]),
        ],
        "app tool",
    ),
    "two-constraints": Conflict(
        [wheel("app 1.0", "lib", "base>=2"), *releases("lib", ["1.0", "2.0"]), *releases("base", ["1.0", "2.0"])],
        "app",
        "-c limits.txt -c more.txt",
        files={"limits.txt": "lib<2\nbase<2\n", "more.txt": "lib>=2\n"},
    ),
    "requires-itself": Conflict(
        [wheel("app 1.0", "lib"), wheel("lib 1.0", "lib<1"), wheel("lib 1.1", "lib<1")],
        "app",
    ),
    "no-such-project": Conflict([wheel("app 1.0", "beautifulsoup>=4"), wheel("app 1.1", "beautifulsoup>=4")], "app"),
    "release-is-gone": Conflict(
        [wheel("app 2.0", extras={"mysql": ["driver>=8.0.11,<=8.0.18"]}), *releases("driver", ["8.0.19", "8.0.20"])],
        "'app[mysql]==2.0'",
    ),
    "most-releases-share-it": Conflict(
        [
            *releases("app", [f"1.{number}" for number in range(1, 9)], "lib"),
            wheel("app 1.9", "gone"),
            *releases("lib", ["1.0", "1.1", "1.2"], "native"),
            sdist("native 1.0"),
            sdist("native 1.1"),
        ],
        "app",
        BINARY,
    ),
    "most-releases-are-too-new": Conflict(
        [
            *releases("lib", ["2.0", "2.1", "2.2", "2.3"], python=">=3.13"),
            wheel("lib 2.4", yanked="broken"),
            wheel("lib 1.0"),
        ],
        "'lib>=2'",
    ),
}
