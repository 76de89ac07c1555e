"""The Debian packages in a staged folder: the partial mirror of the wheelhouse, as it is (pure)."""

from dataclasses import dataclass, replace

from wheelhouse.debian.deb_request import parse_request
from wheelhouse.debian.debian_lock import FOLDER, DebianLock
from wheelhouse.stage.airflow.whole_image import STAGES, PackageMirror
from wheelhouse.stage.plan import Plan


@dataclass(frozen=True, slots=True)
class LockedMirror(PackageMirror):
    """The mirror that a lock describes."""

    lock: DebianLock

    @property
    def serves_both_stages(self) -> bool:
        """Whether the lock has a list for the build stage of Airflow's image, and one for the final image."""
        return all(name in self.lock.inputs.lists for name in STAGES)

    def apt_lines(self, root: str) -> tuple[str, ...]:
        """The lines for apt's sources if the mirror lies at `root`, a path in the image."""
        return self.lock.apt_lines(root)

    def pinned(self, name: str) -> tuple[str, ...]:
        """What a list installs beyond its base, each as `name=version`; `name:architecture=version` for a foreign
        architecture. Empty if there is no such list.
        """
        native = (self.lock.inputs.architecture, "all")
        return tuple(
            f"{deb.name}{'' if deb.architecture in native else f':{deb.architecture}'}={deb.version}"
            for deb in self.lock.packages_of(name)
        )

    def requested(self, name: str) -> frozenset[str]:
        """The names, without version, of the packages that a list itself requests; empty if there is no such list."""
        return frozenset(parse_request(text).name for text in self.lock.inputs.lists.get(name, ()))


def with_carried_debian(plan: Plan, lock: DebianLock) -> Plan:
    """The plan with the mirror and its lock, in the folder `debian/`."""
    files = {f"{FOLDER}/{path}": artifact for path, artifact in lock.artifacts.items()}
    texts = {f"{FOLDER}/{path}": text for path, text in lock.texts.items()}
    return replace(plan, files={**plan.files, **files}, texts={**plan.texts, **texts})
