"""The HTTP server that runs the application, on granian."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from wheelhouse.errors import InputError, MachineError
from wheelhouse.extras import install_command
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

    Raises MachineError if the server is not installed or cannot listen on the address, InputError if it cannot use the
    certificate and its key.
    """
    try:
        from granian.constants import Interfaces, SSLProtocols  # noqa: PLC0415
        from granian.server.embed import Server  # noqa: PLC0415
    except ImportError as error:
        hint = f"install it with: {install_command('serve')}"
        raise MachineError("`serve` needs granian, which is not installed", hint=hint) from error
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
        raise InputError(f"`{certificate}` and `{key}` are not a certificate and its key: {error.strerror}") from error
    asyncio.run(_serve(server.serve(), address, port, on_ready))


def _address(host: str, port: int) -> str:
    """The IP address of `host`. Raises MachineError if the port is taken.

    Granian would share the port with the other process (SO_REUSEPORT), so this listens on it alone first.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        hint = "choose another address with --host and --port"
        raise MachineError(f"cannot listen on {host}, port {port}: {error.strerror}", hint=hint) from error
    return str(address[0])


async def _serve(serving: Coroutine[Any, Any, None], host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Run the server, and call `on_ready` when it accepts a connection."""
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
