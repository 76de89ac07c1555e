"""What is said of an archive that no lock names, and of constraints that forbid what is locked."""

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.report.sentences import hint_of, sentence_of
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.closure import against_constraints, requests_for
from wheelhouse.verify.unlocked_files import unlocked_file

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))


def pin(name: str, version: str = "1.0", dependencies: tuple[str, ...] = (), built: Built | None = None) -> Pin:
    artifact = Artifact(f"{name}-{version}-py3-none-any.whl", "0" * 64, 1)
    return Pin(canonicalize_name(name), Version(version), artifact, dependencies=dependencies, built=built)


BUILT = Built(Artifact("app-1.0.tar.gz", "1" * 64, 1), "CPython 3.12.1", requires=("odd-backend==3.1", "more==1"))
LOCK = Lock(TARGET, Inputs(("app", "lib>=1")), (pin("app", dependencies=("lib<2", "tail"), built=BUILT), pin("lib")))


@pytest.mark.text
@pytest.mark.parametrize(
    ("filename", "sentence", "hint"),
    [
        (
            "lib-2.0-py3-none-any.whl",
            "it is a second version of lib beside `lib-1.0-py3-none-any.whl`",
            "--upgrade-project lib",
        ),
        ("lib-1.0.tar.gz", "it is the same release of lib as `lib-1.0-py3-none-any.whl`", "one file for each project"),
        (
            "lib-1.0-cp312-cp312-win_amd64.whl",
            "it is for another platform or Python (win_amd64)",
            "one file for each project",
        ),
        ("lib-1.0-py2.py3-none-any.whl", "it is the same release of lib as", "one file for each project"),
        ("setuptools-75.0-py3-none-any.whl", "it is a build requirement", "build/"),
        ("odd_backend-3.1-py3-none-any.whl", "it is a build requirement", "build/"),
        ("other-1.0-py3-none-any.whl", "it is in no lock file", "fetch a project that needs other"),
        ("odd.whl", "it is in no lock file", "remove it"),
    ],
)
def test_what_is_said_of_an_archive(filename: str, sentence: str, hint: str) -> None:
    finding = unlocked_file(filename, (LOCK,), staged=False)
    assert sentence in sentence_of(finding) and hint in hint_of(finding) and "image" not in sentence_of(finding)
    assert sentence in sentence_of(unlocked_file(filename, (LOCK,), staged=True))


@pytest.mark.text
def test_in_a_staged_folder_everything_at_the_top_is_installed() -> None:
    finding = unlocked_file("setuptools-75.0-py3-none-any.whl", (LOCK,), staged=True)
    assert "the image build installs every file" in sentence_of(finding) and "tools/" in hint_of(finding)


def test_who_asks_for_a_project() -> None:
    assert requests_for(LOCK, canonicalize_name("lib")) == {"by": "", "requirement": "lib>=1", "more_requests": 1}
    app = "app-1.0-py3-none-any.whl"
    assert requests_for(LOCK, canonicalize_name("tail")) == {"by": app, "requirement": "tail", "more_requests": 0}
    assert requests_for(LOCK, canonicalize_name("nobody")) == {}


@pytest.mark.text
@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("", None),
        ("a", "a 1.0 (a<1)"),
        ("abc", "a 1.0 (a<1), b 1.0 (b<1), c 1.0 (c<1)"),
        ("abcd", "c 1.0 (c<1) and 1 more"),
        ("abcde", "c 1.0 (c<1) and 2 more"),
    ],
)
def test_constraints_that_forbid_what_is_locked(names: str, sentence: str | None) -> None:
    lock = Lock(TARGET, Inputs(()), tuple(pin(name) for name in "abcdefg"))
    text = "".join(f"{name}{'<1' if name in names else '>=1'}\n" for name in "abcdef") + "other<1\n"
    findings = list(against_constraints(lock, text, "limits.txt"))
    assert len(findings) == bool(sentence)
    if sentence:
        assert sentence_of(findings[0]).endswith(sentence) and findings[0].subject == "limits.txt"
        assert findings[0].rule == "constraints" and "f 1.0" not in sentence_of(findings[0])


def test_a_pre_release_may_satisfy_constraints() -> None:
    lock = Lock(TARGET, Inputs(()), (pin("a", "2.0rc1"),))
    assert not list(against_constraints(lock, "a>=1\n", "limits.txt"))


def test_a_constraint_whose_marker_is_false_forbids_nothing() -> None:
    lock = Lock(TARGET, Inputs(()), (pin("a"),))
    assert not list(against_constraints(lock, "a<1; python_version<'3'\n", "limits.txt"))
    assert list(against_constraints(lock, "a<1; python_version>'3'\n", "limits.txt"))
