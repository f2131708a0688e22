"""A model's statistics as dicts, lists and numbers, ready for JSON."""

from __future__ import annotations

from typing import Any

from tftrt._native import EngineProfile, EngineStats, ModelMemory, ModelStats, RunCounts

__all__ = ["memory_to_dict", "profile_to_dict", "stats_to_dict"]


def stats_to_dict(stats: ModelStats) -> dict[str, Any]:
    """All of ``stats``; see :meth:`tftrt.Model.stats`."""
    return {
        "calls": stats.calls,
        "errors": stats.errors,
        "load_seconds": stats.load_seconds,
        "engines": [_engine(engine) for engine in stats.engines],
    }


def memory_to_dict(memory: ModelMemory) -> dict[str, int]:
    """All of ``memory``; see :meth:`tftrt.Model.memory`."""
    return {
        "host_model": memory.host_model,
        "host_pinned": memory.host_pinned,
        "gpu_model": memory.gpu_model,
        "gpu_workspaces": memory.gpu_workspaces,
        "gpu_buffers": memory.gpu_buffers,
        "cuda_graphs": memory.cuda_graphs,
        "gpu_graphs": memory.gpu_graphs,
        "plans": memory.plans,
    }


def profile_to_dict(profile: EngineProfile) -> dict[str, list[list[int]]]:
    """``min``, ``opt`` and ``max``: a shape for each input of the engine."""
    return {"min": profile.min, "opt": profile.opt, "max": profile.max}


def _engine(engine: EngineStats) -> dict[str, Any]:
    return {
        "name": engine.name,
        "inlined": engine.inlined,
        **_counts(engine),
        "profiles": [profile_to_dict(profile) for profile in engine.profiles],
        "static_shapes": engine.static_shapes,
        "shapes": [{"shapes": shape.shapes, **_counts(shape)} for shape in engine.shapes],
    }


def _counts(counts: RunCounts) -> dict[str, Any]:
    return {
        "engine_runs": counts.engine_runs,
        "native_runs": counts.native_runs,
        "refused": counts.refused,
        "builds": counts.builds,
        "engine_seconds": counts.engine_seconds,
        "native_seconds": counts.native_seconds,
        "build_seconds": counts.build_seconds,
    }
