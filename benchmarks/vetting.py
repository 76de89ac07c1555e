"""What `vet` finds in wheelhouses of real files, by rule, and what it costs beside `unzip -t`: the tables of docs/vetting.md.

wheelhouse fetch -r benchmarks/vetting.txt --python 3.12 --platform linux/amd64 --dest wide
python -m benchmarks.vetting wide
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.measure import environment

PROGRAM = "from wheelhouse.cli import main; main()"
SEVERITIES = ("error", "warning", "note")


def vetted(house: Path) -> tuple[dict[str, object], float]:
    """What vet says of a wheelhouse, in a namespace without network where there are any; and its processor seconds."""
    sealed = ["unshare", "--map-root-user", "--net"] if sys.platform == "linux" else []
    command = [*sealed, sys.executable, "-c", PROGRAM, "vet", str(house), "--json", "--quiet"]
    before = os.times()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    after = os.times()
    return json.loads(done.stdout), spent(before, after)


def spent(before: os.times_result, after: os.times_result) -> float:
    """Processor seconds of the children that ended between two moments."""
    return after.children_user + after.children_system - before.children_user - before.children_system


def unzipped(house: Path) -> float:
    """The processor seconds of `unzip -t` over every wheel, as many at once as there are cores."""
    wheels = "\0".join(str(path) for path in sorted(house.glob("*.whl")))
    before = os.times()
    command = ["xargs", "-0", "-P", str(os.cpu_count()), "-n", "1", "unzip", "-tqq"]
    subprocess.run(command, input=wheels.encode(), stdout=subprocess.DEVNULL, check=True)
    return spent(before, os.times())


def main() -> None:
    """Print the tables, and every finding of severity error."""
    found: Counter[tuple[str, str]] = Counter()
    errors: list[str] = []
    print(
        time.strftime("%Y-%m-%d"),
        "",
        "| wheelhouse | files | MB | vet, processor s | unzip -t, processor s | × |",
        sep="\n",
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for house in map(Path, sys.argv[1:]):
        told, cost = vetted(house)
        floor = unzipped(house)
        size = sum(path.stat().st_size for path in house.iterdir()) / 1e6
        print(f"| {house.name} | {told['files']} | {size:.0f} | {cost:.1f} | {floor:.1f} | {cost / floor:.2f} |")
        for finding in told["findings"]:  # type: ignore[attr-defined]
            found[finding["severity"], finding["rule"]] += 1
            errors += [f"- `{finding['subject']}`: {finding['sentence']} [{finding['rule']}]"] * (
                finding["severity"] == "error"
            )
    print("\n| severity | rule | findings |\n| --- | --- | ---: |")
    for (severity, rule), count in sorted(found.items(), key=lambda item: (SEVERITIES.index(item[0][0]), item[0][1])):
        print(f"| {severity} | `{rule}` | {count} |")
    print("", *dict.fromkeys(errors), sep="\n")


if __name__ == "__main__":
    main()
