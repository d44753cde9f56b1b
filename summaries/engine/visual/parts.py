"""Parts: segments of a class's pictures, grouped so that one group is the same part in picture after picture.

Segments are compared by what the network makes of them and by where they lie in the object. Groups are first
formed by features alone; then those that hold two parts are split and those that are pieces of one are
joined, as the pictures show (`pieces`). So the number of parts comes from the pictures. Nothing here asks the
network: see `worth` for whether it relies on a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from summaries.engine.visual.pieces import (
    NONE,
    Floats,
    Ints,
    PieceParams,
    areas,
    join,
    share_showing,
    split,
    ward,
)
from summaries.engine.visual.segments import Described


@dataclass(frozen=True)
class PartParams:
    """Constants found on generated pictures with planted parts, on networks and seeds kept for that."""

    finest: int = 13
    """Groups of the segments with evidence, before splitting and joining."""
    scenery: int = 8
    """Groups of the other segments, which the groups with evidence compete with."""
    share: float = 0.65
    """Share of the class's segments that start as evidence."""
    place: float = 0.5
    """Weight of a segment's place beside its descriptor, which has unit length."""
    shrinkage: float = 0.1
    rounds: int = 2
    least_evidence: float = 1.2
    """Mean evidence of a group, in units of the pictures' mean."""
    pieces: PieceParams = field(default_factory=PieceParams)
    loyalty: float = 0.35
    """Least cosine of a segment's descriptor with the mean of its group."""
    recurrence: float = 0.5
    """Share of the pictures that must show the part."""
    sample: int = 200
    """Pictures, at most, from which the groups are found; the others' segments are then assigned to them."""


@dataclass(frozen=True)
class Grouping:
    """of: for each picture the group of each segment (K,), NONE for none; groups are numbered from 0 by
    falling evidence. similarity: for each picture the cosine (K,) of each segment's descriptor with its
    group's mean descriptor, 0 where there is no group. evidence, recurrence (G,). mirrored: (N,) pictures
    taken as mirror images of the others.
    """

    of: list[Ints]
    similarity: list[Floats]
    evidence: Floats
    recurrence: Floats
    mirrored: NDArray[np.bool_]


def group(described: Sequence[Described], *, params: PartParams | None = None, seed: int = 0) -> Grouping:
    """Find the parts that the pictures of one class share.

    1. Pictures that show the object mirrored are found, so that places can be compared. 2. Descriptors are
    smoothed over neighbours of like colour; with the place they make the features. 3. Ward's method cuts
    the segments with evidence into `finest` groups and the others into `scenery`. 4. Linear discriminants
    between all groups, their posteriors smoothed over neighbours, assign every segment anew, `rounds`
    times. 5. Groups with evidence are split in two, and then joined, where PieceParams says so. 6. Segments
    unlike their group leave it, and groups in too few pictures are dropped.

    The same pictures give the same groups; `seed` only chooses the pictures where there are more than
    `params.sample`. Cost grows linearly with pictures beyond these. Fewer than two pictures give no groups.
    """
    params = params or PartParams()
    count = len(described)
    if count < 2:
        return _nothing(described)
    mirrored = find_mirrored([each.coarse for each in described])
    neighbours = block_diag([_neighbours(each) for each in described], format="csr")
    descriptors = np.concatenate([each.descriptors for each in described])
    smooth = neighbours @ (neighbours @ descriptors)
    features = np.concatenate([smooth, params.place * _places(described, mirrored)], 1)
    picture = np.repeat(np.arange(count), [len(each.area) for each in described])
    chosen = np.isin(picture, _sample(count, params.sample, seed))
    labels = _assign(features, _start(features, described, chosen, params), chosen, neighbours, params)
    labels = split(
        _keep_evident(labels, described, params), features, smooth, described, chosen, params.pieces
    )
    labels = join(labels, smooth, described, params.pieces)
    return _report(labels, smooth, described, mirrored, params)


def find_mirrored(coarse: Sequence[Floats]) -> NDArray[np.bool_]:
    """Which pictures are mirror images of the rest: coarse, for each (2, M) unit rows, as it is and mirrored.

    The signs that best explain by how much each pair is more alike unmirrored than mirrored: those of the
    first eigenvector of that difference (angular synchronisation in the group of two elements).
    """
    own, turned = np.stack([each[0] for each in coarse]), np.stack([each[1] for each in coarse])
    gain = own @ own.T - own @ turned.T
    gain = (gain + gain.T) / 2
    np.fill_diagonal(gain, 0)
    first = np.linalg.eigh(gain)[1][:, -1]
    sign = np.sign(first.sum()) or 1.0
    mirrored: NDArray[np.bool_] = first * sign < 0
    return mirrored


def _nothing(described: Sequence[Described]) -> Grouping:
    return Grouping(
        of=[np.full(len(each.area), NONE) for each in described],
        similarity=[np.zeros(len(each.area), np.float32) for each in described],
        evidence=np.zeros(0, np.float32),
        recurrence=np.zeros(0, np.float32),
        mirrored=np.zeros(len(described), bool),
    )


def _sample(count: int, limit: int, seed: int) -> Ints:
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def _neighbours(described: Described) -> csr_array:
    """Rows sum to 1: a segment and its neighbours, by area, less the more their colours differ (Lab)."""
    difference = np.linalg.norm(described.colour[:, None] - described.colour[None], axis=2)
    weights = (described.borders > 0) * np.exp(-0.15 * difference) * described.area[None]
    weights += np.diag(described.area)
    return csr_array(weights / weights.sum(1, keepdims=True))


def _places(described: Sequence[Described], mirrored: NDArray[np.bool_]) -> Floats:
    turned = [
        each.centre * ([-1, 1] if flip else [1, 1]) for each, flip in zip(described, mirrored, strict=True)
    ]
    return np.concatenate(turned).astype(np.float32)


def _start(
    features: Floats, described: Sequence[Described], chosen: NDArray[np.bool_], params: PartParams
) -> Ints:
    """First groups (n,) of the chosen segments, numbers from `finest` on for scenery; NONE for the others."""
    evidence = np.concatenate([each.evidence for each in described])
    strong = chosen & (evidence >= np.quantile(evidence[chosen], 1 - params.share))
    labels = np.full(len(features), NONE)
    labels[strong] = ward(features[strong], params.finest)
    labels[chosen & ~strong] = params.finest + ward(features[chosen & ~strong], params.scenery)
    return labels


def _assign(
    features: Floats, labels: Ints, chosen: NDArray[np.bool_], neighbours: csr_array, params: PartParams
) -> Ints:
    """Every segment's most probable group, by discriminants that learn from the chosen segments."""
    for _ in range(params.rounds):
        if len(np.unique(labels[chosen])) < 2:
            return np.where(labels == NONE, labels[chosen][0], labels)
        discriminants = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=params.shrinkage)
        discriminants.fit(features[chosen], labels[chosen])
        chances = neighbours @ discriminants.predict_proba(features)
        labels = discriminants.classes_[chances.argmax(1)]
    return labels


def _keep_evident(labels: Ints, described: Sequence[Described], params: PartParams) -> Ints:
    area = np.concatenate([each.area for each in described])
    weighted = area * np.concatenate([each.evidence for each in described])
    kept = [
        number
        for number in np.unique(labels)
        if weighted[labels == number].sum() >= params.least_evidence * area[labels == number].sum()
    ]
    return np.where(np.isin(labels, kept), labels, NONE)


def _report(
    labels: Ints,
    smooth: Floats,
    described: Sequence[Described],
    mirrored: NDArray[np.bool_],
    params: PartParams,
) -> Grouping:
    ends = np.cumsum([len(each.area) for each in described])[:-1]
    area = np.concatenate([each.area for each in described])
    weighted = area * np.concatenate([each.evidence for each in described])
    found = []
    for number in np.unique(labels[labels != NONE]):
        alike = _cosines(smooth, labels == number, area)
        inside = (labels == number) & (alike >= params.loyalty)
        often = share_showing(areas(inside, described))
        if often >= params.recurrence:
            found.append((weighted[inside].sum() / area[inside].sum(), often, inside, alike))
    found.sort(key=lambda each: -each[0])
    of, similarity = np.full(len(labels), NONE), np.zeros(len(labels), np.float32)
    for number, (_, _, inside, alike) in enumerate(found):
        of[inside], similarity[inside] = number, alike[inside]
    return Grouping(
        of=np.split(of, ends),
        similarity=np.split(similarity, ends),
        evidence=np.array([each[0] for each in found], np.float32),
        recurrence=np.array([each[1] for each in found], np.float32),
        mirrored=mirrored,
    )


def _cosines(smooth: Floats, inside: NDArray[np.bool_], area: Floats) -> Floats:
    """Of every segment's descriptor with the mean descriptor of those inside; (n,)."""
    centre = np.average(smooth[inside], axis=0, weights=area[inside])
    lengths = np.linalg.norm(smooth, axis=1) * np.linalg.norm(centre)
    cosines: Floats = (smooth @ centre / np.maximum(lengths, 1e-6)).astype(np.float32)
    return cosines
