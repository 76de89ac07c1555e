"""Bundles as text and JSON (pure)."""

import json
from collections.abc import Iterable
from typing import Any

from wheelhouse.bundle.bundle import BundleManifest, digest
from wheelhouse.humanize import size_text


def packed_document(manifest: BundleManifest, volumes: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """A bundle for `--json`: its manifest, and its volumes as (name, sha256, bytes)."""
    listed = [{"name": name, "sha256": sha256, "size": size} for name, sha256, size in volumes]
    return {"manifest": json.loads(manifest.to_json()), "volumes": listed}


def manifest_lines(manifest: BundleManifest, signer: str | None) -> list[str]:
    """What a bundle carries, a file a line, and what it does beside that."""
    what = f"the difference from house {digest(manifest.base)[:12]} to" if manifest.difference else "the whole of"
    carried = sum(entry.size for entry in manifest.carried)
    lines = [f"{what} house {digest(manifest.result)[:12]}: {len(manifest.carried)} files, {size_text(carried)}"]
    lines += [f"signed by {signer}"] if signer else []
    lines += [f"  {entry.path}  {size_text(entry.size)}" for entry in manifest.carried]
    return lines + [f"  {path}  (removed)" for path in sorted(manifest.removed)]


def unpacked_line(house: str, placed: int, stood: int, removed: int, signer: str | None) -> str:
    """What unpacking did."""
    signed = f", signed by {signer[:16]}" if signer else ""
    return f"{house}: {placed} files unpacked, {stood} stood already, {removed} removed{signed}"
