"""The real package index, and real pip, uv and wheelhouse run against it with nothing of this host's settings but its network."""

import os
import subprocess
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

import pytest

from tests.support.pythons import find_python
from tests.support.tools import PROGRAM, clean_environment

_NETWORK = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
LONGEST = 420  # seconds
AIRFLOW_2_10 = "apache-airflow[celery,cncf-kubernetes,postgres,redis,ssh,statsd]==2.10.5"
AIRFLOW_2_0 = (
    "apache-airflow[async,aws,azure,celery,dask,elasticsearch,gcp,kubernetes,postgres,redis,slack,ssh,statsd,virtualenv]"
    "==2.0.0"
)


def connected_environment(**more: str) -> dict[str, str]:
    """The clean environment, with this host's proxy and its certificate authorities."""
    network = {name: os.environ[name] for name in _NETWORK if name in os.environ}
    authorities = {"PIP_CERT": network["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in network else {}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "UV_NO_CONFIG": "1"}
    return clean_environment(**network, **authorities, **quiet, **more)


@cache
def _unreachable() -> str | None:
    from pip._internal.models.index import PyPI

    try:
        with urllib.request.urlopen(f"{PyPI.simple_url}/six/", timeout=20) as reply:
            reply.read(1)
    except (urllib.error.URLError, OSError) as error:
        return str(error)
    return None


def need_index() -> None:
    """Skip the test, and say so, where the real package index cannot be reached."""
    if reason := _unreachable():
        pytest.skip(f"the package index cannot be reached: {reason}")


def need_python(version: str) -> Path:
    """The interpreter of a version; the test is skipped, and says so, where there is none."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    return python


def run_connected(*command: str | Path, cwd: Path | None = None, **more: str) -> str:
    """Run a program on the network; its stdout. What it said on stderr is in the failure where it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=connected_environment(**more),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0, (
        f"{done.returncode}: {' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    )
    return done.stdout


def wheelhouse_connected(*arguments: str | Path, cwd: Path, cache: Path) -> str:
    """Run `wheelhouse` on the network, with a cache that several tests share."""
    return run_connected(*PROGRAM, *arguments, cwd=cwd, WHEELHOUSE_CACHE_DIR=str(cache))
