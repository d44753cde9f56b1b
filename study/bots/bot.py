"""One bot on the participant's way: it looks, says what it believes, is killed, comes back or leaves."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from annotations import Refusal
from study.bots.browser import Browser, GaveUp
from study.bots.pages import Form, Page
from study.bots.speech import PLAIN, Speech
from study.bots.truth import USUAL, Belief, Mind, Said

PRACTICE = "wheel"
STUCK = 6
"""How often the same page may come before the bot gives up."""
ELSEWHERE = "The site there has another key or database than the ones set here: run this beside its database."
LEAVES_AT_CONSENT = 0.15
"""Of those who leave: the others do so somewhere among the trials."""


class PageKilled(Exception):
    """The page and all it held in memory is gone; cookies and outbox are not."""


@dataclass(frozen=True)
class Habits:
    """Shares of bots or, of what is lost and killed, of requests and answers; pace in seconds a trial."""

    dropout: float = 0.3
    careless: float = 0.08
    drop_requests: float = 0.05
    drop_responses: float = 0.05
    kill: float = 0.02
    pace: float = 0.0
    most_answers: int | None = None
    """After so many a bot stays where it is."""
    interrupted: float = 0.0
    """Share who stop halfway, and come back `break_seconds` later."""
    break_seconds: float = 0.0


@dataclass(frozen=True)
class Sight:
    """What a trial shows: known beside the database alone, never to a participant."""

    stimulus: int
    source: int | None = None


class Desk(Protocol):
    """What a bot cannot know from its pages, from beside the site's database."""

    async def sights(self, token: str) -> dict[str, Sight]:
        """What a participant's trials show, by trial key."""


@dataclass
class Bot:
    number: int
    seed: int
    habits: Habits
    browser: Browser
    beliefs: dict[int, Belief]
    desk: Desk
    language: str = "en"
    speech: Speech = PLAIN
    consistency: float = USUAL.consistency
    right: list[int] = field(default_factory=list)
    """The right choices of the comprehension check."""

    said: dict[str, Said] = field(default_factory=dict)
    """By trial key: every answer that this bot gave, whether or not it arrived."""
    end: str = ""
    """ended, left, stayed, turned away, or why it gave up."""
    last_page: str = ""
    kills: int = 0

    def __post_init__(self) -> None:
        lot = Random(f"{self.seed}/bot/{self.number}")
        self.careless = lot.random() < self.habits.careless
        self.leaves_at = lot.random() if lot.random() < self.habits.dropout else None
        self.rests = lot.random() < self.habits.interrupted
        self.lot = lot
        self.mind = Mind(
            self.number,
            self.seed,
            self.beliefs,
            self.careless,
            language=self.language,
            speech=self.speech,
            consistency=self.consistency,
        )

    async def take_part(self) -> None:
        while not self.end:
            try:
                self.end = await self._walk()
            except PageKilled:
                self.kills += 1
            except GaveUp as reason:
                self.end = str(reason)

    async def _walk(self) -> str:
        """From wherever the link leads to an end."""
        page = await self._walk_to_work(await self.browser.open())
        if page.name == "thanks":
            return self._end_with(page)
        if page.name not in ("trial", "feedback"):
            return "left" if page.name == "consent" else "turned away"
        work = await self.browser.work()
        if await self._answer_all(work["trials"]):
            return "left" if self.leaves_at is not None else "stayed"
        await self.browser.flush(patiently=True)
        keys = [trial["key"] for trial in work["trials"]]
        return self._end_with(await self.browser.open(await self.browser.finish(work["finish"], keys)))

    async def _walk_to_work(self, page: Page) -> Page:
        """Through the pages before the trials, which are plain forms."""
        seen: list[str] = []
        while page.name not in ("trial", "feedback", "thanks"):
            form = page.form
            if form is None or page.status != 200:
                return page
            if seen.count("start") > 1:
                raise Refusal(ELSEWHERE)
            if page.name == "consent" and (self.leaves_at or 1) < LEAVES_AT_CONSENT:
                return page
            seen.append(page.name)
            if seen.count(page.name) > STUCK:
                raise GaveUp(f"The page '{page.name}' does not lead on.")
            page = await self.browser.send(page, form, self._fill(page.name, form))
        return page

    def _fill(self, page: str, form: Form) -> dict[str, str]:
        """By lot where nothing is right: at the optional questions, and at the check if it does not look."""
        chosen = [self.lot.randrange(len(one.choices)) for one in form.fields if one.choices]
        if page == "check" and not self.careless:
            chosen = self.right
        return form.fill(words=PRACTICE if page == "practice" else "", chosen=chosen)

    async def _answer_all(self, trials: list[dict[str, Any]]) -> bool:
        """Answers what is not answered yet. True if the bot goes early; what it gave is sent first."""
        shown = await self.desk.sights(self.browser.token)
        if any(trial["key"] not in shown for trial in trials):
            raise Refusal(ELSEWHERE)
        stays = self._stays(len(trials))
        for number, trial in enumerate(trials):
            if number >= stays:
                await self.browser.flush(patiently=True)
                return True
            if trial["receipt"] or trial["key"] in self.said:
                continue
            if self.rests and number == len(trials) // 2:
                await asyncio.sleep(self.habits.break_seconds)
            await self._look(trial)
            self._be_killed(0.25)
            sight = shown[trial["key"]]
            self.said[trial["key"]] = self.mind.say(sight.stimulus, sight.source)
            self.browser.put_by(trial["key"], self.said[trial["key"]], self.mind.seconds(sight.stimulus))
            self._be_killed(0.25)
            await self._flush()
        return False

    def _stays(self, count: int) -> int:
        """For how many trials."""
        most = count + 1 if self.habits.most_answers is None else self.habits.most_answers
        if self.leaves_at is None:
            return most
        share = (self.leaves_at - LEAVES_AT_CONSENT) / (1 - LEAVES_AT_CONSENT)
        return min(most, int(share * count))

    async def _look(self, trial: dict[str, Any]) -> None:
        for picture in trial["pictures"]:
            await self.browser.look(picture["address"])
        if self.habits.pace:
            await asyncio.sleep(self.habits.pace * self.lot.uniform(0.5, 1.5))

    async def _flush(self) -> None:
        """Now and then the page is killed while the answer is under way."""
        if self.lot.random() >= self.habits.kill / 2:
            return await self.browser.flush()
        try:
            async with asyncio.timeout(self.lot.uniform(0, 0.05)):
                await self.browser.flush()
        except TimeoutError:
            raise PageKilled from None

    def _be_killed(self, share: float) -> None:
        if self.lot.random() < self.habits.kill * share:
            raise PageKilled

    def _end_with(self, page: Page) -> str:
        self.last_page = page.text
        return "ended"
