"""Clusters: regions that find each other across images, and which groups become visual summaries."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from skimage.metrics import structural_similarity
from sklearn.cluster import affinity_propagation as scikit_affinity_propagation
from sklearn.exceptions import ConvergenceWarning

from summaries.engine import Refusal

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

RGB_TO_GREY = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
"""MATLAB's rgb2gray, to its last digit."""

SSIM_REACH = 5
"""Pixels from the centre to the edge of the 11 x 11 Gaussian window (sigma 1.5)."""


@dataclass(frozen=True)
class Clustering:
    """A partition of R regions, each group spoken for by one of its own."""

    labels: Indices
    """(R,) number of each region's cluster, from 0."""
    exemplars: Indices
    """(K,) region that stands for each cluster, ascending."""
    preference: float
    """Preference p that every region was given to become an exemplar."""
    converged: bool
    """Affinity propagation settled as asked; False: only on the second try, or never."""
    fallback: bool
    """It never settled, so the partition comes from average linkage."""


def affinity_propagation(
    similarity: NDArray,
    *,
    factor: float = 1.3,
    damping: float = 0.9,
    max_iter: int = 1000,
    convergence_iter: int = 100,
    seed: int = 0,
) -> Clustering:
    """Cluster R regions by affinity propagation (Frey and Dueck, Science 2007).

    `similarity` is S' of shape (R, R), all values at most 0; S'[i, k] = how well region k speaks for region
    i. The preference is p = factor * median over all R^2 entries, the diagonal included. Factor, damping
    and both limits are the authors'. Where the messages do not settle we try once more with damping 0.95
    and twice the iterations, then cut an average-linkage tree where the net similarity is largest
    (`fallback`): our proposal, the authors' script breaks there.

    R = 0 gives no cluster. One region, or several that are all equally similar, give messages nothing to
    decide: they form one cluster around the first if that costs no more than every region for itself.
    Refuses NaN and infinite values.
    """
    values = np.array(similarity, np.float64)
    if values.size == 0:
        return Clustering(np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0, True, False)
    if not np.isfinite(values).all():
        raise Refusal(
            "The similarities between regions hold values that are not numbers, so they cannot be grouped."
        )
    preference = factor * float(np.median(values))
    if (chosen := _undecided(values, preference)) is not None:
        return _partition(chosen, preference)
    if (chosen := _settle(values, preference, damping, max_iter, convergence_iter, seed)) is not None:
        return _partition(chosen, preference)
    patient = max(damping, 0.95), 2 * max_iter
    if (chosen := _settle(values, preference, *patient, convergence_iter, seed)) is not None:
        return _partition(chosen, preference, converged=False)
    return _partition(_cut_tree(values, preference), preference, converged=False, fallback=True)


def _settle(
    values: Array, preference: float, damping: float, max_iter: int, convergence_iter: int, seed: int
) -> Indices | None:
    """The exemplar of every region by message passing, None if the messages do not settle in time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        exemplars, labels, iterations = scikit_affinity_propagation(
            values,
            preference=preference,
            damping=damping,
            max_iter=max_iter,
            convergence_iter=convergence_iter,
            return_n_iter=True,
            random_state=seed,
        )
    return np.asarray(exemplars)[labels] if iterations < max_iter else None


def _partition(
    chosen: NDArray, preference: float, *, converged: bool = True, fallback: bool = False
) -> Clustering:
    """From the exemplar of every region, (R,), to the partition."""
    exemplars, labels = np.unique(chosen, return_inverse=True)
    return Clustering(labels, exemplars, preference, converged, fallback)


def _undecided(values: Array, preference: float) -> Indices | None:
    """The exemplar of every region where all off-diagonal similarities are equal, else None."""
    count = len(values)
    others = values[~np.eye(count, dtype=bool)]
    if others.size and np.ptp(others) > 0:
        return None
    one_cluster = not others.size or others[0] >= preference
    return np.zeros(count, np.int64) if one_cluster else np.arange(count)


def _cut_tree(values: Array, preference: float) -> Indices:
    """Average linkage, cut where preference * clusters + similarity of the regions to their exemplars is
    largest.
    """
    similarity = values.copy()
    np.fill_diagonal(similarity, 0.0)
    alike = (similarity + similarity.T) / 2
    tree = linkage(squareform(alike.max() - alike, checks=False), "average")[:, :2].astype(int)
    chosen = np.arange(len(values))
    best, net, best_net = chosen.copy(), 0.0, 0.0
    # A group is its members and what each of them would collect as the group's exemplar.
    groups = [(np.array([i]), np.zeros(1)) for i in range(len(values))]
    for left, right in tree:
        (a, a_collects), (b, b_collects) = groups[left], groups[right]
        between = similarity[np.ix_(b, a)].sum(0), similarity[np.ix_(a, b)].sum(0)
        members = np.concatenate([a, b])
        collects = np.concatenate([a_collects + between[0], b_collects + between[1]])
        groups.append((members, collects))
        chosen[members] = members[np.argmax(collects)]
        net += collects.max() - a_collects.max() - b_collects.max() - preference
        if net >= best_net:
            best, best_net = chosen.copy(), net
    return best


def members(
    similarity: NDArray, clustering: Clustering, image: NDArray, *, topk: int = 10
) -> tuple[Indices, ...]:
    """The regions that each cluster is judged and shown by, best first.

    For exemplar e: drop members from e's own image other than e; sort by S'(e, .), descending; keep the
    most similar one of each image; keep the first `topk`. `image` (R,) names each region's image. The
    exemplar leads as a rule because its self-match is the largest, but nothing forces it. Source: the
    authors' code.
    """
    found = []
    for number, exemplar in enumerate(clustering.exemplars):
        group = np.flatnonzero(clustering.labels == number)
        group = group[(image[group] != image[exemplar]) | (group == exemplar)]
        ordered = group[np.argsort(-similarity[exemplar, group], kind="stable")]
        first_of_image = np.unique(image[ordered], return_index=True)[1]
        found.append(ordered[np.sort(first_of_image)][:topk])
    return tuple(found)


def ssim_matrix(crops: Sequence[NDArray]) -> Array:
    """Structural similarity of every pair of n crops of one size, uint8 grey (h, w) or RGB (h, w, 3): (n,
    n).

    As MATLAB's ssim on its rgb2gray: 11 x 11 Gaussian window, sigma 1.5, K1 = 0.01, K2 = 0.03, range 255,
    population covariance, pictures continued at the edge by their last pixel, mean over every pixel.
    (scikit-image alone leaves out the outer five pixels, which is three quarters of a crop of 20 x 20.)
    Symmetric, with ones on the diagonal. The continued edge lets crops smaller than the window through.
    Refuses crops of unequal sizes and empty ones.
    """
    if len({crop.shape[:2] for crop in crops}) > 1 or any(crop.size == 0 for crop in crops):
        raise Refusal("Only regions of one size, and of at least one pixel, can be compared.")
    continued = [np.pad(_grey(crop), SSIM_REACH, mode="edge") for crop in crops]
    matrix = np.eye(len(crops))
    for k, first in enumerate(continued):
        for m in range(k + 1, len(continued)):
            matrix[k, m] = matrix[m, k] = structural_similarity(
                first,
                continued[m],
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=255,
            )
    return matrix


def _grey(crop: NDArray) -> Array:
    """8-bit grey levels as MATLAB's rgb2gray rounds them, as floats."""
    return crop.astype(np.float64) if crop.ndim == 2 else np.floor(crop @ RGB_TO_GREY + 0.5)


@dataclass(frozen=True)
class Cleaned:
    """What the clean-up made of one cluster; reasons are sentences for researchers, empty where kept."""

    median: float
    """Median similarity of its members with each other; NaN for a single member."""
    score: float
    """Coherence: that median over the class's; NaN where the class has no positive median."""
    kept: bool
    reason: str
    member_kept: NDArray[np.bool_]
    member_reasons: tuple[str, ...]


@dataclass(frozen=True)
class Cleaning:
    """All clusters of a class after the clean-up, in the order in which they came."""

    class_median: float
    clusters: tuple[Cleaned, ...]


def clean(
    ssim: Sequence[NDArray],
    mean_mask_maxima: Sequence[float],
    *,
    rejection: float = 0.6,
    acceptance: float = 0.9,
    mean_mask: float = 0.75,
    min_members: int = 3,
    matlab_nan_parity: bool = False,
) -> Cleaning:
    """Which clusters become visual summaries, and with which members.

    `ssim[c]` is q (n, n), the similarity of cluster c's members after the warp to its exemplar
    (`ssim_matrix`); `mean_mask_maxima[c]` the largest value, inside the exemplar's box, of the mean over
    its members of the warped binary masks (0 to 1). med_c = median of q off the diagonal, M = median over
    clusters of med_c. Member k stays iff #{l : q_kl < M} / n < rejection; a cluster stays iff med_c >=
    acceptance * M, its mean mask exceeds `mean_mask` somewhere, and `min_members` of its members (one an
    image) stay.

    Two points are ours. The authors have no least number of members: min_members=1 is theirs. And a cluster
    of one member, whose median is NaN, makes their M NaN, so that every comparison fails and neither member
    nor cluster is dropped: matlab_nan_parity=True repeats that, otherwise M leaves such clusters out and
    they are dropped.
    """
    medians = np.array([_median_off_diagonal(q) for q in ssim])
    known = medians if matlab_nan_parity else medians[~np.isnan(medians)]
    class_median = float(np.median(known)) if len(known) else float("nan")
    cleaned = []
    for q, median, agreed in zip(ssim, medians, mean_mask_maxima, strict=True):
        below = (np.asarray(q) < class_median).sum(axis=1)
        member_kept = below / len(q) < rejection
        remain = int(member_kept.sum())
        failed = {
            "only one image shows it, and a part has to recur": np.isnan(median) and not matlab_nan_parity,
            f"its regions are less alike ({median:.2f}) than {acceptance:.0%} of what is usual in this class "
            f"({class_median:.2f})": median < acceptance * class_median,
            f"no spot is evidence in more than {mean_mask:.0%} of its regions (at most {agreed:.0%} agree)": (
                agreed <= mean_mask
            ),
            f"only {remain} of its images remain, and {min_members} are needed": remain < min_members,
        }
        reason = "; ".join(words for words, fails in failed.items() if fails)
        score = float(median / class_median) if class_median > 0 else float("nan")
        why = tuple(_why_rejected(count, len(q), class_median, rejection) for count in below)
        cleaned.append(Cleaned(float(median), score, not reason, reason, member_kept, why))
    return Cleaning(class_median, tuple(cleaned))


def _median_off_diagonal(q: NDArray) -> float:
    others = np.asarray(q)[~np.eye(len(q), dtype=bool)]
    return float(np.median(others)) if others.size else float("nan")


def _why_rejected(below: int, size: int, class_median: float, rejection: float) -> str:
    if below / size < rejection:
        return ""
    return f"it is less like {below} of its group's {size} regions than is usual here ({class_median:.2f})"


def rank(exemplars: NDArray, coverage: NDArray, strength: NDArray, coherence: NDArray) -> Indices:
    """Order of the summaries, best first: by coverage * strength * coherence, ties by exemplar index.

    coverage = share of the class's images with a kept member; strength = mean over kept members of the drop
    (p0 - p) / p0 when the member's mask component alone is blurred; coherence = `Cleaned.score`, counted as
    1 where it is NaN. All arrays are (C,). The sources rank nothing; this is our proposal.
    """
    coherence = np.where(np.isnan(coherence), 1.0, coherence)
    return np.lexsort((exemplars, -(np.asarray(coverage) * strength * coherence)))
