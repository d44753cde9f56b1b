"""Estimates of a snapshot, as people read them."""

from collections.abc import Mapping
from typing import Any

from django import template

from study.findings import words

register = template.Library()


@register.filter
def told(estimate: Mapping[str, Any] | None) -> words.Told:
    """A share, in percent, with its intervals; or why there is none."""
    return words.told(estimate)


@register.filter
def told_plainly(estimate: Mapping[str, Any] | None) -> words.Told:
    """With two decimals."""
    return words.told(estimate, share=False)


@register.filter
def signed(value: float) -> str:
    """A difference, with two decimals."""
    text = words.number(value, share=False)
    return f"+{text}" if value > 0 and float(text) else text


@register.filter
def chance(p: float) -> str:
    """A p-value: never 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
