"""Reports of a vetted wheelhouse: a bill of materials, SARIF, and one HTML page that no name or text from a file can break out of."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel, core_metadata
from wheelhouse.cli.entry import run
from wheelhouse.findings import Policy, Severity
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.report.page import report_view
from wheelhouse.report.rendering import render
from wheelhouse.report.sarif import sarif
from wheelhouse.vet.approvals import Approval, Approvals, Seen
from wheelhouse.vet.cyclonedx import sbom
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.vet import RULES, VetContext, vet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NASTY = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202egpj"
EMBEDDED = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {"component": {"type": "library", "name": "native", "bom-ref": "self"}},
    "components": [
        {"type": "library", "name": "libz", "version": "1.3", "bom-ref": "z"},
        {"type": "library", "name": "libpng", "version": "1.6", "bom-ref": "png"},
    ],
    "dependencies": [{"ref": "self", "dependsOn": ["png"]}, {"ref": "png", "dependsOn": ["z", "nowhere"]}],
}


def hostile_metadata(name: str) -> bytes:
    told = {
        "Summary": NASTY,
        "Author": NASTY,
        "License": NASTY,
        "Home-page": f"javascript:alert(3)//{NASTY}",
        "Project-URL": f"{NASTY}, https://example.test/{NASTY}",
        "Classifier": f"License :: OSI Approved :: {NASTY}",
    }
    head = core_metadata(name, "1.0").decode().rstrip("\n")
    return "\n".join([head, *(f"{key}: {value}" for key, value in told.items()), ""]).encode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A vetted wheelhouse: an application, a wheel with bills of materials of its own, a hostile one, an sdist; one was approved."""
    folder = tmp_path_factory.mktemp("house")
    build_wheel(folder, "app", "1.1", requires=["native", "hostile"])
    boms = {"native.cdx.json": json.dumps(EMBEDDED).encode(), "broken.cdx.json": b'{"bomFormat": "CycloneDX"}'}
    inside = {f"native-1.0.dist-info/sboms/{name}": text for name, text in boms.items()}
    build_wheel(
        folder, "native", "1.0", files={"native/__init__.py": b"", "native/x.so": b"\x7fELF" + bytes(60), **inside}
    )
    build_wheel(
        folder,
        "hostile",
        "1.0",
        metadata=hostile_metadata("hostile"),
        files={
            "hostile/__init__.py": b"",
            "hostile/<svg onload=alert(4)>.py": b"",
            "hostile.pth": f"import os # {NASTY}\n".encode(),
            "hostile-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{NASTY} = hostile:main\n".encode(),
        },
    )
    build_sdist(folder, "raw", "1.0")
    wheelhouse_of(folder, "app", "raw")
    (folder / "files").mkdir()
    others = OtherFiles((OtherFile("tool.tar.gz", "https://files.example/tool.tar.gz", "c" * 64, 4),))
    (folder / "files" / "files.lock.toml").write_text(others.to_toml())
    vetted = vet(folder, Policy(), NOW)
    hashes = {one.filename: one.pin.artifact.sha256 for one in vetted.facts}
    approved = {
        "a" * 64: ("app-1.0-py3-none-any.whl", Seen()),
        hashes["native-1.0-py3-none-any.whl"]: ("native", Seen()),
    }
    approvals = Approvals((Approval(approved, NASTY, "key", NASTY, NOW.date()),), NOW.date())
    return replace(evidence(folder, vetted, Policy(), approvals, NOW, None), name=f"house {NASTY}")


@pytest.fixture(scope="module")
def text(made: Evidence) -> str:
    return render("vet.html.j2", report_view(made, RULES))


class Seeker(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


# The page


def test_nothing_from_a_file_becomes_markup(text: str) -> None:
    seen = Seeker(text)
    assert not seen.open
    assert [attributes.get("type") for attributes in seen.of("script")] == ["application/json", None]
    assert len(list(seen.of("style"))) == 1 and not list(seen.of("img"))
    for _, attributes in seen.elements:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("src", "style", "srcset", "action")
        ]
        assert (attributes.get("href") or "#").startswith("#")
    assert "\u202e" not in text and "\\u202egpj" in text
    assert any("<img src=x onerror=alert(2)>" in told for told in seen.texts)


def test_the_page_allows_its_own_style_and_script_and_nothing_else(text: str) -> None:
    (policy,) = [one["content"] for one in Seeker(text).of("meta") if one.get("http-equiv")]
    assert policy is not None and "default-src 'none'" in policy
    for kind in ("style", "script"):
        (inside,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_what_is_new_or_changed_stands_first(made: Evidence, text: str) -> None:
    first = text.partition("Look at first")[2].partition("</section>")[0]
    assert re.findall(r'<a href="#f\d+"[^>]*>(\w+) 1', first) == ["hostile", "app", "native", "raw"]
    assert "was 1.0" in first and made.new == {name for name in made.hashes if not name.startswith("native")}
    assert "files/tool.tar.gz" in first


@pytest.mark.parametrize(
    ("changes", "kind", "caveats"),
    [
        ({"approvals": Approvals(), "known": NOW}, "open", ["5 files not approved"]),
        ({"known": None}, "open", ["no advisories were checked"]),
        ({"known": NOW - timedelta(days=700)}, "open", ["the newest advisory is 700 days old"]),
        ({"known": NOW - timedelta(days=30)}, "good", []),
        ({"known": NOW, "threshold": Severity.NOTE}, "bad", []),
    ],
    ids=["unapproved", "no advisories", "old advisories", "good", "bad"],
)
def test_the_verdict_is_good_only_if_everything_was_looked_at(
    made: Evidence, changes: dict[str, Any], kind: str, caveats: list[str]
) -> None:
    all_seen = Approval(
        {sha256: (name, Seen()) for name, sha256 in made.hashes.items()}, "Ada", "key", "read", NOW.date()
    )
    approved = {"approvals": Approvals((all_seen,), NOW.date()), "findings": made.findings[-1:]}
    verdict = report_view(replace(made, **{"threshold": Severity.ERROR, **approved, **changes}), RULES)["summary"][
        "verdict"
    ]
    assert (verdict["kind"], verdict["caveats"]) == (kind, caveats)


def test_every_link_leads_somewhere_and_every_file_has_its_page(made: Evidence, text: str) -> None:
    seen = Seeker(text)
    ids = {attributes["id"] for _, attributes in seen.elements if attributes.get("id")}
    links = {str(attributes["href"])[1:] for attributes in seen.of("a")}
    assert links <= ids
    assert {f"f{number}" for number in range(len(made.files))} <= ids


def test_the_graph_is_held_as_data(text: str) -> None:
    (raw,) = re.findall(r'<script type="application/json" id="held">(.*?)</script>', text, re.DOTALL)
    held: dict[str, Any] = json.loads(raw)
    names = [node[0] for node in held["nodes"]]
    app = names.index("app")
    assert {names[number] for number in held["needs"][app]} == {"native", "hostile"}
    assert {names[number] for number in held["roots"]} == {"app", "raw"}
    assert "<" not in raw


def test_what_runs_at_start_is_to_be_read_on_the_files_page(text: str) -> None:
    assert '<pre><span class="t-keyword">import</span> os <span class="t-comment"># &lt;/script&gt;' in text


def test_a_files_page_says_what_changed_since_another_house(tmp_path: Path) -> None:
    for name, text in (("old", b"x = 1\n"), ("new", b"import x\n")):
        (tmp_path / name).mkdir()
        build_wheel(tmp_path / name, "app", "1.0", files={"app/__init__.py": text, f"{name}.pth": b"app\n"})
        wheelhouse_of(tmp_path / name, "app")
    vetted = vet(tmp_path / "new", Policy(), NOW, VetContext(since=tmp_path / "old"))
    found = evidence(tmp_path / "new", vetted, Policy(), Approvals(), NOW, None, tmp_path / "old")
    text_of = render("vet.html.j2", report_view(found, RULES))
    assert "Changed inside since old" in text_of and "− old.pth" in text_of and "+ new.pth" in text_of


# The bill of materials


def test_the_sbom_names_every_file_with_hash_licence_and_graph(made: Evidence) -> None:
    document = json.loads(sbom(made))
    components = {one["bom-ref"]: one for one in document["components"]}
    assert components.keys() == made.hashes.keys() == made.files.keys() | {"files/tool.tar.gz"}
    assert components["files/tool.tar.gz"]["type"] == "file"
    native = components["native-1.0-py3-none-any.whl"]
    assert native["purl"] == "pkg:pypi/native@1.0?file_name=native-1.0-py3-none-any.whl"
    assert native["hashes"] == [{"alg": "SHA-256", "content": made.files[native["bom-ref"]].pin.artifact.sha256}]
    graph = {row["ref"]: set(row.get("dependsOn", ())) for row in document["dependencies"]}
    assert graph["house"] == {"app-1.1-py3-none-any.whl", "raw-1.0.tar.gz", "files/tool.tar.gz"}
    assert graph["app-1.1-py3-none-any.whl"] == {"hostile-1.0-py3-none-any.whl", "native-1.0-py3-none-any.whl"}


def test_the_sbom_holds_those_inside_wheels_and_names_what_cannot_be_read(made: Evidence) -> None:
    document = json.loads(sbom(made))
    (native,) = [one for one in document["components"] if one["name"] == "native"]
    assert {one["name"] for one in native["components"]} == {"libz", "libpng"}
    notes = [one["value"] for one in native["properties"] if one["name"] == "wheelhouse:embedded-sbom"]
    assert sorted(note.endswith("(not merged)") for note in notes) == [False, True]
    graph = {row["ref"]: row.get("dependsOn", ()) for row in document["dependencies"]}
    (png,) = graph[native["bom-ref"]]
    (zlib,) = graph[png]
    assert png.endswith("#png") and zlib.endswith("#z")


def test_the_same_house_and_moment_give_the_same_sbom(made: Evidence) -> None:
    assert sbom(made) == sbom(made)


# SARIF


def test_sarif_holds_every_finding_and_suppresses_what_was_settled(made: Evidence) -> None:
    (log,) = sarif(made, RULES)["runs"]
    told = [(one["ruleId"], "suppressions" in one) for one in log["results"]]
    assert len(told) == len(made.findings) + len(made.approved) + len(made.waived)
    assert ("pth-code", False) in told
    for result in log["results"]:
        assert log["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert len({one["partialFingerprints"]["finding/v2"] for one in log["results"]}) == len(told)


# The command


def test_the_command_writes_all_three(made: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    build_wheel(tmp_path / "wheels", "plain", "1.0")
    wheelhouse_of(tmp_path / "wheels", "plain")
    monkeypatch.chdir(tmp_path)
    assert run(["vet", "--quiet", "--html", "r.html", "--sbom", "s/s.json", "--sarif", "s.sarif"]) == 0
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "s/s.json").read_text())["specVersion"] == "1.6"
    assert json.loads((tmp_path / "s.sarif").read_text())["version"] == "2.1.0"


def test_four_hundred_files_make_a_page_below_five_megabytes(made: Evidence, text: str) -> None:
    (heavy,) = [facts for facts in made.facts if facts.project == "hostile"]
    (own_page,) = re.findall(
        rf'<section id="f{list(made.files).index(heavy.subject)}".*?\n</section>\n', text, re.DOTALL
    )
    assert len(own_page.encode()) * 400 < 5 * 1000 * 1000
