"""Airflow's releases as data. `stage/airflow` makes staged folders and build commands of them (pure)."""

from wheelhouse.airflow.releases import CLIENTS, MODES, PROJECT, Airflow, release_of, without_clients

__all__ = ["CLIENTS", "MODES", "PROJECT", "Airflow", "release_of", "without_clients"]
