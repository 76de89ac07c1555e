"""What this machine can do for wheelhouse, and what is missing: `wheelhouse doctor`."""
