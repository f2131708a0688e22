"""``python -m gpu.worker REQUEST``: load a model in a fresh process, call it, and print what happened as JSON.

An error of tftrt is an answer (``error``, ``message``), not a failure.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import tftrt

from .counts import counts
from .processes import load_arrays, save_arrays


def main() -> None:
    """Answer the request in the command line; see processes.Worker."""
    request = json.loads(sys.argv[1])
    answer: dict[str, Any] = {"error": "", "message": ""}
    try:
        _answer(request, answer)
    except tftrt.Error as error:
        answer.update(error=type(error).__name__, message=str(error))
    print(json.dumps(answer))


def _answer(request: dict[str, Any], answer: dict[str, Any]) -> None:
    inputs = load_arrays(Path(request["inputs"]))
    start = time.perf_counter()
    model = tftrt.Model(request["model"], **request["options"])
    answer.update(load_seconds=time.perf_counter() - start, phases=dict(model.info.load_seconds))
    before = counts(model)
    outputs = []
    seconds = []
    for arrays in inputs:
        for _ in range(request["calls"]):
            start = time.perf_counter()
            output = model(arrays)
            seconds.append(time.perf_counter() - start)
        outputs.append(output)
    save_arrays(Path(request["results"]), outputs)
    answer.update(
        counts=vars(counts(model) - before),
        call_seconds=seconds,
        engines=model.info.engines,
        engines_ready=model.info.engines_ready,
        engine_problem=model.info.engine_problem,
        tensorrt_problem=model.info.tensorrt_problem,
        inlined=[engine["inlined"] for engine in model.stats()["engines"]],
        tensorflow_python="tensorflow" in sys.modules,
    )


if __name__ == "__main__":
    main()
