"""What settles the needs of a Dockerfile from the files of a wheelhouse, and the script that builds it so (pure)."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wheelhouse.debian.deb_request import REQUEST, DebRequest, parse_request
from wheelhouse.debian.debian_lock import DebianLock, LockedDeb
from wheelhouse.dockerfile.network_needs import NetworkNeed
from wheelhouse.errors import InputError
from wheelhouse.oci.image_lock import BaseImage, ImageLock
from wheelhouse.oci.reference import Reference
from wheelhouse.stage.base_image import platform_option
from wheelhouse.stage.carried_image import with_carried_image
from wheelhouse.stage.destination import Destination
from wheelhouse.stage.plan import Plan
from wheelhouse.target.target import Target

SCRIPT, BASE = "build-dockerfile.sh", "debian.Dockerfile"
MIRROR = "/wheelhouse-apt"
ANY = (None, "any", "all")
"""Architectures in a requested package that every architecture satisfies."""
DERIVED = "wheelhouse-base:debian"
APT = "-o Dir::Etc::sourcelist=/tmp/wheelhouse.list -o Dir::Etc::sourceparts=/dev/null"

SYNTAX, IMAGE, PACKAGES = (
    "the script leaves this line out",
    "the staged folder has this image",
    "the script first installs the Debian packages in the base image",
)
WHAT = {
    "frontend": "the Dockerfile frontend {}",
    "base-image": "the base image {}",
    "copied-image": "the image {}",
    "address": "ADD of {}",
    "instruction": "the instruction {}, which wheelhouse does not know",
    "apt-install": "apt installs {}",
    "apt-update": "apt reads its sources",
    "apt-upgrade": "apt upgrades all packages",
    "pip": "pip installs {}",
    "uv": "uv: {}",
    "download": "a download of {}",
    "git": "git fetches {}",
    "key-server": "keys from a key server {}",
    "rpm": "the package manager installs {}",
    "apk": "apk installs {}",
    "npm": "npm or yarn installs {}",
    "conda": "conda installs {}",
    "image": "an image: {}",
    "repository": "another repository: {}",
    "other": "another server: {}",
    "unknown": "{} runs, and wheelhouse does not know what it downloads",
}
"""What each kind of need is, in words."""
HELP = {
    "base-image": "fetch the image: --base-image {}",
    "copied-image": "name a local image: --build-context {}=docker-image://…",
    "apt-install": "fetch the packages: --deb {}",
    "pip": "mount the staged folder in that step: --mount=type=bind,source={folder},target=/{folder}, and add --no-index "
    "--find-links /{folder}",
    "address": "add the file to [[files]] of wheelhouse.toml, and COPY it",
    "download": "add the file to [[files]] of wheelhouse.toml, and COPY it",
}
"""What settles a need that this wheelhouse does not settle."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A need, and what settles it; None if nothing does."""

    need: NetworkNeed
    by: str | None

    def sentence(self, folder: str) -> str:
        """A sentence, as `line 12: apt installs git; fetch them: …`: the line, the need, and what settles it or what the user can do.

        `folder` is the name of the staged folder.
        """
        names = ", ".join((*self.need.subjects, *self.need.files)) or "something"
        what = WHAT[self.need.kind].format(names)
        trigger = " (in a build from this image)" if self.need.is_trigger else ""
        text = f"line {self.need.line}: {what}{trigger}"
        if self.by:
            return f"{text}: {self.by}"
        how = HELP.get(self.need.kind, "").format(" ".join(self.need.subjects), folder=folder)
        return f"{text}; {how}" if how else text


def settled(needs: Sequence[NetworkNeed], images: ImageLock, debian: DebianLock) -> tuple[Settlement, ...]:
    """Each need with what settles it, in the given order.

    Packages count only if there are base images and all are carried, because they are installed in these. Then `apt update`
    is settled if there is a mirror, and it has all packages that its stage installs, also if that installs none.
    """
    bases = [need.subjects[0] for need in needs if need.kind == "base-image"]
    if not bases or not all(_carried(name, images) for name in bases):
        debian = DebianLock()
    settlements = [Settlement(need, _settled_alone(need, images, debian)) for need in needs]
    open_lists = {one.need.stage for one in settlements if one.need.kind == "apt-install" and one.by is None}
    return tuple(
        Settlement(one.need, PACKAGES)
        if one.need.kind == "apt-update" and debian.suites and one.need.stage not in open_lists
        else one
        for one in settlements
    )


def _settled_alone(need: NetworkNeed, images: ImageLock, debian: DebianLock) -> str | None:
    """What settles a need, whatever the other needs are: a carried image, the Debian packages, or that a syntax line is left out; None
    if nothing does.
    """
    match need.kind:
        case "frontend":
            return SYNTAX
        case "base-image" | "copied-image":
            return IMAGE if _carried(need.subjects[0], images) else None
        case "apt-install":
            return PACKAGES if need.subjects and all(_has(debian, name) for name in need.subjects) else None
    return None


def _carried(name: str, images: ImageLock) -> BaseImage | None:
    """The carried image of a name; None if there is none, or if the name is no reference."""
    try:
        wanted = Reference.parse(name)
    except InputError:
        return None
    return next((image for image in images.images if _same(image.reference, wanted)), None)


def _same(image: Reference, wanted: Reference) -> bool:
    """Whether a carried image is the wanted one: the same repository and tag (`latest` if none), and the same digest if one is wanted."""
    named = (image.registry, image.repository) == (wanted.registry, wanted.repository)
    return (
        named
        and (wanted.digest or image.digest) == image.digest
        and (wanted.tag or "latest") == (image.tag or "latest")
    )


def _has(debian: DebianLock, text: str) -> bool:
    """Whether a requested package is in the mirror, in the requested version, suite and architecture, if any; or was requested in the
    same words, or by name alone if no version and suite are, when the mirror was made: then the base has it.
    """
    match = REQUEST.fullmatch(text)
    if match is None:
        return False
    wanted, architecture, native = parse_request(text), match["architecture"], debian.inputs.architecture
    locked = [deb for deb in debian.packages if deb.name == wanted.name]
    if locked:
        return any(
            wanted.takes(deb.version)
            and (not wanted.suite or wanted.suite in _suites(debian, deb))
            and architecture in (*ANY, native if deb.architecture == "all" else deb.architecture)
            for deb in locked
        )
    requested = {parse_request(one) for requests in debian.inputs.lists.values() for one in requests}
    is_named = wanted == DebRequest(wanted.name) and wanted.name in {one.name for one in requested}
    return architecture in (*ANY, native) and (is_named or wanted in requested)


def _suites(debian: DebianLock, deb: LockedDeb) -> set[str]:
    """All names of the suite that a locked package comes from."""
    suites = [suite for suite in debian.suites if (suite.archive, suite.suite) == (deb.archive, deb.suite)]
    return {deb.suite, *(name for suite in suites for name in suite.names)}


def with_dockerfile(
    plan: Plan,
    path: str,
    settlements: Sequence[Settlement],
    images: ImageLock,
    debian: DebianLock,
    target: Target,
    destination: Destination,
    user: str = "",
) -> Plan:
    """The plan with the script that builds a Dockerfile, and the image and packages that the script uses, instead of the layout's command.

    Of carried images that stand for names in the Dockerfile, only the first is added, for all these names. Needs that
    nothing settles become warnings and `unsettled`, the others notes. `path` is that of the Dockerfile. `user` is who the
    commands of the carried base image run as; empty for root. Raises InputError as `with_carried_image`.
    """
    folder = destination.path()
    open_needs = tuple(one.sentence(destination.name) for one in settlements if one.by is None)
    contexts = list(_contexts(settlements, images))
    carried = next((image for _, image in contexts), None)
    if carried:
        plan = with_carried_image(plan, carried, target, destination)
    with_packages = carried is not None and any(one.by == PACKAGES for one in settlements)
    if with_packages and carried:
        files = {f"debian/{place}": artifact for place, artifact in debian.artifacts.items()}
        texts = {f"debian/{name}": text for name, text in debian.texts.items()} | {
            BASE: base_dockerfile(carried.tag, debian, user)
        }
        plan = replace(plan, files={**plan.files, **files}, texts={**plan.texts, **texts})
    tag = DERIVED if with_packages else carried.tag if carried else ""
    build = shlex.join(("docker", "build", *platform_option(target), "--network", "none"))
    script = _script(path, folder, open_needs, [name for name, _ in contexts], tag, build, with_packages=with_packages)
    return replace(
        plan,
        texts={**plan.texts, SCRIPT: script},
        command=("sh", destination.path(SCRIPT)),
        first=(),
        load=(),
        breeze=(),
        notes=(*plan.notes, *(one.sentence(folder) for one in settlements if one.by)),
        unsettled=open_needs,
        warnings=(*plan.warnings, *(f"still needs a network: {sentence}" for sentence in open_needs)),
    )


def _contexts(settlements: Sequence[Settlement], images: ImageLock) -> Iterator[tuple[str, BaseImage]]:
    """Each name in FROM and COPY that a carried image stands for, once, with that image."""
    names = [one.need.subjects[0] for one in settlements if one.by == IMAGE]
    for name in dict.fromkeys(names):
        if image := _carried(name, images):
            yield name, image


def base_dockerfile(image: str, debian: DebianLock, user: str = "") -> str:
    """The text of a Dockerfile that installs all locked packages in a base image; nothing of the mirror stays in its layer.

    The last line sets `user` again; without a `user` there is none, because it is root.
    """
    lines = " ".join(f"'{line}'" for line in debian.apt_lines(MIRROR))
    requested = {
        one.partition("=")[0].partition("/")[0] for requests in debian.inputs.lists.values() for one in requests
    }
    automatic = [deb.name for deb in debian.packages if deb.name not in requested]
    rows = [
        f"FROM {image}",
        "USER root",
        f"RUN --mount=type=bind,source=debian,target={MIRROR} \\",
        f"    printf '%s\\n' {lines} > /tmp/wheelhouse.list && export DEBIAN_FRONTEND=noninteractive \\",
        f"    && apt-get {APT} update \\",
        f"    && apt-get {APT} install -y --no-install-recommends \\",
        *(f"        {deb.name}={deb.version} \\" for deb in debian.packages),
        *([f"    && apt-mark auto {' '.join(automatic)} > /dev/null \\"] if automatic else []),
        "    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /tmp/wheelhouse.list",
        *([f"USER {user}"] if user else []),
    ]
    return "\n".join(rows) + "\n"


def _script(
    path: str,
    folder: str,
    open_needs: Sequence[str],
    names: Sequence[str],
    tag: str,
    build: str,
    *,
    with_packages: bool,
) -> str:
    """The text of the script that builds the Dockerfile with no network. `build` is the build command, up to its own options."""
    quoted = shlex.quote(folder)
    lines = ["#!/bin/sh", "# Builds a Dockerfile with no network. Run it in the folder that is the build's context."]
    lines += [f"# still needs a network: {sentence}" for sentence in open_needs]
    lines += ["set -eu", "export DOCKER_BUILDKIT=1"]
    if tag:
        lines.append(f"sh {quoted}/load-base-image.sh")
    if with_packages:
        lines.append(f"{build} -f {quoted}/{BASE} -t {tag} {quoted}")
    contexts = "".join(f" --build-context {shlex.quote(f'{name}=docker-image://{tag}')}" for name in names)
    lines += [
        "# A syntax line would fetch a frontend: the one of the engine reads the Dockerfile.",
        f"sed '/^# *syntax *=/s/=/ was/' {shlex.quote(path)} \\",
        f"    | {build} -f -{contexts} -t my-image .",
    ]
    return "\n".join(lines) + "\n"
