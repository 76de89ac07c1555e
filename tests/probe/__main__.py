"""`python -m tests.probe ANSWERS.json`: ask in each sandbox, as this user; add the answers to the file, and print the table.

Run it as root and as an ordinary user, with the same file.
"""

import json
import os
import sys
from pathlib import Path

from tests.probe.outside import ask_all
from tests.probe.table import table
from wheelhouse.sandbox.builder import HOST_SANDBOXES


def main() -> None:
    file = Path(sys.argv[1])
    columns = json.loads(file.read_text()) if file.exists() else {}
    for sandbox in HOST_SANDBOXES:
        name = f"{sandbox.name}, {'root' if os.geteuid() == 0 else 'user'}"
        columns[name] = [[*question, answer] for question, answer in ask_all(sandbox).items()]
        file.write_text(json.dumps(columns))
    print(table(columns))


if __name__ == "__main__":
    main()
