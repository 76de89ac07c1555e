"""The solver and this machine's apt answer alike for the lists of `lists.toml`, on three releases of Debian, from its mirror."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tomli

from tests.support.debian_archive import Apt, status_of
from wheelhouse.debian.apt_sources import AptSource
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
SUITES = ("bookworm", "trixie", "bullseye")


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


def minimal_status(catalogue: Catalogue, names: tuple[str, ...]) -> str:
    """dpkg's status of what debootstrap installs: all that is essential or required, and apt."""
    candidates = filter(None, map(catalogue.candidate, names))
    wanted = [
        package.name for package in candidates if package.is_essential or package.priority == 0 or package.name == "apt"
    ]
    packages = closure(catalogue, [DebRequest(name) for name in wanted]).packages
    fields = [
        {key.title(): value for key, value in one.fields.items() if key not in NOT_OF_A_RECORD} for one in packages
    ]
    return status_of([{"Package": one["Package"]} | one for one in fields])


@pytest.mark.parametrize("suite", SUITES)
def test_apt_and_the_solver_install_the_same(tmp_path: Path, suite: str) -> None:
    sources = own_mirror(suite)
    http, cache = Http(), Cache(tmp_path / "cache")
    try:
        reader = ArchiveReader(http, StoreAccess(http, cache), "amd64", datetime.now(UTC), ignore)
        base = read_base(Path("/"))
        fetched = [reader.read(source, [base.keyring(path) or b"" for path in source.signed_by]) for source in sources]
    finally:
        http.close()
        cache.close()
    packages: list[SuitePackages] = [index.packages for one in fetched for index in one.indexes]
    # The base is that of the release itself, so that security updates are upgrades of what it has.
    first = Catalogue("", packages[:1], "amd64")
    status = minimal_status(first, first.names)
    apt = Apt(
        tmp_path / "apt",
        status,
        [f"deb [signed-by={','.join(one.signed_by)}] {str(one).removeprefix('deb ')}" for one in sources],
    )
    apt.run("update")
    answers = {}
    for name, requests in LISTS.items():
        catalogue = Catalogue(status, packages, "amd64")
        try:
            solved = closure(catalogue, [parse_request(text) for text in requests])
            answers[name] = {(package.name, package.version) for package in solved.packages}
        except NoSolutionError:
            answers[name] = set()
    differing = {name: answer ^ apt.closure(*LISTS[name]) for name, answer in answers.items()}
    assert not {name: difference for name, difference in differing.items() if difference}
    assert sum(1 for answer in answers.values() if answer) >= 12
    assert len(answers) >= 20
