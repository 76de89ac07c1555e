"""The settings of the documentation site: `sphinx-build -W -c website . build/site`. Nothing is loaded from a network.

Pages are plain Markdown: they have no directives, and every link leads to a file, so they read well without the site. The
navigation is `docs/index.md`: each of its headings is a part of the sidebar, with the pages that it links to. A page that it does
not link to stands under "More".
"""

import re
from pathlib import Path

from wheelhouse import __version__

ROOT = Path(__file__).parents[1]
HOME = "docs/index"
LISTS = {"docs/reference/commands": "Commands"}
"""Pages that list pages below them, with what the sidebar calls these."""
LINK = re.compile(r"\]\(([^)#:]+\.md)\)")

project = "wheelhouse"
author = "the wheelhouse authors"
version = release = __version__
copyright = f"{author}, Apache-2.0"  # noqa: A001  (Sphinx's name)
extensions = ["myst_parser"]
root_doc = HOME
include_patterns = ["docs/**", "*.md"]
exclude_patterns = ["build/**"]
nitpicky = True
highlight_language = "text"
smartquotes = False  # options begin with two hyphens
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"wheelhouse {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_extra_path = ["root"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#7ab8ff", "color-brand-content": "#7ab8ff"},
}


def linked(name: str, text: str) -> list[str]:
    """The pages that a page links to, as Sphinx names them, in order."""
    folder = (ROOT / name).parent
    paths = [(folder / link).resolve().relative_to(ROOT).with_suffix("") for link in LINK.findall(text)]
    return list(dict.fromkeys(path.as_posix() for path in paths))


def toctree(names: list[str], caption: str) -> str:
    """A part of the sidebar."""
    pages = "\n".join(f"/{name}" for name in names)
    return f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


def navigation(text: str, pages: set[str]) -> str:
    """The toctrees of the home page: one for each heading, and one for the pages that no heading has."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    sections = {caption: linked(HOME, body) for caption, body in zip(parts[1::2], parts[2::2], strict=True)}
    named = {name for names in sections.values() for name in names} | {HOME}
    named |= {name for page in LISTS for name in linked(page, (ROOT / f"{page}.md").read_text(encoding="utf-8"))}
    if rest := sorted(pages - named):
        sections["More"] = rest
    return "".join(toctree(names, caption) for caption, names in sections.items())


def add_navigation(app, docname: str, source: list[str]) -> None:  # noqa: ANN001  (Sphinx's own type)
    """Add the sidebar's parts to the pages that have them."""
    if docname == HOME:
        source[0] += navigation(source[0], set(app.env.found_docs))
    elif docname in LISTS:
        source[0] += toctree(linked(docname, source[0]), LISTS[docname])


def level_captions(app, pagename: str, templatename: str, context: dict, doctree) -> None:  # noqa: ANN001
    """Give the captions of the sidebar, which Sphinx marks as headings, the level that a heading must have."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app) -> None:  # noqa: ANN001  (Sphinx's own type)
    """Called by Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", level_captions, priority=900)
