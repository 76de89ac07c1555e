"""Small wheelhouses, made by the real command from an index on loopback."""

from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_sdist, build_wheel


@pytest.fixture(scope="session")
def small_wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse for CPython 3.11: an application, what it needs, a yanked release, a local version and an sdist."""
    base = tmp_path_factory.mktemp("small")
    offered = base / "offered"
    offered.mkdir()
    build_wheel(
        offered, "app", "1.0", requires=["lib[fast]>=1", "old==0.9", "local", "raw"], requires_python=">=3.8,<4"
    )
    build_wheel(offered, "lib", "1.0", requires=["six-like"], extras={"fast": ["quick"]})
    for name in ("quick", "six-like"):
        build_wheel(offered, name, "1.0")
    build_wheel(offered, "local", "1.0+cpu", files={"local/data.bin": bytes(range(256)) * 2000})
    build_sdist(offered, "raw", "1.0")
    yanked = build_wheel(base, "old", "0.9")
    with IndexServer(offered) as server:
        server.add(yanked, yanked="it was <bad> & worse")
        made = wheelhouse("fetch", "app", "--python", "3.11", "--index", server.url, "--dest", "house", cwd=base)
        assert made.returncode == 0, made.stderr
    return base / "house"


@pytest.fixture(scope="session")
def named_wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse for every CPython 3.x whose wheels state names that are not in normal form: capitals, dots, underscores."""
    base = tmp_path_factory.mktemp("named")
    offered = base / "offered"
    offered.mkdir()
    build_wheel(offered, "Flask_Thing", "1.0", requires=["JinJa2", "zope.Dotted>=1"])
    build_wheel(offered, "Jinja2", "2.0", filename="Jinja2-2.0-py3-none-any.whl")
    build_wheel(offered, "zope.Dotted", "1.0", filename="zope.Dotted-1.0-py3-none-any.whl")
    with IndexServer(offered) as server:
        options = ("--python", "3.11", "--index", server.url, "--dest", "house")
        made = wheelhouse("fetch", "flask-thing", *options, cwd=base)
        assert made.returncode == 0, made.stderr
    return base / "house"
