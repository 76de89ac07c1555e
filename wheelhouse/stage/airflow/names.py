"""Which files of the folder a release's from-context step sees, and the names under which they are staged (pure).

That step takes some files for Airflow and its providers, by glob, and all others but those whose name contains
`apache_airflow`; both comparisons heed case, and pip does not. So a file called `Apache_Airflow…` is one of the others:
installed by its path, with neither index nor dependencies.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Literal

from wheelhouse.airflow.releases import Airflow, Recipe
from wheelhouse.archive.filenames import is_wheel
from wheelhouse.findings import Finding, Severity

Rename = Literal["auto", "never", "documented"]
RENAMES: tuple[Rename, ...] = ("auto", "never", "documented")
MARKS = ("apache_airflow", "apache-airflow")


def staged_names(filenames: Iterable[str], recipe: Recipe, route: str, rename: Rename) -> dict[str, str]:
    """The name that each file is staged under, by its own name; most keep it."""
    return {name: _staged(name, recipe, route, rename) for name in filenames}


def _staged(filename: str, recipe: Recipe, route: str, rename: Rename) -> str:
    """The name of a file in the staged folder. `auto` writes a file with capitals that the step would miss, by route
    context; `documented` puts `_` before a file of Airflow or a provider, by either route; any other file keeps its name.
    """
    if rename == "documented":
        return f"_{filename}" if _matches(filename, "apache?airflow*") else filename
    if rename == "auto" and route == "context" and recipe.globs and _is_missed(filename, recipe):
        return capitals(filename)
    return filename


def _is_missed(filename: str, recipe: Recipe) -> bool:
    """Whether the from-context step would leave a file out, or install it in a way that no lock can decide; False for a name
    without one of MARKS.
    """
    if not any(mark in filename for mark in MARKS):
        return False
    return recipe.renames or not _is_matched(filename, recipe)


def capitals(filename: str) -> str:
    """`apache_airflow-2.0.1-py3-none-any.whl` as `Apache_Airflow-2.0.1-py3-none-any.whl`: only the project's words get capitals.

    To pip it is the same distribution.
    """
    end = filename.index("-") if is_wheel(filename) else filename.rindex("-")  # an old sdist's name has hyphens
    return re.sub("[a-z]+", lambda word: word[0].capitalize(), filename[:end]) + filename[end:]


def _matches(filename: str, glob: str) -> bool:
    """Whether a wheel or `.tar.gz` has the name of a glob without suffix, as bash compares: `?` is any character.

    Case counts.
    """
    return fnmatchcase(filename, f"{glob}.whl") or fnmatchcase(filename, f"{glob}.tar.gz")


def misnamed(staged: Mapping[str, str], airflow: Airflow, route: str) -> Iterator[Finding]:
    """An error for each file that lies under another name than the release's build wants: that which `auto` gives it.

    `staged` maps names in the lock to names in the folder.
    """
    wanted = staged_names(staged, airflow.recipe, route, "auto")
    for name, there in staged.items():
        if there == wanted[name]:
            continue
        if wanted[name] == name:
            facts = {"case": "own", "staged": there, "route": route}
        else:
            facts = {"case": "unbound" if _is_matched(there, airflow.recipe) else "unused", "wanted": wanted[name]}
        yield Finding.of(name, "rename", Severity.ERROR, airflow=str(airflow.version), **facts)


def _is_matched(filename: str, recipe: Recipe) -> bool:
    """Whether a glob of the release's script matches a file name."""
    return any(_matches(filename, glob) for glob in recipe.globs)
