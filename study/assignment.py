"""In which order a participant sees the stimuli. Pure: standard library only."""

from hashlib import sha256


def order(count: int, *, seed: int, number: int) -> list[int]:
    """The indices 0..count-1 in the random order of the participant who arrived as `number`.

    Sorted by SHA-256 of "seed/number/index", so anybody can repeat it in any language, for ever.
    """
    return sorted(range(count), key=lambda index: sha256(f"{seed}/{number}/{index}".encode()).digest())
