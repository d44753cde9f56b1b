"""Many bots at once, in one event loop, with the database beside it on a thread of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2
from django.db import connection

from annotations import Refusal
from study.bots.bot import Bot, Habits, Sight
from study.bots.browser import Browser
from study.bots.line import TIMEOUT, Line, Meter, wire
from study.bots.speech import PLAIN, Speech
from study.bots.truth import USUAL, Belief, Population, beliefs
from study.forms import simulated_ticket
from study.models import Study, Trial, Version
from study.versions import latest


@dataclass
class Crowd:
    """So many bots for one study; `run` sends them on their way and comes back with them."""

    study: Study
    address: str
    count: int
    habits: Habits = field(default_factory=Habits)
    seed: int = 0
    concurrency: int = 20
    spacing: float = 0.0
    """Seconds between two arrivals."""
    first: int = 1
    """The number of the first bot: crowds that meet have numbers of their own."""
    speech: Speech = PLAIN
    population: Population = USUAL

    version: Version = field(init=False)
    beliefs: dict[int, Belief] = field(init=False)
    meter: Meter = field(init=False, default_factory=Meter)
    bots: list[Bot] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        version = latest(self.study)
        if self.study.state != Study.State.OPEN or version is None:
            raise Refusal(f"The study '{self.study.slug}' is not open, so nobody can take part.")
        self.version = version
        self.beliefs = beliefs(
            version.stimuli.select_related("source"),
            seed=self.seed,
            language=version.setting("language"),
            population=self.population,
        )

    def run(self, on_end: Callable[[Bot], None] = lambda bot: None) -> list[Bot]:
        """All bots, once each has come to its end. Refuses if the site is not there, or is another one."""
        asyncio.run(self.take_part(on_end))
        return self.bots

    async def take_part(self, on_end: Callable[[Bot], None] = lambda bot: None) -> None:
        desk, line = _Desk(), wire(min(self.concurrency, self.count) + 1)
        self.bots = [self._bot(self.first + place, line, desk) for place in range(self.count)]
        places = asyncio.Semaphore(self.concurrency)
        try:
            await self._knock(line)
            async with asyncio.TaskGroup() as group:
                for place, bot in enumerate(self.bots):
                    group.create_task(self._send(bot, place, places, on_end))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            await desk.close()
            await line.aclose()

    async def _send(self, bot: Bot, place: int, places: asyncio.Semaphore, on_end: Callable) -> None:
        await asyncio.sleep(place * self.spacing)
        async with places:
            await bot.take_part()
        on_end(bot)

    async def _knock(self, line: httpx2.AsyncBaseTransport) -> None:
        with suppress(httpx2.TransportError, httpx2.InvalidURL):
            client = httpx2.AsyncClient(transport=line, timeout=TIMEOUT)
            response = await client.get(f"{self.address.rstrip('/')}/s/{self.study.slug}/")
            if response.status_code == 200:
                return
            raise Refusal(f"At {self.address} the study answers with status {response.status_code}.")
        raise Refusal(
            f"No site answers at {self.address}. Start one with ./run up, or name it with --address."
        )

    def _bot(self, number: int, line: httpx2.AsyncBaseTransport, desk: "_Desk") -> Bot:
        lot = Random(f"{self.seed}/line/{number}")
        losses = {"drop_requests": self.habits.drop_requests, "drop_responses": self.habits.drop_responses}
        browser = Browser(
            self.address,
            self.study.slug,
            simulated_ticket(self.study),
            Line(line, self.meter, lot, **losses),
            lot,
        )
        check: list[dict[str, Any]] = self.version.setting("comprehension")
        return Bot(
            number,
            self.seed,
            self.habits,
            browser,
            self.beliefs,
            desk,
            language=self.version.setting("language"),
            speech=self.speech,
            consistency=self.population.consistency,
            right=[asked["right"] for asked in check],
        )


class _Desk:
    """The database, asked from one thread: an event loop must not wait for it."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)

    async def sights(self, token: str) -> dict[str, Sight]:
        return await self._ask(_sights, token)

    async def close(self) -> None:
        await self._ask(lambda: connection.close())  # the thread's own
        self.thread.shutdown()

    async def _ask(self, question: Callable, *about: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.thread, question, *about)


def _sights(token: str) -> dict[str, Sight]:
    trials = Trial.objects.filter(participant__token=token)
    rows = trials.values_list("key", "stimulus_id", "stimulus__source_id")
    return {str(key): Sight(stimulus, source) for key, stimulus, source in rows}
