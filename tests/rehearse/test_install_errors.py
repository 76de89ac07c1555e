"""What pip and uv say when they fail, said again with the file that asks, the reason, and what mends it."""

from dataclasses import replace

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.findings import Severity
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.rehearse.install_errors import explained, install_findings, last_words, unseen_by
from wheelhouse.rehearse.pip_compile_check import differences, requirements_text
from wheelhouse.rehearse.rehearsal import Step, differently_installed, installed_for, skipped_targets, without_builder
from wheelhouse.report.rehearsal_report import ending
from wheelhouse.report.sentences import hint_of, sentence_of
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.unlocked_files import unlocked_file

TARGET = Target.of(Python.parse("3.12.1"), Platform.parse("manylinux_2_28_x86_64"))


def pin(name: str, version: str, filename: str = "", dependencies: tuple[str, ...] = ()) -> Pin:
    filename = filename or f"{name}-{version}-py3-none-any.whl"
    return Pin(NormalizedName(name), Version(version), Artifact(filename, "0" * 64, 1), dependencies=dependencies)


LOCK = Lock(
    TARGET,
    Inputs(("app",)),
    (
        pin("app", "1.0", dependencies=("lib>=1",)),
        pin("lib", "2.0", "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
        pin("raw", "1.0", "raw-1.0.tar.gz"),
    ),
)

LOGS = {
    "a requirement that is in no lock": (
        "ERROR: Could not find a version that satisfies the requirement setuptools>=40.8.0 (from versions: none)\n"
        "ERROR: No matching distribution found for setuptools>=40.8.0\n",
        "setuptools: `setuptools>=40.8.0` was requested, but no lock file of this folder has that project",
    ),
    "a file that pip does not find": (
        "ERROR: Could not find a version that satisfies the requirement lib>=1 (from app) (from versions: none)\n",
        "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl: `app-1.0-py3-none-any.whl` requires `lib>=1`; the lock file has 2.0, but pip "
        "does not find that version in the folder",
    ),
    "a version that constraints forbid": (
        "ERROR: No matching distribution found for lib==0.9 (from -c constraints.txt (line 1))\n",
        "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl: the install requires `lib==0.9`, but the lock file has 2.0",
    ),
    "metadata that this pip refuses": (
        "WARNING: Ignoring version 2.0 of lib since it has invalid metadata:\n"
        "Requested lib==2.0 from file:///lib-2.0-py3-none-any.whl has invalid metadata: Expected end or semicolon\n"
        "Please use pip<24.1 if you need to use this version.\n"
        "ERROR: Could not find a version that satisfies the requirement lib==2.0 (from versions: 2.0)\n",
        "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl: this pip refuses its metadata, which pip 24.0 and older accept",
    ),
    "a wheel for another platform": (
        "ERROR: lib-2.0-cp312-cp312-win_amd64.whl is not a supported wheel on this platform.\n",
        "lib-2.0-cp312-cp312-win_amd64.whl: pip would install it, but it does not fit cp312-manylinux_2_28_x86_64",
    ),
    "a name that pip refuses": (
        "ERROR: Invalid requirement: '-apache-airflow==2.0.0'\n",
        "-apache-airflow==2.0.0: pip refuses the new name: `-apache-airflow==2.0.0` is not a valid requirement",
    ),
    "what is no requirement": (
        "ERROR: Invalid requirement: '/files/lib>3': Expected semicolon or end\n",
        "/files/lib>3: pip refuses it, because it is not a valid requirement",
    ),
    "a requirement without a hash": (
        "ERROR: In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:\n"
        "    other>=1 from https://127.0.0.1/other.whl (from app==1.0)\n",
        "other: `other>=1` was requested, but no lock file of this folder has that project",
    ),
    "other bytes": (
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated …\n"
        "    lib==2.0 from file:///lib.whl:\n        Expected sha256 00\n             Got        11\n",
        "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl: its hash differs from its hash in the requirements file",
    ),
    "a conflict": (
        "ERROR: Cannot install app and lib because these package versions have conflicting dependencies.\n\n"
        "The conflict is caused by:\n    app 1.0 depends on lib>=1\n    The user requested (constraint) lib==0.9\n\n",
        "app and lib: pip says that app and lib conflict: app 1.0 depends on lib>=1; "
        "The user requested (constraint) lib==0.9",
    ),
    "an index that was asked": (
        "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError(': Failed to establish a "
        "new connection: [Errno -3] Temporary failure in name resolution')': /simple/lib/\n",
        "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl: pip requested lib from an index, but an image build has no index",
    ),
    "an sdist that does not build": (
        "ERROR: Failed to build 'raw' when getting requirements to build wheel\n",
        "raw-1.0.tar.gz: it is an sdist, and could not be built without a network",
    ),
    "anything else": (
        "something\nValueError: unheard of\n",
        "pylock.cp312-manylinux_2_28_x86_64.toml: `install` failed: ValueError: unheard of",
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_failure_is_said_again(name: str) -> None:
    log, expected = LOGS[name]
    (finding,) = explained(log, LOCK, "install")
    assert f"{finding.subject}: {sentence_of(finding)}" == expected
    assert finding.severity == Severity.ERROR


def test_what_an_install_that_ended_well_did_beside() -> None:
    log = LOGS["an index that was asked"][0]
    log += "  Attempting uninstall: lib\n    Found existing installation: lib 1.9\n    Found existing installation: pip 9\n"
    index, twice = install_findings(log, LOCK, {"pip"})
    assert index.severity == twice.severity == Severity.WARNING
    assert "from an index" in sentence_of(index)
    assert sentence_of(twice) == "lib was installed twice: first 1.9, then 2.0 in its place"


def test_a_project_that_pip_asked_an_index_for_three_times_is_one_warning() -> None:
    (index,) = install_findings(LOGS["an index that was asked"][0] * 3, LOCK, ())
    assert index.severity == Severity.WARNING


def test_a_version_that_is_written_otherwise_is_the_locked_one() -> None:
    log = "    Found existing installation: app 1.00\n    Found existing installation: lib odd\n"
    assert [finding.subject for finding in install_findings(log, LOCK, ())] == [LOCK.pins[1].artifact.filename]
    installed = {"app": "1.0.0", "lib": "02.0", "raw": "1.00"}
    assert not list(differently_installed(LOCK, installed))
    assert not list(differences(LOCK, "app==1\nlib==2.00\nraw==1.0.0\n", ()))


def test_last_words_are_the_telling_ones() -> None:
    assert last_words("one\nERROR: two\nthree\n") == "ERROR: two"
    assert last_words("") == "it printed nothing"


def test_a_pip_too_old_for_tags() -> None:
    (finding,) = unseen_by("20.2.4", LOCK, "tools")
    assert finding.subject.startswith("lib-2.0-cp312")
    assert sentence_of(finding) == "pip 20.2.4 is too old for this wheel: pip 20.3 and newer know its tags"
    assert hint_of(finding).startswith("use pip 20.3 or newer: fetch it into tools/")
    assert not list(unseen_by("20.3", LOCK, ""))


def test_pip_knows_musllinux_tags_since_21_2() -> None:
    lock = replace(LOCK, pins=(pin("lib", "2.0", "lib-2.0-cp312-cp312-musllinux_1_1_x86_64.whl"),))
    (finding,) = unseen_by("21.1.3", lock, "tools")
    assert "pip 21.2 and newer know its tags" in sentence_of(finding)
    assert not list(unseen_by("21.2", lock, ""))


def test_an_environment_that_differs() -> None:
    found = {
        finding.rule: finding.subject
        for finding in differently_installed(LOCK, {"app": "1.1", "Raw": "1.0", "more": "1", "pip": "9"})
    }
    assert found == {
        "other-version": "app-1.0-py3-none-any.whl",
        "not-installed": "lib-2.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "not-locked": "more",
    }


def test_a_version_with_more_digits_than_python_reads_is_another_one() -> None:
    installed = {"app": "9" * 5000, "lib": "2.0", "raw": "1.0"}
    assert [finding.rule for finding in differently_installed(LOCK, installed)] == ["other-version"]


def test_what_builds_an_sdist() -> None:
    wants = BuildSystem(("setuptools>=61", "wheel", "tomli; python_version < '3.11'"), "setuptools.build_meta")
    assert not list(
        without_builder(
            "raw-1.0.tar.gz", wants, ["setuptools-65.0-py3-none-any.whl", "wheel-0.40-py3-none-any.whl"], TARGET
        )
    )
    (finding,) = without_builder("raw-1.0.tar.gz", wants, ["setuptools-60.0-py3-none-any.whl", "notes.txt"], TARGET)
    assert (
        sentence_of(finding)
        == "it is an sdist, but its build requirements are not in the folder: `setuptools>=61`, `wheel`"
    )


LIB_WHEEL = "lib-1.0-py3-none-any.whl"


def test_build_requirements_that_are_no_requirements_are_a_finding() -> None:
    for invalid in ("@@@", "lib; " + "(" * 2000, f"lib<{'9' * 5000}", 'lib; platform_release > "5"'):
        (finding,) = without_builder("raw-1.0.tar.gz", BuildSystem(("wheel", invalid), "x"), [LIB_WHEEL], TARGET)
        assert (finding.subject, finding.rule, finding.severity) == ("raw-1.0.tar.gz", "not-built", Severity.ERROR)
        assert sentence_of(finding).startswith("it is an sdist, and its pyproject.toml requires ")
        assert hint_of(finding)


@pytest.mark.parametrize(("setuptools", "lacking"), [("70.0", ["`wheel`"]), ("70.1", [])])
def test_an_sdist_that_says_nothing_needs_wheel_beside_an_older_setuptools(setuptools: str, lacking: list[str]) -> None:
    found = without_builder("raw-1.0.tar.gz", BuildSystem(), [f"setuptools-{setuptools}-py3-none-any.whl"], TARGET)
    assert [sentence_of(finding).partition("folder: ")[2] for finding in found] == lacking


HEADER = "src/x.c:1:10: fatal error: mysql/mysql.h: No such file or directory"


def pip_block(phase: str, log: str) -> str:
    """What pip 22 to 26 print of a build that failed."""
    return (
        "  error: subprocess-exited-with-error\n  \n"
        f"  × {phase} did not run successfully.\n  │ exit code: 1\n  ╰─> [1 lines of output]\n"
        f"      {log}\n      [end of output]\n  \n"
        "  note: This error originates from a subprocess, and is likely not a problem with pip.\n"
    )


PROCESSING = "Looking in links: /house\nProcessing /house/lib-2.0.whl\nProcessing /house/raw-1.0.tar.gz (from -r /house/r.txt (line 3))\n"
FAILED_BUILDS = {
    "pip, while it asks what the build needs": PROCESSING
    + pip_block("Getting requirements to build wheel", HEADER)
    + "error: subprocess-exited-with-error\n\n× Getting requirements to build wheel did not run successfully.\n│ exit code: 1\n"
    "╰─> See above for output.\n",
    "pip, while it makes metadata": PROCESSING
    + pip_block("Preparing metadata (pyproject.toml)", HEADER)
    + "error: metadata-generation-failed\n\n× Encountered error while generating package metadata.\n╰─> See above for output.\n",
    "pip, while it builds": PROCESSING
    + "Processing /house/app-1.0-py3-none-any.whl\nBuilding wheels for collected packages: raw\n"
    + pip_block("Building wheel for raw (pyproject.toml)", HEADER)
    + "  ERROR: Failed building wheel for raw\nFailed to build raw\n"
    "ERROR: Could not build wheels for raw, which is required to install pyproject.toml-based projects\n",
    "uv": "   Building raw==1.0\nerror: Failed to build `raw==1.0`\n  cause: The build backend returned an error\n"
    "  cause: Call to `backend.build_wheel` failed (exit status: 1)\n\n         [stderr]\n"
    f"         {HEADER}\n\n",
}


@pytest.mark.parametrize("name", FAILED_BUILDS)
def test_a_build_that_failed_is_explained_by_its_log(name: str) -> None:
    (finding,) = explained(FAILED_BUILDS[name], LOCK, "install")
    assert (finding.subject, finding.rule) == ("raw-1.0.tar.gz", "not-built")
    assert sentence_of(finding) == (
        "it is an sdist, and could not be built without a network: the header `mysql/mysql.h` is missing"
    )
    assert hint_of(finding).startswith("on Debian: apt-get install default-libmysqlclient-dev; or build a wheel of it")


def test_of_a_build_that_nobody_knows_the_last_words_are_told() -> None:
    said = PROCESSING + pip_block("Preparing metadata (pyproject.toml)", "ValueError: unheard of")
    (finding,) = explained(said, LOCK, "install")
    assert sentence_of(finding).endswith("without a network: ValueError: unheard of")


def test_build_requirements_that_were_not_found_are_no_failed_build() -> None:
    log = "ERROR: Could not find a version that satisfies the requirement tool (from versions: none)"
    (finding,) = explained(PROCESSING + pip_block("pip subprocess to install build dependencies", log), LOCK, "install")
    assert (finding.subject, finding.rule) == ("tool", "not-found")


def test_what_was_installed_and_what_was_skipped() -> None:
    steps = [
        Step("files", "a, b, c"),
        Step("install", "a"),
        Step("install", "b", skipped="no Python"),
        Step("image", "b"),
    ]
    steps += [Step("install", "c", skipped="no Python"), Step("uv", "a", skipped="no uv")]
    assert (installed_for(steps), skipped_targets(steps)) == (["a", "b"], ["c"])
    assert ending(steps, passed=True) == "passed; skipped: c (no interpreter here); not tried: uv"
    assert ending(steps, passed=False).startswith(
        "not passed: --require-all requires an install for every target; skipped: c"
    )
    assert ending(steps, passed=False, stopped=True).startswith("not finished; skipped: c")
    assert (
        ending(steps[:1] + steps[4:5], passed=False, stopped=True)
        == "nothing was installed; skipped: c (no interpreter here)"
    )


def test_a_second_opinion() -> None:
    assert requirements_text(LOCK, "/house/constraints.txt") == "app\n-c /house/constraints.txt\n"
    found = {
        one.subject: one for one in differences(LOCK, "app==1.0\nlib==1.9  # via app\nmore==3\n", {"raw-1.0.tar.gz"})
    }
    assert (
        "pip-compile takes lib 1.9, but the lock file has 2.0; `app-1.0-py3-none-any.whl` requires `lib>=1`"
        in sentence_of(found[LOCK.pins[1].artifact.filename])
    )
    assert found["raw-1.0.tar.gz"].severity == Severity.NOTE
    assert sentence_of(found["more"]) == "pip-compile also requires more 3, which the lock file does not name"


BUILT = replace(LOCK.pins[0], built=Built(LOCK.pins[2].artifact, "CPython", requires=("odd-backend==1.0",)))
STRAYS = {
    "lib-2.0-cp312-cp312-win_amd64.whl": "it is for another platform or Python (win_amd64); for cp312-manylinux_2_28_x86_64,",
    "lib-2.0.tar.gz": "it is the same release of lib as `lib-2.0",
    "lib-1.9-py3-none-any.whl": "it is a second version of lib beside `lib-2.0",
    "flit_core-3.0-py3-none-any.whl": "it is a build requirement",
    "odd_backend-1.0-py3-none-any.whl": "it is a build requirement",
    "other-1.0-py3-none-any.whl": "it is in no lock file, but the image build installs every file at the top of the folder",
    "strange.whl": "it is in no lock file",
}


@pytest.mark.parametrize("filename", STRAYS)
def test_what_an_archive_is_that_no_lock_names(filename: str) -> None:
    finding = unlocked_file(filename, [replace(LOCK, pins=(BUILT, *LOCK.pins[1:]))], staged=True)
    assert sentence_of(finding).startswith(STRAYS[filename])
    assert "remove it" in hint_of(finding)
