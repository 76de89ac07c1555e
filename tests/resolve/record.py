"""Records what the real index offers to a job, so that a test can resolve the same when the index has moved on.

`python -m tests.resolve.record NAME -- lock 'prefect[azure]==0.15.13' --python 3.8 …` runs the command and writes
`tests/resolve/recorded/NAME.json.gz`: the requirements, the target, and for each project that was looked at its versions, newest
first: whether it is yanked or has no file for the target, and what it requires, if that was looked at. No file is recorded.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from wheelhouse.cli import main
from wheelhouse.resolve import release_dependencies, search
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.resolution import ResolutionRequest

FOLDER = Path(__file__).with_name("recorded")
NO_FILE, YANKED, COSTLY = "no file", "yanked", "costly"


def recorded(request: ResolutionRequest, index: CandidateIndex, metadata: dict[tuple[str, str], Any]) -> dict[str, Any]:
    """The universe as JSON."""
    return {
        "python": str(request.target.python.version),
        "target": request.target.name,
        "requirements": [line.text for line in request.requirements],
        "constraints": [line.text for line in request.constraints],
        "projects": {
            project: releases(candidates, metadata) if candidates else None
            for project, candidates in sorted(index._candidates.items())
        },
    }


def releases(candidates: ProjectCandidates, metadata: dict[tuple[str, str], Any]) -> dict[str, Any]:
    """Each version: a text that says why it cannot be taken, or its metadata, empty if nobody looked at it."""
    found: dict[str, Any] = {}
    for version in candidates.page.versions:
        chosen = candidates.choose(version, search.SpecifierSet(f"=={version}"))[0]
        if chosen is None:
            found[str(version)] = NO_FILE
        else:
            found[str(version)] = metadata.get((candidates.page.project, str(version)), {})
            if candidates.choose(version, search.SpecifierSet())[0] is None:
                found[str(version)] |= {YANKED: True}
            if chosen.is_costly:
                found[str(version)] |= {COSTLY: True}
    return found


def record(name: str, arguments: list[str]) -> None:
    """Run a command, and write what its resolver saw."""
    metadata: dict[tuple[str, str], Any] = {}
    kept: list[tuple[ResolutionRequest, CandidateIndex]] = []
    original = release_dependencies.ReleaseDependencies.__init__

    def watched(self: Any, request: ResolutionRequest, packages: Any, index: CandidateIndex, *more: Any) -> None:
        original(self, request, packages, index, *more)
        kept.append((request, index))
        get = packages.metadata.get

        def noted(candidate: Any, **options: Any) -> Any:
            future = get(candidate, **options)
            future.add_done_callback(lambda done: note(candidate, done))
            return future

        def note(candidate: Any, done: Any) -> None:
            if not done.cancelled() and not done.exception():
                data = done.result()
                metadata[candidate.project, str(candidate.version)] = {
                    "requires": list(data.requires_dist),
                    "extras": sorted(data.extras),
                    "python": data.requires_python,
                }

        packages.metadata.get = noted

    release_dependencies.ReleaseDependencies.__init__ = watched  # type: ignore[method-assign]
    sys.argv = ["wheelhouse", *arguments]
    import os

    def leave(code: int) -> None:
        text = json.dumps(recorded(*kept[0], metadata), separators=(",", ":"))
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        sys.exit(code)

    os._exit = leave  # type: ignore[assignment]  # the command ends the process at once
    main()


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[3:])
