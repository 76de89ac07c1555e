"""Lock, fetch, verify and stage every wheel that an air-gapped Python image needs."""

__version__ = "0.2.0"
