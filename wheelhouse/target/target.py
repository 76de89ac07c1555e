"""Targets: one environment to install into. Its markers and tags belong together, and never come from the host (pure).

A target is derived from the names of a Python and a platform, or described in full by a complete platform.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.version import InvalidVersion, Version

from wheelhouse.errors import InputError
from wheelhouse.target.platform import Platform
from wheelhouse.target.python import Python

__all__ = ["Platform", "Python", "Target"]

MARKERS = (
    "implementation_name",
    "implementation_version",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_full_version",
    "python_version",
    "sys_platform",
)
"""All markers of PEP 508 except `extra`. `Marker.evaluate` takes those that are left out from the running interpreter."""
UNKNOWN_VERSIONS = ("", "0", "99999")
PROBES = {
    "platform_machine": ("arm64", "x86_64"),
    "platform_release": UNKNOWN_VERSIONS,
    "platform_version": UNKNOWN_VERSIONS,
}
"""Possible values of the markers that a target may not know. If they give different answers, there is none."""
MAX_GUESSES = 1000
"""So many combinations of texts are tried: each evaluates the whole marker."""
NAME = re.compile(r"[a-z0-9_]+-[a-z0-9_]+")


@dataclass(frozen=True)
class Target:
    """One environment to install into.

    `environment` has all eleven PEP 508 markers, an unknown one as ""; `tags` are the PEP 425 tags, best first.
    """

    name: str
    environment: Mapping[str, str] = field(hash=False)
    tags: tuple[Tag, ...] = field(hash=False, repr=False)
    python: Python
    platform: Platform = field(repr=False)

    @classmethod
    def of(cls, python: Python, platform: Platform) -> "Target":
        """The target of a Python on a platform.

        Each call with equal arguments, equal in `python.exact` too, returns the same object, which is compared quickly.
        Raises InputError as `Python.markers` does, KeyError as `Platform.markers` does.
        """
        return _derived(python, platform, is_exact=python.exact)

    @classmethod
    def described(cls, markers: Mapping[str, str | None], tags: Sequence[Tag]) -> "Target":
        """The target with these markers and these tags, best first. Its name comes from its first tags; None means an unknown marker.

        Raises InputError for markers that PEP 508 does not define, for missing markers that it must know, for versions that
        are invalid or differ, and if there is no tag, or the tags give no valid name.
        """
        if not tags:
            raise InputError("it has no tags")
        platforms = tuple(dict.fromkeys(tag.platform for tag in tags if tag.platform != "any"))
        best = next((name for name in platforms if not name.startswith("linux_")), next(iter(platforms), "any"))
        environment = _environment(markers, best)
        flags = re.fullmatch(r"cp\d+([a-ln-z]*)m?", tags[0].abi)
        name = f"{tags[0].interpreter}{flags[1] if flags else ''}-{best}"
        if not NAME.fullmatch(name):
            raise InputError(f"its tags lead to the target name `{name}`, which is not valid")
        version = _version(environment)
        python = Python(version, environment["implementation_name"], bool(flags and "t" in flags[1]))
        platform = Platform(best, environment["platform_system"], environment["platform_machine"], platforms)
        return cls(name, environment, tuple(dict.fromkeys(tags)), python, platform)

    @property
    def is_derived(self) -> bool:
        """Whether the names of its Python and its platform alone give an equal target; False if a complete platform says more."""
        try:
            return self == Target.of(Python.parse(self.python.spelling), Platform.parse(self.platform.tag))
        except InputError:
            return False

    @cached_property
    def _ranks(self) -> dict[Tag, int]:
        """The rank of each tag; 0 is the best."""
        return {tag: rank for rank, tag in enumerate(self.tags)}

    @cached_property
    def _unknown(self) -> tuple[str, ...]:
        """The markers of PROBES that this target does not know."""
        return tuple(key for key in PROBES if not self.environment[key])

    def rank(self, tags: Iterable[Tag]) -> int | None:
        """The place of the best of a wheel's tags among the target's: 0 is the best; None if the target takes none of them."""
        return min((self._ranks[tag] for tag in tags if tag in self._ranks), default=None)

    def allows(self, requires_python: SpecifierSet) -> bool:
        """Whether a Requires-Python allows this target's Python, pre-releases too; upper bounds count."""
        return requires_python.contains(self.python.version, prereleases=True)

    def applies(self, marker: Marker | None, extra: str = "") -> bool:
        """Whether a marker is true on this target, with an extra requested ("" for none); True without a marker.

        Raises InputError for a marker that cannot be evaluated, and for one that depends on a marker that the target does not
        know: platform_release and platform_version of a derived target, platform_machine of one for both kinds of Mac. A marker with
        more than MAX_GUESSES combinations of texts counts as one that depends on them.
        """
        if marker is None:
            return True
        unknown = [key for key in self._unknown if key in str(marker)]
        environment = {**self.environment, "extra": extra}
        guesses = product(*(_guesses(key, marker) for key in unknown))
        answers: set[bool] = set()
        decided = True
        try:
            for number, guess in enumerate(guesses):
                answers.add(marker.evaluate({**environment, **dict(zip(unknown, guess, strict=True))}))
                decided = len(answers) == 1 and number < MAX_GUESSES
                if not decided:
                    break
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            hint = "leave the requirement out, or override it"
            raise InputError(f"the marker `{marker}` cannot be evaluated: {error}", hint=hint) from error
        if not decided:
            asked = f"{' and '.join(unknown)}, which the target {self.name} does not define"
            raise InputError(
                f"the marker `{marker}` depends on {asked}",
                hint="add a --target-file from a machine of this target, leave the requirement out, or override it",
            )
        return answers.pop()


def _guesses(key: str, marker: Marker) -> tuple[str, ...]:
    """Possible values of an unknown marker: its PROBES; for a release or version also every quoted text of the marker."""
    probes = PROBES[key]
    return probes if probes is not UNKNOWN_VERSIONS else (*probes, *re.findall(r'"([^"]*)"', str(marker)))


def _environment(markers: Mapping[str, str | None], platform: str) -> dict[str, str]:
    """All eleven markers, an unknown one as "". Raises InputError for others, and for missing ones that a target must know.

    It may lack platform_release and platform_version, and platform_machine if it must suit both kinds of Mac.
    """
    if others := sorted(set(markers) - set(MARKERS)):
        raise InputError(f"it has markers that PEP 508 does not define: {', '.join(others)}")
    environment = {key: markers.get(key) or "" for key in MARKERS}
    optional = {"platform_release", "platform_version", *(["platform_machine"] if "universal2" in platform else [])}
    if missing := [key for key, value in environment.items() if not value and key not in optional]:
        raise InputError(f"it lacks the markers {', '.join(missing)}")
    return environment


def _version(environment: Mapping[str, str]) -> Version:
    """The version in python_full_version, without a `+` at its end. Raises InputError if it is none, or if python_version differs."""
    full = environment["python_full_version"]
    try:
        version = Version(full.removesuffix("+"))
    except InvalidVersion as error:
        raise InputError(f"its python_full_version `{full}` is not a version") from error
    if environment["python_version"] != f"{version.major}.{version.minor}":
        raise InputError(
            f"its python_version is {environment['python_version']}, but its python_full_version is {full}"
        )
    return version


@cache
def _derived(python: Python, platform: Platform, *, is_exact: bool) -> Target:
    """`Target.of`, cached. `is_exact` is only a part of the key: two Pythons that differ in `exact` alone are equal."""
    return Target(
        name=f"{python.tag}-{platform.tag}",
        environment=python.markers() | platform.markers(),
        tags=tuple(dict.fromkeys(python.tags(platform.tags))),
        python=python,
        platform=platform,
    )
