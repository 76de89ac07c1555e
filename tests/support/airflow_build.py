"""An image build of Airflow without the image: a release's install steps, as its scripts have them, with no network.

The base image is a virtual environment of the right Python; it gets the pip and the ENV of a staged base.Dockerfile.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from packaging.version import Version

from tests.support.tools import clean_environment, run
from wheelhouse.model.airflow.script import base_image, build_arguments_of, default_arguments, install_script

IN_IMAGE = "/docker-context-files"


@dataclass(frozen=True)
class Build:
    """One build, of the folder that `stage` wrote for a release, in `work`."""

    release: Version
    folder: Path
    interpreter: Path
    work: Path

    def __call__(self) -> CompletedProcess[str]:
        """Run all of it; what it prints is kept."""
        self.work.mkdir(parents=True, exist_ok=True)
        self._copy_folder()
        made = run(self.interpreter, "-I", "-m", "venv", self.venv)
        if made.returncode:
            return made
        script = self.work / "build.sh"
        script.write_text(self._script(), encoding="utf-8")
        command = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)), "bash", script)
        return run(*command, cwd=self.work, env=self._environment(), timeout=900)

    @property
    def venv(self) -> Path:
        """The environment that stands for the image."""
        return self.work / "venv"

    @property
    def context(self) -> Path:
        """The folder as the build sees it."""
        return self.work / "docker-context-files"

    def _copy_folder(self) -> None:
        """Copy the folder, and let every text in it speak of where it is now."""
        shutil.copytree(self.folder, self.context)
        for name in ("pip.conf", "build.args", "base.Dockerfile"):
            if (path := self.context / name).is_file():
                path.write_text(self._here(path.read_text(encoding="utf-8")), encoding="utf-8")

    def _here(self, text: str) -> str:
        return text.replace(IN_IMAGE, str(self.context))

    def _arguments(self) -> dict[str, str]:
        return build_arguments_of((self.context / "build.args").read_text(encoding="utf-8"))

    def _base(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """What base.Dockerfile runs, and its ENV."""
        path = self.context / "base.Dockerfile"
        return base_image(path.read_text(encoding="utf-8") if path.is_file() else "", str(self.context))

    def _environment(self) -> dict[str, str]:
        environment = clean_environment(**{**default_arguments(self.release), **self._arguments(), **self._base()[1]})
        environment["PATH"] = f"{self.venv / 'bin'}:/usr/bin:/bin"
        environment["HOME"] = environment["AIRFLOW_HOME"] = str(self.work)
        environment |= {"VIRTUAL_ENV": str(self.venv), "SLUGIFY_USES_TEXT_UNIDECODE": "yes", "PIP_NO_COMPILE": "1"}
        environment.pop("PIP_CONFIG_FILE")  # pip's user configuration is what some releases copy pip.conf to
        return environment

    def _script(self) -> str:
        return install_script(self.release, str(self.context), self._base()[0])
