#!/usr/bin/env python3
"""Training on a machine that is not alone: tokens a second beside a busy process, and of two runs side by side.

Usage: neighbours.py CONFIG [KEY=VALUE...] [--strata PROGRAM...] [--rows N] [--steps N] [--rounds N] [--json FILE]

In each round every program does a step's forward and backward (`strata bench step`, random rows) N times: alone; beside
a process that does nothing but count, at nice 0 and at nice 19; and with a second run of itself beside it, both added.
Programs take turns, so that what they have in common is the machine. Tokens a second of the median step; medians over
the rounds, and as a share of the same program alone.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

CASES = ["alone", "a neighbour at nice 0", "a neighbour at nice 19", "two side by side"]


def start(program, arguments):
    command = [program, "bench", "step", arguments.config, *arguments.overrides, "--rows", str(arguments.rows), "--steps",
               str(arguments.steps)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def speed_of(run):
    text, _ = run.communicate()
    if run.returncode != 0:
        sys.exit(f"failed: {' '.join(run.args)}")
    tokens = int(re.search(r"^batch .* ([\d,]+) tokens", text, re.MULTILINE)[1].replace(",", ""))
    return tokens / float(re.search(r"best, ([\d.]+) s median", text)[1])


def measure(case, program, arguments):
    if case == "two side by side":
        return sum(speed_of(run) for run in [start(program, arguments), start(program, arguments)])
    neighbour = None
    if case != "alone":
        nice = int(case.split()[-1])
        neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=lambda: os.nice(nice))
    try:
        return speed_of(start(program, arguments))
    finally:
        if neighbour:
            neighbour.kill()
            neighbour.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--strata", nargs="+", default=["build/release/strata"])
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_intermixed_args()
    speeds = {program: {case: [] for case in CASES} for program in arguments.strata}
    for _ in range(arguments.rounds):
        for case in CASES:
            for program in arguments.strata:
                speeds[program][case].append(measure(case, program, arguments))
    print(f"| {len(os.sched_getaffinity(0))} cores, tokens/s | {' | '.join(CASES)} |\n|---|{'---|' * len(CASES)}")
    for program, of_program in speeds.items():
        medians = [statistics.median(of_program[case]) for case in CASES]
        shares = "".join(f"{median:,.0f} ({median / medians[0]:.2f}) | " for median in medians[1:])
        print(f"| {program} | {medians[0]:,.0f} | {shares}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(speeds, indent=1))


if __name__ == "__main__":
    main()
