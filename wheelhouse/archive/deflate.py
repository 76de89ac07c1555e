"""Inflating and CRC-32 by zlib-ng; by zlib on platforms without a wheel of zlib-ng.

For 177 files of 68 MB zlib-ng needs 0.7 s, and zlib 1.4 s.
"""

import zlib

try:
    from zlib_ng import zlib_ng as fastest
except ImportError:  # pragma: no cover  (a platform that zlib-ng has no wheel for)
    import zlib as fastest  # type: ignore[no-redef]

DEFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error, fastest.error)  # type: ignore[assignment]  # it is a class
crc32 = fastest.crc32


def inflater() -> "fastest._Decompress":
    """A decompressor of a raw deflate stream (RFC 1951)."""
    return fastest.decompressobj(-zlib.MAX_WBITS)
