"""Which models of the corpus (tests/python/corpus) fail with the installed tftrt, and how.

tftrt is the one of the Python that runs this, so that an older version can be examined with today's models. A model
that ends the process, or never ends, is a failure like others.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "python"
RESULT = ROOT / "benchmarks" / "results" / "corpus.json"
PATIENCE = 150.0  # seconds for one model

sys.path[:0] = [str(TESTS / "corpus"), str(TESTS)]


def main() -> None:
    """Examine the models and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the commit that the installed tftrt was built from")
    parser.add_argument("--models", nargs="*", help="names of models (default: all)")
    parser.add_argument("--output", type=Path, default=RESULT, help="default: benchmarks/results/corpus.json")
    parser.add_argument("--onednn", action="store_true", help="switch oneDNN on, for TensorFlow and tftrt")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        _work(args.models)
        return
    os.environ.update(TF_ENABLE_ONEDNN_OPTS=str(int(args.onednn)), TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    from registry import entries

    names = args.models or sorted(entries())
    found = _examine(args.commit, names)
    kinds = Counter(outcome["outcome"] for outcome in found.values())
    result = {
        "commit": args.commit,
        "models": len(found),
        "failed": len(found) - kinds["right"],
        "outcomes": dict(sorted(kinds.items())),
        "by_model": found,
    }
    args.output.write_text(json.dumps(result, indent=2) + "\n")
    print(result["failed"], "of", result["models"], "fail:", result["outcomes"])


def _examine(commit: str, names: list[str]) -> dict[str, dict[str, str]]:
    """Have a worker examine one model after another; start another one where a model ends it."""
    found: dict[str, dict[str, str]] = {}
    while len(found) < len(names):
        left = [name for name in names if name not in found]
        command = [sys.executable, __file__, commit, "--worker", "--models", *left]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        for name in left:
            try:
                line = lines.get(timeout=PATIENCE)
            except queue.Empty:
                found[name] = {"outcome": "never ends"}
                break
            if not line:
                found[name] = {"outcome": "ends the process"}
                break
            found[name] = json.loads(line)
            print(name, found[name]["outcome"], flush=True)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return {name: found[name] for name in sorted(found)}


def _read(process: Any, lines: queue.Queue[str]) -> None:
    for line in process.stdout:
        lines.put(line)
    lines.put("")


class _TensorFlow:
    """TensorFlow in a process of its own, as the tests have it."""

    def __init__(self) -> None:
        import exports

        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=exports.start)

    def call(self, function: Any, *arguments: Any) -> Any:
        return self._pool.submit(function, *arguments).result()


def _work(names: list[str]) -> None:
    """Print one line of JSON for each model."""
    from matrix import examine
    from registry import entries

    import exports

    # What libraries print must not come between the lines.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    tensorflow, models = _TensorFlow(), entries()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libcustom_ops.so"
        for name in names:
            root = Path(folder) / name
            root.mkdir()
            if models[name].library and not library.exists():
                tensorflow.call(exports.compile_ops, str(library))
            failures = examine(
                tensorflow, models[name], root, library if models[name].library else None, thorough=False
            )
            failure = next(failures, None)
            outcome = {"outcome": "right"} if failure is None else {"outcome": failure.kind, "where": failure.where}
            print(json.dumps(outcome), file=out, flush=True)


if __name__ == "__main__":
    main()
