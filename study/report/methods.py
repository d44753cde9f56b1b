"""The methods of a study in plain sentences. Nothing is claimed that is not in the facts."""

from study.findings.words import count
from study.models import Stimulus, Study
from study.preregistration import RULES
from study.report import analysis
from study.report.document import Cite, Paragraph
from study.report.facts import Facts, Rule
from study.report.phrases import capital, day, listed, period

LANGUAGES = {"en": "English", "zh-hans": "Chinese"}
RECRUITERS = {
    Study.Recruiter.PLAIN: "by links that the researchers passed on",
    Study.Recruiter.PROLIFIC: "through Prolific",
    Study.Recruiter.CONNECT: "through CloudResearch Connect",
    Study.Recruiter.SONA: "through SONA",
}
CHECKS = {
    Stimulus.Kind.DECOY: "{} put together of regions with nothing in common, of which “nothing in common” "
    "is the right answer: how often people name them all the same is the guess floor",
    Stimulus.Kind.REPEAT: "{} showing a summary again with its regions in another order, by which people "
    "are compared with themselves",
    Stimulus.Kind.GOLD: "{} with names that were accepted beforehand, by which attention is judged",
}
SINGULAR = {"decoy": "decoy", "repeat": "repeat", "gold": "gold stimulus"}
PLURAL = {"decoy": "decoys", "repeat": "repeats", "gold": "gold stimuli"}


def paragraphs(facts: Facts) -> tuple[Paragraph, ...]:
    told = (
        _participants(facts),
        _stimuli(facts),
        _evidence(facts),
        _procedure(facts),
        _exclusions(facts),
        analysis.names(facts),
        analysis.measures(facts),
        analysis.looks_taken(facts),
        _software(facts),
    )
    return tuple(paragraph for paragraph in told if paragraph)


def _participants(facts: Facts) -> Paragraph:
    flow = facts.flow
    who = ("simulated participant",) if facts.simulated else ("person", "people")
    told = []
    if facts.simulated:
        told.append("All participants were simulated by a program; nothing here is told of people.")
    when = period(*facts.came)
    how = "" if facts.simulated else f", recruited {RECRUITERS[Study.Recruiter(facts.study.recruiter)]}"
    told.append(f"{count(flow.arrived, *who)} arrived{when}{how}.")
    told.append(
        f"{flow.consented:,} consented, {flow.answered:,} of them gave answers, and {flow.analysed:,} "
        f"{'is' if flow.analysed == 1 else 'are'} in the main analysis, of whom {flow.completed:,} completed "
        "the study (the flow of participants follows the CONSORT statement "
    )
    more = []
    if facts.setting("least_age"):
        more.append(f"Whoever took part confirmed an age of at least {facts.setting('least_age')} years.")
    more.append(f"The study was in {LANGUAGES.get(facts.setting('language'), facts.setting('language'))}.")
    if questions := facts.setting("comprehension"):
        asked = count(len(questions), "question")
        more.append(f"Instructions were followed by a comprehension check of {asked}, with two attempts.")
    if asked := facts.setting("questions"):
        more.append(f"{capital(count(len(asked), 'question'))} about the participants could be left out.")
    if facts.withdrew:
        more.append(
            f"{facts.withdrew:,} withdrew afterwards; all about them was erased, and no number counts them."
        )
    return Paragraph((" ".join(told), Cite("schulz2010"), "). " + " ".join(more)), "Participants")


def _stimuli(facts: Facts) -> Paragraph:
    kinds = facts.kinds
    told = [f"The study showed {count(kinds[Stimulus.Kind.SUMMARY], 'summary', 'summaries')}"]
    if len(facts.conditions) > 1:
        each = [f"{name} ({_shown(facts, name)})" for name in facts.conditions]
        told.append(
            f"in {len(facts.conditions)} conditions: {listed(each)}. Each participant saw one condition"
        )
    sentences = [" ".join(told) + "."]
    checks = [(kind, kinds[kind]) for kind in CHECKS if kinds[kind]]
    for kind, number in checks:
        named = count(number, SINGULAR[kind], PLURAL[kind])
        sentences.append(f"Among them stood {CHECKS[kind].format(named)}.")
    if not checks:
        sentences.append("There were no decoys, no repeats and no stimuli with accepted names.")
    if facts.taken_out:
        more = count(facts.taken_out, "further stimulus was", "further stimuli were")
        sentences.append(
            f"{capital(more)} taken out of the design after people had answered; these answers are counted."
        )
    stopped = [one for one in facts.stimuli if one.stopped_at]
    if stopped:
        saved = sum(one.answers_saved for one in stopped)
        which = count(len(stopped), "summary was", "summaries were")
        fewer = count(saved, "answer")
        sentences.append(f"{capital(which)} stopped before the target by rule, which saved {fewer}.")
    return Paragraph((" ".join(sentences),), "Stimuli")


def _shown(facts: Facts, condition: str) -> str:
    own = [
        one
        for one in facts.stimuli
        if one.kind == Stimulus.Kind.SUMMARY and (one.condition is None or one.condition.name == condition)
    ]
    return count(len(own), "summary", "summaries")


def _evidence(facts: Facts) -> Paragraph | None:
    """What the stimuli were made of."""
    told = []
    for run in facts.runs:
        network = run.network
        told.append(
            f"Run {run.pk} computed summaries of the network {network.name} ({network.architecture}, SHA-256 "
            f"of the weights {network.sha256[:16]}…) on the image set {run.image_set} by the preset "
            f"{run.preset}, engine version {run.engine_version}, seed {run.seed}{_libraries(run.libraries)}."
        )
    if facts.lost:
        told.append(
            f"The run behind {count(facts.lost, 'stimulus', 'stimuli')} has been deleted since; "
            "the pictures are kept."
        )
    return Paragraph((" ".join(told),), "Evidence behind the stimuli") if told else None


def _libraries(libraries: dict[str, str]) -> str:
    told = [f"{name} {version}" for name, version in sorted(libraries.items())]
    return f" ({', '.join(told)})" if told else ""


def _procedure(facts: Facts) -> Paragraph:
    each, seed = facts.setting("per_participant"), facts.setting("seed")
    many = f"{each} summaries" if each else "all summaries of their condition"
    if len(facts.conditions) < 2 and not each:
        many = "all summaries"
    checks = " beside the checks" if sum(facts.kinds.values()) > facts.kinds[Stimulus.Kind.SUMMARY] else ""
    latin = facts.setting("order") == Study.Order.LATIN
    order = f"the order of a Latin square (seed {seed})" if latin else f"random order (seed {seed})"
    asked = list(dict.fromkeys(one.question for one in facts.stimuli))
    question = facts.setting("question") or (asked[0] if len(asked) == 1 else "")
    told = [
        f"Each participant saw {many}{checks}, one on a page, in {order}.",
        f"The question was “{question}”." if question else "",
        "They typed a name, or chose “nothing in common” or “can’t tell”; a page could also be skipped.",
        f"{facts.setting('target')} answers for each summary were aimed at.",
        "Answers could be changed by going back; the last one counts, and every revision is kept."
        if facts.setting("revisable")
        else "An answer could not be changed once it was sent.",
        "Places were kept by a lease, so that who consented was never turned away: "
        "answers beyond the target are kept and counted.",
    ]
    return Paragraph((" ".join(filter(None, told)),), "Procedure")


def _exclusions(facts: Facts) -> Paragraph:
    if not facts.rules and not facts.by_hand and not facts.lifted:
        return Paragraph(("No rules of exclusion were declared, and nobody was excluded.",), "Exclusions")
    told = [_rule(facts, rule) for rule in facts.rules]
    if not facts.rules:
        told.append("No rules of exclusion were declared.")
    if facts.by_hand:
        reasons = "; ".join(f"“{reason}”" for reason in dict.fromkeys(facts.by_hand))
        who = count(len(facts.by_hand), "participant was", "participants were")
        told.append(f"{capital(who)} excluded by hand, with the reason {reasons}.")
    if facts.lifted:
        were = count(facts.lifted, "exclusion was", "exclusions were")
        told.append(f"{capital(were)} taken back by the researchers.")
    told.append(
        ("The server evaluated the rules. " if facts.rules else "")
        + "Nothing was deleted: every result is given without and with the participants who were excluded."
    )
    return Paragraph((" ".join(told),), "Exclusions")


def _rule(facts: Facts, rule: Rule) -> str:
    meaning = RULES.get(rule.name, rule.words + ": {}").format(f"{rule.limit:g}")
    when = f"declared on {day(rule.declared)}" if rule.declared else "never published"
    early = ", before anybody took part" if rule.before_all else ", after the first had consented"
    met = count(rule.met, "participant") if rule.met else "nobody"
    return f"Participants were excluded if {meaning} ({when}{early}); {met} met this."


def _software(facts: Facts) -> Paragraph:
    told = f"The study was run and analysed with Meronym {facts.software}."
    if facts.version:
        told += (
            f" Its design was frozen at publication: version {facts.version.number} has the SHA-256 "
            f"{facts.version.sha256[:16]}… (all versions are listed below)."
        )
    days = facts.setting("retention_days")
    told += f" Recruiters’ identifiers and exact times are deleted after {days} days."
    return Paragraph((told,), "Software and data")
