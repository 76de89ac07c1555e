"""Names of Python's library and of well-known projects, by what a call of them does (pure)."""

import ipaddress
import re

BUILTINS = frozenset(
    """exec eval compile execfile __import__ getattr setattr delattr globals locals vars open input chr ord map bytes bytearray
    str int list tuple dict set frozenset reversed sorted zip filter sum len range type object print super isinstance iter next
    enumerate format repr hex oct bin abs min max any all hash id memoryview slice property staticmethod classmethod""".split()  # noqa: SIM905
)
EXECUTORS = frozenset(
    """builtins.exec builtins.eval builtins.compile builtins.execfile types.FunctionType types.CodeType code.interact
    code.InteractiveInterpreter().runsource code.InteractiveInterpreter().runcode code.InteractiveConsole().push
    runpy._run_code""".split()  # noqa: SIM905
)
"""Functions that make code of their first argument."""
LOADERS = frozenset(
    """marshal.loads marshal.load pickle.loads pickle.load pickle.Unpickler cPickle.loads _pickle.loads _pickle.load _pickle.Unpickler
    dill.loads dill.load cloudpickle.loads jsonpickle.decode shelve.open joblib.load""".split()  # noqa: SIM905
)
"""Functions that make objects of data, and call what the data name; also the class with such a method."""
DECODERS = frozenset(
    """base64.b64decode base64.b32decode base64.b16decode base64.b85decode base64.a85decode base64.urlsafe_b64decode
    base64.standard_b64decode base64.decodebytes base64.decodestring base64.b32hexdecode base64.z85decode binascii.unhexlify
    binascii.a2b_base64 binascii.a2b_hex binascii.a2b_uu zlib.decompress zlib.decompressobj().decompress gzip.decompress
    bz2.decompress lzma.decompress codecs.decode bytes.fromhex builtins.bytes.fromhex builtins.bytearray.fromhex
    marshal.loads decode b64decode decompress unhexlify quopri.decodestring uu.decode brotli.decompress zstandard.decompress
    lsb.reveal stegano.lsb.reveal lsb.decode
    PIL.Image.open().getdata PIL.Image.open().getpixel PIL.Image.open().convert().getdata Image.open().getdata cv2.imread
    wave.open().readframes struct.pack .to_bytes
    steganography.steganography.Steganography.decode judyb.lsb.reveal stegano.lsbset.reveal stegano.exifHeader.reveal""".split()  # noqa: SIM905
)
"""Functions that turn unreadable data into readable data."""
DECRYPTING = re.compile(
    r"(?:Fernet|AES|ARC4|DES3?|Blowfish|ChaCha20|Salsa20|Cipher|SecretBox)\b.*\.(?:decrypt|decryptor\(\)\.update)$"
)
REVEALING = re.compile(r"(?:^|\.)(?:lsb|steg\w*|judyb)\b.*\.(?:reveal|decode|extract)$", re.IGNORECASE)
PROCESSES = frozenset(
    """os.system os.popen os.popen2 os.popen3 os.startfile os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp
    os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve os.spawnvp os.spawnvpe os.posix_spawn
    os.posix_spawnp pty.spawn subprocess.Popen subprocess.run
    subprocess.call subprocess.check_call subprocess.check_output subprocess.getoutput subprocess.getstatusoutput
    commands.getoutput commands.getstatusoutput asyncio.create_subprocess_exec asyncio.create_subprocess_shell command.run
    popen Popen check_output check_call system startfile nt.system posix.system _winapi.CreateProcess
    ctypes.CDLL().system ctypes.CDLL().popen ctypes.cdll.LoadLibrary().system ctypes.cdll.msvcrt.system
    ctypes.windll.shell32.ShellExecuteW ctypes.windll.shell32.ShellExecuteA win32api.ShellExecute sh.bash sh.sh""".split()  # noqa: SIM905
)
FED = frozenset(
    """subprocess.Popen Popen os.popen popen asyncio.create_subprocess_exec asyncio.create_subprocess_shell""".split()  # noqa: SIM905
)
"""Of PROCESSES, those whose result takes what the process reads: by `communicate`, by `write` or by `stdin.write`."""
SHELLS = frozenset(
    """os.system os.popen os.popen2 os.popen3 os.startfile subprocess.getoutput subprocess.getstatusoutput popen system nt.system
    posix.system commands.getoutput startfile asyncio.create_subprocess_shell""".split()  # noqa: SIM905
)
NETWORK_ROOTS = frozenset(
    """urllib urllib2 urllib3 urlopen urlretrieve requests httpx aiohttp http httplib socket smtplib ftplib telnetlib paramiko dns
    aiodns websocket websockets xmlrpc pycurl treq curl_cffi httplib2 wget discord_webhook telebot dhooks urlrequest request
    ssl tls_client grequests niquests asyncio socketserver boto3 URLopener() FancyURLopener()""".split()  # noqa: SIM905
)
VERBS = r"(?:get|post|put|patch|delete|head|options|request|stream|urlopen|fetch)"
NETWORK = re.compile(
    rf"""(?:urllib\.request\.|urllib\.|urllib2\.|urllib3\.|urlrequest\.|request\.)?(?:urlopen|urlretrieve|URLopener\(\)\.\w+
      |FancyURLopener\(\)\.\w+)
    | (?:urllib\.request\.|urllib2\.)build_opener\(\)\.open
    | (?:urllib3|urllib\.request|urllib2|urlrequest)\.Request | urllib3\.request
    | request
    | (?:requests|grequests|niquests|httpx|treq|curl_cffi\.requests|tls_client)(?:\.(?:[sS]ession|Client|AsyncClient)\(\))?\.{VERBS}
    | requests\.(?:sessions\.Session\(\)|api)\.{VERBS}
    | aiohttp\.(?:ClientSession\(\)\.{VERBS}|request)
    | urllib3\.PoolManager\(\)\.(?:request|urlopen)
    | (?:http\.client|httplib)\.HTTPS?Connection\(\)\.(?:request|connect|getresponse|send)
    | httplib2\.Http\(\)\.request
    | socket\.socket\(\)\.(?:connect|connect_ex|send|sendall|sendto|listen|recv|recvfrom|makefile)
    | ssl\.(?:wrap_socket|SSLContext\(\)\.wrap_socket|create_default_context\(\)\.wrap_socket)\(\)\.(?:connect|send|sendall)
    | socket\.create_connection | asyncio\.open_connection
    | smtplib\.SMTP(?:_SSL)?(?:\(\)\.\w+)? | ftplib\.FTP(?:_TLS)?(?:\(\)\.\w+)? | telnetlib\.Telnet(?:\(\)\.\w+)?
    | paramiko\.SSHClient\(\)\.connect | paramiko\.Transport\(\)\.connect
    | websockets?\.(?:create_connection|connect|WebSocketApp) | xmlrpc\.client\.ServerProxy
    | pycurl\.Curl\(\)\.perform | wget\.download | (?:discord_webhook\.DiscordWebhook|dhooks\.Webhook)(?:\(\)\.\w+)?
    | telebot\.TeleBot\(\)\.\w+""",
    re.VERBOSE,
)
"""Calls that connect, send or fetch."""
LOOKUPS = re.compile(
    r"""socket\.(?:gethostbyname|gethostbyname_ex|getaddrinfo)
    | (?:dns\.resolver\.(?:Resolver\(\)\.)?|aiodns\.DNSResolver\(\)\.)(?:query|resolve|query_dns)""",
    re.VERBOSE,
)
"""Calls that look up the address of a name. A name that contains data sends them to a server."""
HOST_CALLS = frozenset(
    """socket.gethostname socket.getfqdn platform.node platform.uname getpass.getuser os.uname os.getlogin uuid.getnode uname
    os.getcwd platform.platform psutil.users getuser gethostname""".split()  # noqa: SIM905
)
WATCHING = re.compile(
    r"""pyperclip\.(?:paste|copy|waitForNewPaste) | clipboard\.(?:paste|copy) | (?:pandas|pd)\.read_clipboard | .*\.to_clipboard
    | win32clipboard\.(?:GetClipboardData|OpenClipboard|SetClipboardData) | .*\.clipboard_(?:get|append)
    | (?:PIL\.)?ImageGrab\.(?:grab|grabclipboard) | pyscreenshot\.grab | pyautogui\.screenshot | pyscreeze\.screenshot
    | mss\.mss(?:\(\)\.(?:grab|shot|save))? | mss\.tools\.to_png | d3dshot\.create(?:\(\)\.\w+)? | dxcam\.create
    | pynput\.(?:keyboard|mouse)\.Listener | (?:keyboard|pynput)\.Listener
    | keyboard\.(?:on_press|on_release|hook|record|read_key|read_event|add_hotkey)
    | mouse\.(?:hook|on_click|record) | pyWinhook\.HookManager | pyHook\.HookManager | pyxhook\.HookManager
    | cv2\.VideoCapture | sounddevice\.(?:rec|InputStream) | pyaudio\.PyAudio\(\)\.open
    | ctypes\.windll\.user32\.(?:GetAsyncKeyState|SetWindowsHookEx[AW]|GetClipboardData)
    | (?:ctypes\.)?windll\.user32\.(?:GetAsyncKeyState|SetWindowsHookEx[AW]|GetClipboardData)
    | evdev\.InputDevice(?:\(\)\.\w+)?""",
    re.VERBOSE,
)
"""Calls that read or replace the clipboard, the screen, keys, camera or microphone."""
DANGEROUS = frozenset(
    """exec eval compile __import__ execfile system popen Popen startfile check_output check_call getoutput spawnl spawnv execv
    execve urlopen urlretrieve loads b64decode decompress WriteProcessMemory""".split()  # noqa: SIM905
)
"""The last parts of names; honest code has no reason to spell them as a text."""
DANGEROUS_MODULES = frozenset(
    """os subprocess builtins sys ctypes marshal base64 zlib socket nt posix requests urllib urllib.request pty codecs""".split()  # noqa: SIM905
)
SECRET_VARIABLE = re.compile(
    r"(?:^|_)(?:AWS_(?:ACCESS|SECRET|SESSION)\w*|\w*(?:SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE_KEY)\w*)$",
    re.IGNORECASE,
)
SECRET_FILES = re.compile(
    r"""(?:^|[/\\~…"'\s])(?:
      \.aws[/\\]+credentials | \.ssh(?:[/\\]+(?:id_\w+|identity|authorized_keys|\*|…))?(?=["'\s]|$)
    | \.netrc | \.pypirc | \.npmrc | \.git-credentials
    | \.docker[/\\]+config\.json | \.kube[/\\]+config
    | \.gnupg(?:[/\\]|$) | \.config[/\\]+gcloud[/\\]+(?:credentials|access_tokens|application_default)
    | \.azure[/\\]
    | \.bash_history | \.zsh_history | \.config[/\\]+solana | \.ethereum | \.bitcoin | \.electrum | wallet\.dat | keystore(?:[/\\]|$)
    )
    | /serviceaccount/token\b | /proc/(?:self|\d+)/(?:environ|mem)\b
    | /etc/(?:passwd|shadow|sudoers)\b | (?:^|[/\\])(?:Login\ Data|Cookies|Web\ Data|Local\ State|logins\.json|key4\.db|cookies\.sqlite)$
    | (?:Google[/\\]+Chrome|BraveSoftware|Mozilla[/\\]+Firefox|Opera\ Software|Microsoft[/\\]+Edge|Yandex[/\\]+YandexBrowser)[/\\]
    | (?:Exodus|atomic|Electrum|Ethereum|Armory|Coinomi|Guarda|Jaxx)[/\\]+.*wallet | Local\ Storage[/\\]+leveldb
    | discord(?:canary|ptb)?[/\\]+Local\ Storage | Telegram\ Desktop[/\\]+tdata | login\.keychain | Library[/\\]+Keychains
    | nkbihfbeogaeaoehlefnkodbefgpgknn""",
    re.VERBOSE | re.IGNORECASE,
)
"""Files with credentials, and folders of browsers and wallets; the last one is MetaMask's."""
SECRET_CALLS = re.compile(
    r"browser_?cookie3\.\w+ | win32crypt\.CryptUnprotectData | (?:\w+\.)*CryptUnprotectData | keyring\.get_password | secretstorage\.\w+",
    re.VERBOSE,
)
STARTUP_FILES = re.compile(
    r"""(?:^|[/\\~…"'\s])\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zshenv|zprofile|kshrc|config/fish/config\.fish|xinitrc|xprofile)$
    | /etc/(?:profile|bash\.bashrc|crontab|cron\.\w+|rc\.local|init\.d|systemd/system|ld\.so\.preload|profile\.d|sudoers) | /var/spool/cron
    | \.config/(?:systemd/user|autostart) | Library/Launch(?:Agents|Daemons) | Start\ Menu[/\\]+Programs[/\\]+Startup
    | \.github[/\\]+workflows[/\\] | CurrentVersion[/\\]+Run(?:Once)?\b | (?:site|user)customize\.py$ | \.ssh/authorized_keys""",
    re.VERBOSE | re.IGNORECASE,
)
"""Files that a system, a shell or Python reads when it starts, and the keys of Windows' registry for that."""
TOOL_SETTINGS = re.compile(
    r"""(?:^|[/\\~…])(?:\.git[/\\]+hooks[/\\] | \.mcp\.json$ | \.claude(?:\.json$|[/\\]) | \.cursor[/\\]
    | \.vscode[/\\]+(?:tasks|settings|launch)\.json$ | \.husky[/\\] | \.envrc$)""",
    re.VERBOSE,
)
"""Files by which git, editors and agents run commands."""
GUARDED = re.compile(
    r"""builtins\.open | getpass\.getpass
    | (?:requests|httpx|urllib3|aiohttp)(?:\.\w+)*\.(?:get|post|put|patch|request|send|urlopen|_request)
    | (?:http\.client|urllib\.request)(?:\.\w+)*\.(?:request|send|urlopen|putheader)
    | (?:eth_account|solders|solana|web3|bitcoinlib|nacl|mnemonic)(?:\.\w+)+""",
    re.VERBOSE,
)
"""Functions of Python and of known projects through which passwords, keys and requests go: who replaces one sees them all."""
SUSPICIOUS_ADDRESS = re.compile(
    r"""//(?:[\w.-]+@)?(?:
      (?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/\d | api\.telegram\.org/bot
    | (?:bit\.ly|tinyurl\.com|is\.gd|cutt\.ly|rb\.gy|t\.ly|shorturl\.at|grabify\.link|iplogger\.\w+|2no\.co|linkvertise\.\w+|adf\.ly)/
    | (?:[\w-]+\.)*(?:ngrok\.io|ngrok-free\.app|ngrok\.app|trycloudflare\.com|serveo\.net|localhost\.run|loca\.lt|workers\.dev
        |repl\.co|glitch\.me|000webhostapp\.com|duckdns\.org|no-ip\.\w+|ddns\.net|pipedream\.net|requestbin\.\w+|webhook\.site|beeceptor\.com
        |hookbin\.com|oastify\.com|interact\.sh|burpcollaborator\.net|canarytokens\.\w+|pastebin\.com/raw|hastebin\.com|rentry\.co|transfer\.sh
        |file\.io|anonfiles\.com|gofile\.io|catbox\.moe|ipinfo\.io|ip\.me|api\.ipify\.org|ifconfig\.me|icanhazip\.com|checkip\.amazonaws\.com)
        (?:[:/?'"]|$)
    | (?:[\w-]+\.)+(?:onion|buzz|cyou|icu|pw|tk|ga|cf|gq|monster|quest|sbs)(?:[:/?'"]|$)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Addresses that hide who receives: shorteners, webhooks, tunnels, request recorders, throw-away domains."""
PUBLIC_SERVICE = re.compile(
    r"""//(?:[\w.-]+@)?(?:api\.telegram\.org/bot | (?:bit\.ly|tinyurl\.com|is\.gd|cutt\.ly|rb\.gy|t\.ly)/
    | (?:[\w-]+\.)*(?:ipinfo\.io|ip\.me|api\.ipify\.org|ifconfig\.me|icanhazip\.com|checkip\.amazonaws\.com)(?:[:/?'"]|$))""",
    re.VERBOSE | re.IGNORECASE,
)
"""Those of SUSPICIOUS_ADDRESS that libraries name, too: Telegram, known shorteners, services that answer with the caller's address."""
BOT_TOKEN = re.compile(r"(?<!\d)\d{8,10}:[A-Za-z0-9_-]{35}(?![\w-])")
"""The token of a Telegram bot: a request with it goes to the bot's owner."""
NUMERIC_ADDRESS = re.compile(
    r"(?:https?|ftp|wss?|tcp)://(?:[^/\s@]+@)?(\[[0-9a-fA-F:]+\]|\d{1,3}(?:\.\d{1,3}){3})(?=[:/?\s'\"]|$)"
)
PROGRAM_NAME = re.compile(
    r"\.(?:exe|scr|dll|bat|cmd|vbs|ps1|msi|so|bin|elf|run|sh|com|pif|jar|apk|dylib)(?:['\"?\s]|$)", re.IGNORECASE
)
NETWORK_MODULES = frozenset(
    """aiohttp ftplib http.client http.server httpx paramiko requests smtplib socket socketserver telnetlib urllib.request urllib2
    urllib3 websocket websockets xmlrpc.client dns.resolver""".split()  # noqa: SIM905
)
"""Modules of which an import alone says that code may use the network."""


def is_public(text: str) -> bool:
    """Whether a text is a numeric address that can be somebody else's: not loopback, private, link-local or unspecified.

    False for three well-known name servers, and for what is no address.
    """
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    octets = address.packed
    if isinstance(address, ipaddress.IPv6Address):
        return not (address.is_loopback or address.is_unspecified or address.is_link_local or octets[0] & 0xFE == 0xFC)
    is_private = (
        octets[0] in (0, 10, 127)
        or octets[:2] in (b"\xc0\xa8", b"\xa9\xfe")
        or (octets[0] == 172 and 16 <= octets[1] < 32)
    )
    return not is_private and octets not in (b"\x01\x01\x01\x01", b"\x08\x08\x08\x08", b"\x08\x08\x04\x04")
