"""How far a result may be from TensorFlow's on the CPU, in one place.

The error of an output is its largest absolute difference, divided by the range (largest minus smallest value) of what
is expected. Small networks have 3 to 4 layers of products, deep ones 20 to 54.
"""

from __future__ import annotations

import numpy as np

from .factory import Arrays

BOUNDS = {
    # An H100 multiplies FP32 as TF32, in engines and in TensorFlow's own kernels: FP16's mantissa of 10 bits, 5e-4 in
    # each factor. Sums average it out; layers add it up. MobileNetV2, with 54 layers, is 0.02 off, and 4e-6 without
    # TF32: WITHOUT_TF32 is the bound that finds a wrong engine.
    "FP32": {"small": 3e-3, "deep": 3e-2},
    # Activations are rounded between layers as well, and sums may be.
    "FP16": {"small": 1e-2, "deep": 3e-2},
    # 1/127 of each tensor's range in each layer, and what the calibration's histogram cuts off. What matters for INT8
    # is a model's accuracy: test_int8.py. These bounds tell a coarse result from a wrong one, whose error is near 1.
    "INT8": {"small": 0.15, "deep": 0.3},
}

# Deep networks built and run with NVIDIA_TF32_OVERRIDE=0: 24 bits of mantissa.
WITHOUT_TF32 = 1e-4

# The same engine with the same shapes on the same GPU: TensorRT's kernels are deterministic up to split sums.
SAME_ENGINE = 1e-5

# Ranges from the graph: native computes with the same steps of 1/127, and roundings that fall the other way differ.
QDQ = 0.05


def error(actual: Arrays, expected: Arrays) -> float:
    """The error of the worst output; infinite if names, shapes or finiteness differ."""
    if sorted(actual) != sorted(expected):
        return np.inf
    worst = 0.0
    for name, values in expected.items():
        found = np.asarray(actual[name])
        if found.shape != values.shape or not np.isfinite(found).all():
            return np.inf
        scale = float(values.max() - values.min())
        assert scale > 0, f"the reference's output {name} is constant: the model is degenerate"
        worst = max(worst, float(np.abs(found.astype(np.float64) - values).max()) / scale)
    return worst
