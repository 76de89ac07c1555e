"""Work in threads: each task is done once, and its result is shared by all who wait for it."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """A pool of threads that does each task once. A task is identified by its key."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._futures: dict[Hashable, Future[Any]] = {}
        self._guard = threading.Lock()

    def start(self, key: Hashable, work: Callable[[], T]) -> "Future[T]":
        """The future of the task with this key; `work` is started in a thread if no task with the key was. A task that
        failed is not tried again.

        Raises RuntimeError for a new key after `close`.
        """
        with self._guard:
            future = self._futures.get(key)
            if future is None:
                future = self._futures[key] = self._pool.submit(work)
        return future

    def started(self, key: Hashable) -> bool:
        """Whether `start` was called for the task with this key; it may still wait for a thread, or have ended."""
        return key in self._futures

    def close(self) -> None:
        """Start no more tasks, and cancel those that wait. Running tasks are not waited for: a server may delay them for long.

        The pool's own way to cancel holds its lock, and a callback that starts a task would wait for that lock for ever.
        """
        self._pool.shutdown(wait=False)
        with self._guard:
            futures = list(self._futures.values())
        for future in futures:
            future.cancel()


def first_success(futures: "list[Future[T]]") -> "Future[T]":
    """A future with the first result that arrives (a cancellation counts as one); with the last error if all fail. Without
    `futures` it never ends.
    """
    first: Future[T] = Future()
    guard = threading.Lock()
    left, settled = len(futures), False

    def done(future: "Future[T]") -> None:
        """Pass a future on to `first` if it is the first success, or the last of all."""
        nonlocal left, settled
        with guard:
            left -= 1
            if settled or not (left == 0 or future.cancelled() or future.exception() is None):
                return
            settled = True
        pass_on(future, first)

    for future in futures:
        future.add_done_callback(done)
    return first


def pass_on(source: "Future[T]", target: "Future[T]") -> None:
    """Give a future the result, error or cancellation of another. The first must not have ended, the other must have."""
    if source.cancelled():
        target.cancel()
    elif (error := source.exception()) is None:
        target.set_result(source.result())
    else:
        target.set_exception(error)


def then(future: "Future[Any]", change: Callable[[Any], T]) -> "Future[T]":
    """A future with `change` of another's result, or with its error or cancellation; an error in `change` is its error.

    `change` runs in the thread that ends the other future, or here if it has ended.
    """
    changed: Future[T] = Future()

    def done(source: "Future[Any]") -> None:
        """Give `changed` the changed result, or the error or cancellation."""
        if source.cancelled():
            changed.cancel()
            return
        try:
            changed.set_result(change(source.result()))
        except BaseException as error:
            changed.set_exception(error)

    future.add_done_callback(done)
    return changed


class Once:
    """Does each task once: a second caller waits, and gets the same result. A task that failed is tried again.

    Unlike `Tasks` it works in the calling thread, so that one task may need another.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Hashable, threading.RLock] = {}
        self._results: dict[Hashable, Any] = {}

    def get(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result of the task with this key; `work` is called here if nobody has the result yet. Raises what `work` raises."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.RLock())
        with lock:
            if key not in self._results:
                self._results[key] = work()
            result: T = self._results[key]
        return result
