"""Dockerfiles of any origin: what of a build asks a network, and what settles it."""
