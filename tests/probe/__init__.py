"""Sixty questions to a sandbox: what code in it can do. `python -m tests.probe` writes the table of docs/security.md."""
