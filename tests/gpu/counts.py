"""What ``model.stats()`` counted, in sums that tests compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Counts:
    """Calls of the model, and runs and builds of all its engines together."""

    calls: int = 0
    errors: int = 0
    engine_runs: int = 0
    native_runs: int = 0
    builds: int = 0

    def __sub__(self, earlier: Counts) -> Counts:
        return Counts(*(getattr(self, name) - getattr(earlier, name) for name in self.__dataclass_fields__))


def built_one(delta: Counts, *, calls: int, native_runs: int = 0) -> bool:
    """Whether one of the calls built an engine and the others ran on it.

    The one that builds may count as a run of what it built, or as a build alone.
    """
    others = calls - native_runs - 1
    return delta in (
        Counts(calls=calls, engine_runs=runs, native_runs=native_runs, builds=1) for runs in (others, others + 1)
    )


def counts(model: Any) -> Counts:
    """All counts of a model so far."""
    stats = model.stats()
    sums = {name: sum(engine[name] for engine in stats["engines"]) for name in ("engine_runs", "native_runs", "builds")}
    return Counts(stats["calls"], stats["errors"], **sums)


def engine_runs(model: Any) -> dict[str, int]:
    """Runs of each engine by its name."""
    return {engine["name"]: engine["engine_runs"] for engine in model.stats()["engines"]}


def runs_by_shape(model: Any) -> dict[tuple[Any, ...], int]:
    """Engine runs of the model's only engine, by the shapes of its inputs."""
    (engine,) = model.stats()["engines"]
    return {tuples(entry["shapes"]): entry["engine_runs"] for entry in engine["shapes"]}


Profile = tuple[Any, Any, Any]


def profiles(model: Any) -> list[Profile]:
    """(min, opt, max) of each profile of the model's only engine; each has a shape for each input."""
    (engine,) = model.stats()["engines"]
    return [as_profile(profile) for profile in engine["profiles"]]


def as_profile(profile: dict[str, Any]) -> Profile:
    """A profile of stats or manifest as tuples."""
    return tuples(profile["min"]), tuples(profile["opt"]), tuples(profile["max"])


def tuples(value: Any) -> Any:
    """Nested lists as nested tuples."""
    return tuple(tuples(element) for element in value) if isinstance(value, (list, tuple)) else int(value)
