"""The readers that face the network under a fuzzer that sees which branches it reaches: `python -m tests.fuzzing page SECONDS`.

It needs atheris, which is no dependency of the tests. What it finds becomes a test in test_fuzz.py.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["wheelhouse", "packaging", "html", "_markupbase", "email", "csv"]):
    from tests import test_fuzz
    from wheelhouse.archive.wheelfile import inspect
    from wheelhouse.errors import WheelhouseError
    from wheelhouse.index.pages import HTML_TYPE, JSON_TYPE

PLACE = Path(tempfile.mkdtemp())
PAGE = (
    b'{"meta": {"api-version": "1.1"}, "name": "a", "files": [{"filename": "a-1.0-py3-none-any.whl", '
    b'"url": "https://x.example/a-1.0-py3-none-any.whl", "hashes": {"sha256": "00"}, "requires-python": ">=3.6"}]}'
)


def _archive(name: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        (PLACE / name).write_bytes(data)
        found = inspect(PLACE / name, name)
        assert [path.name for path in PLACE.iterdir() if path.is_file()] == [name]
        return found

    return read


READERS: dict[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]] = {
    "page": (lambda data: test_fuzz._read_page(data, JSON_TYPE), (PAGE,)),
    "html": (lambda data: test_fuzz._read_page(data, HTML_TYPE), (test_fuzz.ANCHOR,)),
    "metadata": (test_fuzz._read_metadata, (test_fuzz.HEADERS,)),
    **{name: (_archive(name), (data,)) for name, data in test_fuzz.archives().items()},
}


def main(name: str, seconds: str) -> None:
    """Read what the fuzzer makes, starting from one good example."""
    read, examples = READERS[name]
    corpus = PLACE / "corpus"
    corpus.mkdir()
    for number, example in enumerate(examples):
        (corpus / str(number)).write_bytes(example)

    def once(data: bytes) -> None:
        try:
            read(data)
        except WheelhouseError as error:
            assert str(error)

    bounds = [
        f"-max_total_time={seconds}",
        "-timeout=20",
        "-rss_limit_mb=1000",
        "-max_len=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *bounds, f"-artifact_prefix={PLACE}/", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
