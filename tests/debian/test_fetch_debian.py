"""`fetch --deb`: from a signed archive to a locked partial mirror, which apt accepts; nothing else passes."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.debian_archive import Apt, MadeSuite, Signer, make_base, make_signer, publish, status_of
from tests.support.index import IndexServer
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.bundle.pack import pack, unpack
from wheelhouse.debian.debian_job import debian_job
from wheelhouse.debian.debian_lock import DebianLock, parse_debian_lock
from wheelhouse.debian.read_base import read_base
from wheelhouse.debian.release_signature import signed_text
from wheelhouse.errors import InputError, IntegrityError, MachineError, NoSolutionError, ServerError
from wheelhouse.events import Event, Listener, Noted, Received, ignore
from wheelhouse.fetch.debian_beside import debian_beside
from wheelhouse.fetch.fetch_debian import at_once, fetch_debian, remove_debian
from wheelhouse.files.cache import Cache
from wheelhouse.files.object_store import ObjectStore
from wheelhouse.files.shared_store import SharedObjects, SharedStore
from wheelhouse.findings import Severity
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.report.sentences import sentence_of
from wheelhouse.verify.verify import verify
from wheelhouse.vet.advisories import collect
from wheelhouse.vet.approvals import NO_APPROVALS
from wheelhouse.vet.cyclonedx import sbom
from wheelhouse.vet.ecosystems import debian_key
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.osv_records import read_records
from wheelhouse.vet.rules.debian_packages import debian_findings, is_affected

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DPKG = {"Package": "dpkg", "Version": "1.21", "Essential": "yes"}
STATUS = status_of([DPKG, {"Package": "libc6", "Version": "2.36-9"}])
GIT = {
    "Package": "git",
    "Version": "1:2.39.5-0",
    "Depends": "libc6 (>= 2.36), libcurl3 | libcurl4, git-man (>> 1:2.39)",
}
MAIN = [
    GIT,
    {"Package": "git-man", "Version": "1:2.39.5-0", "Architecture": "all"},
    {"Package": "libcurl4", "Version": "7.88~rc1-1", "Provides": "libcurl3"},
    {"Package": "compiler", "Version": "12", "Depends": "libc6-dev"},
    {"Package": "libc6-dev", "Version": "2.36-9+deb12u1", "Depends": "libc6 (= 2.36-9+deb12u1)"},
    {"Package": "libc6", "Version": "2.36-9+deb12u1"},
    {"Package": "unneeded", "Version": "1"},
]


@pytest.fixture(scope="session")
def signers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, Signer]:
    folder = tmp_path_factory.mktemp("keys")
    return make_signer(folder / "archive", "archive"), make_signer(folder / "other", "other")


@dataclass
class Fetching:
    """One user's wheelhouse and cache, a base, and an archive."""

    folder: Path
    server: IndexServer
    signer: Signer
    suite: MadeSuite = field(default_factory=lambda: MadeSuite("bookworm", {"main": MAIN}))
    events: list[Event] = field(default_factory=list)
    shared: SharedObjects | None = None

    @property
    def house(self) -> Path:
        return self.folder / "house"

    def publish(self) -> str:
        return publish(self.server, "debian", self.suite, self.signer)

    def __call__(
        self, *names: str, now: datetime = NOW, keyring: bytes | None = None, upgrade: bool = False, **more
    ) -> DebianLock:
        self.events = []
        lists = more.pop("lists", {"packages": names})
        lines = more.pop("lines", None) or (self.publish(),)
        may_change = more.pop("may_change", at_once)
        base = read_base(
            make_base(self.folder / "base", STATUS, lines, self.signer.public if keyring is None else keyring)
        )
        http, cache = Http(HttpSettings(retries=1), self.events.append), Cache(self.folder / "cache")
        try:
            job = debian_job(lists, base, **more)
            store = SharedStore(cache, self.shared) if self.shared else cache
            return fetch_debian(
                job, self.house, http, store, now, self.events.append, upgrade=upgrade, may_change=may_change
            )
        finally:
            http.close()
            cache.close()


@pytest.fixture
def fetching(tmp_path: Path, signers: tuple[Signer, Signer]) -> Iterator[Fetching]:
    with IndexServer() as server:
        yield Fetching(tmp_path, server, signers[0])


def names_of(lock: DebianLock) -> list[str]:
    return [deb.name for deb in lock.packages]


def test_the_mirror_holds_what_the_base_lacks_and_the_signed_files(fetching: Fetching) -> None:
    lock = fetching("git")
    assert names_of(lock) == ["git", "git-man", "libcurl4"]
    folder = fetching.house / "debian"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == [
        "SHA256SUMS",
        "debian.lock.toml",
        "debian/dists/bookworm/InRelease",
        "debian/dists/bookworm/main/binary-amd64/Packages.xz",
        "debian/pool/main/g/git-man/git-man_2.39.5-0_all.deb",
        "debian/pool/main/g/git/git_2.39.5-0_amd64.deb",
        "debian/pool/main/l/libcurl4/libcurl4_7.88~rc1-1_amd64.deb",
    ]
    assert run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder).returncode == 0
    git = lock.packages[0]
    assert (git.version, git.suite, git.component, git.source, git.lists) == (
        "1:2.39.5-0",
        "bookworm",
        "main",
        "git",
        ("packages",),
    )
    assert lock.packages[1].because == "git"
    assert lock.distribution == "debian-12"
    assert parse_debian_lock((folder / "debian.lock.toml").read_text(), "lock") == lock


def test_apt_accepts_the_mirror_with_the_keys_of_the_base(fetching: Fetching, tmp_path: Path) -> None:
    lock = fetching("git")
    apt = Apt(tmp_path / "apt", STATUS, lock.apt_lines(str(fetching.house / "debian")), fetching.signer.public)
    apt.update()
    assert apt.closure("git") == {(deb.name, deb.version) for deb in lock.packages_of("packages")}
    (tmp_path / "apt/cache/archives").mkdir(parents=True, exist_ok=True)
    assert apt.run("install", "-y", "--download-only", "git").returncode == 0


def test_lists_share_one_mirror(fetching: Fetching) -> None:
    lock = fetching(lists={"development": ("compiler", "git"), "runtime": ("git",)})
    assert [deb.name for deb in lock.packages_of("development")] == [
        "compiler",
        "git",
        "git-man",
        "libc6",
        "libc6-dev",
        "libcurl4",
    ]
    assert [deb.name for deb in lock.packages_of("runtime")] == ["git", "git-man", "libcurl4"]
    assert lock.inputs.lists == {"development": ("compiler", "git"), "runtime": ("git",)}


def test_security_updates_of_another_archive_win(fetching: Fetching) -> None:
    security = MadeSuite("bookworm-security", {"main": [GIT | {"Version": "1:2.39.5-0+deb12u2", "Depends": "libc6"}]})
    lines = (fetching.publish(), publish(fetching.server, "elsewhere/debian", security, fetching.signer))
    lock = fetching("git", lines=lines)
    assert [(deb.name, deb.version, deb.place) for deb in lock.packages] == [
        ("git", "1:2.39.5-0+deb12u2", "debian-2/pool/main/g/git/git_2.39.5-0+deb12u2_amd64.deb")
    ]
    assert lock.apt_lines("/apt")[1] == "deb [check-valid-until=no lang=none] file:/apt/debian-2 bookworm-security main"


def test_an_archive_in_the_shape_of_ubuntu(fetching: Fetching, tmp_path: Path) -> None:
    fetching.suite = MadeSuite(
        "noble-updates",
        {"main": [GIT], "universe": MAIN[1:]},
        "noble",
        "arm64",
        "Acquire-By-Hash: yes\nVersion: 24.04\n",
    )
    line = publish(fetching.server, "ubuntu-ports", fetching.suite, fetching.signer)
    (tmp_path / "keys.asc").write_bytes(b"")
    status = status_of([DPKG, {"Package": "libc6", "Version": "2.39"}], "arm64")
    base = read_base(
        make_base(tmp_path / "ubuntu", status, [line], fetching.signer.public, 'ID=ubuntu\nVERSION_ID="24.04"\n')
    )
    http, cache = Http(HttpSettings(retries=1)), Cache(tmp_path / "cache")
    try:
        lock = fetch_debian(debian_job({"packages": ("git",)}, base), tmp_path / "house", http, cache, NOW)
    finally:
        http.close()
        cache.close()
    assert {(deb.name, deb.architecture, deb.component) for deb in lock.packages} == {
        ("git", "arm64", "main"),
        ("git-man", "all", "universe"),
        ("libcurl4", "arm64", "universe"),
    }
    assert lock.distribution == "ubuntu-24.04"
    apt = Apt(tmp_path / "apt", status, lock.apt_lines(str(tmp_path / "house/debian")), fetching.signer.public, "arm64")
    apt.update()
    assert apt.closure("git") == {(deb.name, deb.version) for deb in lock.packages}


class BusterSuite(MadeSuite):
    """The Release of a suite as old archives have it: its suite is named after its age, its components after `updates`."""

    def release(self, files: dict[str, bytes]) -> str:
        text = super().release({path: raw for path, raw in files.items() if not path.endswith(".xz")})
        text = text.replace(f"Suite: {self.name}\n", "Suite: oldoldstable\n")
        return text.replace("Components: main", "Components: updates/main") if "/" in self.name else text


def test_an_old_release_comes_from_a_snapshot_of_its_archives(fetching: Fetching, tmp_path: Path) -> None:
    """buster: security updates in `buster/updates`, no `.xz`, expired for years."""
    expired = "Valid-Until: Sat, 11 Jul 2020 12:00:00 UTC\n"
    suites = {
        "archive/debian": BusterSuite("buster", {"main": MAIN}, "buster"),
        "archive/debian-security": BusterSuite(
            "buster/updates", {"main": [GIT | {"Version": "1:2.39.5-0+deb10u2"}]}, "buster", more=expired
        ),
    }
    for archive, suite in suites.items():
        publish(fetching.server, f"{archive}/20240630T000000Z", suite, fetching.signer)
    origin = fetching.server.origin
    lines = (
        f"deb {origin}/archive/debian/@SNAPSHOTID@/ buster main",
        f"deb {origin}/archive/debian-security/@SNAPSHOTID@ buster/updates main",
    )
    lock = fetching("git", lines=lines, date=datetime(2024, 6, 30, tzinfo=UTC))
    assert [(deb.name, deb.version) for deb in lock.packages] == [
        ("git", "1:2.39.5-0+deb10u2"),
        ("git-man", "1:2.39.5-0"),
        ("libcurl4", "7.88~rc1-1"),
    ]
    assert [suite.archive for suite in lock.suites] == ["20240630T000000Z", "20240630T000000Z-2"]
    mirror = lock.apt_lines(str(fetching.house / "debian"))
    apt = Apt(tmp_path / "apt", STATUS, mirror, fetching.signer.public)
    apt.update()
    assert apt.closure("git") == {(deb.name, deb.version) for deb in lock.packages}


# Trust


def tampered_packages(fetching: Fetching) -> None:
    fetching.server.put("/debian/dists/bookworm/main/binary-amd64/Packages.xz", b"\xfd7zXZ\0 other bytes")


def tampered_package(fetching: Fetching) -> None:
    fetching.server.put("/debian/pool/main/g/git/git_2.39.5-0_amd64.deb", b"!<arch>\nother")


def tampered_package_of_the_same_size(fetching: Fetching) -> None:
    path = "pool/main/g/git/git_2.39.5-0_amd64.deb"
    fetching.server.put(f"/debian/{path}", fetching.suite.debs[path][:-1] + b"!")


def tampered_release(fetching: Fetching) -> None:
    text = fetching.signer.sign(fetching.suite.release({"main/binary-amd64/Packages.xz": b""}))
    fetching.server.put("/debian/dists/bookworm/InRelease", text.replace(b"Suite: bookworm", b"Suite: bookwurm"))


def unsigned_release(fetching: Fetching) -> None:
    fetching.server.put("/debian/dists/bookworm/InRelease", fetching.suite.release({"x": b""}).encode())


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (tampered_packages, "Packages.xz`"),
        (tampered_package, "git_2.39.5-0_amd64.deb"),
        (tampered_package_of_the_same_size, "git_2.39.5-0_amd64.deb` has the sha256"),
        (tampered_release, "has no valid signature by any of the given keys"),
        (unsigned_release, "has no valid signature by any of the given keys"),
    ],
)
def test_what_was_altered_is_refused(fetching: Fetching, tamper: Callable[[Fetching], None], message: str) -> None:
    line = fetching.publish()
    tamper(fetching)
    with pytest.raises(IntegrityError, match=message):
        fetching("git", lines=(line,))
    assert not (fetching.house / "debian/debian.lock.toml").exists()
    assert not list((fetching.house).rglob("*.deb")) or tamper is not tampered_release


def test_another_key_does_not_count(fetching: Fetching, signers: tuple[Signer, Signer]) -> None:
    with pytest.raises(IntegrityError, match="has no valid signature"):
        fetching("git", keyring=signers[1].public)
    with pytest.raises(IntegrityError, match="has no valid signature"):
        fetching("git", keyrings=(signers[1].public,))
    assert names_of(fetching("git", keyrings=(signers[1].public, signers[0].public))) == ["git", "git-man", "libcurl4"]


def test_gpg_checks_the_signature_without_gpgv(
    fetching: Fetching, signers: tuple[Signer, Signer], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "gpgv" else found(name))
    raw = signers[0].sign("Suite: made\n")
    text, keys = signed_text(raw, [signers[1].public, signers[0].public], "it")
    assert (text, len(keys)) == ("Suite: made\n", 1)
    for wrong, keyring in ((raw, signers[1].public), (raw.replace(b"made", b"mode"), signers[0].public)):
        with pytest.raises(IntegrityError, match="has no valid signature"):
            signed_text(wrong, [keyring], "it")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MachineError, match="gpgv is not installed"):
        signed_text(raw, [signers[0].public], "it")


def test_a_suite_that_has_expired_is_refused_unless_a_date_is_given(fetching: Fetching) -> None:
    fetching.suite.more = "Valid-Until: Sat, 05 Dec 2026 12:00:00 UTC\n"
    assert names_of(fetching("unneeded", now=NOW)) == ["unneeded"]
    late = datetime(2026, 12, 6, tzinfo=UTC)
    with pytest.raises(IntegrityError, match="was valid until 2026-12-05 12:00 UTC"):
        fetching("git", now=late)
    assert names_of(fetching("git", now=late, date=NOW)) == ["git", "git-man", "libcurl4"]


def test_a_date_stands_in_the_address_of_a_snapshot(fetching: Fetching) -> None:
    publish(fetching.server, "archive/20261128T120000Z", fetching.suite, fetching.signer)
    line = f"deb {fetching.server.origin}/archive/@SNAPSHOTID@ bookworm main"
    assert names_of(fetching("git", lines=(line,), date=NOW)) == ["git", "git-man", "libcurl4"]
    with pytest.raises(InputError, match="needs a date"):
        fetching("git", lines=(line,))


def test_a_source_without_a_signed_release_is_an_error_of_the_server(fetching: Fetching) -> None:
    with pytest.raises(ServerError, match="answered 404"):
        fetching("git", lines=(f"deb {fetching.server.origin}/nothing bookworm main",))


def test_a_component_that_the_suite_lacks_is_named(fetching: Fetching) -> None:
    line = fetching.publish().replace(" main", " contrib")
    with pytest.raises(InputError, match="no `contrib` for amd64"):
        fetching("git", lines=(line,))


# Again


def test_a_second_run_asks_no_server_and_changes_nothing(fetching: Fetching) -> None:
    first = fetching("git")
    texts = {path: path.stat().st_mtime_ns for path in fetching.house.rglob("*") if path.is_file()}
    line = fetching.publish()
    fetching.server.requests.clear()
    assert fetching("git", lines=(line,)) == first
    assert not fetching.server.requests
    assert {path: path.stat().st_mtime_ns for path in fetching.house.rglob("*") if path.is_file()} == texts


def test_a_lock_stands_until_an_upgrade(fetching: Fetching) -> None:
    fetching("git")
    fetching.suite.packages["main"] = [GIT | {"Version": "1:2.40"}, *MAIN[1:]]
    assert fetching("git").packages[0].version == "1:2.39.5-0"
    assert fetching("git", upgrade=True).packages[0].version == "1:2.40"
    assert not (fetching.house / "debian/debian/pool/main/g/git/git_2.39.5-0_amd64.deb").exists()


def test_what_is_missing_is_fetched_again_from_the_cache_or_the_archive(fetching: Fetching) -> None:
    lock = fetching("git")
    deb = fetching.house / "debian" / lock.packages[0].place
    deb.write_bytes(b"altered")
    fetching("git")
    assert deb.read_bytes().startswith(b"!<arch>")
    assert not [event for event in fetching.events if isinstance(event, Received)]


def test_packages_that_nothing_requests_any_more_are_removed(fetching: Fetching) -> None:
    fetching("git", "unneeded")
    fetching("unneeded")
    assert sorted(path.name for path in fetching.house.rglob("*.deb")) == ["unneeded_1_amd64.deb"]
    remove_debian(fetching.house)
    assert not (fetching.house / "debian").exists()


def test_a_file_of_somebody_else_is_not_overwritten(fetching: Fetching) -> None:
    path = fetching.house / "debian/debian/pool/main/g/git/git_2.39.5-0_amd64.deb"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match="already exists"):
        fetching("git")
    assert path.read_bytes() == b"mine"


def test_a_request_that_cannot_be_met_leaves_no_folder(fetching: Fetching) -> None:
    with pytest.raises(NoSolutionError, match="no source has the Debian package `nosuch`"):
        fetching("nosuch")
    assert not (fetching.house / "debian").exists()


@pytest.mark.parametrize("wheels_came", [True, False])
def test_packages_come_beside_the_wheels_and_change_the_folder_after_them(
    fetching: Fetching, *, wheels_came: bool
) -> None:
    everything_is_here = threading.Event()

    def fetch(_listener: Listener, may_change: Callable[[], None]) -> DebianLock:
        def ready() -> None:
            everything_is_here.set()
            may_change()

        return fetching("git", may_change=ready)

    with suppress(ServerError), debian_beside(fetch, ignore) as finish:
        assert everything_is_here.wait(30)
        assert not list(fetching.house.rglob("*.deb")) + list(fetching.house.rglob("InRelease"))
        if not wheels_came:
            raise ServerError("the wheels cannot be had")
        assert names_of(finish()) == ["git", "git-man", "libcurl4"]
    assert sorted(path.name for path in fetching.house.rglob("*.deb"))[:1] == ["git-man_2.39.5-0_all.deb"] * wheels_came
    assert (fetching.house / "debian").exists() == wheels_came


def test_packages_that_still_come_are_given_up_if_the_wheels_fail() -> None:
    heard: list[Event] = []
    ended: list[bool] = []

    def fetch(listener: Listener, _may_change: Callable[[], None]) -> DebianLock:
        for _ in range(3000):
            listener(Noted("a part of a package has come"))
            time.sleep(0.001)
        ended.append(True)
        return DebianLock()

    with pytest.raises(ServerError, match="cannot be had"), debian_beside(fetch, heard.append):
        raise ServerError("the wheels cannot be had")
    assert not ended


# The command line, and what carries a wheelhouse


@pytest.fixture
def typed(fetching: Fetching, tmp_path: Path) -> Callable[..., object]:
    offered = tmp_path / "offered"
    offered.mkdir()
    line = fetching.publish()
    make_base(tmp_path / "base", STATUS)
    (tmp_path / "archive.gpg").write_bytes(fetching.signer.public)

    def fetch(*options: str, settings: str = ""):
        with IndexServer(offered) as index:
            build_wheel(offered, "lib", "1.0")
            index.add(next(offered.glob("*.whl")))
            head = 'requirements = ["lib"]\npython = "3.12"\ndest = "house"\n'
            (tmp_path / "wheelhouse.toml").write_text(head + settings.replace("LINE", line))
            written = (option.replace("LINE", line) for option in options)
            return wheelhouse("fetch", "--index", index.url, *written, cwd=tmp_path)

    return fetch


OPTIONS = ("--deb-base", "base", "--deb-source", "LINE", "--deb-keyring", "archive.gpg")
TABLE = '[debian]\nbase = "base"\nsources = ["LINE"]\nkeyrings = ["archive.gpg"]\n'


def test_packages_are_fetched_by_options(typed: Callable[..., object], fetching: Fetching) -> None:
    done = typed("--deb", "git", "--deb", "unneeded", *OPTIONS, "--deb-date", "2026-11-28", "--json")
    assert done.returncode == 0, done.stderr
    debian = json.loads(done.stdout)["debian"]
    assert [package["name"] for package in debian] == ["git", "git-man", "libcurl4", "unneeded"]
    assert typed("--deb", "git", *OPTIONS, "--deb-date", "yesterday").returncode == 2


def test_the_settings_name_two_lists_and_packages_go_with_the_table(
    typed: Callable[..., object], fetching: Fetching
) -> None:
    done = typed(settings=f'{TABLE}date = 2026-11-28\ndevelopment = ["compiler"]\nruntime = ["git"]\n')
    assert done.returncode == 0, done.stderr
    assert "debian/: 6 packages for amd64" in done.stdout
    done = typed()
    assert done.returncode == 0, done.stderr
    assert not (fetching.house / "debian").exists()


def test_no_base_is_an_error_with_the_way_out(typed: Callable[..., object]) -> None:
    done = typed("--deb", "git", *OPTIONS[2:])
    assert done.returncode == 2
    assert "the Debian packages need a base system, but no base system was named" in done.stderr
    assert "hint: name a base system: --base-image NAME, or --deb-base / for this host" in done.stderr


@pytest.mark.rooms
def test_a_wheelhouse_with_packages_is_verified_and_carried(
    typed: Callable[..., object], fetching: Fetching, tmp_path: Path
) -> None:
    typed(settings=f'{TABLE}packages = ["git"]\n')
    house, copy = fetching.house, tmp_path / "copy"
    assert not verify(house).findings
    pack(house, tmp_path / "bundle", None, None, None)
    unpack(tmp_path / "bundle", copy, ())
    assert not verify(copy).findings
    typed(settings=f'{TABLE}packages = ["git", "unneeded"]\n')
    packed = pack(house, tmp_path / "more", copy, None, None)
    assert [entry.path for entry in packed.manifest.entries if entry.carried and entry.path.endswith(".deb")] == [
        "debian/debian/pool/main/u/unneeded/unneeded_1_amd64.deb"
    ]
    unpack(tmp_path / "more", copy, ())
    (copy / "debian/debian/pool/main/u/unneeded/unneeded_1_amd64.deb").write_bytes(b"altered")
    (copy / "debian/debian/pool/foreign.deb").write_bytes(b"foreign")
    assert {(finding.subject, finding.rule) for finding in verify(copy).findings} == {
        ("debian/debian/pool/foreign.deb", "foreign"),
        ("debian/debian/pool/main/u/unneeded/unneeded_1_amd64.deb", "altered"),
    }


def test_why_names_the_packages_that_need_one(typed: Callable[..., object], tmp_path: Path) -> None:
    typed(settings=f'{TABLE}packages = ["git"]\nruntime = ["git-man"]\n')
    done = wheelhouse("why", "git-man", "house", cwd=tmp_path)
    assert done.stdout == "debian/:\n  git-man 1:2.39.5-0 for runtime, packages, from bookworm main\n  requested\n"
    done = wheelhouse("why", "libcurl4", "house", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["targets"] == {
        "debian/": ["libcurl4 7.88~rc1-1 for packages, from bookworm main", "git → libcurl4"]
    }


def test_diff_lists_the_packages_that_changed(typed: Callable[..., object], fetching: Fetching, tmp_path: Path) -> None:
    typed(settings=f'{TABLE}packages = ["git", "unneeded"]\n')
    (tmp_path / "house").rename(tmp_path / "old")
    git, man, *_ = MAIN
    fetching.suite.packages["main"] = [git | {"Version": "1:2.40"}, man | {"Version": "1:2.39~rc1"}, *MAIN[2:]]
    fetching.suite.packages["main"][0]["Depends"] = "libc6, libcurl3, git-man"
    fetching.publish()
    typed(settings=f'{TABLE}packages = ["git"]\n')
    done = wheelhouse("diff", "old", "house", cwd=tmp_path)
    lines = [line for line in done.stdout.splitlines() if line.startswith("debian/")]
    assert lines == [
        "debian/git: up, 1:2.39.5-0 → 1:2.40",
        "debian/git-man: down, 1:2.39.5-0 → 1:2.39~rc1",
        "debian/unneeded: removed, 1",
    ]
    changes = json.loads(wheelhouse("diff", "house", "old", "--json", cwd=tmp_path).stdout)["debian"]
    assert changes[-1] == {"name": "unneeded", "kind": "added", "old": "", "new": "1"}


def test_the_bill_of_materials_has_packages_with_their_names_in_debian(fetching: Fetching) -> None:
    pytest.importorskip("cyclonedx")
    lock = fetching("git")
    hashes = {f"debian/{place}": artifact.sha256 for place, artifact in lock.artifacts.items()}
    evidence = Evidence("house", {"": Wheelhouse()}, hashes, (), (), (), (), NO_APPROVALS, NOW, debian=lock)
    document = json.loads(sbom(evidence))
    purls = {component.get("purl"): component["bom-ref"] for component in document["components"]}
    git = purls["pkg:deb/debian/git@1:2.39.5-0?arch=amd64&distro=debian-12"]
    assert git == "debian/debian/pool/main/g/git/git_2.39.5-0_amd64.deb"
    needs = {row["ref"]: row.get("dependsOn", []) for row in document["dependencies"]}
    assert [path.rpartition("/")[2] for path in needs[git]] == [
        "git-man_2.39.5-0_all.deb",
        "libcurl4_7.88~rc1-1_amd64.deb",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('path = "pool/main/g/git/git_2.39.5-0_amd64.deb"', 'path = "../../x"'),
        ('name = "git"', 'name = "git;rm"'),
        ('version = "1:2.39.5-0"', 'version = "$(x)"'),
        ('version = "1:2.39.5-0"', 'version = "a:1"'),
        ('version = "1:2.39.5-0"', f'version = "{"1" * 5000}"'),
        ("version = 1\n", "version = 2\n"),
        ('suite = "bookworm"', 'suite = "book worm"'),
        ('archive = "debian"', 'archive = "elsewhere"'),
    ],
)
def test_a_lock_that_leads_elsewhere_is_refused(fetching: Fetching, old: str, new: str) -> None:
    text = fetching("git").to_toml()
    assert old in text
    with pytest.raises(InputError, match="is not a lock that wheelhouse wrote"):
        parse_debian_lock(text.replace(old, new, 1), "lock")


# Vetting


def osv(name: str, *events: dict[str, str], ecosystem: str = "Debian:12") -> dict[str, object]:
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {"id": f"CVE-{name}", "modified": "2026-11-01T00:00:00Z", "summary": "a hole", "affected": [affected]}


def advised(lock: DebianLock, *documents: dict[str, object]) -> list[tuple[str, str, str, Severity]]:
    found = debian_findings(lock, collect(read_records(documents)) if documents else None)
    return [
        (finding.subject.rpartition("/")[2], finding.rule, sentence_of(finding), finding.severity) for finding in found
    ]


def test_advisories_on_source_packages_are_found_in_dpkgs_order(fetching: Fetching) -> None:
    fetching.suite.packages["main"] = [
        *MAIN,
        {"Package": "libtool1", "Version": "2.0~rc1-1+b2", "Source": "tool (2.0~rc1-1)"},
        {"Package": "other", "Version": "1.0-1"},
    ]
    lock = fetching("libtool1", "other", "unneeded")
    found = advised(
        lock,
        osv("tool", {"introduced": "0"}, {"fixed": "2.0-1"}),
        osv("other", {"introduced": "0"}),
        osv("unneeded", {"introduced": "0"}, {"fixed": "1"}),
        osv("other", {"introduced": "0"}, {"fixed": "9"}, ecosystem="Debian:11"),
    )
    assert found == [
        (
            "libtool1_2.0~rc1-1+b2_amd64.deb",
            "deb-vulnerable",
            "libtool1 2.0~rc1-1+b2 is affected by CVE-tool: a hole",
            Severity.ERROR,
        ),
        ("other_1.0-1_amd64.deb", "deb-vulnerable", "other 1.0-1 is affected by CVE-other: a hole", Severity.WARNING),
    ]


def test_advisories_that_are_missing_are_a_finding(fetching: Fetching) -> None:
    lock = fetching("git")
    for documents in ((), (osv("git", {"introduced": "0"}, ecosystem="PyPI"),)):
        assert [rule for _, rule, _, _ in advised(lock, *documents)] == ["deb-advisories-missing"]
    assert not advised(DebianLock())


@pytest.mark.parametrize(
    ("version", "affected"),
    [("1.0~rc1", False), ("1.0", True), ("1.5", True), ("1.5-1", False), ("3", True), ("4", True), ("4.1", False)],
)
def test_ranges_are_read_as_osv_says(version: str, affected: bool) -> None:
    first = osv("x", {"introduced": "1.0"}, {"last_affected": "1.5"}, {"introduced": "4~"}, {"fixed": "4.1~"})
    (advisory,) = collect(read_records([first])).by_project[debian_key("Debian:12", "x")]
    second = replace(advisory, versions=frozenset({"3"}))
    assert is_affected(second, version) == affected


def test_a_range_whose_version_has_no_order_is_left_out() -> None:
    ranges = [osv("x", {"introduced": "0"}, {"fixed": version}) for version in ("x:1", "2")]
    for document, affected in zip(ranges, (False, True), strict=True):
        (advisory,) = collect(read_records([document])).by_project[debian_key("Debian:12", "x")]
        assert is_affected(advisory, "1") == affected


def test_another_machine_takes_the_packages_from_the_store(fetching: Fetching, tmp_path: Path) -> None:
    fetching.shared = SharedObjects(ObjectStore((tmp_path / "store").as_uri()))
    line = fetching.publish()
    first = fetching("git", lines=(line,))
    fetching.shared.flush()
    shutil.rmtree(fetching.house)
    shutil.rmtree(tmp_path / "cache")
    fetching.server.requests.clear()
    assert fetching("git", lines=(line,)) == first
    assert [one.path for one in fetching.server.requests if one.path.endswith(".deb")] == []
    fetching.shared.close()
