"""The networks that can be measured, and what they are called with: seeded, as real as random inputs can be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gpu import samples
from gpu.factory import Arrays

__all__ = ["CHECKS", "NETWORKS", "calibration_batches", "make_inputs"]

_CALIBRATION_BATCHES = 8
_CALIBRATION_BATCH = 8


def _sentences(batch: int, *, seed: int = 0) -> Arrays:
    # Not padded: with 127 steps for what a mask adds to hide, INT8 has none left for the rest.
    return samples.sentences(batch, samples.LENGTH, seed=seed, padded=False, words=samples.VOCABULARY)


NETWORKS: dict[str, Callable[..., Arrays]] = {
    "resnet50": samples.picture,
    "mobilenetv2": samples.picture,
    "efficientnetb0": samples.pixels,
    "bert_base": _sentences,
    "cnn": samples.image,
    "wide": samples.feature_map,
}
"""Builders of tests/gpu/models.py, and what makes a batch for them."""

CHECKS = {"bert_base": "assert_less(ids, vocabulary)", "cnn": "check_numerics(image)"}
"""Those that have a builder NETWORK_checked as well, and the check of its inputs."""


def make_inputs(network: str, batch: int, seed: int = 0) -> Arrays:
    """Arrays by input name."""
    arrays = NETWORKS[network](batch, seed=seed)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def calibration_batches(network: str, batches: list[int]) -> list[Arrays]:
    """Other inputs than are measured; TensorRT calibrates with one of the shapes that it builds for."""
    size = _CALIBRATION_BATCH if _CALIBRATION_BATCH in batches else max(batches)
    return [make_inputs(network, size, seed=50 + number) for number in range(_CALIBRATION_BATCHES)]
