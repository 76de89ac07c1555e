"""What `vet` finds in guarddog's samples of malicious packages, each packed as a wheel's `__init__.py` and as an sdist's setup.py.

The samples are read and packed, never run, and no part of the project: FOLDER is `tests/analyzer/sourcecode` of a checkout of guarddog.

python -m benchmarks.guarddog_samples FOLDER
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.findings import Finding, Policy, Severity
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.facts_reader import look_inside
from wheelhouse.vet.rules import RULES, Review, review_findings
from wheelhouse.vet.vet import vet  # noqa: F401  (importing it registers the rules)

GROUPS = ("importing", "running")
MARK = re.compile(r"^\s*(?:#|//)\s*(ruleid|ok):", re.MULTILINE)
NEAR = 9
"""A snippet is found if a finding names a line from its mark on, up to the next mark, at most so many lines."""


def findings_of(path: Path) -> list[Finding]:
    """The findings on code, of severity warning or error, on one made file."""
    artifact = Artifact(path.name, "0" * 64, path.stat().st_size)
    contents, inside = look_inside(path, path.name)
    facts = Facts(Pin(NormalizedName("odd"), Version("1.0"), artifact), contents=contents, inside=inside)
    findings = review_findings(Review((facts,), Policy(), datetime.now(UTC)))
    return [
        one
        for one in findings
        if RULES[one.rule].group in GROUPS and one.rule not in ("sdist-runs-code", "source-unparsed")
    ]


def snippets(text: str, lines: set[int]) -> Iterator[tuple[str, bool]]:
    """Each marked snippet: its mark, and whether it is found."""
    marks = [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in MARK.finditer(text)]
    ends = [line for line, _ in marks[1:]] + [text.count("\n") + 2]
    for (line, mark), end in zip(marks, ends, strict=False):
        yield mark, any(line < found < max(min(end, line + NEAR), line + 2) for found in lines)


def main() -> None:
    """Print a line for each sample, then the counts."""
    samples = [path for path in sorted(Path(sys.argv[1]).glob("*.py")) if not path.name.startswith("test_")]
    whole, marked = (
        {"wheel": 0, "sdist": 0},
        {("ruleid", True): 0, ("ruleid", False): 0, ("ok", True): 0, ("ok", False): 0},
    )
    for sample in samples:
        text = sample.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            wheel = build_wheel(Path(folder), "odd", "1.0", files={"odd/__init__.py": text})
            sdist = build_sdist(Path(folder), "odd", "1.0", setup_py=text.decode("utf-8", "replace"))
            found = {"wheel": findings_of(wheel), "sdist": findings_of(sdist)}
        serious = {kind: [one for one in findings if one.severity > Severity.NOTE] for kind, findings in found.items()}
        for kind, findings in serious.items():
            whole[kind] += bool(findings)
        lines = {int(line) for one in found["wheel"] for line in one.values.get("lines", ())}  # type: ignore[union-attr]
        for mark, is_found in snippets(text.decode("utf-8", "replace"), lines):
            marked[mark, is_found] += 1
        print(sample.name, *(",".join(sorted({one.rule for one in serious[kind]})) or "-" for kind in whole))
    print(f"{whole['wheel']} of {len(samples)} found in wheels, {whole['sdist']} in sdists (warnings and errors)")
    for mark in ("ruleid", "ok"):
        print(
            f"{marked[mark, True]} of {marked[mark, True] + marked[mark, False]} snippets marked {mark} are found (notes too)"
        )


if __name__ == "__main__":
    main()
