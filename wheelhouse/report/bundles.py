"""Bundles and states as text and JSON (pure)."""

import json
from collections.abc import Iterable
from typing import Any

from wheelhouse.bundle.bundle import BundleManifest, FarSide, digest
from wheelhouse.humanize import counted, size_text


def packed_document(manifest: BundleManifest, volumes: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """A bundle for `--json`: {`manifest`, `volumes`}. Volumes are given as (name, sha256, size in bytes)."""
    rows = [{"name": name, "sha256": sha256, "size": size} for name, sha256, size in volumes]
    return {"manifest": json.loads(manifest.to_json()), "volumes": rows}


def packed_lines(bundle: str, manifest: BundleManifest, volumes: Iterable[tuple[str, str, int]]) -> list[str]:
    """A line with the bundle's name, how many of its wheelhouse's files it carries, and its size; then the sha256 and name of each volume.

    A volume without a name has that of the bundle.
    """
    rows = list(volumes)
    total = size_text(sum(size for _, _, size in rows))
    lines = [f"{bundle}: {len(manifest.carried)} of {len(manifest.entries)} files, {total}"]
    return lines + [f"{sha256}  {volume or bundle}" for volume, sha256, _ in rows]


def manifest_lines(manifest: BundleManifest, signer: str | None) -> list[str]:
    """What a bundle is, who signed it, which files of a review it has; then a line for each file that it carries or removes.

    `signer` is the label of a key; None leaves that line out.
    """
    base = f", as the difference from wheelhouse {manifest.base[:12]}" if manifest.base else ", complete"
    size = size_text(sum(entry.size for entry in manifest.carried))
    lines = [f"wheelhouse {digest(manifest.result)[:12]}{base}: {counted(len(manifest.carried), 'file')}, {size}"]
    lines += [f"wheelhouses: {', '.join(manifest.wheelhouses)}"] if manifest.wheelhouses else []
    lines += [f"signed by {signer}"] if signer else []
    lines += [f"review: {', '.join(entry.path for entry in manifest.review)}"] if manifest.review else []
    lines += [f"  {entry.path}  {size_text(entry.size)}" for entry in manifest.carried]
    return lines + [f"  {path}  (removed)" for path in sorted(manifest.removed)]


def unpacked_line(wheelhouse: str, unpacked: int, unchanged: int, removed: int, signer: str | None) -> str:
    """How many files of a wheelhouse were unpacked, kept and removed; if all were kept, that the bundle was unpacked before.

    `signer` is the label of the key that signed it; with None nothing is said of a signature.
    """
    signed = f", signed by {signer}" if signer else ""
    if not unpacked and not removed:
        return f"{wheelhouse}: this bundle was unpacked before, {counted(unchanged, 'file')} unchanged{signed}"
    return f"{wheelhouse}: {counted(unpacked, 'file')} unpacked, {unchanged} unchanged, {removed} removed{signed}"


def review_line(folder: str, names: Iterable[str]) -> str:
    """The line with the files of a review that came with a bundle, and the folder that keeps them."""
    return f"{folder}: the bundle brought files for a review: {', '.join(names)}"


def state_lines(output: str, far_side: FarSide, size: int, missing: Iterable[str]) -> list[str]:
    """A line on the state of a wheelhouse, written to `output`: its short digest, the number of its files, the state's bytes. Then a
    line for each file that the wheelhouse lacks or has altered.
    """
    files = counted(len(far_side.files), "file")
    lines = [f"{output}: wheelhouse {far_side.digest[:12]} with {files}; the state file has {counted(size, 'byte')}"]
    return lines + [
        f"  {path}  (missing or altered: remove the file if it exists; then the next bundle carries it)"
        for path in missing
    ]
