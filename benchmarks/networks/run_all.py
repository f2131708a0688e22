"""Makes all records of run.py on several GPUs: builds at the same time, measurements one by one on each GPU.

First every GPU builds its share of the networks, all at once. A GPU that has built measures whatever is ready and has
not been measured, alone, and on cores of its own. What does not fit into the time is left out; what was measured is on
disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

RUN = Path(__file__).with_name("run.py")
_CALLERS = ["--callers", "1", "2", "4", "8", "16"]
_TAIL = ["--tail", "20000"]
_CHECKS = ["--checks", "2000"]


@dataclass
class Task:
    """One record.

    Attributes:
        name: Of its log.
        network: Network and precision, as run.py takes them.
        build: What decides about the build; tasks that have it in common share the engines.
        measure: What is measured.
        built: Whether the engines are there; None while nobody knows.
    """

    name: str
    network: tuple[str, str]
    build: list[str] = field(default_factory=list)
    measure: list[str] = field(default_factory=list)
    built: bool | None = None


def _tasks() -> list[Task]:
    return [
        Task("resnet50_fp32", ("resnet50", "FP32"), [], [*_TAIL, *_CALLERS]),
        Task("resnet50_fp16", ("resnet50", "FP16"), [], [*_TAIL, *_CALLERS, "--no-source"]),
        Task("resnet50_int8", ("resnet50", "INT8"), [], [*_TAIL, *_CALLERS, "--no-source"]),
        # TensorRT 8.6 fails over it with more than one profile.
        Task("bert_base_fp16", ("bert_base", "FP16"), ["--profile-strategy", "Range"], [*_CHECKS, "--no-program"]),
        Task("mobilenetv2_fp32", ("mobilenetv2", "FP32"), [], ["--no-program"]),
        Task("efficientnetb0_fp32", ("efficientnetb0", "FP32"), [], ["--no-program"]),
        Task("resnet50_fp32_leak", ("resnet50", "FP32"), [], ["--no-latency", "--no-program", "--leak", "200000"]),
    ]


class Schedule:
    """Who does what; see the module."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Plan; see main for the arguments."""
        self._args = args
        self._begin = time.monotonic()
        self._changed = threading.Condition()
        self._tasks = _tasks()
        self._waiting = [task for task in self._tasks if not args.only or task.name in args.only]
        self._building = dict.fromkeys(range(args.gpus), 0)

    def run(self) -> None:
        """Build and measure until all is done or the time is over."""
        threads = []
        built: dict[str, list[Task]] = {}
        for task in self._waiting:
            built.setdefault(" ".join([*task.network, *task.build]), []).append(task)
        for number, tasks in enumerate(built.values()):
            gpu = number % self._args.gpus
            self._building[gpu] += 1
            threads.append(threading.Thread(target=self._build, args=(tasks, gpu)))
        threads += [threading.Thread(target=self._measure, args=(gpu,)) for gpu in range(self._args.gpus)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _build(self, tasks: list[Task], gpu: int) -> None:
        scratch = self._args.results / f"{tasks[0].name}.build"
        built = self._call(tasks[0], gpu, ["--no-latency", "--no-program", "--output", str(scratch)], "build")
        scratch.unlink(missing_ok=True)
        with self._changed:
            self._building[gpu] -= 1
            for task in tasks:
                task.built = built
            self._changed.notify_all()

    def _measure(self, gpu: int) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._building[gpu] == 0 and (self._next() or not self._waiting))
                task = self._next()
                if task is None:
                    return
                self._waiting.remove(task)
                self._changed.notify_all()
            if task.built:
                output = self._args.results / f"network_{task.name}.json"
                self._call(task, gpu, [*task.measure, "--output", str(output)], "measure")

    def _next(self) -> Task | None:
        return next((task for task in self._waiting if task.built is not None), None)

    def _call(self, task: Task, gpu: int, words: list[str], what: str) -> bool:
        args = self._args
        command = [sys.executable, str(RUN), *task.network[:1], "--precision", task.network[1], *task.build, *words]
        command += ["--work", str(args.work), "--commit", args.commit, "--duration", str(args.duration)]
        if args.optimization_level is not None:
            command += ["--optimization-level", str(args.optimization_level)]
        cores = sorted(os.sched_getaffinity(0))[gpu :: args.gpus]
        left = max(1.0, args.seconds - (time.monotonic() - self._begin))
        with (args.results / f"{task.name}.{what}.log").open("w") as log:
            try:
                status = subprocess.run(
                    ["taskset", "-c", ",".join(map(str, cores)), *command],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "CUDA_VISIBLE_DEVICES": str(gpu)},
                    timeout=left,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                status = -1
        words_for = {0: "done", -1: "out of time"}.get(status, "FAILED, see its log")
        print(f"[{time.monotonic() - self._begin:6.1f} s] GPU {gpu}: {what} {task.name}: {words_for}", flush=True)
        return status == 0


def main() -> int:
    """Make the records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, default=1, help="default: 1")
    parser.add_argument("--seconds", type=float, default=3600, help="for all (default: 3600)")
    parser.add_argument("--duration", type=float, default=2.0, help="seconds of each measurement (default: 2)")
    parser.add_argument("--only", nargs="+", metavar="RECORD", choices=[task.name for task in _tasks()])
    parser.add_argument("--optimization-level", type=int, metavar="N", help="default: TensorRT's own")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="models and engines")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="records and logs")
    parser.add_argument("--commit", default="", help="what is measured, where there is no git")
    args = parser.parse_args()
    args.results.mkdir(parents=True, exist_ok=True)
    Schedule(args).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
