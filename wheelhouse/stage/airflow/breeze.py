"""The same build as a command of breeze, Airflow's own tool (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.version import Version

from wheelhouse.airflow.releases import Airflow


@dataclass(frozen=True, slots=True)
class Breeze:
    """The command line of one breeze. `valued` maps a build argument to the option that takes its value, `flags` an argument
    with its value to the option that means both.
    """

    program: tuple[str, ...]
    valued: dict[str, str]
    flags: dict[tuple[str, str], str]


IMPLIED = {
    "AIRFLOW_INSTALLATION_METHOD",
    "AIRFLOW_INSTALL_VERSION",
    "AIRFLOW_VERSION_SPECIFICATION",
    "PYTHON_MAJOR_MINOR_VERSION",
    "DOCKER_CONTEXT_FILES",
    "AIRFLOW_IS_IN_CONTEXT",
}
APT = {
    "ADDITIONAL_DEV_APT_DEPS": "--additional-dev-apt-deps",
    "ADDITIONAL_RUNTIME_APT_DEPS": "--additional-runtime-apt-deps",
}
COMMON = {
    "AIRFLOW_VERSION": "--install-airflow-version",
    "ADDITIONAL_PYTHON_DEPS": "--additional-python-deps",
    **APT,
}
CLIENTS = {
    (f"INSTALL_{client.upper()}_CLIENT", "false"): f"--disable-{client}-client-installation"
    for client in ("mysql", "mssql", "postgres")
}
SHELL = Breeze(
    ("./breeze", "build-image", "--production-image"),
    COMMON | {"AIRFLOW_EXTRAS": "--extras", "AIRFLOW_CONSTRAINTS_LOCATION": "--constraints-location"},
    CLIENTS
    | {
        ("INSTALL_FROM_DOCKER_CONTEXT_FILES", "true"): "--install-from-docker-context-files",
        ("INSTALL_FROM_PYPI", "false"): "--disable-pypi-when-building",
        ("AIRFLOW_PRE_CACHED_PIP_PACKAGES", "false"): "--disable-pip-cache",
    },
)
LOCAL_FILES = {("INSTALL_FROM_DOCKER_CONTEXT_FILES", "true"): "--install-from-local-files-when-building"}
PYTHON = Breeze(
    ("breeze", "prod-image", "build"),
    COMMON | {"AIRFLOW_EXTRAS": "--airflow-extras", "PYTHON_BASE_IMAGE": "--python-image"},
    CLIENTS
    | {
        ("INSTALL_PACKAGES_FROM_CONTEXT", "true"): "--install-packages-from-context",
        ("AIRFLOW_PRE_CACHED_PIP_PACKAGES", "false"): "--disable-airflow-repo-cache",
    },
)
LOCATED = PYTHON.valued | {
    "AIRFLOW_CONSTRAINTS_LOCATION": "--airflow-constraints-location",
    "AIRFLOW_CONSTRAINTS_MODE": "--airflow-constraints-mode",
    "ADDITIONAL_PIP_INSTALL_FLAGS": "--additional-pip-install-flags",
}
CONSTRAINED = PYTHON.flags | {
    ("USE_CONSTRAINTS_FOR_CONTEXT_PACKAGES", "true"): "--use-constraints-for-context-packages",
    ("USE_CONSTRAINTS_FOR_CONTEXT_DISTRIBUTIONS", "true"): "--use-constraints-for-context-distributions",
    ("INSTALL_DISTRIBUTIONS_FROM_CONTEXT", "true"): "--install-distributions-from-context",
}
BREEZES = {
    "2.0.0": Breeze(SHELL.program, SHELL.valued, SHELL.flags | LOCAL_FILES),
    "2.1.0": SHELL,
    "2.3.0": Breeze(("breeze", "build-prod-image"), COMMON | {"AIRFLOW_EXTRAS": "--extras"}, PYTHON.flags),
    "2.3.1": Breeze(("breeze", "build-prod-image"), COMMON | {"AIRFLOW_EXTRAS": "--airflow-extras"}, PYTHON.flags),
    "2.3.3": Breeze(("breeze", "build-prod-image"), PYTHON.valued, PYTHON.flags),
    "2.3.4": PYTHON,
    "2.5.3": Breeze(PYTHON.program, LOCATED, PYTHON.flags),
    "2.7.1": Breeze(PYTHON.program, LOCATED, CONSTRAINED),
}
"""By the first release of Airflow that has this breeze."""


def breeze_command(airflow: Airflow, python: str, arguments: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """The command of the release's breeze, and the names of the build arguments that it has no option for and does not set
    itself.

    An argument that has a flag, but with another value, is in neither.
    """
    breeze = [breeze for since, breeze in BREEZES.items() if Version(since) <= airflow.final][-1]
    command = [*breeze.program, f"--python={python}"]
    missing: list[str] = []
    for name, value in arguments.items():
        if option := breeze.valued.get(name):
            command.append(f"{option}={value}")
        elif flag := breeze.flags.get((name, value)):
            command.append(flag)
        elif name not in IMPLIED and not any(name == argument for argument, _ in breeze.flags):
            missing.append(name)
    return tuple(command), missing
