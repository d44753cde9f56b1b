"""How far people agree on the name of one summary.

Name agreement is the share of people who gave the most frequent (modal) name, as in norms for picture naming
(Snodgrass and Vanderwart 1980). What is undefined is None, with the reason in words; never 0 and never NaN.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

NAME = "name"
NOTHING_IN_COMMON = "nothing_in_common"
CANNOT_TELL = "cannot_tell"
SKIPPED = "skipped"

NO_ANSWERS = "no answers yet"
NO_NAMES = "nobody gave a name"


@dataclass(frozen=True)
class NameAgreement:
    answers: int
    named: int
    """How many of the answers are names."""
    distinct: int
    modal_names: tuple[str, ...]
    """The most frequent name; several where they tie, in alphabetical order."""
    modal_count: int
    share: float | None
    """Answers that give the (first) modal name, as a share of all answers."""
    nothing_in_common: float | None
    cannot_tell: float | None
    reason: str
    """Why `share` is undefined; "" where it is defined."""

    @property
    def tied(self) -> bool:
        return len(self.modal_names) > 1


def name_agreement(answers: Iterable[tuple[str, str]]) -> NameAgreement:
    """From (kind, normalised name) of each answer; the name counts only where the kind is a name.

    All shares are of all answers, so those who saw nothing in common or could not tell lower the agreement.
    Who skipped has not answered.
    """
    answers = [(kind, name) for kind, name in answers if kind != SKIPPED]
    kinds = Counter(kind for kind, _ in answers)
    names = Counter(name for kind, name in answers if kind == NAME)
    most = max(names.values(), default=0)
    return NameAgreement(
        answers=len(answers),
        named=kinds[NAME],
        distinct=len(names),
        modal_names=tuple(sorted(name for name, count in names.items() if count == most)),
        modal_count=most,
        share=most / len(answers) if most else None,
        nothing_in_common=_share(kinds[NOTHING_IN_COMMON], len(answers)),
        cannot_tell=_share(kinds[CANNOT_TELL], len(answers)),
        reason="" if most else (NO_NAMES if answers else NO_ANSWERS),
    )


def _share(count: int, total: int) -> float | None:
    return count / total if total else None
