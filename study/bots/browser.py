"""A bot's browser: its cookies and its outbox outlive a page, as they do in a real one."""

import itertools
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urljoin

import httpx2

from study.bots.line import TIMEOUT, Line, back_off
from study.bots.pages import Form, Page
from study.bots.truth import Said

PATIENCE = 120
"""Seconds that a request may fail again and again before the bot gives up."""
TRIES_BEFORE_GOING_ON = 3
"""An answer that does not get through waits in the outbox while the next picture is looked at."""
EXPECTED = (200, 201, 204, 409)


class GaveUp(Exception):
    """The site did not let the bot get on, for the reason given."""


class Browser:
    def __init__(self, address: str, slug: str, ticket: str, line: Line, lot: Random) -> None:
        self.address, self.lot, self.line = address.rstrip("/"), lot, line
        self.start, self.ticket = f"/s/{slug}/", ticket
        self.outbox: dict[str, dict[str, Any]] = {}
        """What is not known to be stored, first in first out."""
        self.receipts: dict[str, str] = {}
        self.changed_receipts = 0
        self.client = httpx2.AsyncClient(
            base_url=self.address,
            transport=line,
            follow_redirects=True,
            timeout=TIMEOUT,
            headers={"Origin": self.address, "Referer": f"{self.address}{self.start}"},
        )

    @property
    def token(self) -> str:
        """Of the participant whom the ticket makes."""
        return self.ticket.rpartition(":")[0]

    async def open(self, path: str = "") -> Page:
        response = await self._insist("GET", path or self.start)
        return Page(str(response.url), response.status_code, response.text)

    async def send(self, page: Page, form: Form, data: Mapping[str, str]) -> Page:
        """The start page's own ticket is changed for one that marks who starts with it as simulated."""
        ours = {"ticket": self.ticket} if "ticket" in data else {}
        response = await self._insist("POST", urljoin(page.address, form.action), data={**data, **ours})
        return Page(str(response.url), response.status_code, response.text)

    async def look(self, address: str) -> None:
        """Fetches a picture, however often it must ask."""
        await self._insist("GET", address)

    async def work(self) -> dict[str, Any]:
        response = await self._insist("GET", f"{self.start}work/")
        if response.status_code != 200:
            raise GaveUp(f"The list of trials came with status {response.status_code}.")
        work = response.json()
        for trial in work["trials"]:
            self._keep_receipt(trial["key"], trial["receipt"])
        return work

    def put_by(self, key: str, said: Said, seconds: float) -> None:
        """Into the outbox, from where it goes on its way."""
        offline = bool(self.outbox)
        self.outbox[key] = {
            "kind": said.kind,
            "words": said.words,
            "seconds": round(seconds, 3),
            "shown": None,
            "answered_at": datetime.now(UTC).isoformat(),
            "sequence": len(self.receipts) + len(self.outbox) + 1,
            "evidence": {"focus_losses": 0, "away_seconds": 0, "pastes": 0, "offline": offline},
        }

    async def flush(self, patiently: bool = False) -> None:
        """Sends what waits in the outbox. Not patiently: after a few failures the rest goes on waiting."""
        for key in list(self.outbox):
            path, body = f"{self.start}answers/{key}/", self.outbox[key]
            try:
                response = await self._insist(
                    "PUT", path, tries=None if patiently else TRIES_BEFORE_GOING_ON, json=body
                )
            except GaveUp:
                if patiently:
                    raise
                return
            if response.status_code not in (200, 201):
                raise GaveUp(f"An answer was turned away with status {response.status_code}.")
            self._keep_receipt(key, response.json()["receipt"])
            del self.outbox[key]

    async def finish(self, address: str, keys: list[str]) -> str:
        """The handshake: the address of the last page once the server has every answer."""
        for _ in range(3):
            receipts = {key: self.receipts[key] for key in keys}
            response = await self._insist("POST", address, json={"receipts": receipts, "feedback": ""})
            if response.status_code == 200:
                return response.json()["address"]
            await self.work()
        raise GaveUp(f"The end was refused with status {response.status_code}.")

    def _keep_receipt(self, key: str, receipt: str | None) -> None:
        if receipt:
            self.changed_receipts += self.receipts.get(key, receipt) != receipt
            self.receipts[key] = receipt

    async def _insist(
        self, method: str, path: str, *, tries: int | None = None, **content: Any
    ) -> httpx2.Response:
        """The response, once there is one: after losses, faults of the server and its asking for a pause."""
        began = time.monotonic()
        for attempt in itertools.count(1):
            pause = 0.0
            try:
                response = await self._request(method, path, **content)
            except httpx2.TransportError as error:
                problem = f"{type(error).__name__}"
            else:
                if response.status_code < 500 and response.status_code != 429:
                    return response
                problem = f"status {response.status_code}"
                pause = float(response.headers.get("Retry-After", 0))
            if attempt == tries or time.monotonic() - began > PATIENCE:
                raise GaveUp(f"{method} failed {attempt} times, at last with {problem}.")
            await back_off(attempt, self.lot, pause)
        raise AssertionError

    async def _request(self, method: str, path: str, **content: Any) -> httpx2.Response:
        token = next((cookie.value for cookie in self.client.cookies.jar if cookie.name == "csrftoken"), "")
        headers = {"X-CSRFToken": token or ""} if method != "GET" else {}
        response = await self.client.request(method, path, headers=headers, **content)
        if response.status_code not in EXPECTED:
            refused = self.line.meter.refused
            refused[response.status_code] = refused.get(response.status_code, 0) + 1
        return response
