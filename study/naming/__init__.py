"""Names and what coders decided about them: the layers, the decisions as rows that are only added."""

from study.naming.layers import Layers, layers

__all__ = ["Layers", "layers"]
