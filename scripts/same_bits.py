#!/usr/bin/env python3
"""Whether two builds of strata compute the same bits: before and after a change that should change none.

Usage: same_bits.py BEFORE AFTER DATA   (two programs; a folder with t5/spiece.model, c4/ and commonsense/)

Both train small models on real text: every scheme with its gates, 20 steps of 9m with one and with two workers, a run
that was stopped and resumed, and fine-tuning by LISA from what 9m became. The last model.safetensors and all numbers of
metrics.jsonl, layers.jsonl and eval.jsonl but the times have to be equal. Prints a line a run; exits with 1 where one
differs.
"""
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = {"seconds", "tokens_per_second", "communication_seconds", "exposed_seconds"}
SCHEMES = ["post", "pre", "sandwich", "deepnorm", "mix", "lns", "lns_fixed", "scaled_init"]
LOGS = ["metrics.jsonl", "layers.jsonl", "eval.jsonl"]


def runs(data):
    """Name, config, and arguments, in which {root} is the folder of a program's runs; run.dir stands last."""
    nine = f"""model: {{vocab: 32000, hidden: 128, intermediate: 352, layers: 4, heads: 4}}
norm: {{scheme: pre+gpas}}
data: {{tokenizer: {data}/t5/spiece.model, train: ["{data}/c4/c4-train.*.json.gz"],
       validation: ["{data}/c4/c4-validation.*.json.gz"]}}
train: {{steps: 20, global_batch: 8, micro_batch: 2, clip: {{global: 1.0, gates: 0.01}}}}
schedule: {{warmup_steps: 4}}
evaluate: {{every: 10, tokens: 4000}}
checkpoint: {{every: 10}}
run: {{gemm: tiles}}
"""
    config = ["{root}/nine.yaml", "data.cache={root}/cache"]
    tiny = ["model.hidden=48", "model.intermediate=64", "model.layers=3", "train.steps=6", "train.global_batch=4"]
    pretrain = ["pretrain", *config]
    yield "9m, 1 worker", nine, [*pretrain, "run.dir={root}/nine"]
    yield "9m, 2 workers", nine, ["launch", "--nproc-per-node", "2", "--", *pretrain, "run.dir={root}/two"]
    yield "9m, stopped", nine, [*pretrain, "train.stop_after=7", "run.dir={root}/resumed"]
    yield "9m, resumed", nine, [*pretrain, "run.dir={root}/resumed"]
    for scheme in SCHEMES:
        for name in (scheme, scheme + "+gpas"):
            yield name, nine, [*pretrain, *tiny, f"norm.scheme={name}", "run.dir={root}/" + name]
    recompute = [*tiny, "norm.scheme=mix+gpas", "train.recompute=layer"]
    yield "mix+gpas, recomputed", nine, [*pretrain, *recompute, "run.dir={root}/recomputed"]
    mixed = [*tiny, "norm.scheme=sandwich+gpas", "train.precision=mixed"]
    yield "sandwich+gpas, mixed", nine, [*pretrain, *mixed, "run.dir={root}/mixed"]
    samples = f"sft.data=[{data}/commonsense/commonsense_train.json.gz]"
    lisa = ["lisa.layers=2", "lisa.interval=3", "sft.limit=120", "sft.epochs=1", "train.global_batch=2"]
    tuned = [samples, *lisa, "train.micro_batch=1", "sft.model={root}/nine/checkpoints/step_00000020"]
    yield "LISA", nine, ["sft", "{root}/tuned.yaml", *tuned, "run.dir={root}/tuned"]


TUNED = """data: {sequence_length: 256}
sft: {template: alpaca, holdout: 0.001, answers: 20}
optimizer: {kind: adamw, lr: 3.0e-4}
train: {clip: {global: 1.0}}
run: {gemm: tiles}
"""


def numbers(path):
    """The lines of a log without what depends on the clock."""
    if not path.exists():
        return None
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def outcome(run):
    """What is compared of a run folder."""
    newest = max((run / "checkpoints").glob("step_*"))
    weights = hashlib.sha256((newest / "model.safetensors").read_bytes()).hexdigest()
    return {"model.safetensors": weights, **{log: numbers(run / log) for log in LOGS}}


def execute(program, root, config, arguments):
    (root / "nine.yaml").write_text(config)
    (root / "tuned.yaml").write_text(TUNED)
    command = [program, *(argument.replace("{root}", str(root)) for argument in arguments)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return outcome(Path(command[-1].removeprefix("run.dir=")))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    programs, data = sys.argv[1:3], Path(sys.argv[3]).resolve()
    equal = True
    with tempfile.TemporaryDirectory() as scratch:
        roots = [Path(scratch) / name for name in ("before", "after")]
        for root in roots:
            root.mkdir()
        for name, config, arguments in runs(data):
            before, after = (execute(program, root, config, arguments) for program, root in zip(programs, roots))
            different = [what for what in before if before[what] != after[what]]
            equal = equal and not different
            weights = before["model.safetensors"][:12]
            print(f"{name:24} {'DIFFERENT: ' + ', '.join(different) if different else 'equal ' + weights}", flush=True)
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
