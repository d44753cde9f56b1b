"""What the facts say against the findings. Each in one sentence; none that the facts do not give."""

from collections.abc import Iterator

from study.findings.words import count
from study.models import Stimulus, Study
from study.report.facts import Facts
from study.report.methods import LANGUAGES
from study.report.phrases import capital, listed

FEW = 10
LOW_ATTENTION = 0.8
LOW_CONSISTENCY = 0.7


def limitations(facts: Facts) -> tuple[str, ...]:
    return (*_people(facts), *_design(facts), *_analysis(facts))


def _people(facts: Facts) -> Iterator[str]:
    flow = facts.flow
    if facts.simulated:
        yield "All participants were simulated: the findings show the analysis at work, not what people see."
    if flow.analysed < FEW:
        yield (
            f"{_few(flow.analysed)} in the main analysis; with "
            "fewer than ten the intervals say little: who happened to take part weighs heavily."
        )
    asked = [str(question.get("key", "")) for question in facts.setting("questions")]
    if not facts.simulated:
        told = f"only what was asked ({listed(asked)}) is known" if asked else "none of it was asked"
        yield f"Country, sex, age and education are not collected: {told}, so who took part is not told."
        yield "The devices on which people looked were their own; sight is needed to take part."
    language = LANGUAGES.get(facts.setting("language"), facts.setting("language"))
    yield f"Names were asked for in {language} alone; other languages may divide things into other parts."
    if (left := flow.analysed - flow.completed) > 0:
        who = count(left, "participant", "participants")
        yield f"{capital(who)} gave answers without completing the study; they are counted."
    if flow.skipped:
        yield f"{capital(count(flow.skipped, 'page was', 'pages were'))} skipped and count as no answer."
    if facts.withdrew:
        who = count(facts.withdrew, "participant who withdrew is", "participants who withdrew are")
        yield f"{capital(who)} in no number."


def _few(people: int) -> str:
    return f"Only {count(people, 'participant is', 'participants are')}" if people else "Nobody is"


def _design(facts: Facts) -> Iterator[str]:
    missing = [
        told
        for kind, told in (
            (Stimulus.Kind.DECOY, "decoys, so the guess floor is unknown"),
            (Stimulus.Kind.REPEAT, "repeats, so nobody can be compared with themselves"),
            (Stimulus.Kind.GOLD, "stimuli with accepted names, so attention is not measured"),
        )
        if not facts.kinds[kind]
    ]
    yield from (f"There were no {told}." for told in missing)
    if len(facts.published) > 1:
        yield f"The design was changed while the study ran: there are {len(facts.published)} versions."
    late = [rule.words for rule in facts.rules if not rule.before_all]
    if late:
        yield f"Rules of exclusion declared after the first participant had consented: {listed(late)}."
    if not facts.rules:
        yield "No rules of exclusion were declared beforehand."
    if facts.by_hand:
        yield f"{capital(count(len(facts.by_hand), 'exclusion was', 'exclusions were'))} made by hand."
    if facts.lifted:
        were = count(facts.lifted, "exclusion was", "exclusions were")
        yield f"{capital(were)} taken back by the researchers, so the main analysis holds these answers."
    if facts.study.state in (Study.State.OPEN, Study.State.PAUSED):
        yield "The study was still open when this was written; its numbers will change."
    if facts.lost:
        yield "Part of the runs behind the stimuli have been deleted, so their parameters are not told here."


def _analysis(facts: Facts) -> Iterator[str]:
    undeclared = sum(entry.number is None for entry in facts.looks)
    if undeclared:
        yield (
            f"The estimate was seen {count(undeclared, 'time', 'times')} at looks that were not declared; "
            "intervals do not allow for that."
        )
    elif facts.plan is None:
        yield "Looks at the estimate were not declared, and intervals do not allow for repeated looks."
    coding = facts.coding
    if coding.decisions["merge"]:
        if len(coding.coders) == 1:
            yield "Synonyms were merged by one coder alone."
        if coding.blind < coding.decisions.total():
            yield "Not all decisions on names were blind to conditions and networks."
    if facts.main:
        yield from _quality(facts)


def _quality(facts: Facts) -> Iterator[str]:
    found = facts.main
    right = (found["attention"] or {}).get("right", {}).get("value")
    if right is not None and right < LOW_ATTENTION:
        yield f"Attention was low: accepted names were given in {right:.0%} of answers to gold stimuli."
    same = (found["consistency"] or {}).get("same", {}).get("merged", {}).get("value")
    if same is not None and same < LOW_CONSISTENCY:
        yield f"People named a repeated summary as before in {same:.0%} of cases."
    target = facts.setting("target")
    shown = [row for row in found["stimuli"] if row["kind"] == "summary" and not row.get("removed")]
    if short := sum(row["answers"] < target for row in shown):
        which = count(short, "summary has", "summaries have")
        yield f"{capital(which)} fewer answers in the main analysis than the {target} aimed at."
