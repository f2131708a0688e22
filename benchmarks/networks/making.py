"""Makes, converts and builds a network, with what the GPU tests use for it; what was made before is found again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpu import parity
from gpu.factory import Arrays, TensorFlow
from gpu.workshop import Workshop, read_manifest
from networks import calibration_batches, make_inputs
from record import NotMeasurableError, Record

import tftrt
from tftrt.benchmarking.measure import MakeCall
from tftrt.benchmarking.tensorrt_paths import tensorrt_paths

__all__ = ["Made", "make", "make_checked"]


@dataclass
class Made:
    """A network that is ready to be measured.

    Attributes:
        source: The SavedModel as TensorFlow exported it.
        model: The converted one, with engines where there is a GPU.
        options: How to load ``model``.
        inputs: Arrays by batch size.
        conversion: The options that it was converted with.
        build: The options that its engines were built with.
    """

    source: Path
    model: Path
    options: dict[str, Any]
    inputs: dict[int, Arrays]
    conversion: dict[str, str]
    build: dict[str, Any] = field(default_factory=dict)

    @property
    def on_gpu(self) -> bool:
        """Whether engines run."""
        return bool(self.options["device"] != "cpu")

    def raw_graph(self, model: tftrt.Model) -> MakeCall:
        """The floor, with batch 1: TensorRT's own CUDA graph of the plan that ``model`` ran last.

        Raises:
            NotMeasurableError: There is none on a CPU.
            UnsupportedError: The model is not one engine, or there is no TensorRT module.
        """
        if not self.on_gpu:
            raise NotMeasurableError("raw-graph: the model runs on the CPU")
        return tensorrt_paths(model, self.inputs[1])["raw-graph"]

    def load(self, **options: Any) -> tftrt.Model:
        """Load ``model``, and run it once with the smallest batch."""
        loaded = tftrt.Model(self.model, **self.options, **options)
        loaded(self.inputs[min(self.inputs)])
        return loaded


def make(
    record: Record,
    network: str,
    conversion: dict[str, str],
    batches: list[int],
    timing_cache: Path | None,
    optimization_level: int | None,
) -> Made | None:
    """Make it with these options of :func:`tftrt.convert`, and compare it with the source; None if that fails."""
    precision = conversion["precision"]
    inputs = {batch: make_inputs(network, batch) for batch in sorted({1, *batches})}
    on_gpu = bool(tftrt._native.inspect_environment().gpus)
    options: dict[str, Any] = {}
    with closing(TensorFlow()) as tensorflow:
        workshop = Workshop(tensorflow)
        with record.step("make and convert"):
            source, model = workshop.source(network), workshop.converted(network, **conversion)
            record.content["model"] = _describe_conversion(read_manifest(model))
        if record.failed:
            return None
        with record.step("build"):
            if not on_gpu:
                raise NotMeasurableError("there is no GPU; engines run as the TensorFlow ops that they were made from")
            options.update(optimization_level=optimization_level)
            if timing_cache is not None:
                options["timing_cache"] = timing_cache.absolute()
            if precision == "INT8":
                options["calibration"] = calibration_batches(network, batches)
            options["shapes"] = [{name: array.shape for name, array in arrays.items()} for arrays in inputs.values()]
            model = workshop.built(network, conversion, **options)
            record.content["build"] = _describe_build(read_manifest(model))
        if record.failed:
            return None
        loading = {"device": "gpu:0", "on_miss": "error"} if on_gpu else {"device": "cpu"}
        made = Made(source, model, loading, inputs, conversion, options)
        with record.step("parity"):
            expected = workshop.expected(network, *inputs.values())
            _check_parity(record, made, precision, dict(zip(inputs, expected)))
    return made


def make_checked(made: Made, network: str) -> Made:
    """The same network behind checks of its inputs: the builder ``NETWORK_checked``."""
    name = f"{network}_checked"
    with closing(TensorFlow()) as tensorflow:
        workshop = Workshop(tensorflow)
        source, model = workshop.source(name), workshop.converted(name, **made.conversion)
        if made.on_gpu:
            model = workshop.built(name, made.conversion, **made.build)
    return replace(made, source=source, model=model)


def _describe_conversion(manifest: dict[str, Any]) -> dict[str, Any]:
    engines = [{key: engine[key] for key in ("name", "nodes", "weight_bytes")} for engine in manifest["engines"]]
    return {"engines": engines, "outside": manifest["outside"], "conversion_seconds": manifest["seconds"]}


def _describe_build(manifest: dict[str, Any]) -> dict[str, Any]:
    built = {key: manifest["build"][key] for key in ("seconds", "timing_cache", "optimization_level")}
    return {**built, "plan_bytes": [engine["plan"]["bytes"] for engine in manifest["engines"] if engine.get("plan")]}


def _check_parity(record: Record, made: Made, precision: str, expected: dict[int, Arrays]) -> None:
    """Each way through tftrt against TensorFlow on the CPU, in FP32."""
    bound = parity.BOUNDS[precision]["deep"]
    errors: dict[str, dict[int, float]] = {}
    record.content["parity"] = {"errors": errors, "bound": bound}
    with made.load() as model:
        record.content["model"].update(
            instances=model.info.instances, engines_ready=model.info.engines_ready, load_seconds=model.info.load_seconds
        )
        names = [spec.name for spec in (*model.inputs, *model.outputs)]
        for batch, arrays in made.inputs.items():
            results = {"call": model(arrays), "bound": _run_bound(model, arrays, [])}
            if made.on_gpu:
                results["bound-gpu"] = _run_bound(model, arrays, names)
            for path, result in results.items():
                errors.setdefault(path, {})[batch] = parity.error(result, expected[batch])
    worst = max(error for by_batch in errors.values() for error in by_batch.values())
    if not worst <= bound:
        raise RuntimeError(f"results are {worst:.3g} of their range off; expected at most {bound}")


def _run_bound(model: tftrt.Model, arrays: Arrays, on_gpu: list[str]) -> Arrays:
    """Of the third run, which is a replayed CUDA graph where there are any."""
    runner = model.bind({name: array.shape for name, array in arrays.items()}, on_gpu=on_gpu)
    for name, array in arrays.items():
        if name in on_gpu:
            runner.inputs[name].fill(array)
        else:
            runner.inputs[name][...] = array
    for _ in range(3):
        results = runner.run()
    return {name: value.numpy() if name in on_gpu else value.copy() for name, value in results.items()}
