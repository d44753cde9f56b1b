"""The concepts of an image set under numbers."""

from dataclasses import dataclass

from django.db.models import Count, F, FloatField, Sum
from django.db.models.functions import Cast

from annotations.exporters.sheets import segments_of
from annotations.models import ImageSet
from annotations.terms import Term


@dataclass(frozen=True)
class Label:
    """On how many images a term is, and on what share of each, summed over all."""

    number: int
    term: Term
    frequency: int
    coverage: float


def labels_of(image_set: ImageSet) -> list[Label]:
    """All concepts that the set's images show, numbered from 1, those of the most images first."""
    share = Cast(F("area"), FloatField()) / (F("image__width") * F("image__height"))
    counted = (
        segments_of(image_set)
        .order_by()
        .values_list("concept__category", "concept__name", "concept__synonyms")
        .annotate(frequency=Count("image", distinct=True), coverage=Sum(share))
    )
    found = [(Term(category, name, tuple(others)), n, size) for category, name, others, n, size in counted]
    found.sort(key=lambda each: (-each[1], each[0]))
    return [Label(number, *each) for number, each in enumerate(found, start=1)]
