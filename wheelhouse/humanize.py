"""Numbers and lists as people read them (pure)."""

from collections.abc import Sequence


def size_text(count: int) -> str:
    """Bytes as people read them, in powers of ten."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def counted(count: int, noun: str) -> str:
    """So many of something: `1 file`, `2 files`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """At most so many names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
