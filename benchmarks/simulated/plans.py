"""What each simulated study is like, drawn from its number."""

from dataclasses import dataclass
from random import Random

from study.bots.population import Expected, expected
from study.bots.speech import Speech
from study.bots.truth import Population

FAST = 2.0
"""Seconds: who is faster in half of their answers did not look. Between the two kinds lies nothing."""


@dataclass(frozen=True)
class Plan:
    number: int
    people: int
    summaries: int
    decoys: int
    repeats: int
    gold: int
    shown: int | None
    """Summaries for each participant; none: all."""
    careless: float
    dropout: float
    ruled: bool
    """Whoever is too fast is excluded by a rule declared beforehand."""
    language: str
    population: Population
    speech: Speech
    hits: tuple[float, float]
    """Chances that a summary's true modal name is the first tag, and one of the first five."""

    @property
    def seed(self) -> int:
        return 1000 + self.number

    def expected(self, analysis: str) -> Expected:
        """Of the analysis "main" (without those excluded) or "all"."""
        return expected(
            self.population, careless=self.share(analysis), speech=self.speech, language=self.language
        )

    def share(self, analysis: str) -> float:
        """Of the people in this analysis who do not look."""
        return 0.0 if self.ruled and analysis == "main" else self.careless


def draw(number: int, *, small: bool = False) -> Plan:
    """10 to 40 people and 8 to 30 summaries, or 10 to 14 and 6 to 8."""
    lot = Random(f"truth/{number}")
    summaries = lot.randint(8, 30) if not small else lot.randint(6, 8)
    return Plan(
        number=number,
        people=lot.randint(10, 40) if not small else lot.randint(10, 14),
        summaries=summaries,
        decoys=lot.randint(3, 6),
        repeats=lot.randint(3, min(6, summaries)),
        gold=lot.randint(3, 5),
        shown=round(summaries * lot.uniform(0.6, 0.9)) if lot.random() < 0.4 else None,
        careless=lot.uniform(0, 0.2),
        dropout=lot.choice([0.0, lot.uniform(0, 0.3)]),
        ruled=lot.random() < 0.5,
        language="zh-hans" if lot.random() < 0.2 else "en",
        population=_population(lot),
        speech=Speech(synonyms=lot.uniform(0, 0.4), forms=lot.uniform(0, 0.4), slips=lot.uniform(0, 0.08)),
        hits=(first := lot.uniform(0.2, 0.7), first + (1 - first) * lot.uniform(0.2, 0.8)),
    )


def _population(lot: Random) -> Population:
    """From summaries that people hardly agree on to those that nearly all call the same."""
    mean, weight = lot.uniform(0.5, 0.9), lot.uniform(5, 12)
    floor = lot.uniform(0.75, 0.95)
    return Population(
        modal=(mean * weight, (1 - mean) * weight),
        floor=(20 * floor, 20 * (1 - floor)),
        gold=lot.uniform(0.85, 0.98),
        unnamed=lot.uniform(0.1, 0.4),
        consistency=lot.uniform(0.6, 0.9),
    )
