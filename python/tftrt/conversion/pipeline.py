"""The steps of a conversion, in order."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import IncompatibleError, InvalidArgumentError
from ..manifest import list_files, write_manifest
from .options import Options
from .output import check_destination, staging
from .quiet import quiet_stderr
from .report import ConversionReport
from .source import Source, open_source

Progress = Callable[[str, float], None]

# A conversion sets environment variables that TF-TRT reads, and may hold back the process's standard error.
_one_at_a_time = threading.RLock()


def run(
    source: Any,
    destination: str | os.PathLike[str],
    options: Options,
    *,
    overwrite: bool,
    progress: Progress | None,
) -> ConversionReport:
    """Convert ``source`` into ``destination``; see :func:`tftrt.convert`."""
    with _one_at_a_time:
        return _run(source, Path(destination), options, overwrite, progress or (lambda phase, done: None))


def _run(source: Any, target: Path, options: Options, overwrite: bool, progress: Progress) -> ConversionReport:
    on_disk = isinstance(source, (str, os.PathLike))
    check_destination(target, Path(source) if on_disk else None, overwrite=overwrite)
    if not on_disk or Path(source).is_file():
        _check_tensorflow()
    phases = _Phases(progress)
    with phases.measure("export", 0.0), quiet_stderr(), contextlib.ExitStack() as stack:
        opened = stack.enter_context(open_source(source, options))
        cleanup = stack.pop_all()
    with cleanup:
        with phases.measure("import TensorFlow", 0.05), quiet_stderr():
            _check_tensorflow()
            _load_op_libraries(options)
            _check_denylist(options)
        report = ConversionReport(
            destination=str(target),
            source={"path": opened.path, "kind": opened.kind, "fingerprint": opened.fingerprint},
            precision=options.precision,
            signatures=[],
        )
        report.sizes.source_bytes = opened.size
        with staging(target) as directory:
            _convert(opened, directory, options, report, phases)
        phases.finish()
    return report


class _Phases:
    """Times the phases and reports progress."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._start = time.perf_counter()

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

    def finish(self) -> None:
        """Report that all is done."""
        self._progress("done", 1.0)


def _convert(source: Source, directory: Path, options: Options, report: ConversionReport, phases: _Phases) -> None:
    from . import freeze, variables
    from .coverage import duplicated_weights, explain_needs, fill_coverage
    from .load import cpu_session, import_graph, initialise, load_model, restore
    from .merge import Merger, check_size
    from .plan import plan_conversion
    from .signature import convert

    with phases.measure("load", 0.1), quiet_stderr():
        model = load_model(source.directory, options.tags, options.signatures)
        report.signatures = model.signatures
        plan = plan_conversion(model, options)
        for signature in plan.signatures:
            check_size(plan.frozen_bytes(signature), f"signature {signature.name!r} with its weights")
        graph = import_graph(model.graph, str(source.directory))
        reads = freeze.add_reads(graph, plan.frozen)
    merger = Merger(plan.base, _engine_fingerprint(source, options))
    with cpu_session(graph) as session:
        with phases.measure("restore", 0.2), quiet_stderr():
            restore(model, session)
            # Before the init op runs: it will run again, over these values, when the result is loaded.
            saved = variables.initialised(session, plan.kept)
            if saved:
                variables.save(session, saved, directory)
            initialise(model, session)
        for number, signature in enumerate(plan.signatures):
            done = 0.3 + 0.5 * number / len(plan.signatures)
            with phases.measure("convert", done, signature.name), quiet_stderr():
                values = freeze.read_values(session, reads, plan.frozen_names(signature))
                convert(signature, values, options)
                del values
                merger.add(signature)
    with phases.measure("write", 0.8), quiet_stderr():
        merged = merger.finish()
        report.variables = [node.attr["shared_name"].s.decode() for node in saved]
        fill_coverage(report, merged, plan.signatures, options)
        found = [note for signature in plan.signatures for note in signature.notes]
        report.notes = list(dict.fromkeys([*plan.notes, *found, *explain_needs(plan.signatures)]))
        report.sizes.duplicated_weight_bytes = duplicated_weights(merged)
        _write_model(model, merged, saved, directory)
    with phases.measure("sum up", 0.95):
        report.sizes.output_bytes = sum(file["bytes"] for file in list_files(directory))
    report.seconds = {**phases.seconds, "total": phases.total()}
    report.seconds = {phase: round(seconds, 3) for phase, seconds in report.seconds.items()}
    write_manifest(directory, _manifest(report, options))


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
    (directory / "saved_model.pb").write_bytes(result.SerializeToString(deterministic=True))
    for part in ("assets", "assets.extra"):
        if (model.directory / part).is_dir():
            ignored = shutil.ignore_patterns("tftrt.json", "trt-serialized-engine.*")
            shutil.copytree(model.directory / part, directory / part, ignore=ignored)


def _check_tensorflow() -> None:
    try:
        import tensorflow as tf
        from tensorflow.compiler.tf2tensorrt._pywrap_py_utils import is_tensorrt_enabled  # noqa: F401
    except ImportError as error:
        raise IncompatibleError(
            f"expected TensorFlow 2.17, the last release with TF-TRT, found: {error}. "
            "Install it with: pip install 'tensorflow>=2.17,<2.18'"
        ) from error
    if not tf.__version__.startswith("2.17."):
        raise IncompatibleError(
            f"expected TensorFlow 2.17, the last release with TF-TRT, found {tf.__version__}. "
            "Install it with: pip install 'tensorflow>=2.17,<2.18'"
        )
    if not tf.test.is_built_with_cuda():
        raise IncompatibleError(
            f"expected a TensorFlow with TF-TRT, found TensorFlow {tf.__version__} built for CPUs alone, as "
            "tensorflow-cpu is; it runs converted models but makes none. Convert where tensorflow is installed, or "
            "install it here: pip uninstall -y tensorflow-cpu && pip install 'tensorflow>=2.17,<2.18'"
        )


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
        "sizes": content["sizes"],
        "seconds": content["seconds"],
    }
