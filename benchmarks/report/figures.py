"""Results as tables of Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.contest import tables

HEADINGS = {
    "miou": "matched mIoU",
    "recall30": "recall .3",
    "recall50": "recall .5",
    "leak": "leakage",
    "unused": "on unused parts",
    "per_part": "clusters a part",
    "nmi": "NMI",
    "ari": "ARI",
    "stamp": "stamp found",
    "passes": "passes",
    "seconds": "CPU s",
}


def contest(rows: Sequence[dict]) -> str:
    """Every method's means over its pairs of network and class."""
    means = tables.average([row for row in rows if not row["method"].startswith("steps_")])
    head = ["method", "cases", *HEADINGS.values()]
    return table(
        head,
        [[name, str(row["cases"]), *(number(row[key]) for key in HEADINGS)] for name, row in means.items()],
    )


def builds(rows: Sequence[dict]) -> str:
    """Ours by network: build and seed."""
    ours = [row for row in rows if row["method"] == "standard"]
    found = []
    for network in sorted({row["network"] for row in ours}):
        own = [row for row in ours if row["network"] == network]
        found.append([network, *(number(tables.mean(row[key] for row in own)) for key in HEADINGS)])
    return table(["network", *HEADINGS.values()], found)


def differences(rows: Sequence[dict]) -> str:
    """Ours less the best peer, with paired bootstrap intervals over pairs of network and class."""
    peer = tables.best_peer(tables.average(rows))
    if peer is None:
        raise KeyError("peers")
    found = []
    for key in ("miou", "recall30", "leak", "unused"):
        interval = tables.compare(rows, "standard", peer, key)
        found.append([HEADINGS[key], f"{interval.mean:+.3f}", f"[{interval.low:+.3f}, {interval.high:+.3f}]"])
    return table([f"standard less {peer}", "mean difference", "95 % interval"], found)


PHOTOGRAPHS = {
    "album": "album",
    "network": "network",
    "label": "class",
    "method": "method",
    "images": "images",
    "concepts": "summaries or factors",
    "region_area": "area of a region",
    "region_drop": "evidence lost without it",
    "mask_drop": "mask's drop",
    "mask_area": "mask's area",
    "all_area": "area of all",
    "all_drop": "evidence lost without all",
    "inside": "inside the object",
    "object": "the object's own area",
    "seconds": "CPU s an image",
}


def photographs(result: dict | None) -> str:
    """Means over classes for each network and method, then class by class, as far as the benchmark came."""
    if result is None:
        raise KeyError("photographs")
    rows = sorted(
        result["rows"], key=lambda row: tuple(row[key] for key in ("album", "network", "label", "method"))
    )
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["album"], row["network"], row["method"]), []).append(row)
    figures = [key for key in PHOTOGRAPHS if key not in ("album", "network", "label", "method")]
    means = [
        [*group, str(len(own)), *(number(mean_of(own, key)) for key in figures)]
        for group, own in groups.items()
    ]
    head = ["album", "network", "method", "classes", *(PHOTOGRAPHS[key] for key in figures)]
    each = table(PHOTOGRAPHS.values(), [[number(row.get(key)) for key in PHOTOGRAPHS] for row in rows])
    return f"{table(head, means)}\n\nClass by class:\n\n{each}"


def mean_of(rows: Sequence[dict], key: str) -> float | None:
    there = [row[key] for row in rows if row.get(key) is not None]
    return tables.mean(there) if there else None


def saliency(masks: dict) -> str:
    """Of each network: the published schedule and ours, and the curves of all maps."""
    found = []
    for network, row in masks["rows"].items():
        published = [row["seconds_published"], row["drop_published"], row["area_published"]]
        found.append([network, "published", *(number(each) for each in published), "-", "-"])
        figures = {"ours": [row["seconds"], row["drop"], row["area"]]}
        for name, curves in row["curves"].items():
            own = figures.get(name, [curves["seconds"], None, None])
            ends = [curves["deletion"], curves["insertion"]]
            found.append([network, name.replace("_", " "), *(number(each) for each in (*own, *ends))])
    return table(["network", "maps", "CPU s an image", "drop", "area", "deletion", "insertion"], found)


def coverage(row: dict) -> str:
    """Coverage in percent beside width, by summaries x people; then coverage in other worlds."""
    columns = {
        "ours": "grid",
        "books": "plain",
        "people taken for fixed": "summaries_only",
        "width: ours": "width",
        "books'": "plain_width",
        "oracle": "oracle_width",
        "same people": "same_people",
    }
    cells = {cell: cell.replace("x", " x ") for cell in row["grid"]}
    row = row | {"grid": {cell: 100 * share for cell, share in row["grid"].items()}}
    first = [
        [told_as, *(number(row[key][cell]) for key in columns.values())] for cell, told_as in cells.items()
    ]
    others = [
        [name, *(f"{own[cell]['coverage']:.1f} ({width_ratio(own[cell]):.2f})" for cell in cells)]
        for name, own in row["rows"].items()
        if name != "few"
    ]
    few = ", ".join(f"{cell.replace('x', ' x ')}: {share:.1f} %" for cell, share in row["few"].items())
    return "\n\n".join(
        [
            table(["summaries x people", *columns], first),
            "Coverage elsewhere, and how many times as wide as the oracle's the interval is:",
            table(["", *cells.values()], others),
            f"With fewer summaries: {few}. Time: {row['ms_100x50']} ms for 100 x 50.",
        ]
    )


def width_ratio(cell: dict) -> float:
    return cell["width"] / cell["oracle_width"]


LOOKS = {
    "same_people": "naive, people taken for fixed",
    "plain": "naive, two-way interval of books",
    "two_way": "naive, our interval",
    "bonferroni": "declared, Bonferroni",
    "obrien-fleming": "declared, O'Brien-Fleming",
    "pocock": "declared, Pocock",
    "one_look": "one look at the end",
}


def looks(row: dict) -> str:
    """Of each rule the false stops, and what passing a lower bound takes; then single summaries."""
    sizes = list(row["false_stops"])
    head = [f"{what}, {size} summaries" for what in ("false stops %", "power %", "people") for size in sizes]
    rows = [
        [
            name,
            *(
                number(row[key][size].get(rule))
                for key in ("false_stops", "power", "participants")
                for size in sizes
            ),
        ]
        for rule, name in LOOKS.items()
    ]
    late = ", ".join(f"{number(each)} %" for size in sizes for each in row["late"][size].values())
    one = row["stopping"]
    return "\n\n".join(
        [
            table(["looks", *head], rows),
            f"Looks that come two people late: {late}. A rate of 2.5 % has a standard error of "
            f"{row['error']} %.",
            f"Of {one['summaries']} single summaries {one['stopped']} % were stopped as settled, "
            f"{one['kept']} % of which had the same modal name after all answers; {one['futile']} % were "
            f"given up, {one['futile_wrong']} % of them wrongly. {one['saved']} % of the "
            "answers were not needed.",
        ]
    )


def truth(result: dict | None) -> str:
    """By measure the share of studies whose interval holds the truth, its mean width, the mean error."""
    if result is None:
        raise KeyError("truth")
    head = ["measure", "holds the truth", "with the excluded", "mean width", "mean error"]
    others, widths, errors = (result[key] for key in ("inside_with_excluded", "width", "bias"))
    rows = [
        [name, percent(held), percent(others[name]), number(widths[name]), f"{errors[name]:+.3f}"]
        for name, held in result["inside"].items()
    ]
    names, lost = result["modal"], result["lost_over_http"]
    told = (
        f"{result['studies']} studies with {result['answers']} answers, {result['over_http']} of them over "
        f"HTTP ({lost} answers lost or doubled). In {percent(names['possible'])} of the studies no true "
        f"modal name is ruled out by the answers; of {names['summaries']} modal names "
        f"{percent(names['right'])} are the true ones."
    )
    return f"{told}\n\n{table(head, rows)}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def plain(row: dict) -> str:
    """One benchmark's JSON object, key by key, but for its details (`rows`)."""
    return table(["figure", "value"], [[key, told(value)] for key, value in row.items() if key != "rows"])


def told(value: object) -> str:
    if isinstance(value, dict):
        return "<br>".join(f"{key}: {told(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(told(each) for each in value)
    return number(value)


def number(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
