"""Chance: how many units would pass for detectors if labels had nothing to do with the images."""

import numpy as np

from summaries.engine.dissection.tally import Presence

POOL = 64


class LabelPool:
    """Gives each image the labels of one that came before, by lot: what chance alone agrees on.

    It keeps the labels of `size` images drawn evenly from all so far (a reservoir), so that neighbours in an
    ordered set do not lend each other theirs. What they are counted against keeps every property of the
    data: how large concepts are, where in pictures they lie, how often they come together. The first image
    gets none, and none gets labels of another size.
    """

    def __init__(self, seed: int, size: int = POOL) -> None:
        self.size, self.seen = size, 0
        self._kept: list[Presence] = []
        self._random = np.random.default_rng(seed)

    def exchange(self, own: Presence) -> Presence | None:
        """The labels of an earlier image; its own may be lent to later ones."""
        fitting = [each for each in self._kept if each.size == own.size]
        drawn = fitting[int(self._random.integers(len(fitting)))] if fitting else None
        self.seen += 1
        if len(self._kept) < self.size:
            self._kept.append(own)
        elif (place := int(self._random.integers(self.seen))) < self.size:
            self._kept[place] = own
        return drawn
