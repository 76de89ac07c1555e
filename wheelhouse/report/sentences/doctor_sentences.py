"""What `doctor` says of each check: a sentence, and a remedy where something is missing or broken (pure)."""

from collections.abc import Callable

from wheelhouse.doctor.diagnosis import Check, FactValue, State, Topic
from wheelhouse.humanize import counted, size_text

Sentence = tuple[str, str]
"""What is so, and what to do about it; the remedy is empty if there is nothing to do."""
EXTRA_USES = {
    "attestations": "`vet` needs it to check who published a file",
    "dask": "`build --executor` and `vet --executor` need it",
    "publish": "`publish` needs it",
    "sbom": "`vet --sbom` needs it",
    "second-opinion": "`rehearse` needs it to check the lock files with pip-tools",
    "serve": "`serve` needs it",
    "signing": "`approve` needs it, and so does the option `--key`",
    "store": "`--store` needs it",
}
PROGRAM_USES = {
    "gpg": "`fetch` needs it to check GPG signatures (`--gpg-keyring`)",
    "gpgv": "`fetch --deb` needs gpgv or gpg to check the signatures of Debian's archives",
    "auditwheel": "`build` needs it to put C libraries into wheels",
    "uv": "`rehearse` needs it to repeat the install with uv",
    "par2": "`pack` needs it for error correction",
}
PROGRAM_REMEDIES = {
    "gpg": "apt-get install gnupg, or dnf install gnupg2",
    "gpgv": "apt-get install gpgv, or dnf install gnupg2",
    "auditwheel": "pipx install auditwheel; then apt-get install patchelf, or dnf install patchelf",
    "uv": "pipx install uv",
    "par2": "apt-get install par2, or dnf install par2cmdline",
}
NO_SANDBOX = "`build` and `rehearse` need one of the sandboxes"


def doctor_sentence(check: Check) -> Sentence:
    """The sentence and the remedy of one check; the remedy is empty if there is nothing to do."""
    return SENTENCES[check.topic](check, lambda name: _text(check.facts.get(name, "")))


def _text(value: FactValue) -> str:
    """A fact as text; several strings are separated by commas."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


Fact = Callable[[str], str]


def _python(_check: Check, fact: Fact) -> Sentence:
    """The Python that runs wheelhouse: version, path, system and machine; no remedy."""
    return f"Python {fact('version')} at {fact('path')}, {fact('system')} on {fact('machine')}", ""


def _folder(check: Check, fact: Fact) -> Sentence:
    """A folder and its free bytes; why nothing can be written to it; or that there is no cache, because there is no home folder."""
    if check.state is State.MISSING:
        return "there is no home folder, so there is no cache", "name a folder with --cache-dir"
    if check.state is State.BROKEN:
        return f"{fact('path')} cannot be written to: {fact('reason')}", _folder_remedy(check.name)
    return f"{fact('path')}, {size_text(int(fact('free_bytes')))} free", ""


def _folder_remedy(name: str) -> str:
    """How to name another folder for the cache, for temporary files, or for wheelhouses."""
    if name == "cache":
        return "set another folder with --cache-dir or WHEELHOUSE_CACHE_DIR"
    return "set TMPDIR to another folder" if name == "temporary files" else "name another folder with --dest"


def _index(check: Check, fact: Fact) -> Sentence:
    """The form of the index's pages, or that it lacks the project that was asked for; if it gives no page, why not."""
    if check.state is State.MISSING:
        return (
            f"no answer: {fact('reason')}",
            "`fetch` and `lock` need an index: check the network and the proxy, or name a mirror with --index",
        )
    if check.state is State.BROKEN:
        return fact("reason"), "check the address and the credentials"
    form = "JSON" if fact("has_json") == "True" else "HTML, which has no upload times"
    found = f"its pages are {form}" if fact("has_project") == "True" else f"it has no project `{fact('project')}`"
    return f"{fact('url')} answers; {found}", ""


def _proxy(check: Check, fact: Fact) -> Sentence:
    """Whether the proxy of these schemes accepts connections."""
    sentence = f"for {fact('schemes')}"
    if check.state is State.GOOD:
        return f"{sentence}: it accepts connections", ""
    return (
        f"{sentence}: no connection: {fact('reason')}",
        "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, and that the proxy runs",
    )


def _clock(check: Check, fact: Fact) -> Sentence:
    """How many seconds this clock differs from the server's."""
    seconds = int(fact("seconds_ahead"))
    side = "ahead of" if seconds > 0 else "behind"
    sentence = f"the clock of this machine is {counted(abs(seconds), 'second')} {side} the clock of the server"
    if check.state is State.GOOD:
        return sentence, ""
    return (
        sentence,
        "set the clock of this machine: wheelhouse compares the clock with the dates of certificates, approvals and advisories",
    )


def _sandbox(check: Check, fact: Fact) -> Sentence:
    """Whether a sandbox is sealed; if not, why, whether another is used, and in both cases a remedy."""
    if check.state is State.GOOD:
        holds = f"; the sandbox also uses {fact('holds')}" if fact("holds") else ""
        return f"sealed: a test inside found no network and no file of this machine{holds}", ""
    use = "another sandbox is used" if fact("has_another") == "True" else NO_SANDBOX
    remedy = (
        "apt-get install bubblewrap, or dnf install bubblewrap"
        if check.name == "bubblewrap"
        else "permit user namespaces: sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns"
    )
    return f"{fact('reason')}; {use}", remedy


def _engine(check: Check, fact: Fact) -> Sentence:
    """Whether a container engine answers; if not, why, and that another is used or which commands need one.

    Only the check of Docker has a remedy, if no engine answers.
    """
    if check.state is State.GOOD:
        return f"{fact('path')} answers", ""
    if fact("has_another") == "True":
        return f"{fact('reason')}; another engine is used", ""
    use = "`rehearse --image`, `rehearse --dockerfile` and `build --in-image` need an engine"
    return f"{fact('reason')}; {use}", "start Docker, podman or buildah" if check.name == "docker" else ""


def _interpreter(check: Check, fact: Fact) -> Sentence:
    """An interpreter and its path, or that none was found."""
    if check.state is State.MISSING:
        return (
            "no interpreter was found; `build` and `rehearse` need a Python of the target's version",
            "name an interpreter with --interpreter",
        )
    return f"{fact('described')}, {fact('path')}", ""


def _extra(check: Check, fact: Fact) -> Sentence:
    """Whether an extra is installed; if not, what it is for, and the command that installs it."""
    if check.state is State.GOOD:
        return "installed", ""
    use = EXTRA_USES.get(check.name, "the `--help` text of a command says whether the command needs this extra")
    return f"not installed: {fact('missing')}; {use}", fact("command")


def _keyring(check: Check, fact: Fact) -> Sentence:
    """Whether keyring is installed; it can hold passwords."""
    if check.state is State.MISSING:
        return (
            "not installed; passwords can come from netrc, a URL or a token file",
            f"if keyring has your passwords, install it: {fact('command')}",
        )
    return f"wheelhouse asks the keyring {fact('as')} for a password only if you gave the server's address", ""


def _agent(check: Check, fact: Fact) -> Sentence:
    """Whether ssh-agent runs, and how many keys it holds."""
    if check.state is State.MISSING:
        return "SSH_AUTH_SOCK is not set; keys can come from files", "start ssh-agent, if your key is kept there"
    if check.state is State.BROKEN:
        return fact("reason"), "start ssh-agent again, or unset SSH_AUTH_SOCK"
    return f"it holds {counted(int(fact('keys')), 'key')}", ""


def _program(check: Check, fact: Fact) -> Sentence:
    """The path of a program; if it is not installed, what needs it, and how to install it."""
    if check.state is State.GOOD:
        return fact("path"), ""
    return f"not installed; {PROGRAM_USES[check.name]}", PROGRAM_REMEDIES[check.name]


SENTENCES: dict[Topic, Callable[[Check, Fact], Sentence]] = {
    Topic.PYTHON: _python,
    Topic.FOLDER: _folder,
    Topic.INDEX: _index,
    Topic.PROXY: _proxy,
    Topic.CLOCK: _clock,
    Topic.SANDBOX: _sandbox,
    Topic.ENGINE: _engine,
    Topic.INTERPRETER: _interpreter,
    Topic.EXTRA: _extra,
    Topic.KEYRING: _keyring,
    Topic.AGENT: _agent,
    Topic.PROGRAM: _program,
}
