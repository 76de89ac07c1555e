"""The solver and this machine's apt answer alike for the lists of `lists.toml`: on releases of Debian, and in Ubuntu's shape."""

import lzma
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import pytest
import tomli

from tests.support.debian_archive import Apt, MadeSuite, make_signer, status_of
from tests.support.index import IndexServer
from wheelhouse.debian.apt_sources import AptSource, parse_source_line
from wheelhouse.debian.deb_catalogue import Catalogue, SuitePackages
from wheelhouse.debian.deb_request import DebRequest, parse_request
from wheelhouse.debian.deb_solver import closure
from wheelhouse.debian.debian_archive import ArchiveReader
from wheelhouse.debian.read_base import read_base
from wheelhouse.errors import NoSolutionError
from wheelhouse.events import ignore
from wheelhouse.files.cache import Cache
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess

pytestmark = pytest.mark.index
LISTS = {name: text.split() for name, text in tomli.loads((Path(__file__).parent / "lists.toml").read_text()).items()}
NOT_OF_A_RECORD = ("filename", "sha256", "md5sum", "size", "description", "description-md5", "status")
SUITES = (("bookworm", "amd64"), ("trixie", "amd64"), ("bullseye", "amd64"), ("bookworm", "arm64"))


@dataclass(frozen=True)
class AptOf:
    """Makes an apt that has read its sources, on a status."""

    folder: Path
    lines: Sequence[str]
    architecture: str
    keyring: bytes | None = None

    def __call__(self, status: str) -> Apt:
        apt = Apt(self.folder, status, self.lines, self.keyring, self.architecture)
        apt.run("update")
        return apt


def own_mirror(suite: str) -> list[AptSource]:
    """The sources of this machine for its Debian, for another release of it."""
    own = {
        source.suite.partition("-")[2]: source
        for source in read_base(Path("/")).sources
        if "debian-archive" in str(source.signed_by)
    }
    if not {"", "security"} <= own.keys():
        pytest.skip("this machine's sources name no mirror of Debian and of its security updates")
    return [replace(own[""], suite=suite), replace(own["security"], suite=f"{suite}-security")]


def minimal_status(catalogue: Catalogue, names: tuple[str, ...], architecture: str) -> str:
    """dpkg's status of what debootstrap installs: all that is essential or required, and apt."""
    candidates = filter(None, map(catalogue.candidate, names))
    wanted = [
        package.name for package in candidates if package.is_essential or package.priority == 0 or package.name == "apt"
    ]
    packages = closure(catalogue, [DebRequest(name) for name in wanted]).packages
    fields = [
        {key.title(): value for key, value in one.fields.items() if key not in NOT_OF_A_RECORD} for one in packages
    ]
    return status_of([{"Package": one["Package"]} | one for one in fields], architecture)


def read_suites(
    folder: Path, sources: Sequence[AptSource], architecture: str, keys: bytes = b""
) -> list[SuitePackages]:
    """The packages of each suite, read and checked as a fetch does; by the keys that a source names, if none are given."""
    http, cache = Http(), Cache(folder / "cache")
    base = read_base(Path("/"))
    try:
        reader = ArchiveReader(http, StoreAccess(http, cache), architecture, datetime.now(UTC), ignore)
        fetched = [
            reader.read(source, [keys] if keys else [base.keyring(path) or b"" for path in source.signed_by])
            for source in sources
        ]
    finally:
        http.close()
        cache.close()
    return [index.packages for one in fetched for index in one.indexes]


def must_answer_alike(packages: Sequence[SuitePackages], first: Sequence[SuitePackages], apt_of: AptOf) -> None:
    """Solve all lists, and ask apt about each. `first` are those of the release itself, in which the base has its packages:
    security updates are upgrades of what it has.
    """
    architecture = apt_of.architecture
    release = Catalogue("", list(first), architecture)
    status = minimal_status(release, release.names, architecture)
    apt = apt_of(status)
    answers = {}
    for name, requests in LISTS.items():
        catalogue = Catalogue(status, list(packages), architecture)
        try:
            solved = closure(catalogue, [parse_request(text) for text in requests])
            answers[name] = {(package.name, package.version) for package in solved.packages}
        except NoSolutionError:
            answers[name] = set()
    differing = {name: answer ^ apt.closure(*LISTS[name]) for name, answer in answers.items()}
    assert not {name: difference for name, difference in differing.items() if difference}
    assert sum(1 for answer in answers.values() if answer) >= 12
    assert len(answers) >= 20


@pytest.mark.parametrize(("suite", "architecture"), SUITES)
def test_apt_and_the_solver_install_the_same(tmp_path: Path, suite: str, architecture: str) -> None:
    sources = own_mirror(suite)
    packages = read_suites(tmp_path, sources, architecture)
    lines = [f"deb [signed-by={','.join(one.signed_by)}] {str(one).removeprefix('deb ')}" for one in sources]
    must_answer_alike(packages, packages[:1], AptOf(tmp_path / "apt", lines, architecture))


def test_they_install_the_same_from_an_archive_in_the_shape_of_ubuntu(tmp_path: Path) -> None:
    """The packages of Debian's trixie, in two components of two suites that a key of our own has signed."""
    own = read_suites(tmp_path, own_mirror("trixie"), "amd64")
    signer = make_signer(tmp_path / "keys", "ubuntu")
    with IndexServer() as server:
        lines = []
        for suite, whole in zip(("noble", "noble-security"), own, strict=True):
            files: dict[str, bytes] = {}
            for component, text in in_components(whole.text).items():
                raw = text.encode("latin-1")
                folder = f"{component}/binary-amd64"
                files |= {f"{folder}/Packages": raw, f"{folder}/Packages.xz": lzma.compress(raw, preset=0)}
            release = MadeSuite(suite, {"main": [], "universe": []}, "noble").release(files)
            for path, raw in (files | {"InRelease": signer.sign(release)}).items():
                server.put(f"/ubuntu/dists/{suite}/{path}", raw)
            lines.append(f"deb {server.origin}/ubuntu {suite} main universe")
        packages = read_suites(tmp_path, [parse_source_line(line) for line in lines], "amd64", signer.public)
        must_answer_alike(packages, packages[:2], AptOf(tmp_path / "apt", lines, "amd64", signer.public))


def in_components(text: str) -> dict[str, str]:
    """The records of a Packages, some in `main` and the others in `universe`."""
    parts: dict[str, list[str]] = {"main": [], "universe": []}
    for record in text.strip().split("\n\n"):
        name = record.partition("Package: ")[2].partition("\n")[0]
        parts["main" if crc32(name.encode()) % 3 == 0 else "universe"].append(record)
    return {component: "\n\n".join(records) + "\n" for component, records in parts.items()}
