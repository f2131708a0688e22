"""Calls in another thread as futures of asyncio."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from collections.abc import Callable
from typing import Any

from tftrt._native import Cancellation, Outcome, wait_for_queued_calls
from tftrt.errors import DeadlineExceededError

__all__ = ["start"]

# As concurrent.futures does: what still runs has arrays, and hands its results to Python.
atexit.register(wait_for_queued_calls)


def start(
    begin: Callable[[Callable[[Outcome], None]], Cancellation], timeout: float | None
) -> asyncio.Future[dict[str, Any]]:
    """Begin a call and return its future, which gives the call up when it is cancelled or after ``timeout`` seconds.

    Args:
        begin: Begins the call, which ends by calling the argument, in any thread.
        timeout: Seconds.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[dict[str, Any]] = loop.create_future()

    def finish(outcome: Outcome) -> None:
        if future.done():
            return
        try:
            future.set_result(outcome.result())
        except Exception as error:
            future.set_exception(error)

    def done(outcome: Outcome) -> None:
        # Of a loop that is closed nobody waits for anything.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, outcome)

    cancellation = begin(done)

    def expire() -> None:
        if not future.done():
            future.set_exception(DeadlineExceededError(f"the call was not over within {timeout} seconds"))

    timer = None if timeout is None else loop.call_later(timeout, expire)

    def ended(_: asyncio.Future[dict[str, Any]]) -> None:
        if timer is not None:
            timer.cancel()
        # Nothing, if the call is over.
        cancellation.cancel()

    future.add_done_callback(ended)
    return future
