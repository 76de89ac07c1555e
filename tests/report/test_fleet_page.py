"""The page on the jobs of one run: which job has what, what changed, what is vulnerable where, what an upgrade would touch."""

import json
import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.wheels import build_wheel
from wheelhouse.report.fleet_facts import ProjectUse
from wheelhouse.vet.advisories import Advisories, Advisory, Event
from wheelhouse.vet.advisory_snapshot import to_json

SETTINGS = """\
python = "3.12"
[jobs.behind]
requirements = ["app", "lib<2"]
[jobs.newest]
requirements = ["app"]
[jobs.broken]
requirements = ["lib>9"]
"""
HOSTILE = "</script><script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "app", "1.0", requires=["lib"])
    build_wheel(folder, "lib", "1.0")
    build_wheel(folder, "lib", "2.0")
    return folder


def write_advisories(folder: Path) -> None:
    lib = canonicalize_name("lib")
    events = (Event("introduced", "0"), Event("fixed", "1.5"))
    advisory = Advisory("PYSEC-1", lib, ranges=(events,), summary=HOSTILE, modified="2025-01-01T00:00:00Z")
    (folder / "advisories.json").write_text(to_json(Advisories({lib: (advisory,)})))


def rows(page: str, view: str) -> list[str]:
    """The rows of the table of a view, each with one space between its words."""
    section = page[page.index(f'<section id="{view}"') :].partition("</section>")[0]
    texts = re.findall(r"<tr>(.*?)</tr>|<div class=\"change-group\"[^>]*>(.*?)</div>", section, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", " ", "".join(text)).split()) for text in texts]


def test_the_page_of_a_run(session: Session, index: IndexServer, offered: Path) -> None:
    folder = session.folder
    (folder / "wheelhouse.toml").write_text(SETTINGS)
    write_advisories(folder)
    assert session("fetch --all --keep-going --report fleet.html") == 3
    page = (folder / "fleet.html").read_text(encoding="utf-8")
    assert "3 jobs: 2 done, 1 failed" in page
    target = "cp312-manylinux_2_28_x86_64"
    jobs = rows(page, "jobs")
    assert re.sub(r"[\d.]+ kB", "1 kB", jobs[1]) == f"behind done {target} 2 2 1 2 1 kB"
    assert re.sub(r"[\d.]+ kB", "1 kB", jobs[2]) == f"newest done {target} 2 2 0 2 1 kB"
    assert jobs[3].startswith("broken failed 0 0 0 0 0 bytes the index has no release of lib&gt;9")
    assert rows(page, "changes")[:2] == [f"added app 1.0 {target}", f"added lib 1.0 {target}"]
    assert rows(page, "vulnerable")[1].startswith("lib 1.0 PYSEC-1 &lt;/script&gt;")
    assert rows(page, "vulnerable")[1].endswith("1.5 1 behind")
    assert rows(page, "projects")[1:] == [
        "app 1.0 2 1.0 2",
        "lib 2.0 2 2.0 1 newest 1.0 1 behind to 2.0: behind app",
    ]
    assert "alert(1)</script>" not in page and "\u202e" not in page

    build_wheel(offered.parent, "lib", "3.0")
    index.add(offered.parent / "lib-3.0-py3-none-any.whl")
    assert session("fetch --all --keep-going --upgrade --report fleet.html") == 3
    page = (folder / "fleet.html").read_text(encoding="utf-8")
    assert rows(page, "changes") == [f"updated lib 2.0 3.0 {target}"]


def test_a_job_that_failed_is_shown_with_what_it_had(session: Session) -> None:
    settings = session.folder / "wheelhouse.toml"
    settings.write_text('python = "3.12"\n[jobs.one]\nrequirements = ["app"]\n')
    assert session("lock --all --report fleet.html") == 0
    settings.write_text('python = "3.12"\n[jobs.one]\nrequirements = ["app", "nope"]\n')
    assert session("lock --all --report fleet.html") == 3
    page = (session.folder / "fleet.html").read_text(encoding="utf-8")
    assert rows(page, "projects")[1:] == ["app 1.0 1 1.0 1", "lib 2.0 1 2.0 1 app"]
    assert rows(page, "changes") == []
    assert "There is no snapshot of advisories" in page


def test_a_report_is_about_jobs(session: Session) -> None:
    assert session("fetch app --python 3.12 --report fleet.html --json") == 2
    assert json.loads(session.stdout)["error"]["hint"] == "add --all, or --job NAME"


def test_what_an_upgrade_touches() -> None:
    old, mid, new = map(Version, ("1.9", "1.10", "2.0"))
    use = ProjectUse(canonicalize_name("lib"), {new: ("c",), mid: ("a", "b"), old: ("b", "d")}, ())
    assert (use.newest, use.most_common) == (new, mid)
    assert use.jobs == ("c", "a", "b", "d")
    assert use.behind == ("a", "b", "d")
