#!/usr/bin/env python3
"""Training speed and memory of Strata against plain PyTorch (pytorch_llama.py beside this): the same model, start, rows.

Usage: compare_pytorch.py CONFIG --text FILES... --tokenizer MODEL [KEY=VALUE...] [--modes eager,compiled,packed]
                          [--steps N] [--rounds N] [--python PYTHON] [--strata PROGRAM] [--json FILE]

The programs take turns, `rounds` times, each with all threads (OMP_NUM_THREADS). First losses are compared: all of them
must agree to 1e-4 in fp32, 2e-2 in bf16. Then for each round the median over its steps but the first two:
tokens a second, pads not counted. Strata's ratio to a peer is the median over rounds of neighbours in time. CONFIG's
scheme is pre or pre+gpas; rows are documents, as in the paper. PYTHON has torch, and for `compiled` a compiler.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

PEER = Path(__file__).with_name("pytorch_llama.py")


def parse_value(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def keys_in(yaml):
    """{"train.steps": 10, ...} of what `strata inspect` prints: nested maps, a line for each key."""
    values, path = {}, []
    for line in yaml.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        key, value = line.strip().split(":", 1)
        path[depth:] = [key]
        if value.strip():
            values[".".join(path)] = parse_value(value.strip())
    return values


def rows_in(shard, length):
    """Documents of a token shard (docs/data.md) as rows: cut to `length`, the last id end-of-document (1)."""
    content = shard.read_bytes()
    version, width = array("I", content[8:16])
    assert content[:8] == b"STRATOKS" and version == 1, shard
    documents, count = array("Q", content[-24:-8])
    ids = array({2: "H", 4: "I"}[width], content[16 : 16 + count * width])
    offsets = array("Q", content[-40 - (documents + 1) * 8 : -40])
    rows = [list(ids[begin:end])[:length] for begin, end in zip(offsets, offsets[1:])]
    return [row[:-1] + [1] for row in rows if len(row) > 1]


def timed(command, is_first_step):
    """Lines of stdout, seconds until the line that is_first_step knows, and the most memory."""
    start, first, lines = time.perf_counter(), None, []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if first is None and is_first_step(line):
            first = time.perf_counter() - start
        lines.append(line)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{''.join(lines)}")
    return lines, first, usage.ru_maxrss * 1024


class Comparison:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.overrides = [f"data.train=[{','.join(arguments.text)}]", "data.validation=[]", "data.rows=document",
                          f"data.tokenizer={arguments.tokenizer}", f"data.cache={folder}/cache", "data.shuffle=false",
                          f"train.steps={arguments.steps}", "checkpoint.every=0", "schedule.warmup_steps=0"]
        self.overrides += arguments.overrides
        inspected = subprocess.run([arguments.strata, "inspect", arguments.config, *self.overrides], check=True,
                                   capture_output=True, text=True)
        self.keys = keys_in(inspected.stdout)
        if self.keys["norm.scheme"] not in ("pre", "pre+gpas"):
            sys.exit(f"norm.scheme={self.keys['norm.scheme']}: the peer has pre and pre+gpas")
        self.precision = {"auto": "fp32"}.get(self.keys["train.precision"], self.keys["train.precision"])

    def strata(self):
        run = self.folder / "run"
        subprocess.run(["rm", "-rf", run], check=True)
        command = [self.arguments.strata, "pretrain", self.arguments.config, *self.overrides, f"run.dir={run}"]
        _, first, memory = timed(command, lambda line: line.startswith("step "))
        steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return {"steps": steps, "first": first, "memory": memory}

    def prepare(self, steps):
        """What the peer trains on: the same start, and Strata's rows and rates."""
        model = self.folder / "model"
        subprocess.run([self.arguments.strata, "init", self.arguments.config, model, *self.overrides], check=True,
                       stdout=subprocess.DEVNULL)
        shards = sorted((self.folder / "cache").glob("*.tokens"))
        rows = [row for shard in shards for row in rows_in(shard, self.keys["data.sequence_length"])]
        batch, part = self.keys["train.global_batch"], self.keys["train.micro_batch"]
        batches = [rows[i * batch : (i + 1) * batch] for i in range(len(steps))]
        dims = {key: self.keys[f"model.{key}"] for key in ("hidden", "layers", "heads", "norm_eps", "rope_theta")}
        dims["kv_heads"] = self.keys["model.kv_heads"] or dims["heads"]
        names = ("kind", "beta1", "beta2", "eps", "weight_decay")
        self.job = {"model": str(model), "dims": dims, "gpas": self.keys["norm.scheme"].endswith("+gpas"),
                    "length": self.keys["data.sequence_length"], "precision": self.precision,
                    "optimizer": {name: self.keys[f"optimizer.{name}"] for name in names},
                    "clip": self.keys["train.clip.global"],
                    "steps": [{"lr": step["lr"], "micro_batches": [rows[i : i + part] for i in range(0, batch, part)]}
                              for step, rows in zip(steps, batches)]}

    def peer(self, mode):
        file = self.folder / "job.json"
        file.write_text(json.dumps(self.job | {"mode": mode}))
        lines, first, memory = timed([self.arguments.python, PEER, file], lambda line: line.startswith("{"))
        return {"steps": [json.loads(line) for line in lines], "first": first, "memory": memory}

    def check(self, mode, ours, theirs):
        worst = max(abs(a["loss"] - b["loss"]) for a, b in zip(ours["steps"], theirs["steps"]))
        if any(a["tokens"] != b for a, b in zip(ours["steps"], cumulated(theirs["steps"]))):
            sys.exit(f"{mode}: other rows than Strata's")
        if worst > (1e-4 if self.precision == "fp32" else 2e-2):
            sys.exit(f"{mode}: losses differ by up to {worst:.1e}; nothing was compared")
        return worst


def cumulated(steps):
    total = 0
    for step in steps:
        total += step["tokens"]
        yield total


def rate(run, cumulative):
    """Tokens a second: the median over steps, the first two aside."""
    steps = run["steps"]
    tokens = [step["tokens"] for step in steps]
    if cumulative:
        tokens = [now - before for before, now in zip([0, *tokens], tokens)]
    return statistics.median(count / step["seconds"] for count, step in list(zip(tokens, steps))[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--text", nargs="+", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--modes", default="eager,compiled,packed")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--strata", default="build/release/strata")
    parser.add_argument("--json")
    arguments = parser.parse_intermixed_args()
    modes = arguments.modes.split(",")
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(arguments, Path(folder))
        comparison.prepare(comparison.strata()["steps"])  # tokenizes; not timed
        runs = {name: [] for name in ("strata", *modes)}
        for _ in range(arguments.rounds):
            runs["strata"].append(comparison.strata())
            for mode in modes:
                runs[mode].append(comparison.peer(mode))
        worst = {mode: comparison.check(mode, runs["strata"][0], runs[mode][0]) for mode in modes}
    rates = {name: [rate(run, name == "strata") for run in of] for name, of in runs.items()}
    print(f"{arguments.config} {' '.join(arguments.overrides)}: {comparison.precision}, median of {arguments.rounds} rounds")
    print("| | tokens/s | Strata's ratio | first step ends after | most memory | losses differ by |\n|---|---|---|---|---|---|")
    results = {}
    for name, of in runs.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates["strata"], rates[name]))
        results[name] = {"tokens_per_second": statistics.median(rates[name]), "strata_ratio": ratio,
                         "first_step_seconds": statistics.median(run["first"] for run in of),
                         "memory_bytes": max(run["memory"] for run in of), "loss_difference": worst.get(name, 0.0)}
        row = results[name]
        print(f"| {name} | {row['tokens_per_second']:,.0f} | {ratio:.2f} | {row['first_step_seconds']:.1f} s | "
              f"{row['memory_bytes'] / 1e9:.2f} GB | {row['loss_difference']:.0e} |")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"config": arguments.config, "overrides": arguments.overrides,
                                                    "precision": comparison.precision, "results": results}, indent=1))


if __name__ == "__main__":
    main()
