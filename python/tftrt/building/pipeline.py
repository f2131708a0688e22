"""The steps of a build, in order."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from .._full_disk import room_for
from .._native import SignatureSpec
from ..batches.data import read_batches
from ..batches.spool import Spool
from ..conversion.output import staging
from ..errors import Error, InvalidArgumentError, ModelError
from ..manifest import MANIFEST_PATH, write_manifest
from .calibration import tables_for_build
from .destination import choose_destination, copy_rest
from .failure import death, engines_failed, keep_log, reported
from .gpu import Machine, find_machine
from .manifest import add_build, make_plans
from .model import BuildableModel, open_model
from .options import Options
from .plan_cache import PlanCache
from .process import LOG_NAME, WORKER, run_worker
from .progress import BuildProgress
from .report import BuildReport, BuiltEngine
from .requests import Request, default_requests, fixed_requests, merge, range_requests
from .shapes import Shapes
from .timing_cache import TimingCache

__all__ = ["run"]

_TIMING_CACHE_IN = "timing-cache-in"
_TIMING_CACHE_OUT = "timing-cache-out"


def run(
    path: str | os.PathLike[str],
    options: Options,
    progress: Callable[[str, float], None] | None,
    command: Sequence[str] = WORKER,
) -> BuildReport:
    """Build the engines of the model in ``path``; see :func:`tftrt.build`.

    Args:
        path: The model.
        options: Checked.
        progress: Called with a phase and the fraction done.
        command: The worker.
    """
    start = time.perf_counter()
    model = open_model(path)
    signatures = model.choose(options.signatures)
    requests = _requests_for(model, signatures, options)
    tables = tables_for_build(model, options, [signature.name for signature in signatures])
    target = choose_destination(model, options.output, overwrite=options.overwrite)
    machine = find_machine(options.gpu)
    shown = BuildProgress(progress or (lambda phase, done: None), calibrates=bool(options.calibration))
    # What is in it may be large, so it goes where TMPDIR says.
    size = partial(_bytes_below, model.directory)
    with room_for(target, size), tempfile.TemporaryDirectory(prefix="tftrt-build-") as folder:
        work = _Work(model, signatures, options, machine, tables, Path(folder), shown, command)
        with room_for(Path(folder), size):
            work.gather(requests)
        with staging(target) as directory:
            work.build(directory)
            shown.writing()
            report = work.write(directory, target, start)
    shown.finish()
    return report


def _bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _requests_for(model: BuildableModel, signatures: list[SignatureSpec], options: Options) -> list[Request]:
    """What the arguments ask for; what sample data adds is not known yet."""
    if options.ranges and model.implicit_batch:
        raise InvalidArgumentError(
            "min_shapes, max_shapes: expected fixed shapes only, because the model was converted with "
            "dynamic_shapes=False: each of its engines takes one shape, with smaller batches. Give shapes, "
            "or convert again."
        )
    requests = [*fixed_requests(options.shapes, signatures), *range_requests(options.ranges, signatures)]
    if not options.data and not options.calibration:
        kept = model.requests() if options.keep else []
        requests += default_requests(requests, signatures, kept, {}, model.path)
    return requests


@dataclass
class _Work:
    """One build: what it has, and what it has found out so far."""

    model: BuildableModel
    signatures: list[SignatureSpec]
    options: Options
    machine: Machine
    tables: dict[str, str]
    folder: Path
    progress: BuildProgress
    command: Sequence[str]
    requests: list[Request] = field(default_factory=list)
    calibration: list[dict[str, Any]] = field(default_factory=list)
    engines: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    timing_cache: dict[str, Any] = field(default_factory=dict)

    def gather(self, requests: list[Request]) -> None:
        """Read data and calibration batches into files, and find out what is asked for."""
        options, model = self.options, self.model
        kept = model.requests() if options.keep else []
        spool = Spool(self.folder)
        if options.data or options.calibration:
            self.progress.reading()
        requests = merge([*requests, *self._spool_data(spool)])
        shapes = self._spool_calibration(spool)
        if options.data or options.calibration:
            requests += default_requests(requests, self.signatures, kept, shapes, model.path)
        self.requests = merge([*kept, *requests])

    def _spool_data(self, spool: Spool) -> list[Request]:
        found: dict[str, Request] = {}
        for _, signature, arrays in read_batches("data", self.options.data, self.signatures):
            request = Request(signature, {"fixed": {name: array.shape for name, array in arrays.items()}})
            if request.key not in found:
                found[request.key] = Request(signature, request.shapes, spool.write(arrays))
            self.progress.tick()
        return list(found.values())

    def _spool_calibration(self, spool: Spool) -> dict[str, Shapes]:
        """Shapes of the batches, by signature."""
        shapes: dict[str, Shapes] = {}
        for where, signature, arrays in read_batches("calibration", self.options.calibration, self.signatures):
            found = {name: array.shape for name, array in arrays.items()}
            expected = shapes.setdefault(signature, found)
            if found != expected:
                raise InvalidArgumentError(
                    f"{where}: expected the shapes of the first batch, {_text(expected)}, found {_text(found)}. "
                    "TensorRT calibrates with one shape; leave out the last batch if it is smaller."
                )
            self.calibration.append({"signature": signature, "file": str(spool.write(arrays))})
            self.progress.tick()
        missing = [signature.name for signature in self.signatures if signature.name not in shapes]
        if shapes and missing:
            raise InvalidArgumentError(
                f"calibration: expected batches for each signature, found none for {', '.join(missing)}. Give batches "
                "for these too, or leave them out: signatures=[...] (--signature)."
            )
        return shapes

    def build(self, directory: Path) -> None:
        """Have the worker build into ``directory``."""
        cache = None
        if self.options.timing_cache is not None:
            cache = TimingCache(self.options.timing_cache, self.machine.timing_key)
        before = b"" if cache is None else cache.load()
        if before:
            (self.folder / _TIMING_CACHE_IN).write_bytes(before)
        written = self.folder / _TIMING_CACHE_OUT
        try:
            self._run_worker(self._request(directory, has_timings=bool(before)))
        finally:
            # Also after a failure: the next try has less to measure.
            after = written.read_bytes() if written.exists() else b""
            if cache is not None and after:
                cache.store(after)
        self.timing_cache = {
            "path": None if cache is None else str(cache.path),
            "hit": bool(before),
            "bytes": len(after),
        }

    def _run_worker(self, request: dict[str, Any]) -> None:
        error: dict[str, Any] = {}

        def handle(event: dict[str, Any]) -> None:
            self.progress.handle(event)
            if event["event"] == "built":
                self.engines = event["engines"]
            elif event["event"] == "result":
                self.result = event
            elif event["event"] == "error":
                error.update(event)

        code = run_worker(request, self.folder, handle, self.progress.tick, self.command)
        if error:
            raise reported(error)
        log = (self.folder / LOG_NAME).read_text(encoding="utf-8", errors="replace")
        failure: Error | None
        if self.result:
            failure = engines_failed(self.engines, log, self.model.path)
        else:
            failure = death(code, self.progress.doing or "starting", log, self.model.path)
        if failure is not None:
            raise type(failure)(f"{failure} The log of TensorFlow and TensorRT: {keep_log(log)}")

    def _request(self, directory: Path, *, has_timings: bool) -> dict[str, Any]:
        model, options = self.model, self.options
        keep_engines = options.keep and model.implicit_batch and self.machine.made(model.build)
        libraries = [library for library in model.conversion["op_libraries"] if Path(library).exists()]
        return {
            "model": str(model.directory),
            "save_to": str(directory),
            "options": {
                "tags": model.conversion["tags"],
                "device": f"gpu:{options.gpu}",
                "op_libraries": [str(Path(library).absolute()) for library in libraries],
                "profile_strategy": options.profile_strategy,
                "max_workspace_size_bytes": options.max_workspace_size_bytes,
                "optimization_level": options.optimization_level,
                "keep_engines": keep_engines,
                "calibration_tables": self.tables,
            },
            "collect": [call for request in self.requests for call in _calls(request)],
            "calibrate": self.calibration,
            "timing_cache_in": str(self.folder / _TIMING_CACHE_IN) if has_timings else None,
            "timing_cache_out": str(self.folder / _TIMING_CACHE_OUT),
            "plan_cache": None if options.plan_cache is None else str(options.plan_cache),
        }

    def write(self, directory: Path, target: Path, start: float) -> BuildReport:
        """Complete the model in ``directory``."""
        model, options = self.model, self.options
        if open_model(model.directory).manifest != model.manifest:
            raise ModelError(f"{model.path} was changed while its engines were built. Build again.")
        copy_rest(model, directory)
        plans = make_plans(self.engines, directory)
        strategy = options.profile_strategy or model.conversion["profile_strategy"]
        seconds = {**self.result["seconds"], "total": round(time.perf_counter() - start, 3)}
        content = add_build(
            model.manifest,
            plans,
            self.result,
            self.requests,
            tensorflow=self.machine.tensorflow,
            profile_strategy=strategy,
            optimization_level=options.optimization_level,
            calibrated=model.needs_calibration,
            calibration_batches=len(self.calibration),
            timing_cache={"hit": self.timing_cache["hit"], "bytes": self.timing_cache["bytes"]},
            reused_plans=sum(engine["reused"] for engine in self.engines),
            seconds=seconds,
        )
        (directory / MANIFEST_PATH).unlink(missing_ok=True)
        write_manifest(directory, content)
        self._keep_plans(plans, directory)
        return BuildReport(
            path=str(target),
            engines=[_built_engine(engine, self.engines) for engine in content["engines"]],
            requests=content["build"]["requests"],
            gpu=self.result["gpu"],
            tensorrt=self.result["tensorrt"],
            profile_strategy=strategy,
            calibrated=model.needs_calibration,
            calibration_batches=len(self.calibration),
            timing_cache=self.timing_cache,
            seconds=seconds,
        )

    def _keep_plans(self, plans: dict[str, dict[str, Any]], directory: Path) -> None:
        if self.options.plan_cache is None:
            return
        cache = PlanCache(self.options.plan_cache)
        for engine in self.engines:
            key = self.result["plan_keys"].get(engine["name"])
            if key is not None and engine["built"] and not engine["reused"]:
                plan = plans[engine["name"]]
                cache.store(key, directory / plan["asset"], plan["sha256"])


def _calls(request: Request) -> list[dict[str, Any]]:
    """What the worker collects shapes with."""
    file = None if request.file is None else str(request.file)
    return [
        {"signature": request.signature, "role": role, "shapes": shapes, "file": file}
        for role, shapes in request.shapes.items()
    ]


def _built_engine(entry: dict[str, Any], results: Sequence[dict[str, Any]]) -> BuiltEngine:
    """The report on one engine, from its entry in the manifest and the builder's word on it."""
    plan = entry["plan"] or {"bytes": 0, "profiles": [], "shapes": [], "seconds": 0.0}
    (result,) = (result for result in results if result["name"] == entry["name"])
    return BuiltEngine(
        name=entry["name"],
        signatures=entry["signatures"],
        precision=entry["precision"],
        built=result["built"],
        reused=result["reused"],
        problem=result["problem"],
        profiles=plan["profiles"],
        shapes=plan["shapes"],
        plan_bytes=plan["bytes"],
        seconds=plan["seconds"],
    )


def _text(shapes: Shapes) -> str:
    return ", ".join(f"{name}: {list(shape)}" for name, shape in shapes.items())
