"""The sources of what is measured. Only those that a report cites stand in it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    kind: str
    authors: str
    year: int
    title: str
    place: str
    """Journal with volume and pages, or publisher."""


REFERENCES = {
    "snodgrass1980": Reference(
        "article",
        "Snodgrass, J. G. and Vanderwart, M.",
        1980,
        "A standardized set of 260 pictures: Norms for name agreement, image agreement, familiarity, and "
        "visual complexity",
        "Journal of Experimental Psychology: Human Learning and Memory 6(2), 174-215",
    ),
    "krippendorff2011": Reference(
        "techreport",
        "Krippendorff, K.",
        2011,
        "Computing Krippendorff’s alpha-reliability",
        "University of Pennsylvania, Annenberg School for Communication",
    ),
    "gwet2008": Reference(
        "article",
        "Gwet, K. L.",
        2008,
        "Computing inter-rater reliability and its variance in the presence of high agreement",
        "British Journal of Mathematical and Statistical Psychology 61(1), 29-48",
    ),
    "fleiss1971": Reference(
        "article",
        "Fleiss, J. L.",
        1971,
        "Measuring nominal scale agreement among many raters",
        "Psychological Bulletin 76(5), 378-382",
    ),
    "chao1984": Reference(
        "article",
        "Chao, A.",
        1984,
        "Nonparametric estimation of the number of classes in a population",
        "Scandinavian Journal of Statistics 11(4), 265-270",
    ),
    "wilson1927": Reference(
        "article",
        "Wilson, E. B.",
        1927,
        "Probable inference, the law of succession, and statistical inference",
        "Journal of the American Statistical Association 22(158), 209-212",
    ),
    "efron1981": Reference(
        "article",
        "Efron, B. and Stein, C.",
        1981,
        "The jackknife estimate of variance",
        "The Annals of Statistics 9(3), 586-596",
    ),
    "hall1992": Reference(
        "article",
        "Hall, P.",
        1992,
        "On the removal of skewness by transformation",
        "Journal of the Royal Statistical Society B 54(1), 221-228",
    ),
    "lan1983": Reference(
        "article",
        "Lan, K. K. G. and DeMets, D. L.",
        1983,
        "Discrete sequential boundaries for clinical trials",
        "Biometrika 70(3), 659-663",
    ),
    "wilcoxon1945": Reference(
        "article",
        "Wilcoxon, F.",
        1945,
        "Individual comparisons by ranking methods",
        "Biometrics Bulletin 1(6), 80-83",
    ),
    "barbaresi2024": Reference(
        "misc",
        "Barbaresi, A.",
        2024,
        "Simplemma: a simple multilingual lemmatizer for Python",
        "Software",
    ),
    "zou2008": Reference(
        "article",
        "Zou, G. Y. and Donner, A.",
        2008,
        "Construction of confidence limits about effect measures: A general approach",
        "Statistics in Medicine 27(10), 1693-1702",
    ),
    "schulz2010": Reference(
        "article",
        "Schulz, K. F., Altman, D. G. and Moher, D.",
        2010,
        "CONSORT 2010 statement: Updated guidelines for reporting parallel group randomised trials",
        "BMJ 340, c332",
    ),
}


def line(key: str) -> str:
    """As it stands in a list of references."""
    known = REFERENCES[key]
    return f"{known.authors} ({known.year}). {known.title}. {known.place}."


def bibtex(keys: tuple[str, ...]) -> str:
    entries = (_entry(key, REFERENCES[key]) for key in keys)
    return "\n\n".join(entries).replace("’", "'") + "\n"


def _entry(key: str, known: Reference) -> str:
    where = {"article": "journal", "techreport": "institution", "misc": "howpublished"}[known.kind]
    authors = known.authors.replace("., ", ". and ") if " and " in known.authors else known.authors
    lines = [
        f"@{known.kind}{{{key},",
        f"  author = {{{authors}}},",
        f"  title = {{{{{known.title}}}}},",
        f"  {where} = {{{known.place}}},",
        f"  year = {{{known.year}}},",
        "}",
    ]
    return "\n".join(lines)
