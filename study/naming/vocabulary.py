"""Which names people gave, how often, on which pictures, and what may be one of them written otherwise."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

from django.db.models import Count, QuerySet

from annotations.models import Concept
from study import lexicon, names, results
from study.models import Answer, Stimulus, Study
from study.naming.layers import Layers

MOST_PICTURES = 60


@dataclass
class Used:
    """A name of the mechanical layer."""

    name: str
    spellings: Counter[str] = field(default_factory=Counter)
    """Answers by the words exactly as typed."""
    people: set[int] = field(default_factory=set)
    stimuli: Counter[int] = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        return sum(self.spellings.values())


@dataclass(frozen=True)
class Shown:
    """A stimulus, and how many answers to it gave a name."""

    stimulus: Stimulus
    answers: int


@dataclass(frozen=True)
class Vocabulary:
    """Of all who consented, excluded people too; of bots only where nobody else came."""

    names: dict[str, Used]
    repeats: Counter[tuple[str, str]]
    """How many people gave these two names, in alphabetical order, to one picture shown twice."""


def vocabulary(study: Study) -> Vocabulary:
    """Read from the answers, each time anew."""
    used: dict[str, Used] = {}
    given: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    sources = dict(
        Stimulus.objects.filter(study=study, kind=Stimulus.Kind.REPEAT).values_list("pk", "source")
    )
    repeated = {*sources, *sources.values()}
    for stimulus, person, words in _named(study):
        name = names.mechanical(words, study.language)
        entry = used.setdefault(name, Used(name))
        source = sources.get(stimulus) or stimulus
        entry.spellings[words] += 1
        entry.people.add(person)
        entry.stimuli[source] += 1
        if stimulus in repeated:
            given[person, source][stimulus] = name
    return Vocabulary(used, _repeats(given.values()))


def counts(study: Study) -> Counter[str]:
    """Answers by name of the mechanical layer."""
    found: Counter[str] = Counter()
    for words, many in _answers(study).order_by().values_list("words").annotate(many=Count("pk")):
        found[names.mechanical(words, study.language)] += many
    return found


def pictures(study: Study, layers: Layers, group: str) -> list[Shown]:
    """Where the names of this group were given, the most often first."""
    many: Counter[int] = Counter()
    rows = _answers(study).order_by().values_list("trial__stimulus", "words")
    for stimulus, words, count in rows.annotate(many=Count("pk")):
        if layers.merged(layers.mechanical(words)) == group:
            many[stimulus] += count
    found = study.stimuli.filter(pk__in=many).select_related("condition")
    ranked = sorted(found, key=lambda stimulus: (-many[stimulus.pk], stimulus.pk))
    return [Shown(stimulus, many[stimulus.pk]) for stimulus in ranked[:MOST_PICTURES]]


def propose(study: Study, known: Vocabulary, table: lexicon.Lexicon) -> list[lexicon.Proposal]:
    """Pairs of names that may be one, the strongest first; not what is in one group already."""
    entries = [
        lexicon.Entry(each.name, each.answers, len(each.people), each.stimuli)
        for each in known.names.values()
    ]
    found = lexicon.propose(
        entries,
        lemmas=lambda name: names.lemmas(name, study.language),
        known=lambda name: names.is_known(name, study.language),
        synonyms=synonyms(study.language),
        repeats=known.repeats,
    )
    return [each for each in found if table.group(each.names[0]) != table.group(each.names[1])]


def synonyms(language: str) -> list[list[str]]:
    """What the image sets' vocabulary of concepts holds to be the same."""
    told = Concept.objects.exclude(synonyms=[]).values_list("name", "synonyms")
    return [[names.mechanical(name, language) for name in (concept, *others)] for concept, others in told]


def _answers(study: Study) -> QuerySet[Answer]:
    """The last revision of each answer that is a name."""
    rows = results.answers(study).filter(trial__participant__simulated=results.is_simulated(study))
    return rows.select_related(None).filter(kind=Answer.Kind.NAME)


def _named(study: Study) -> Iterable[tuple[int, int, str]]:
    rows = _answers(study).order_by().values_list("trial__stimulus", "trial__participant", "words")
    return rows.iterator(chunk_size=10_000)


def _repeats(given: Iterable[dict[int, str]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for by_stimulus in given:
        found.update(set(combinations(sorted(set(by_stimulus.values())), 2)))
    return found
