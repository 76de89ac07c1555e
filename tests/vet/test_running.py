"""The rules about code that runs unasked: at each start of Python, at an install and at a build."""

from collections.abc import Mapping

from tests.support.made_facts import made, observations
from tests.vet.test_rules import DISTUTILS, NSPKG
from wheelhouse.findings import Observation, observed
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.facts import MAX_TEXT_BYTES, Entry, Facts

DATA = "odd-1.0.data"


def wheel(texts: Mapping[str, str]) -> Facts:
    return made("odd", texts=texts)


def sdist(texts: Mapping[str, str], *behaviours: Behaviour) -> Facts:
    return made("odd", texts={f"odd-1.0/{name}": text for name, text in texts.items()}, tag="", behaviours=behaviours)


def test_code_of_a_pth_file_is_told_by_its_first_line() -> None:
    for text, first in {
        "import a\nfolder\nimport b\n": ("import a", 2),
        f"{DISTUTILS}import b\n": ("import b", 1),
        f"import {'a' * 113}\n": (f"import {'a' * 113}", 1),
        f"import {'a' * 114}\n": (f"import {'a' * 112}…", 1),
    }.items():
        expected = observed(case="runs", path="odd.pth", lines=first[1], first=first[0])
        assert observations("pth-code", wheel({"odd.pth": text})) == [expected], text
    for text in (DISTUTILS, NSPKG, "folder\n# import a\n", ""):
        assert observations("pth-code", wheel({"odd.pth": text, "odd/more.pth": "import a\n"})) == [], text
    assert observations("pth-code", sdist({"odd.pth": "import a\n"})) == []


def test_a_pth_file_of_which_the_end_is_not_kept_is_told() -> None:
    for size, is_long in {MAX_TEXT_BYTES - 1: False, MAX_TEXT_BYTES: True}.items():
        expected = [observed(case="long", path="odd.pth")] * is_long
        assert observations("pth-code", made("odd", Entry("odd.pth", size))) == expected


def test_a_known_line_of_a_pth_file_is_noted() -> None:
    odd = wheel({"a.pth": f"import b\n{DISTUTILS}", "b.pth": "import b\n", "c.pth": NSPKG, "d.pth": ""})
    assert observations("pth-known", odd) == [observed(path="a.pth"), observed(path="c.pth")]


def test_folders_of_pth_files_are_told() -> None:
    odd = wheel({"a.pth": "../one\nimport a\n/two\n", "b.pth": "import a\n"})
    assert observations("pth-path", odd) == [observed(path="a.pth", folders=("../one", "/two"))]


def test_functions_of_start_files_are_told() -> None:
    text = "# no\n\n  # no\n  odd:begin  \nodd:more\n"
    texts = {
        "a.start": text,
        f"{DATA}/purelib/b.start": "b:c",
        "c.start": "# no\n\n",
        "odd/d.start": text,
        "start.e": "x",
    }
    assert observations("start-file", wheel(texts)) == [
        observed(path="a.start", functions=("odd:begin", "odd:more")),
        observed(path=f"{DATA}/purelib/b.start", functions=("b:c",)),
    ]


STARTS = ("sitecustomize.py", f"{DATA}/purelib/usercustomize.pyc", "usercustomize/__init__.py")


def test_start_modules_at_the_top_are_told() -> None:
    names = (*STARTS, "odd/sitecustomize.py", "sitecustomize.py.txt", f"{DATA}/data/sitecustomize.py")
    assert observations("start-module", made("odd", *names)) == [observed(path=name) for name in STARTS]
    assert observations("start-module", made("odd", *names, tag="")) == []


PYPROJECT = "[build-system]\nrequires = []\nbuild-backend = 'b.c'\nbackend-path = ['x', 'y']\n"
BUILDS: dict[str, tuple[Facts, list[Observation]]] = {
    "setup.py": (sdist({"setup.py": "", "pyproject.toml": PYPROJECT}), [observed(case="setup").as_note()]),
    "setup.py that acts": (
        sdist({"setup.py": ""}, Behaviour("network", "odd-1.0/setup.py", 1, "x")),
        [observed(case="setup")],
    ),
    "setup.py that asks git": (
        sdist({"setup.py": ""}, *(Behaviour(kind, "odd-1.0/setup.py", 1, "x") for kind in ("tool", "dynamic"))),
        [observed(case="setup").as_note()],
    ),
    "another module that acts": (
        sdist({"setup.py": "", "a.py": ""}, Behaviour("network", "odd-1.0/a.py", 1, "x")),
        [observed(case="setup").as_note()],
    ),
    "setup.py deeper down": (sdist({"in/setup.py": ""}), [observed(case="unknown")]),
    "another module": (sdist({"mysetup.py": "", "setup.pyi": ""}), [observed(case="unknown")]),
    "a backend": (sdist({"pyproject.toml": PYPROJECT}), [observed(case="backend", backend="b.c")]),
    "a backend deeper down": (sdist({"in/pyproject.toml": PYPROJECT}), [observed(case="unknown")]),
    "another file of settings": (sdist({"my-pyproject.toml": PYPROJECT}), [observed(case="unknown")]),
    "settings that nobody can read": (sdist({"pyproject.toml": "["}), [observed(case="unknown")]),
    "a wheel": (wheel({"odd/setup.py": "", "odd/pyproject.toml": PYPROJECT}), []),
}


def test_a_build_runs_setup_py_or_a_backend() -> None:
    for name, (facts, expected) in BUILDS.items():
        assert observations("sdist-runs-code", facts) == expected, name


def test_a_backend_of_the_project_s_own_is_told_with_its_folders() -> None:
    own = sdist({"setup.py": "", "pyproject.toml": PYPROJECT})
    assert observations("own-backend", own) == [observed(backend="b.c", folders=("x", "y"))]
    plain = PYPROJECT.replace("backend-path = ['x', 'y']", "")
    for facts in (sdist({"pyproject.toml": plain}), sdist({}), wheel({"odd/pyproject.toml": PYPROJECT})):
        assert observations("own-backend", facts) == []


SOCKET, HIDDEN = "import socket\n", "import zlib; exec(zlib.decompress(x))\n"


def test_the_network_is_told_of_each_member_that_runs_unasked() -> None:
    texts = {
        "a.pth": f"folder\nimport a\n{SOCKET}",
        "b.pth": "socket\n# import socket\nimport os\n",
        "sitecustomize.py": SOCKET,
        "odd/sitecustomize.py": SOCKET,
        f"{DATA}/scripts/c": SOCKET,
        "odd/__init__.py": SOCKET,
    }
    told = [observed(path=name, names=("socket",)) for name in ("a.pth", "sitecustomize.py")]
    assert observations("install-time-network", wheel(texts)) == told
    assert observations("install-time-hidden", wheel(texts)) == []
    built = {"setup.py": SOCKET, "a.pth": SOCKET, "setup.cfg": SOCKET, "b.py": "import os\n", "py.c": SOCKET}
    told = [observed(path=f"odd-1.0/{name}", names=("socket",)) for name in ("setup.py", "a.pth")]
    assert observations("install-time-network", sdist(built)) == told


def test_code_that_is_decoded_is_told_of_each_member_that_runs_unasked() -> None:
    texts = {"a.pth": HIDDEN, "b.pth": "import os\n", "usercustomize.py": HIDDEN, "odd/__init__.py": HIDDEN}
    told = [observed(path=name, calls=("exec(decompress(…))",)) for name in ("a.pth", "usercustomize.py")]
    assert observations("install-time-hidden", wheel(texts)) == told
    assert observations("install-time-network", wheel(texts)) == []


WORD = "a" * 60
SECRETS: dict[str, str] = {
    "-----BEGIN RSA PRIVATE KEY-----": "a private key",
    "-----BEGIN PRIVATE KEY-----": "a private key",
    "-----BEGIN PUBLIC KEY-----": "",
    "'AKIAABCDEFGHIJKLMNOP'": "an AWS access key",
    "'ASIA0123456789ABCDEF'": "an AWS access key",
    "'AKIAABCDEFGHIJKLMNOPQ'": "",
    f"ghp_{WORD[:36]}": "a GitHub token",
    f"ghp_{WORD[:35]}": "",
    f"github_pat_{WORD}": "a GitHub token",
    f"glpat-{WORD[:20]}": "a GitLab token",
    f"glpat-{WORD[:19]}": "",
    "xoxb-0123456789": "a Slack token",
    "xoxc-0123456789": "",
    f"pypi-AgE{WORD[:50]}": "an index's token",
    f"pypi-AgE{WORD[:49]}": "",
    "https://alice:secret@a.example/x": "an address with a password",
    "https://alice@a.example/x": "",
    "https://{user}:{password}@a.example/x": "",
}


def test_a_secret_is_told_by_its_kind_in_code_that_runs_and_in_scripts() -> None:
    for text, kind in SECRETS.items():
        for name in ("sitecustomize.py", f"{DATA}/scripts/a", f"{DATA}/scripts/a.py", f"{DATA}/data/bin/a"):
            told = [observed(path=name, kinds=(kind,))] if kind else []
            assert observations("install-time-secret", wheel({name: f"x = {text}\n"})) == told, (text, name)
    text = f"x = {' '.join(text for text, kind in SECRETS.items() if kind)}"
    kinds = tuple(dict.fromkeys(kind for kind in SECRETS.values() if kind))
    assert observations("install-time-secret", sdist({"setup.py": text})) == [
        observed(path="odd-1.0/setup.py", kinds=kinds)
    ]
    elsewhere = {"odd/a.py": text, f"{DATA}/data/scripts/a": text, "a.pth": text, "odd-1.0.dist-info/a": text}
    assert observations("install-time-secret", wheel(elsewhere)) == []
