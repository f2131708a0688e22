"""TF-TRT's own classes, as its documentation uses them, with the import line changed."""

from __future__ import annotations

from pathlib import Path

import tftrt

from . import counts, parity, processes, samples
from .counts import Counts
from .workshop import Workshop

SMALL = parity.BOUNDS["FP32"]["small"]

# Arguments: the model, and where to write.
V2 = """
import sys
import numpy as np
import tftrt.compat as trt

def inputs():
    for batch in (1, 8):
        yield [np.random.default_rng(batch).random((batch, 16, 16, 3), np.float32)]

parameters = trt.DEFAULT_TRT_CONVERSION_PARAMS._replace(precision_mode=trt.TrtPrecisionMode.{precision})
converter = trt.TrtGraphConverterV2(input_saved_model_dir=sys.argv[1], conversion_params=parameters)
converter.convert({calibration})
converter.build(input_fn=inputs)
converter.summary()
converter.save(sys.argv[2])
"""
CALIBRATION = (
    "calibration_input_fn=lambda: ([np.random.default_rng(seed).standard_normal((8, 16, 16, 3)).astype(np.float32)]"
    " for seed in range(4))"
)

V1 = """
import sys
import numpy as np
from tensorflow.python.saved_model.loader_impl import parse_saved_model
import tftrt.compat as trt

signature = parse_saved_model(sys.argv[1]).meta_graphs[0].signature_def["serving_default"]
converter = trt.TrtGraphConverter(
    input_saved_model_dir=sys.argv[1], precision_mode="INT8", use_calibration=True, max_batch_size=8
)
converter.convert()
converter.calibrate(
    fetch_names=[signature.outputs["logits"].name],
    num_runs=3,
    feed_dict_fn=lambda: {
        signature.inputs["image"].name: np.random.default_rng(9).standard_normal((8, 16, 16, 3)).astype(np.float32)
    },
)
converter.save(sys.argv[2])
"""


def _check(path: Path, workshop: Workshop, bound: float) -> None:
    inputs = samples.image(8)
    with tftrt.Model(path, on_miss="error") as model:
        before = counts.counts(model)
        result = model(inputs)
        assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)
        assert parity.error(result, workshop.expected("cnn", inputs)[0]) <= bound


def test_v2_builds(workshop: Workshop, tmp_path: Path) -> None:
    script = V2.format(precision="FP32", calibration="")
    processes.run("-c", script, str(workshop.source("cnn")), str(tmp_path / "out"), timeout=380)
    _check(tmp_path / "out", workshop, SMALL)


def test_v2_calibrates(workshop: Workshop, tmp_path: Path) -> None:
    script = V2.format(precision="INT8", calibration=CALIBRATION)
    processes.run("-c", script, str(workshop.source("cnn")), str(tmp_path / "out"), timeout=380)
    _check(tmp_path / "out", workshop, parity.BOUNDS["INT8"]["small"])
    assert tftrt.calibration_table(tmp_path / "out")


def test_v1_calibrates(workshop: Workshop, tmp_path: Path) -> None:
    processes.run("-c", V1, str(workshop.source("cnn")), str(tmp_path / "out"), timeout=380)
    _check(tmp_path / "out", workshop, parity.BOUNDS["INT8"]["small"])
