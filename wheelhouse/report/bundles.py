"""Bundles as text and JSON (pure)."""

import json
from collections.abc import Iterable
from typing import Any

from wheelhouse.bundle.bundle import BundleManifest, digest
from wheelhouse.humanize import counted, size_text


def packed_document(manifest: BundleManifest, volumes: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """A bundle for `--json`: its manifest, and its volumes as (name, sha256, bytes)."""
    rows = [{"name": name, "sha256": sha256, "size": size} for name, sha256, size in volumes]
    return {"manifest": json.loads(manifest.to_json()), "volumes": rows}


def manifest_lines(manifest: BundleManifest, signer: str | None) -> list[str]:
    """What a bundle is, who signed it, and each file that it carries or removes."""
    base = f", as the difference from wheelhouse {digest(manifest.base)[:12]}" if manifest.difference else ", complete"
    size = size_text(sum(entry.size for entry in manifest.carried))
    lines = [f"wheelhouse {digest(manifest.result)[:12]}{base}: {counted(len(manifest.carried), 'file')}, {size}"]
    lines += [f"signed by {signer}"] if signer else []
    lines += [f"  {entry.path}  {size_text(entry.size)}" for entry in manifest.carried]
    return lines + [f"  {path}  (removed)" for path in sorted(manifest.removed)]


def unpacked_line(path: str, unpacked: int, unchanged: int, removed: int, signer: str | None) -> str:
    """How many files were unpacked, kept and removed, and whose signature was checked."""
    signed = f", signed by {signer[:16]}" if signer else ""
    return f"{path}: {counted(unpacked, 'file')} unpacked, {unchanged} unchanged, {removed} removed{signed}"
