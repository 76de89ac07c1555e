"""Debian archives made by tests: packages, Packages, a signed InRelease, served on 127.0.0.1; and apt as the judge."""

import gzip
import hashlib
import io
import lzma
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.index import IndexServer

DATE = "Sat, 28 Nov 2026 12:00:00 UTC"


@dataclass
class Signer:
    """A key of OpenPGP, made by gpg in a folder."""

    home: Path
    public: bytes

    def sign(self, text: str) -> bytes:
        """The text with a signature in it, as InRelease has it."""
        return _gpg(self.home, "--clearsign", stdin=text.encode())


def make_signer(home: Path, name: str) -> Signer:
    """A new key. Skips the test where gpg or gpgv is missing."""
    for program in ("gpg", "gpgv"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    home.mkdir(mode=0o700, parents=True)
    _gpg(
        home,
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
        "--quick-gen-key",
        f"{name} <{name}@example.org>",
        "ed25519",
        "sign",
        "never",
    )
    return Signer(home, _gpg(home, "--export"))


def _gpg(home: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--batch", "--quiet", "--homedir", str(home), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60).stdout


def deb(fields: dict[str, str]) -> bytes:
    """A package that holds one file; an `ar` archive as dpkg reads it."""
    control = "".join(f"{name}: {value}\n" for name, value in fields.items())
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control.encode()}),
        "data.tar.gz": _tar({f"./usr/share/doc/{fields['Package']}/readme": b"made by a test\n"}),
    }
    raw = b"!<arch>\n"
    for name, content in members.items():
        raw += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
            + content
            + b"\n" * (len(content) % 2)
        )
    return raw


def _tar(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


@dataclass
class MadeSuite:
    """One suite: `packages` by component, each as the fields of its control file. `more` are further fields of the Release."""

    name: str
    packages: dict[str, list[dict[str, str]]]
    codename: str = ""
    architecture: str = "amd64"
    more: str = ""
    debs: dict[str, bytes] = field(default_factory=dict)

    def index(self, component: str) -> str:
        """The text of a component's Packages; its packages are made, and found in `debs` by path."""
        return "".join(self._record(component, fields) for fields in self.packages[component])

    def _record(self, component: str, fields: dict[str, str]) -> str:
        own = {
            "Architecture": self.architecture,
            "Maintainer": "A Test <t@example.org>",
            "Description": "made",
            **fields,
        }
        raw = deb(own)
        name, version = fields["Package"], fields["Version"].rpartition(":")[2]
        path = f"pool/{component}/{name[0]}/{name}/{name}_{version}_{own['Architecture']}.deb"
        self.debs[path] = raw
        own |= {"Filename": path, "Size": str(len(raw)), "SHA256": hashlib.sha256(raw).hexdigest()}
        return "".join(f"{key}: {value}\n" for key, value in own.items()) + "\n"

    def release(self, files: dict[str, bytes]) -> str:
        """The text of its Release."""
        rows = "".join(f" {hashlib.sha256(raw).hexdigest()} {len(raw)} {path}\n" for path, raw in files.items())
        return (
            f"Origin: Made\nSuite: {self.name}\nCodename: {self.codename or self.name}\nDate: {DATE}\n"
            f"Architectures: {self.architecture}\nComponents: {' '.join(self.packages)}\n{self.more}SHA256:\n{rows}"
        )


def publish(server: IndexServer, archive: str, suite: MadeSuite, signer: Signer) -> str:
    """Serve a suite below the path `archive`; the line of apt's sources for it."""
    files: dict[str, bytes] = {}
    for component in suite.packages:
        text = suite.index(component).encode()
        folder = f"{component}/binary-{suite.architecture}"
        files |= {f"{folder}/Packages": text, f"{folder}/Packages.xz": lzma.compress(text)}
    release = signer.sign(suite.release(files))
    for path, raw in (files | {"InRelease": release}).items():
        server.put(f"/{archive}/dists/{suite.name}/{path}", raw)
    for path, raw in suite.debs.items():
        server.put(f"/{archive}/{path}", raw)
    return f"deb {server.origin}/{archive} {suite.name} {' '.join(suite.packages)}"


def status_of(packages: Iterable[dict[str, str]], architecture: str = "amd64") -> str:
    """dpkg's status with these packages installed."""
    texts = []
    for fields in packages:
        own = {
            "Status": "install ok installed",
            "Architecture": architecture,
            "Maintainer": "A Test <t@example.org>",
            "Description": "made",
        }
        texts.append(
            "".join(
                f"{key}: {value}\n"
                for key, value in (fields | {key: value for key, value in own.items() if key not in fields}).items()
            )
        )
    return "\n".join(texts) + "\n"


def make_base(
    root: Path,
    status: str,
    lines: Sequence[str] = (),
    keyring: bytes = b"",
    os_release: str = 'ID=debian\nVERSION_ID="12"\n',
) -> Path:
    """The root folder of a base."""
    files = {
        "var/lib/dpkg/status": status.encode(),
        "etc/os-release": os_release.encode(),
        "etc/apt/sources.list": "\n".join(lines).encode() + b"\n",
    }
    if keyring:
        files["etc/apt/trusted.gpg.d/made.gpg"] = keyring
    for path, raw in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(raw)
    return root


class Apt:
    """This machine's apt with a state of its own, on the status of a base; it changes nothing."""

    def __init__(
        self, folder: Path, status: str, lines: Iterable[str], keyring: bytes | None = None, architecture: str = "amd64"
    ) -> None:
        if shutil.which("apt-get") is None:
            pytest.skip("apt is not installed")
        for path in ("lists/partial", "cache/archives/partial", "etc/trusted.gpg.d"):
            (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text(status, encoding="latin-1")
        (folder / "sources.list").write_text("".join(f"{line}\n" for line in lines))
        if keyring is not None:
            (folder / "etc/trusted.gpg.d/made.gpg").write_bytes(keyring)
            (folder / "etc/trusted.gpg.d/made.gpg").chmod(0o644)
        for part in (folder, *folder.parents):
            if part.stat().st_uid == 0 and str(part).startswith("/tmp/"):
                part.chmod(0o755)
        settings = {
            "Dir::State": folder,
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "APT::Sandbox::User": "root",
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Install-Recommends": "0",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "1",
        }
        if keyring is not None:
            settings |= {"Dir::Etc::trusted": "/dev/null", "Dir::Etc::trustedparts": folder / "etc/trusted.gpg.d"}
        self._options = [option for name, value in settings.items() for option in ("-o", f"{name}={value}")]
        self._folder = folder

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run apt-get."""
        command = ["apt-get", "-qq", *self._options, *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def update(self) -> None:
        """Fetch the lists; apt's warnings about them are failures."""
        done = self.run("update")
        assert not [line for line in done.stderr.splitlines() if line.startswith(("W:", "E:"))], done.stderr

    def closure(self, *requests: str) -> set[tuple[str, str]]:
        """Name and version of all that apt would fetch for an install; empty if it cannot."""
        done = self.run("install", "-y", "--print-uris", *requests, check=False)
        names = [line.split("'")[2].split()[0] for line in done.stdout.splitlines() if line.startswith("'")]
        return {(name.split("_")[0], unquote(name.split("_")[1])) for name in names}
