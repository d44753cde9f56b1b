"""The numerics: pure functions on arrays and tensors. No Django, no Celery, no settings, no paths."""

ENGINE_VERSION = "1.2"
"""Raised whenever a change alters results; the changelog says why. Part of every artefact's key."""


class Refusal(ValueError):
    """A known refusal: its one sentence is shown to the person who sent the input."""
