"""Airflow: its releases as data, and the small rules that make a staged folder and a build command of them (pure).

`releases` what each release's image build is made of; `names` which files it sees, and the rename; `arguments` how it
spells what it takes; `settings` where pip and uv learn of the folder; `remains` what still wants a network; `breeze` the
same command in Airflow's own tool; `layout` all of it together; `script` the build's install steps, to be run without an image.
"""

from wheelhouse.airflow.releases import CLIENTS, MODES, PROJECT, Airflow, release_of, without_clients

__all__ = ["CLIENTS", "MODES", "PROJECT", "Airflow", "release_of", "without_clients"]
