"""What `diff` and `why` say of base images."""

import json
from dataclasses import replace
from pathlib import Path

from tests.oci.test_image_archive import old_docker_archive
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.oci.image_changes import image_changes
from wheelhouse.oci.image_lock import BaseImage, Blob, ImageLock
from wheelhouse.report.difference import difference_lines, image_change_document
from wheelhouse.target.image import Image

BLOB = Blob("1" * 64, 1, "application/vnd.oci.image.manifest.v1+json")
OTHER = replace(BLOB, sha256="2" * 64)
OLD = BaseImage(
    "python:3.12", "x", "amd64", BLOB, BLOB, (BLOB, OTHER), None, Image("manylinux_2_36", "3.12.4"), "debian 12"
)


def lines(old: tuple[BaseImage, ...], new: tuple[BaseImage, ...]) -> list[str]:
    *changes, last = difference_lines((), "a", "b", tuple(image_changes(ImageLock(old), ImageLock(new))))
    assert last == f"a → b: {'no project' if changes else 'nothing'} changed"
    return changes


def test_what_differs_is_said_and_how_many_layers_stay() -> None:
    new = replace(
        OLD, manifest=OTHER, layers=(BLOB, replace(BLOB, sha256="3" * 64)), facts=Image("manylinux_2_36", "3.12.5")
    )
    digests = f"sha256:{'1' * 64} → sha256:{'2' * 64}"
    assert lines((OLD,), (new,)) == [
        f"image/amd64: other bytes, {digests}, Python 3.12.4 → Python 3.12.5, 1 of 2 layers unchanged"
    ]
    assert lines((OLD,), (replace(OLD, name="corp/python:3.12"),)) == [
        "image/amd64: other name, python:3.12 → corp/python:3.12"
    ]
    pinned = f"python:3.12@sha256:{'1' * 64}"
    assert lines((OLD,), (replace(OLD, name=pinned),)) == [f"image/amd64: other name, python:3.12 → {pinned}"]
    assert lines((OLD,), (OLD,)) == []
    assert lines((OLD,), ()) == [f"image/amd64: removed, python:3.12, sha256:{'1' * 64}, debian 12, Python 3.12.4"]


def test_an_image_that_is_new_is_added_and_one_without_facts_has_none() -> None:
    bare = replace(OLD, architecture="arm64", facts=None, distribution="")
    [change] = image_changes(ImageLock((OLD,)), ImageLock((OLD, bare)))
    assert (change.kind, change.architecture, change.same_layers) == ("added", "arm64", 0)
    [document] = image_change_document([change])
    assert document["old"] is None and document["new"]["python"] is None
    assert lines((replace(OLD, facts=None),), (replace(OLD, manifest=OTHER),))[0].endswith(
        "none → Python 3.12.4, 2 of 2 layers unchanged"
    )


def test_diff_and_why_know_the_image(tmp_path: Path) -> None:
    build_wheel(tmp_path / "offered", "lib", "1.0")
    old_docker_archive(tmp_path / "base.tar", "corp/python:3.12")
    fetch = ("fetch", "lib", "--no-index", "--find-links", "offered")
    done = wheelhouse(*fetch, "--base-image", "docker-archive:base.tar", "--dest", "new", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert wheelhouse(*fetch, "--python", "3.12.4", "--dest", "old", cwd=tmp_path).returncode == 0
    done = wheelhouse("diff", "old", "new", cwd=tmp_path)
    assert "image/amd64: added, corp/python:3.12, sha256:" in done.stdout
    [change] = json.loads(wheelhouse("diff", "new", "old", "--json", cwd=tmp_path).stdout)["images"]
    assert (change["kind"], change["old"]["name"], change["new"]) == ("removed", "corp/python:3.12", None)
    done = wheelhouse("why", "corp/python:3.12", "new", cwd=tmp_path)
    assert done.stdout.startswith("image/:\n  corp/python:3.12 for amd64, sha256:"), done.stderr
    assert "from a Docker archive\n  the base image of cp312-" in done.stdout
