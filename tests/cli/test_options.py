"""Options: each spelling is tried by some test, and means the same on the command line, in the settings and the environment."""

import ast
import dataclasses
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer

from tests.support.checkout import ROOT
from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.tools import run
from tests.support.wheels import build_wheel
from wheelhouse.cli import fetching
from wheelhouse.cli import session as session_module
from wheelhouse.cli.app import app
from wheelhouse.cli.entry import load
from wheelhouse.config import options as declarations
from wheelhouse.config.declare import Option, Texts, declared, given, merged
from wheelhouse.config.options import FetchOptions, StageOptions
from wheelhouse.config.settings import Settings, read_settings
from wheelhouse.errors import InputError
from wheelhouse.fetch.gather import Options

# Every spelling is tried

GROUPS = [kind for kind in vars(declarations).values() if dataclasses.is_dataclass(kind)]
SHARED = {"as_json", "quiet", "verbose", "log", "require_approved", "help"} | {
    name for kind in GROUPS for name in declared(kind)
}
"""Options that several commands take and one piece of code reads: a test of one of the commands is enough."""


def _commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in group.commands.items():
        if hasattr(inner, "commands"):
            yield from _commands(inner, *path, name)
        else:
            yield (*path, name), inner


def spellings() -> Iterator[tuple[str, str, bool]]:
    """Each command with each spelling of its options, and whether other commands share the option."""
    load()
    for path, inner in _commands(typer.main.get_command(app)):
        for param in inner.params:
            for spelling in (*param.opts, *param.secondary_opts):
                if spelling.startswith("-"):
                    yield path[-1], spelling, param.name in SHARED


@cache
def words_of_tests() -> tuple[frozenset[str], ...]:
    """The words in the strings of each test module that does more than print help."""
    paths = [
        path for path in (ROOT / "tests").rglob("*.py") if path.name not in ("test_help.py", "test_architecture.py")
    ]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    texts = [[node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)] for tree in trees]
    return tuple(
        frozenset(re.findall(r"[\w-]+", " ".join(text for text in one if isinstance(text, str)))) for one in texts
    )


def test_every_spelling_of_every_command_is_tried() -> None:
    untried = {
        (name, spelling)
        for name, spelling, is_shared in spellings()
        if not any(spelling in words and (is_shared or name in words) for words in words_of_tests())
    }
    assert not untried


# One declaration

SAMPLES: dict[Any, Any] = {
    Texts: ("one", "two"),
    str | None: "text",
    float | None: 1.5,
    bool: True,
    bool | None: False,
    bool | Texts: True,
}


def of_file(group: type) -> dict[str, Option]:
    return {name: facts for name, facts in declared(group).items() if facts.is_key}


@pytest.mark.parametrize("name", of_file(FetchOptions))
def test_an_option_means_the_same_on_the_command_line_and_in_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    facts, sample = declared(FetchOptions)[name], SAMPLES.get(get_type_hints(FetchOptions)[name], {"app": "why"})
    write_settings(tmp_path, name, sample)
    from_file = read_settings(tmp_path).options
    assert from_file == {name: sample}
    if facts.is_typed:
        (tmp_path / "wheelhouse.toml").unlink()
        assert getattr(typed(monkeypatch, *as_typed(facts, sample)), name) == sample


def write_settings(folder: Path, name: str, sample: Any, table: str = "") -> None:
    value = "{ app = 'why' }" if isinstance(sample, dict) else json.dumps(sample)
    (folder / "wheelhouse.toml").write_text(f"{table}\n{name.replace('_', '-')} = {value}\n")


def as_typed(facts: Option, sample: Any) -> list[str]:
    if not facts.spellings:
        return list(sample)
    spelling = facts.spellings[0].split("/")[sample is False]
    values = sample if isinstance(sample, tuple) else [None if isinstance(sample, bool) else sample]
    return [word for value in values for word in (spelling, *([] if value is None else [str(value)]))]


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> Options:
    """The options that `fetch` works with when it is typed with these words."""
    seen: list[Options] = []

    def options(*groups: Any) -> Options:
        seen.append(session_module.options(*groups))
        raise InputError("that is all")

    monkeypatch.setattr(fetching, "options", options)
    with pytest.raises(InputError, match="that is all"):
        typer.main.get_command(app)(["fetch", *words], standalone_mode=False)
    return seen[0]


@pytest.mark.parametrize("name", of_file(StageOptions))
def test_an_option_of_stage_is_a_key_of_its_table(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[get_type_hints(StageOptions)[name]]
    write_settings(tmp_path, name, sample, "[stage]")
    assert read_settings(tmp_path).stage == {name: sample}


def test_the_environment_counts_less_than_the_command_line_and_more_than_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wheelhouse.toml").write_text(
        'index = "https://file.example"\n[indexes.corp]\nurl = "https://corp.example"\n'
    )
    assert typed(monkeypatch).indexes == ("https://file.example", "corp=https://corp.example")
    monkeypatch.setenv("WHEELHOUSE_INDEX", "https://variable.example")
    assert typed(monkeypatch).indexes == ("https://variable.example", "corp=https://corp.example")
    assert typed(monkeypatch, "--index", "https://typed.example").indexes[0] == "https://typed.example"


def test_a_job_of_the_command_line_takes_from_the_settings_only_where_from_and_how_chosen() -> None:
    from_file = {"requirements": ("app",), "python": ("3.12",), "only_binary": (":all:",), "dest": "there"}
    typed_groups = FetchOptions(airflow="2.10.5")
    values = merged(FetchOptions, from_file, given(typed_groups), lambda _text: "")
    assert values == {"airflow": "2.10.5", "only_binary": (":all:",), "dest": "there"}


def test_headings_stand_where_a_command_has_many_options(tmp_path: Path) -> None:
    for name, headings in {
        "fetch": ["What to fetch", "Targets", "Debian packages", "Indexes", "Choosing", "Jobs", "Building", "Output"],
        "lock": ["What to fetch", "Targets", "Debian packages", "Indexes", "Choosing", "Jobs", "Output"],
        "vet": ["Options", "Indexes", "Output"],
        "diff": ["Options"],
    }.items():
        found = re.findall(r"^(\w[\w ]*):$", run_help(tmp_path, name), re.MULTILINE)
        assert found == ["Arguments", *headings]


def run_help(folder: Path, name: str) -> str:
    done = Session(folder)
    done(f"{name} --help")
    return done.stdout


# Options that no other test tries


def test_long_spellings_of_files(session: Session) -> None:
    (session.folder / "r.txt").write_text("lib\n")
    (session.folder / "c.txt").write_text("lib==2.0\n")
    assert session("fetch --requirement r.txt --constraint c.txt --python 3.12") == 0
    assert (session.folder / "wheels/lib-2.0-py3-none-any.whl").is_file()


def test_an_image_without_database_clients(session: Session) -> None:
    constraints = session.folder / "constraints/airflow-2.10.5/constraints-3.12.txt"
    constraints.parent.mkdir(parents=True)
    constraints.write_text("apache-airflow==2.10.5\ncelery==5.4\ntool==1.0\n")
    without = "--disable-mssql-client --disable-postgres-client"
    assert session(f"fetch --airflow 2.10.5 --extra celery,postgres --python 3.12 {without}") == 0
    assert '"apache-airflow[celery]==2.10.5"' in next((session.folder / "wheels").glob("pylock.*")).read_text()
    apt = "--dev-apt gcc --runtime-apt libaio1 --apt-source 'deb https://mirror.example/debian bookworm main'"
    assert session(f"stage --dry-run --json --pypirc --piprc {without} {apt}") == 0
    plan = json.loads(session.stdout)
    command = " ".join(plan["command"])
    assert "ADDITIONAL_DEV_APT_DEPS=gcc" in command and "ADDITIONAL_RUNTIME_APT_DEPS=libaio1" in command
    assert "INSTALL_MSSQL_CLIENT=false" in command and "INSTALL_POSTGRES_CLIENT=false" in command
    assert "deb https://mirror.example/debian bookworm main" in plan["texts"]["base.Dockerfile"]
    assert {".pypirc", ".piprc"} <= plan["texts"].keys()


def test_limits_of_a_build(session: Session, monkeypatch: pytest.MonkeyPatch, index: IndexServer) -> None:
    seen: list[Any] = []

    def build(_folder: Path, _options: Any, location: Any, *_rest: Any) -> None:
        seen.append(location)
        raise InputError("that is all")

    assert session("fetch old --python 3.12 --quiet") == 0
    monkeypatch.setattr("wheelhouse.build.build.build", build)
    assert session(f"build --build-minutes 2 --build-memory 0.5 --index {index.url}") == 2
    assert (seen[0].limits.seconds, seen[0].limits.memory) == (120, 1 << 29)


def test_only_what_another_wheelhouse_lacks_is_packed(session: Session, index: IndexServer) -> None:
    assert session("fetch app --python 3.12 --dest old") == 0
    assert session("fetch app tool --python 3.12 --dest new") == 0
    assert session("pack new --since old --output new.tar --json") == 0
    assert session("inspect new.tar") == 0
    assert "tool-2.0-py3-none-any.whl" in session.stdout and "app-1.0-py3-none-any.whl" not in session.stdout


def test_a_page_tells_what_changed_since_another_wheelhouse(session: Session, index: IndexServer) -> None:
    index.add(build_wheel(session.folder, "lib", "2.2", files={"new.pth": b"lib\n"}))
    assert session("fetch lib==2.1 --python 3.12 --dest old") == 0
    assert session("fetch lib==2.2 --python 3.12 --dest new") == 0
    assert session("vet new --since old --html page.html") in (0, 1)
    assert "new.pth" in (session.folder / "page.html").read_text().partition("since old")[2]


def test_a_dockerfile_that_is_missing(session: Session) -> None:
    assert session("rehearse --dockerfile nowhere/Dockerfile") == 2
    assert "there is no file `nowhere/Dockerfile`" in session.transcript


def test_an_approval_ends(session: Session) -> None:
    assert session("fetch lib --python 3.12") == 0
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key", cwd=session.folder)
    public = (session.folder / "key.pub").read_text().strip()
    settings = f'[[approvals.reviewers]]\nname = "alice"\nkey = "{public}"\n'
    (session.folder / "wheelhouse.toml").write_text(settings)
    sign = "approve --key key --reason read --expires"
    assert session(f"{sign} 2020-01-31") == 2
    assert session(f"{sign} someday") == 2
    assert session("verify --require-approved") == 1
    assert session(f"{sign} 9999-12-31") == 0
    assert "(valid until 9999-12-31)" in session.stdout
    assert session("verify --require-approved") == 0


def test_the_cache_is_pruned_by_age(session: Session) -> None:
    assert session("fetch lib --python 3.12 --quiet") == 0
    assert session("cache prune --days 1") == 0
    assert session.stdout.startswith("0 files")
    assert session("cache prune --days 0") == 0
    assert not session.stdout.startswith("0 files")


def test_constraints_are_written_where_they_are_wanted(session: Session, index: IndexServer) -> None:
    assert session(f"constraints compile lib --python 3.12 --output limits.txt --index {index.url}") == 0
    assert "lib==2.1" in (session.folder / "limits.txt").read_text()


def test_constraints_of_an_airflow_release_are_compiled_where_fetch_looks(session: Session, index: IndexServer) -> None:
    index.add(
        build_wheel(session.folder, "apache-airflow", "3.9.2", requires=["lib"]), upload_time="2026-06-01T10:00:00Z"
    )
    compiling = f"constraints compile --airflow 3.9.2 --python 3.12 --index {index.url}"
    assert session(f"{compiling}") == 0
    assert "the pins are of today, not of the day when Airflow" in session.transcript
    assert "for the pins of the upload day, add --uploaded-prior-to 2026-06-02" in session.transcript
    path = session.folder / "constraints/airflow-3.9.2/constraints-3.12.txt"
    first, *pins = path.read_text().splitlines()
    assert first.startswith("# compiled by wheelhouse from apache-airflow==3.9.2")
    assert pins == ["apache-airflow==3.9.2", "lib==2.1"]
    assert session(f"{compiling} --uploaded-prior-to 2026-06-02") == 0
    assert "the pins are of today, not of the day when Airflow" not in session.transcript.rpartition("$ ")[2]
    path.write_text("lib==2.0\n")
    assert session(compiling) == 2
    assert "is not replaced, because `constraints compile` did not write this file" in session.transcript
    assert session(f"constraints compile lib --python 3.12 --index {index.url}") == 2
    assert "no output file was named" in session.transcript


def test_a_pyproject_whose_tools_are_no_table_has_no_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool = 1\n")
    assert read_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    "names", ["", "project = ''\n", "sha256 = ''\n", "project = ''\nsha256 = 'ab'\n", "project = 'a'\nsha256 = ''\n"]
)
def test_a_waiver_that_names_no_project_and_no_file_is_refused(tmp_path: Path, names: str) -> None:
    waiver = f"rule = 'x'\nreason = 'seen'\nwho = 'me'\nuntil = 2030-01-01\n{names}"
    (tmp_path / "wheelhouse.toml").write_text(f"[[policy.waivers]]\n{waiver}")
    with pytest.raises(InputError, match="the waiver of x must name a project or a sha256"):
        read_settings(tmp_path).policy.policy()


def test_a_value_of_the_settings_that_is_none_is_refused(tmp_path: Path) -> None:
    for text in (
        "no-index = 'yes'\n",
        "[stage]\ndev-apt = 'gcc'\n",
        "[indexes.corp]\nprojects = ['a']\n",
        "upgrade = true\n",
    ):
        (tmp_path / "wheelhouse.toml").write_text(text)
        with pytest.raises(InputError, match=r"wheelhouse\.toml"):
            read_settings(tmp_path)
