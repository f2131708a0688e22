"""Inputs for the models of models.py: seeded, the same in every process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Inputs = dict[str, NDArray[np.generic]]

WORDS = 1000
VOCABULARY = 30522
LENGTH = 128
HELD_OUT = 500


def image(batch: int, *, seed: int = 0, size: int = 16) -> Inputs:
    """For cnn, two_signatures and qdq."""
    return {"image": np.random.default_rng(seed).standard_normal((batch, size, size, 3)).astype(np.float32)}


def picture(batch: int, *, seed: int = 0) -> Inputs:
    """For resnet50 and mobilenetv2: patches of colour, so that pictures differ in more than noise that averages out."""
    generator = np.random.default_rng(seed)
    patches = generator.standard_normal((batch, 7, 7, 3)) + generator.standard_normal((batch, 1, 1, 3))
    pixels = np.kron(patches, np.ones((1, 32, 32, 1))) + 0.2 * generator.standard_normal((batch, 224, 224, 3))
    return {"image": pixels.astype(np.float32)}


def pixels(batch: int, *, seed: int = 0) -> Inputs:
    """For efficientnetb0, which scales 0 to 255 itself: the same as pictures of bytes."""
    scaled = 128 + 48 * np.asarray(picture(batch, seed=seed)["image"], np.float32)
    return {"image": np.clip(np.round(scaled), 0, 255)}


def feature_map(batch: int, *, seed: int = 0) -> Inputs:
    """For wide."""
    return {"image": np.random.default_rng(seed).standard_normal((batch, 32, 32, 16)).astype(np.float32)}


def pair(rows: int, columns: int, *, seed: int = 0) -> Inputs:
    """For pair."""
    generator = np.random.default_rng(seed)
    return {name: generator.standard_normal((rows, columns)).astype(np.float32) for name in "ab"}


def ids(batch: int, *, seed: int = 0) -> Inputs:
    """For lookup."""
    return {"ids": np.random.default_rng(seed).integers(0, WORDS, (batch, 12)).astype(np.int32)}


def sentences(batch: int, length: int, *, seed: int = 0, padded: bool = True, words: int = WORDS) -> Inputs:
    """For bert, and with VOCABULARY for bert_base; ``padded`` masks the end of each sentence but the first."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, length + 1, batch) if padded else np.full(batch, length)
    lengths[0] = length
    return {
        "ids": generator.integers(0, words, (batch, length)).astype(np.int32),
        "mask": (np.arange(length) < lengths[:, None]).astype(np.int32),
    }


def digits() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """scikit-learn's digits in a fixed order: images and labels to train on, and HELD_OUT others."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images = (images[order].reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    labels = labels[order].astype(np.int64)
    return images[:-HELD_OUT], labels[:-HELD_OUT], images[-HELD_OUT:], labels[-HELD_OUT:]
