"""All tables of docs/performance.md in one go, on a machine of two cores in about ten minutes: `python -m benchmarks.tables`.

It says when, on how many cores, and how busy the machine was; each part is a module of its own, which can run alone.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
LOCK = "build/benchmarks/real/kept/pylock.*.toml"
"""The lock file that the first table leaves."""
PARTS = (
    ("fetch", "real", "--rounds", "3"),
    ("fetch", "far", "--rounds", "2"),
    ("fetch", "targets", "--rounds", "1"),
    ("fetch", "made", "--sizes", "100", "1000", "--rounds", "3"),
    ("fetch", "made", "--sizes", "10000", "--rounds", "1"),
    ("image", "--rounds", "1"),
    ("serve", "--rounds", "3"),
    ("check", "--rounds", "2"),
    ("clients", LOCK, "--rounds", "2", "--connections", "4", "16"),
    ("rehearse", "--rounds", "1", "--cache-dir", "build/benchmarks/real/cache"),
)
"""The modules of the tables, with their arguments."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = sorted({part[0] for part in PARTS})
    parser.add_argument("what", nargs="*", default=names, help=f"{', '.join(names)}; default: all")
    given = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    for module, *options in PARTS:
        if module not in given.what:
            continue
        arguments = [str(next(CHECKOUT.glob(LOCK))) if argument == LOCK else argument for argument in options]
        load, started = os.getloadavg()[0], time.monotonic()
        print(f"\n## {module} {' '.join(arguments)} (load before: {load:.1f})\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *arguments], cwd=CHECKOUT, check=False)
        print(f"\n({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
