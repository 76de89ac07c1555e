"""The packages that dpkg has installed, as a status file lists them (pure)."""

from collections.abc import Iterator

from wheelhouse.debian.deb_package import DebPackage, stanzas

INSTALLED = -1
"""The origin of an installed package."""


def installed_packages(status: str) -> Iterator[DebPackage]:
    """Each installed package of any architecture, in the order of the file. Half installed ones are left out."""
    for fields in stanzas(status):
        if fields.get("status", "").split()[-1:] == ["installed"] and {"package", "version"} <= fields.keys():
            yield DebPackage(fields, INSTALLED)
