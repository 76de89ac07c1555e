"""Debian packages, fetched while the wheels are; their folder changes afterwards, and only if the wheels came."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event as Flag

from wheelhouse.debian.debian_lock import DebianLock
from wheelhouse.events import Event, Listener

FetchDebian = Callable[[Listener, Callable[[], None]], DebianLock]
"""Fetches the packages; takes the listener, and what is called before the folder changes."""


class _GivenUpError(Exception):
    """The run failed elsewhere: what has begun ends, and nobody reads this."""


@contextmanager
def debian_beside(fetch: FetchDebian, on_event: Listener) -> Iterator[Callable[[], DebianLock]]:
    """Start `fetch` in a thread. Gives a function that lets `fetch` change its folder, waits for its end and returns its lock of
    the packages.

    If the block ends before that function is called, the downloads stop at their next event, and the folder stays as it was;
    the end of the block waits for that. The function can be called once only, and raises what `fetch` raises.
    """
    permission: Future[None] = Future()
    has_ended = Flag()

    def listener(event: Event) -> None:
        """Pass an event on; once the block has ended, raise _GivenUpError, which ends the fetch."""
        if has_ended.is_set():
            raise _GivenUpError
        on_event(event)

    with ThreadPoolExecutor(1, "debian") as thread:
        fetching = thread.submit(fetch, listener, permission.result)

        def finish() -> DebianLock:
            """Let the folder change, and wait for the lock of the packages. Raises what the fetch raises."""
            permission.set_result(None)
            return fetching.result()

        try:
            yield finish
        finally:
            has_ended.set()
            if not permission.done():
                permission.set_exception(_GivenUpError())
