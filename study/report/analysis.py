"""Sentences of the methods on what was made of the answers: names, measures, looks."""

from study.agreement import looks, stopping
from study.agreement.distances import DECLARED
from study.findings.words import count
from study.naming import Agreement
from study.report.document import Cite, Paragraph
from study.report.facts import Facts
from study.report.phrases import capital, listed


def names(facts: Facts) -> Paragraph:
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
        told.append(f" {capital(count(others, 'other coder'))} worked independently.")
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


def measures(facts: Facts) -> Paragraph:
    found = facts.main
    told: list[str | Cite] = [
        "Name agreement is the share of answers to a summary that give its most frequent (modal) name; the "
        "spread of names is told by the H statistic ",
        Cite("snodgrass1980"),
        ". Answers without a name count in all shares, and in means a summary that nobody named has a name "
        "agreement of 0. Over all summaries we give Krippendorff’s alpha ",
        Cite("krippendorff2011"),
        ", with each name as a category of its own, and with a distance between names that was fixed "
        f"beforehand (synonyms {DECLARED.synonym:g}, names with the same code {DECLARED.same_code:g}, "
        "others 1); Gwet’s AC1 ",
        Cite("gwet2008"),
        "; and the share of pairs of people who agree",
    ]
    if found and found["overall"] and found["overall"]["merged"]["fleiss"]["value"] is not None:
        told[-1] = "; the share of pairs of people who agree"
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


def looks_taken(facts: Facts) -> Paragraph:
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
