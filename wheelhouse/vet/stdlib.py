"""The names of the standard library of Python, and the projects that bring one of them to older Pythons (pure)."""

STDLIB = frozenset(
    """abc argparse array ast asyncio base64 bdb binascii bisect builtins bz2 calendar cmath cmd code codecs codeop collections
    colorsys compileall concurrent configparser contextlib contextvars copy copyreg csv ctypes curses dataclasses datetime dbm
    decimal difflib dis doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib
    functools gc getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http imaplib importlib inspect io ipaddress
    itertools json keyword linecache locale logging lzma mailbox marshal math mimetypes mmap modulefinder multiprocessing netrc
    ntpath numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix posixpath
    pprint profile pstats pty pwd pyclbr pydoc pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched
    secrets select selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 ssl stat statistics string
    stringprep struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios textwrap threading time timeit
    tkinter token tokenize tomllib trace traceback tracemalloc tty turtle types typing unicodedata unittest urllib uuid venv
    warnings wave weakref webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo""".split()  # noqa: SIM905
)
"""The modules of the standard library of Python 3.13, without those of one platform."""

BACKPORTS = {
    module: frozenset(projects.split())
    for module, projects in {
        "argparse": "argparse",
        "asyncio": "asyncio",
        "concurrent": "futures",
        "configparser": "configparser",
        "contextvars": "contextvars",
        "dataclasses": "dataclasses",
        "enum": "enum34",
        "importlib": "importlib",
        "ipaddress": "ipaddress",
        "multiprocessing": "multiprocessing",
        "pathlib": "pathlib",
        "secrets": "python2-secrets",
        "ssl": "ssl",
        "statistics": "statistics",
        "typing": "typing",
        "unittest": "unittest",
        "uuid": "uuid",
        "wsgiref": "wsgiref",
    }.items()
}
"""Modules of the standard library, each with the projects that bring it to an older Python."""
