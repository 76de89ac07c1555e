"""What the commands of the README and the docs meet: made indexes, and the files that are their reader's."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import requires
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from pip._internal.models.index import PyPI

from tests.support.checkout import ROOT
from tests.support.internet import Internet, internet
from tests.support.wheels import build_sdist, build_wheel

RELEASE = "2.10.5"
DEFAULT_INDEX = urlsplit(PyPI.simple_url).netloc
CORPORATE_INDEX = "pypi.corp.example"
PUBLISHED = f"https://raw.githubusercontent.com/apache/airflow/constraints-{RELEASE}/constraints-3.12.txt"
EXTRAS = ("celery", "postgres")
DEPENDENCIES = (("certifi", "2025.1.31"), ("celery", "5.4.0"), ("psycopg2-binary", "2.9.10"), ("numpy", "2.2.0"))
TOOLS = (("pip", "24.2"), ("uv", "0.4.1"), ("packaging", "24.2"))
ADVISORY = {
    "id": "PYSEC-2024-1",
    "modified": "2024-01-01T00:00:00Z",
    "summary": "a made one, mended before the release that is here",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "certifi"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2024.7.4"}]}],
        }
    ],
}


def _export(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{ADVISORY['id']}.json", json.dumps(ADVISORY))


def _cpu_wheels(path: Path) -> None:
    path.mkdir()
    build_wheel(path, "torch", "2.6.0+cpu", requires=["numpy"], tag="cp312-cp312-manylinux_2_28_x86_64")
    build_wheel(path, "numpy", "99.0")


YOURS: Mapping[str, Callable[[Path], object]] = {
    "osv-export.zip": _export,
    "token": lambda path: path.write_text("s3cret\n"),
    "cpu-wheels": _cpu_wheels,
}
"""What a page says is its reader's, and how it is made here."""


def _airflow(folder: Path) -> None:
    """Airflow and what it needs, small: its command prints its version, and one project has an sdist alone."""
    files = {
        "airflow/__init__.py": f"def main():\n    print('{RELEASE}')\n".encode(),
        f"apache_airflow-{RELEASE}.dist-info/entry_points.txt": b"[console_scripts]\nairflow = airflow:main\n",
    }
    extras = {"celery": ["celery"], "postgres": ["psycopg2-binary"]}
    build_wheel(folder, "apache-airflow", RELEASE, requires=["certifi", "python-nvd3"], extras=extras, files=files)
    for name, version in (*DEPENDENCIES, *TOOLS):
        build_wheel(folder, name, version)
    build_sdist(folder, "python-nvd3", "0.16.0")


def _needed_by_wheelhouse(folder: Path) -> None:
    """Something under the name of each project that wheelhouse itself needs, for `pack --with-self`."""
    for requirement in map(Requirement, requires("airgap-wheelhouse") or ()):
        lowest = next(one.version for one in requirement.specifier if one.operator == ">=")
        build_wheel(folder, requirement.name, lowest)


@contextmanager
def made_internet(folder: Path, *, index: bool = True) -> Iterator[Internet]:
    """Every host that the docs name, made here: the default index only where `index` says so."""
    corporate, default = folder / "corporate", folder / "default"
    for path in (corporate, default):
        path.mkdir()
    build_wheel(corporate, "acme-app", "1.0", requires=["certifi", "lib-ours"])
    build_wheel(corporate, "lib-ours", "1.0")
    _airflow(default)
    _needed_by_wheelhouse(default)
    constraints = (ROOT / f"constraints/airflow-{RELEASE}/constraints-3.12.txt").read_text(encoding="utf-8")
    indexes = {CORPORATE_INDEX: corporate} | ({DEFAULT_INDEX: default} if index else {})
    with internet(folder / "tls", indexes, {PUBLISHED: constraints}) as made:
        yield made
