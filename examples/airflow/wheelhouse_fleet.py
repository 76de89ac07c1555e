"""The wheelhouses of a fleet, each night, as an Airflow DAG: a task for each job, then one for each job and architecture.

`WHEELHOUSE_FLEET` names the folder of `wheelhouse.toml`, on a file system that all workers have. The environment of the workers has
`WHEELHOUSE_STORE`, a bucket through which they share files and built wheels, and `WHEELHOUSE_STORE_KEY`, the key that signs these.
Workers that listen to the queue `arm64` have that architecture.
"""

import os
import tomllib
from datetime import datetime
from pathlib import Path

from airflow.decorators import task
from airflow.models.dag import DAG
from airflow.operators.bash import BashOperator

FLEET = os.environ.get("WHEELHOUSE_FLEET", "/srv/fleet")
ARCHITECTURES = ("amd64", "arm64")
FETCH = 'wheelhouse fetch --job "$JOB"'
BUILD_HERE = """\
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "wheelhouses/$JOB" "$copy/wheels"
wheelhouse build "$copy/wheels" --only-here
"""
COLLECT = 'wheelhouse build "wheelhouses/$JOB" --from-store'
VERIFY = "wheelhouse verify --all"

with DAG("wheelhouse_fleet", schedule="@daily", start_date=datetime(2025, 1, 1), catchup=False) as dag:

    @task
    def jobs() -> list[dict[str, str]]:
        """The jobs of wheelhouse.toml, each as the environment of a task."""
        settings = tomllib.loads(Path(FLEET, "wheelhouse.toml").read_text(encoding="utf-8"))
        return [{"JOB": name} for name in settings["jobs"]]

    def for_each_job(name: str, command: str, queue: str = "default") -> BashOperator:
        """A task for each job; it inherits the worker's environment."""
        partial = BashOperator.partial(
            task_id=name, bash_command=command, cwd=FLEET, append_env=True, queue=queue, max_active_tis_per_dagrun=8
        )
        return partial.expand(env=environments)

    environments = jobs()
    fetched = for_each_job("fetch", FETCH)
    built = [for_each_job(f"build_{name}", BUILD_HERE, queue=name) for name in ARCHITECTURES]
    collected = for_each_job("collect", COLLECT)
    verified = BashOperator(task_id="verify", bash_command=VERIFY, cwd=FLEET, append_env=True)
    fetched >> built >> collected >> verified
