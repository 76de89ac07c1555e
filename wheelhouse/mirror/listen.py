"""Listen on an address and serve the index there: the HTTP server that runs the application."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from wheelhouse.errors import InputError, MachineError
from wheelhouse.mirror.server import Application


def run(
    application: Application,
    host: str,
    port: int,
    certificate: Path | None,
    key: Path | None,
    on_ready: Callable[[], None],
) -> None:
    """Serve until interrupted; `on_ready` is called once, when connections are accepted.

    Raises MachineError where the server is not installed or the address cannot be listened on, InputError where the
    certificate and its key cannot be used.
    """
    try:
        from granian.constants import Interfaces, SSLProtocols  # noqa: PLC0415
        from granian.server.embed import Server  # noqa: PLC0415
    except ImportError as error:
        hint = "install it with: pip install 'airgap-wheelhouse[serve]'"
        raise MachineError("serving needs the project `granian`, which is not installed", hint=hint) from error
    address = _address(host, port)
    try:
        server = Server(
            application,
            address=address,
            port=port,
            interface=Interfaces.ASGI,
            websockets=False,
            backlog=4096,
            ssl_cert=certificate,
            ssl_key=key,
            ssl_protocol_min=SSLProtocols.tls12,
            log_enabled=False,
        )
    except OSError as error:
        raise InputError(f"`{certificate}` and `{key}` are no certificate and its key: {error.strerror}") from error
    asyncio.run(_serve(server.serve(), address, port, on_ready))


def _address(host: str, port: int) -> str:
    """The IP address of `host`, on which this process may listen alone.

    Granian shares a port with every process that listens on it (SO_REUSEPORT), so whether it is free is tried first.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
    except OSError as error:
        hint = "--host and --port name another address"
        raise MachineError(f"{host}, port {port}, cannot be listened on: {error.strerror}", hint=hint) from error
    return str(place[0])


async def _serve(serving: Coroutine[Any, Any, None], host: str, port: int, on_ready: Callable[[], None]) -> None:
    task = asyncio.create_task(serving)
    while not task.done():
        await asyncio.sleep(0.01)
        if await _accepts(host, port):
            on_ready()
            break
    await task


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
