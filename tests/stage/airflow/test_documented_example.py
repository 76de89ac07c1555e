"""The high-security example of Airflow 2.0's own page, translated: the command that works in place of the one printed there."""

import shlex
from itertools import pairwise

from tests.support.airflow_locks import made_lock, made_tools
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.plan import shell

PAGE = """
docker build . \
  --build-arg PYTHON_BASE_IMAGE="python:3.7-slim-buster" \
  --build-arg PYTHON_MAJOR_MINOR_VERSION=3.7 \
  --build-arg AIRFLOW_INSTALLATION_METHOD="apache-airflow" \
  --build-arg AIRFLOW_VERSION="2.0.0" \
  --build-arg AIRFLOW_INSTALL_VERSION=="2.0.0" \
  --build-arg AIRFLOW_CONSTRAINTS_REFERENCE="constraints-2-0" \
  --build-arg AIRFLOW_SOURCES_FROM="empty" \
  --build-arg AIRFLOW_SOURCES_TO="/empty" \
  --build-arg INSTALL_MYSQL_CLIENT="false" \
  --build-arg AIRFLOW_PRE_CACHED_PIP_PACKAGES="false" \
  --build-arg INSTALL_FROM_DOCKER_CONTEXT_FILES="true" \
  --build-arg AIRFLOW_CONSTRAINTS_LOCATION="/docker-context-files/constraints-2-0.txt"
"""
DEFAULTS = {"AIRFLOW_CONSTRAINTS_REFERENCE", "AIRFLOW_SOURCES_FROM", "AIRFLOW_SOURCES_TO"}
"""Arguments of the page's that are the Dockerfile's defaults, or do nothing beside a location that is a path."""

MENDED = {
    "PYTHON_BASE_IMAGE": "wheelhouse-base:python-3.7-slim-buster",
    "AIRFLOW_INSTALL_VERSION": "==2.0.0",
    "INSTALL_FROM_DOCKER_CONTEXT_FILES": "false",
    "AIRFLOW_CONSTRAINTS_LOCATION": "/docker-context-files/constraints-3.7.txt",
}
ADDED = {"AIRFLOW_EXTRAS": "celery,cncf.kubernetes,statsd", "INSTALL_FROM_PYPI": "true", "PIP_VERSION": "20.2.4"}


def arguments(command: str) -> dict[str, str]:
    words = shlex.split(command)
    told = [word for flag, word in pairwise(words) if flag == "--build-arg"]
    return {name: value for name, _, value in (text.partition("=") for text in told)}


def test_the_printed_command_is_the_pages_but_for_what_did_not_work() -> None:
    lock = made_lock("2.0.0", without=("mysql",))
    plan = lay_out_airflow(lock, "statsd==3.3.0\n", made_tools("2.0.0"), None, Choices())
    page = arguments(PAGE)
    assert page["AIRFLOW_INSTALL_VERSION"] == "=2.0.0"
    kept = {name: value for name, value in page.items() if name not in DEFAULTS}
    assert arguments(shell(plan.command)) == kept | MENDED | ADDED
    assert "FROM python:3.7-slim-buster" in plan.texts["base.Dockerfile"]
    assert plan.breeze[:4] == ("./breeze", "build-image", "--production-image", "--python=3.7")
    assert {"--disable-mysql-client-installation", "--disable-pip-cache"} <= set(plan.breeze)
