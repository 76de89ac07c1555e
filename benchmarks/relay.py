"""A slower, farther network: a proxy for HTTPS (CONNECT) that adds a round trip and limits the rate of all its connections.

`python -m benchmarks.relay PORT` serves on 127.0.0.1 until it is ended. With a second port it is no proxy: it stands for the
server on that port of this machine.
"""

import asyncio
import contextlib
import sys
from functools import partial

ROUND_TRIP = 0.020
"""Seconds, half of it in each direction."""
RATE = 200_000_000 / 8
"""Bytes a second towards the client, over all connections."""
PIECE = 32 << 10
IN_FLIGHT = 64
"""Pieces of one connection that may be under way."""


class Line:
    """What all connections share: when the next byte may go."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def take(self, count: int) -> None:
        """Wait for one's turn to send `count` bytes."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._free_at)
        self._free_at = start + count / self._rate
        await asyncio.sleep(self._free_at - now)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line | None) -> None:
    """One direction of a connection: each piece arrives half a round trip after it was sent."""
    clock = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)

    async def deliver() -> None:
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    delivering = asyncio.create_task(deliver())
    while True:
        piece = await reader.read(PIECE)
        if line and piece:
            await line.take(len(piece))
        await under_way.put((clock() + ROUND_TRIP / 2, piece))
        if not piece:
            break
    await delivering


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line) -> None:
    """One CONNECT."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        host, _, port = head.split()[1].decode().rpartition(":")
        await asyncio.sleep(ROUND_TRIP)
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await carry_both(reader, writer, there, back, line)
    writer.close()


async def stand_for(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line) -> None:
    """One connection to the server on a port of this machine, as if it were far away."""
    with contextlib.suppress(OSError):
        await asyncio.sleep(ROUND_TRIP)
        await carry_both(reader, writer, *await asyncio.open_connection("127.0.0.1", port), line)
    writer.close()


async def carry_both(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    back: asyncio.StreamWriter,
    line: Line,
) -> None:
    """Both directions, until each has ended."""
    await asyncio.gather(carry(reader, back, None), carry(there, writer, line), return_exceptions=True)
    back.close()


async def serve(port: int, server_port: int | None = None) -> None:
    """Relay for ever."""
    line = Line(RATE)
    answer = relay if server_port is None else partial(stand_for, server_port)
    server = await asyncio.start_server(lambda reader, writer: answer(reader, writer, line), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
