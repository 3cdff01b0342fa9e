"""Bodies of requests, read within bounds of size and time."""

import asyncio

from starlette.requests import ClientDisconnect, Request

MOST = 64 * 1024
"""Bytes of a request's body that are read; nothing that a person or Slack sends is longer."""
LET_GO = 16 * 1024 * 1024
"""Bytes of a longer one that are thrown away, so that whoever sends it can read the answer."""
WITHIN = 3.0
"""Seconds within which a body must have arrived."""


class BodyError(Exception):
    """A body that is not taken: the status that says so, and why."""

    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


async def body_of(request: Request) -> bytes:
    """Give the body. Raises BodyError where it is too long, too slow, or broken off."""
    try:
        async with asyncio.timeout(WITHIN):
            return await _read(request)
    except TimeoutError:
        raise BodyError(408, f"the body did not arrive within {WITHIN:.0f} s") from None
    except ClientDisconnect:
        raise BodyError(400, "the body was broken off") from None


async def _read(request: Request) -> bytes:
    read, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MOST:
            read += chunk
        if size > LET_GO:
            break
    if size > MOST:
        raise BodyError(413, "the body is over 64 KiB")
    return bytes(read)
