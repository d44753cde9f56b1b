"""What somebody chose to take away of a study, and what it says of the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Max

from study import looks, naming
from study.exports.columns import Column
from study.exports.flavours import PLAIN, Flavour
from study.findings.snapshot import Findings, findings
from study.models import Answer, Study


@dataclass(frozen=True)
class Choice:
    study: Study
    flavour: Flavour = PLAIN
    without_excluded: bool = False
    """The main analysis; otherwise everybody, with the rules that they meet."""
    identifiable: bool = False
    """All columns, also those that may tell who somebody is."""
    picked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By table the columns (or families of them); of other tables those that are there by default."""

    def columns(self, table: str, known: Sequence[Column]) -> tuple[Column, ...]:
        if table in self.picked:
            return tuple(column for column in known if column.choice in self.picked[table])
        if self.identifiable:
            return tuple(known)
        whole = self.flavour == PLAIN
        return tuple(one for one in known if not one.identifiable and (one.included or whole))

    @cached_property
    def layers(self) -> naming.Layers:
        return naming.layers(self.study)

    @cached_property
    def findings(self) -> Findings:
        """As the results page shows them: of a large study the newest that are kept, none while masked."""
        return Findings(None, True, None) if self.masked else findings(self.study)

    @cached_property
    def last_answer(self) -> int:
        """Answers that come while tables are written are in none of them, so that they fit each other."""
        return Answer.objects.aggregate(last=Max("pk"))["last"] or 0

    @cached_property
    def masked(self) -> str:
        """Why no estimate is told now; "" where they are."""
        state = looks.state(self.study)
        return state.words if state.masked else ""


def is_identifiable(columns: Sequence[Column]) -> bool:
    return any(column.identifiable for column in columns)


def name_of(stem: str, columns: Sequence[Column], ending: str = ".csv") -> str:
    """Of a file: it says so where it may tell who somebody is."""
    return f"{stem}-identifiable{ending}" if is_identifiable(columns) else f"{stem}{ending}"
