"""Small locks of an Airflow release and of its tools, with no file and no index behind them."""

import hashlib

from packaging.utils import canonicalize_name

from wheelhouse.airflow import PROJECT, Airflow
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.filenames import release_of
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.target.target import Platform, Python, Target

PYTHONS = {
    "2.0.0": "3.7.17",
    "2.0.1": "3.7.17",
    "2.0.2": "3.7.17",
    "2.1.4": "3.8.20",
    "2.2.5": "3.8.20",
    "2.3.4": "3.8.20",
    "2.4.3": "3.9.25",
    "2.5.3": "3.10.22",
    "2.6.3": "3.10.22",
    "2.7.3": "3.11.18",
    "2.8.4": "3.11.18",
    "2.9.3": "3.12.16",
    "2.10.5": "3.12.16",
    "3.0.6": "3.12.16",
    "3.1.0": "3.12.16",
    "3.1.5": "3.12.16",
    "3.3.0": "3.13.14",
}
"""The releases that are tried, and the Python each is tried with."""

EXTRAS = ("celery", "cncf-kubernetes", "mysql", "statsd")
COMPANY = "acme_apache_airflow_plugins-1.0-py3-none-any.whl"


def made_lock(release: str, *more: str, besides: bool = True, **inputs: object) -> Lock:
    """The lock of Airflow, some providers, a plugin of the company's and `more` files."""
    airflow = Airflow.parse(release)
    filenames = [
        f"apache_airflow-{release}-py3-none-any.whl",
        "apache_airflow_providers_celery-1.0.1-py3-none-any.whl",
        "statsd-3.3.0-py2.py3-none-any.whl",
        COMPANY,
        *more,
    ]
    if release.startswith("3."):
        filenames += [f"apache_airflow_core-{release}-py3-none-any.whl", "apache_airflow_ctl-0.1.0-py3-none-any.whl"]
        filenames += ["apache_airflow_task_sdk-1.1.0-py3-none-any.whl"]
    if besides:
        filenames += [f"{name.replace('-', '_')}-2.1.0-py3-none-any.whl" for name in airflow.recipe.besides]
    requirements = (f"{PROJECT}[{','.join(EXTRAS)}]=={release}", *airflow.recipe.besides)
    told = {"requirements": requirements, "airflow": release} | inputs
    return _lock(release, filenames, Inputs(**told))  # type: ignore[arg-type]


def made_tools(release: str) -> Lock:
    """The lock of what its image build installs."""
    versions = {"packaging": "25.0", "pre-commit": "4.3.0", "pre-commit-uv": "4.1.4", "prek": "0.2.3"}
    pinned = [text.partition("==") for text in Airflow.parse(release).tools]
    filenames = [
        f"{name.replace('-', '_')}-{version or versions[name]}-py3-none-any.whl" for name, _, version in pinned
    ]
    return _lock(release, filenames, Inputs(tuple(Airflow.parse(release).tools)))


def _lock(release: str, filenames: list[str], inputs: Inputs) -> Lock:
    airflow = Airflow.parse(release)
    glibc = {"buster": 28, "bullseye": 31, "bookworm": 36}[airflow.debian]
    target = Target.of(Python.parse(PYTHONS.get(release, "3.12.16")), Platform.parse(f"manylinux_2_{glibc}_x86_64"))
    pins = sorted(map(_pin, filenames), key=lambda pin: pin.project)
    return Lock(target, inputs, tuple(pins))


def _pin(filename: str) -> Pin:
    project, version = release_of(filename)
    digest = hashlib.sha256(filename.encode()).hexdigest()
    extras = tuple(map(canonicalize_name, EXTRAS)) if project == PROJECT else ()
    return Pin(project, version, Artifact(filename, digest, len(filename)), extras=extras)
