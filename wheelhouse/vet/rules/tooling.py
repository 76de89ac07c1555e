"""Rules about settings of editors, agents and Jupyter inside a distribution: one observation for a file, with all paths (pure)."""

import re
from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts, installed
from wheelhouse.vet.places import JUPYTER_SETTINGS
from wheelhouse.vet.rules import Review, rule

RUN_BY_TOOLS = re.compile(
    r"""(?:.*/)?(?:
      \.vscode/(?:tasks|settings|launch|mcp)\.json | [^/]+\.code-workspace | \.idea/.+ | \.fleet/.+ | \.zed/.+
    | \.devcontainer(?:\.json|/.+) | \.claude/(?:settings(?:\.local)?\.json|hooks/.+|agents/.+|commands/.+|skills/.+)
    | \.cursor/(?:mcp\.json|hooks.*|environment\.json) | \.codex/.+ | \.gemini/.+ | \.kiro/.+ | \.continue/.+ | \.windsurf/.+
    | \.mcp\.json | \.aider[^/]* | \.envrc | \.git/.+ | \.githooks/.+ | \.husky/.+ | \.gitconfig
    | \.nvim\.lua | \.nvimrc | \.exrc | \.vimrc | \.dir-locals\.el | \.mise(?:\.local)?\.toml
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Settings by which an editor, an agent, git or a shell runs a program once the folder that holds them is opened."""
AGENT_INSTRUCTIONS = re.compile(
    r"""(?:.*/)?(?:
      (?:CLAUDE|AGENTS?|GEMINI|QWEN|SKILL|CONVENTIONS)(?:\.local)?\.md | \.(?:cursor|windsurf|cline|roo)rules(?:/.+)?
    | \.cursor/rules/.+ | \.github/(?:copilot-instructions\.md|(?:prompts|instructions|chatmodes)/.+) | \.claude/.+\.md
    | llms(?:-full)?\.txt
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Texts that agents read as instructions of the project that they work on."""
GIT_FILTER = re.compile(r"^(?!\s*#).*?\sfilter=(?!lfs\b)(\S+)", re.MULTILINE)


@rule(Severity.WARNING)
def tool_settings(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel installs settings that make an editor, an AI agent, git or a shell run programs.

    Examples are `.vscode/tasks.json`, `.claude/settings.json`, `.mcp.json`, `.git/hooks` and `.envrc`. The programs can run
    when somebody opens the folder. An installed package does not need such settings.
    """
    if paths := _matching(facts, RUN_BY_TOOLS, is_wheel=True):
        yield observed(paths=paths)


@rule(Severity.NOTE)
def sdist_tool_settings(facts: Facts, review: Review) -> Iterator[Observation]:
    """The sdist contains settings that make an editor, an AI agent, git or a shell run programs.

    Many projects keep such settings in their sources. The programs can run when somebody opens the unpacked folder. Read
    the settings first.
    """
    if paths := _matching(facts, RUN_BY_TOOLS, is_wheel=False):
        yield observed(paths=paths)


@rule(Severity.NOTE)
def agent_instructions(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution contains texts that AI agents read as instructions, such as `CLAUDE.md` and `AGENTS.md`.

    An agent that works in the folder can follow these texts as if its user had written them.
    """
    if paths := _matching(facts, AGENT_INSTRUCTIONS, is_wheel=facts.pin.artifact.is_wheel):
        yield observed(paths=paths)


@rule(Severity.NOTE)
def git_filter(facts: Facts, review: Review) -> Iterator[Observation]:
    """A .gitattributes file names a filter that is not git-lfs.

    If the git settings of the user or of the folder define this filter, git runs the filter's program on files of the folder.
    """
    for name, text in facts.texts.items():
        if name.rpartition("/")[2] == ".gitattributes" and (filters := GIT_FILTER.findall(text)):
            yield observed(path=name, filters=tuple(dict.fromkeys(filters)))


@rule(Severity.NOTE)
def jupyter_settings(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution turns on a Jupyter extension, by settings in `etc/jupyter`.

    Jupyter then imports the extension when it starts. `starts-with-system` reports Jupyter settings that are Python code.
    """
    if paths := tuple(path.removeprefix("@data/") for path in facts.installs if JUPYTER_SETTINGS.fullmatch(path)):
        yield observed(paths=paths)


def _matching(facts: Facts, pattern: re.Pattern[str], *, is_wheel: bool) -> tuple[str, ...]:
    """The names of the members whose whole installed path a pattern matches, without empty files.

    In an sdist, this path begins with the sdist's top folder.

    Empty if the file is a wheel and `is_wheel` is false, or the other way round.
    """
    if facts.pin.artifact.is_wheel is not is_wheel:
        return ()
    return tuple(entry.name for entry in facts.entries if entry.size and pattern.fullmatch(installed(entry.name)))
