"""Places that Python, the system or a tool reads by itself, and places that are almost the same."""

from wheelhouse.vet.places import (
    DIST_PACKAGES,
    INSTALLER_SETTINGS,
    JUPYTER_SETTINGS,
    PYTHON_FILE,
    START_MODULE,
    STARTS_WITH_SYSTEM,
    is_special,
)

PYTHONS = """
pyvenv.cfg python._pth bin/python3.12._pth Scripts/python.exe bin/pypy3 bin/python3.13t scripts/pythonw.exe bin/activate.fish
bin/deactivate lib/python3.12/json/__init__.py lib64/python3.13t/x lib/python312.zip lib/site.py Lib/sitecustomize.py
lib/usercustomize.so lib/zoneinfo/x.pyd lib/abc.py DLLs/x.dll bin/libpython3.12.so.1.0 python312.dll
"""
NO_PYTHONS = """
pyvenv.cfg.txt sub/pyvenv.cfg bin/python3.12-config bin/activ bin/x/python lib/python3.12/site-packages/a.py
lib/python3.12/dist-packages/a.py lib/odd.py lib/siteX.py lib/xsite.py lib/site.txt lib/abc.json lib/python312.zip.txt python312.txt
"""
SYSTEM = """
etc/profile etc/profile.d/odd.sh etc/bash.bashrc etc/zsh/x etc/environment.d/x etc/ld.so.preload etc/ld.so.conf.d/x etc/cron.d/x
etc/rc3.d/x etc/systemd/system/a.wants/b etc/systemd/system-generators/x etc/xdg/autostart/x etc/sudoers.d/x etc/apt/x etc/passwd
etc/conda/activate.d/x etc/ipython/a.py var/spool/cron/x .bashrc .zshenv .vimrc .config/systemd/x .ssh/rc .jupyter/a.py
Library/LaunchAgents/x ETC/NetworkManager/dispatcher.d/x
"""
NO_SYSTEM = """
etc/profiles etc/bashrc.txt etc/ld.so.cache etc/systemd/system/a.service etc/passwd.txt etc/ipython/a.txt var/spool/x .bashrc.txt
.config/x share/etc/profile Library/x etc/hostname
"""
SETTINGS = """
pip.conf etc/pip.conf .pip/pip.conf .config/pip/pip.conf pip.ini uv.toml .config/uv/uv.toml .pypirc .netrc _netrc .npmrc etc/npmrc
.condarc condarc.d/x conda-meta/x .gitconfig etc/gitconfig .aws/x .docker/config.json
"""
NO_SETTINGS = "pip.confX pip.toml sub/uv.toml uv.toml.txt pypirc aws/x gitconfig .condarc.txt conda-metadata/x"
JUPYTER = "etc/jupyter/jupyter_server_config.d/a.json etc/jupyter/nbconfig/notebook.d/a.json"
NO_JUPYTER = "etc/jupyter/a.json etc/jupyter/x.d/a.jsonX etc/jupyter/x.d/b/a.json etc/jupyter/custom/x.d/a.json etc/jupyter/x.d/a.txt"
TABLES = {
    "Python": (PYTHON_FILE, PYTHONS, NO_PYTHONS),
    "the system": (STARTS_WITH_SYSTEM, SYSTEM, NO_SYSTEM),
    "installers": (INSTALLER_SETTINGS, SETTINGS, NO_SETTINGS),
    "Jupyter": (JUPYTER_SETTINGS, JUPYTER, NO_JUPYTER),
}


def test_each_reader_has_its_places() -> None:
    for name, (places, inside, outside) in TABLES.items():
        for path in inside.split():
            assert places.fullmatch(f"@data/{path}"), (name, path)
            assert is_special(f"@data/{path}"), (name, path)
        for path in outside.split():
            assert not places.fullmatch(f"@data/{path}"), (name, path)


def test_a_place_is_special_if_it_is_one_as_a_whole() -> None:
    others = f"{NO_PYTHONS} {NO_SYSTEM} {NO_SETTINGS} {NO_JUPYTER} share/x"
    assert not [path for path in others.split() if is_special(f"@data/{path}")]
    assert not [path for path in f"{PYTHONS} {SYSTEM} {SETTINGS} {JUPYTER}".split() if is_special(path)]


def test_a_prefix_can_be_in_front() -> None:
    for prefix in ("usr/", "usr/local/", "root/", "home/ada/"):
        assert all(
            places.fullmatch(f"@data/{prefix}{path}")
            for places, path in (
                (PYTHON_FILE, "pyvenv.cfg"),
                (STARTS_WITH_SYSTEM, ".bashrc"),
                (INSTALLER_SETTINGS, ".netrc"),
            )
        )
        assert not PYTHON_FILE.fullmatch(f"@data/opt/{prefix}pyvenv.cfg")


def test_a_start_module_has_a_folder() -> None:
    rows = {
        "sitecustomize.py": None,
        "a/b/usercustomize.cpython-312.so": "a/b",
        "a/sitecustomize/__init__.pyc": "a",
        "sitecustomize/__init__.abi3.so": None,
        "sitecustomize.pyX": "",
        "xsitecustomize.py": "",
        "sitecustomize/a.py": "",
        "sitecustomize.txt": "",
    }
    for path, folder in rows.items():
        match = START_MODULE.fullmatch(path)
        assert (match["folder"] if match else "") == folder, path


def test_debians_own_packages_have_their_folder() -> None:
    for path in (
        "lib/python3/dist-packages/a.py",
        "usr/lib/python3.12/dist-packages/a",
        "usr/local/lib/python3.9/dist-packages/a",
    ):
        assert DIST_PACKAGES.fullmatch(f"odd-1.0.data/data/{path}"), path
    for path in ("lib/python2/dist-packages/a.py", "lib/python3/site-packages/a", "lib/python3/dist-packages/"):
        assert not DIST_PACKAGES.fullmatch(f"odd-1.0.data/data/{path}"), path
