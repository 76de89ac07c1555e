"""Every option that commands share: its spelling, its help, its key in `wheelhouse.toml`, its variable (pure).

A field is one option. Its name, with hyphens, is its key in the settings file, if its scope is not `Scope.RUN`. A command
that takes the class has the option; `HEADING` is the part of the help in which it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from wheelhouse.config.declare import Scope, Texts, option

TIMEOUT_SECONDS = 15.0
job = partial(option, scope=Scope.JOB)
always = partial(option, scope=Scope.ALWAYS)
by_index = partial(option, scope=Scope.ALWAYS, by_index=True)


@dataclass(frozen=True, kw_only=True)
class WhatToFetch:
    """Requirements, and what limits them."""

    HEADING = "What to fetch"
    requirements: Texts = job(
        metavar="[REQUIREMENT]...", names_job=True, help="A requirement in the form of PEP 508: 'name[extra]>=1.0'."
    )
    requirement_files: Texts = job(
        *("--requirement", "-r"),
        metavar="FILE",
        names_job=True,
        help="Read requirements from a requirements file, a pyproject.toml or a pylock.toml.",
    )
    constraints: Texts = job("--constraint", "-c", metavar="FILE|URL", help="Read constraints from a file or a URL.")
    groups: Texts = job(
        "--group", metavar="NAME", names_job=True, help="Add a dependency group of pyproject.toml, or of a lock file."
    )
    overrides: Texts = job(
        "--override",
        metavar="FILE",
        help="Read requirements from this file. They replace all other requirements on the same projects.",
    )
    excludes: Texts = job("--exclude", metavar="NAME", help="Leave a project out, even if a release requires it.")
    extras: Texts = job(
        "--extra",
        metavar="NAME",
        help="Add extras of Airflow, or of the project in `-r pyproject.toml`. Write one name, or several: a,b,c.",
    )


@dataclass(frozen=True, kw_only=True)
class ConstraintsSource:
    """Which of Airflow's constraints, and where they are published."""

    HEADING = "What to fetch"
    constraints_mode: str | None = always(
        "--constraints-mode",
        default=None,
        metavar="MODE",
        help="Which of Airflow's constraints to use: constraints (default), no-providers or source-providers.",
    )
    constraints_url: str | None = always(
        "--constraints-url", default=None, metavar="URL", help="Read Airflow's constraints from this mirror."
    )


@dataclass(frozen=True, kw_only=True)
class AirflowRelease:
    """A release of Airflow."""

    HEADING = "What to fetch"
    airflow: str | None = job(
        "--airflow",
        default=None,
        metavar="VERSION",
        names_job=True,
        help="Fetch this version of Apache Airflow with its official constraints. The target has the libc of "
        "Airflow's image.",
    )


@dataclass(frozen=True, kw_only=True)
class DatabaseClients:
    """The database clients that Airflow's image can do without; the extras that need them go, too."""

    HEADING = "What to fetch"
    disable_mysql_client: bool = job(
        "--disable-mysql-client",
        default=False,
        help="Prepare Airflow's image without the MySQL client, and without the extra that needs this client.",
    )
    disable_mssql_client: bool = job(
        "--disable-mssql-client",
        default=False,
        help="Prepare the image of Airflow 2.2 or newer without the MSSQL client, and without the extra that needs this "
        "client.",
    )
    disable_postgres_client: bool = job(
        "--disable-postgres-client",
        default=False,
        help="Prepare the image of Airflow 2.3 or newer without the PostgreSQL client, and without the extra that needs "
        "this client.",
    )


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """The environments to choose files for."""

    HEADING = "Targets"
    python: Texts = job("--python", metavar="VERSION", help="The target's Python version: 3.12, or exactly 3.12.4.")
    platform: Texts = job(
        "--platform",
        metavar="NAME",
        help="The target's platform: linux/amd64 (default), alpine/arm64, macos/arm64, windows/amd64, "
        "or a platform tag such as manylinux_2_34_x86_64.",
    )
    image: str | None = job(
        "--image",
        default=None,
        metavar="NAME",
        help="Take the target's libc and Python version from the name of a base image, such as "
        "python:3.12-slim-bookworm.",
    )
    target_files: Texts = job(
        "--target-file",
        metavar="FILE",
        help="Read a complete target from a file that `wheelhouse target show` or pex wrote.",
    )


@dataclass(frozen=True, kw_only=True)
class BaseImageOptions:
    """The image that the files will be installed into, carried in the wheelhouse."""

    HEADING = "Targets"
    base_image: str | None = job(
        "--base-image",
        default=None,
        metavar="NAME[@DIGEST]",
        in_table=True,
        help="Fetch a base image from its registry into the wheelhouse, and read the target's libc and Python from "
        "the image's files. To take the image from this machine instead, write oci:FOLDER:NAME, "
        "oci-archive:FILE:NAME, docker-archive:FILE[:NAME] or docker-daemon:NAME.",
    )
    whole_image: bool = job(
        "--whole-image",
        default=False,
        help="Fetch everything for Airflow's image build, with the base image and Debian packages. Needs --airflow.",
    )
    dockerfile: str | None = job(
        "--dockerfile",
        default=None,
        metavar="FILE",
        help="Airflow's own Dockerfile. It says what the image build needs, such as the version of pip.",
    )
    image_mirrors: Texts = always(
        "--image-mirror",
        metavar="[REGISTRY=]URL",
        in_table=True,
        help="Fetch images of this registry (default: docker.io) from the mirror at this URL.",
    )


@dataclass(frozen=True, kw_only=True)
class DebianOptions:
    """The Debian packages that an image needs, and where they come from."""

    HEADING = "Debian packages"
    debs: Texts = job(
        "--deb",
        metavar="NAME",
        in_table=True,
        help="Fetch a Debian package, and its dependencies that the base system lacks. NAME is, for example, git, "
        "git=VERSION or git/SUITE.",
    )
    deb_lists: Mapping[str, Texts] = field(
        default_factory=dict,
        metadata=job(in_table=True, help="Further lists of Debian packages, by name.").metadata,
    )
    deb_base: str | None = always(
        "--deb-base",
        default=None,
        metavar="FOLDER",
        in_table=True,
        help="The root folder of the system that gets the packages. Use / for this machine. Default: the base image.",
    )
    deb_sources: Texts = always(
        "--deb-source",
        metavar="LINE",
        in_table=True,
        help="Fetch Debian packages from this source, for example 'deb https://mirror/debian bookworm main'. Default: "
        "the sources of the base system.",
    )
    deb_keyrings: Texts = always(
        "--deb-keyring",
        metavar="FILE",
        in_table=True,
        help="Check the signatures of suites with the keys in this file. Default: the source's own keys (signed-by), "
        "else the keys of the base system, else this machine's keys for Debian archives.",
    )
    deb_date: str | None = always(
        "--deb-date",
        default=None,
        metavar="TIME",
        in_table=True,
        help="Use the Debian snapshot of this time, even if the suite has expired. The time replaces @SNAPSHOTID@ "
        "in a source.",
    )


@dataclass(frozen=True, kw_only=True)
class JobOptions(TargetOptions, DatabaseClients, AirflowRelease, ConstraintsSource, WhatToFetch):
    """What to fetch, and for which targets."""


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """Where files come from."""

    HEADING = "Indexes"
    indexes: Texts = by_index(
        "--index",
        environment="WHEELHOUSE_INDEX",
        metavar="[NAME=]URL",
        help="The package index (a Simple Repository API). Default: pip's default index. NAME=URL adds an index for "
        "the projects that --from lists.",
    )
    index_projects: Texts = by_index(
        "--from",
        metavar="NAME=PROJECT,…",
        help="Take these projects only from the index NAME. Write project names, or patterns such as 'acme-*'.",
    )
    find_links: Texts = by_index(
        "--find-links",
        metavar="[NAME=]FOLDER|URL",
        help="Take files from a folder or a page of links. If a project has a file there, no index is asked for the "
        "project.",
    )
    no_index: bool = always(
        "--no-index",
        default=False,
        help="Do not use the default index. Use only the indexes and --find-links that you name.",
    )
    index_tokens: Texts = by_index(
        "--index-token-file", metavar="[NAME=]FILE", help="Read an index's token, or `user:password`, from a file."
    )
    use_pip_config: bool = always(
        "--use-pip-config", default=False, help="Use the settings in pip's configuration files and PIP_* variables."
    )


@dataclass(frozen=True, kw_only=True)
class ChoosingOptions:
    """Which files may be chosen."""

    HEADING = "Choosing"
    only_binary: Texts = always(
        "--only-binary", metavar="NAMES", help="Use no sdists of these projects: a,b,c or :all:."
    )
    no_binary: Texts = always("--no-binary", metavar="NAMES", help="Use no wheels of these projects: a,b,c or :all:.")
    prefer_binary: bool = always(
        "--prefer-binary",
        default=False,
        help="Prefer an older release with a wheel to a newer release without a wheel.",
    )
    pre: bool | Texts = always("--pre", default=False, help="Allow pre-releases.")
    resolve_seconds: float | None = always(
        "--resolve-seconds",
        default=None,
        metavar="SECONDS",
        minimum=0.1,
        help="Stop the search for a solution after this time. Default: no limit.",
    )
    require_hashes: bool | None = always(
        "--require-hashes/--no-require-hashes",
        default=None,
        help="Require a hash for every project. Default: hashes are required only if a requirement has a hash.",
    )
    uploaded_prior_to: str | None = always(
        "--uploaded-prior-to",
        default=None,
        metavar="TIME",
        help="Use only files uploaded before this time: 2025-02-10, or an age such as '7 days'.",
    )
    uploaded_prior_to_except: Mapping[str, str] = field(
        default_factory=dict,
        metadata=always(help="Projects that `uploaded-prior-to` does not apply to, each with the reason.").metadata,
    )


@dataclass(frozen=True, kw_only=True)
class UpgradeOptions:
    """Which pins of an existing lock file are not reused."""

    HEADING = "Choosing"
    upgrade: bool = option(
        "--upgrade",
        default=False,
        help="Ignore the existing lock file: resolve again, and ask the index for every page.",
    )
    upgrade_projects: Texts = option(
        "--upgrade-project", metavar="NAME", help="Choose a new release of this project only."
    )


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where the wheelhouse is, and what a run may change there."""

    HEADING = "Output"
    dest: str | None = always(
        "--dest", default=None, metavar="FOLDER", help="The wheelhouse to write. Default: wheels."
    )
    replace: bool = option(
        "--replace",
        default=False,
        help="If the wheelhouse has files of another job, remove those that this job does not need.",
    )
    link: bool = option(
        "--link",
        default=False,
        help="If the file system cannot share blocks, make read-only hard links to the files of the cache. Use this "
        "option for many wheelhouses on one machine.",
    )
    virtual: bool = option(
        "--virtual",
        default=False,
        help="Write only lock files into the wheelhouse, and put the distributions into the store. `wheelhouse "
        "materialize` fetches the distributions.",
    )
    keep_going: bool = option(
        "--keep-going",
        default=False,
        help="If a target has no solution, write the other targets. With --all: if a job fails, run the other jobs.",
    )


@dataclass(frozen=True, kw_only=True)
class FetchOptions(
    OutputOptions, UpgradeOptions, ChoosingOptions, IndexOptions, DebianOptions, BaseImageOptions, JobOptions
):
    """What `fetch` and `lock` take. The help lists the options of the last base first."""


@dataclass(frozen=True, kw_only=True)
class JobSelection:
    """Which jobs of the settings file a command is for."""

    HEADING = "Jobs"
    all_jobs: bool = option(
        "--all",
        default=False,
        help="Run the command for every job of the settings file. Each table [jobs.NAME] is a job.",
    )
    job_names: Texts = option(
        "--job",
        metavar="NAME",
        help="Run the command for the job of this name, or for all jobs that match a pattern such as 'team-*'.",
    )


@dataclass(frozen=True, kw_only=True)
class FleetOptions(JobSelection):
    """How the jobs of the settings file are run."""

    HEADING = "Jobs"
    parallel: int = option(
        "--parallel", default=4, metavar="N", minimum=1, maximum=64, help="How many jobs to run at once."
    )
    report: str | None = option(
        "--report",
        default=None,
        metavar="FILE",
        help="Write one HTML page about all jobs of the run: their projects, changes and vulnerabilities.",
    )


@dataclass(frozen=True, kw_only=True)
class CompileOptions(ChoosingOptions, IndexOptions, TargetOptions, AirflowRelease, WhatToFetch):
    """What `constraints compile` takes."""


@dataclass(frozen=True, kw_only=True)
class BuildingOptions:
    """How sdists are built, and where."""

    HEADING = "Building"
    interpreter: Texts = option(
        "--interpreter",
        metavar="PATH",
        help="Build with this Python interpreter. It must have the target's Python version.",
    )
    in_image: str | None = option(
        "--in-image", default=None, metavar="IMAGE", help="Build in containers of this image, with no network."
    )
    unsealed: bool = option(
        "--unsealed",
        default=False,
        help="Build without a sandbox: build code can reach this machine and its network. The lock file records that "
        "there was no sandbox.",
    )
    build_uploaded_prior_to: str | None = option(
        "--build-uploaded-prior-to",
        default=None,
        metavar="TIME",
        help="Use build requirements uploaded before this time. Default: the upload date of the sdist, or "
        "of the newest file of the requested projects, whichever is later.",
    )
    build_constraint: Texts = option(
        "--build-constraint",
        metavar="FILE|LINE",
        help="Constraints for the build requirements: a file, or a line such as 'cython<3'.",
    )
    build_minutes: float = option(
        "--build-minutes", default=60.0, metavar="N", minimum=0.01, help="The time limit of one build, in minutes."
    )
    build_memory: float = option(
        "--build-memory",
        default=8.0,
        metavar="GIB",
        minimum=0.1,
        help="The memory limit for all processes of one build together, in GiB.",
    )
    keep_sdists: bool = option(
        "--keep-sdists", default=False, help="Keep each sdist beside the wheel that was built from it."
    )


@dataclass(frozen=True, kw_only=True)
class BuildCommandOptions(BuildingOptions):
    """What `build` takes, and `fetch --build` does not."""

    HEADING = "Building"
    target: Texts = option("--target", metavar="NAME", help="Build for this target only. Default: all.")
    only_here: bool = option(
        "--only-here",
        default=False,
        help="Build only the sdists that this machine has an interpreter for, and put the wheels into the store. Other "
        "machines build the rest.",
    )
    from_store: bool = option(
        "--from-store", default=False, help="Build nothing. Take the wheels that other machines put into the store."
    )
    executor: str | None = option(
        "--executor",
        default=None,
        metavar="URL",
        help="Build on the workers of this Dask scheduler: tls://HOST:8786. Only a scheduler on this machine may have a "
        "tcp: URL.",
    )
    check_reproducible: bool = option(
        "--check-reproducible",
        default=False,
        help="Build each sdist twice, and list the members that differ between the two wheels. If a member differs, "
        "the exit code is 1.",
    )


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """How to talk to servers."""

    HEADING = "Indexes"
    timeout: float = option(
        "--timeout",
        default=TIMEOUT_SECONDS,
        environment="WHEELHOUSE_TIMEOUT",
        metavar="SECONDS",
        minimum=0.1,
        help="How many seconds to wait for a server's answer.",
    )
    retries: int = option(
        "--retries",
        default=4,
        environment="WHEELHOUSE_RETRIES",
        metavar="N",
        minimum=0,
        maximum=20,
        help="How many times to repeat a failed request.",
    )
    max_file_size: str = option(
        "--max-file-size",
        default="5GB",
        environment="WHEELHOUSE_MAX_FILE_SIZE",
        metavar="SIZE",
        help="Refuse files larger than this size, such as 500MB or 20GB.",
    )
    min_rate: float = option(
        "--min-rate",
        default=1000.0,
        environment="WHEELHOUSE_MIN_RATE",
        metavar="BYTES",
        minimum=0,
        help="Stop a download that is slower than this number of bytes per second for a whole minute.",
    )
    ca_file: str | None = option(
        "--ca-file", default=None, metavar="PEM", help="Trust these certificate authorities instead of the system's."
    )
    client_cert: str | None = option(
        "--client-cert",
        default=None,
        metavar="PEM",
        help="A client certificate with its key, for servers that require one.",
    )


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """Where the cache is."""

    HEADING = "Indexes"
    cache_dir: str | None = option(
        "--cache-dir",
        default=None,
        environment="WHEELHOUSE_CACHE_DIR",
        metavar="FOLDER",
        help="The cache folder, which keeps downloaded files between runs. Default: wheelhouse/ in the user's cache "
        "folder.",
    )


@dataclass(frozen=True, kw_only=True)
class StoreLocation:
    """Where the store is that machines share."""

    HEADING = "Indexes"
    store: str | None = option(
        "--store",
        default=None,
        environment="WHEELHOUSE_STORE",
        metavar="URL",
        help="The address of the store that machines share: s3://bucket/folder, gs://…, az://… or file:///folder. If the "
        "cache lacks a file, the file comes from the store, or else from the index.",
    )


@dataclass(frozen=True, kw_only=True)
class StoreOptions(StoreLocation):
    """The store that machines share, and what this machine signs with."""

    HEADING = "Indexes"
    store_key: str | None = option(
        "--store-key",
        default=None,
        environment="WHEELHOUSE_STORE_KEY",
        metavar="FILE",
        help="Sign objects of the store with this Ed25519 key. A signature is needed for objects whose name "
        "is not their own hash, such as built wheels.",
    )


@dataclass(frozen=True, kw_only=True)
class ConnectionOptions(StoreOptions, CacheOptions, NetworkOptions):
    """How to talk to servers, and where to keep what they sent."""


@dataclass(frozen=True, kw_only=True)
class FileOrigin(StoreLocation, CacheOptions):
    """Where the files of a wheelhouse of lock files alone come from."""


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """What `stage` writes, and where."""

    HEADING = "Layout"
    layout: str | None = always(
        "--layout",
        default=None,
        metavar="NAME",
        help="The layout: flat (for any image), airflow (for Airflow's own Dockerfile) or auto (default).",
    )
    target: str | None = always(
        "--target", default=None, metavar="NAME", help="The target to stage, if the wheelhouse has several."
    )
    base_image: str | None = always(
        "--base-image", default=None, metavar="NAME", help="The base image of the image build."
    )
    sdists: bool = option(
        "--sdists",
        default=False,
        help="Stage the sdists and their build requirements. Default: stage the wheels that were built from the "
        "sdists.",
    )
    index: str | None = always(
        "--index",
        default=None,
        metavar="URL",
        help="Stage only settings. The image build takes the locked files from this index.",
    )


@dataclass(frozen=True, kw_only=True)
class ImageOptions(DatabaseClients):
    """How Airflow's own Dockerfile is called."""

    HEADING = "Image"
    route: str | None = always(
        "--route",
        default=None,
        metavar="NAME",
        help="The kind of install in Airflow's image build. configured (default): the ordinary install, but only from the "
        "folder. context: Airflow's install from docker-context-files.",
    )
    rename: str | None = always(
        "--rename",
        default=None,
        metavar="HOW",
        help="How to rename Airflow's own files for --route context: auto (default) renames to Apache_Airflow… if "
        "needed; never keeps the names; documented renames to _apache_airflow…, as in Airflow's documentation, but no "
        "Airflow release accepts this name.",
    )
    dev_apt: Texts = always("--dev-apt", metavar="NAME", help="Install a Debian package in the build stage.")
    runtime_apt: Texts = always("--runtime-apt", metavar="NAME", help="Install a Debian package in the final image.")
    apt_sources: Texts = always(
        "--apt-source",
        metavar="LINE",
        help="Replace the base image's sources.list with this line: 'deb https://mirror/debian bookworm main'.",
    )
    build_args: Texts = always("--build-arg", metavar="NAME=VALUE", help="Add an argument to the image build.")
    pypirc: bool = always("--pypirc", default=False, help="Also write .pypirc, which pip does not read.")
    piprc: bool = always("--piprc", default=False, help="Also write .piprc, which pip does not read.")


@dataclass(frozen=True, kw_only=True)
class StageOutputOptions:
    """Where the staged folder is, and whether it is written."""

    HEADING = "Output"
    dest: str | None = always(
        "--dest", default=None, metavar="FOLDER", help="The folder to write. Default: docker-context-files."
    )
    dry_run: bool = option("--dry-run", default=False, help="Print the plan, and write nothing.")


@dataclass(frozen=True, kw_only=True)
class StageOptions(StageOutputOptions, ImageOptions, LayoutOptions):
    """All that says what `stage` writes; the keys of the table `[stage]`."""
