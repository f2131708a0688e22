"""Why a build failed, in words: from the worker's exit code, the builder's result and the log."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..errors import Error, IncompatibleError, InternalError, InvalidArgumentError
from .worker import NOT_REACHED

__all__ = ["death", "engines_failed", "keep_log", "reported"]

_LINES_SHOWN = 5
_LONGEST_LINE = 400

_ENGINE_FAILED = re.compile(r"Engine creation for (?P<engine>\S+) failed\..*?Reason: (?P<reason>.*)")
_TENSORRT_ERROR = re.compile(r": [EF] \S*?\]\s*DefaultLogger (?P<text>.*)")
# Not what it says whenever it starts.
_TENSORFLOW_ERROR = re.compile(r": [EF] \S+?:\d+\] (?P<text>(?!Unable to register cu).*)")
# TensorRT's compiler writes by itself before it crashes.
_MYELIN_ERROR = re.compile(r"^(?P<text>myelin\w*\.\w+:\d+: .*)")


@dataclass(frozen=True)
class _Remedy:
    """What to do where the log matches.

    Attributes:
        pattern: In the log.
        text: What it means and what to do.
        error: The class to raise.
    """

    pattern: re.Pattern[str]
    text: str
    error: Callable[[str], Error] = InternalError


# The first that matches wins.
_REMEDIES = (
    _Remedy(
        re.compile(r"missing offset in id2offset"),
        "TensorRT 8.6 cannot build this network with more than one profile (NVIDIA/TensorRT's issue 2977). Convert it "
        "with profile_strategy='Range' (--profile-strategy Range), which makes one of all shapes, or give one shape.",
    ),
    _Remedy(
        re.compile(r"driver version is insufficient|no CUDA-capable device|CUDA initialization failure", re.I),
        "The GPU's driver cannot be used; tftrt doctor says what to install.",
        IncompatibleError,
    ),
    _Remedy(
        re.compile(r"out of memory|OutOfMemory|RESOURCE_EXHAUSTED|ALLOC_FAILED|insufficient memory", re.I),
        "The GPU's memory is not enough. End other programs that use it (this process, too, if it has loaded "
        "models), give smaller max shapes, or a smaller max_workspace_size_bytes.",
    ),
    _Remedy(
        re.compile(r"Could not find any implementation for node|increas\w+ the workspace", re.I),
        "TensorRT found no kernel within the scratch space; give a larger max_workspace_size_bytes.",
    ),
    _Remedy(
        re.compile(r"kMIN|kOPT|kMAX|optimization profile|profile dimensions", re.I),
        "The shapes do not fit the engine; give sample data, or fixed shapes instead of min_shapes and max_shapes.",
    ),
    _Remedy(
        re.compile(r"calibrat", re.I),
        "Calibration did not succeed; give other batches, of the shape that the model will be called with.",
    ),
    _Remedy(
        re.compile(r"version mismatch|Loaded TensorRT|linked against TensorRT|undefined symbol", re.I),
        "TensorRT's libraries do not fit together; tftrt doctor says what to install.",
        IncompatibleError,
    ),
)

_NO_REMEDY = (
    "If an op is the reason, leave it outside the engines: convert again with op_denylist. "
    "TFTRT_LOG_LEVEL=0 makes the log say more."
)


def reported(event: dict[str, Any]) -> Error:
    """The error that the worker raised."""
    kind: Callable[[str], Error] = getattr(errors, event["type"], InternalError)
    return kind(event["message"])


def engines_failed(engines: Sequence[dict[str, Any]], log: str, path: str) -> Error | None:
    """The error for engines that could not be built; None if there are none.

    Args:
        engines: The builder's result.
        log: What TensorFlow and TensorRT wrote.
        path: The model, for messages.
    """
    failed = [engine for engine in engines if not engine["built"] and engine["problem"] != NOT_REACHED]
    if not failed:
        if any(engine["built"] for engine in engines):
            return None
        return InvalidArgumentError(
            f"none of the engines of {path} runs with the inputs that were given; the data decides which parts of "
            "the model run. Give sample data that is like that of real calls: data=... (--data FILE.npz)."
        )
    first = failed[0]
    reason = _reason(first["name"], log) or first["problem"]
    remedy = _remedy(f"{first['problem']}\n{reason}")
    others = f" (and {len(failed) - 1} other engines)" if len(failed) > 1 else ""
    return _error(
        remedy, f"engine {first['name']} of {path}{others} could not be built: {reason}", "The model was not changed."
    )


def _reason(engine: str, log: str) -> str:
    """What was logged before the engine was given up, from TensorRT if it said anything."""
    said: list[str] = []
    for line in log.splitlines():
        if failure := _ENGINE_FAILED.search(line):
            # The log has the node's name, which may have a scope.
            if failure["engine"].rpartition("/")[2] == engine:
                return "; ".join([*said[-_LINES_SHOWN:], failure["reason"].strip()])
            said = []
        elif error := _TENSORRT_ERROR.search(line):
            said.append(error["text"][:_LONGEST_LINE].strip())
    return "; ".join(said[-_LINES_SHOWN:])


def death(code: int, doing: str, log: str, path: str) -> Error:
    """The error for a worker that ended without a result.

    Args:
        code: Its exit code; negative if a signal ended it.
        doing: What it did last.
        log: What it wrote.
        path: The model, for messages.
    """
    how = f"ended with exit code {code}"
    if code < 0:
        names = {number.value: number.name for number in signal.Signals}
        how = f"was ended by {names.get(-code, f'signal {-code}')}"
    lines = [line[:_LONGEST_LINE] for line in log.splitlines() if line.strip()]
    matches = (_TENSORFLOW_ERROR.search(line) or _MYELIN_ERROR.search(line) for line in lines)
    errors_ = [match["text"][:_LONGEST_LINE] for match in matches if match]
    last = "; ".join((errors_ or lines)[-_LINES_SHOWN:]) or "nothing"
    remedy = _remedy(last)
    if remedy is None and code == -signal.SIGKILL:
        remedy = _Remedy(re.compile(""), "The machine's memory may not be enough: see the kernel's log (dmesg).")
    return _error(
        remedy,
        f"the process that builds engines for {path} {how} while {doing}. It wrote last: {last}",
        "The model was not changed.",
    )


def keep_log(log: str) -> str:
    """Write the log of a failed build to a file that stays; its path."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="tftrt-build-", suffix=".log", delete=False) as file:
        file.write(log)
    return file.name


def _remedy(text: str) -> _Remedy | None:
    return next((remedy for remedy in _REMEDIES if remedy.pattern.search(text)), None)


def _error(remedy: _Remedy | None, what: str, state: str) -> Error:
    kind = InternalError if remedy is None else remedy.error
    return kind(f"{what.rstrip('.')}. {_NO_REMEDY if remedy is None else remedy.text} {state}")
