#!/usr/bin/env python3
"""What options cost: the time of a step with them as a ratio to that without, in runs that take turns.

Usage: options.py CONFIG [KEY=VALUE...] --option "KEY=VALUE KEY=VALUE"... [--strata PROGRAM] [--steps N] [--rounds N]
                  [--json FILE]

Each round trains CONFIG with its overrides alone and then with each option on top, always from one fresh process. A
step's time is that of the process with 2 + N steps less that with 2, so that what is written behind a step counts and
the start does not; processor seconds (of all threads) likewise, which a machine with others disturbs less. Medians of
the rounds' ratios to their own run without. CONFIG's data must be there (strata pretrain CONFIG runs).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(arguments, steps, option, run):
    """Wall and processor seconds of a run."""
    subprocess.run(["rm", "-rf", run], check=True)
    command = [arguments.strata, "pretrain", "--quiet", arguments.config, f"run.dir={run}", f"train.steps={steps}",
               "schedule.warmup_steps=0", "checkpoint.every=0", "evaluate.every=0", "data.validation=[]",
               *arguments.overrides, *option.split()]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def step_time(arguments, option, run):
    short, whole = timed(arguments, 2, option, run), timed(arguments, 2 + arguments.steps, option, run)
    return [(b - a) / arguments.steps for a, b in zip(short, whole)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--option", action="append", required=True)
    parser.add_argument("--strata", default="build/release/strata")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    arguments = parser.parse_intermixed_args()
    options = ["", *arguments.option]
    times = {option: [] for option in options}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(arguments.rounds):
            for option in options if turn % 2 == 0 else reversed(options):
                times[option].append(step_time(arguments, option, Path(folder) / "run"))
    print("| | seconds a step | ratio | processor seconds | ratio |\n|---|---|---|---|---|")
    for option, of_option in times.items():
        cells = []
        for kind in range(2):
            ratios = [mine[kind] / base[kind] for mine, base in zip(of_option, times[""])]
            cells += [f"{statistics.median(one[kind] for one in of_option):.4g}", f"{statistics.median(ratios):.3f}"]
        print(f"| {option or 'without'} | {' | '.join(cells)} |")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(times, indent=1))


if __name__ == "__main__":
    main()
