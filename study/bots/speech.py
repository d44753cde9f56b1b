"""How bots put what they mean: another word for the same thing, another form of a word, a slip of the finger.

Every utterance of a meaning can be listed with its probability, so what people typed, what is left of it
without form, and what they meant differ in a known way. No two meanings share an utterance.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

MEANINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "ear": ("auricle",),
        "eye": (),
        "nose": ("snout", "muzzle"),
        "mouth": ("jaw",),
        "beak": ("bill",),
        "wing": ("pinion",),
        "tail": ("rear end",),
        "leg": ("limb",),
        "paw": ("forefoot",),
        "claw": ("talon", "nail"),
        "hoof": (),
        "horn": (),
        "antler": ("rack",),
        "crest": ("comb", "tuft"),
        "mane": ("ruff",),
        "fin": ("flipper",),
        "scale": (),
        "shell": ("carapace",),
        "feather": ("plume",),
        "stripe": ("band",),
        "spot": ("dot", "speckle"),
        "neck": ("throat",),
        "head": ("face",),
        "back": ("spine",),
        "belly": ("stomach", "tummy"),
        "chest": ("breast",),
        "whisker": ("bristle",),
        "tongue": (),
        "tooth": ("fang",),
        "trunk": ("proboscis",),
        "tusk": (),
        "petal": (),
        "stem": ("stalk",),
        "leaf": ("frond",),
        "branch": ("twig",),
        "bark": (),
        "wheel": ("tyre",),
        "door": ("gate",),
        "window": ("pane",),
        "roof": (),
        "handle": ("grip",),
        "lamp": ("headlight", "light"),
    },
    "zh-hans": {
        "耳朵": ("耳",),
        "眼睛": ("眼", "双眼"),
        "鼻子": ("鼻",),
        "嘴": ("嘴巴",),
        "喙": ("鸟嘴",),
        "翅膀": ("羽翼",),
        "尾巴": ("尾",),
        "腿": (),
        "爪子": ("爪",),
        "蹄子": ("蹄",),
        "角": (),
        "冠": ("羽冠",),
        "鬃毛": (),
        "鳍": (),
        "鳞片": ("鳞",),
        "壳": ("外壳",),
        "羽毛": (),
        "条纹": ("斑纹",),
        "斑点": ("圆点",),
        "脖子": ("颈部",),
        "头": ("头部",),
        "背": ("背部",),
        "肚子": ("腹部",),
        "胸": ("胸部",),
        "胡须": (),
        "舌头": ("舌",),
        "牙齿": ("牙",),
        "象鼻": (),
        "花瓣": (),
        "茎": (),
        "叶子": ("树叶",),
        "树枝": ("枝条",),
        "树皮": (),
        "轮子": ("车轮",),
        "门": ("车门",),
        "窗户": ("窗",),
    },
}
"""By language: what can be meant, by its first word, and the other words for it."""
PLURALS = {"tooth": "teeth", "leaf": "leaves", "hoof": "hooves", "proboscis": "proboscises"}


@dataclass(frozen=True)
class Utterance:
    words: str
    """As typed."""
    formless: str
    """What is left without case, article, punctuation and plural."""
    probability: float


@dataclass(frozen=True)
class Speech:
    """Shares of utterances."""

    synonyms: float = 0.0
    """Put in another word, where the meaning has one."""
    forms: float = 0.0
    """With an article, as a plural, with a capital or a full stop."""
    slips: float = 0.0
    """With two neighbouring letters the wrong way round."""

    def put(self, meaning: str, language: str, lot: Random) -> str:
        heard = utterances(self, meaning, language)
        return lot.choices(heard, [each.probability for each in heard])[0].words


PLAIN = Speech()
"""Everybody types the first word for what they mean."""


def vocabulary(language: str) -> list[str]:
    """Everything that can be meant."""
    return list(_meanings(language))


def words_of(meaning: str, language: str) -> tuple[str, ...]:
    """All words for it, the first one first. What is not in the vocabulary has itself alone."""
    return (meaning, *_meanings(language).get(meaning, ()))


@cache
def utterances(speech: Speech, meaning: str, language: str) -> tuple[Utterance, ...]:
    """Everything that may be typed for a meaning, each once; the probabilities add up to 1."""
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for word, share in _words(speech, meaning, language).items():
        slips, forms = _slips(word), _forms(word, language)
        slipped, shaped = speech.slips if slips else 0.0, speech.forms
        shares[word, word] += share * (1 - slipped) * (1 - shaped)
        for form in forms:
            shares[form, word] += share * (1 - slipped) * shaped / len(forms)
        for slip in slips:
            shares[slip, slip] += share * slipped / len(slips)
    return tuple(Utterance(*words, share) for words, share in shares.items() if share)


def repeated(speech: Speech, meaning: str, language: str) -> dict[str, float]:
    """By layer of names: the chance that two people who mean the same say the same."""
    heard = utterances(speech, meaning, language)
    layers = {
        "raw": _sum((each.words, each.probability) for each in heard),
        "mechanical": _sum((each.formless, each.probability) for each in heard),
        "merged": {meaning: 1.0},
    }
    return {layer: sum(share**2 for share in shares.values()) for layer, shares in layers.items()}


def synonyms(language: str, speech: Speech, meanings: Iterable[str] = ()) -> dict[str, list[str]]:
    """What a coder who knows would merge: by meaning all formless names for it, if there are several."""
    listed = dict.fromkeys([*vocabulary(language), *meanings])
    groups = {
        one: list(dict.fromkeys(each.formless for each in utterances(speech, one, language)))
        for one in listed
    }
    return {one: names for one, names in groups.items() if len(names) > 1}


def _meanings(language: str) -> Mapping[str, tuple[str, ...]]:
    return MEANINGS.get(language, MEANINGS["en"])


def _words(speech: Speech, meaning: str, language: str) -> dict[str, float]:
    first, *others = words_of(meaning, language)
    if not others:
        return {first: 1.0}
    return {first: 1 - speech.synonyms} | dict.fromkeys(others, speech.synonyms / len(others))


def _forms(word: str, language: str) -> list[str]:
    if language != "en":
        return [f"{word}。", f" {word}"]
    return [f"the {word}", word.capitalize(), f"{word}.", plural(word)]


def plural(word: str) -> str:
    if word in PLURALS:
        return PLURALS[word]
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _slips(word: str) -> list[str]:
    """None of a word of two letters or fewer."""
    if len(word) < 3:
        return []
    swapped = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
    return [each for each in dict.fromkeys(swapped) if each != word and each == each.strip()]


def _sum(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for name, share in pairs:
        total[name] += share
    return total
