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

README = ROOT / "README.md"
COMMANDS = [block for block in blocks(README) if block.language == "sh"]
IN_THE_CHECKOUT = 3
"""So many blocks of the README are typed in the checkout: it says so."""
PAGES = sorted(path for path in (README, *(ROOT / "docs").glob("*.md")))
SETTINGS = [(page, block) for page in PAGES for block in blocks(page) if block.language == "toml"]
FLEET = [block for block in blocks(ROOT / "docs/fleet.md") if block.language == "sh"]
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
    """The reader's environment: the network, a home, and a PATH with the Python 3.12 that the README asks for."""
    programs = home / "bin"
    programs.mkdir()
    (programs / "python3.12").symlink_to(need_python("3.12"))
    path = os.pathsep.join((*folders, str(programs), os.environ["PATH"]))
    return clean_environment(HOME=str(home), PATH=path, PYTHONDONTWRITEBYTECODE="1") | dict(internet.environment)


def engine_settings(engine: DockerEngine) -> tuple[list[str], dict[str, str]]:
    """Where the engine's command is, and the variables by which it finds the engine."""
    variables = {name: value for name, value in engine.env.items() if name.startswith("DOCKER_")}
    return engine.env["PATH"].split(os.pathsep)[:2], variables


def typed(terminal: Terminal, block: Block, folder: Path) -> str:
    """Type one block in `folder`, with the reader's own files beside it; of a server, ask it for its pages."""
    for name in YOURS:
        if re.search(rf"\b{re.escape(name)}(?=\s|$)", block.text, re.MULTILINE):
            assert re.search(rf"`{re.escape(name)}`[^.:]* yours", README.read_text(encoding="utf-8")), name
            YOURS[name](folder / name)
    if "wheelhouse serve " not in block.text:
        return terminal.type(block)
    process = terminal.type_server(block, "serving ")
    address = f"http://127.0.0.1:{terminal.addresses['8080']}/simple/"
    assert httpx.get(address).status_code == 200
    return terminal.interrupt(process)


def read_on(terminal: Terminal, folder: Path, *, images: bool) -> dict[str, str]:
    """Type what the README has after the checkout's blocks; what each block said, by its text."""
    terminal.change_to(folder)
    wanted = [block for block in COMMANDS[IN_THE_CHECKOUT:] if images or IMAGE not in block.text]
    return {block.text: typed(terminal, block, folder) for block in wanted}


def said(told: dict[str, str], part: str) -> str:
    """What the block with this part said."""
    (found,) = (text for block, text in told.items() if part in block)
    return found


def must_be_what_the_readme_promises(told: dict[str, str], folder: Path, internet: Internet) -> None:
    files = sorted(path.name for path in (folder / "wheels").glob("*.whl"))
    assert not list((folder / "wheels").glob("*.tar.gz")), "an sdist is left after `build`"
    assert sorted(path.name for path in (folder / "far-side").glob("*.whl")) == files
    assert sorted(internet.repository.received) == files
    assert re.search("^ok +run airflow version", said(told, "rehearse wheels"), re.MULTILINE)
    assert (folder / "simple/apache-airflow/index.html").is_file()
    assert list((folder / "acme").glob("acme_app-*.whl"))


@pytest.mark.rooms
def test_the_readme_on_a_made_internet(home: Path, folder: Path, made: Internet) -> None:
    """All of it but for its two first commands, which set up from the real index, and the image, which wants an engine."""
    needs_any_sandbox()
    addresses = {"8080": str(free_port())}
    path = str(Path(sys.executable).parent)
    terminal = Terminal(ROOT, environment(home, made, path), addresses)
    terminal.type(COMMANDS[IN_THE_CHECKOUT - 1])
    told = read_on(terminal, folder, images=False)
    must_be_what_the_readme_promises(told, folder, made)
    (approvals,) = (block for block in blocks(ROOT / "docs/vetting.md") if block.language == "sh")
    assert "1 approval withdrawn by Ada" in terminal.type(approvals)


@pytest.mark.rooms
def test_the_page_of_many_jobs(home: Path, folder: Path, made: Internet) -> None:
    terminal = Terminal(folder, environment(home, made, str(Path(sys.executable).parent)), {})
    told = {block.text: terminal.type(block) for block in FLEET}
    assert "3 jobs: 3 done; 3 different files" in said(told, "fetch --all")
    assert sorted(path.name for path in (folder / "wheelhouses").iterdir()) == ["etl", "reports", "web"]
    assert len(list((folder / "wheelhouses/etl").glob("pylock.*"))) == 2


@pytest.mark.docker
def test_the_readme_with_an_image(home: Path, folder: Path, made: Internet, docker_engine: DockerEngine) -> None:
    from tests.support.baseimage import base_image

    needs_any_sandbox()
    base = base_image(docker_engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")
    programs, variables = engine_settings(docker_engine)
    settings = environment(home, made, str(Path(sys.executable).parent), *programs) | variables
    terminal = Terminal(ROOT, settings, {"8080": str(free_port()), IMAGE: base})
    told = read_on(terminal, folder, images=True)
    assert re.search("^ok +image", said(told, IMAGE), re.MULTILINE)


@pytest.mark.index
def test_the_readme_from_top_to_bottom(tmp_path: Path, home: Path, folder: Path) -> None:
    """In a fresh checkout, from the real index; the second command collects the tests, and does not run them here."""
    need_index()
    needs_any_sandbox()
    checkout, left_out = tmp_path / "checkout", (".git", ".venv", ".*_cache", "__pycache__", "wheels")
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*left_out))
    (tmp_path / "made").mkdir()
    with made_internet(tmp_path / "made", index=False) as internet:
        settings = environment(home, internet) | {"PYTEST_ADDOPTS": "--collect-only"}
        settings = connected_environment() | settings | {"PIP_CERT": internet.environment["SSL_CERT_FILE"]}
        terminal = Terminal(checkout, settings, {"8080": str(free_port())})
        told = {block.text: terminal.type(block) for block in COMMANDS[:IN_THE_CHECKOUT]}
        assert "docker build" in said(told, "stage")
        must_be_what_the_readme_promises(told | read_on(terminal, folder, images=False), folder, internet)


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


def test_the_command_that_tries_every_release_of_airflow(home: Path, tmp_path: Path) -> None:
    """Typed in the checkout. It takes an hour, so the tests are collected here, and not run."""
    (every,) = (block for block in blocks(ROOT / "docs/airflow.md") if "EVERY_RELEASE" in block.text)
    settings = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    options = "--collect-only -p no:cacheprovider"
    terminal = Terminal(ROOT, clean_environment(PYTEST_ADDOPTS=options, **settings), {})
    assert "2.10.5" in terminal.type(every)


def test_no_block_of_commands_is_left_out() -> None:
    """Every block of commands in README and docs is one that a test here types."""
    held = {page.name: [block for block in blocks(page) if block.language == "sh"] for page in PAGES}
    assert {name: len(found) for name, found in held.items() if found} == {
        "README.md": len(COMMANDS),
        "airflow.md": 3,
        "fleet.md": len(FLEET),
        "vetting.md": 1,
    }


def test_the_two_first_commands_are_those_of_ci() -> None:
    """`.ci/run` sets up and tests by the README's own second command."""
    assert COMMANDS[1].text in (ROOT / ".ci/run").read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "block"), SETTINGS, ids=lambda one: getattr(one, "stem", None) or str(one.line))
def test_settings_that_a_page_shows_are_settings(page: Path, block: Block, tmp_path: Path) -> None:
    (tmp_path / "wheelhouse.toml").write_text(block.text, encoding="utf-8")
    assert read_settings(tmp_path) != read_settings(tmp_path.parent), f"{page.name}, line {block.line}"


def test_the_job_that_the_readme_shows(home: Path, folder: Path, made: Internet) -> None:
    (job,) = (block.text for page, block in SETTINGS if page == README and "airflow =" in block.text)
    (folder / "wheelhouse.toml").write_text(job, encoding="utf-8")
    for command in ("fetch", "stage"):
        done = wheelhouse(command, cwd=folder, env={**made.environment, "HOME": str(home)})
        assert done.returncode == 0, done.stderr
    assert len(list((folder / "wheels").glob("pylock.*.toml"))) == 2
