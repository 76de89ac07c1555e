"""The rules about files that start by themselves, or replace those of Python and the system."""

from tests.support.made_facts import made, observations
from wheelhouse.findings import observed

DATA = "odd-1.0.data/data"
FOLDERS: dict[str, tuple[str, str, bool]] = {
    "the same folder": ("a/b", "a/b/sitecustomize.py", True),
    "a folder from the root": ("/opt/x/a/b", "a/b/sitecustomize.py", True),
    "a folder above": ("../../a/b/", "a/b/sitecustomize.py", True),
    "a folder of Windows": (r"..\a\b", "a/b/sitecustomize.py", True),
    "a folder and back": ("a/c/../b", "a/b/sitecustomize.py", True),
    "the end of the folder": ("./b", "a/b/sitecustomize.py", True),
    "the prefix": ("../../../share/x", f"{DATA}/share/x/usercustomize.py", True),
    "the prefix in full": ("/usr/share/x", f"{DATA}/share/x/usercustomize.py", True),
    "the end of the folder from above": ("../b", "a/b/sitecustomize.py", True),
    "the prefix itself, from above": ("../../..", f"{DATA}/sitecustomize.py", True),
    "the end of the folder from the root": ("/b", "a/b/sitecustomize.py", False),
    "another folder": ("a/c", "a/b/sitecustomize.py", False),
    "a folder that ends like it": ("xb", "a/b/sitecustomize.py", False),
    "a folder like whose end it is": ("a/b", "ab/b/sitecustomize.py", False),
    "the start of the folder": ("a", "a/b/sitecustomize.py", False),
    "this folder": (".", "a/b/sitecustomize.py", False),
    "the root": ("/", "a/b/sitecustomize.py", False),
    "the prefix itself": ("a", f"{DATA}/sitecustomize.py", False),
    "a module at the top": ("a", "sitecustomize.py", False),
    "code": ("import a/b", "a/b/sitecustomize.py", False),
}
"""A line of a .pth file, a start module, and whether the line leads to it."""


def test_a_pth_file_that_leads_to_a_start_module_is_told() -> None:
    for name, (line, member, leads) in FOLDERS.items():
        odd, other = made("odd", texts={"odd.pth": f"import c\n{line}\n"}), made("odd", member)
        path = f"@data/{member.removeprefix(f'{DATA}/')}" if member.startswith(DATA) else member
        expected = [observed(path="odd.pth", module=path)] * leads
        assert observations("pth-start-module", odd, other) == expected, name


def test_each_start_module_is_told_once_for_each_pth_file() -> None:
    odd = made("odd", "b/usercustomize.py", texts={"a.pth": "a\nb\n./b\n", "b.pth": "c\n", "c.pth": "b\n", "d.pth": ""})
    other = made("two", "a/sitecustomize.py")
    assert observations("pth-start-module", odd, other) == [
        observed(path="a.pth", module="b/usercustomize.py"),
        observed(path="a.pth", module="a/sitecustomize.py"),
        observed(path="c.pth", module="b/usercustomize.py"),
    ]


DEBIAN = ("odd-1.0.data/data/lib/python3/dist-packages/a.py", "odd-1.0.data/data/usr/lib/python3.12/dist-packages/b.py")
PLACES: dict[str, tuple[str, ...]] = {
    "python-replaced": ("bin/python3", "lib/python3.12/json.py", "pyvenv.cfg", "bin/activate", "lib/python312.zip"),
    "starts-with-system": ("etc/profile.d/odd.sh", ".bashrc", "etc/cron.d/odd", ".ssh/rc"),
    "installer-settings": ("pip.conf", ".config/uv/uv.toml", "etc/npmrc", ".pypirc"),
    "": (
        "etc/odd.conf",
        "etc/profile.txt",
        "bin/odd",
        "bin/python3-config",
        "lib/odd/json.py",
        "share/pip.conf",
        "pip.conf.txt",
        "x/.bashrc",
        "bin/python3/x",
    ),
}
"""By rule: the paths in the prefix that it is for."""


def test_places_of_python_the_system_and_installers_are_told_by_their_rule() -> None:
    odd = made("odd", "odd/pip.conf", *(f"{DATA}/{path}" for paths in PLACES.values() for path in paths), *DEBIAN)
    rest = made("odd", "pip.conf", *(f"{DATA}/{path}" for path in PLACES[""]))
    for rule in filter(None, PLACES):
        paths = (*PLACES[rule], *DEBIAN) if rule == "python-replaced" else PLACES[rule]
        assert observations(rule, odd) == [observed(paths=paths)], rule
        assert observations(rule, rest) == [], rule


def test_either_of_two_places_is_python_s() -> None:
    assert observations("python-replaced", made("odd", DEBIAN[0])) == [observed(paths=DEBIAN[:1])]
    assert observations("python-replaced", made("odd", f"{DATA}/pyvenv.cfg")) == [observed(paths=("pyvenv.cfg",))]
    for path in ("odd/lib/python3/dist-packages/a.py", f"{DEBIAN[0]}/"[:-5], "odd/" + DEBIAN[0]):
        assert observations("python-replaced", made("odd", path)) == [], path
