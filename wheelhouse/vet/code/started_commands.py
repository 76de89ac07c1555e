"""What the commands that code starts are likely to do, by their words (pure)."""

import re

HARMLESS = frozenset(
    """python python3 python2 py pypy pypy3 pip pip3 uv git hg svn bzr fossil pkg-config pkgconf cmake ctest make gmake nmake
    ninja meson gcc g++ cc c++ clang clang++ ld ld.lld lld ar nm objdump otool install_name_tool readelf ldd ldconfig
    strip file patchelf xcrun xcodebuild xcode-select sw_vers uname lsb_release arch which where locale stty tput
    clear cls reset twine gpg gpg2 docker podman pandoc echo printf true coverage pytest flake8 black ruff mypy tox
    sphinx-build nvidia-smi nvcc rocm-smi rocminfo hipconfig java javac node npm npx yarn pnpm bun brew port dpkg
    dpkg-query rpm getconf sysctl cl cl.exe link vswhere vswhere.exe mpicc mpiexec mpirun swig cython flex bison rustc
    cargo go ghc stack ocaml ruby gem perl r rscript julia lscpu nproc free df du ls dir cat head tail grep sed awk
    sort wc cp mv mkdir ln touch test date llvm-config pg_config mysql_config mariadb_config xml2-config xslt-config
    krb5-config curl-config cups-config gdal-config geos-config nc-config net-snmp-config icu-config wx-config
    sdl-config sdl2-config freetype-config libpng-config gettext msgfmt xgettext protoc thrift antlr4 dot latex
    pdflatex tex kpsewhich ffmpeg ffprobe fc-list gs convert identify hadoop spark-submit ps tasklist ver wmic cygpath
    winepath id groups sudo pre-commit pre_commit isort help man less more tee time cd pushd export set setx kubectl
    helm aws gcloud az terraform pkill pgrep lsof netstat setup.py unzip tar gzip 7z zip swift lipo codesign lsmod
    dmesg sinfo srun scontrol squeue ninja-build ccache emcc wasm-ld qmake moc uic rcc lrelease dbus-launch defaults
    explorer explorer.exe xdg-open open color conda mamba micromamba oslevel system_profiler xdg-user-dir osql
    sqlcmd psql mysql gsettings kreadconfig5 dconf reg.exe rmdir""".split()  # noqa: SIM905
)
"""Programs that builds, version look-ups and tools call: a call of them alone is no finding."""
ASKS = "asks who and where it is"
INSTALLS = re.compile(
    r"\bpip3?(?:\.exe)?\s+(?:-\S+\s+)*install\s|\b(?:npm|yarn|pnpm|gem|cargo|brew|apt|apt-get|dnf|yum|apk|conda|choco|winget)\s+(?:-\S+\s+)*"
    r"(?:install|add)\s|\buv\s+(?:pip\s+install|add|tool\s+install)\s|\bnpx\s+(?:-y|--yes)\s"
)
"""Commands that install something from a registry."""
SENDING = re.compile(r"\b(?:curl|wget|nslookup|dig|host|ping|nc|ncat|ftp|scp|ssh|git)\b")
"""Programs that send words of their command to other machines."""
WORD = r"(?:^|[\s;&|(`$\"'/\\])"
SUSPICIOUS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "downloads",
        re.compile(
            rf"{WORD}(?:curl|wget|bitsadmin|certutil|aria2c|Invoke-WebRequest|iwr|DownloadFile|DownloadString|Start-BitsTransfer)(?:\.exe)?\b(?!-)",
            re.IGNORECASE,
        ),
    ),
    (
        "runs a shell of Windows",
        re.compile(
            rf"{WORD}(?:powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msiexec|installutil|forfiles)(?:\.exe)?(?=[\s\"',]|$)",
            re.IGNORECASE,
        ),
    ),
    ("starts a file", re.compile(r"(?:^|[|&;]\s*|cmd(?:\.exe)?\s+/c\s+)start\s+(?!explorer\b)", re.IGNORECASE)),
    (
        "opens a connection to a shell",
        re.compile(rf"/dev/(?:tcp|udp)/|{WORD}(?:nc|ncat|netcat|socat|telnet)\s+-?\S|\bbash\s+-i\b|mkfifo\s"),
    ),
    (
        "decodes and runs",
        re.compile(
            r"base64\s+(?:-d|-D|--decode)|\bxxd\s+-r|^(?>.*?\bopenssl\s+enc\b).*-d\b|-enc(?:odedcommand)?\s",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "runs at every start or on a schedule",
        re.compile(
            rf"{WORD}(?:crontab|schtasks|at\.exe|launchctl|update-rc\.d|chkconfig)(?:\.exe)?\b|systemctl\s+(?:--\S+\s+)*(?:enable|start)|\breg(?:\.exe)?\s+add\b|CurrentVersion\\+Run",
            re.IGNORECASE,
        ),
    ),
    (
        "makes a file executable",
        re.compile(
            rf"{WORD}chmod\s+(?:-\S+\s+)*(?:[augo]*\+[rw]*x|0?[1-7]?[1357]\d\d)|RunAsInvoker|{WORD}xattr\s+-[cd]"
        ),
    ),
    ("removes files", re.compile(rf"{WORD}(?:rm\s+(?:-\w+\s+)*-\w*[rf]|del\s+/|rd\s+/s|shred\s|mkfs|dd\s+if=)")),
    (
        ASKS,
        re.compile(
            rf"^(?:whoami|hostname|ifconfig|ipconfig|systeminfo|net\s+user|arp\s+-a|getmac|tasklist\s+/v)\b|{WORD}(?:whoami|systeminfo)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "reads secrets",
        re.compile(
            rf"{WORD}security\s+(?:find-|dump-)|\bcmdkey\s+/list|\bosascript\b|netsh\s+wlan\s+show|dump-keychain|\.ssh/id_|\.aws/credentials"
            rf"|\bgh\s+auth\s+token\b|\A(?>(?s:.*?)\bgcloud\s+auth\s+)(?:(?s:.*)\s)?print-\S*token\b|\baz\s+account\s+get-access-token\b"
            rf"|\baws\s+configure\s+(?:get|export-credentials)\b|{WORD}secret-tool\s+(?:lookup|search)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "switches protection off",
        re.compile(
            r"Set-MpPreference|DisableRealtimeMonitoring|netsh\s+advfirewall|setenforce\s+0|ufw\s+disable|csrutil\s+disable|Add-MpPreference",
            re.IGNORECASE,
        ),
    ),
    (
        "runs a file of a temporary folder",
        re.compile(r"^(?:[\"']?(?:/tmp/|/var/tmp/|/dev/shm/)|…?%temp%|%appdata%)", re.IGNORECASE),
    ),
    (
        "reads or replaces the clipboard",
        re.compile(rf"\b(?:Set|Get)-Clipboard\b|{WORD}(?:xclip|xsel|pbcopy|pbpaste|wl-paste|wl-copy)\b"),
    ),
    (
        "takes a picture of the screen",
        re.compile(
            r"(?:^|[|&;]\s*)(?:\S*/)?(?:screencapture|scrot|gnome-screenshot|grim|import\s+-window\s+root)(?=\s|$)"
        ),
    ),
    ("runs a hidden file", re.compile(r"^(?:\./|~/|…/)\.[a-z]\w*", re.IGNORECASE)),
    (
        "installs from elsewhere",
        re.compile(
            r"^(?>.*?\bpip3?\s+install\b).*(?:--index-url|-i\s|--extra-index-url|git\+|https?://)",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
)
WINDOWS_SUFFIX = re.compile(r"\.(?:exe|cmd|bat)$")
PROGRAM = re.compile(
    r"\s*(?:sudo\s+|env\s+|exec\s+|cmd(?:\.exe)?\s+/c\s+|(?:\w+=\S*\s+))*"
    r"(?:[\"'](?:[\w.:~…/\\ -]*[/\\])?|(?:[\w.:~…/\\-]*[/\\])?)([\w.+…-]+)"
)

READER = re.compile(
    r"\s*(?:(?:sudo|env)\s+)*(?:sys\.executable|(?:\S*[/\\])?(?:(?:ba|da|z|k)?sh|(?:python|pypy)[\d.]*|perl|ruby|node|php|powershell|pwsh"
    r"|cmd)(?:\.exe)?)(?:\s+(?:-\S*|/dev/stdin))*\s*",
    re.IGNORECASE,
)


def suspicion(command: str) -> str:
    """Why a reviewer must see a command, in a few words; of several reasons the first in SUSPICIOUS. Empty if its words do not say."""
    return next((why for why, pattern in SUSPICIOUS if pattern.search(command)), "")


def program_of(command: str) -> str:
    """The name of the program that a command starts, in lower case, without folder and without `.exe`, `.cmd` or `.bat`; empty if
    the command does not say. `python` for `sys.executable`. `sudo`, `env`, `exec`, `cmd /c` and `NAME=value` before it are
    passed over; an option after them is taken for the program.
    """
    if command.startswith("sys.executable"):
        return "python"
    match = PROGRAM.match(command)
    return WINDOWS_SUFFIX.sub("", match[1].lower()) if match and "…" not in match[1] else ""


def reads_program(command: str) -> bool:
    """Whether a command starts a shell or an interpreter that reads its program from its input: one with options alone."""
    return bool(READER.fullmatch(command))


def is_harmless(command: str) -> bool:
    """Whether a command starts one of the programs in HARMLESS, and `suspicion` finds nothing in its words."""
    return program_of(command) in HARMLESS and not suspicion(command)
