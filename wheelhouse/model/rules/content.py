"""What is inside: what runs by itself, and what is not where it belongs."""

import re
from collections.abc import Iterator

from wheelhouse.model.facts import Facts
from wheelhouse.model.policy import Severity
from wheelhouse.model.rules import Remark, Review, rule

PTH_CODE = re.compile(r"^import[ \t]", re.MULTILINE)


@rule(Severity.ERROR)
def pth_code(facts: Facts, review: Review) -> Iterator[Remark]:
    """A .pth file holds code.

    Every start of Python runs the lines of a .pth file that begin with `import`, whether the project is used or not.
    """
    for name, text in facts.texts.items():
        if name.endswith(".pth") and "/" not in name and (lines := PTH_CODE.findall(text)):
            yield (
                f"`{name}` runs {len(lines)} line(s) of code at every start of Python",
                "read the file, and approve it only if you know why",
            )


@rule(Severity.WARNING)
def sdist_runs_code(facts: Facts, review: Review) -> Iterator[Remark]:
    """An sdist runs its own code when it is built.

    Installing an sdist runs setup.py or a build backend, as the user who installs.
    """
    if not facts.pin.artifact.is_wheel:
        yield "building it runs its own code", "build it in a sealed room with `wheelhouse build`"
