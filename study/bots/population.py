"""What a study of endlessly many people and summaries would find, in closed form.

Nothing here looks at answers or at how the platform measures them: the figures follow from the distributions
that beliefs and utterances are drawn from. Whoever did not look guesses; all people are independent, so two
of them agree on a summary with the chance that two draws from the mixture of both kinds are equal.
"""

from collections.abc import Collection
from dataclasses import dataclass

from study.agreement import LAYERS, NAME
from study.bots.speech import PLAIN, Speech, repeated, utterances, vocabulary
from study.bots.truth import GUESSED, USUAL, Belief, Population, zipf


@dataclass(frozen=True)
class Expected:
    """By layer of names where names are compared."""

    alpha: dict[str, float]
    """Krippendorff's, nominal: nothing in common and can't tell are categories."""
    percent: dict[str, float]
    """The chance that two people say the same of a summary."""
    nothing: float
    cannot_tell: float
    floor: float
    """The share of decoys that are given a name."""
    consistency: dict[str, float]
    """The chance that a repeat is answered as what it repeats."""


def expected(
    population: Population = USUAL, *, careless: float = 0.0, speech: Speech = PLAIN, language: str = "en"
) -> Expected:
    """With this share of people who do not look."""
    words, (left, left2) = len(vocabulary(language)), _moments(*reversed(population.modal))
    modal, modal2 = _moments(*population.modal)
    others = 1 - population.unnamed
    same = [sum(share**2 for share in zipf(count)) for count in _counts(population.tail)]
    looked = _Chances(
        named=modal + left * others,
        same_name=modal2 + left2 * others**2 * sum(same) / len(same),
        nothing=left * population.unnamed / 2,
        nothing2=left2 * (population.unnamed / 2) ** 2,
    )
    guessed = _guessing(words)
    alike = {layer: _mean_repeated(speech, language, layer) for layer in LAYERS}
    mixed = looked.mixed(guessed, careless, words)
    percent = {layer: mixed.same(alike[layer]) for layer in LAYERS}
    by_chance = {layer: mixed.named**2 * alike[layer] / words + 2 * mixed.nothing**2 for layer in LAYERS}
    again = {
        layer: population.consistency + (1 - population.consistency) * looked.same(alike[layer])
        for layer in LAYERS
    }
    floor, _ = _moments(*reversed(population.floor))
    return Expected(
        alpha={layer: 1 - (1 - percent[layer]) / (1 - by_chance[layer]) for layer in LAYERS},
        percent=percent,
        nothing=mixed.nothing,
        cannot_tell=mixed.nothing,
        floor=(1 - careless) * floor + careless * guessed.named,
        consistency={
            layer: (1 - careless) * again[layer] + careless * guessed.same(alike[layer]) for layer in LAYERS
        },
    )


def accepted(
    belief: Belief,
    names: Collection[str],
    *,
    careless: float = 0.0,
    speech: Speech = PLAIN,
    language: str = "en",
) -> float:
    """The share of people whose answer is one of these names, whatever its form."""
    looked = sum(
        probability * _among(said.words, names, speech, language)
        for said, probability in zip(belief.answers, belief.probabilities, strict=True)
        if said.kind == NAME
    )
    words = vocabulary(language)
    named = GUESSED[0] / sum(GUESSED) / len(words)
    guessed = sum(named * _among(word, names, speech, language) for word in words)
    return (1 - careless) * looked + careless * guessed


@dataclass(frozen=True)
class _Chances:
    """Of one person's answer to a summary, and of two answers by different people to the same one."""

    named: float
    same_name: float
    """Both mean the same."""
    nothing: float
    """As likely as to say that one cannot tell."""
    nothing2: float

    def same(self, alike: float) -> float:
        """The chance of equal answers, if who means the same says the same with the chance `alike`."""
        return alike * self.same_name + 2 * self.nothing2

    def mixed(self, others: "_Chances", share: float, words: int) -> "_Chances":
        """Where this share of people answers like others, who guess."""
        one, both = 1 - share, 2 * share * (1 - share)
        return _Chances(
            named=one * self.named + share * others.named,
            same_name=one**2 * self.same_name
            + both * self.named * others.named / words
            + share**2 * others.same_name,
            nothing=one * self.nothing + share * others.nothing,
            nothing2=one**2 * self.nothing2
            + both * self.nothing * others.nothing
            + share**2 * others.nothing2,
        )


def _guessing(words: int) -> _Chances:
    """All words alike."""
    named, nothing, _ = (often / sum(GUESSED) for often in GUESSED)
    return _Chances(named=named, same_name=named**2 / words, nothing=nothing, nothing2=nothing**2)


def _mean_repeated(speech: Speech, language: str, layer: str) -> float:
    """Over meanings, each of which is as likely as another to be the modal one, the second and so on."""
    words = vocabulary(language)
    return sum(repeated(speech, word, language)[layer] for word in words) / len(words)


def _among(meaning: str, names: Collection[str], speech: Speech, language: str) -> float:
    heard = utterances(speech, meaning, language)
    return sum(each.probability for each in heard if each.formless in names)


def _moments(a: float, b: float) -> tuple[float, float]:
    """The mean of a Beta distribution, and that of its square."""
    mean = a / (a + b)
    return mean, mean * (a + 1) / (a + b + 1)


def _counts(tail: tuple[int, int]) -> range:
    return range(tail[0], tail[1] + 1)
