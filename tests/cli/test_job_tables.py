"""The tables of jobs in a settings file: what each inherits, and how a bad one is refused."""

from pathlib import Path

import pytest

from wheelhouse.config.jobs import read_jobs, selected_jobs
from wheelhouse.config.settings import Settings, read_settings
from wheelhouse.errors import InputError

FILE = """\
python = "3.12"
requirements = ["lib"]
include = ["teams/*.toml"]
dest = "wheels"
uploaded-prior-to = 2025-01-01

[indexes.corp]
url = "http://127.0.0.1/simple"
projects = ["acme-*"]

[debian]
sources = ["deb https://mirror.example/debian bookworm main"]
packages = ["git"]

[[files]]
url = "https://files.example/a"

[policy]
threshold = "warning"

[jobs.plain]

[jobs.own]
python = ["3.10", "3.11"]
requirements = []
dest = "elsewhere"
uploaded-prior-to = 2024-01-01
files = []
indexes.corp.projects = ["acme-lib"]
indexes.more.find-links = "folder"
indexes.more.projects = ["more"]
debian.packages = ["vim"]
"""
TEAM = """\
python = "3.13"
pre = true

[jobs.team]
extras = ["x"]
"""


def write(folder: Path, text: str, **teams: str) -> dict[str, Settings]:
    (folder / "teams").mkdir(exist_ok=True)
    (folder / "wheelhouse.toml").write_text(text)
    for name, team in teams.items():
        (folder / "teams" / f"{name}.toml").write_text(team)
    return read_jobs(folder)


def test_a_job_has_its_own_keys_and_inherits_the_others(tmp_path: Path) -> None:
    jobs = write(tmp_path, FILE, team=TEAM)
    assert list(jobs) == ["plain", "own", "team"]
    inherited = {
        "python": ("3.12",),
        "requirements": ("lib",),
        "uploaded_prior_to": "2025-01-01",
        "indexes": ("corp=http://127.0.0.1/simple",),
        "index_projects": ("corp=acme-*",),
        "deb_sources": ("deb https://mirror.example/debian bookworm main",),
        "debs": ("git",),
    }
    assert jobs["plain"].options == inherited | {"dest": "wheelhouses/plain"}
    assert jobs["own"].options == {
        "python": ("3.10", "3.11"),
        "dest": "elsewhere",
        "uploaded_prior_to": "2024-01-01",
        "indexes": ("corp=http://127.0.0.1/simple",),
        "find_links": ("more=folder",),
        "index_projects": ("corp=acme-lib", "more=more"),
        "deb_sources": inherited["deb_sources"],
        "debs": ("vim",),
    }
    assert jobs["team"].options == inherited | {
        "python": ("3.13",),
        "pre": True,
        "extras": ("x",),
        "dest": "wheelhouses/team",
    }
    assert [len(job.files) for job in jobs.values()] == [1, 0, 1]
    assert {job.policy.threshold for job in jobs.values()} == {"warning"}
    alone = read_settings(tmp_path)
    assert (alone.has_jobs, alone.options) == (True, inherited | {"dest": "wheels"})


def test_jobs_of_a_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.wheelhouse]\noutput = "out"\n[tool.wheelhouse.jobs.a]\n')
    assert {name: job.options for name, job in read_jobs(tmp_path).items()} == {"a": {"dest": "out/a"}}


def test_jobs_are_chosen_by_patterns_in_the_order_of_the_file(tmp_path: Path) -> None:
    jobs = write(tmp_path, "".join(f"[jobs.{name}]\n" for name in ("team-b", "team-a", "other")))
    assert list(selected_jobs(jobs, ())) == ["team-b", "team-a", "other"]
    assert list(selected_jobs(jobs, ("other", "team-*"))) == ["team-b", "team-a", "other"]
    assert list(selected_jobs(jobs, ("*-a",))) == ["team-a"]
    with pytest.raises(InputError, match="no job is named `Team-a`"):
        selected_jobs(jobs, ("team-*", "Team-a"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[jobs.a]\ncolour = 1", "wheelhouse.toml`: `jobs.a`: object contains unknown field `colour`"),
        ("jobs = 3", "wheelhouse.toml`: `jobs` is 3: expected `object`, got `int`"),
        ("[jobs]\na = 3", "wheelhouse.toml`: `jobs.a` is 3: expected `object`, got `int`"),
        ('[jobs."a/b"]', "wheelhouse.toml`: `jobs.a/b`: this cannot be a job's name"),
        ('[jobs.".."]', "wheelhouse.toml`: `jobs...`: this cannot be a job's name"),
        ("[jobs.a]\npython = 3", "wheelhouse.toml`: `jobs.a.python` is 3: expected `array`, got `int`"),
        ('[jobs.a.policy]\nthreshold = "note"', "wheelhouse.toml`: `jobs.a`: object contains unknown field `policy`"),
        ('[jobs.a]\ninclude = ["x"]', "wheelhouse.toml`: `jobs.a`: object contains unknown field `include`"),
        (
            '[indexes.x]\nurl = "b"\n[jobs.a.indexes.x]\nfind-links = "a"',
            "wheelhouse.toml`: `jobs.a.indexes[...]`: an index must have one address: `url` or `find-links`",
        ),
        ('include = "x"', "wheelhouse.toml`: `include` is 'x': expected `array`, got `str`"),
        ('include = ["x/*"]', "wheelhouse.toml`: `include`: no file matches `x/*`"),
        ('include = ["/x"]', "wheelhouse.toml`: `include`: `/x` is no relative path"),
        ('include = [""]', "wheelhouse.toml`: `include`: `` is no relative path"),
        ('include = ["."]', "wheelhouse.toml`: `include`: "),
        ('include = ["teams/**a"]', "wheelhouse.toml`: `include`: "),
        ("output = 3", "wheelhouse.toml`: `output` is 3: expected `str`, got `int`"),
        ('[jobs.a]\ndest = "q"\n[jobs.b]\ndest = "./q"', "the jobs `a` and `b` have the same folder, `q`"),
        (
            '[jobs.a]\ndest = "q/tools"\n[jobs.b]\ndest = "q"',
            "the folder of `a` (`q/tools`) is inside the folder of `b`",
        ),
        ('python = "3.12"', "wheelhouse.toml` has no jobs"),
    ],
)
def test_a_bad_table_is_refused_with_file_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        write(tmp_path, text)
    assert sentence in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("team", "sentence"),
    [
        ("[jobs.a]\ncolour = 1", "teams/x.toml`: `jobs.a`: object contains unknown field `colour`"),
        ('include = ["y.toml"]', "teams/x.toml`: object contains unknown field `include`"),
        ("[policy]", "teams/x.toml`: object contains unknown field `policy`"),
        ("[jobs.a", "teams/x.toml` is not TOML"),
        ("[jobs.first]", "the job `first` is in `"),
    ],
)
def test_a_bad_included_file_is_refused_with_file_and_key(tmp_path: Path, team: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        write(tmp_path, 'include = ["teams/*.toml"]\n[jobs.first]\n', x=team)
    assert sentence in str(caught.value)


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    jobs = write(tmp_path, 'include = ["teams/*.toml", "teams/x.toml"]', x="[jobs.a]")
    assert list(jobs) == ["a"]


def test_a_folder_without_settings_has_no_jobs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no wheelhouse\.toml here"):
        read_jobs(tmp_path)
