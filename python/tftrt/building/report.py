"""What a build did, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["BuildReport", "BuiltEngine"]


@dataclass
class BuiltEngine:
    """One engine.

    Attributes:
        name: Its name.
        signatures: The signatures that use it.
        precision: ``"FP32"``, ``"FP16"`` or ``"INT8"``.
        built: Whether it has a plan now.
        reused: Whether that came from the plan cache.
        problem: Why it has none; empty if it has.
        profiles: ``{"min", "opt", "max"}``, each with the shapes of all inputs; empty in implicit-batch mode.
        shapes: Implicit-batch mode: the largest input shapes of each plan.
        plan_bytes: Size of its file.
        seconds: Time that TensorRT took, 0 if it is reused.
    """

    name: str
    signatures: list[str]
    precision: str
    built: bool
    reused: bool = False
    problem: str = ""
    profiles: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[list[list[int]]] = field(default_factory=list)
    plan_bytes: int = 0
    seconds: float = 0.0


@dataclass
class BuildReport:
    """The result of :func:`tftrt.build`.

    Attributes:
        path: The model that was written.
        engines: The engines.
        requests: What was built for, as in the manifest.
        gpu: ``{"name", "compute_capability", "driver"}``.
        tensorrt: Its version.
        profile_strategy: How shapes became profiles.
        calibrated: Whether engines have ranges from calibration.
        calibration_batches: How many batches were used, 0 with a table.
        timing_cache: ``{"path", "hit", "bytes"}``: the file, whether it had timings, its size now. A path of None: no
            cache.
        seconds: Seconds for each phase, and "total".
    """

    path: str
    engines: list[BuiltEngine]
    requests: list[dict[str, Any]]
    gpu: dict[str, str]
    tensorrt: str
    profile_strategy: str
    calibrated: bool
    calibration_batches: int
    timing_cache: dict[str, Any]
    seconds: dict[str, float]

    @property
    def plan_bytes(self) -> int:
        """Bytes of all plans."""
        return sum(engine.plan_bytes for engine in self.engines)

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers, ready for JSON."""
        return {**asdict(self), "plan_bytes": self.plan_bytes}

    def __str__(self) -> str:
        """The report as plain text."""
        built = [engine for engine in self.engines if engine.built]
        lines = [
            self.path,
            f"{len(built)} of {_counted(len(self.engines), 'engine')} built for {self.gpu['name']} (compute capability "
            f"{self.gpu['compute_capability']}, driver {self.gpu['driver']}) with TensorRT {self.tensorrt}",
        ]
        for engine in self.engines:
            lines += ["", *_engine(engine)]
        if self.calibration_batches:
            lines += ["", f"calibrated with {_counted(self.calibration_batches, 'batch', 'batches')}"]
        lines += ["", self._cache(), ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in self.seconds.items())]
        return "\n".join(lines)

    def _cache(self) -> str:
        if self.timing_cache["path"] is None:
            return "no timing cache"
        state = "used" if self.timing_cache["hit"] else "started"
        return f"timing cache {state}: {self.timing_cache['path']}"


def _engine(engine: BuiltEngine) -> list[str]:
    head = f"{engine.name}  {engine.precision}  in {', '.join(engine.signatures)}"
    if not engine.built:
        return [head, f"  not built: {engine.problem}. It runs as TensorFlow's own ops."]
    source = "from the plan cache" if engine.reused else f"in {engine.seconds:.1f} s"
    lines = [f"{head}: {engine.plan_bytes / 1e6:.1f} MB {source}"]
    for profile in engine.profiles:
        least, best, most = (_shapes(profile[bound]) for bound in ("min", "opt", "max"))
        lines.append(f"  {least}" if least == most else f"  {least} to {most}, best at {best}")
    lines += [f"  {_shapes(shapes)}" for shapes in engine.shapes]
    return lines


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    return " ".join("[" + ", ".join(map(str, shape)) + "]" for shape in shapes)


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
