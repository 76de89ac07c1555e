"""The rules that make a staged folder and a build command for a release of Airflow (pure)."""
