"""Which commands of a shell script ask a network, and for what (pure)."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wheelhouse.dockerfile.shell_commands import ShellCommand


def _words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


URL = re.compile(r"(?:https?|ftp|git|ssh)://[^\s\"'|;)]+|git@[\w.-]+:[^\s\"'|;)]+")
WRAPPERS = _words("busybox sudo exec command nohup nice ionice env time eatmydata chronic stdbuf unbuffer setsid")
OPTION_ARGUMENTS = {
    name: tuple(text.split())
    for name, text in {
        "apt-get": "-o -t -c --option --target-release --default-release --config-file "
        "-a --host-architecture --build-profiles",
        "pip": "-r --requirement -c --constraint -i --index-url --extra-index-url -f --find-links -t --target --prefix --root "
        "--python --platform --trusted-host --timeout --retries --no-binary --only-binary --cache-dir --progress-bar -d --dest "
        "-w --wheel-dir --root-user-action --proxy --cert --client-cert --log --exists-action --keyring-provider --use-feature "
        "--use-deprecated --python-version --implementation --abi --src --upgrade-strategy -C --config-settings --report",
        "uv": "--directory --project --config-file --cache-dir --color --allow-insecure-host --python-preference --python -p",
        "xargs": "-a --arg-file -d --delimiter -E -I -L -n --max-args -P --max-procs -s --max-chars --process-slot-var",
        "apk": "-t --virtual -X --repository -p --root",
        "git": "-b --branch --depth -c -C --config -o --origin --git-dir --work-tree --namespace --config-env --attr-source",
        "npm": "--prefix -C --cwd --registry --cache --loglevel -w --workspace --filter --userconfig",
        "rpm": "--releasever --installroot -c --repo --enablerepo --disablerepo --setopt",
        "conda": "-n --name -c --channel -f --file -p --prefix",
        "other": "-C --directory --manifest-path --target --features -j --jobs -tags",
        "sudo": "-u --user -g --group -h --host -p --prompt -C --close-from -D --chdir -R --chroot -T --command-timeout "
        "-U --other-user -r --role -t --type",
        "nice": "-n --adjustment",
        "ionice": "-c --class -n --classdata",
        "env": "-u --unset -C --chdir",
        "exec": "-a",
        "time": "-f --format -o --output",
        "stdbuf": "-i --input -o --output -e --error",
        "timeout": "-k --kill-after -s --signal",
        "runuser": "-u --user -g --group -G --supp-group",
    }.items()
}
"""Options whose next word is their argument, so that it is not taken for a package."""
HARMLESS = _words(
    """
    : . [ test true false echo printf cd pwd set unset export local declare typeset readonly shift return exit read
    umask ulimit wait type which hash alias mkdir rm rmdir mv cp ln ls cat tac head tail tee touch chmod chown chgrp
    sed awk gawk mawk grep egrep fgrep cut tr sort uniq wc diff cmp paste seq date sleep basename dirname realpath readlink
    stat file du df id whoami groups getent useradd adduser groupadd addgroup usermod groupmod passwd chpasswd install
    tar gzip gunzip zcat bzip2 bunzip2 xz unxz unzip zip zstd sha256sum sha512sum sha1sum md5sum shasum base64 od xxd
    ldconfig ldd strip nm objdump update-alternatives update-ca-certificates locale-gen localedef dpkg dpkg-query
    dpkg-reconfigure dpkg-divert dpkg-architecture debconf-set-selections apt-mark apt-cache apt-config uname arch hostname
    nproc env printenv sync kill ps gpgconf openssl setcap chsh visudo mount umount mktemp expr let pushd popd source
    systemctl service a2enmod a2ensite a2dismod envsubst lsb_release patch gpg-agent savedlog fc-cache scanelf tty yes break
    shuf fallocate dumb-init continue getopts mapfile readarray builtin logger crontab dos2unix jq yq xmlstarlet iconv unlink truncate split
    jobs caller shopt bg fg disown
    """
)
"""Programs that read and write this machine alone."""
SHELLS = _words("sh bash dash ash zsh ksh")
PYTHON = re.compile(r"(?:python|pypy)(?:\d(?:\.\d+)?)?")
ASKING_PYTHON = re.compile(
    r"urllib|http|socket|requests|ftplib|subprocess|os\.system|pip|exec|import_module|__import__"
)
"""What a program on the command line needs to ask a network."""
SOURCED = frozenset(
    ("/etc/os-release", "/etc/profile", "/etc/environment", "/etc/lsb-release", "~/.bashrc", "~/.profile")
)
"""Files of the system that a shell reads, which ask for nothing."""
SCRIPT_RUNNERS = ("npm", "pnpm", "bun", "yarn")
"""Programs that also run what a file of the sources names."""
PIP = re.compile(r"pip(?:\d(?:\.\d+)?)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command asks a network for. `kind` is one of KINDS; `subjects` are packages, addresses or files.

    `files` are requirement files of pip. `unknown` is the kind of a command whose doings are not known.
    """

    kind: str
    subjects: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A script that a command runs: its text, or the path of a file."""

    text: str = ""
    path: str = ""


Judgement = Asked | Script | None


def judged(command: ShellCommand) -> tuple[str, Judgement]:
    """The program that a command runs, and what it asks a network for: None if nothing, a Script if a script decides.

    An unknown program is Asked("unknown"), but a Script if it begins with `/` or `./`, or ends in `.sh`. The program is
    named without folders, unless it is such a Script.
    """
    words = unwrapped(command.words)
    if not words:
        return "", None
    program = words[0].rpartition("/")[2]
    if reader := _reader(program):
        judgement = reader(words[1:])
        if isinstance(judgement, Asked) and judgement.kind == "unknown" and program in SCRIPT_RUNNERS:
            return program, Asked("unknown", (" ".join((program, *judgement.subjects)),))
        return program, judgement
    if program in HARMLESS:
        return program, None
    if words[0].endswith(".sh") or words[0].startswith(("./", "/")):
        return words[0], Script(path=words[0])
    return program, Asked("unknown", (words[0],))


def _reader(program: str) -> "Callable[[tuple[str, ...]], Judgement] | None":
    """The function that judges the words after a program; None for a program without one."""
    if PIP.fullmatch(program):
        return _pip
    if PYTHON.fullmatch(program):
        return _python
    return _shell if program in SHELLS or program in (".", "source") else READERS.get(program)


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command without what only starts it: `sudo -E`, `env X=1`, `timeout 10`, `gosu user`, `xargs -n 1`; empty if nothing follows.

    Empty also for `command -v` and `command -V`, which run nothing.
    """
    while words:
        program = words[0].rpartition("/")[2]
        with_argument = OPTION_ARGUMENTS.get(program, ())
        if program == "command" and words[1:2] in (("-v",), ("-V",)):
            return ()
        if program in WRAPPERS:
            words = _after_options(words[1:], with_argument)
            while words and re.fullmatch(r"\w+=.*", words[0], re.DOTALL):
                words = _after_options(words[1:], with_argument)
        elif program in ("timeout", "gosu", "su-exec", "retry"):
            words = _after_options(words[1:], with_argument)[1:]
        elif program == "xargs" or (program == "runuser" and any(word.startswith(("-u", "--user")) for word in words)):
            words = _after_options(words[1:], with_argument)
        else:
            return words
    return words


def _after_options(words: tuple[str, ...], with_argument: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words from the first on that is neither an option nor the argument of an option in `with_argument`."""
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in with_argument else words[1:]
    return words


def _arguments(words: tuple[str, ...], with_argument: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words that are neither options nor the arguments of the options in `with_argument`."""
    arguments, skip = [], False
    for word in words:
        if not skip and not word.startswith("-"):
            arguments.append(word)
        skip = not skip and word in with_argument
    return tuple(arguments)


def _values(words: tuple[str, ...], *options: str) -> tuple[str, ...]:
    """The values of any of these options, in order, written `-r file`, `-rfile` or `--requirement=file`."""
    values = []
    for number, word in enumerate(words):
        for option in options:
            if word == option and number + 1 < len(words):
                values.append(words[number + 1])
            elif word.startswith(f"{option}=") or (len(option) == 2 and word.startswith(option) and len(word) > 2):
                values.append(word[len(option) :].removeprefix("="))
    return tuple(values)


def _apt(words: tuple[str, ...]) -> Judgement:
    """What apt-get asks for, by the words after it: nothing, an upgrade, the lists or packages. An install of files alone names none."""
    arguments = _arguments(words, OPTION_ARGUMENTS["apt-get"])
    action, packages = (arguments[0], arguments[1:]) if arguments else ("", ())
    if action in ("install", "build-dep", "source", "download", "reinstall"):
        local = packages and all(name.startswith(("./", "/")) for name in packages)
        return Asked("apt-install", packages) if action != "install" or not local else Asked("apt-install", ())
    if action in ("update", "upgrade", "dist-upgrade", "full-upgrade"):
        return Asked("apt-update" if action == "update" else "apt-upgrade")
    return None


def _pip(words: tuple[str, ...]) -> Judgement:
    """What pip asks for, by the words after it: packages and paths, and files of `-r` and `-c`; nothing with
    `--no-index`, or for other actions, such as `list`.
    """
    arguments = _arguments(words, OPTION_ARGUMENTS["pip"])
    if not arguments or arguments[0] not in ("install", "download", "wheel", "sync", "compile", "index"):
        return None
    files = _values(words, "-r", "--requirement", "-c", "--constraint")
    if "--no-index" in words:
        return None
    return Asked("pip", arguments[2:] if arguments[0] == "index" else arguments[1:], files)


def _python(words: tuple[str, ...]) -> Judgement:
    """What a Python asks for, by the words after it: as pip for `-m pip`, nothing for harmless modules and `-c` texts, else unknown.

    Without a word, and for `--version`, nothing. `-m` and `-c` count only as the first word.
    """
    if words[:1] == ("-m",) and len(words) > 1:
        module = words[1]
        if PIP.fullmatch(module):
            return _pip(words[2:])
        harmless = ("venv", "compileall", "ensurepip", "site", "json.tool", "unittest", "pytest")
        return None if module in harmless else Asked("unknown", (f"python -m {module}",))
    if not words or words[0] in ("--version", "-V"):
        return None
    if words[0] == "-c" and not ASKING_PYTHON.search(" ".join(words[1:])):
        return None
    return Asked("unknown", ("python",))


def _shell(words: tuple[str, ...]) -> Judgement:
    """The script that a shell, or `.`, runs: the text after `-c`, or a file; None for stdin, SOURCED files and `bin/activate`.

    The text is the word after `-c` if that has a space; else all words after it, because it can be the value of a variable.
    None also if this word is empty.
    """
    while words and words[0].startswith(("-", "+")):
        option, words = words[0], words[1:]
        if words and re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", option):
            if not words[0]:
                return None
            return Script(words[0] if re.search(r"\s", words[0]) else " ".join(words))
        if re.fullmatch(r"-[a-zA-Z]*s[a-zA-Z]*", option):
            return None
        if option in ("--rcfile", "--init-file") or re.fullmatch(r"[-+][a-zA-Z]*[oO]", option):
            words = words[1:]
    if not words:
        return None  # what comes through the pipe was asked for by the command before
    return None if words[0] in SOURCED or words[0].endswith("/bin/activate") else Script(path=words[0])


def _uv(words: tuple[str, ...]) -> Judgement:
    """What uv asks for, by the words after it: as pip for `uv pip`; nothing with `--offline`, for `uv run --no-sync`, or for
    other actions, such as `venv`.

    Else the subjects are the action and all words after it that do not begin with `-`.
    """
    words = _after_options(words, OPTION_ARGUMENTS["uv"]) if "--offline" not in words else ()
    if words[:1] == ("pip",):
        return _pip(words[1:])
    arguments = _arguments(words)
    if arguments[:1] == ("run",) and "--no-sync" in words:
        return None
    asking = ("sync", "run", "tool", "add", "lock", "python", "build", "self update")
    if not {" ".join(arguments[:1]), " ".join(arguments[:2])} & {*asking}:
        return None
    return Asked("uv", arguments)


def _addresses(words: tuple[str, ...]) -> Judgement:
    """The addresses that curl or a like program downloads, else its other words; None with `--version` or `--help`."""
    addresses = [word for word in words if URL.match(word)]
    others = [word for word in _arguments(words, CURL_ARGUMENTS) if word not in addresses]
    return Asked("download", tuple(addresses or others)) if not {"--version", "--help", "-V"} & set(words) else None


CURL_ARGUMENTS = (
    "-o",
    "-O",
    "--output",
    "-H",
    "--header",
    "-d",
    "--data",
    "-u",
    "-w",
    "--retry",
    "-m",
    "-P",
    "-T",
    "--connect-timeout",
)


def _git(words: tuple[str, ...]) -> Judgement:
    """The addresses that git asks; an action such as `git pull` can name none. None for an action that asks nothing."""
    arguments = _arguments(words, OPTION_ARGUMENTS["git"])
    asking = ("clone", "fetch", "pull", "ls-remote", "push", "lfs", "submodule update", "remote update")
    if " ".join(arguments[:1]) in asking or " ".join(arguments[:2]) in asking:
        return Asked("git", tuple(word for word in arguments[1:] if URL.match(word)))
    return None


def _gpg(words: tuple[str, ...]) -> Judgement:
    """The key servers and addresses that gpg asks, none if it asks its default server; None if it asks no server."""
    asks = {"--recv-keys", "--recv-key", "--recv", "--keyserver", "--receive-keys", "--refresh-keys", "--locate-keys"}
    asks |= {"--fetch-keys", "--search-keys", "--send-keys"}
    servers = _values(words, "--keyserver", "--fetch-keys")
    return Asked("key-server", servers) if asks & {word.partition("=")[0] for word in words} else None


def _of(
    kind: str, *actions: str, offline: tuple[str, ...] = (), scripts: tuple[str, ...] = ()
) -> Callable[[tuple[str, ...]], Judgement]:
    """A function that judges the words after a program that asks with some of its actions; without `actions`, always.

    It asks for nothing with an option of `offline`, or with `--version`, `-v` or `--help` alone. `scripts` are actions that
    run anything, so their kind is `unknown`. An action "" means that the program asks without an action, too. An action
    can be the first or the second word that is no option; the subjects are those after it.
    """

    def read(words: tuple[str, ...]) -> Judgement:
        """What the words after the program ask for."""
        arguments = _arguments(words, OPTION_ARGUMENTS.get(kind, ()))
        if set(offline) & set(words) or words in (("--version",), ("-v",), ("--help",)):
            return None
        if not actions:
            return Asked(kind, arguments)
        if arguments[:1] and arguments[0] in scripts:
            return Asked("unknown", (" ".join(arguments[:2]),))
        place = next((number for number, word in enumerate(arguments[:2]) if word in actions), None)
        if place is not None:  # the word before may be the argument of an option that is not known
            return Asked(kind, arguments[place + 1 :])
        return Asked(kind) if not arguments and "" in actions else None

    return read


def _rpm(words: tuple[str, ...]) -> Judgement:
    """The addresses among the words after rpm; None if there are none."""
    addresses = tuple(word for word in words if URL.match(word))
    return Asked("download", addresses) if addresses else None


def _su(words: tuple[str, ...]) -> Judgement:
    """The script after `-c` of su or runuser; without one it is unknown."""
    text = next((words[number + 1] for number, word in enumerate(words[:-1]) if word in ("-c", "--command")), "")
    return Script(text) if text else Asked("unknown", ("su",))


def _eval(words: tuple[str, ...]) -> Judgement:
    """The script that eval runs; None without one, and for the output of a command, which is a command of its own.

    A variable whose name has a variable, as in `VAR_$i=`, becomes a plain one, so that the script begins with an assignment.
    """
    text = re.sub(r"^[\w${}]+\+?=", "_=", " ".join(words))
    return Script(text) if text and not text.startswith(("$(", "`")) else None


def _find(words: tuple[str, ...]) -> Judgement:
    """The commands of `-exec` and the like as one script; None without one."""
    commands: list[tuple[str, ...]] = []
    for number, word in enumerate(words):
        if word in ("-exec", "-execdir", "-ok", "-okdir"):
            rest = words[number + 1 :]
            end = next((place for place, one in enumerate(rest) if one in (";", "+")), len(rest))
            commands.append(rest[:end])
    return Script("; ".join(map(shlex.join, commands))) if any(commands) else None


def _trap(words: tuple[str, ...]) -> Judgement:
    """The script that trap runs on a signal; None if it sets none."""
    words = words[1:] if words[:1] == ("--",) else words
    return Script(words[0]) if len(words) > 1 and words[0] and not words[0].startswith("-") else None


RUNNERS = ("run", "run-script", "test", "start")
NPM = ("install", "ci", "i", "add", "update", "exec", "view", "publish", "audit", "create")
DNF = ("install", "update", "upgrade", "makecache", "groupinstall", "reinstall", "localinstall", "in", "refresh", "up")
READERS: Mapping[str, Callable[[tuple[str, ...]], Judgement]] = {
    **dict.fromkeys(("apt-get", "apt", "aptitude"), _apt),
    **dict.fromkeys(("curl", "wget", "aria2c", "axel", "http", "https", "fetch", "lynx"), _addresses),
    **dict.fromkeys(("dnf", "yum", "microdnf", "tdnf", "zypper"), _of("rpm", *DNF)),
    **dict.fromkeys(
        ("npm", "pnpm", "bun"),
        _of("npm", *NPM, offline=("--offline",), scripts=RUNNERS),
    ),
    "corepack": _of("npm", "prepare", "use", "install", "up", "pack"),
    **dict.fromkeys(("npx", "bunx", "pnpx"), _of("npm")),
    **dict.fromkeys(("gpg", "gpg2", "apt-key"), _gpg),
    **dict.fromkeys(
        ("conda", "mamba", "micromamba"), _of("conda", "install", "create", "update", "env", offline=("--offline",))
    ),
    **dict.fromkeys(
        ("ssh", "ssh-keyscan", "scp", "sftp", "rsync", "ftp", "nc", "telnet", "ping", "dig", "nslookup", "host"),
        _of("other"),
    ),
    **dict.fromkeys(("aws", "gcloud", "gsutil", "az", "kubectl", "helm", "oras", "skopeo", "crane"), _of("other")),
    **dict.fromkeys(("docker", "podman", "buildah", "nerdctl"), _of("image", "pull", "push", "run", "build", "login")),
    **dict.fromkeys(
        ("poetry", "pdm", "pipenv", "hatch", "flit"), _of("pip", "install", "sync", "add", "update", "lock", "build")
    ),
    **dict.fromkeys(("pipx",), _of("pip", "install", "inject", "run", "upgrade")),
    **dict.fromkeys(("gem",), _of("other", "install", "update", "fetch")),
    **dict.fromkeys(("bundle", "bundler"), _of("other", "install", "update", "", offline=("--local",))),
    **dict.fromkeys(
        ("cargo",),
        _of("other", "install", "build", "fetch", "update", "add", "run", "test", offline=("--offline", "--frozen")),
    ),
    **dict.fromkeys(
        ("rustup", "nvm", "sdk", "cabal", "stack", "opam", "cpan", "cpanm", "luarocks", "pecl"), _of("other")
    ),
    **dict.fromkeys(("go",), _of("other", "get", "install", "mod", "build", "run", "test", offline=("-mod=vendor",))),
    **dict.fromkeys(("mvn", "gradle", "gradlew", "mvnw", "ant", "sbt"), _of("other", offline=("-o", "--offline"))),
    **dict.fromkeys(("composer",), _of("other", "install", "require", "update", "create-project")),
    **dict.fromkeys(("dotnet", "nuget"), _of("other", "restore", "build", "publish", "install", "add", "tool")),
    "apk": _of("apk", "add", "update", "upgrade", "fetch", offline=("--no-network",)),
    "pacman": _of("other"),
    "yarn": _of("npm", "install", "add", "upgrade", "dlx", "", offline=("--offline",), scripts=(*RUNNERS, "build")),
    "pip-sync": lambda words: Asked("pip", _arguments(words)),
    "easy_install": lambda words: Asked("pip", _arguments(words)),
    "eval": _eval,
    "find": _find,
    "trap": _trap,
    "rpm": _rpm,
    **dict.fromkeys(("su", "runuser"), _su),
    "uv": _uv,
    "uvx": _of("uv"),
    "git": _git,
    "svn": _of("git", "checkout", "co", "export", "update"),
    "hg": _of("git", "clone", "pull"),
    "add-apt-repository": _of("repository"),
    "snap": _of("other", "install"),
    "flatpak": _of("other", "install"),
}
KINDS = _words(
    "apt-install apt-update apt-upgrade pip uv download git key-server rpm npm conda other image apk repository unknown"
)
