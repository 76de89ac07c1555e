"""Every release, both routes: the whole plan as a page to read, in tests/golden/airflow.

A release more is one line in PYTHONS and `WHEELHOUSE_UPDATE_GOLDEN=1 python -m pytest tests/stage/airflow/test_plans.py`; then
read what was written.
"""

import pytest

from tests.support.airflow_locks import PYTHONS, made_lock, made_tools
from tests.support.golden import golden_text
from wheelhouse.report.plans import command_lines, plan_lines
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import ROUTES, Choices, Route
from wheelhouse.stage.plan import Plan

SHOWN = ("base.Dockerfile", "pip.conf")


def page(plan: Plan) -> str:
    lines = [*plan_lines(plan, "docker-context-files"), "", *command_lines(plan)]
    for name in SHOWN:
        if text := plan.texts.get(name):
            lines += ["", f"=== {name}", text.rstrip()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("release", PYTHONS)
def test_plan(release: str, route: Route) -> None:
    plan = lay_out_airflow(made_lock(release), "statsd==3.3.0\n", made_tools(release), None, Choices(route=route))
    assert page(plan) == golden_text(f"airflow/{release}-{route}", page(plan))
