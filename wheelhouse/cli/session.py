"""What commands share: the settings that hold, the listener that shows events, the connections and the cache."""

import codecs
import functools
import json
import os
import pwd
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from wheelhouse import __version__
from wheelhouse.cli.options import TIMEOUT, ConnectionOptions, NetworkOptions, given
from wheelhouse.cli.progress import Shown
from wheelhouse.cli.terminal import echo, write
from wheelhouse.errors import InputError, WheelhouseError
from wheelhouse.events import Listener, Warned

if TYPE_CHECKING:
    from wheelhouse.archive.waivers import Waivers
    from wheelhouse.config.settings import Settings
    from wheelhouse.fetch.gather import Options
    from wheelhouse.index.http import Http, HttpSettings
    from wheelhouse.index.locations import IndexLocation
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.index.pipconfig import PipConfig
    from wheelhouse.target.interpreters import InterpreterPlaces
    from wheelhouse.vet.approvals import Approvals

ASKING = ("requirements", "requirement_files", "airflow", "groups")
LOCATIONS = ("indexes", "index_projects", "find_links", "index_tokens")
"""Settings by the name of an index: what the command line says of one leaves the others as they are."""
ALWAYS = (
    "constraints_mode",
    "constraints_url",
    "only_binary",
    "no_binary",
    "prefer_binary",
    "pre",
    "require_hashes",
    "uploaded_prior_to",
    "uploaded_prior_to_except",
    "no_index",
    "use_pip_config",
    *LOCATIONS,
)
"""Settings that hold even where the command line says what to fetch: those that say where from, and what is allowed."""


def say(*lines: str) -> None:
    """Print to stdout."""
    for line in lines:
        echo(line)


def passphrase_of(path: Path) -> str:
    """A key's passphrase, typed unseen. Raises InputError where nobody can be asked."""
    if not sys.stdin.isatty():
        hint = "run it in a terminal, or sign with a key that has none"
        raise InputError(f"the key `{path}` has a passphrase, and there is no terminal to ask for it", hint=hint)
    return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def must_agree(sentence: str) -> None:
    """Ask on the terminal whether to go on all the same. Raises InputError for a no, and where nobody can be asked."""
    if not sys.stdin.isatty() or not typer.confirm(f"{sentence}. Go on?", err=True):
        raise InputError(sentence, hint="say --replace to go on all the same")


def say_json(document: object) -> None:
    """Print one JSON document to stdout, in ASCII where stdout takes less than UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    write(json.dumps(document, indent=2, ensure_ascii=codecs.lookup(encoding).name != "utf-8"))


def say_error(error: WheelhouseError) -> None:
    """Print an error to stderr: details, the sentence, and what to do."""
    from wheelhouse.report import error_lines

    for line in error_lines(error):
        echo(line, err=True)


def now() -> datetime:
    """The clock, read once a run."""
    return datetime.now(UTC)


def places() -> "InterpreterPlaces":
    """Where interpreters are looked for."""
    from wheelhouse.target.interpreters import InterpreterPlaces

    home, pyenv = home_folder(), os.environ.get("PYENV_ROOT")
    return InterpreterPlaces(_path(), home, Path(pyenv) if pyenv else home and home / ".pyenv")


def interpreters(named: Sequence[str] | None) -> tuple[Path, ...]:
    """The interpreters that the options name. Raises MachineError where one is not on PATH."""
    from wheelhouse.target.interpreters import named_interpreter

    return tuple(named_interpreter(text, _path()) for text in named or ())


def _path() -> str:
    return os.environ.get("PATH", os.defpath)


def home_folder() -> Path | None:
    """The user's home: HOME where it is absolute, else the one of the user database; None where there is none."""
    home = Path(os.environ.get("HOME", ""))
    if home.is_absolute():
        return home
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


@functools.cache
def own_umask() -> int:
    """The user's umask. From the first call on, folders are made for all to read, as files are, whatever it says.

    What is fetched is for web servers, image builds and sandboxes, which are other users. The cache stays as the umask has it.
    """
    mask = os.umask(0o022)
    os.umask(mask & 0o022)
    return mask


def engine_environment() -> dict[str, str]:
    """What a container engine's client may know of this environment."""
    names, kinds = ("PATH", "HOME", "XDG_RUNTIME_DIR"), ("DOCKER_", "CONTAINER", "BUILDAH_")
    return {name: value for name, value in os.environ.items() if name in names or name.startswith(kinds)}


def must_be_file(path: Path) -> Path:
    """A file that the user named. Raises InputError where there is none."""
    if not path.is_file():
        raise InputError(f"there is no file `{path}`", hint="check the path")
    return path


def end_with(error: WheelhouseError | None, *, as_json: bool) -> None:
    """End a command that did a part of its work with the error of the rest, if any; the JSON document has it already."""
    if error is None:
        return
    if not as_json:
        raise error
    from wheelhouse import report

    for line in report.error_lines(error):
        echo(line, err=True)
    raise typer.Exit(error.exit_code)


def settings_sha256(house: Path) -> str:
    """The sha256 of the path from a house to this folder, in which the settings file is: it tells two such jobs apart.

    A lock keeps the hash, because it must not say where a house was made.
    """
    from wheelhouse.lock.wheelhouse import sha256_of_text

    return sha256_of_text(os.path.relpath(Path.cwd().resolve(), house.resolve()))


def settings() -> "Settings":
    """The settings of the folder that the command runs in."""
    from wheelhouse.config.settings import read_settings

    return read_settings(Path.cwd())


def waivers() -> "Waivers":
    """What the policy lets pass, as of today."""
    from wheelhouse.archive.waivers import Waivers

    return Waivers(settings().policy.policy().waivers, now().date())


def approvals(held: "Settings") -> "Approvals":
    """What was approved, as the settings name reviewers and file, as of today."""
    return held.approvals.read(Path.cwd(), now().date())


def must_be_approved(files: Mapping[str, str]) -> None:
    """Raise IntegrityError, naming every file, by path → sha256, that not enough reviewers approved."""
    from wheelhouse.vet.approvals import must_be_approved

    must_be_approved(files, approvals(settings()))


def asked_for(*groups: object) -> bool:
    """Whether the command line says what to fetch, and the settings' own job is not meant."""
    said = given(*groups)
    return any(name in said for name in ASKING)


def options(held: "Settings", *groups: object) -> "Options":
    """Options from the command line, then from the settings; where it names what to fetch, no other job's settings hold."""
    from wheelhouse.fetch.gather import Options

    said, asks = given(*groups), asked_for(*groups)
    names = [field.name for field in fields(Options) if hasattr(held, field.name)]
    standing = {name: getattr(held, name) for name in names if not asks or name in ALWAYS}
    merged = {name: value for name, value in standing.items() if value not in (None, [])} | said
    merged |= {name: _over(standing[name], said[name]) for name in LOCATIONS if name in said and name in standing}
    if merged.get("use_pip_config"):
        from wheelhouse.index.pipconfig import read_pip_config

        merged["pip"] = read_pip_config()
    known = {field.name: merged[field.name] for field in fields(Options) if field.name in merged}
    return Options(**known, environment=os.environ, pip_index=_pip_index())


def _over(standing: list[str], said: list[str]) -> list[str]:
    from wheelhouse.index.locations import split_named

    names = {split_named(text)[0] for text in said}
    return said + [text for text in standing if split_named(text)[0] not in names]


@contextmanager
def listening(*, quiet: bool) -> Iterator[Shown]:
    """A listener for one run."""
    listener = Shown(quiet=quiet)
    with listener.shown():
        yield listener


@contextmanager
def connected(network: NetworkOptions, listener: Listener, pip: "PipConfig | None" = None) -> "Iterator[Http]":
    """The connections of one run, as the options, pip's configuration where it was asked for, and the environment want."""
    from wheelhouse.index.http import Http

    http = Http(_http_settings(network, pip.values if pip else {}), listener)
    try:
        yield http
    finally:
        http.close()


def _http_settings(network: NetworkOptions, pip: Mapping[str, str]) -> "HttpSettings":
    from wheelhouse.index.http import HttpSettings
    from wheelhouse.index.tls import Trust

    proxies = {scheme: proxy for scheme in ("http", "https", "all") if (proxy := _environment(f"{scheme}_proxy"))}
    ca_file, ca_folder = network.ca_file or pip.get("cert"), None
    if ca_file is None:
        ca_file, ca_folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return HttpSettings(
        timeout=float(pip.get("timeout", TIMEOUT)) if network.timeout == TIMEOUT else network.timeout,
        retries=network.retries,
        proxies={"all": pip["proxy"]} if "proxy" in pip else proxies,
        no_proxy=_environment("no_proxy"),
        trust=Trust(ca_file, ca_folder, network.client_cert or pip.get("client-cert")),
        netrc_file=_netrc_file(),
        user_agent=f"wheelhouse/{__version__}",
    )


def _netrc_file() -> Path | None:
    """The one that NETRC names, else that of the home folder where it may be read: sudo keeps HOME, which may be root's."""
    if named := os.environ.get("NETRC"):
        return Path(named)
    home = home_folder()
    return home / ".netrc" if home and os.access(home / ".netrc", os.R_OK) else None


@contextmanager
def supplied(
    wanted: "Options", network: ConnectionOptions, listener: Listener
) -> "Iterator[tuple[Http, PackageSource]]":
    """The connections, and what the locations and the cache supply over them."""
    from wheelhouse.files.cache import Cache
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.index.pagecache import PageCache
    from wheelhouse.index.sources import IndexLocations

    for sentence in wanted.pip.warnings:
        listener(Warned(sentence))
    with connected(network, listener, wanted.pip) as http:
        cache = Cache(cache_folder(network.cache_dir), listener, mode=0o777 & ~own_umask())
        pages = PageCache(cache, ask_always=wanted.upgrade or bool(wanted.upgrade_projects))
        locations = IndexLocations(_locations(wanted), http, pages, _tokens(wanted))
        supply = PackageSource(locations, http, cache, listener, waivers())
        try:
            yield http, supply
        finally:
            supply.close()
            cache.close()


def _locations(wanted: "Options") -> "tuple[IndexLocation, ...]":
    from wheelhouse.index.locations import read_locations

    pip = wanted.pip
    indexes = pip.with_credentials(wanted.indexes)
    pip.refuse_extra(indexes)
    default = pip.text("index-url") or wanted.pip_index
    without = wanted.no_index or pip.text("no-index") in ("1", "true", "yes", "on")
    links = [*wanted.find_links, *pip.texts("find-links")]
    return read_locations(indexes, links, wanted.index_projects, None if without else default)


def _tokens(wanted: "Options") -> dict[str, str]:
    from wheelhouse.index.credentials import read_token
    from wheelhouse.index.locations import split_named

    return {name: read_token(Path(path)) for name, path in map(split_named, wanted.index_tokens)}


def cache_folder(cache_dir: Path | None) -> Path | None:
    """Where the cache is: as said, else where XDG_CACHE_HOME or the home folder has it; None where there is neither.

    A relative XDG_CACHE_HOME is none (XDG Base Directory Specification).
    """
    if cache_dir:
        return cache_dir
    base, home = Path(os.environ.get("XDG_CACHE_HOME", "")), home_folder()
    if base.is_absolute():
        return base / "wheelhouse"
    return home / ".cache" / "wheelhouse" if home else None


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper(), "")


def _pip_index() -> str:
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)
