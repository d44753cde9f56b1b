"""The line between a bot and the site: it loses requests and responses as asked, and times the answers."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from random import Random

import httpx2

KEPT_OPEN = 1
"""Seconds that an idle connection is used again; less than the server keeps it, or it hangs up in between."""
TIMEOUT = 30
FIRST_WAIT, LONGEST_WAIT = 0.2, 5
"""Seconds before something is sent once more; doubled at each failure."""


class Lost(httpx2.TransportError):
    """Lost on purpose, on the way there or on the way back."""


@dataclass
class Meter:
    """What the lines of one crowd saw together."""

    answer_seconds: list[float] = field(default_factory=list)
    """Of every answer that was sent and responded to, until the last byte of the response was there."""
    requests: int = 0
    lost_requests: int = 0
    lost_responses: int = 0
    broken: int = 0
    """Ended without a response though nobody asked for it: the server was away."""
    refused: dict[int, int] = field(default_factory=dict)
    """Responses that no participant should meet, by status."""


class Line(httpx2.AsyncBaseTransport):
    """A lost request is never sent; a lost response is read to its end and thrown away."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        meter: Meter,
        lot: Random,
        *,
        drop_requests: float = 0,
        drop_responses: float = 0,
    ) -> None:
        self.inner, self.meter, self.lot = inner, meter, lot
        self.drop_requests, self.drop_responses = drop_requests, drop_responses

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.lot.random() < self.drop_requests:
            self.meter.lost_requests += 1
            raise Lost("The request was lost.")
        response = await self._carry(request)
        if self.lot.random() < self.drop_responses:
            self.meter.lost_responses += 1
            raise Lost("The response was lost.")
        return response

    async def _carry(self, request: httpx2.Request) -> httpx2.Response:
        self.meter.requests += 1
        began = time.perf_counter()
        try:
            response = await self.inner.handle_async_request(request)
            await response.aread()
        except httpx2.TransportError:
            self.meter.broken += 1
            raise
        if request.method == "PUT":
            self.meter.answer_seconds.append(time.perf_counter() - began)
        return response


def wire(connections: int) -> httpx2.AsyncHTTPTransport:
    """The connections that all bots of a crowd share."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else a line for every request
    limits = httpx2.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_OPEN
    )
    return httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)


async def back_off(attempt: int, lot: Random, least: float = 0) -> None:
    """Longer at every attempt, and never two bots at the same moment."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    await asyncio.sleep(max(least, wait * lot.uniform(0.5, 1.5)))
