"""The methods of a study in plain sentences. Nothing is claimed that is not in the facts."""

from collections.abc import Iterable
from datetime import datetime

from study.agreement import looks, stopping
from study.agreement.distances import DECLARED
from study.findings.words import count
from study.models import Stimulus, Study
from study.naming import Agreement
from study.preregistration import RULES
from study.report.document import Cite, Paragraph
from study.report.facts import Facts, Rule

LANGUAGES = {"en": "English", "zh-hans": "Chinese"}
RECRUITERS = {
    Study.Recruiter.PLAIN: "by links that the researchers passed on",
    Study.Recruiter.PROLIFIC: "through Prolific",
    Study.Recruiter.CONNECT: "through CloudResearch Connect",
    Study.Recruiter.SONA: "through SONA",
}
CHECKS = {
    Stimulus.Kind.DECOY: "{} put together of regions with nothing in common, of which “nothing in common” "
    "is the right answer: how far people agree on them all the same is the guess floor",
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
        _names(facts),
        _measures(facts),
        _looks(facts),
        _software(facts),
    )
    return tuple(paragraph for paragraph in told if paragraph)


def listed(words: Iterable[str]) -> str:
    """As in "a, b and c"."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 2 else words)


def day(moment: object) -> str:
    return f"{moment:%-d %B %Y}"


def _participants(facts: Facts) -> Paragraph:
    flow, who = facts.flow, "simulated participants" if facts.simulated else "people"
    told = []
    if facts.simulated:
        told.append("All participants were simulated by a program; nothing here is told of people.")
    when = _when(*facts.came)
    how = "" if facts.simulated else f", recruited {RECRUITERS[Study.Recruiter(facts.study.recruiter)]}"
    told.append(f"{_capital(count(flow.arrived, who, who))} arrived{when}{how}.")
    told.append(
        f"{flow.consented:,} consented, {flow.answered:,} of them gave answers, and {flow.analysed:,} are in "
        f"the main analysis, of whom {flow.completed:,} completed the study (the flow of participants "
        "follows the CONSORT statement "
    )
    more = []
    if facts.setting("least_age"):
        more.append(f"Whoever took part confirmed an age of at least {facts.setting('least_age')} years.")
    more.append(f"The study was in {LANGUAGES.get(facts.setting('language'), facts.setting('language'))}.")
    if questions := facts.setting("comprehension"):
        asked = count(len(questions), "question")
        more.append(f"Instructions were followed by a comprehension check of {asked}, with two attempts.")
    if asked := facts.setting("questions"):
        more.append(f"{_capital(count(len(asked), 'question'))} about the participants could be left out.")
    if facts.withdrew:
        more.append(
            f"{facts.withdrew:,} withdrew afterwards; all about them was erased, and no number counts them."
        )
    return Paragraph((" ".join(told), Cite("schulz2010"), "). " + " ".join(more)), "Participants")


def _when(first: datetime | None, last: datetime | None) -> str:
    if not first:
        return ""
    if not last or day(first) == day(last):
        return f" on {day(first)}" if last else f" from {day(first)} on"
    return f" between {day(first)} and {day(last)}"


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
    stopped = [one for one in facts.stimuli if one.stopped_at]
    if stopped:
        saved = sum(one.answers_saved for one in stopped)
        which = count(len(stopped), "summary was", "summaries were")
        fewer = count(saved, "answer")
        sentences.append(f"{_capital(which)} stopped before the target by rule, which saved {fewer}.")
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
    if not facts.rules and not facts.by_hand:
        return Paragraph(("No rules of exclusion were declared, and nobody was excluded.",), "Exclusions")
    told = [_rule(facts, rule) for rule in facts.rules]
    if not facts.rules:
        told.append("No rules of exclusion were declared.")
    if facts.by_hand:
        reasons = "; ".join(f"“{reason}”" for reason in dict.fromkeys(facts.by_hand))
        who = count(len(facts.by_hand), "participant was", "participants were")
        told.append(f"{_capital(who)} excluded by hand, with the reason {reasons}.")
    told.append(
        "The server evaluated the rules. Nothing was deleted: every result is given without and with the "
        "participants who were excluded."
    )
    return Paragraph((" ".join(told),), "Exclusions")


def _rule(facts: Facts, rule: Rule) -> str:
    meaning = RULES.get(rule.name, rule.words + ": {}").format(f"{rule.limit:g}")
    number = facts.flow.rules.get(rule.name, 0)
    when = f"declared on {day(rule.declared)}" if rule.declared else "never published"
    early = ", before anybody took part" if rule.before_all else ", after the first had consented"
    met = count(number, "participant") if number else "nobody"
    return f"Participants were excluded if {meaning} ({when}{early}); {met} met this."


def _names(facts: Facts) -> Paragraph:
    version = (facts.content or {}).get("layers", {}).get("mechanical_version", "")
    told: list[str | Cite] = [
        "Names are kept as they were typed. They are compared at three layers: as typed; after mechanical "
        f"normalisation{f' (version {version})' if version else ''} of Unicode form, case, punctuation, "
        "articles and plurals by a dictionary ",
        Cite("barbaresi2024"),
        "; and after synonyms were merged. ",
    ]
    coding = facts.coding
    merges, splits, undone = (coding.decisions[kind] for kind in ("merge", "split", "undo"))
    if not merges:
        told.append("No synonyms were merged, so the merged layer is the mechanical one.")
        return Paragraph(tuple(told), "Names")
    decisions = coding.decisions.total()
    how = "all of them blind" if coding.blind == decisions else f"{coding.blind} of them blind"
    told.append(
        f"The coder {coding.decider} made {count(merges, 'merge')}, {count(splits, 'split')} and "
        f"{count(undone, 'undo', 'undos')} ({how} to conditions and networks); each decision is kept."
    )
    others = len(coding.coders) - (coding.decider in coding.coders)
    if others:
        told.append(f" {_capital(count(others, 'other coder'))} worked independently.")
    told += [_compared(each) for each in coding.agreements]
    return Paragraph(tuple(told), "Names")


def _compared(agreement: Agreement) -> str:
    found = agreement.comparison
    told = {
        "same code": found.same,
        "Cohen’s kappa": found.kappa,
        "the adjusted Rand index": found.pairs_adjusted,
    }
    measured = [f"{name} {one.value:.2f}" for name, one in told.items() if one.value is not None]
    words = f" ({listed(measured)})" if measured else ""
    return f" {agreement.one} and {agreement.other} were compared over {count(found.names, 'name')}{words}."


def _measures(facts: Facts) -> Paragraph:
    found = facts.main
    told: list[str | Cite] = [
        "Name agreement is the share of answers to a summary that give its most frequent (modal) name; the "
        "spread of names is told by the H statistic ",
        Cite("snodgrass1980"),
        ". Answers without a name count in all shares. Over all summaries we give Krippendorff’s alpha ",
        Cite("krippendorff2011"),
        ", with each name as a category of its own, and with a distance between names that was fixed "
        f"beforehand (synonyms {DECLARED.synonym:g}, names with the same code {DECLARED.same_code:g}, "
        "others 1); Gwet’s AC1 ",
        Cite("gwet2008"),
        "; the share of pairs of people who agree",
    ]
    if found and found["overall"] and found["overall"]["merged"]["fleiss"]["value"] is not None:
        told += ["; and Fleiss’ kappa ", Cite("fleiss1971"), ", as every summary has as many answers"]
    told += [
        ". Names that nobody has given yet are estimated by Chao’s method ",
        Cite("chao1984"),
        ". Intervals of level 95 % come from a delete-one jackknife ",
        Cite("efron1981"),
        " with Student’s t and a correction for skewness ",
        Cite("hall1992"),
        ", over participants and summaries at once: they speak of other people and other summaries. They "
        "allow for one further participant who agrees with nobody, as few participants may by chance hold no "
        "careless one. Beside them stand intervals for other summaries and the same people. Those of a "
        "single summary’s share are Wilson’s ",
        Cite("wilson1927"),
        " and speak of other people. What is not defined is given as a reason.",
    ]
    if found and len(found["conditions"]) > 1:
        told += [" Intervals of differences between conditions are made of theirs ", Cite("zou2008"), "."]
    if facts.main and (facts.main.get("tags") or {}).get("pairs"):
        told += [
            " Taggers and networks are compared by Wilcoxon’s signed-rank test ",
            Cite("wilcoxon1945"),
            ".",
        ]
    return Paragraph(tuple(told), "Measures")


def _looks(facts: Facts) -> Paragraph:
    plan, stops = facts.plan, f" {stopping.words(facts.stops)}" if facts.stops else ""
    undeclared = sum(entry.number is None for entry in facts.looks)
    if plan is None:
        words = "No looks at the estimate were declared, so it could be seen at any time while answers came."
        return Paragraph((words + stops,), "Looks at the estimate")
    aim = (
        f"half the width of the interval of at most {plan.value:g}"
        if plan.aim == looks.PRECISION
        else f"a lower limit above {plan.value:g}"
    )
    at = listed(str(number) for number in plan.at)
    taken = sum(entry.number is not None for entry in facts.looks)
    told: list[str | Cite] = [
        f"It was declared beforehand to look at the estimate of {looks.MEASURES[plan.measure]} "
        f"({looks.LAYER_WORDS[plan.layer]}) at {at} participants, to aim at {aim}, and to share a level of "
        f"{plan.level:g} among the looks by {looks.CORRECTIONS[plan.correction]} spending ",
        Cite("lan1983"),
        f". Between looks the estimate was masked. {taken} of {len(plan.at)} declared looks were taken, and "
        f"{count(undeclared, 'other look was', 'other looks were')} taken beside them"
        + (": they are listed below." if undeclared else ".")
        + stops,
    ]
    return Paragraph(tuple(told), "Looks at the estimate")


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


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
