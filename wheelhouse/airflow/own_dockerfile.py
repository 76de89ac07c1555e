"""The recipe of an image build, read from Airflow's own Dockerfile (pure).

What a Dockerfile says takes the place of the data in `releases` and `apt_lists`: it is that of the build, whatever its release.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from wheelhouse.airflow.releases import CLIENTS, Airflow, OwnRecipe, Recipe
from wheelhouse.dockerfile.dockerfile_syntax import Dockerfile, parse_dockerfile, substituted
from wheelhouse.dockerfile.network_needs import written_scripts
from wheelhouse.dockerfile.shell_commands import shell_commands
from wheelhouse.errors import InputError

BUILD_STAGE = "airflow-build-image"
STAGED = "docker-context-files"
OS_SCRIPT = "install_os_dependencies.sh"
DEBIANS = ("buster", "bullseye", "bookworm", "trixie", "forky")
LISTS = {
    "development": ("DEV_APT_DEPS", "install_debian_dev_dependencies"),
    "runtime": ("RUNTIME_APT_DEPS", "install_debian_runtime_dependencies"),
}
"""List → the variable that has its packages, and the function of OS_SCRIPT that installs them."""
VERSION = re.compile(r"\d[\w.]*")
PYTHON_IMAGE = re.compile(r"\bpython:(\d+\.\d+(?:\.\d+)?)(?=-|$)")
GLOB = re.compile(r"/docker-context-files/(apache\?airflow\?[^\s\"']+?)\.\{whl,tar\.gz\}")
BRACES = re.compile(r"\{([^{}]*)\}")
WITH_ARGUMENT = ("--from", "--python")
"""Options of `uv tool install` whose next word is no requirement of another project, as that of `--with` is."""


def with_own_dockerfile(airflow: Airflow, text: str, what: str) -> Airflow | None:
    """The release with `own` read from a Dockerfile's text; None if that is not Airflow's own, or unreadable. `what` names it."""
    try:
        dockerfile = parse_dockerfile(text, what)
    except InputError:
        return None
    if not is_airflows_own(dockerfile):
        return None
    scripts = {name: script for name, (script, _) in written_scripts(dockerfile).items()}
    reader = _Reader(dockerfile, text, scripts)
    recipe = reader.recipe(airflow.recipe)
    lists = _apt_lists(scripts[OS_SCRIPT], recipe.debian) if OS_SCRIPT in scripts else {}
    return replace(
        airflow, own=OwnRecipe(recipe, lists, text, what, reader.python(), _defaults(dockerfile)["AIRFLOW_VERSION"])
    )


def is_airflows_own(dockerfile: Dockerfile) -> bool:
    """Whether it builds Airflow's own image: it has the stage BUILD_STAGE and the argument AIRFLOW_VERSION."""
    froms = [one.text.lower().split() for one in dockerfile.instructions if one.keyword == "FROM"]
    has_stage = any(words[1:] == ["as", BUILD_STAGE] for words in froms)
    return has_stage and "AIRFLOW_VERSION" in _defaults(dockerfile)


def _defaults(dockerfile: Dockerfile) -> dict[str, str]:
    """Argument → its first default that is not empty, in any stage, with its variables unreplaced; "" if it has none."""
    defaults: dict[str, str] = {}
    for instruction in dockerfile.instructions:
        if instruction.keyword != "ARG":
            continue
        for command in shell_commands(f"export {instruction.text}", 1)[:1]:
            for name, _, value in (word.partition("=") for word in command.words[1:]):
                defaults[name] = defaults.get(name) or value
    return defaults


def _copied_from_checkout(dockerfile: Dockerfile) -> tuple[str, ...]:
    """The sources of each `COPY` without `--from` and heredoc, each once; not those with a variable, and not STAGED."""
    copies = [one for one in dockerfile.instructions if one.keyword == "COPY" and not one.heredocs]
    words = [one.words or tuple(one.text.split()) for one in copies if not one.values("from")]
    paths = (word for sources in words for word in sources[:-1] if "$" not in word)
    return tuple(dict.fromkeys(path for path in paths if path != STAGED))


class _Reader:
    """Reads what a recipe has from a Dockerfile."""

    def __init__(self, dockerfile: Dockerfile, text: str, scripts: Mapping[str, str]) -> None:
        self._dockerfile = dockerfile
        self._defaults = _defaults(dockerfile)
        self._text = text
        self._scripts = scripts

    def recipe(self, known: Recipe) -> Recipe:
        """The recipe that the Dockerfile says. What no Dockerfile says, such as how extras are spelled, is as in `known`.

        So are the Debian release, the version of pip, the globs, and the arguments of pip, the version and the context,
        if the Dockerfile lacks them; and the version of uv, if AIRFLOW_UV_VERSION has none. Of the rest, the recipe has
        only what the Dockerfile has.
        """
        globs = tuple(self._globs()) or known.globs
        constraints = self._declared(
            "USE_CONSTRAINTS_FOR_CONTEXT_PACKAGES", "USE_CONSTRAINTS_FOR_CONTEXT_DISTRIBUTIONS"
        )
        pip_argument = self._declared("AIRFLOW_PIP_VERSION", "PIP_VERSION") or known.pip_argument
        return replace(
            known,
            debian=self._debian() or known.debian,
            pip=self._version(pip_argument) or known.pip,
            uv=(self._version("AIRFLOW_UV_VERSION") or known.uv) if "AIRFLOW_UV_VERSION" in self._defaults else None,
            tools=tuple(self._tools()),
            clients=tuple(client for client in CLIENTS if f"INSTALL_{client.upper()}_CLIENT" in self._defaults),
            compiles_python="AIRFLOW_PYTHON_VERSION" in self._defaults,
            pip_conf="docker-context-files/pip.conf" in self._text,
            globs=globs,
            copies=_copied_from_checkout(self._dockerfile),
            renames=bool(globs) and constraints is None,
            pip_argument=pip_argument,
            version_argument=self._declared("AIRFLOW_VERSION_SPECIFICATION", "AIRFLOW_INSTALL_VERSION")
            or known.version_argument,
            python_argument=self._declared("PYTHON_MAJOR_MINOR_VERSION"),
            context_argument=self._declared(
                "INSTALL_FROM_DOCKER_CONTEXT_FILES",
                "INSTALL_PACKAGES_FROM_CONTEXT",
                "INSTALL_DISTRIBUTIONS_FROM_CONTEXT",
            )
            or known.context_argument,
            index_argument=self._declared("INSTALL_FROM_PYPI"),
            in_context_argument=self._declared("AIRFLOW_IS_IN_CONTEXT"),
            folder_argument=self._declared("DOCKER_CONTEXT_FILES"),
            constraints_argument=constraints,
            flags_argument=self._declared("ADDITIONAL_PIP_INSTALL_FLAGS"),
            eager_argument=self._declared("EAGER_UPGRADE_ADDITIONAL_REQUIREMENTS"),
            pre_cache_argument=self._declared("AIRFLOW_PRE_CACHED_PIP_PACKAGES"),
        )

    def python(self) -> str | None:
        """The Python that is compiled by default, else that in the default of PYTHON_BASE_IMAGE: `3.12` or `3.13.14`.

        None if neither says one.
        """
        match = PYTHON_IMAGE.search(self._defaults.get("PYTHON_BASE_IMAGE", ""))
        return self._version("AIRFLOW_PYTHON_VERSION") or (match[1] if match else None)

    def _declared(self, *names: str) -> str | None:
        """The first of these argument names that the Dockerfile declares; None if it declares none."""
        return next((name for name in names if name in self._defaults), None)

    def _version(self, argument: str) -> str | None:
        """The default of an argument if it is a version; None if it has none, or another text, such as an address of sources."""
        default = self._defaults.get(argument, "")
        return default if VERSION.fullmatch(default) else None

    def _debian(self) -> str | None:
        """The first of DEBIANS in the default of PYTHON_BASE_IMAGE, or of BASE_IMAGE if that is empty; None without one."""
        image = self._defaults.get("PYTHON_BASE_IMAGE") or self._defaults.get("BASE_IMAGE") or ""
        return next((name for name in DEBIANS if name in image), None)

    def _globs(self) -> Iterator[str]:
        """The patterns of the files that the from-context step installs as Airflow and its providers.

        They are without suffix, with one for each choice in `{a,b}`.
        """
        for pattern in dict.fromkeys(match[1] for match in GLOB.finditer(self._text)):
            yield from _expanded(pattern)

    def _tools(self) -> Iterator[str]:
        """The requirements that the install scripts install: `packaging` if it is one, and those of `uv tool install` but uv, each once."""
        texts = [substituted(text, self._defaults) for text in self._scripts.values()]
        has_packaging = any(re.search(r"install\b[^\n]*\bpackaging$", text, re.MULTILINE) for text in texts)
        commands = [command.words for text in texts for command in shell_commands(text, 1)]
        tools = [
            name for words in commands if words[:3] == ("uv", "tool", "install") for name in _tool_names(words[3:])
        ]
        first = ["packaging"] if has_packaging else []
        yield from (name for name in dict.fromkeys([*first, *tools]) if name.partition("==")[0] != "uv")


def _tool_names(words: tuple[str, ...]) -> Iterator[str]:
    """The requirements in the words after `uv tool install`, and those of `--with X` and `--with=X`; of `name==$VERSION` only the name."""
    before = ""
    for word in words:
        requirement = word.removeprefix("--with=")
        if requirement and not requirement.startswith("-") and before not in WITH_ARGUMENT:
            yield requirement.partition("==")[0] if "$" in requirement else requirement
        before = word


def _expanded(pattern: str) -> Iterator[str]:
    """One pattern for each choice in `{a,b}`, in order; the pattern itself if it has no braces. Braces are not nested."""
    match = BRACES.search(pattern)
    if match is None:
        yield pattern
        return
    for part in match[1].split(","):
        yield from _expanded(f"{pattern[: match.start()]}{part}{pattern[match.end() :]}")


def _apt_lists(script: str, debian: str) -> dict[str, tuple[str, ...]]:
    """List → its packages, sorted, from the text of OS_SCRIPT; {} if the script does not name those of both as Airflow's does."""
    specific = _packages_of_debian(script, debian)
    lists: dict[str, tuple[str, ...]] = {}
    for name, (variable, function) in LISTS.items():
        match = re.search(rf'\b{variable}="((?:[^"\\]|\\.|\\\n)+)"', script)
        if match is None:
            return {}
        text = match[1].replace("\\\n", " ").replace("${debian_version_apt_deps}", specific)
        packages = {word for word in text.split() if "$" not in word}
        lists[name] = tuple(sorted(packages | set(_installed_by(script, function))))
    return lists


def _packages_of_debian(script: str, debian: str) -> str:
    """The packages that the script adds for a Debian release, as one text; "" if it adds none for any release.

    They are those below a condition with its name, else the last ones.
    """
    assignments = list(re.finditer(r'debian_version_apt_deps="((?:[^"\\]|\\.|\\\n)+)"', script))
    start, chosen = 0, ""
    for match in assignments:
        chosen = match[1]
        if f'"{debian}"' in script[start : match.start()].rpartition("if [[")[2]:
            break
        start = match.end()
    return chosen.replace("\\\n", " ")


def _installed_by(script: str, function: str) -> Iterator[str]:
    """The packages that a function of the script passes to `apt-get install` by name, not by a variable."""
    body = re.search(rf"^function {function}\(\) \{{\n(.*?)^\}}", script, re.MULTILINE | re.DOTALL)
    for command in shell_commands(body[1], 1) if body else ():
        if command.words[0] == "apt-get" and "install" in command.words:
            words = command.words[command.words.index("install") + 1 :]
            yield from (word for word in words if not word.startswith(("-", "$")))
