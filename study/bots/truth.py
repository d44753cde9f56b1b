"""What bots believe: for every stimulus a distribution over answers, drawn from a seed and told in a file.

The modal name's share is Beta distributed and the other names follow Zipf's law, as in norms for naming
pictures. A repeat is believed to be what it repeats.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from random import Random

from study.agreement import CANNOT_TELL, NAME, NOTHING_IN_COMMON
from study.bots.speech import PLAIN, Speech, vocabulary
from study.models import Stimulus

SECONDS, CARELESS_SECONDS, SPREAD = 6.0, 0.6, 0.4
"""Medians, and the standard deviation of the logarithm, of the time that an answer takes."""

GUESSED = (3, 1, 1)
"""How often who has not looked gives a name, says "nothing in common", and that they cannot tell."""


@dataclass(frozen=True)
class Population:
    """What people in general see in summaries, from which each stimulus' own truth is drawn."""

    modal: tuple[float, float] = (6, 2)
    """Of Beta, the modal name's share: a mean of 0.75."""
    floor: tuple[float, float] = (18, 2)
    """Of Beta: how many see that a decoy has nothing in common, 0.9 in the mean."""
    gold: float = 0.95
    tail: tuple[int, int] = (3, 8)
    """Fewest and most other names."""
    unnamed: float = 0.3
    """Of what the modal name leaves: half of it sees nothing in common, half cannot tell."""
    consistency: float = 0.8
    """How often somebody who sees a repeat says what they said before; else they draw again."""


USUAL = Population()


@dataclass(frozen=True)
class Said:
    kind: str
    words: str = ""


@dataclass(frozen=True)
class Belief:
    """What people in general answer to one stimulus."""

    answers: tuple[Said, ...]
    probabilities: tuple[float, ...]

    def draw(self, lot: Random) -> Said:
        return lot.choices(self.answers, self.probabilities)[0]

    @property
    def modal(self) -> str:
        """The name that more people mean than any other."""
        named = (place for place, said in enumerate(self.answers) if said.kind == NAME)
        return self.answers[max(named, key=lambda place: self.probabilities[place])].words


@dataclass(frozen=True)
class Mind:
    """One bot's: what it says of a stimulus and how long it looks, the same however the trials come."""

    number: int
    seed: int
    beliefs: Mapping[int, Belief]
    careless: bool = False
    language: str = "en"
    speech: Speech = PLAIN
    consistency: float = USUAL.consistency

    def say(self, stimulus: int, source: int | None = None) -> Said:
        """Of a repeat (with a source) mostly what was said before, to the letter."""
        lot = Random(f"{self.seed}/{self.number}/{stimulus}")
        if self.careless:
            return self._put(guess(lot, self.language), lot)
        if source is not None and lot.random() < self.consistency:
            lot = Random(f"{self.seed}/{self.number}/{source}")
        return self._put(self.beliefs[stimulus].draw(lot), lot)

    def seconds(self, stimulus: int) -> float:
        """A few seconds, or hardly any if it does not look."""
        lot = Random(f"{self.seed}/{self.number}/{stimulus}/seconds")
        return lot.lognormvariate(math.log(CARELESS_SECONDS if self.careless else SECONDS), SPREAD)

    def _put(self, meant: Said, lot: Random) -> Said:
        return Said(NAME, self.speech.put(meant.words, self.language, lot)) if meant.words else meant


def beliefs(
    stimuli: Iterable[Stimulus], *, seed: int, language: str = "en", population: Population = USUAL
) -> dict[int, Belief]:
    """By the stimulus' primary key; the same for the same seed and positions."""
    stimuli = list(stimuli)
    found = {one.pk: _belief(one, Random(f"{seed}/{one.position}"), language, population) for one in stimuli}
    repeats = {one.pk: found[one.source_id] for one in stimuli if one.source_id in found}
    return found | repeats


def guess(lot: Random, language: str = "en") -> Said:
    """What somebody says who has not looked."""
    word = lot.choice(vocabulary(language))
    said = (Said(NAME, word), Said(NOTHING_IN_COMMON), Said(CANNOT_TELL))
    return lot.choice([each for each, often in zip(said, GUESSED, strict=True) for _ in range(often)])


def tell(stimuli: Iterable[Stimulus], known: dict[int, Belief]) -> list[dict]:
    """The truth in a form that can be written to a file."""
    return [
        {
            "position": one.position,
            "exhibit": one.exhibit,
            "kind": one.kind,
            "condition": one.condition.name if one.condition else None,
            "modal": known[one.pk].modal,
            "answers": [
                asdict(said) | {"probability": round(probability, 6)}
                for said, probability in zip(known[one.pk].answers, known[one.pk].probabilities, strict=True)
            ],
        }
        for one in stimuli
    ]


def _belief(stimulus: Stimulus, lot: Random, language: str, population: Population) -> Belief:
    words = lot.sample(vocabulary(language), 1 + lot.randint(*population.tail))
    if stimulus.kind == Stimulus.Kind.DECOY:
        return _spread([Said(NOTHING_IN_COMMON)], lot.betavariate(*population.floor), words)
    if stimulus.kind == Stimulus.Kind.GOLD and stimulus.accepted:
        right = [Said(NAME, word) for word in stimulus.accepted]
        return _spread(right, population.gold, [word for word in words if word not in stimulus.accepted])
    modal = lot.betavariate(*population.modal)
    return _spread([Said(NAME, words[0])], modal, words[1:], unnamed=population.unnamed)


def _spread(most: list[Said], share: float, words: list[str], unnamed: float = 0) -> Belief:
    """`share` over the first answers and the rest over others, each part by Zipf's law."""
    others = [Said(NAME, word) for word in words]
    rest = (1 - share) * (1 - unnamed)
    answers = most + others
    weights = [share * part for part in zipf(len(most))] + [rest * part for part in zipf(len(others))]
    if unnamed:
        answers += [Said(NOTHING_IN_COMMON), Said(CANNOT_TELL)]
        weights += [(1 - share) * unnamed / 2] * 2
    return Belief(tuple(answers), tuple(weights))


def zipf(count: int) -> list[float]:
    """Shares of the first, second, ... of so many; they add up to 1."""
    weights = [1 / rank for rank in range(1, count + 1)]
    return [weight / sum(weights) for weight in weights]
