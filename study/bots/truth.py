"""What bots believe: for every stimulus a distribution over answers, drawn from a seed and told in a file.

The modal name's share is Beta distributed and the other names follow Zipf's law, as in norms for naming
pictures. A repeat is believed to be what it repeats.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from random import Random

from study.agreement import CANNOT_TELL, NAME, NOTHING_IN_COMMON
from study.models import Stimulus

MODAL_SHARE = (6, 2)
"""Of Beta: a mean of 0.75."""
FLOOR_SHARE = (18, 2)
"""Of Beta: how many see that a decoy has nothing in common, 0.9 in the mean."""
GOLD_SHARE = 0.95
TAIL = (3, 8)
"""Fewest and most other names."""
UNNAMED = 0.3
"""Of what the modal name leaves: half of it sees nothing in common, half cannot tell."""
CONSISTENCY = 0.8
"""How often somebody who sees a repeat says what they said before; else they draw again."""
WORDS = {
    "en": (
        "ear eye nose mouth beak wing tail leg paw claw hoof horn antler crest mane fin scale shell feather "
        "stripe spot neck head back belly chest whisker tongue tooth trunk tusk petal stem leaf branch bark "
        "wheel door window roof handle lamp"
    ),
    "zh-hans": (
        "耳朵 眼睛 鼻子 嘴 喙 翅膀 尾巴 腿 爪子 蹄子 角 冠 鬃毛 鳍 鳞片 壳 羽毛 条纹 斑点 脖子 头 背 肚子 "
        "胸 胡须 舌头 牙齿 象鼻 花瓣 茎 叶子 树枝 树皮 轮子 门 窗户"
    ),
}


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


def beliefs(stimuli: Iterable[Stimulus], *, seed: int, language: str = "en") -> dict[int, Belief]:
    """By the stimulus' primary key; the same for the same seed and positions."""
    stimuli = list(stimuli)
    found = {one.pk: _belief(one, Random(f"{seed}/{one.position}"), language) for one in stimuli}
    repeats = {one.pk: found[one.source_id] for one in stimuli if one.source_id in found}
    return found | repeats


def guess(lot: Random, language: str = "en") -> Said:
    """What somebody says who has not looked."""
    word = lot.choice(vocabulary(language))
    return lot.choice([Said(NAME, word)] * 3 + [Said(NOTHING_IN_COMMON), Said(CANNOT_TELL)])


def vocabulary(language: str) -> list[str]:
    return WORDS.get(language, WORDS["en"]).split()


def tell(stimuli: Iterable[Stimulus], known: dict[int, Belief]) -> list[dict]:
    """The truth in a form that can be written to a file."""
    return [
        {
            "position": one.position,
            "exhibit": one.exhibit,
            "kind": one.kind,
            "condition": one.condition.name if one.condition else None,
            "answers": [
                asdict(said) | {"probability": round(probability, 6)}
                for said, probability in zip(known[one.pk].answers, known[one.pk].probabilities, strict=True)
            ],
        }
        for one in stimuli
    ]


def _belief(stimulus: Stimulus, lot: Random, language: str) -> Belief:
    words = lot.sample(vocabulary(language), 1 + lot.randint(*TAIL))
    if stimulus.kind == Stimulus.Kind.DECOY:
        return _spread([Said(NOTHING_IN_COMMON)], lot.betavariate(*FLOOR_SHARE), words)
    if stimulus.kind == Stimulus.Kind.GOLD and stimulus.accepted:
        right = [Said(NAME, word) for word in stimulus.accepted]
        return _spread(right, GOLD_SHARE, [word for word in words if word not in stimulus.accepted])
    return _spread([Said(NAME, words[0])], lot.betavariate(*MODAL_SHARE), words[1:], unnamed=UNNAMED)


def _spread(most: list[Said], share: float, words: list[str], unnamed: float = 0) -> Belief:
    """`share` over the first answers and the rest over others, each part by Zipf's law."""
    others = [Said(NAME, word) for word in words]
    rest = (1 - share) * (1 - unnamed)
    answers, weights = most + others, _zipf(len(most), share) + _zipf(len(others), rest)
    if unnamed:
        answers += [Said(NOTHING_IN_COMMON), Said(CANNOT_TELL)]
        weights += [(1 - share) * unnamed / 2] * 2
    return Belief(tuple(answers), tuple(weights))


def _zipf(count: int, total: float) -> list[float]:
    weights = [1 / rank for rank in range(1, count + 1)]
    return [total * weight / sum(weights) for weight in weights]
