"""The rules about settings of editors, agents and Jupyter inside a distribution."""

from tests.support.made_facts import made, observations
from wheelhouse.findings import observed
from wheelhouse.vet.facts import Entry

SETTINGS = (
    *("odd/.vscode/tasks.json", ".vscode/mcp.json", "odd.code-workspace", "a/.idea/x", ".fleet/x", ".zed/x", ".envrc"),
    *(".devcontainer.json", ".devcontainer/x", ".claude/settings.local.json", ".claude/hooks/x", ".cursor/mcp.json"),
    *(".cursor/hooks.json", ".codex/x", ".gemini/x", ".mcp.json", ".aider.conf.yml", "odd/.git/hooks/x", ".githooks/x"),
    *(".husky/x", ".gitconfig", ".nvim.lua", ".exrc", ".VIMRC", ".dir-locals.el", ".mise.toml", ".mise.local.toml"),
)
NO_SETTINGS = (
    "odd/x.vscode/tasks.json",
    ".vscode/tasks.json.txt",
    ".vscode/x.json",
    ".envrc.py",
    "gitconfig",
    ".github/x",
)
INSTRUCTIONS = (
    *("CLAUDE.md", "odd/agents.md", "AGENT.local.md", "GEMINI.md", "SKILL.md", ".cursorrules", ".windsurfrules/x"),
    *(".cursor/rules/x", ".github/copilot-instructions.md", ".github/prompts/x.md", ".claude/x.md", "llms.txt"),
    "odd/llms-full.txt",
)
NO_INSTRUCTIONS = ("CLAUDE.md.py", "MYCLAUDE.md", "README.md", ".github/workflows/x.yml", "llms.py", ".cursor/rules")


def test_settings_that_run_programs_weigh_more_in_a_wheel() -> None:
    data = tuple(f"odd-1.0.data/purelib/{name}" for name in SETTINGS[:2])
    names = (*SETTINGS, *data)
    members = (*names, *NO_SETTINGS, Entry("odd/.envrc", 0))
    assert observations("tool-settings", made("odd", *members)) == [observed(paths=names)]
    assert observations("sdist-tool-settings", made("odd", *members, tag="")) == [observed(paths=names)]
    assert observations("tool-settings", made("odd", *members, tag="")) == []
    assert observations("sdist-tool-settings", made("odd", *members)) == []
    assert observations("tool-settings", made("odd", *NO_SETTINGS)) == []
    assert observations("sdist-tool-settings", made("odd", *NO_SETTINGS, tag="")) == []


def test_instructions_for_agents_are_told_in_both() -> None:
    for tag in ("py3-none-any", ""):
        odd = made("odd", *INSTRUCTIONS, *NO_INSTRUCTIONS, Entry("odd/CLAUDE.md", 0), tag=tag)
        assert observations("agent-instructions", odd) == [observed(paths=INSTRUCTIONS)]
        assert observations("agent-instructions", made("odd", *NO_INSTRUCTIONS, tag=tag)) == []


FILTERS: dict[str, tuple[str, ...]] = {
    "*.a filter=x -text\n*.b\tfilter=y\n*.c filter=x\n": ("x", "y"),
    "*.a filter=lfs diff=lfs\n# *.b filter=x\n  # filter=x\n": (),
    "*.a filter=lfsx\n": ("lfsx",),
    "*.a -filter\n*.b nofilter=x\n": (),
}


def test_a_filter_of_git_is_told_unless_it_is_lfs() -> None:
    for text, filters in FILTERS.items():
        for name in (".gitattributes", "odd/in/.gitattributes"):
            told = [observed(path=name, filters=filters)] if filters else []
            assert observations("git-filter", made("odd", texts={name: text})) == told, text
        for name in ("odd/gitattributes", "odd/.gitattributes.txt", ".gitattributes/x"):
            assert observations("git-filter", made("odd", texts={name: text})) == [], text


def test_a_jupyter_extension_that_turns_itself_on_is_told() -> None:
    data = "odd-1.0.data/data/etc/jupyter"
    names = (f"{data}/jupyter_server_config.d/odd.json", f"{data}/nbconfig/notebook.d/odd.json")
    others = (f"{data}/odd.json", f"{data}/x.d/odd.json.txt", f"{data}/x.d/in/odd.json", "etc/jupyter/x.d/odd.json")
    paths = tuple(name.removeprefix("odd-1.0.data/data/") for name in names)
    assert observations("jupyter-settings", made("odd", *names, *others)) == [observed(paths=paths)]
    assert observations("jupyter-settings", made("odd", *others)) == []
