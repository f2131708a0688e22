"""Runs tests/gpu on a GPU, several test files at once, and records outcomes and figures as one JSON file.

Where a process crashes or a test hangs, that test is recorded as such and the rest of its file is run in a new process.
The record is written whatever happens, and stands alone: hardware, versions, every test, every figure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine

ROOT = Path(__file__).parents[2]
TESTS = "tests/gpu"
PRECISIONS = ("FP32", "FP16", "INT8")


@dataclass(frozen=True)
class Job:
    """Tests that one process runs: a file, and what of it."""

    file: str
    select: str = ""
    seconds_a_test: float = 400.0
    environment: Mapping[str, str] = field(default_factory=dict)


def _precisions() -> list[Job]:
    modes = (
        "Optimal and not Range",
        "Range and not Optimal",
        "Range and Optimal",
        "compatible",
        "implicit and not compatible",
    )
    return [
        Job("test_precisions.py", f"{precision} and {mode}") for precision in ("INT8", "FP16", "FP32") for mode in modes
    ]


# What takes longest comes first.
QUICK = [
    Job("test_int8.py", "not ranges and not without"),
    *(
        Job("test_build.py", test)
        for test in (
            *("further", "range_of", "SIGINT", "SIGKILL", "rebuilding", "failed", "command", "into_an_engine", "each"),
            *("vectors", "gets_wrong"),
        )
    ),
    Job("test_docs.py", "commands", 1100.0),
    Job("test_docs.py", "compat", 1100.0),
    *(Job("test_compat.py", test) for test in ("v2_builds", "v2_calibrates", "v1")),
    Job("test_on_mismatch.py", "rebuild"),
    *_precisions(),
    Job("test_int8.py", "ranges or without"),
    Job("test_on_mismatch.py", "native"),
    Job("test_on_mismatch.py", "error or forging"),
    Job("test_strategies.py"),
    Job("test_on_miss.py"),
    Job("test_lifecycle.py"),
    Job("test_threads.py"),
    Job("test_direct.py", "not leak"),
    Job("test_session.py", "not leak"),
    Job("test_calls.py"),
    Job("test_checks.py"),
    Job("test_precisions.py", "manifest"),
]
# What other processes on the GPU would disturb: afterwards, one by one.
ALONE = [
    Job("test_direct.py", "leak"),
    Job("test_session.py", "leak"),
    Job("test_memory.py"),
    Job("test_second_build.py"),
]


def _network(name: str) -> list[Job]:
    return [Job("test_models.py", f"{name} and {precision}", 560.0) for precision in PRECISIONS]


def _corpus() -> list[Job]:
    """See the test for its groups and for the environment."""
    without_tf32 = {"NVIDIA_TF32_OVERRIDE": "0"}
    return [Job("test_corpus.py", f"group_{number:02}", environment=without_tf32) for number in range(24)]


SUITES = {"quick": QUICK, "corpus": _corpus(), **{name: _network(name) for name in ("resnet50", "mobilenetv2", "bert")}}


def main() -> int:
    """Run and record; the exit status is 1 if a test did not pass or was not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=[*SUITES, "all"], default="quick")
    parser.add_argument("--only", default="", metavar="EXPRESSION", help="of these, the tests that pytest's -k selects")
    parser.add_argument(
        "--part", default="", metavar="K/N|alone", help="every Nth of the jobs from the Kth on, or those that run alone"
    )
    parser.add_argument("--jobs", type=int, default=8, help="processes at once (default 8; more than 9 take longer)")
    parser.add_argument("--limit", type=float, default=560.0, help="seconds for all (default 560)")
    parser.add_argument(
        "--optimization-level",
        type=int,
        default=1,
        metavar="N",
        help="TensorRT's, where a test does not ask for one (default 1: building takes most of the time)",
    )
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/engines_SUITE.json")
    parser.add_argument(
        "--timing-cache", type=Path, metavar="TAR", help="timing caches: read if it exists, then written"
    )
    parser.add_argument("--commit", default="", help="what is measured, where there is no git")
    args = parser.parse_args()

    os.environ["TFTRT_GPU_LEVEL"] = str(args.optimization_level)
    begin = time.monotonic()
    described = machine.describe_with_gpu(args.commit)
    names = list(SUITES) if args.suite == "all" else [args.suite]
    timing = Path(os.environ.get("TFTRT_GPU_CACHE", "/tmp/tftrt_gpu")) / "timing"
    _unpack(args.timing_cache, timing)
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            Run(job, args.only, Path(folder) / f"{number}.jsonl", begin + args.limit, timing)
            for number, job in enumerate(_part([job for name in names for job in SUITES[name]], args.part))
        ]
        alone = [
            Run(job, args.only, Path(folder) / f"alone_{number}.jsonl", begin + args.limit, timing)
            for number, job in enumerate(ALONE if "quick" in names and args.part in ("", "alone") else [])
        ]
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(Run.run, runs))
        for run in alone:
            run.run()
        result = _collect([*runs, *alone])
    _pack(args.timing_cache, timing)

    result = {
        "suite": args.suite,
        "only": args.only,
        "part": args.part,
        "jobs": args.jobs,
        "optimization_level": args.optimization_level,
        "seconds": _seconds_since(begin),
        **result,
    }
    output = args.output or machine.RESULTS / f"engines_{args.suite}.json"
    output.write_text(json.dumps({"machine": described, **result}, indent=2) + "\n")
    for test in result["tests"]:
        if test["outcome"] not in ("passed", "skipped"):
            print(f"{test['outcome'].upper()} {test['test']}\n{test['reason']}\n")
    print(f"{result['summary']} in {result['seconds']} s; written to {output}")
    return 0 if set(result["summary"]) <= {"passed", "skipped"} else 1


def _part(jobs: list[Job], part: str) -> list[Job]:
    if part == "alone":
        return []
    number, _, of = part.partition("/")
    return jobs[int(number) - 1 :: int(of)] if part else jobs


@dataclass
class Run:
    """One job: the processes that it takes, and what its tests came to."""

    job: Job
    only: str
    record: Path
    deadline: float
    timing: Path
    tests: list[str] = field(default_factory=list)
    ends: dict[str, tuple[str, str]] = field(default_factory=dict)  # of tests that a process did not survive
    log: str = ""

    def run(self) -> None:
        """Run all tests of the job, in as many processes as it takes, until the deadline."""
        self.tests = self._list()
        self.record.touch()
        while time.monotonic() < self.deadline:
            remaining = [test for test in self.tests if test not in self.ends and test not in self.outcomes()]
            if not remaining:
                break
            problem = self._process(remaining)
            hit = self._running()
            if hit:
                self.ends[hit] = problem, self.log[-4000:]
            elif set(remaining) & set(self.outcomes()) == set():
                break  # it dies before its first test
        label = f"{self.job.file} {self.job.select}".strip()
        print(f"[{_clock()}] {label}: {dict(Counter(self.outcome(test)[0] for test in self.tests))}", flush=True)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """What was recorded, of one kind."""
        with self.record.open() as file:
            entries = [json.loads(line) for line in file if line.endswith("\n")]
        return [entry for entry in entries if entry["kind"] == kind]

    def outcomes(self) -> dict[str, tuple[str, float, str]]:
        """Outcome, seconds and reason of each test that ended."""
        phases: dict[str, list[dict[str, Any]]] = {}
        for entry in self.lines("phase"):
            phases.setdefault(entry["test"], []).append(entry)
        result = {}
        for test, entries in phases.items():
            if entries[-1]["phase"] == "teardown":
                worst = max(entries, key=lambda entry: ("passed", "skipped", "failed").index(entry["outcome"]))
                result[test] = (worst["outcome"], round(sum(e["seconds"] for e in entries), 2), worst["reason"])
        return result

    def outcome(self, test: str) -> tuple[str, float, str]:
        """The same of one test, whatever became of it."""
        if test in self.ends:
            return self.ends[test][0], 0.0, self.ends[test][1]
        return self.outcomes().get(test, ("not run", 0.0, self.log[-4000:]))

    def _running(self) -> str:
        """The test that was begun last and has not ended; empty if there is none."""
        ended = {**self.outcomes(), **self.ends}
        begun = [entry["test"] for entry in self.lines("start") if entry["test"] not in ended]
        return begun[-1] if begun else ""

    def _list(self) -> list[str]:
        select = " and ".join(f"({part})" for part in (self.job.select, self.only) if part)
        command = [*_pytest(), "--collect-only", f"{TESTS}/{self.job.file}", "-k", select]
        process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        tests = [line for line in process.stdout.splitlines() if line.startswith(TESTS) and "::" in line]
        if process.returncode not in (0, 5):  # 5: none is selected
            tests = tests or [f"{TESTS}/{self.job.file}"]
            self.log = process.stdout + process.stderr
        return tests

    def _process(self, tests: list[str]) -> str:
        """Run ``tests`` in one process; how it ended, if not by itself."""
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [*_pytest(), *tests],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={
                    **os.environ,
                    **self.job.environment,
                    "TFTRT_GPU_RECORD": str(self.record),
                    "TFTRT_GPU_TIMING": str(self.timing),
                },
                start_new_session=True,
            )
            problem = self._watch(process)
            # What it left behind goes with it: its session is its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            log.seek(0)
            self.log = log.read()
        return problem

    def _watch(self, process: subprocess.Popen[bytes]) -> str:
        test, since = "", time.monotonic()
        while process.poll() is None:
            now = time.monotonic()
            running = self._running()
            if running != test:
                test, since = running, now
            if now > self.deadline or (test and now - since > self.job.seconds_a_test):
                process.kill()
                process.wait()
                return "timed out"
            time.sleep(0.5)
        return f"crashed ({process.returncode})"


def _pytest() -> list[str]:
    # Without the options of pyproject.toml, which has tests run side by side.
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts="]


def _collect(runs: list[Run]) -> dict[str, Any]:
    tests = []
    for run in runs:
        for test in run.tests:
            outcome, seconds, reason = run.outcome(test)
            tests.append({"test": test.removeprefix(f"{TESTS}/"), "outcome": outcome, "seconds": seconds})
            if outcome != "passed":
                tests[-1]["reason"] = reason
    content: dict[str, Any] = {"summary": dict(Counter(test["outcome"] for test in tests)), "tests": tests}
    for kind, name in (("figures", "figures"), ("build", "builds")):
        content[name] = [
            {key: value for key, value in entry.items() if key != "kind"}
            for run in runs
            for entry in (run.lines(kind) if run.record.exists() else [])
        ]
        for entry in content[name]:
            entry["test"] = entry["test"].removeprefix(f"{TESTS}/")
    return content


def _unpack(archive: Path | None, folder: Path) -> None:
    if archive is not None and archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")


def _pack(archive: Path | None, folder: Path) -> None:
    if archive is not None and folder.exists():
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, arcname=".")


def _seconds_since(begin: float) -> float:
    return round(time.monotonic() - begin, 1)


def _clock() -> str:
    return time.strftime("%H:%M:%S")


if __name__ == "__main__":
    sys.exit(main())
