#!/usr/bin/env python3
"""Usage: scripts/gpu_report.py FOLDER

Sums up what scripts/gpu_check.sh left in FOLDER: prints a line for each run and writes results.json. Exit code 1: a run
is missing, or losses on the GPU are not those of the CPU.
"""
import json
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path

# bf16 without sparsity, as NVIDIA's data sheets have it for the SXM cards.
NOMINAL_TFLOPS = {"A100": 312, "A800": 312, "H100": 989, "H800": 989, "H200": 989}
# Of losses near ln(32000) = 10.4: sums in another order differ by 1e-5 at most in a step, and updates carry it on.
LOSS_TOLERANCE = 1e-3


def metrics(folder, run):
    """The steps of a run, or nothing."""
    path = folder / "runs" / run / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def number_in(pattern, text):
    found = re.search(pattern, text)
    return float(found[1].replace(",", "")) if found else None


def speed(folder, run):
    """Rates of a training run over the second half of its steps."""
    steps = metrics(folder, run)
    log = folder / f"{run}.log"
    if len(steps) < 2 or not log.exists():
        return None
    text = log.read_text()
    result = {"steps": len(steps), "first_loss": steps[0]["loss"], "last_loss": steps[-1]["loss"]}
    result["tokens_per_second"] = rate = statistics.median(s["tokens_per_second"] for s in steps[len(steps) // 2:])
    gflop = number_in(r"([0-9.]+) GFLOP per token", text)
    rate_line = re.search(r"^  (.*) · \S+ ([0-9,]+) GFLOP/s on this model's shapes", text, re.MULTILINE)
    if gflop and rate_line:
        result["device"] = rate_line[1]
        result["measured_gemm_tflops"] = float(rate_line[2].replace(",", "")) / 1e3
        result["share_of_measured_gemm"] = rate * gflop / 1e3 / result["measured_gemm_tflops"]
        nominal = next((peak for card, peak in NOMINAL_TFLOPS.items() if card in rate_line[1]), None)
        result["mfu"] = rate * gflop / 1e3 / nominal if nominal else None
    memory = re.search(r"memory: planned (.*), \w+ at most (.*) \(", text)
    if memory:
        result["memory_planned"], result["memory_at_most"] = memory.groups()
    return result


def compare(folder):
    """Losses in fp32 on the GPU and on the CPU."""
    gpu, cpu = ([step["loss"] for step in metrics(folder, run)] for run in ("fp32_gpu", "fp32_cpu"))
    if not gpu or len(gpu) != len(cpu):
        return None
    largest = max(abs(a - b) for a, b in zip(gpu, cpu))
    return {"gpu": gpu, "cpu": cpu, "largest_difference": largest, "tolerance": LOSS_TOLERANCE,
            "same": largest <= LOSS_TOLERANCE}


def share(value):
    return "?" if value is None else f"{100 * value:.1f} %"


def describe(run, result):
    if result is None:
        return f"{run}: no result"
    return (f"{run}: {result['tokens_per_second']:,.0f} tokens/s, {share(result.get('mfu'))} of the card's nominal rate"
            f" (MFU), {share(result.get('share_of_measured_gemm'))} of the GEMM rate measured here; memory planned"
            f" {result.get('memory_planned', '?')}, at most {result.get('memory_at_most', '?')};"
            f" loss {result['first_loss']:.3f} to {result['last_loss']:.3f}")


def main(folder):
    runs = {run: speed(folder, run) for run in ("train_71m", "train_350m")}
    losses = compare(folder)
    for run, result in runs.items():
        print(describe(run, result))
    print("fp32 losses on GPU and CPU: " + (
        f"differ by {losses['largest_difference']:.2e} at most over {len(losses['gpu'])} steps"
        f" (tolerance {LOSS_TOLERANCE:.0e})" if losses else "no result"))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    logs = {path.stem: path.read_text().splitlines() for path in sorted(folder.glob("*.log"))}
    results = {"commit": commit, "host": platform.node(), **runs, "fp32_losses": losses, "logs": logs}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(runs.values()) and losses and losses["same"] else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
