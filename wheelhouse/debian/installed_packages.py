"""The packages that dpkg has installed, as a status file lists them (pure)."""

from collections.abc import Iterator

from wheelhouse.debian.deb_package import DebPackage, stanzas

RUNS = ("installed", "triggers-pending", "triggers-awaited")
"""The states of dpkg(1) in which a package can be used."""
INSTALLED = -1
"""The origin of an installed package."""


def is_installed(fields: dict[str, str]) -> bool:
    """Whether the record of a status file is that of a package that can be used: by its status, or if it has none.

    The records of images without dpkg, in `status.d`, have none.
    """
    return fields.get("status", "installed").split()[-1:] in ([state] for state in RUNS)


def installed_packages(status: str) -> Iterator[DebPackage]:
    """Each installed package of any architecture, in the order of the file. Half installed ones are left out.

    Those whose versions have no order are not, unlike in `deb_catalogue`.
    """
    for fields in stanzas(status):
        if is_installed(fields) and {"package", "version"} <= fields.keys():
            yield DebPackage(fields, INSTALLED)
