"""Models that an earlier tftrt converted and built load and compute as before: see tests/data/earlier."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

EARLIER = Path(__file__).parents[1] / "data" / "earlier"
CALLS = json.loads((EARLIER / "values.json").read_text())


def inputs(signature: str, batch: int) -> dict[str, Any]:
    if signature == "features":
        return {"x": np.linspace(-1, 1, batch * 4).reshape(batch, 4).astype(np.float32)}
    image = np.linspace(-1, 1, batch * 108).reshape(batch, 6, 6, 3).astype(np.float32)
    return {"image": image, "word": np.array(["green", "none"] * batch)[:batch]}


@pytest.mark.parametrize("executor", ["auto", "parallel", "single"])
@pytest.mark.parametrize("kind", ["converted", "built"])
def test_values_are_those_of_the_source(kind: str, executor: str, tmp_path: Path) -> None:
    path = shutil.copytree(EARLIER / kind, tmp_path / "copy")
    models = {
        name: tftrt.Model(path, name, device="cpu", executor=executor) for name in ("serving_default", "features")
    }
    for call in CALLS:
        found = models[call["signature"]].run(inputs(call["signature"], call["batch"]))
        assert sorted(found) == sorted(call["outputs"])
        for name, value in call["outputs"].items():
            wanted = np.asarray(value, found[name].dtype)
            assert found[name].shape == wanted.shape
            np.testing.assert_allclose(found[name], wanted, rtol=1e-6, err_msg=name)
    for model in models.values():
        model.close()


@pytest.mark.parametrize("kind", ["converted", "built"])
def test_their_manifests_are_read(kind: str) -> None:
    manifest = json.loads(tftrt.inspect(EARLIER / kind).manifest)
    assert [engine["signatures"] for engine in manifest["engines"]] == [["features"], ["serving_default"]]
    assert all(bool(engine.get("plan")) == (kind == "built") for engine in manifest["engines"])
    if kind == "built":
        assert manifest["build"]["gpu"]["compute_capability"] == "9.0"
