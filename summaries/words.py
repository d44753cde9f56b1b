"""Numbers, times and names as people say them."""


def percent(share: float | None) -> str:
    """0.813 -> "81 %", with a space that does not break; a little is told from nothing."""
    if share is None:
        return "not known"
    if 0 < share < 0.005:
        return "under 1\u00a0%"
    return f"{round(share * 100)}\u00a0%".replace("-", "\u2212")


def hundredths(share: float) -> str:
    """0.813 -> "81.3", for the length of a bar; never beyond its ends."""
    return f"{100 * min(max(share, 0.0), 1.0):.1f}"


def p_value(p: float) -> str:
    """0.0312 -> "= 0.031"; a very small one is only said to be small."""
    return "<\u00a00.001" if p < 0.001 else f"=\u00a0{p:.3f}"


def signed(number: float) -> str:
    """-0.0213 -> "−0.02", with the minus that is as wide as a plus; nothing is never negative."""
    return f"{number:z.2f}".replace("-", "\u2212")


def duration(seconds: float) -> str:
    """Seconds in one or two units: "under a second", "48 s", "12 min", "3 h 05 min", "2 days 4 h"."""
    if seconds < 1:
        return "under a second"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} day{'s' if days > 1 else ''} {hours} h"


def plain(name: str) -> str:
    """A class's or file's name without underscores."""
    return name.replace("_", " ")


def coverage(share: float) -> str:
    return _level(share, ((0.5, "common"), (0.25, "occasional")), "rare")


STRONG = {"boxes": (0.5, 0.2), "parts": (0.15, 0.05)}
"""From where on it is strong, and moderate: one part of many holds less than a component of the mask."""


def strength(share: float, recipe: str) -> str:
    strong, moderate = STRONG[recipe]
    return _level(share, ((strong, "strong"), (moderate, "moderate")), "weak")


ALIKE = {"boxes": (1.1, 0.9), "parts": (0.8, 0.6)}
"""From where on regions are very alike, and alike: by boxes a ratio to what is usual, by parts a cosine."""


def coherence(value: float, recipe: str) -> str:
    very, quite = ALIKE[recipe]
    return _level(value, ((very, "very alike"), (quite, "alike")), "loosely alike")


def _level(value: float, levels: tuple[tuple[float, str], ...], lowest: str) -> str:
    return next((word for least, word in levels if value >= least), lowest)
