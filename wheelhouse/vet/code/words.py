"""The words without which code cannot do what the rules look for: a source that has none is not followed (pure)."""

import re
from collections.abc import Iterator

ALONE = re.compile(rb"")
NEEDLES: dict[bytes, re.Pattern[bytes]] = {
    b"exec": re.compile(
        rb"(?<![\w.])(?<!def )exec(?:file)?\s*\(|(?<=os\.)exec[lv]p?e?\b|(?<=['\"])exec['\"]\s*[\])]|(?<=builtins\.)exec"
        rb"|(?<=[=,] )exec(?=\s*(?:\n|$|,))"
    ),
    b"eval": re.compile(
        rb"(?<![\w.])(?<!def )eval\s*\(|(?<=['\"])eval['\"]\s*[\])]|(?<=builtins\.)eval|(?<=[=,] )eval(?=\s*(?:\n|$|,))"
    ),
    b"__import__": re.compile(rb"__import__"),
    b"builtins": re.compile(
        rb"(?<=__)builtins__|(?<=getattr\()builtins|(?<=getattr\( )builtins"
        rb"|builtins\.(?:exec|eval|compile|__dict__|getattr)|builtins\.open\s*=(?!=)|(?<=from )builtins"
    ),
    b"import_module": re.compile(
        rb"import_module\s*\(\s*(?:b?['\"](?:os|subprocess|builtins|base64|socket|ctypes|marshal)|[\w.]*(?:decode|join|chr|\())"
    ),
    b"marshal": re.compile(rb"(?<![\w.])marshal\b(?=\.loads?|\s*$|\s*,|\s*\n)|(?<=from )marshal\b"),
    b"pickle": re.compile(rb"pickle\.(?:loads?|Unpickler)\("),
    b"dill": re.compile(rb"(?<![\w.])dill\.loads?\("),
    b"FunctionType": re.compile(rb"FunctionType\s*\("),
    b"CodeType": re.compile(rb"CodeType\s*\("),
    b"ctypes": re.compile(rb"(?<=import )ctypes|(?<=from )ctypes\b"),
    b"windll": ALONE,
    b"subprocess": re.compile(rb"(?<=import )subprocess|(?<=from )subprocess\b|(?<=, )subprocess\b|subprocess\.\w+\("),
    b"popen": re.compile(rb"popen\s*\(|(?<=['\"])popen"),
    b"Popen": re.compile(rb"Popen\s*\("),
    b"check_output": re.compile(rb"check_output\s*\("),
    b"check_call": re.compile(rb"check_call\s*\("),
    b"getoutput": re.compile(rb"getoutput\s*\("),
    b"startfile": ALONE,
    b"system": re.compile(
        rb"(?<=os\.)system\b|(?<![\w.])(?<!def )system\s*\(|(?<=['\"])system['\"]\s*[\])]|(?<=os import )system\b"
    ),
    b"spawn": re.compile(rb"(?<=os\.)spawn|(?<=os\.posix_)spawn|(?<=pty\.)spawn"),
    b"urlopen": ALONE,
    b"urlretrieve": ALONE,
    b"requests": re.compile(
        rb"(?<![\w.])requests\.(?:get|post|put|patch|delete|request|head|[sS]ession)\b|(?<=from )requests\b|(?<=import )requests(?=\s+as)"
        rb"|(?<![\w.])requests(?:\.\w{1,40}){1,4}\s*=(?!=)|(?<=setattr\()requests\b"
    ),
    b"httpx": re.compile(
        rb"(?<![\w.])httpx\.(?:get|post|put|patch|delete|request|stream|Client|AsyncClient)\b|(?<=from )httpx\b"
    ),
    b"aiohttp": re.compile(rb"(?<![\w.])aiohttp\.(?:ClientSession|request)\b|(?<=from )aiohttp\b"),
    b"urllib3": re.compile(rb"(?<![\w.])urllib3\.(?:PoolManager|request|Request)\b"),
    b"socket": re.compile(
        rb"(?<=socket\.)socket\s*\(|(?<=from )socket\b|socket\.(?:create_connection|gethost\w+|getaddrinfo|socket)\("
    ),
    b"HTTPConnection": re.compile(rb"HTTPConnection\s*\("),
    b"HTTPSConnection": re.compile(rb"HTTPSConnection\s*\("),
    b"SMTP": re.compile(rb"SMTP(?:_SSL)?\s*\("),
    b"FTP": re.compile(rb"(?<!\w)FTP(?:_TLS)?\s*\("),
    b"SSHClient": ALONE,
    b"eth_account": re.compile(rb"(?<=from )eth_account|(?<=import )eth_account"),
    b"solders": re.compile(rb"(?<=from )solders|(?<=import )solders"),
    b"getpass": re.compile(rb"(?<=getpass\.)getpass\s*=(?!=)"),
    b"webbrowser": re.compile(rb"(?<![\w.])webbrowser\.open|(?<=from )webbrowser\b|(?<=import )webbrowser(?=\s+as)"),
    b"VirtualProtect": ALONE,
    b"mprotect": re.compile(rb"(?<=\.)mprotect\("),
    b"dns.resolver": ALONE,
    b"DNSResolver": ALONE,
    b"webhook": re.compile(rb"webhooks?/"),
    b"b64decode": ALONE,
    b"b32decode": ALONE,
    b"b85decode": ALONE,
    b"a85decode": ALONE,
    b"unhexlify": ALONE,
    b"a2b_": re.compile(rb"a2b_(?:base64|hex|uu)"),
    b"fromhex": re.compile(rb"fromhex\s*\("),
    b"decompress": re.compile(rb"decompress\s*\("),
    b"rot13": ALONE,
    b"rot_13": ALONE,
    b".decode(": re.compile(rb"\.decode\(\s*['\"](?:base64|hex|zlib|cp\d+|utf-?7|unicode)"),
    b"Fernet": re.compile(rb"Fernet\s*\("),
    b"reveal": re.compile(rb"(?<=lsb\.)reveal"),
    b"teganography": ALONE,
    b"chr(": re.compile(
        rb"chr\(\w+\s*\^|(?<=[+\[( ])chr\(\d+\)\s*[+,]|(?<=join\()chr\(|(?<=\.join\(\[)chr\(|(?<!\w)chr\(\w{1,3}\)\s+for"
    ),
    b"(chr": re.compile(rb"\(chr,"),
    b"__dict__[": re.compile(rb"__dict__\[\s*(?:b?['\"]\w*['\"]\s*[+\]]|\w+\()"),
    b"globals()[": re.compile(
        rb"globals\(\)\[\s*b?['\"][^'\"\n]{1,40}['\"]\s*\]\s*\(|globals\(\)\[\s*b?['\"](?:\\|__b)"
    ),
    b"__getattribute__(": re.compile(rb"(?<!super\(\)\.)(?<!object\.)__getattribute__\(\s*['\"]"),
    b"getattr(": re.compile(
        rb"getattr\(\s*(?:__|builtins|os\b|subprocess|sys\.modules|ctypes)|getattr\([^(),\n]{1,40},\s*(?:b?['\"][^'\"\n]*['\"]\s*(?:\[|\.(?:decode|join|replace))|\(?chr)"
    ),
    b"vars(": re.compile(rb"vars\(\s*(?:__|builtins|globals|locals|os\b)"),
    b"environ": re.compile(rb"dict\(os\.environ\)|(?<=os\.)environ\b(?!\s*[.\[])|(?<=os\.)environ\.(?:copy|items)\("),
    b"pyperclip": ALONE,
    b"clipboard": re.compile(rb"clipboard\.(?:paste|copy)\(|(?<=read_)clipboard|(?<=win32)clipboard|clipboard_get"),
    b"ImageGrab": ALONE,
    b"screenshot": re.compile(rb"screenshot\("),
    b"pynput": ALONE,
    b"keyboard": re.compile(rb"(?<=import )keyboard\b"),
    b"mss": re.compile(rb"(?<!\w)mss\.mss\b|(?<=import )mss\b"),
    b"HookManager": ALONE,
    b"VideoCapture": ALONE,
    b"dshot": ALONE,
    b"cookie3": ALONE,
    b"CryptUnprotectData": ALONE,
    b"ProcessMemory": ALONE,
    b"CreateRemoteThread": ALONE,
    b"VirtualAlloc": ALONE,
    b"RtlMoveMemory": ALONE,
    b"SetValueEx": ALONE,
    b"cmdclass": re.compile(rb"cmdclass\s*="),
    b"pyarmor": re.compile(rb"(?<=from )pyarmor_runtime|(?<=import )pyarmor_runtime|(?<=__)pyarmor__"),
    b"pytransform": ALONE,
    b".bashrc": ALONE,
    b".zshrc": ALONE,
    b"_profile": re.compile(rb"(?<=\.bash)_profile"),
    b".ssh": re.compile(rb"\.ssh\b(?!\.)"),
    b".aws": re.compile(rb"\.aws[/\\'\"]"),
    b".netrc": ALONE,
    b"/etc/": re.compile(rb"/etc/(?:passwd|shadow|crontab|cron\.|profile|ld\.so)"),
    b"LaunchAgents": ALONE,
    b"CurrentVersion": re.compile(rb"CurrentVersion\\+Run"),
    b"Login Data": ALONE,
    b"leveldb": re.compile(rb"[Ss]torage.{1,9}leveldb|(?<=torage\\)leveldb|(?<=torage\\\\)leveldb"),
    b"undll32": ALONE,
    b"owershell": ALONE,
    b"LD_PRELOAD": ALONE,
    b"__subclasses__": re.compile(rb"(?<=__\.)__subclasses__|(?<=\]\.)__subclasses__"),
    b"attrgetter": re.compile(rb"attrgetter\s*\(\s*['\"](?:system|popen|exec)"),
    b"methodcaller": re.compile(rb"methodcaller\s*\(\s*['\"](?:system|popen|exec)"),
    b"memfd_create": ALONE,
    b"dup2": re.compile(rb"dup2\s*\("),
    b"PROT_EXEC": ALONE,
    b"rmtree": re.compile(
        rb"rmtree\(\s*(?:os\.path\.expanduser\(|Path\.home\(|pathlib\.Path\.home\(|['\"](?:/|~|[A-Z]:)[/\\]*['\"])"
    ),
    b"cookies.sqlite": ALONE,
    b"logins.json": ALONE,
    b"Local State": ALONE,
    b"Mozilla": re.compile(rb"Mozilla['\"\\/]"),
    b"_history": re.compile(rb"(?<=\.bash)_history|(?<=\.zsh)_history"),
    b"wallet": re.compile(rb"wallet\.dat|(?<=exodus\.)wallet"),
    b"Startup": re.compile(rb"(?<=Programs/)Startup|(?<=Programs\\)Startup|(?<=Programs\\\\)Startup|Startup['\"]"),
    b"authorized_keys": ALONE,
    b".pypirc": ALONE,
    b".git/hooks": ALONE,
    b".mcp.json": ALONE,
    b".claude/": ALONE,
    b".cursor/": ALONE,
    b".vscode/": ALONE,
    b"/etc/sudoers": ALONE,
    b".npmrc": ALONE,
    b".git-credentials": ALONE,
    b"workflows": re.compile(rb"(?<=\.github/)workflows|(?<=\.github['\"], ['\"])workflows"),
    b"xmrig": ALONE,
    b"stratum+": ALONE,
    b"api.telegram.org": ALONE,
    b"clipboard_append": ALONE,
    b"dangerously-": re.compile(rb"dangerously-(?:skip|bypass)"),
    b"pip": re.compile(rb"(?<=from )pip\b|(?<=import )pip\b"),
    b"run_path": ALONE,
    b"serviceaccount/token": ALONE,
    b"f0VMR": ALONE,
    b"TVqQAA": ALONE,
    b"TVpQAA": ALONE,
}
"""Plain word → pattern. The plain word is searched first, because that is fast; it counts only if the pattern matches there."""
WORD_BYTES = re.compile(rb"\w+")
SEPARATED = re.sub(rb"\W", b" ", bytes(range(256)))
"""A table for `bytes.translate` that leaves the letters, digits and underscores of ASCII, and makes blanks of all other bytes."""
CORES = {needle: max(WORD_BYTES.findall(needle), key=len) for needle in NEEDLES}
"""The longest word in each needle. A source that has the needle has a word that contains this."""
MAX_SEEN_WORDS = 200_000
MAX_WORDS = 50_000
"""A source with more different words is searched for each needle, so that nothing of it is remembered."""


class SeenWords:
    """Remembers which words contain the core of a needle, so that a word that many sources have is searched once.

    Threads may share it: a word counts as seen only after all its needles are kept.
    """

    def __init__(self) -> None:
        self._memory = _Memory()

    def needles(self, source: bytes) -> set[bytes]:
        """The needles that a source may have, by its words; it has no other.

        All needles if the source has more than MAX_WORDS different words. New words are remembered; before, all are forgotten if there
        are too many.
        """
        words = set(source.translate(SEPARATED).split())
        if len(words) > MAX_WORDS:
            return set(NEEDLES)
        memory = self._memory
        if len(memory.words) > MAX_SEEN_WORDS:
            memory = self._memory = _Memory()
        if new := words - memory.words:
            memory.learn(new)
        return set().union(*(memory.needles[word] for word in words & memory.telling))


class _Memory:
    """The words that were seen, those of them that contain a core, and their needles."""

    def __init__(self) -> None:
        self.words: set[bytes] = set()
        self.telling: set[bytes] = set()
        self.needles: dict[bytes, set[bytes]] = {}

    def learn(self, words: set[bytes]) -> None:
        """Add words that were seen, and the needles whose core each of them contains."""
        text = b"\n".join(words)
        for needle in [needle for needle, core in CORES.items() if core in text]:
            for word in [word for word in words if CORES[needle] in word]:
                self.needles.setdefault(word, set()).add(needle)
                self.telling.add(word)
        self.words |= words


_seen_words = SeenWords()


def is_worth_following(source: bytes) -> bool:
    """Whether a source has at least one word of NEEDLES at a place where the pattern of the word matches, too."""
    return next(_places(source), None) is not None


def lines_worth_following(source: bytes) -> list[int]:
    """The line numbers at which words of NEEDLES count in a source, from 1, in order. A line with several is there several times."""
    lines, position, line = [], 0, 1
    for place in sorted(_places(source)):
        line += source.count(b"\n", position, place)
        position = place
        lines.append(line)
    return lines


def _places(source: bytes) -> Iterator[int]:
    """The byte offsets at which a word of NEEDLES is and its pattern matches, by needle, not sorted."""
    for needle in _seen_words.needles(source):
        pattern = NEEDLES[needle]
        place = source.find(needle)
        while place >= 0:
            if pattern.match(source, place):
                yield place
            place = source.find(needle, place + len(needle))
