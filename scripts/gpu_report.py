#!/usr/bin/env python3
"""Usage: scripts/gpu_report.py FOLDER

Sums up what scripts/gpu_check.sh has left in FOLDER so far: prints a line for each run and writes results.json and
report.html. Exit code 1: a part failed or is missing, or losses on the GPU are not those of the CPU.
"""
import html
import json
import platform
import re
import statistics
import sys
from pathlib import Path

# bf16 without sparsity, as NVIDIA's data sheets have it for the SXM cards.
NOMINAL_TFLOPS = {"A100": 312, "A800": 312, "H100": 989, "H800": 989, "H200": 989}
# Of losses near ln(32000) = 10.4: sums in another order differ by 1e-5 at most in a step, and updates carry it on.
LOSS_TOLERANCE = 1e-3
NEEDED = ("71m", "71m_graph", "350m", "1b")


def metrics(folder, run):
    """The steps of a run, or nothing."""
    path = folder / "runs" / run / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def number_in(pattern, text):
    found = re.search(pattern, text)
    return float(found[1].replace(",", "")) if found else None


def speed(folder, run):
    """Rates of a training run over the second half of its steps, beside what was predicted."""
    steps = metrics(folder, run)
    log = folder / f"{run}.log"
    if len(steps) < 2 or not log.exists():
        return None
    text = log.read_text()
    late = steps[len(steps) // 2:]
    result = {"steps": len(steps), "first_loss": steps[0]["loss"], "last_loss": steps[-1]["loss"]}
    result["tokens_per_second"] = rate = statistics.median(step["tokens_per_second"] for step in late)
    seconds = [step["seconds"] for step in late if "seconds" in step]
    result["ms_a_step"] = 1e3 * statistics.median(seconds) if seconds else None
    predicted = folder / f"predict_{run}.log"
    result["predicted_ms"] = 1e3 * (number_in(r"([0-9.]+) s a step", predicted.read_text()) or 0) or None \
        if predicted.exists() else None
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


def parts_of(folder):
    """[{name, seconds, outcome}] of what was run."""
    path = folder / "parts.tsv"
    lines = path.read_text().splitlines() if path.exists() else []
    return [dict(zip(("name", "seconds", "outcome"), line.split("\t"))) for line in lines]


def share(value):
    return "?" if value is None else f"{100 * value:.1f} %"


def milliseconds(value):
    return "?" if value is None else f"{value:.1f} ms"


def describe(run, result):
    if result is None:
        return f"{run}: no result"
    return (f"{run}: {result['tokens_per_second']:,.0f} tokens/s, a step {milliseconds(result['ms_a_step'])} where"
            f" {milliseconds(result['predicted_ms'])} were predicted, {share(result.get('mfu'))} of the card's nominal"
            f" rate (MFU), {share(result.get('share_of_measured_gemm'))} of the GEMM rate measured here; memory planned"
            f" {result.get('memory_planned', '?')}, at most {result.get('memory_at_most', '?')};"
            f" loss {result['first_loss']:.3f} to {result['last_loss']:.3f}")


def page(lines, parts, logs):
    rows = "".join(f"<tr><td>{html.escape(part['name'])}<td>{part['seconds']} s<td>{html.escape(part['outcome'])}"
                   for part in parts)
    texts = "".join(f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(chr(10).join(text))}</pre>"
                    "</details>" for name, text in logs.items())
    summary = "".join(f"<li>{html.escape(line)}" for line in lines)
    return ("<!doctype html><meta charset=utf-8><title>Strata on a GPU</title><style>body{font:15px sans-serif;"
            "max-width:60em;margin:2em auto}td{padding:0 1em 0 0}pre{overflow:auto;background:#eee;padding:1em}</style>"
            f"<h1>Strata on a GPU</h1><ul>{summary}</ul><table><tr><th>part<th>took<th>outcome{rows}</table>{texts}\n")


def main(folder):
    parts = parts_of(folder)
    logs = {path.stem: path.read_text(errors="replace").splitlines() for path in sorted(folder.glob("*.log"))}
    names = [*NEEDED, *(path.name for path in sorted((folder / "runs").glob("*")) if path.name not in NEEDED)]
    runs = {name: speed(folder, name) for name in names}
    losses = compare(folder)
    lines = [describe(run, result) for run, result in runs.items() if not run.startswith("fp32")]
    lines.append("fp32 losses on GPU and CPU: " + (
        f"differ by {losses['largest_difference']:.2e} at most over {len(losses['gpu'])} steps"
        f" (tolerance {LOSS_TOLERANCE:.0e})" if losses else "no result"))
    print(*lines, sep="\n")
    version = next((line for line in logs.get("doctor", []) if "strata" in line), "")
    results = {"version": version, "host": platform.node(), "parts": parts, "runs": runs, "fp32_losses": losses,
               "logs": logs}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "report.html").write_text(page(lines, parts, logs))
    passed = all(part["outcome"] == "passed" for part in parts)
    return 0 if passed and all(runs[name] for name in NEEDED) and losses and losses["same"] else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
