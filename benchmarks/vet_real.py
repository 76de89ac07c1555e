"""What `vet` finds in a thousand real wheels, by rule, and what following their code costs: the tables of docs/vetting.md.

The sets below are locked and fetched by wheelhouse itself, without files over 30 MB, into FOLDER. What is fetched is only read.

python -m benchmarks.vet_real FOLDER [SET …]
"""

import ast
import json
import os
import subprocess
import sys
import tomllib
import warnings
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import environment
from benchmarks.vetting import PROGRAM, SEVERITIES, spent, unzipped

MAX_FILE_BYTES = 30_000_000
TARGET = ("--python", "3.12", "--platform", "linux/amd64")
AIRFLOW_EXTRAS = (
    "aiobotocore amazon async celery cncf-kubernetes docker elasticsearch fab ftp google grpc hashicorp http ldap microsoft-azure "
    "mysql odbc openlineage pandas postgres redis sendgrid sftp slack snowflake ssh statsd uv virtualenv databricks salesforce "
    "opsgenie pagerduty papermill trino presto tableau telegram zendesk weaviate openai qdrant cohere mongo neo4j jira datadog "
    "discord dbt-cloud arangodb asana exasol facebook influxdb jdbc jenkins kerberos mssql oracle pgvector pinecone segment sentry "
    "smtp vertica yandex otel s3fs apache-kafka apache-livy apache-hive apache-druid alibaba"
)
SETS = {
    "airflow": ("--airflow", "2.10.5", "--extra", AIRFLOW_EXTRAS.replace(" ", ",")),
    "wide": tuple(
        """prefect dagster dagster-webserver jupyterlab notebook ipywidgets voila scikit-learn pandas matplotlib seaborn statsmodels
        transformers datasets nltk gensim mlflow-skinny optuna fastapi[standard] django djangorestframework celery scrapy boto3 pytest
        hypothesis tox nox black ruff mypy pylint sphinx mkdocs-material poetry pdm hatch ansible-core paramiko fabric locust twisted
        pyramid cherrypy tornado aiohttp streamlit dash bokeh altair dask[complete] duckdb pillow imageio networkx sympy langchain
        langchain-community openai anthropic pyinstaller cython numba keyring twine pre-commit conan pyautogui pyperclip selenium
        scapy impacket pycryptodome cryptography pexpect textual rich typer httpie yt-dlp mitmproxy pyyaml lxml beautifulsoup4 gevent
        eventlet uvicorn[standard] gunicorn sentry-sdk ddtrace newrelic opentelemetry-distro elastic-apm azure-cli-core
        google-cloud-storage kubernetes docker supervisor circus mss pynput psutil nbconvert pyarmor cffi pythonnet robotframework
        behave plotly great-expectations dbt-core sqlfluff clearml""".split()  # noqa: SIM905
    ),
}
READ_ONLY = """
import sys
from wheelhouse.vet import facts_reader
facts_reader.follow = lambda sources: ()
facts_reader.is_looked_at = lambda name: False
facts_reader.is_source = lambda name, **how: False
for path in sys.argv[1:]:
    facts_reader.look_inside(facts_reader.Path(path), path.rpartition('/')[2])
"""
"""Reads files as `vet` does, without their code."""


def typed(*words: str, cache: str | None = None) -> tuple[str, float]:
    """What a command prints, and its processor seconds."""
    variables = environment() | ({"WHEELHOUSE_CACHE_DIR": cache} if cache else {})
    before = os.times()
    done = subprocess.run([sys.executable, *words], env=variables, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout, spent(before, os.times())


def fetch(name: str, house: Path) -> None:
    """Lock a set, then fetch it without the files that are too large, and without what only they need."""
    if any(house.glob("*.whl")):
        return
    command = ("-c", PROGRAM)
    typed(*command, "lock", *SETS[name], *TARGET, "--dest", str(house))
    large = []
    for lock in house.glob("pylock.*.toml"):
        for package in tomllib.loads(lock.read_text())["packages"]:
            file = (package.get("wheels") or [package.get("sdist")])[0]
            if file["size"] > MAX_FILE_BYTES and package["name"] not in SETS[name]:
                large += ["--exclude", package["name"]]
    typed(*command, "fetch", *SETS[name], *TARGET, *large, "--dest", str(house), "--replace")


def parse_all(house: Path) -> float:
    """The processor seconds of one ast.parse of each source of each wheel."""
    seconds = 0.0
    for wheel in house.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            sources = [archive.read(name) for name in archive.namelist() if name.endswith(".py")]
        before = os.times()
        for source in sources:
            with suppress(SyntaxError, ValueError, MemoryError, RecursionError):
                ast.parse(source)
        after = os.times()
        seconds += after.user + after.system - before.user - before.system
    return seconds


def main() -> None:
    """Fetch the sets, and print the tables and every error."""
    warnings.simplefilter("ignore")
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(SETS)
    found: Counter[tuple[str, str]] = Counter()
    errors: dict[str, None] = {}
    print(
        "| set | files | unzip -t, s | ast.parse, s | vet without code, s | vet, s | × | again, s |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for name in names:
        house = folder / name
        fetch(name, house)
        files = sorted(str(path) for path in house.glob("*.whl"))
        parsing, (_, plain) = parse_all(house), typed("-c", READ_ONLY, *files)
        with TemporaryDirectory() as cache:
            runs = [typed("-c", PROGRAM, "vet", str(house), "--json", "--quiet", cache=cache) for _ in range(2)]
        told = json.loads(runs[0][0])
        floor = unzipped(house)
        costs = f"{floor:.1f} | {parsing:.1f} | {plain:.1f} | {runs[0][1]:.1f} | {runs[0][1] / (parsing + plain):.2f} | {runs[1][1]:.1f}"
        print(f"| {name} | {told['files']} | {costs} |", flush=True)
        found.update((finding["severity"], finding["rule"]) for finding in told["findings"])
        serious = [one for one in told["findings"] if one["severity"] == "error"]
        errors |= {f"- `{one['subject']}`: {one['sentence']} [{one['rule']}]": None for one in serious}
    print("\n| severity | rule | findings |\n| --- | --- | ---: |")
    for (severity, rule), count in sorted(found.items(), key=lambda item: (SEVERITIES.index(item[0][0]), item[0][1])):
        print(f"| {severity} | `{rule}` | {count} |")
    print("", *errors, sep="\n")


if __name__ == "__main__":
    main()
