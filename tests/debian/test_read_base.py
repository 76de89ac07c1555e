"""A base in a folder: its files are read without leaving the folder, and its packages are those that are installed."""

import errno
from pathlib import Path

import pytest

from wheelhouse.debian.deb_catalogue import installed_packages
from wheelhouse.debian.installed_packages import installed_packages as packages_of_any_architecture
from wheelhouse.debian.read_base import read_base, read_base_files

DPKG = "Package: dpkg\nVersion: 1.21\nArchitecture: amd64\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("ID=host\n")
    for folder in ("etc/apt", "usr/lib", "usr/share/keyrings", "var/lib/dpkg/status.d"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    return tmp_path / "root"


def test_links_of_a_base_are_followed_inside_its_folder(root: Path) -> None:
    (root / "usr/lib/os-release").write_text("ID=inner\n")
    (root / "usr/share/keyrings/a.gpg").write_bytes(b"inner key")
    (root / "etc/os-release").symlink_to("/usr/lib/os-release")
    (root / "etc/apt/keyrings").symlink_to("/usr/share/keyrings")
    files = read_base_files(root, ("etc/os-release", "etc/apt/keyrings/*"))
    assert files == {"etc/os-release": b"ID=inner\n", "etc/apt/keyrings/a.gpg": b"inner key"}


@pytest.mark.parametrize("target", ["{outside}", "../../outside", "../../../../../../../{outside}", "/etc/os-release"])
def test_no_link_of_a_base_leads_out_of_its_folder(root: Path, target: str) -> None:
    (root / "etc/os-release").symlink_to(target.format(outside=root.parent / "outside"))
    assert read_base_files(root, ("etc/os-release",)) == {}


def test_a_folder_that_can_be_listed_and_not_searched_has_no_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "etc/apt/keyrings").mkdir()
    (root / "etc/apt/keyrings/a.gpg").write_bytes(b"key")
    real = Path.is_symlink

    def is_symlink(path: Path) -> bool:
        if path.parent.name == "keyrings":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "is_symlink", is_symlink)
    assert read_base_files(root, ("etc/apt/keyrings/*",)) == {}


def test_a_folder_that_is_a_link_out_of_the_base_has_no_files(root: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a.gpg").write_bytes(b"key of the host")
    (root / "etc/apt/keyrings").symlink_to(tmp_path / "keys")
    assert read_base_files(root, ("etc/apt/keyrings/*",)) == {}


def test_packages_of_an_image_without_dpkg_are_installed(root: Path) -> None:
    (root / "var/lib/dpkg/status.d/libc6").write_text(DPKG.replace("dpkg", "libc6"))
    base = read_base(root)
    assert [package.name for package in installed_packages(base.status, "amd64")] == ["libc6"]
    assert [package.name for package in packages_of_any_architecture(base.status)] == ["libc6"]


@pytest.mark.parametrize(
    ("status", "is_installed"),
    [
        ("install ok installed", True),
        ("install ok triggers-pending", True),
        ("install ok triggers-awaited", True),
        ("install ok half-configured", False),
        ("deinstall ok config-files", False),
        ("", False),
    ],
)
def test_a_package_counts_as_installed_by_its_status(status: str, is_installed: bool) -> None:
    text = f"{DPKG}Status: {status}\n"
    assert bool(installed_packages(text, "amd64")) == is_installed
    assert bool(list(packages_of_any_architecture(text))) == is_installed
