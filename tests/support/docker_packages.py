"""A Docker engine from Debian's own packages, unpacked in a folder: nothing is installed on the machine."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.support.locks import FileLock

# The Debian releases an engine can be made on, each with the suite its engine is taken from: Debian 12's own Docker
# has no buildx, and Debian 13's runs on Debian 12 as it is. runc, which is bound to more libraries, is the host's own.
ENGINE_SUITES = {"bookworm": "trixie", "trixie": "trixie"}
ENGINE_PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "containerd")
HOST_PACKAGES = ("runc",)

PLUGINS = Path("usr/libexec/docker/cli-plugins")
_NEEDED = (
    "usr/bin/docker",
    "usr/sbin/dockerd",
    "usr/bin/containerd",
    "usr/bin/containerd-shim-runc-v2",
    "usr/sbin/runc",
    str(PLUGINS / "docker-buildx"),
)
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_APT_SETTINGS = """\
Dir::State::lists "{folder}/lists";
Dir::State::status "/dev/null";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class DockerUnavailableError(Exception):
    """No Docker engine can be had here; the message says why."""


def obstacle() -> str | None:
    """Why this machine cannot fetch and unpack the packages, as far as can be told without trying."""
    if _codename() not in ENGINE_SUITES:
        return "an engine of the tests' own is made from packages of Debian 12 or 13, and this is another system"
    missing = [tool for tool in ("apt-get", "dpkg") if not shutil.which(tool)]
    if missing or not Path(_KEYRING).exists():
        return f"missing here: {', '.join(missing) or _KEYRING}"
    return None


def unpacked_engine(cache: Path) -> Path:
    """The folder under `cache` that holds the engine's files, fetched on first use, once for all processes."""
    host = _codename()
    engine = ENGINE_SUITES[host]
    destination = cache / f"engine-{engine}-on-{host}"
    with FileLock(cache / "packages.lock"):
        if not _is_complete(destination):
            shutil.rmtree(destination, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as work:
                _fetch(Path(work), engine, host)
                (Path(work) / "root").rename(destination)
    return destination


def _codename() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    return release.get("VERSION_CODENAME", "") if release.get("ID") == "debian" else ""


def _is_complete(root: Path) -> bool:
    return all((root / name).exists() for name in _NEEDED)


def _fetch(work: Path, engine: str, host: str) -> None:
    """Download the packages into `work` and unpack them in its folder `root`."""
    _download(work, engine, host)
    for package in work.glob("*.deb"):
        _run(["dpkg", "-x", package, work / "root"], work)
    if not _is_complete(work / "root"):
        raise DockerUnavailableError("Debian's packages do not hold the files of an engine that the tests know")


def _download(work: Path, engine: str, host: str) -> None:
    """Download from the first of this machine's Debian archives that has both suites."""
    wanted = [f"{name}/{engine}" for name in ENGINE_PACKAGES] + [f"{name}/{host}" for name in HOST_PACKAGES]
    failure = DockerUnavailableError("no Debian archive is among apt's sources here")
    for archive in _archives(host):
        try:
            settings = _apt_settings(work, archive, dict.fromkeys((engine, host)))
            _run(["apt-get", "-qq", "-c", settings, "update"], work)
            _run(["apt-get", "-qq", "-c", settings, "download", *wanted], work)
        except DockerUnavailableError as error:
            failure = error
        else:
            return
    raise failure


def _archives(host: str) -> list[str]:
    """The addresses in this machine's apt sources that may be Debian's archive: those that serve its own suite."""
    layout = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    listing = _run(["apt-get", "indextargets", "--no-release-info", "--format", layout, "Created-By: Packages"], Path())
    targets = [line.split() for line in listing.splitlines()]
    suites = (host, "stable", "oldstable")
    fitting = [t for t in targets if len(t) == 3 and t[0] in suites and t[1] == "main"]
    return list(dict.fromkeys(address for _, _, address in sorted(fitting, key=lambda t: suites.index(t[0]))))


def _apt_settings(work: Path, archive: str, suites: Iterable[str]) -> Path:
    """Settings that keep apt's lists and downloads within `work`, next to the machine's own (such as a proxy)."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    lines = [f"deb [signed-by={_KEYRING} target=Packages] {archive} {suite} main\n" for suite in suites]
    (work / "sources.list").write_text("".join(lines), encoding="utf-8")
    settings = work / "apt.conf"
    settings.write_text(_APT_SETTINGS.format(folder=work), encoding="utf-8")
    return settings


def _run(command: list[str | Path], folder: Path) -> str:
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DockerUnavailableError(f"{command[0]} took more than {error.timeout:.0f} seconds") from error
    if result.returncode != 0:
        raise DockerUnavailableError(f"{command[0]} failed: {result.stderr.strip()[-600:]}")
    return result.stdout
