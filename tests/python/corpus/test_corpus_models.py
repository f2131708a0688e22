"""Every model of the corpus, converted in every precision and called in every way, has TensorFlow's bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matrix import DIFFERENCES, examine
from registry import entries

MODELS = entries()


def check(name: str, tensorflow: Any, root: Path, request: pytest.FixtureRequest, *, thorough: bool) -> None:
    entry = MODELS[name]
    if entry.keras_2:
        pytest.importorskip("tf_keras")
    library = request.getfixturevalue("op_library") if entry.library else None
    failures = list(examine(tensorflow, entry, root, library, thorough=thorough))
    assert not failures, "\n".join(map(str, failures[:5]))


@pytest.mark.corpus
@pytest.mark.parametrize("name", sorted(MODELS))
def test_model(name: str, tensorflow: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    check(name, tensorflow, tmp_path, request, thorough=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_model_in_all_ways(name: str, tensorflow: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    check(name, tensorflow, tmp_path, request, thorough=True)


def test_few_differences_are_known() -> None:
    assert len(DIFFERENCES) <= 5
    assert DIFFERENCES.keys() <= MODELS.keys()


def test_models_are_many() -> None:
    assert len(MODELS) >= 80
