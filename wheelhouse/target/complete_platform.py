"""Complete platforms: a target described in full, in the JSON of pex (`pex3 interpreter inspect --markers --tags`) (pure).

`marker_environment` are the PEP 508 markers, `compatible_tags` the PEP 425 tags, best first. Other keys are ignored, as pex
does.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby, product
from typing import Any

from packaging.tags import Tag

from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError
from wheelhouse.target.target import Target

MAX_TAGS = 1 << 16
"""More than any interpreter has. A compressed tag set can stand for so many that they fill the memory."""
HINT = "write a complete platform on the target machine, with `wheelhouse target show --interpreter PATH` or with pex"


def parse_complete_platform(text: str, source: str) -> Target:
    """The target that a complete platform, as JSON text, describes. Raises InputError, naming `source`, if the text is none."""
    try:
        document = parse_json(text)
        markers, tags = document["marker_environment"], document["compatible_tags"]
        if not all(isinstance(value, str | None) for value in markers.values()):
            raise InputError("its markers are not all strings")
        return Target.described(markers, tuple(expand(tags)))
    except InputError as error:
        raise InputError(f"`{source}` describes no target: {error}", hint=error.hint or HINT) from error
    except KeyError as error:
        raise InputError(f"`{source}` is not a complete platform: it has no {error}", hint=HINT) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"`{source}` is not a complete platform: {error}", hint=HINT) from error


def complete_platform(target: Target) -> dict[str, Any]:
    """A target as a complete platform, for JSON: without the markers that it does not know, each tag by itself."""
    markers = {key: value for key, value in target.environment.items() if value}
    return {"marker_environment": markers, "compatible_tags": [str(tag) for tag in target.tags]}


def expand(texts: Iterable[str]) -> Iterator[Tag]:
    """The tags in order. `a.b` in a part of a tag stands for one tag with `a` and one with `b` (PEP 425, compressed tag
    sets); of those, the platform varies first.

    Raises InputError, when it gets there, for a text without three parts, and for more than `MAX_TAGS`. A part may be empty.
    """
    count = 0
    for text in texts:
        parts = [part.split(".") for part in text.split("-")]
        if len(parts) != 3:
            raise InputError(f"`{text}` is not a tag")
        count += math.prod(map(len, parts))
        if count > MAX_TAGS:
            raise InputError(f"it has more than {MAX_TAGS} tags")
        for interpreter, abi, platform in product(*parts):
            yield Tag(interpreter, abi, platform)


def compress(tags: Iterable[Tag]) -> Iterator[str]:
    """Compressed tag sets that `expand` turns into these tags, in order: neighbours with the same interpreter and ABI share a set."""
    for (interpreter, abi), group in groupby(tags, key=lambda tag: (tag.interpreter, tag.abi)):
        yield f"{interpreter}-{abi}-{'.'.join(tag.platform for tag in group)}"
