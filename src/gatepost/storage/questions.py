# SPDX-License-Identifier: Apache-2.0
"""Questions to a store: on a connection that only reads, in a thread of its own, so that they never hold up a commit."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from gatepost.errors import StoreAway
from gatepost.storage.driver import Driver

Answer = TypeVar("Answer")


class Questions:
    """Asks one question after the other; each sees the last COMMIT."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._connection: Any = None
        self._closed = False

    async def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Run a reading function; once more where the connection had been lost meanwhile.

        Raises: StoreAway.
        """
        if self._closed:
            raise StoreAway(f"{self._driver.where}: the store is being closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)

    async def close(self) -> None:
        """Wait for the questions that were asked, and close the connection; closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown(wait=False)

    def _ask(self, question: Callable[[Any], Answer]) -> Answer:
        for may_be_stale in (self._connection is not None, False):
            try:
                if self._connection is None:
                    self._connection = self._driver.connect_reader()
                return question(self._connection)
            except self._driver.error as error:
                if self._connection is not None and self._driver.is_broken(self._connection):
                    self._drop()
                    if may_be_stale:
                        continue
                raise self._driver.named(error) from error
        raise AssertionError("the second round returns or raises")

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(self._driver.error):
                self._connection.close()
            self._connection = None
