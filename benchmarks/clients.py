"""Which HTTP client, with how many connections: `python -m benchmarks.clients LOCK`, from the checkout, prints the tables.

Each round fetches the pages, and then the files, that a lock names, once with each client that is installed, one after the other, each
in a process of its own that hashes what comes and does nothing else. aiohttp, httpx, h2 and pycurl are no dependencies: add
them to compare.
"""

import argparse
import asyncio
import hashlib
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from benchmarks.fetch import JSON, default_index
from benchmarks.measure import Cost, cost_of, environment, median

PIECE = 1 << 18
HEADERS = {"Accept": JSON, "Accept-Encoding": "identity"}
Get = Callable[[str], Any]


def hashed(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def threads(urls: Sequence[str], count: int, get: Get) -> None:
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(get, urls))


def with_urllib3(urls: Sequence[str], count: int) -> None:
    import ssl

    import urllib3

    pool = urllib3.PoolManager(maxsize=count, ssl_context=ssl.create_default_context())  # else one for each connection

    def get(url: str) -> None:
        response = pool.request("GET", url, headers=HEADERS, preload_content=False)
        hashed(response.stream(PIECE))
        response.release_conn()

    threads(urls, count, get)


def with_requests(urls: Sequence[str], count: int) -> None:
    import requests

    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=count))
    threads(urls, count, lambda url: hashed(session.get(url, headers=HEADERS, stream=True).iter_content(PIECE)))


def with_http_client(urls: Sequence[str], count: int) -> None:
    """The standard library's, a connection for each thread and host."""
    import http.client
    import ssl
    import threading

    context, own = ssl.create_default_context(), threading.local()

    def get(url: str) -> None:
        parts = urlsplit(url)
        connections = own.__dict__.setdefault("connections", {})
        if parts.netloc not in connections:
            connections[parts.netloc] = http.client.HTTPSConnection(parts.netloc, context=context)
        connections[parts.netloc].request("GET", parts.path, headers=HEADERS)
        response = connections[parts.netloc].getresponse()
        hashed(iter(lambda: response.read(PIECE), b""))

    threads(urls, count, get)


def with_httpx(urls: Sequence[str], count: int) -> None:
    import ssl

    import httpx

    context = ssl.create_default_context()
    with httpx.Client(verify=context, limits=httpx.Limits(max_connections=count), timeout=60) as client:

        def get(url: str) -> None:
            with client.stream("GET", url, headers=HEADERS) as response:
                hashed(response.iter_raw())

        threads(urls, count, get)


def with_httpx_async(urls: Sequence[str], count: int, *, http2: bool = False) -> None:
    import ssl

    import httpx

    context, limits = ssl.create_default_context(), httpx.Limits(max_connections=count)

    async def main() -> None:
        async with httpx.AsyncClient(http2=http2, verify=context, limits=limits, timeout=60) as client:

            async def get(url: str) -> None:
                digest = hashlib.sha256()
                async with client.stream("GET", url, headers=HEADERS) as response:
                    async for piece in response.aiter_raw():
                        digest.update(piece)

            await asyncio.gather(*map(get, urls))

    asyncio.run(main())


def with_http2(urls: Sequence[str], count: int) -> None:
    with_httpx_async(urls, count, http2=True)


def with_aiohttp(urls: Sequence[str], count: int) -> None:
    import aiohttp

    async def main() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=count)) as session:

            async def get(url: str) -> None:
                digest = hashlib.sha256()
                async with session.get(url, headers=HEADERS) as response:
                    async for piece in response.content.iter_any():
                        digest.update(piece)

            await asyncio.gather(*map(get, urls))

    asyncio.run(main())


def with_libcurl(urls: Sequence[str], count: int) -> None:
    """All transfers in one thread, by libcurl's multi interface; it would look a name up for each connection at once."""
    import socket
    import ssl

    import pycurl

    multi, left = pycurl.CurlMulti(), list(urls)
    hosts = {urlsplit(url).netloc for url in urls}
    known = [f"{host}:443:{socket.getaddrinfo(host, 443)[0][4][0]}" for host in hosts]
    idle, pieces = [pycurl.Curl() for _ in range(count)], dict[pycurl.Curl, list[bytes]]()
    for handle in idle:
        handle.setopt(pycurl.CAINFO, ssl.get_default_verify_paths().cafile)
        handle.setopt(pycurl.RESOLVE, known)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in HEADERS.items()])
    while left or pieces:
        while left and idle:
            handle = idle.pop()
            pieces[handle] = []
            handle.setopt(pycurl.URL, left.pop())
            handle.setopt(pycurl.WRITEFUNCTION, pieces[handle].append)
            multi.add_handle(handle)
        multi.perform()
        _, done, failed = multi.info_read()
        if failed:
            raise OSError(failed[0][2])
        for handle in done:
            hashed(pieces.pop(handle))
            multi.remove_handle(handle)
            idle.append(handle)
        multi.select(1.0)


CLIENTS: dict[str, tuple[Callable[[Sequence[str], int], None], tuple[str, ...]]] = {
    "urllib3": (with_urllib3, ("urllib3",)),
    "requests": (with_requests, ("requests",)),
    "http.client": (with_http_client, ()),
    "httpx": (with_httpx, ("httpx",)),
    "httpx, asyncio": (with_httpx_async, ("httpx",)),
    "httpx, asyncio, HTTP/2": (with_http2, ("httpx", "h2")),
    "aiohttp": (with_aiohttp, ("aiohttp",)),
    "libcurl": (with_libcurl, ("pycurl",)),
}


def versions(distributions: Sequence[str]) -> str | None:
    """Which versions are installed; None where one is missing."""
    try:
        return ", ".join(map(version, distributions)) or f"of Python {sys.version.split()[0]}"
    except PackageNotFoundError:
        return None


def race(urls: dict[str, Sequence[str]], rounds: int, contenders: Sequence[tuple[str, int]], room: Path) -> None:
    costs: dict[tuple[str, int, str], list[Cost]] = {}
    for kind, wanted in urls.items():
        (room / kind).write_text("\n".join(wanted))
    for _ in range(rounds):
        for name, count in contenders:
            for kind in urls:
                command = [sys.executable, "-m", "benchmarks.clients", "--one", name, str(count), room / kind]
                costs.setdefault((name, count, kind), []).append(cost_of([command], environment(), room / "log"))
    print("| | " + " | ".join(f"{kind}: wall, s | processor, s" for kind in urls) + " |")
    print("| --- |" + " ---: | ---: |" * len(urls))
    for name, count in contenders:
        medians = [median(costs[name, count, kind]) for kind in urls]
        cells = " | ".join(f"{cost.wall:.2f} | {cost.cpu:.2f}" for cost in medians)
        print(f"| {name} {versions(CLIENTS[name][1])}, {count} | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="*", default=[4, 8, 16, 24, 32], help="for urllib3")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        name, count, urls = given.one
        CLIENTS[name][0](Path(urls).read_text().split(), int(count))
        return
    packages = tomllib.loads(given.lock.read_text())["packages"]
    urls = {
        "pages": [f"{default_index()}/{package['name']}/" for package in packages],
        "files": [(package.get("wheels") or [package["sdist"]])[0]["url"] for package in packages],
    }
    with TemporaryDirectory() as room:
        race(urls, given.rounds, [(name, 16) for name in CLIENTS if versions(CLIENTS[name][1])], Path(room))
        race(urls, given.rounds, [("urllib3", count) for count in given.connections], Path(room))


if __name__ == "__main__":
    main()
