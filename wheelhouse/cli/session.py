"""What commands share: the settings, the options that count, the connections, the cache, and a listener for events."""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from wheelhouse import __version__
from wheelhouse.cli.machine import cache_folder, netrc_file, now, pip_default_index, variable
from wheelhouse.cli.output import passphrase_of
from wheelhouse.cli.progress import Shown
from wheelhouse.cli.terminal import echo
from wheelhouse.config.declare import given, merged
from wheelhouse.config.options import TIMEOUT_SECONDS, ConnectionOptions, JobSelection, NetworkOptions
from wheelhouse.events import Listener, Warned

if TYPE_CHECKING:
    from wheelhouse.archive.waivers import Waivers
    from wheelhouse.cli.run_store import SigningKeys
    from wheelhouse.config.settings import ApprovalSettings, Settings
    from wheelhouse.fetch.gather import Options
    from wheelhouse.files.store import Store
    from wheelhouse.findings import Finding
    from wheelhouse.index.http import Http, HttpSettings
    from wheelhouse.index.locations import IndexLocation
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.index.pipconfig import PipConfig
    from wheelhouse.lock.wheelhouse import Wheelhouse
    from wheelhouse.signing.sign import PublicKey, Signer
    from wheelhouse.vet.advisories import Advisories
    from wheelhouse.vet.approvals import Approvals
    from wheelhouse.vet.approvalsfile import ApprovalRules
    from wheelhouse.vet.vex import VexStatement

TRUE_OF_PIP = ("y", "yes", "t", "true", "on", "1")
"""What pip takes for true in its configuration, in any case."""


def settings() -> "Settings":
    """The settings of the folder that the command runs in, read anew; empty ones if it has none. Raises InputError."""
    from wheelhouse.config.settings import read_settings

    return read_settings(Path.cwd())


def chosen_jobs(chosen: JobSelection) -> "dict[str, Settings]":
    """The jobs of the settings file that --all and --job name, by name; none if neither was given. Raises InputError."""
    if not (chosen.all_jobs or chosen.job_names):
        return {}
    from wheelhouse.config.jobs import read_jobs, selected_jobs

    return selected_jobs(read_jobs(Path.cwd()), chosen.job_names)


def settings_sha256(wheelhouse: Path) -> str:
    """The sha256, in hexadecimal, of the path from a wheelhouse to this folder, which has the settings file. It tells two such jobs apart.

    A lock file keeps the hash, because it must not say where a wheelhouse was made.
    """
    from wheelhouse.lock.wheelhouse import sha256_of_text

    return sha256_of_text(os.path.relpath(Path.cwd().resolve(), wheelhouse.resolve()))


def waivers() -> "Waivers":
    """The waivers of the settings' policy, as of today. Raises InputError if the policy names a rule that does not exist."""
    from wheelhouse.archive.waivers import Waivers

    policy = settings().policy.policy()
    if policy.waivers or policy.severities:
        from wheelhouse.vet.vet import must_name_rules

        must_name_rules(policy)
    return Waivers(policy.waivers, now().date())


def reviewer_keys(approving: "ApprovalSettings") -> "dict[str, tuple[PublicKey, ...]]":
    """The keys that count, by reviewer: a reviewer with several keys counts once. Raises as `public_keys` does."""
    keys: dict[str, tuple[PublicKey, ...]] = {}
    for reviewer in approving.reviewers:
        named = public_keys([reviewer.key], f"the key of {reviewer.name}")
        keys[reviewer.name] = (*keys.get(reviewer.name, ()), *named)
    return keys


def reviewer_of(key: "PublicKey", approving: "ApprovalSettings") -> str | None:
    """The name of the reviewer to whom the settings give a key; None if they give it to nobody.

    Raises as `public_keys` does.
    """
    names = (name for name, keys in reviewer_keys(approving).items() if key.id in {public.id for public in keys})
    return next(names, None)


def public_keys(keys: Iterable[str], source: str) -> "tuple[PublicKey, ...]":
    """Public keys of the settings. Each is the text of a key, called `source` in errors, if it begins like one, else a file's path.

    Raises InputError, and MachineError without `cryptography`.
    """
    from wheelhouse.signing.sign import load_public_key, public_key

    return tuple(
        public_key(key.encode(), source)
        if key.startswith(("ssh-", "sk-ssh-", "-----"))
        else load_public_key(Path.cwd() / key)
        for key in keys
    )


def signer_of(path: Path, command: str = "") -> "Signer":
    """What signs with the key of a file: the key itself, ssh-agent for a public key, or a command if one is given.

    A passphrase is asked for on the terminal. Raises InputError for a key that cannot be read, for a public key without
    ssh-agent or a command, and for a malformed command; MachineError without `cryptography`.
    """
    from wheelhouse.errors import InputError
    from wheelhouse.signing.signers import SigningTools, load_signer

    try:
        words = shlex.split(command)
    except ValueError as error:
        hint = "close all quotes: --sign-command \"sign 'my key'\""
        raise InputError(f"`{command}` is not a command: {error}", hint=hint) from error
    return load_signer(path, SigningTools(passphrase_of, os.environ.get("SSH_AUTH_SOCK"), words))


def approvals(from_file: "Settings") -> "Approvals":
    """The approvals as of today, read anew: the settings name the reviewers, their roles, and the file. Empty if
    there is none.

    Remembers in the cache's folder what it saw. Raises IntegrityError as `read_approvals` does, and InputError.
    """
    from wheelhouse.vet.approvalsfile import read_approvals

    return read_approvals(Path.cwd() / from_file.approvals.file, approval_rules(from_file), now().date())


def approval_rules(from_file: "Settings") -> "ApprovalRules":
    """By the settings: whose approvals count, how many a file needs, and each reviewer's role.

    They also have the cache's folder, in which this machine remembers what it saw of approvals files: the default one, not
    that of --cache-dir. Raises as `public_keys` does.
    """
    from wheelhouse.vet.approvals import Role
    from wheelhouse.vet.approvalsfile import ApprovalRules

    approving = from_file.approvals
    roles = {name: Role(name, role.projects, role.needed) for name, role in approving.roles.items()}
    by_reviewer = {reviewer.name: roles[reviewer.role] for reviewer in approving.reviewers if reviewer.role}
    return ApprovalRules(reviewer_keys(approving), approving.needed, by_reviewer, cache_folder(None))


def read_snapshot(path: Path, *, is_named: bool) -> "Advisories | None":
    """The snapshot of advisories in a file; None if it has no advisory, or if it does not exist and was not named.

    Raises InputError. A newest date that lies after now is taken as now.
    """
    from wheelhouse.files.disk import read_text
    from wheelhouse.vet.advisory_snapshot import parse_snapshot

    if not is_named and not path.is_file():
        return None
    snapshot = parse_snapshot(read_text(path, "the snapshot of advisories"), str(path)).as_of(now())
    return snapshot if snapshot.by_project else None


def vex_statements(from_file: "Settings", named: Sequence[Path] = ()) -> "tuple[VexStatement, ...]":
    """The statements of the VEX documents that the policy names, then of those that the command line names.

    Raises InputError.
    """
    from wheelhouse.files.disk import read_text
    from wheelhouse.vet.vex_documents import parse_vex

    paths = (*map(Path, from_file.policy.vex), *named)
    return tuple(one for path in paths for one in parse_vex(read_text(path, "the VEX document"), str(path)))


def since_approval(from_file: "Settings", wheelhouse: "Wheelhouse", current: "Approvals") -> "tuple[Finding, ...]":
    """The findings on advisories on files of a wheelhouse, approved or not, that too few reviewers saw, without those that a
    waiver, a VEX document or the policy settles.

    Empty without the snapshot of advisories that the policy names. Raises InputError for a snapshot or a VEX document that
    cannot be read.
    """
    from wheelhouse.vet.after_approval import KnownToday, known_since_approval

    policy = from_file.policy
    snapshot = read_snapshot(Path(policy.advisories), is_named=False)
    if snapshot is None:
        return ()
    return known_since_approval(
        wheelhouse, KnownToday(snapshot, current, policy.policy(), now(), vex_statements(from_file))
    )


def must_be_approved(files: Mapping[str, str], wheelhouses: Iterable[Path]) -> None:
    """Raise IntegrityError that names every file (path → sha256) that not enough reviewers approved.

    Advisories on files of `wheelhouses` that became known after the approval are printed to stderr, or raise IntegrityError
    if they are errors: those on malware are, unless the policy makes them less, others if it makes them errors. Raises
    IntegrityError as `read_approvals`, and InputError for what cannot be read.
    """
    from wheelhouse.errors import IntegrityError
    from wheelhouse.findings import Severity
    from wheelhouse.report import finding_lines
    from wheelhouse.verify.verify import load_wheelhouse
    from wheelhouse.vet.approvals import must_be_approved

    from_file = settings()
    current = approvals(from_file)
    must_be_approved(files, current)
    later = [
        finding for folder in wheelhouses for finding in since_approval(from_file, load_wheelhouse(folder), current)
    ]
    if errors := tuple(finding for finding in later if finding.severity >= Severity.ERROR):
        raise IntegrityError(
            f"`{errors[0].subject}` is approved, but an advisory became known after the approval", findings=errors
        )
    for line in finding_lines(later):
        echo(line, err=True)


def must_have_approved_files(wheelhouses: Sequence[Path]) -> None:
    """Raise IntegrityError that names every wheel and sdist of these wheelhouses that not enough reviewers approved.

    Other files and wheelhouses inside them are not looked at. Newer advisories count as in `must_be_approved`.
    """
    from wheelhouse.verify.verify import load_wheelhouse

    files = {
        str(wheelhouse / name): artifact.sha256
        for wheelhouse in wheelhouses
        for name, artifact in load_wheelhouse(wheelhouse).artifacts.items()
    }
    must_be_approved(files, wheelhouses)


def options(from_file: "Settings", *groups: object) -> "Options":
    """The options that count: those of the command line (`groups`), else those of the settings file.

    An option that may name an index replaces the file's values for the same index only. If the command line names what to
    fetch, the file's options of a job do not count. With --use-pip-config, pip is run to learn its configuration. The
    environment is passed on for `${NAME}` in requirements files.
    """
    from wheelhouse.fetch.gather import Options
    from wheelhouse.index.locations import split_named

    typed = given(*groups)
    values = merged(Options, from_file.options, typed, lambda text: split_named(text)[0])
    if "requirements" not in typed and from_file.origin:
        values["requirements_origin"] = from_file.origin
    if values.get("use_pip_config"):
        from wheelhouse.index.pipconfig import read_pip_config

        values["pip"] = read_pip_config()
    return Options(**values, environment=os.environ, pip_index=pip_default_index())


@contextmanager
def listening(*, quiet: bool) -> Iterator[Shown]:
    """A listener for one run, which shows progress on stderr during the block, unless quiet."""
    listener = Shown(quiet=quiet)
    with listener.shown():
        yield listener


@contextmanager
def connected(network: NetworkOptions, listener: Listener, pip: "PipConfig | None" = None) -> "Iterator[Http]":
    """The connections of one run, as the options, the environment and (with --use-pip-config) pip's configuration say.

    Closed in the end.
    """
    from wheelhouse.index.http import Http

    http = Http(_http_settings(network, pip.values if pip else {}), listener)
    try:
        yield http
    finally:
        http.close()


def proxies_of(pip: Mapping[str, str]) -> dict[str, str]:
    """The proxy for each scheme: that of pip's configuration (values by key) for `all`, else those of the environment."""
    if "proxy" in pip:
        return {"all": pip["proxy"]}
    return {scheme: proxy for scheme in ("http", "https", "all") if (proxy := variable(f"{scheme}_proxy"))}


def _timeout_of(pip: Mapping[str, str]) -> float:
    """The timeout of pip's configuration, in seconds, or TIMEOUT_SECONDS. Raises InputError if not finite or not above 0."""
    from wheelhouse.errors import InputError

    text = pip.get("timeout", str(TIMEOUT_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < inf:
        hint = "correct the value, or use the option: --timeout 30"
        raise InputError(f"`timeout` of pip's configuration is `{text}`, not a number of seconds", hint=hint)
    return seconds


def _http_settings(network: NetworkOptions, pip: Mapping[str, str]) -> "HttpSettings":
    """The settings of connections: the options, else pip's configuration (values by key), else the environment. Raises InputError.

    An option --timeout that equals its default does not count; of retries, rate and file size only the options count.
    """
    from wheelhouse.humanize import parse_size
    from wheelhouse.index.http import HttpSettings
    from wheelhouse.index.pace import Pace
    from wheelhouse.index.tls import Trust

    ca_file, ca_folder = network.ca_file or pip.get("cert"), None
    if ca_file is None:
        ca_file, ca_folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    is_default = network.timeout == TIMEOUT_SECONDS
    return HttpSettings(
        timeout=_timeout_of(pip) if is_default else network.timeout,
        retries=network.retries,
        proxies=proxies_of(pip),
        no_proxy=variable("no_proxy"),
        trust=Trust(ca_file, ca_folder, network.client_cert or pip.get("client-cert")),
        netrc_file=netrc_file(),
        user_agent=f"wheelhouse/{__version__}",
        max_file_bytes=parse_size(network.max_file_size),
        pace=Pace(network.min_rate),
    )


@contextmanager
def supplied(
    options: "Options", network: ConnectionOptions, listener: Listener
) -> "Iterator[tuple[Http, PackageSource]]":
    """The connections of one run, and the package source that uses them and the stores. All are closed in the end."""
    with opened_sources(network, listener) as source_of:
        source = source_of(options)
        yield source.http, source


@contextmanager
def opened_sources(network: ConnectionOptions, listener: Listener) -> "Iterator[Callable[..., PackageSource]]":
    """A function that gives the package source of some options; all share one store, and the sources are closed when the block ends.

    Options with the same indexes and credentials share one source, unless they are of different owners (`owner`, a second
    argument), or only one upgrades. It links files, or is virtual, as the first of these options say. Threads may call it.
    """
    from wheelhouse.cli.run_store import opened_store

    from_file = settings()
    sources: dict[object, PackageSource] = {}
    guard = Lock()

    def source_of(options: "Options", owner: str = "") -> "PackageSource":
        """The package source of some options, made at the first call with the same ones."""
        asks_always = options.upgrade or bool(options.upgrade_projects)
        key = (index_locations(options), options.index_tokens, tuple(options.pip.values.items()), asks_always, owner)
        with guard:
            if key not in sources:
                sources[key] = _source(options, network, store, listener, asks_always=asks_always)
            return sources[key]

    with opened_store(network, from_file, store_keys(network, from_file, listener), listener) as store:
        try:
            yield source_of
        finally:
            for source in sources.values():
                source.close()


def _source(
    options: "Options", network: ConnectionOptions, store: "Store", listener: Listener, *, asks_always: bool
) -> "PackageSource":
    """A new package source of some options, with connections of its own. `asks_always` if no kept page counts as fresh.

    The warnings of pip's configuration go to the listener.
    """
    from wheelhouse.index.http import Http
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.index.pagecache import PageCache
    from wheelhouse.index.sources import IndexLocations

    for sentence in options.pip.warnings:
        listener(Warned(sentence))
    http = Http(_http_settings(network, options.pip.values), listener)
    pages = PageCache(http, store, ask_always=asks_always)
    locations = IndexLocations(index_locations(options), http, pages, _tokens(options))
    source = PackageSource(locations, http, store, listener, waivers())
    source.links_files, source.is_virtual = options.link, options.virtual
    return source


def store_keys(network: ConnectionOptions, from_file: "Settings", listener: Listener) -> "SigningKeys | None":
    """The keys of the store; None if no key is trusted and this run has none. Warns if the key of this run is not trusted.

    Raises as `public_keys` and `signer_of` do; a passphrase is asked for.
    """
    from wheelhouse.cli.run_store import SigningKeys

    trusted = public_keys(from_file.store.trusted, "a key of [store] trusted")
    signer = signer_of(Path(network.store_key)) if network.store_key else None
    if signer and signer.public.id not in {key.id for key in trusted}:
        listener(Warned("the key of --store-key is not in `[store] trusted`: no machine accepts what this key signs"))
    return SigningKeys(trusted, signer) if trusted or signer else None


def index_locations(options: "Options") -> "tuple[IndexLocation, ...]":
    """The indexes and links that the options and pip's configuration name, with pip's default index unless they exclude or replace it.

    Raises InputError for options that exclude each other, and for an extra index of pip that no --index names.
    """
    from wheelhouse.index.locations import read_locations

    pip = options.pip
    indexes = pip.with_credentials(options.indexes)
    pip.refuse_extra(indexes)
    default = pip.text("index-url") or options.pip_index
    has_no_default = options.no_index or (pip.text("no-index") or "").lower() in TRUE_OF_PIP
    links = [*options.find_links, *pip.texts("find-links")]
    return read_locations(indexes, links, options.index_projects, None if has_no_default else default)


def _tokens(options: "Options") -> dict[str, str]:
    """The token of each index, read from its token file, by index name; the default index has an empty name. Raises InputError."""
    from wheelhouse.index.credentials import read_token
    from wheelhouse.index.locations import split_named

    return {name: read_token(Path(path)) for name, path in map(split_named, options.index_tokens)}
