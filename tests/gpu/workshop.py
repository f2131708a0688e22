"""Models, conversions and engines, made once and kept in ``TFTRT_GPU_CACHE`` (default /tmp/tftrt_gpu).

Test processes share them: whoever comes first makes, the others wait at a lock. Their folders are named by all that
they depend on, tftrt's own files included, so that nothing stale is ever taken.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tftrt
from tftrt.manifest import MANIFEST_PATH

from . import recording
from .factory import Arrays, TensorFlow

ROOT = Path(os.environ.get("TFTRT_GPU_CACHE", "/tmp/tftrt_gpu"))
TIMING = Path(os.environ.get("TFTRT_GPU_TIMING", str(ROOT / "timing")))
"""Timing caches, kept from run to run."""
LEVEL = int(os.environ["TFTRT_GPU_LEVEL"]) if os.environ.get("TFTRT_GPU_LEVEL") else None
"""TensorRT's optimization level, where a test does not ask for one: lower ones save GPU time."""
SECOND_BUILD = 1 / 3
"""Of a first build, what the same once more may take, all in all."""

HERE = Path(__file__).parent


def read_manifest(model: Path) -> dict[str, Any]:
    """The manifest of a converted model."""
    return json.loads((model / MANIFEST_PATH).read_text())  # type: ignore[no-any-return]


class Workshop:
    """Makes what tests need; see the module. What it returns is shared: not to be changed."""

    def __init__(self, tensorflow: TensorFlow) -> None:
        self._tensorflow = tensorflow

    def source(self, name: str) -> Path:
        """The SavedModel of a builder of models.py."""
        target = ROOT / "sources" / f"{name}-{_sources_digest()}"
        with _making(target) as missing:
            if missing:
                unfinished = target.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                self._tensorflow.make(name, str(unfinished))
                unfinished.rename(target)
        return target

    def converted(self, name: str, **options: Any) -> Path:
        """The same, converted with these options of :func:`tftrt.convert`."""
        source = self.source(name)
        target = ROOT / "converted" / f"{name}-{_digest(source.name, options, _conversion_digest())}"
        with _making(target) as missing:
            if missing:
                self._tensorflow.convert(str(source), str(target), options)
        return target

    def built(self, name: str, conversion: dict[str, Any] | None = None, **options: Any) -> Path:
        """The same, with the engines that these options of :func:`tftrt.build` make."""
        converted = self.converted(name, **(conversion or {}))
        options.setdefault("optimization_level", LEVEL)
        target = ROOT / "built" / f"{name}-{_digest(converted.name, options, _building_digest())}"
        with _making(target) as missing:
            if missing:
                build(name, converted, output=target, conversion=conversion or {}, **options)
        return target

    def expected(self, name: str, *inputs: Arrays, signature: str = "serving_default") -> list[Arrays]:
        """What the unconverted model returns for each of ``inputs``: TensorFlow, CPU, FP32."""
        return self._tensorflow.expected(str(self.source(name)), signature, list(inputs))


def build(name: str, model: Path, *, conversion: dict[str, Any] | None = None, **options: Any) -> Any:
    """Call :func:`tftrt.build` and record what it took; with the common timing cache, and no plan cache, by default."""
    options.setdefault("timing_cache", TIMING / "common")
    options.setdefault("plan_cache", False)
    options.setdefault("optimization_level", LEVEL)
    if options["timing_cache"]:
        Path(options["timing_cache"]).mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    report = tftrt.build(model, **options)
    seconds = time.perf_counter() - start
    manifest = read_manifest(Path(options.get("output") or model))
    recording.append(
        "build",
        test=os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0],
        model=name,
        conversion=conversion,
        seconds=round(seconds, 2),
        phases=manifest["build"]["seconds"],
        optimization_level=manifest["build"]["optimization_level"],
        timing_cache=manifest["build"]["timing_cache"],
        reused_plans=manifest["build"]["reused_plans"],
        plan_bytes=[engine["plan"]["bytes"] for engine in manifest["engines"] if engine.get("plan")],
    )
    return report


@contextlib.contextmanager
def _making(target: Path) -> Iterator[bool]:
    """Hold the lock of ``target``; whether it still has to be made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not target.exists()


def _digest(*parts: Any) -> str:
    def plain(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest() + str(value.shape)
        return str(value)

    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=plain).encode()).hexdigest()[:12]


def _digest_of_files(*files: Path) -> str:
    return _digest([hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)])


@functools.cache
def _sources_digest() -> str:
    return _digest_of_files(HERE / "models.py", HERE / "samples.py")


@functools.cache
def _conversion_digest() -> str:
    package = Path(tftrt.__file__).parent
    return _digest_of_files(package / "manifest.py", *(package / "conversion").glob("*.py"))


@functools.cache
def _building_digest() -> str:
    native = Path(tftrt._native.__file__).parent
    return _digest_of_files(*(Path(tftrt.__file__).parent / "building").glob("*.py"), *native.rglob("*.so*"))
