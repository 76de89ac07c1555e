"""What commands share: the settings that hold, the listener that shows events, the connections and the cache."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from wheelhouse import __version__
from wheelhouse.cli.options import Connected, Network, given
from wheelhouse.cli.progress import Shown
from wheelhouse.events import Listener

if TYPE_CHECKING:
    from wheelhouse.doors.config import Settings
    from wheelhouse.doors.http import Http
    from wheelhouse.steps.gather import Options
    from wheelhouse.steps.supply import Supply

ASKING = ("requirements", "requirement_files", "airflow", "groups")
ALWAYS = (
    "constraints_mode",
    "constraints_url",
    "index",
    "only_binary",
    "no_binary",
    "prefer_binary",
    "pre",
    "require_hashes",
    "uploaded_prior_to",
    "uploaded_prior_to_except",
)
"""Settings that hold even where the command line says what to fetch: those that say where from, and what is allowed."""


def say(*lines: str) -> None:
    """Print to stdout."""
    for line in lines:
        typer.echo(line)


def say_json(document: object) -> None:
    """Print one JSON document to stdout."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def now() -> datetime:
    """The clock, read once a run."""
    return datetime.now(UTC)


def settings() -> "Settings":
    """The settings of the folder that the command runs in."""
    from wheelhouse.doors.config import read_settings

    return read_settings(Path.cwd())


def options(held: "Settings", *groups: object) -> "Options":
    """Options from the command line, then from the settings; where it names what to fetch, no other job's settings hold."""
    from wheelhouse.steps.gather import Options

    said = given(*groups)
    asks = any(name in said for name in ASKING)
    names = [field.name for field in fields(Options) if hasattr(held, field.name)]
    standing = {name: getattr(held, name) for name in names if not asks or name in ALWAYS}
    merged = {name: value for name, value in standing.items() if value not in (None, [])} | said
    known = {field.name: merged[field.name] for field in fields(Options) if field.name in merged}
    return Options(**known, environment=os.environ)


@contextmanager
def listening(*, quiet: bool) -> Iterator[Shown]:
    """A listener for one run."""
    listener = Shown(quiet=quiet)
    with listener.shown():
        yield listener


@contextmanager
def connected(network: Network, listener: Listener) -> "Iterator[Http]":
    """The connections of one run, as the options and the environment want them."""
    from wheelhouse.doors.http import Http, HttpSettings
    from wheelhouse.doors.tls import Trust

    proxies = {scheme: proxy for scheme in ("http", "https", "all") if (proxy := _environment(f"{scheme}_proxy"))}
    user_agent = f"wheelhouse/{__version__}"
    ca_file, ca_folder = network.ca_file, None
    if ca_file is None:
        ca_file, ca_folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    held = HttpSettings(
        timeout=network.timeout,
        retries=network.retries,
        proxies=proxies,
        no_proxy=_environment("no_proxy"),
        trust=Trust(ca_file, ca_folder, network.client_cert),
        netrc_file=Path(os.environ.get("NETRC") or Path.home() / ".netrc"),
        user_agent=user_agent,
    )
    http = Http(held, listener)
    try:
        yield http
    finally:
        http.close()


@contextmanager
def supplied(index: str, network: Connected, listener: Listener) -> "Iterator[tuple[Http, Supply]]":
    """The connections, and what an index and the cache supply over them."""
    from wheelhouse.doors.disk import Cache
    from wheelhouse.doors.index import Index
    from wheelhouse.steps.supply import Supply

    with connected(network, listener) as http:
        supply = Supply(Index(index or _pip_index(), http), http, Cache(cache_folder(network.cache_dir)), listener)
        try:
            yield http, supply
        finally:
            supply.close()


def cache_folder(cache_dir: Path | None) -> Path:
    """Where the cache is: as said, else where XDG_CACHE_HOME or the home folder has it."""
    if cache_dir:
        return cache_dir
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "wheelhouse"


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper(), "")


def _pip_index() -> str:
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)
