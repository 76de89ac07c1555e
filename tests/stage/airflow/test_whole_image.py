"""The whole image: what is staged for Airflow's own Dockerfile, and that its script finds the levers in one of that shape."""

import re
import shlex
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.support.airflow_locks import made_lock, made_tools
from tests.support.tools import clean_environment
from wheelhouse.airflow import Airflow
from wheelhouse.airflow.apt_lists import apt_lists
from wheelhouse.debian.debian_lock import DebianInputs, DebianLock, IndexFile, LockedDeb, LockedSuite
from wheelhouse.oci.image_lock import BaseImage, Blob
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.layouts import StageInputs, lay_out
from wheelhouse.stage.plan import Plan
from wheelhouse.target.image import Image

LOAD = ("sh", "docker-context-files/load-base-image.sh")
IMAGE = "registry.example/base:1"


@dataclass
class MadeMirror:
    """A mirror whose lists are what Airflow wants, each package with one dependency."""

    lists: dict[str, tuple[str, ...]]
    extra: dict[str, str] = field(default_factory=lambda: {"libdep:amd64": "1.0"})

    def apt_lines(self, root: str) -> tuple[str, ...]:
        return (f"deb [check-valid-until=no lang=none] file:{root}/archive bookworm main",)

    def pinned(self, name: str) -> tuple[str, ...]:
        pins = {f"{package}:amd64": "1.0" for package in self.lists[name]} | self.extra
        return tuple(f"{package}={version}" for package, version in sorted(pins.items()))

    def requested(self, name: str) -> frozenset[str]:
        return frozenset(self.lists[name])


def whole(release: str, without: tuple[str, ...] = ("mssql",), **lacking: str) -> Plan:
    lists = apt_lists(Airflow.parse(release), without)
    lists = {name: tuple(one for one in names if one != lacking.get(name)) for name, names in lists.items()}
    choices = Choices(without=without)
    return lay_out_airflow(made_lock(release), None, made_tools(release), IMAGE, choices, LOAD, MadeMirror(lists))


@pytest.mark.parametrize("release", ["2.3.4", "2.8.4", "2.10.5", "3.1.0"])
def test_each_build_has_no_network_and_nothing_is_left(release: str) -> None:
    plan = whole(release)
    assert plan.command == ("sh", "docker-context-files/build-image.sh")
    assert not plan.breeze and not [note for note in plan.notes if "breeze" in note or "still wants" in note]
    assert not plan.unsettled and not plan.first and "base.Dockerfile" not in plan.texts
    script = plan.texts["build-image.sh"]
    builds = re.findall(r"^docker build(?:.*\\\n)*.*", script, re.MULTILINE)
    assert len(builds) == 4 and all("--network none" in build for build in builds)
    argument = "BASE_IMAGE" if release == "3.1.0" else "PYTHON_BASE_IMAGE"
    assert f"{argument}=wheelhouse-development:{release}" in builds[2] and "--target airflow-build-image" in builds[2]
    assert f"{argument}=wheelhouse-runtime:{release}" in builds[3]
    assert f"--build-context airflow-build-image=docker-image://wheelhouse-build:{release}" in builds[3]


def test_the_derived_bases_install_exactly_what_is_locked_and_keep_nothing_of_the_mirror() -> None:
    texts = whole("2.10.5").texts
    for stage in ("development", "runtime"):
        dockerfile = texts[f"{stage}.Dockerfile"]
        assert dockerfile.count("\nRUN ") == 1 and "--mount=type=bind,source=debian" in dockerfile
        assert "dumb-init:amd64=1.0" in dockerfile or stage == "development"
        assert "apt-mark auto libdep:amd64 " in dockerfile
        assert "trusted" not in dockerfile and "COPY" not in dockerfile
    assert "UV_OFFLINE" in texts["development.Dockerfile"] and "UV_OFFLINE" not in texts["runtime.Dockerfile"]


@pytest.mark.parametrize(
    ("release", "has_pip"), [("2.7.3", False), ("2.8.4", True), ("2.9.3", False), ("3.1.0", False)]
)
def test_the_final_image_has_the_pip_that_its_stage_would_install(release: str, has_pip: bool) -> None:
    texts = whole(release).texts
    install = "\nRUN --mount=type=bind,source=tools,target=/tools pip install --no-index "
    assert (install in texts["runtime.Dockerfile"]) == has_pip and install not in texts["development.Dockerfile"]


def test_what_cannot_be_settled_is_said_also_in_the_script() -> None:
    plan = whole("2.10.5", without=())
    [sentence] = plan.unsettled
    assert "MSSQL" in sentence and "--disable-mssql-client solves this" in sentence
    assert f"# {sentence}" in plan.texts["build-image.sh"]
    assert [one for one in plan.notes if one == sentence]


def test_a_list_without_a_package_of_airflows_is_a_warning() -> None:
    [warning] = whole("2.10.5", runtime="dumb-init").warnings
    assert (
        warning
        == "the image lacks dumb-init: add these packages to the list `runtime` of [debian], and run `wheelhouse fetch` again"
    )


def test_what_the_image_has_in_another_spelling_or_as_a_dependency_is_no_warning() -> None:
    lists = apt_lists(Airflow.parse("2.10.5"), ("mssql",))
    lists = {name: tuple(one for one in names if one != "libssl-dev") for name, names in lists.items()}
    mirror = MadeMirror(lists, {"libssl-dev:amd64": "3.0", "git": "1:2.39"})
    choices = Choices(without=("mssql",), dev_apt=("git=1:2.39", "dumb-init/bookworm", "vim=1"))
    plan = lay_out_airflow(made_lock("2.10.5"), None, made_tools("2.10.5"), IMAGE, choices, LOAD, mirror)
    [warning] = plan.warnings
    assert "lacks dumb-init/bookworm, vim=1: " in warning


def test_an_older_release_and_a_folder_without_the_mirror_still_ask() -> None:
    old = whole("2.2.5")
    assert old.command[0] == "docker" and any("apt installs" in sentence for sentence in old.unsettled)
    bare = lay_out_airflow(made_lock("2.10.5"), None, made_tools("2.10.5"), IMAGE, Choices())
    assert any(f"the base image `{IMAGE}`" in sentence for sentence in bare.unsettled)


def test_a_wheelhouse_with_image_and_both_lists_is_staged_whole() -> None:
    index = IndexFile("dists/bookworm/InRelease", "1" * 64, 10)
    suite = LockedSuite("archive", "https://mirror.example/debian", "bookworm", ("main",), (), (), (index,))
    deb = LockedDeb(
        *(
            "dumb-init",
            "1.2.5-2",
            "amd64",
            "archive",
            "pool/main/d/dumb-init/dumb-init_1.2.5-2_amd64.deb",
            "2" * 64,
            20,
        ),
        *("bookworm", "main", "dumb-init", "1.2.5-2", ("runtime",)),
    )
    foreign = replace(deb, name="libx", architecture="i386", path="pool/libx.deb", lists=("development",), because="x")
    inputs = DebianInputs({"development": (), "runtime": ("dumb-init=1.2*",)}, (), "3" * 64, "amd64")
    debian = DebianLock(inputs, "debian-12", (suite,), (deb, foreign))
    blob = Blob("4" * 64, 5, "application/vnd.oci.image.manifest.v1+json")
    image = BaseImage("base:1", "https://r.example/v2/base", "amd64", blob, blob, (blob,))
    staged = StageInputs(lock=made_lock("2.10.5"), tools=made_tools("2.10.5"), image=image, debian=debian)
    plan = lay_out("auto", staged)
    assert plan.is_whole and not plan.load and plan.command == ("sh", "docker-context-files/build-image.sh")
    assert "debian/archive/pool/main/d/dumb-init/dumb-init_1.2.5-2_amd64.deb" in plan.files
    assert {"debian/debian.lock.toml", "image/manifest.json", "load-base-image.sh"} <= plan.texts.keys()
    runtime, development = plan.texts["runtime.Dockerfile"], plan.texts["development.Dockerfile"]
    assert "        dumb-init=1.2.5-2 \\\n" in runtime and "apt-mark" not in runtime and "FROM base:1\n" in runtime
    assert "        libx:i386=1.2.5-2 \\\n" in development and "apt-mark auto libx:i386 " in development
    assert "'deb [check-valid-until=no lang=none] file:/wheelhouse-apt/archive bookworm main'" in runtime
    bare = lay_out("auto", replace(staged, image=replace(image, facts=Image("manylinux_2_36"))))
    assert not bare.is_whole, "an image without Python must have one compiled from source"
    without = lay_out("auto", replace(staged, debian=DebianLock()))
    assert not without.is_whole and without.load and any("apt installs" in one for one in without.unsettled)


DOCKERFILE = """# syntax=docker/dockerfile:1.4
# A Dockerfile of the shape of Airflow's.
ARG PYTHON_BASE_IMAGE="python:3.12-slim-bookworm"
FROM scratch as scripts
COPY <<"EOF" /install_os_dependencies.sh
#!/usr/bin/env bash
curl https://example.invalid
EOF

COPY <<"EOF" /install_mysql.sh
curl https://example.invalid
EOF
COPY <<"EOF" /common.sh
#!/usr/bin/env bash
echo "EOF" "$1" \\n `x`
EOFF
 EOF
EOF
COPY <<"EOF" /empty.sh
EOF
FROM ${PYTHON_BASE_IMAGE} as airflow-build-image
COPY --from=scripts install_os_dependencies.sh common.sh /scripts/
RUN bash /scripts/install_os_dependencies.sh dev
"""


def test_the_script_carries_the_dockerfiles_own_scripts_and_replaces_those_that_ask(tmp_path: Path) -> None:
    """A fake engine keeps what each build is given."""
    plan = whole("2.10.5")
    folder = tmp_path / "docker-context-files"
    for path, text in plan.texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "load-base-image.sh").write_text("echo loaded >> log\n")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    engine = tmp_path / "bin" / "docker"
    engine.parent.mkdir()
    engine.write_text(
        '#!/bin/sh\necho "$@" >> log\nfor word in "$@"; do case $word in scripts=*) '
        'rm -rf kept; cp -R "${word#scripts=}" kept; cat > kept.Dockerfile;; esac; done\n'
    )
    engine.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    environment = clean_environment(PATH=f"{engine.parent}:/usr/bin:/bin", TMPDIR=str(tmp_path / "tmp"))
    done = subprocess.run(
        ["sh", "docker-context-files/build-image.sh"],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kept = {path.name: path.read_text() for path in (tmp_path / "kept").iterdir()}
    assert sorted(kept) == [
        "common.sh",
        "empty.sh",
        "install_mysql.sh",
        "install_os_dependencies.sh",
        "install_postgres.sh",
    ]
    assert kept["common.sh"] == '#!/usr/bin/env bash\necho "EOF" "$1" \\n `x`\nEOFF\n EOF\n'
    assert "example.invalid" not in kept["install_os_dependencies.sh"] + kept["install_mysql.sh"]
    assert (tmp_path / "kept.Dockerfile").read_text() == DOCKERFILE.replace("# syntax=", "# syntax was", 1)
    log = (tmp_path / "log").read_text().splitlines()
    assert log[0] == "loaded" and len(log) == 5
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("release", ["2.3.4", "2.10.5", "3.1.0"])
@pytest.mark.parametrize("name", ["install_os_dependencies.sh", "install_mysql.sh"])
def test_a_replaced_script_runs(tmp_path: Path, release: str, name: str) -> None:
    script = whole(release).texts.get(f"scripts/{name}")
    if script is None:
        assert (release, name) == ("2.3.4", "install_os_dependencies.sh")
        return
    root = script.replace("/usr/", f"{tmp_path}/usr/")
    (tmp_path / "usr").mkdir()
    for stage in ("dev", "runtime"):
        assert (
            subprocess.run(["bash", "-c", root.replace("#!/usr/bin/env bash", ""), "x", stage], check=False).returncode
            == 0
        )
    linked = release == "3.1.0" and name == "install_os_dependencies.sh"
    assert (tmp_path / "usr/python").exists() == linked


def test_every_command_of_the_script_is_one_that_a_shell_can_read() -> None:
    for release in ("2.3.4", "3.1.0"):
        script = whole(release).texts["build-image.sh"]
        assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
        assert shlex.split(script.partition("mkdir")[0], comments=True)


@pytest.mark.parametrize("release", ["2.3.0rc1", "2.4.0b1", "2.8.0rc1"])
def test_a_pre_release_is_built_whole_like_its_final_release(release: str) -> None:
    final = str(Airflow.parse(release).final)
    early, expected = whole(release).texts, whole(final).texts
    scripts = [name for name in expected if name.endswith((".sh", "Dockerfile"))]
    assert "build-image.sh" in scripts and early.keys() == expected.keys()
    assert [early[name].replace(release, final) for name in scripts] == [expected[name] for name in scripts]
