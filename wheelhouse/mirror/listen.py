"""The HTTP server that runs the application, on granian."""

import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from wheelhouse.errors import InputError, MachineError
from wheelhouse.extras import install_command
from wheelhouse.mirror.server import Application

GRACE_SECONDS = 30.0
"""How long requests that are being answered may take after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens, and the files of its certificate and key (PEM) if it speaks TLS."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


def run(application: Application, socket_: Listening, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM, or Ctrl-C, which raises KeyboardInterrupt; `on_ready` is called once it accepts connections.

    The garbage collector passes over what exists by now. SIGTERM ends it after the requests that are being answered, at most
    GRACE_SECONDS later. Raises MachineError if the server is not installed or cannot listen on the address, InputError if it
    cannot use the certificate and its key.
    """
    try:
        from granian.constants import Interfaces, SSLProtocols  # noqa: PLC0415
        from granian.server.embed import Server  # noqa: PLC0415
    except ImportError as error:
        hint = f"install it with: {install_command('serve')}"
        raise MachineError("`serve` needs granian, which is not installed", hint=hint) from error
    address = _address(socket_.host, socket_.port)
    try:
        server = Server(
            application,
            address=address,
            port=socket_.port,
            interface=Interfaces.RSGI,
            websockets=False,
            backlog=4096,
            ssl_cert=socket_.certificate,
            ssl_key=socket_.key,
            ssl_protocol_min=SSLProtocols.tls12,
            log_enabled=False,
        )
    except OSError as error:
        sentence = f"`{socket_.certificate}` and `{socket_.key}` are not a certificate and its key: {error.strerror}"
        raise InputError(sentence) from error
    gc.freeze()  # what is served stays: no collection has to walk through it
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(server, application, (address, socket_.port), on_ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes an event loop of uvloop, which needs about 12 % less for a request; None, for asyncio's own, if it is not installed."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return factory


def hold_many_files() -> None:
    """Let this process hold as many files open as the system permits: each file that is served is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _address(host: str, port: int) -> str:
    """The first IP address of `host`, as text. Raises MachineError if it has none, if it is no name of a host, or if one cannot
    listen there on the port.

    Granian would share the port with the other process (SO_REUSEPORT), so this listens on it alone first.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except (OSError, UnicodeError) as error:
        hint = "choose another address with --host and --port"
        reason = error.strerror if isinstance(error, OSError) else "this is not the name of a host"
        raise MachineError(f"cannot listen on {host}, port {port}: {reason}", hint=hint) from error
    return str(address[0])


async def _serve(
    server: Any,  # noqa: ANN401  (granian's own type)
    application: Application,
    address: tuple[str, int],
    on_ready: Callable[[], None],
) -> None:
    """Run the server until it ends or SIGTERM comes. Call `on_ready` once, as soon as it accepts connections.

    After SIGTERM, answers are finished, but for no longer than GRACE_SECONDS.
    """
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    task = asyncio.create_task(server.serve())
    while not task.done():
        await asyncio.sleep(0.01)
        if await _accepts(*address):
            on_ready()
            break
    end = asyncio.create_task(ended.wait())
    await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
    if ended.is_set():
        server.stop()
        await application.settled(GRACE_SECONDS)
    else:
        end.cancel()
    await task


async def _accepts(host: str, port: int) -> bool:
    """Whether a connection can be opened there; it is closed at once."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
