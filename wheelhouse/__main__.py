"""`python -m wheelhouse`: the command, under the Python that runs it."""

from wheelhouse.cli import main

if __name__ == "__main__":
    main()
