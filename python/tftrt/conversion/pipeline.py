"""The steps of a conversion, in order."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .._full_disk import room_for
from ..errors import InvalidArgumentError
from ..manifest import list_files, write_manifest
from .export import Exported
from .options import Options
from .report import ConversionReport
from .request import Batches
from .requirements import check_tensorflow
from .source import Source, open_source
from .storage import copy_files

Progress = Callable[[str, float], None]
Ask = Callable[[Path, list[str]], Batches]
"""Takes the SavedModel that is converted and the names of its signatures; returns batches of inputs."""


def convert(
    exported: Exported,
    directory: Path,
    options: Options,
    report: ConversionReport,
    *,
    progress: Progress,
    compares: bool = True,
    ask: Ask | None = None,
    before: float = 0.0,
) -> bool:
    """Convert a model into the empty folder ``directory``, and fill in ``report``.

    Args:
        exported: The model.
        directory: The folder.
        options: The options.
        report: The report, with the destination.
        progress: Called with a phase and the fraction done.
        compares: Whether the values of the result are compared with those of the source, once it is loaded.
        ask: Asks the caller for inputs to compare with; None: they are made up.
        before: Seconds that the caller has taken before.

    Returns:
        Whether a run that cannot be stopped still goes on, so that the process should end.
    """
    phases = _Phases(progress, before)
    with contextlib.ExitStack() as stack:
        with phases.measure("import TensorFlow", 0.05):
            check_tensorflow()
            _load_op_libraries(options)
            _check_denylist(options)
        with phases.measure("export", 0.1):
            source = stack.enter_context(open_source(exported, options))
        report.source = {"path": source.path, "kind": source.kind, "fingerprint": source.fingerprint}
        report.sizes.source_bytes = source.size
        with room_for(Path(report.destination), source.size):
            _convert(source, directory, options, report, phases)
            with phases.measure("sum up", 0.87):
                files = list_files(directory)
                report.sizes.output_bytes = sum(file["bytes"] for file in files)
            write_manifest(directory, _manifest(report, options), files)
            with phases.measure("check", 0.9):
                from .proof import prove

                batches = ask(source.directory, report.signatures) if compares and ask is not None else None
                busy = prove(
                    source.directory, directory, report, options, phases.total(), compares=compares, batches=batches
                )
            report.seconds = phases.rounded()
            write_manifest(directory, _manifest(report, options), files)
    phases.finish()
    return busy


class _Phases:
    """Times the phases and reports progress."""

    def __init__(self, progress: Progress, before: float) -> None:
        self.seconds: dict[str, float] = {"export": before}
        self._progress = progress
        self._start = time.perf_counter() - before

    @contextlib.contextmanager
    def measure(self, phase: str, done: float, detail: str = "") -> Iterator[None]:
        """Time a phase; ``done`` of the whole work lies before it."""
        self._progress(f"{phase} {detail}".strip(), done)
        start = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

    def total(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def rounded(self) -> dict[str, float]:
        """The seconds of each phase until now, and those since the start as "total"."""
        seconds = {**self.seconds, "total": self.total()}
        return {phase: round(value, 3) for phase, value in seconds.items()}

    def finish(self) -> None:
        """Report that all is done."""
        self._progress("done", 1.0)


def _convert(source: Source, directory: Path, options: Options, report: ConversionReport, phases: _Phases) -> None:
    from . import freeze, variables
    from .coverage import duplicated_weights, fill_coverage
    from .kernel_needs import explain_needs
    from .load import cpu_session, import_graph, initialise, load_model, restore
    from .merge import Merger, check_size
    from .plan import plan_conversion
    from .signature import convert

    with phases.measure("load", 0.1):
        model = load_model(source.directory, options.tags, options.signatures)
        report.signatures = model.signatures
        plan = plan_conversion(model, options)
        for signature in plan.signatures:
            check_size(plan.frozen_bytes(signature), f"signature {signature.name!r} with its weights")
        graph = import_graph(model.graph, str(source.directory))
        reads = freeze.add_reads(graph, plan.frozen)
    merger = Merger(plan.base, _engine_fingerprint(source, options))
    with cpu_session(graph) as session:
        with phases.measure("restore", 0.2):
            restore(model, session)
            # Before the init op runs: it will run again, over these values, when the result is loaded.
            saved = variables.initialised(session, plan.kept)
            if saved:
                variables.save(session, saved, directory)
            initialise(model, session)
        for number, signature in enumerate(plan.signatures):
            done = 0.3 + 0.5 * number / len(plan.signatures)
            with phases.measure("convert", done, signature.name):
                values = freeze.read_values(session, reads, plan.frozen_names(signature))
                convert(signature, values, options)
                del values
                merger.add(signature)
    with phases.measure("write", 0.8):
        merged = merger.finish()
        report.variables = [node.attr["shared_name"].s.decode() for node in saved]
        fill_coverage(report, merged, plan.signatures, options)
        found = [note for signature in plan.signatures for note in signature.notes]
        report.notes = list(
            dict.fromkeys([*plan.notes, *found, *explain_needs(signature.graph for signature in plan.signatures)])
        )
        report.sizes.duplicated_weight_bytes = duplicated_weights(merged)
        _write_model(model, merged, saved, directory)


def _write_model(model: Any, merged: Any, saved: list[Any], directory: Path) -> None:
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    from . import variables
    from .load import import_graph
    from .merge import check_size

    result = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = result.meta_graphs.add()
    meta.meta_info_def.tags.extend(model.meta.meta_info_def.tags)
    meta.meta_info_def.tensorflow_version = tf.__version__
    meta.meta_info_def.tensorflow_git_version = tf.version.GIT_VERSION
    meta.meta_info_def.stripped_default_attrs = False
    meta.asset_file_def.extend(model.meta.asset_file_def)
    if saved:
        meta.saver_def.CopyFrom(variables.add_saver(merged.graph, saved))
    import_graph(merged.graph, "the converted graph")
    meta.graph_def.CopyFrom(merged.graph)
    for name, definition in merged.definitions.items():
        meta.signature_def[name].CopyFrom(definition)
    if model.init:
        # Not as a signature: TensorFlow's own loader would make a function of it, without the assets it
        # needs.
        meta.collection_def["saved_model_main_op"].node_list.value.append(model.init)
    # The runtime knows a converted graph by this where a copy of the model lacks the manifest.
    meta.collection_def["tftrt_converted"].int64_list.value.append(1)
    for collection in ("saved_model_assets", "asset_filepaths"):
        if collection in model.meta.collection_def:
            meta.collection_def[collection].CopyFrom(model.meta.collection_def[collection])
    check_size(result.ByteSize(), "the converted model")
    with room_for(directory / "saved_model.pb", result.ByteSize()):
        (directory / "saved_model.pb").write_bytes(result.SerializeToString(deterministic=True))
    for part in ("assets", "assets.extra"):
        if (model.directory / part).is_dir():
            copy_files(model.directory / part, directory / part, _is_of_conversion)


def _is_of_conversion(name: str) -> bool:
    return name == "tftrt.json" or name.startswith("trt-serialized-engine.")


def _load_op_libraries(options: Options) -> None:
    import tensorflow as tf

    for library in options.op_libraries:
        try:
            tf.load_op_library(os.fspath(library))
        except (tf.errors.OpError, OSError) as error:
            raise InvalidArgumentError(
                f"op_libraries: expected a library with ops, found {library}: {error}"
            ) from error


def _check_denylist(options: Options) -> None:
    from tensorflow.python.framework import op_def_registry

    for op in options.op_denylist:
        if op_def_registry.get(op) is None:
            raise InvalidArgumentError(
                f"op_denylist: expected op types that TensorFlow knows, such as 'Conv2D', found {op!r}."
            )


def _engine_fingerprint(source: Source, options: Options) -> str:
    """Digits that tell this conversion's engines from those of any other in a process."""
    text = json.dumps([source.fingerprint, options.to_dict()], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _manifest(report: ConversionReport, options: Options) -> dict[str, Any]:
    import tensorflow as tf
    from tensorflow.compiler.tf2tensorrt import _pywrap_py_utils

    try:
        version = importlib.metadata.version("tftrt")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    content = report.to_dict()
    return {
        "created_by": {
            "tftrt": version,
            "tensorflow": tf.__version__,
            "tensorrt_linked": ".".join(map(str, _pywrap_py_utils.get_linked_tensorrt_version())),
            "python": platform.python_version(),
        },
        "created_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "source": content["source"],
        "conversion": options.to_dict(),
        "signatures": content["signatures"],
        "engines": content["engines"],
        "outside": content["outside"],
        "coverage": {
            "nodes": content["nodes"],
            "heavy_ops": content["heavy_ops"],
            "heavy_by_op": content["heavy_by_op"],
        },
        "variables": content["variables"],
        "notes": content["notes"],
        "checks": content["checks"],
        "sizes": content["sizes"],
        "seconds": content["seconds"],
    }
