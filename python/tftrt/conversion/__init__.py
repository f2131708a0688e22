"""TF-TRT's pass over a model's graphs, and the converted model that is written; :mod:`tftrt.converter` calls it.

Importing this package does not import TensorFlow; running the pipeline does.
"""

from __future__ import annotations

from .report import Check, ConversionReport, Engine, OutsideOp, Share, Sizes

__all__ = ["Check", "ConversionReport", "Engine", "OutsideOp", "Share", "Sizes"]
