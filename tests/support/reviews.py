"""What a review is about: two wheelhouses of the shape of an update of Airflow, and the keys and settings of two reviewers."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel

PROVIDERS = (
    *("amazon", "celery", "cncf-kubernetes", "common-sql", "docker", "ftp", "google", "http", "imap", "mysql"),
    *("postgres", "redis", "sftp", "slack", "sqlite"),
)
QUIET = (
    b'"""A hook."""\n\n\ndef hook(name: str) -> str:\n    """Its name."""\n    return f"hook of {name}"  # as before\n'
)
NOW_ABLE = {
    "http": b"\n\ndef report(text):\n    import urllib.request\n    urllib.request.urlopen('https://metrics.example/', text)\n",
    "docker": b"\n\ndef start(image):\n    import subprocess\n    subprocess.run(['docker', 'run', image])\n",
    "slack": b"\n\ndef load(text):\n    return eval(text)\n",
}
"""What releases of the update can do, and those before could not."""


def made_pair(folder: Path, providers: Sequence[str] = PROVIDERS) -> tuple[Path, Path]:
    """Two wheelhouses, of 20 files with all providers: in the second, Airflow and its providers are newer, and one project is new.

    Three of the providers can do more than before.
    """
    old = _made(folder / "old", "2.10.1", "1.0", providers, {})
    return old, _made(folder / "new", "2.10.5", "1.1", providers, NOW_ABLE)


def _made(folder: Path, airflow: str, provider: str, providers: Sequence[str], able: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    names = [f"apache-airflow-providers-{name}" for name in providers]
    build_wheel(folder, "apache-airflow", airflow, requires=[*names, "starter", "native"])
    for name, project in zip(providers, names, strict=True):
        place = f"airflow/providers/{name.replace('-', '_')}"
        entry = f"[apache_airflow_provider]\nprovider_info = {place.replace('/', '.')}:get\n".encode()
        dist_info = f"{project.replace('-', '_')}-{provider}.dist-info"
        source = QUIET.replace(b"before", provider.encode()) + able.get(name, b"")
        files = {f"{place}/__init__.py": source, f"{dist_info}/entry_points.txt": entry}
        build_wheel(folder, project, provider, files=files, requires=["requests-like"])
    build_wheel(folder, "requests-like", "1.0")
    build_wheel(folder, "native", "1.0", files={"native/x.so": b"\x7fELF" + bytes(60)})
    build_wheel(folder, "starter", "1.0", files={"starter.pth": b"import os\n", "starter/__init__.py": b""})
    if able:
        build_sdist(folder, "newcomer", "0.1")
    else:
        build_wheel(folder, "leaver", "0.1")
    return wheelhouse_of(folder, "apache-airflow")


def made_keys(folder: Path, *names: str) -> Path:
    """A key for each name, as ssh-keygen makes it."""
    folder.mkdir(exist_ok=True)
    for name in names:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return folder


def write_settings(folder: Path, keys: Path, *names: str, needed: int = 1) -> None:
    """The settings that name these reviewers."""
    text = f"[approvals]\nneeded = {needed}\n"
    for name in names:
        text += f'[[approvals.reviewers]]\nname = "{name}"\nkey = "{(keys / f"{name}.pub").read_text().strip()}"\n'
    (folder / "wheelhouse.toml").write_text(text)
