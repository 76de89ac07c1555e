"""Paths outside site-packages that Python, a shell, the system, a tool or an editor reads by itself (pure).

Paths are those of `facts.installed`: `@data/` is the prefix of the environment, as `/usr`, `~/.local` or the folder of a venv.
"""

import re

from wheelhouse.vet.stdlib import STDLIB

_ANY_PREFIX = r"@data/(?:usr/(?:local/)?|root/|home/[^/]+/)?"
_STDLIB = "|".join(sorted(STDLIB | {"site", "sitecustomize", "usercustomize"}))

START_MODULE = re.compile(
    r"(?:(?P<folder>.*)/)?(?:site|user)customize(?:(?:\.[^/]*)?\.(?:pyw?|so|pyd|pyc)|/__init__\.[^/]+)"
)
"""A module that Python imports at its start if its folder is on sys.path."""

PYTHON_FILE = re.compile(
    rf"""{_ANY_PREFIX}(?:
      pyvenv\.cfg | [^/]*\._pth | (?:bin|scripts)/[^/]*\._pth
    | (?:bin|scripts)/(?:python|pypy)[\d.]*t?w?(?:\.exe)?
    | (?:bin|scripts)/(?:de)?activate[^/]*
    | lib(?:64)?/(?:python|pypy)[\d.]+t?/(?!site-packages/|dist-packages/).+
    | lib(?:64)?/python\d+t?\.zip
    | lib/(?:{_STDLIB})(?:/.+)?\.(?:pyw?|pyc|pyd|so)
    | dlls/.+ | (?:bin/|lib(?:64)?/)?(?:lib)?python[\d.]+t?\.(?:so[\d.]*|dll|dylib)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""The interpreter, its settings, its standard library (`lib` is `Lib` on Windows), and what activates an environment."""

DIST_PACKAGES = re.compile(
    r"[^/]+\.data/data/(?:usr/)?(?:local/)?lib/python3(?:\.\d+)?/dist-packages/.+", re.IGNORECASE
)
"""A member, by its name in the wheel, that would be a module of Debian's own Python."""

STARTS_WITH_SYSTEM = re.compile(
    rf"""{_ANY_PREFIX}(?:etc/(?:
        profile(?:\.d/.+)? | (?:bash\.)?bashrc | zsh/.+ | z(?:shrc|shenv|profile) | fish/.+ | environment(?:\.d/.+)?
      | ld\.so\.(?:preload|conf(?:\.d/.+)?) | (?:ana)?cron.* | rc[^/]*\.d/.+ | rc\.local | inittab
      | systemd/.+\.(?:wants|requires)/.+ | systemd/[^/]+-generators/.+ | xdg/autostart/.+
      | sudoers(?:\.d/.+)? | pam\.d/.+ | ssh/.+ | udev/.+ | mod(?:probe|ules-load)\.d/.+ | apt/.+ | update-motd\.d/.+
      | passwd | shadow | group | hosts | nsswitch\.conf | skel/.+ | conda/(?:de)?activate\.d/.+
      | ipython/.+\.(?:py|ipy) | jupyter/.+\.py | NetworkManager/dispatcher\.d/.+ | X11/.+)
    | var/spool/cron.*
    | \.(?:bash(?:rc|_profile|_login|_logout|_aliases)|profile|z(?:shrc|shenv|profile|login)|xprofile|xinitrc|xsession)
    | \.(?:inputrc|vimrc|exrc|pythonrc(?:\.py)?|pdbrc) | \.config/(?:autostart|systemd|fish)/.+ | \.ssh/.+
    | \.ipython/.+\.(?:py|ipy) | \.jupyter/.+\.py | Library/Launch(?:Agents|Daemons)/.+
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""What a shell, a session or the system runs, or obeys, without a further step."""

INSTALLER_SETTINGS = re.compile(
    rf"""{_ANY_PREFIX}(?:
      (?:etc/|etc/xdg/|\.config/|\.)?(?:pip/)?pip\.(?:conf|ini) | (?:etc/|\.config/)?uv/uv\.toml | uv\.toml
    | \.pypirc | _?\.?netrc | (?:etc/)?\.?npmrc | \.?condarc(?:\.d/.+)? | conda-meta/.+
    | (?:etc/|\.)gitconfig | \.(?:aws|kube|docker)/.+
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Settings of pip, uv and like tools: they name the index, or hold credentials."""

JUPYTER_SETTINGS = re.compile(r"@data/etc/jupyter/(?:[^/]+\.d|nbconfig/[^/]+\.d)/[^/]+\.json")
"""A file by which a Jupyter extension turns itself on."""


def is_special(path: str) -> bool:
    """Whether an installed path is of Python itself, runs at the start of a session or the system, or is a setting of
    installers, Git, tools with credentials or Jupyter: other rules report it. False for .pth files and start modules at the
    top of site-packages.
    """
    return any(
        places.fullmatch(path) for places in (PYTHON_FILE, STARTS_WITH_SYSTEM, INSTALLER_SETTINGS, JUPYTER_SETTINGS)
    )
