"""benchmarks/networks on a CPU: the record that run.py writes, and what report.py makes of records."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tftrt

SCRIPTS = Path(__file__).parents[2] / "benchmarks" / "networks"
FIGURES = ("mean", "median", "p90", "p95", "p99")
RAW, TF_TRT = 500.0, 2000.0
GPU = "NVIDIA Test GPU"


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPTS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


def report(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("report.py", "--results", folder, *arguments)


@pytest.mark.slow
def test_a_network_is_measured_and_reported(tmp_path: Path) -> None:
    output = tmp_path / "network_cnn_fp32.json"
    words = ["--batch", "1", "2", "--duration", "0.1", "--tail", "50", "--callers", "1", "2", "--leak", "100"]
    words += ["--checks", "50"]
    words += ["--commit", "abc", "--work", str(tmp_path / "work")]
    result = run("run.py", "cnn", "--precision", "FP32", *words, "--output", output)
    assert result.returncode == 0, result.stdout + result.stderr

    record = json.loads(output.read_text())
    assert record["machine"]["commit"] == "abc"
    assert record["problems"] == {}
    assert len(record["model"]["engines"]) == 1
    assert max(record["parity"]["errors"]["bound"].values()) < 1e-5
    measured = {(e["model"], e["path"], e["batch"]): e for e in record["latency"] if not e["problem"]}
    assert set(measured) == {
        (model, path, batch)
        for model, paths in (("converted", ("call", "bound", "tensorflow")), ("source", ("tensorflow", "xla")))
        for path in paths
        for batch in (1, 2)
    }
    assert all(entry["median"] > 0 for entry in measured.values())
    reasons = {entry["problem"] for entry in record["latency"] if entry["path"] == "raw-graph"}
    assert reasons == {"the model runs on the CPU"}
    assert "no GPU" in record["not_measurable"]["build"]
    assert record["tail"]["paths"]["bound"]["calls"] == 50
    assert {(entry["path"], entry["callers"]) for entry in record["callers"]} == {
        (path, callers) for path in ("bound", "call") for callers in (1, 2)
    }
    assert set(record["program"]["python_minus_cpp"]) == {"bound", "call"}
    assert record["leak"]["bound_calls"] == 100
    assert len(record["leak"]["host_bytes"]) == 11
    assert record["checks"]["check"] == "check_numerics(image)"
    assert all(0.2 < record["checks"]["ratios"][path] < 5 for path in ("call", "bound"))

    tables = report(tmp_path)
    assert tables.returncode == 0, tables.stderr
    assert tables.stdout.count("| cnn FP32 |") == 2 + 1 + 2 + 2 + 2 + 1
    assert report(tmp_path, "--check").returncode == 1


def test_what_fails_is_recorded(tmp_path: Path) -> None:
    output = tmp_path / "network_cnn_fp32.json"
    (tmp_path / "work").write_text("not a folder")
    result = run("run.py", "cnn", "--precision", "FP32", "--work", tmp_path / "work", "--output", output)
    assert result.returncode == 1
    assert "Error: " in json.loads(output.read_text())["problems"]["make and convert"]


def test_bench_wants_inputs_for_each_batch() -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match="inputs has 1 sets of arrays; expected 2"):
        tftrt.bench("no model", batch=(1, 4), inputs=[{}])


def record(network: str, precision: str, bound: float, **sections: Any) -> dict[str, Any]:
    """What run.py writes on a GPU, with made-up figures; ``bound``: how much slower bound calls are than the floor."""

    def entry(model: str, path: str, batch: int, time: float) -> dict[str, Any]:
        times = dict.fromkeys(FIGURES, time * batch)
        return {"model": model, "path": path, "batch": batch, "problem": "", **times, "items_per_second": 1e6 / time}

    paths = {"tensorflow": TF_TRT, "call": 600.0, "bound": bound * RAW, "raw-graph": RAW, "raw-gpu-graph": 470.0}
    paths["bound-gpu"] = 1.01 * paths["raw-gpu-graph"]
    latency = [entry("converted", path, batch, time) for batch in (1, 8, 32) for path, time in paths.items()]
    latency += [entry("source", path, 1, time) for path, time in (("tensorflow", 8000.0), ("xla", 3500.0))]
    versions = {"tensorflow": "2.17.1", "tftrt": "0.1.0", "libnvinfer.so.8": "8.6.0"}
    return {
        "machine": {"cores": 16, "date": "2026-01-01", "commit": "x", "versions": versions, "gpus": [GPU]},
        "network": network,
        "precision": precision,
        "problems": {},
        "latency": latency,
        **sections,
    }


def sections(tail: float, growth: int, difference: float, share: float) -> dict[str, Any]:
    def summary(time: float) -> dict[str, float]:
        return {"calls": 20_000, **dict.fromkeys(FIGURES, time), "p99.9": time, "items_per_second": 1e6 / time}

    ways = [("raw-graph", 0, 1.0), ("bound", 1, 1.3), ("bound", 8, 1 / share), ("call", 8, 1.2)]
    return {
        "tail": {"paths": {"raw-graph": summary(RAW), "bound": summary(tail * RAW)}},
        "callers": [
            {"path": path, "instances": instances, "callers": callers, **summary(factor * RAW / callers)}
            for path, instances, factor in ways
            for callers in (1, 8)
        ],
        "program": {
            "python_minus_cpp": {"bound": difference, "call": difference},
            "python_median_before_and_after": {"bound": [510.0, 512.0], "call": [530.0, 530.0]},
            "cpp": {"bound": {"median": 500.0}, "run": {"median": 515.0}},
        },
        "leak": {"bound_calls": 200_000, "plain_calls": 20_000, "host_growth": growth, "gpu_growth": 0},
    }


def checks(ratio: float) -> dict[str, Any]:
    paths = {f"{path}, {which}": {"median": 1000.0} for path in ("call", "bound") for which in ("with", "without")}
    return {"check": "c(x)", "calls": 2000, "paths": paths, "ratios": {"call": 1.0, "bound": ratio}}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder in which every bar is met."""
    for precision in ("FP32", "FP16", "INT8"):
        write(tmp_path, record("resnet50", precision, 1.05, **sections(1.1, 4096, 12.0, 0.95)))
    for network in ("mobilenetv2", "efficientnetb0", "bert_base"):
        write(tmp_path, record(network, "FP16", 1.05, **({"checks": checks(1.01)} if network == "bert_base" else {})))
    calls = {"tftrt C++, Runner::Run": {"median": 1.5}, "tftrt Python, bound": {"median": 3.5}}
    (tmp_path / "overhead.json").write_text(json.dumps({"calls": calls}))
    return tmp_path


def write(folder: Path, content: dict[str, Any]) -> None:
    file = folder / f"network_{content['network']}_{content['precision'].lower()}.json"
    file.write_text(json.dumps(content))


def test_tables_have_every_figure(records: Path) -> None:
    output = report(records).stdout
    assert output.startswith(f"Measured on {GPU}, 16 cores, TensorFlow 2.17.1, TensorRT 8.6.0, tftrt 0.1.0 (x)")
    row = "8,000 (8,000) | 3,500 (3,500) | 2,000 (2,000) | 600 (600) | 525 (525) | 500 (500) | 475 (475) | 470 (470)"
    assert f"| resnet50 FP32 | 1 | {row} | 1.05 | 1.01 |" in output
    assert "| bert_base FP16 | 32 | - | - | 64,000 (64,000) |" in output
    assert "| resnet50 FP16 | bound : raw-graph |  | 1.10 | 1.10 |" in output
    assert "| resnet50 INT8 | raw-graph | one a caller | 2,000 | 16,000 |" in output
    assert "| resnet50 FP32 | bound | 511.0 | 500.0 | 12.0 |" in output
    assert "| resnet50 FP32 | 200,000 | 20,000 | 4,096 | 0 |" in output
    assert "| bert_base FP16 | c(x) | bound | 1,000.0 | 1,000.0 | 1.010 |" in output


def test_every_bar_is_met(records: Path) -> None:
    result = report(records, "--check")
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stdout
    assert all(line.startswith("met ") for line in lines)
    assert any("batch 1, host to host, median of bound : raw graph at most 1.1: 1.050" in line for line in lines)


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({"bound": 1.2}, "host to host, median of bound : raw graph at most 1.1: 1.200 (600.0 : 500.0 us)"),
        ({"bound": 1.5}, "median of bound : TF-TRT Python at most 0.333: 0.375 (750.0 : 2,000.0 us)"),
        ({"tail": 1.3}, "p99 over 20000 calls of bound : raw graph at most 1.2: 1.300 (650.0 : 500.0 us)"),
        ({"difference": 26.0}, "bound from Python minus C++ at most 25 us: 26.0 us"),
        ({"share": 0.85}, "throughput of bound : raw graph at least 0.9: 0.850 (13,600 : 16,000 a second)"),
        ({"share": 0.85}, "one caller of the model with 8 instances, median of bound : raw graph at most 1.1: 1.176"),
        ({"growth": 2 << 20}, "220000 calls: host 2097152, GPU 0"),
    ],
)
def test_a_bar_is_missed(records: Path, figures: dict[str, float], missed: str) -> None:
    bound, tail, growth, difference, share = (
        figures.get(name, value)
        for name, value in {"bound": 1.05, "tail": 1.1, "growth": 0, "difference": 12.0, "share": 0.95}.items()
    )
    write(records, record("resnet50", "FP16", bound, **sections(tail, int(growth), difference, share)))
    result = report(records, "--check")
    assert result.returncode == 1
    (line,) = (line for line in result.stdout.splitlines() if missed in line)
    assert line.startswith("MISSED ")
    assert "resnet50 FP16" in line


def test_a_check_may_not_cost_much(records: Path) -> None:
    write(records, record("bert_base", "FP16", 1.05, checks=checks(1.04)))
    result = report(records, "--check")
    assert result.returncode == 1
    assert "MISSED     bert_base FP16, batch 1, bound with c(x) : without it at most 1.03: 1.040" in result.stdout


def test_what_was_not_measured_is_no_success(records: Path) -> None:
    (records / "network_bert_base_fp16.json").unlink()
    (records / "overhead.json").unlink()
    content = record("resnet50", "INT8", 1.05)
    content["problems"] = {"tail": "RuntimeError: no"}
    write(records, content)
    result = report(records, "--check")
    assert result.returncode == 1
    for part in ("bert_base", "a check of the input", "resnet50 INT8, batch 1, p99 over", "y = x + 1, bound from C++"):
        assert any(line.startswith("NO RECORD") and part in line for line in result.stdout.splitlines()), part
    assert "problem    network_resnet50_int8.json: tail: RuntimeError: no" in result.stdout


def test_ratios_are_of_one_run(records: Path) -> None:
    """Of two records of the same, the one that has more of a batch counts for all of it."""
    partial = record("resnet50", "FP32", 9.0)
    partial["latency"] = [entry for entry in partial["latency"] if entry["path"] != "raw-graph"]
    (records / "network_resnet50_fp32_again.json").write_text(json.dumps(partial))
    (records / "network_a.json").write_text(json.dumps(partial))
    assert report(records, "--check").returncode == 0


@pytest.mark.parametrize("name", ["network_a.json", "network_resnet50_fp16_program.json"])
def test_of_python_and_cpp_the_most_turns_count(records: Path, name: str) -> None:
    more = sections(1.1, 0, 26.0, 0.95)["program"]
    more["python_median_before_and_after"]["call"] = [500.0, 520.0, 900.0]
    more["python_median_before_and_after"]["bound"] = [511.0, 511.0, 511.0]
    content = record("resnet50", "FP16", 1.05, program=more)
    (records / name).write_text(json.dumps({**content, "latency": []}))
    assert "| resnet50 FP16 | call | 520.0 | 515.0 | 26.0 |" in report(records).stdout
    assert report(records, "--check").returncode == 1


def test_the_plot_is_drawn(records: Path) -> None:
    plot = records / "plot.png"
    result = report(records, "--plot", plot)
    assert result.returncode == 0, result.stderr
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_documentation_has_the_records_tables() -> None:
    result = run("report.py")
    assert result.returncode == 0, result.stderr
    assert result.stdout in (SCRIPTS.parents[1] / "docs" / "benchmarks.md").read_text()


def test_problems_are_shown_in_a_line(records: Path) -> None:
    file = records / "network_resnet50_fp32.json"
    record = json.loads(file.read_text())
    reason = "RuntimeError: " + "where it was\n\n" * 100 + "the cause"
    file.write_text(json.dumps({**record, "problems": {"tail": reason}}))
    (line,) = (line for line in report(records, "--check").stdout.splitlines() if line.startswith("problem"))
    assert line.startswith("problem    network_resnet50_fp32.json: tail: RuntimeError: where it was where")
    assert line.endswith("the cause")
    assert len(line) < 400


def test_without_records(tmp_path: Path) -> None:
    result = report(tmp_path)
    assert result.returncode == 1
    assert "run.py writes them" in result.stderr


def test_all_records_on_two_gpus(tmp_path: Path) -> None:
    """With a stand-in for run.py that says when it ran where; one network cannot be built."""
    fake = tmp_path / "run.py"
    fake.write_text(
        "import json, os, sys, time\n"
        "words = sys.argv[1:]\n"
        "begin = time.time(); time.sleep(0.3)\n"
        "entry = {'words': words, 'gpu': os.environ['CUDA_VISIBLE_DEVICES'], 'begin': begin, 'end': time.time()}\n"
        f"open({str(tmp_path / 'log')!r}, 'a').write(json.dumps(entry) + chr(10))\n"
        "open(words[words.index('--output') + 1], 'w').write('{}')\n"
        "sys.exit(words[0] == 'mobilenetv2')\n"
    )
    code = "import sys; sys.path.insert(0, sys.argv[1]); import run_all; run_all.RUN = run_all.Path(sys.argv[2]); "
    code += "sys.argv = ['run_all', *sys.argv[3:]]; sys.exit(run_all.main())"
    results = tmp_path / "results"
    words = ["--gpus", "2", "--work", str(tmp_path / "work"), "--results", str(results), "--commit", "abc"]
    process = subprocess.run(
        [sys.executable, "-c", code, str(SCRIPTS), str(fake), *words], capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 0, process.stderr
    assert "build mobilenetv2_fp32: FAILED" in process.stdout
    assert {file.stem for file in results.glob("*.json")} == {
        f"network_{name}"
        for name in ("bert_base_fp16", "efficientnetb0_fp32", "resnet50_fp16", "resnet50_fp32", "resnet50_int8")
    } | {"network_resnet50_fp32_leak"}
    entries = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    builds = [entry for entry in entries if entry["words"][entry["words"].index("--output") + 1].endswith(".build")]
    assert len(builds) == 6
    for gpu in ("0", "1"):
        built = max(entry["end"] for entry in builds if entry["gpu"] == gpu)
        measured = sorted((e["begin"], e["end"]) for e in entries if e["gpu"] == gpu and e not in builds)
        assert len(measured) >= 2
        assert measured[0][0] >= built
        assert all(end <= begin for (_, end), (begin, _) in zip(measured, measured[1:]))
