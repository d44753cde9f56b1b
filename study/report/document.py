"""The parts of a report, whatever it is written in: plain words, never markup."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cite:
    """A reference by its key in `study.report.references`."""

    key: str


Words = tuple[str | Cite, ...]


@dataclass(frozen=True)
class Paragraph:
    words: Words
    heading: str = ""


@dataclass(frozen=True)
class Items:
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    key: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    """Of the columns, as shares of the page."""
    words: int = 1
    """So many columns at the left are words; the others are numbers."""
    note: str = ""
    behind: tuple[int, ...] = ()
    """Of each row the stimulus that it tells of, where the page has more on it."""


@dataclass(frozen=True)
class Plate:
    """A figure, on one of its printed pages."""

    name: str
    caption: str
    alternative_text: str
    page: int | None = None

    @property
    def key(self) -> str:
        return f"{self.name}-{self.page}" if self.page else self.name


@dataclass(frozen=True)
class Section:
    heading: str
    blocks: tuple[Paragraph | Items | Table | Plate, ...]


@dataclass(frozen=True)
class Document:
    title: str
    notes: tuple[str, ...]
    """What whoever reads must know first: simulated, masked, not finished."""
    sections: tuple[Section, ...]
    made: str
    """When and by which software."""
    cited: tuple[str, ...] = field(default=())
    """Keys of references, in the order in which they are cited."""


def cited(sections: tuple[Section, ...]) -> tuple[str, ...]:
    found = {}
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Paragraph):
                found |= {part.key: None for part in block.words if isinstance(part, Cite)}
    return tuple(found)
