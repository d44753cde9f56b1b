"""The one door through which evidence meets people: every method offers its findings as exhibits.

`study` freezes an exhibit into a stimulus (pictures copied by hash, key kept as text); it knows nothing else
of this room. A new method adds a kind of exhibit here; nothing in `study` changes.

Planted checks are made of the same pictures: decoys, whose tiles have nothing in common, and repeats, which
show the tiles of one summary in another order. Both look like any other exhibit to whoever is asked.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from statistics import median_low

import numpy as np
from django.db.models import Count, Prefetch, Q, QuerySet

from annotations import Refusal, files, pictures
from summaries import dissections
from summaries.models import Run, Summary, Tagging, Unit, UnitConcept

GAP = 8
"""White pixels around each tile of a summary's picture, as `summaries.engine.visual.pictures.grid` leaves."""
MOST_ATTEMPTS = 50
MOST_SHEETS_HELD = 16

KINDS = {"visual": Run.Method.VISUAL, "units": Run.Method.DISSECTION}
"""How the keys of a method's exhibits begin."""

Tile = tuple[Summary, int]
"""Which summary, and which of its tiles."""


@dataclass(frozen=True)
class Exhibit:
    """One finding, as people may see it. No class, network or file name stands in what people see."""

    key: str
    """Stable for ever: `visual/<run>/<label>/<rank>`, `visual/<run>/decoy/<seed>/<n>`,
    `units/<run>/<layer>/<number>`."""
    pictures: tuple[str, ...]
    """Keys of PNG files in the storage (annotations.files), in the order in which they are shown."""
    question: str
    alternative_text: str
    """Neutral: says what kind of picture this is, never what is in it."""
    can_decoy: bool
    can_repeat: bool
    title: str
    """For researchers only: network, class, rank."""
    group: str
    """For researchers only: the class label, for choosing and balancing."""
    of: str = ""
    """Of a repeat: the key of what it repeats."""


@dataclass(frozen=True)
class Tags:
    """What one automatic tagger says of one exhibit. For researchers only: no participant ever sees it."""

    tagger: str
    version: str
    vocabulary: tuple[str, ...]
    """Every tag that the tagger could have given; empty where its words are not bounded."""
    run: int
    """The number of the run that tagged."""
    network: str
    """Whose summaries they are."""
    tags: tuple[tuple[str, float], ...]
    """With their scores, best first."""
    scores: dict
    """As `Tagging.scores`: coherence, specificity and purity, with the same of each control."""


def of_run(run: Run) -> Iterator[Exhibit]:
    """All that a finished run offers, in the order of class and rank; of a dissection the detectors, best
    first."""
    if run.method == Run.Method.DISSECTION:
        return (_of_unit(run, unit) for unit in dissections.detectors(run))
    return (_visual(summary) for summary in _summaries(run))


def finished_runs() -> QuerySet[Run]:
    """The runs of which a study can be made."""
    return Run.objects.filter(state=Run.State.FINISHED, method__in=KINDS.values())


def run_of(key: str) -> Run | None:
    """The run that an exhibit is of; none if it has been deleted, or for a key that is of no run."""
    number = _run_number(key)
    return Run.objects.filter(pk=number).select_related("network").first() if number else None


def summary_of(key: str) -> Summary | None:
    """The summary whose picture this exhibit is; none if it is gone, and for decoys and repeats."""
    parts = key.rpartition("/")
    if not key.startswith("visual/") or _run_number(key) is None or is_decoy(key) or not parts[2].isdecimal():
        return None
    found = Summary.objects.filter(run_class__run=_run_number(key), rank=parts[2])
    return next((one for one in found.select_related("run_class__label") if _key(one) == key), None)


def runs_of(keys: Iterable[str]) -> list[Run]:
    """The runs of these exhibits that still exist."""
    return list(Run.objects.filter(pk__in={_run_number(key) for key in keys} - {None}))


def tags_of(keys: Iterable[str]) -> dict[str, list[Tags]]:
    """Of each of these exhibits what the taggers say, in the order of their names; none for what has no tags.

    Only runs of tagging that are finished count, of each tagger the newest over the exhibit's run. Decoys and
    repeats have no tags of their own. The tag of a unit is the concept that it detects. Two queries, however
    many keys, and two more where some are of units.
    """
    wanted = set(keys)
    found: dict[str, list[Tags]] = {key: [] for key in wanted} | _concepts_of_units(wanted)
    newest = _newest_taggings({_run_number(key) for key in wanted} - {None})
    rows = Tagging.objects.filter(run__in=newest).order_by("run__preset")
    for tagging in rows.select_related(
        "run", "summary__run_class__run__network", "summary__run_class__label"
    ):
        if (key := _key(tagging.summary)) in wanted:
            found[key].append(_tags(tagging))
    return found


def _concepts_of_units(wanted: Collection[str]) -> dict[str, list[Tags]]:
    """What dissection itself says of units: the concepts that they agree with, best first."""
    keys = {key for key in wanted if key.startswith("units/") and _run_number(key)}
    if not keys:
        return {}
    concepts = UnitConcept.objects.filter(rank=1).select_related("concept").order_by("-iou")
    named = Prefetch("concepts", concepts, to_attr="named")
    units = Unit.objects.filter(
        run__in={_run_number(key) for key in keys}, layer__in={_layer(key) for key in keys}
    )
    units = units.select_related("run__network").prefetch_related(named)
    return {_unit_key(unit): [_dissected(unit)] for unit in units if _unit_key(unit) in keys}


def _dissected(unit: Unit) -> Tags:
    return Tags(
        tagger="dissection",
        version=unit.run.engine_version,
        vocabulary=tuple(sorted({name for _, name in unit.run.parameters["concepts"]})),
        run=unit.run_id,
        network=unit.run.network.name,
        tags=tuple((each.concept.name, each.iou) for each in unit.named),
        scores={},
    )


def _newest_taggings(numbers: Collection[str]) -> list[int]:
    """Of each of these runs and each tagger the newest finished run of tagging."""
    finished = Run.objects.filter(method=Run.Method.TAGS, state=Run.State.FINISHED, of__in=numbers)
    newest = {(of, name): pk for pk, of, name in finished.order_by("pk").values_list("pk", "of", "preset")}
    return list(newest.values())


def _tags(tagging: Tagging) -> Tags:
    made_with = tagging.run.parameters
    return Tags(
        tagger=tagging.run.preset,
        version=made_with.get("version", ""),
        vocabulary=tuple(made_with.get("vocabulary", ())),
        run=tagging.run_id,
        network=tagging.summary.run_class.run.network.name,
        tags=tuple((tag, score) for tag, score in tagging.tags),
        scores=tagging.scores,
    )


def is_decoy(key: str) -> bool:
    parts = key.split("/")
    return len(parts) == 5 and parts[2] == "decoy"


def decoys(run: Run, count: int, seed: int) -> Iterator[Exhibit]:
    """Pictures of which "nothing in common" is the right answer: every tile of another summary, of classes
    as many as there are, while the run has enough of them; where it has not, two tiles of each at most.

    As many tiles as the run's summaries have at the median. The n-th is the same however many are asked for.
    Refuses a run with fewer than two summaries, or with too few tiles for so many different decoys.
    """
    sources = [one for one in _summaries(run) if one.tiles]
    if len(sources) < 2:
        raise Refusal(
            f"Decoys mix the regions of summaries; run {run.pk} has too few of them: {len(sources)}."
        )
    size = min(median_low(one.tiles for one in sources), 2 * len(sources))
    sheet, taken = _sheet_reader(), set()
    for number in range(1, count + 1):
        tiles = _new_mixture(sources, max(size, 2), Random(f"decoy/{run.pk}/{seed}/{number}"), taken)
        taken.add(frozenset(tiles))
        yield replace(
            _visual(sources[0]),
            key=f"visual/{run.pk}/decoy/{seed}/{number}",
            pictures=(_stored([sheet(summary)[place] for summary, place in tiles]),),
            can_decoy=False,
            can_repeat=False,
            title=f"{run.network.name}: decoy {number}",
            group="decoy",
        )


def repeats(run: Run, count: int, seed: int, among: Collection[str] | None = None) -> Iterator[Exhibit]:
    """Summaries of the run, drawn by the seed, with the same tiles in another order; `among`: of these keys
    alone. Refuses more than there are with tiles that can be put in another order."""
    sources = [one for one in _summaries(run) if among is None or _key(one) in among]
    sheet = _sheet_reader()
    movable = [one for one in sources if one.tiles > 1]
    if count > len(movable):
        raise Refusal(f"Repeats can be made of {len(movable)} summaries; {count} were asked for.")
    drawn = Random(f"repeat/{run.pk}/{seed}").sample(movable, count)
    for number, summary in enumerate(drawn, 1):
        order = _other_order(sheet(summary), Random(f"repeat/{run.pk}/{seed}/{number}"))
        shown = _visual(summary)
        yield replace(
            shown,
            key=f"visual/{run.pk}/repeat/{seed}/{number}",
            pictures=(_stored([sheet(summary)[place] for place in order]),),
            can_decoy=False,
            can_repeat=False,
            title=f"{shown.title}, in another order",
            of=shown.key,
        )


def _summaries(run: Run) -> QuerySet[Summary]:
    """With the number of tiles in each picture."""
    found = Summary.objects.filter(run_class__run=run).select_related(
        "run_class__run__network", "run_class__label"
    )
    tiles = Count("cluster__members", filter=Q(cluster__members__shown=True))
    return found.annotate(tiles=tiles).order_by("run_class__position", "rank")


def _visual(summary: Summary) -> Exhibit:
    run, label = summary.run_class.run, summary.run_class.label
    return Exhibit(
        key=_key(summary),
        pictures=(summary.picture,),
        question="What part do these regions show?",
        alternative_text="A grid of pictures. In each, one region is outlined and everything else is dimmed.",
        can_decoy=summary.tiles > 0,
        can_repeat=summary.tiles > 1,
        title=f"{run.network.name}: {label.name}, summary {summary.rank}",
        group=label.name,
    )


def _of_unit(run: Run, unit: Unit) -> Exhibit:
    return Exhibit(
        key=_unit_key(unit),
        pictures=(dissections.picture_key(unit),),
        question="What do these regions have in common?",
        alternative_text="A grid of pictures. In each, one region is outlined and everything else is dimmed.",
        can_decoy=False,
        can_repeat=False,
        title=f"{run.network.name}: {unit.layer}, unit {unit.number}",
        group=unit.layer,
    )


def _unit_key(unit: Unit) -> str:
    return f"units/{unit.run_id}/{unit.layer}/{unit.number}"


def _layer(key: str) -> str:
    return key.split("/")[2]


def _run_number(key: str) -> str | None:
    parts = key.split("/")
    return parts[1] if len(parts) > 2 and parts[0] in KINDS and parts[1].isdecimal() else None


def _key(summary: Summary) -> str:
    return f"visual/{summary.run_class.run_id}/{summary.run_class.label.name}/{summary.rank}"


def _new_mixture(sources: list[Summary], size: int, random: Random, taken: set) -> list[Tile]:
    for _ in range(MOST_ATTEMPTS):
        tiles = _mixture(sources, size, random)
        if frozenset(tiles) not in taken:
            return tiles
    raise Refusal(f"The run has too few regions for {len(taken) + 1} different decoys; ask for fewer.")


def _mixture(sources: list[Summary], size: int, random: Random) -> list[Tile]:
    """Tiles in rounds over the summaries: none gives a second one before each has given one."""
    left = {one: random.sample(range(one.tiles), one.tiles) for one in sources}
    tiles: list[Tile] = []
    while len(tiles) < size and any(left.values()):
        giving = _by_turns([one for one in sources if left[one]], random)
        tiles += [(one, left[one].pop()) for one in giving[: size - len(tiles)]]
    random.shuffle(tiles)
    return tiles


def _by_turns(sources: list[Summary], random: Random) -> list[Summary]:
    """In random order, class after class: no class has a second turn before each has had one."""
    shuffled = random.sample(sources, len(sources))
    turns: dict[int, int] = {}
    turn_of = {}
    for one in shuffled:
        turn_of[one] = turns[one.run_class_id] = turns.get(one.run_class_id, 0) + 1
    return sorted(shuffled, key=turn_of.__getitem__)


def _other_order(tiles: list[np.ndarray], random: Random) -> list[int]:
    """Places of the tiles in a picture that differs from theirs."""
    order = list(range(len(tiles)))
    for _ in range(MOST_ATTEMPTS):
        random.shuffle(order)
        if any(not np.array_equal(tiles[place], one) for place, one in zip(order, tiles, strict=True)):
            return order
    raise Refusal("A summary whose pictures are all the same cannot be shown in another order.")


def _sheet_reader() -> Callable[[Summary], list[np.ndarray]]:
    """Reads the tiles of a summary's picture; holds the last few, as a mixture needs many."""
    return lru_cache(maxsize=MOST_SHEETS_HELD)(
        lambda summary: cut(pictures.read_rgb(files.get(summary.picture)), summary.tiles)
    )


def cut(sheet: np.ndarray, count: int) -> list[np.ndarray]:
    """The first `count` tiles of a summary's picture, (H, W, 3), row by row."""
    cells = math.isqrt(count - 1) + 1
    height, width = ((side - GAP) // cells - GAP for side in sheet.shape[:2])
    if min(height, width) < 1:
        raise Refusal("A summary's picture is not the grid that its regions make; run it again.")
    corners = (divmod(place, cells) for place in range(count))
    starts = [(GAP + row * (height + GAP), GAP + column * (width + GAP)) for row, column in corners]
    return [sheet[y : y + height, x : x + width] for y, x in starts]


def put_together(tiles: list[np.ndarray]) -> np.ndarray:
    """The grid of tiles of one size, as in a summary's picture; cells that stay empty are white."""
    cells = math.isqrt(len(tiles) - 1) + 1
    height, width = tiles[0].shape[:2]
    sheet = np.full((cells * (height + GAP) + GAP, cells * (width + GAP) + GAP, 3), 255, np.uint8)
    for place, (gap, tile) in enumerate(zip(cut(sheet, len(tiles)), tiles, strict=True)):
        if gap.shape != tile.shape:
            raise Refusal(f"Region {place + 1} of a new picture has another size than the first.")
        gap[:] = tile
    return sheet


def _stored(tiles: list[np.ndarray]) -> str:
    return files.put(pictures.png(put_together(tiles)), ".png")
