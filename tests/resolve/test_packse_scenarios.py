"""The script that runs packse's scenarios: it tells an expected outcome from another one."""

from pathlib import Path

import pytest

from tests.resolve.packse_scenarios import scenarios, wrong

SCENARIO = """
name = "made"
[root]
requires = ["a", "b[x]; python_version < '3.13'"]
[expected]
satisfiable = {satisfiable}
[expected.packages]
a = "{a}"
b = "1.0"
c = "2.0"
[packages.a.versions."2.0"]
yanked = true
[packages.a.versions."1.0"]
requires = ["c<3"]
[packages.b.versions."1.0".extras]
x = ["c>=2 ; sys_platform == 'linux'"]
[packages.c.versions."3.0"]
[packages.c.versions."2.0"]
wheel_tags = ["cp312-cp312-manylinux_2_17_x86_64"]
sdist = false
[environment]
python = "3.12"
"""


@pytest.mark.parametrize(
    ("satisfiable", "a", "outcome"),
    [
        ("true", "1.0", None),
        ("true", "2.0", "expected {'a': '2.0', 'b': '1.0', 'c': '2.0'}, got {'a': '1.0', 'b': '1.0', 'c': '2.0'}"),
        ("false", "1.0", "expected no solution, got {'a': '1.0', 'b': '1.0', 'c': '2.0'}"),
    ],
)
def test_a_scenario_is_compared_with_what_is_expected(
    satisfiable: str, a: str, outcome: str | None, tmp_path: Path
) -> None:
    (tmp_path / "made.toml").write_text(SCENARIO.format(satisfiable=satisfiable, a=a))
    (scenario,) = scenarios(tmp_path)
    assert scenario.why_not is None
    assert wrong(scenario) == outcome
