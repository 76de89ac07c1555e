"""README and docs as their readers take them: every block of commands is typed as it stands, in order, and does what it says."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.checkout import ROOT
from tests.support.docker import DockerEngine
from tests.support.internet import Internet
from tests.support.markdown import Block, Terminal, blocks
from tests.support.readme import YOURS, made_internet
from tests.support.real import connected_environment, need_index, need_python
from tests.support.sandboxes import needs_any_sandbox
from tests.support.served import free_port
from tests.support.tools import clean_environment, wheelhouse
from wheelhouse.config.settings import read_settings

pytest_plugins = ["tests.support.docker_fixtures"]

README, TOUR = ROOT / "README.md", ROOT / "docs/tour.md"


def commands_of(page: Path) -> list[Block]:
    """The blocks of a page that a reader types."""
    return [block for block in blocks(page) if block.language == "sh"]


FETCH, TEST, FIVE_LINES = commands_of(README)
"""The README's blocks, which are typed in the checkout."""
SET_PATH, *TOUR_COMMANDS = commands_of(TOUR)
"""The tour's blocks: the first is typed in the checkout, the rest in an empty folder."""
PAGES = sorted((README, *(ROOT / "docs").rglob("*.md")))
TYPED_BY_OWN_TESTS = {"README.md", "docs/airflow.md", "docs/fleet.md", "docs/tour.md", "docs/vetting.md"}
SELF_CONTAINED = [
    page for page in PAGES if commands_of(page) and page.relative_to(ROOT).as_posix() not in TYPED_BY_OWN_TESTS
]
"""Pages whose blocks are typed in order in an empty folder: all that no other test here types."""
SETTINGS = [(page, block) for page in PAGES for block in blocks(page) if block.language == "toml"]
FLEET = commands_of(ROOT / "docs/fleet.md")
IMAGE = "python:3.12-slim-bookworm"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The reader's empty home, where no cache is yet."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Internet]:
    (tmp_path / "made").mkdir()
    with made_internet(tmp_path / "made") as internet:
        yield internet


def environment(home: Path, internet: Internet, *folders: str) -> dict[str, str]:
    """The reader's environment: the network, a home, and a PATH with the Python 3.12 that the pages ask for."""
    programs = home / "bin"
    programs.mkdir()
    (programs / "python3.12").symlink_to(need_python("3.12"))
    path = os.pathsep.join((*folders, str(programs), os.environ["PATH"]))
    return clean_environment(HOME=str(home), PATH=path, PYTHONDONTWRITEBYTECODE="1") | dict(internet.environment)


def engine_settings(engine: DockerEngine) -> tuple[list[str], dict[str, str]]:
    """Where the engine's command is, and the variables by which it finds the engine."""
    variables = {name: value for name, value in engine.env.items() if name.startswith("DOCKER_")}
    return engine.env["PATH"].split(os.pathsep)[:2], variables


def typed(terminal: Terminal, page: Path, block: Block, folder: Path) -> str:
    """Type one block in `folder`, with the reader's own files beside it; of a server, ask it for its pages."""
    for name in YOURS:
        if re.search(rf"\b{re.escape(name)}(?=\s|$)", block.text, re.MULTILINE):
            own = rf"(?is)\b(you|your)\b[^.:]*`{re.escape(name)}`"
            assert re.search(own, page.read_text(encoding="utf-8")), f"{page.name} does not say whose `{name}` is"
            YOURS[name](folder / name)
    if "wheelhouse review " in block.text:
        return terminal.interrupt(terminal.type_server(block, "review by "))
    if "wheelhouse serve " not in block.text:
        return terminal.type(block)
    process = terminal.type_server(block, "serving ")
    address = f"http://127.0.0.1:{terminal.addresses['8080']}/simple/"
    assert httpx.get(address).status_code == 200
    return terminal.interrupt(process)


def read_on(terminal: Terminal, folder: Path, *, images: bool) -> dict[str, str]:
    """Type what the tour has after the checkout's block; what each block said, by its text."""
    folder.mkdir()
    terminal.change_to(folder)
    wanted = [block for block in TOUR_COMMANDS if images or IMAGE not in block.text]
    return {block.text: typed(terminal, TOUR, block, folder) for block in wanted}


def said(told: dict[str, str], part: str) -> str:
    """What the block with this part said."""
    (found,) = (text for block, text in told.items() if part in block)
    return found


def type_the_five_lines(terminal: Terminal, folder: Path) -> None:
    """Type what the README has after its two first commands, in the checkout or in a folder that has no constraints."""
    terminal.change_to(folder)
    told = terminal.type(FIVE_LINES)
    assert re.search("^ok +run airflow version", told, re.MULTILINE)
    assert (folder / "airflow.tar").stat().st_size


def must_be_what_the_tour_promises(told: dict[str, str], folder: Path, internet: Internet) -> None:
    files = sorted(path.name for path in (folder / "wheels").glob("*.whl"))
    assert not list((folder / "wheels").glob("*.tar.gz")), "an sdist is left after `build`"
    assert sorted(path.name for path in (folder / "far-side").glob("*.whl")) == files
    assert sorted(internet.repository.received) == files
    assert re.search("^ok +run airflow version", said(told, "rehearse wheels"), re.MULTILINE)
    assert (folder / "simple/apache-airflow/index.html").is_file()
    assert list((folder / "acme").glob("acme_app-*.whl"))


@pytest.mark.rooms
def test_the_readme_on_a_made_internet(home: Path, folder: Path, made: Internet) -> None:
    """And the tour: all but the two first commands, which set up from the real index, and the image, which wants an engine."""
    needs_any_sandbox()
    addresses = {"8080": str(free_port())}
    path = str(Path(sys.executable).parent)
    terminal = Terminal(ROOT, environment(home, made, path), addresses)
    terminal.type(SET_PATH)
    type_the_five_lines(terminal, folder)
    told = read_on(terminal, folder / "tour", images=False)
    must_be_what_the_tour_promises(told, folder / "tour", made)
    (approvals,) = commands_of(ROOT / "docs/vetting.md")
    assert "1 approval withdrawn by Ada" in terminal.type(approvals)


@pytest.mark.rooms
@pytest.mark.parametrize("page", SELF_CONTAINED, ids=lambda page: page.stem)
def test_a_guide_or_tutorial_on_a_made_internet(page: Path, home: Path, folder: Path, made: Internet) -> None:
    needs_any_sandbox()
    terminal = Terminal(folder, environment(home, made, str(Path(sys.executable).parent)), {})
    for block in commands_of(page):
        typed(terminal, page, block, folder)


@pytest.mark.rooms
def test_the_page_of_many_jobs(home: Path, folder: Path, made: Internet) -> None:
    terminal = Terminal(folder, environment(home, made, str(Path(sys.executable).parent)), {})
    told = {block.text: terminal.type(block) for block in FLEET}
    assert "3 jobs: 3 done; 3 different files" in said(told, "--keep-going --parallel")
    assert sorted(path.name for path in (folder / "wheelhouses").iterdir()) == ["etl", "reports", "web"]
    assert len(list((folder / "wheelhouses/etl").glob("pylock.*"))) == 2


@pytest.mark.docker
def test_the_tour_with_an_image(home: Path, folder: Path, made: Internet, docker_engine: DockerEngine) -> None:
    from tests.support.baseimage import base_image

    needs_any_sandbox()
    base = base_image(docker_engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")
    programs, variables = engine_settings(docker_engine)
    settings = environment(home, made, str(Path(sys.executable).parent), *programs) | variables
    terminal = Terminal(ROOT, settings, {"8080": str(free_port()), IMAGE: base})
    told = read_on(terminal, folder / "tour", images=True)
    assert re.search("^ok +image", said(told, IMAGE), re.MULTILINE)


@pytest.mark.index
def test_the_readme_from_top_to_bottom(tmp_path: Path, home: Path, folder: Path) -> None:
    """And the tour, in a fresh checkout, from the real index; the second command collects the tests, and does not run them."""
    need_index()
    needs_any_sandbox()
    checkout, left_out = tmp_path / "checkout", (".git", ".venv", ".*_cache", "__pycache__", "wheels")
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*left_out))
    (tmp_path / "made").mkdir()
    with made_internet(tmp_path / "made", index=False) as internet:
        settings = environment(home, internet) | {"PYTEST_ADDOPTS": "--collect-only"}
        settings = connected_environment() | settings | {"PIP_CERT": internet.environment["SSL_CERT_FILE"]}
        terminal = Terminal(checkout, settings, {"8080": str(free_port())})
        assert "docker build" in terminal.type(FETCH)
        terminal.type(TEST)
        terminal.type(SET_PATH)
        type_the_five_lines(terminal, checkout)
        told = read_on(terminal, folder / "tour", images=False)
        must_be_what_the_tour_promises(told, folder / "tour", internet)


AIRFLOWS_OWN = """ARG PYTHON_BASE_IMAGE
FROM ${PYTHON_BASE_IMAGE}
COPY docker-context-files /docker-context-files
RUN --network=none pip install --no-index --find-links /docker-context-files certifi
"""
"""In the place of the Dockerfile of Airflow's sources, which needs apt."""


def airflow_page(home: Path, checkout: Path, internet: Internet, *folders: str, **more: str) -> Terminal:
    """The terminal in which the Airflow page's first block, which ends in a rehearsal, was typed."""
    (checkout / "Dockerfile").write_text(AIRFLOWS_OWN, encoding="utf-8")
    path = str(Path(sys.executable).parent)
    terminal = Terminal(checkout, environment(home, internet, path, *folders) | more, {})
    told = terminal.type(blocks(ROOT / "docs/airflow.md")[0])
    assert re.search("^ok +install", told, re.MULTILINE)
    return terminal


@pytest.mark.index
def test_the_airflow_page(tmp_path: Path, home: Path, folder: Path) -> None:
    need_index()
    needs_any_sandbox()
    (tmp_path / "made").mkdir()
    with made_internet(tmp_path / "made", index=False) as internet:
        airflow_page(home, folder, internet)


@pytest.mark.index
@pytest.mark.docker
def test_the_airflow_page_builds_its_image(
    tmp_path: Path, home: Path, folder: Path, docker_engine: DockerEngine
) -> None:
    from tests.support.baseimage import base_image

    need_index()
    needs_any_sandbox()
    if docker_engine.is_existing:
        pytest.skip("the base image would take the place of one that this machine's Docker has")
    base_image(docker_engine, need_python("3.12").parents[1], IMAGE)
    programs, variables = engine_settings(docker_engine)
    (tmp_path / "made").mkdir()
    with made_internet(tmp_path / "made", index=False) as internet:
        terminal = airflow_page(home, folder, internet, *programs, **variables)
        terminal.type(blocks(ROOT / "docs/airflow.md")[1])
    assert docker_engine.docker("image", "inspect", "my-airflow:2.10.5").returncode == 0


@pytest.mark.rooms
def test_the_command_that_tries_every_release_of_airflow(home: Path, tmp_path: Path) -> None:
    """Typed in the checkout. It takes an hour, so the tests are collected here, and not run."""
    (every,) = (block for block in blocks(ROOT / "docs/airflow.md") if "EVERY_RELEASE" in block.text)
    settings = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    options = "--collect-only -p no:cacheprovider"
    terminal = Terminal(ROOT, clean_environment(PYTEST_ADDOPTS=options, **settings), {})
    assert "2.10.5" in terminal.type(every)


def test_no_block_of_commands_is_left_out() -> None:
    """A page that has a test of its own has no block that this test does not type."""
    own = {page.relative_to(ROOT).as_posix(): commands_of(page) for page in PAGES if page not in SELF_CONTAINED}
    assert {name: len(found) for name, found in own.items() if found} == {
        "README.md": 3,
        "docs/airflow.md": 3,
        "docs/fleet.md": len(FLEET),
        "docs/tour.md": 1 + len(TOUR_COMMANDS),
        "docs/vetting.md": 1,
    }


def test_the_two_first_commands_are_those_of_ci() -> None:
    """`.ci/run` sets up and tests by the README's own second command; contributors set up as it does."""
    assert TEST.text in (ROOT / ".ci/run").read_text(encoding="utf-8")
    set_up = TEST.text.partition(" --group test")[0]
    assert commands_of(ROOT / "CONTRIBUTING.md")[0].text.startswith(set_up)


@pytest.mark.parametrize(("page", "block"), SETTINGS, ids=lambda one: getattr(one, "stem", None) or str(one.line))
def test_settings_that_a_page_shows_are_settings(page: Path, block: Block, tmp_path: Path) -> None:
    (tmp_path / "wheelhouse.toml").write_text(block.text, encoding="utf-8")
    assert read_settings(tmp_path) != read_settings(tmp_path.parent), f"{page.name}, line {block.line}"


def test_the_job_that_a_guide_shows(home: Path, folder: Path, made: Internet) -> None:
    (job,) = (block.text for page, block in SETTINGS if page.stem == "what-to-fetch" and "airflow =" in block.text)
    (folder / "wheelhouse.toml").write_text(job, encoding="utf-8")
    for command in ("fetch", "stage"):
        done = wheelhouse(command, cwd=folder, env={**made.environment, "HOME": str(home)})
        assert done.returncode == 0, done.stderr
    assert len(list((folder / "wheels").glob("pylock.*.toml"))) == 2
