"""Dockerfiles of any origin, read and never run: their instructions, and what of a build asks a network."""
