"""A wheel under another platform tag is the same wheel, and sound."""

import zipfile
from pathlib import Path

from tests.support.refusals import opened
from tests.support.wheels import build_wheel
from wheelhouse.archive.retag import retagged


def test_only_the_tag_changes(tmp_path: Path) -> None:
    wheel = build_wheel(
        tmp_path, "app", "1.0", tag="cp312-cp312-manylinux_2_36_x86_64", files={"app/a,b.py": b"x = 1\n"}
    )
    made = retagged(wheel, "linux_x86_64")
    assert made.name == "app-1.0-cp312-cp312-linux_x86_64.whl"
    assert opened(made).findings == opened(wheel).findings == ()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(made) as new:
        assert new.namelist() == old.namelist()
        differing = {name for name in old.namelist() if old.read(name) != new.read(name)}
    assert differing == {"app-1.0.dist-info/WHEEL", "app-1.0.dist-info/RECORD"}
