# SPDX-License-Identifier: Apache-2.0
"""The way of one large mail's content out of memory, into a spool.

An intake belongs to one `Content` and never serves another: what was spooled for a mail can not become
part of the next. A disk may be slow, so every call on the spool runs in a pool thread, one at a time; an
intake that is abandoned meanwhile throws its spool away as soon as that thread is done.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from gatepost.errors import StoreError, StoreFull
from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.service import Spool
from gatepost.smtp.session.content import Content
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit, emit_unexpected

INLINE_BYTES = 131_072
"""Content up to this size stays in memory until its mail is whole."""
_PIECE_BYTES = 32_768
_PAUSE_S = 0.002
"""Wait after each piece: one large mail takes a share of the machine, not all of it (about 30 MB/s at most)."""

_T = TypeVar("_T")


def is_due(content: Content) -> bool:
    """Whether a mail is too large to stay in memory and a piece of it lies there."""
    return content.size > INLINE_BYTES and content.waiting > _PIECE_BYTES


class Intake:
    """One mail's content on its way. `trouble` is the answer to the mail once its spool has failed."""

    def __init__(self, content: Content, open_spool: Callable[[], Spool]) -> None:
        self.content = content
        self.trouble: Reply | None = None
        self._open_spool = open_spool
        self._spool: Spool | None = None
        self._busy: asyncio.Future[Any] | None = None
        self._finished = False

    async def take(self) -> None:
        """Move what the content keeps into the spool; after trouble, throw it away."""
        blocks = self.content.take_blocks()
        if blocks and self.trouble is None:
            await self._in_thread(lambda: self._write(blocks))
            await asyncio.sleep(_PAUSE_S)

    async def finish(self) -> str | Reply:
        """Make the whole content durable; gives the blob's name, or the answer to the mail when it could not be."""
        await self.take()
        name = None if self._spool is None or self.trouble else await self._in_thread(self._spool.finish)
        if name is None:
            return self.trouble or replies.LOCAL_ERROR
        self._finished = True
        return name

    def abandon(self) -> None:
        """Throw away what was spooled, unless it was finished."""
        if self._busy is not None and not self._busy.done():
            self._busy.add_done_callback(lambda _: self._abort())
        else:
            self._abort()

    def _write(self, blocks: list[bytes]) -> None:
        if self._spool is None:
            self._spool = self._open_spool()
        for block in blocks:
            self._spool.write(block)

    def _abort(self) -> None:
        if self._spool is not None and not self._finished:
            self._spool.abort()
        self._spool = None

    async def _in_thread(self, work: Callable[[], _T]) -> _T | None:
        """Do blocking work in a thread; what went wrong becomes `trouble` and the spool is thrown away."""
        future = asyncio.get_running_loop().run_in_executor(None, work)
        self._busy = future
        try:
            return await asyncio.shield(future)
        except StoreError as error:
            emit(StoreTrouble(what="spooling a large mail", reason=str(error)))
            self.trouble = replies.STORE_FULL if isinstance(error, StoreFull) else replies.STORE_AWAY
        except Exception as error:
            emit_unexpected("smtp.spool", error)
            self.trouble = replies.LOCAL_ERROR
        self._abort()
        return None
