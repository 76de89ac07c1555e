"""The small rules that make a staged folder and a build command of an Airflow release (pure)."""
