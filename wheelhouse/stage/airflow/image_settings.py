"""How pip and uv get to know the folder: by `pip.conf` in it, or by a derived base image (pure)."""

import re
import shlex
from dataclasses import dataclass

from wheelhouse.airflow.releases import Recipe
from wheelhouse.lock.wheelhouse import TOOLS
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.pip_settings import NETRC

BASE_DOCKERFILE = "base.Dockerfile"
MAX_TAG = 128
"""The most characters of a tag (OCI distribution)."""
LINKS = (f"/{FOLDER}", f"/{FOLDER}/{TOOLS}")


@dataclass(frozen=True, slots=True)
class Base:
    """A derived base image: the image that it is made from, and the settings that it adds.

    `pip` is the file of a pip to install, if the final stage needs that pip and does not have the folder. `apt_sources` are
    lines of a sources.list that replace the image's own. With `index`, everything comes from that index, and not from the
    folder. `platform` is the option that names the architecture.
    """

    image: str
    pip: str | None = None
    pip_settings: bool = False
    uv_settings: bool = False
    apt_sources: tuple[str, ...] = ()
    index: str | None = None
    platform: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the derived image: `wheelhouse-base:` and the last characters of the image's name as its tag.

        In the tag, `-` takes the place of each character that a tag cannot have, such as `:`, `/` and `@`; each `.` and `-`
        at its start is dropped.
        """
        tag = re.sub(r"[^\w.-]", "-", self.image, flags=re.ASCII)[-MAX_TAG:]
        return f"wheelhouse-base:{tag.lstrip('.-')}"

    @property
    def command(self) -> tuple[str, ...]:
        """The command that builds it, from `docker-context-files` in the current folder."""
        return ("docker", "build", *self.platform, "-f", f"{FOLDER}/{BASE_DOCKERFILE}", "-t", self.name, FOLDER)

    @property
    def environment(self) -> tuple[str, ...]:
        """The ENV lines of a Dockerfile that tell pip and uv of the folder, as far as they are needed; it can be empty."""
        pip = f'ENV PIP_NO_INDEX=1 PIP_FIND_LINKS="{" ".join(LINKS)}" PIP_DISABLE_PIP_VERSION_CHECK=1'
        uv = f'ENV UV_OFFLINE=1 UV_FIND_LINKS="{",".join(LINKS)}"'
        return (*((pip,) if self.pip_settings else ()), *((uv,) if self.uv_settings else ()))

    @property
    def dockerfile(self) -> str:
        """The text of `base.Dockerfile`: the base image with apt sources, index, pip and settings, as far as they are needed."""
        lines = [
            "# The base image of Airflow's build, with settings that the build can get in no other way. Build this image first.",
            "# These settings stay in the final image. To let pip and uv use other sources there, unset the ENV variables.",
            f"FROM {self.image}",
        ]
        if self.apt_sources:
            lines += ["RUN rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* \\"]
            lines += [f"    && echo {shlex.quote(line)} >> /etc/apt/sources.list \\" for line in self.apt_sources]
            lines[-1] = lines[-1].removesuffix(" \\")
        if self.index:
            settings = f"PIP_INDEX_URL={self.index} PIP_DISABLE_PIP_VERSION_CHECK=1 UV_INDEX_URL={self.index}"
            lines += [f"ENV {settings} NETRC={NETRC}"]
        if self.pip:
            lines += [f"COPY {TOOLS}/{self.pip} /tmp/{self.pip}"]
            lines += [f"RUN pip install --no-index --no-cache-dir /tmp/{self.pip} && rm /tmp/{self.pip}"]
        lines += self.environment
        return "\n".join(lines) + "\n"


def derived_base(
    image: str, recipe: Recipe, pip: str | None, apt_sources: tuple[str, ...], index: str | None = None
) -> Base | None:
    """The derived base image that a release needs; None if it needs none. `pip` is the file of pip in `tools/`.

    With an index there always is one, and it has the settings for the index instead of pip and the folder.
    """
    if index:
        return Base(image, apt_sources=apt_sources, index=index)
    if recipe.pip_conf and recipe.uv is None and not apt_sources:
        return None
    by_environment = not recipe.pip_conf
    return Base(image, pip if by_environment else None, by_environment, recipe.uv is not None, apt_sources)
