"""Numbers as people read them (pure)."""


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
