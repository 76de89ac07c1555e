"""What one does here: `nox --list`. `nox` alone does the first three. Each session has an environment of its own."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True
TESTS = ("-e", ".", "--group", "test")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff and mypy."""
    session.install(*TESTS, "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """The default suite, or what you name: `nox -s tests -- tests/vet -k rules`."""
    session.install(*TESTS)
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto"]))


@nox.session
def locked(session: nox.Session) -> None:
    """The default suite, or what you name, in an environment that wheelhouse itself locked: build/development has its lock file. Linux."""
    session.install("-e", ".")
    version = session.run("python", "-c", "import platform; print(platform.python_version())", silent=True).strip()
    own, environment = Path("build/development"), Path(session.create_tmp()).resolve() / "environment"
    groups, backend = ("--group", "test", "--group", "lint"), ("hatchling>=1.25", "editables")
    session.run(
        *("wheelhouse", "fetch", "-r", "pyproject.toml", *backend, *groups, "--python", version),
        *("--dest", str(own), "--replace", "-q"),
    )
    session.run("python", "-m", "venv", "--clear", str(environment))
    python = str(environment / "bin/python")
    (requirements,) = own.glob("requirements.*.txt")
    hashes = ("--require-hashes", "--find-links", str(own), "-r", str(requirements))
    offline = (python, "-m", "pip", "install", "-q", "--no-index")
    session.run(*offline, *hashes, external=True)
    session.run(*offline, "--no-deps", "--no-build-isolation", "-e", ".", external=True)
    session.run(python, "-m", "pytest", *(session.posargs or ["-n", "auto"]), external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, strictly, into build/site."""
    session.install("-e", ".", "--group", "docs")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-c", "website", ".", "build/site")


@nox.session
def golden(session: nox.Session) -> None:
    """Write golden texts and reference pages anew, and show what changed; name the tests after `--`."""
    session.install(*TESTS)
    session.run("python", "-m", "website.reference")
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/cli"]), env={"WHEELHOUSE_UPDATE_GOLDEN": "1"})
    session.run("git", "diff", "--stat", external=True)


@nox.session
def rooms(session: nox.Session) -> None:
    """What runs in sandboxes, and the guides and tutorials as they are typed. Needs bubblewrap or namespaces."""
    session.install(*TESTS)
    session.run("python", "-m", "pytest", "-m", "rooms", "-n", "2", "-rs", *session.posargs)


@nox.session
def index(session: nox.Session) -> None:
    """What needs the real package index."""
    session.install(*TESTS)
    session.run("python", "-m", "pytest", "-m", "index and not docker", "-n", "2", "-rs", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """How much of four packages their own tests run."""
    session.install(*TESTS, "--group", "measure")
    packages = ("tests/lock", "tests/resolve", "tests/target", "tests/verify")
    session.run("python", "-m", "coverage", "run", "-m", "pytest", "-n", "auto", *packages)
    session.run("python", "-m", "coverage", "combine", "-q")
    session.run("python", "-m", "coverage", "report", "--skip-covered", "--sort=cover")


@nox.session
def mutation(session: nox.Session) -> None:
    """Small faults that tests must notice: `nox -s mutation -- lock --sample 60`."""
    session.install(*TESTS, "--group", "measure")
    session.run("python", "-m", "tests.mutation", *(session.posargs or ["lock", "verify", "--sample", "60"]))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Readers of what an index sends, for ten minutes each: `nox -s fuzz -- page 60`."""
    session.install(*TESTS, "atheris")
    for words in [session.posargs] if session.posargs else [[reader, "600"] for reader in ("page", "html", "metadata")]:
        session.run("python", "-m", "tests.fuzzing", *words)


@nox.session
def soak(session: nox.Session) -> None:
    """A thousand failures and kills, for an hour."""
    session.install(*TESTS)
    session.run("python", "-m", "pytest", "-m", "soak", "-n", "2", *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """The sdist and the wheel of wheelhouse, and their bill of materials, which wheelhouse itself writes."""
    session.install("build", ".[sbom]")
    session.run("python", "-m", "build", "--outdir", "dist")
    wheel = max(Path("dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    own, sbom = session.create_tmp(), Path("build/sbom")
    sbom.mkdir(parents=True, exist_ok=True)
    session.run("wheelhouse", "fetch", str(wheel), "--python", "3.12", "--dest", own, "--replace")
    findings_too = [0, 1]
    session.run(
        "wheelhouse", "vet", own, "--sbom", str(sbom / "airgap-wheelhouse.cdx.json"), success_codes=findings_too
    )


@nox.session
def workflows(session: nox.Session) -> None:
    """What zizmor finds in the workflows."""
    session.install("zizmor>=1.20")
    session.run("zizmor", "--offline", "--pedantic", ".github")
