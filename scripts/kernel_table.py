#!/usr/bin/env python3
"""What ptxas says of every CUDA kernel: registers, spills, stack and shared memory, as a table, against limits.

Usage: kernel_table.py [BUILD_FOLDER]   (default: build/dev)
Exits with 1 where a kernel spills, uses a stack, exceeds a limit, or where nvcc warned.
"""
import re
import subprocess
import sys
from pathlib import Path

# An SM has 65,536 registers: enough for blocks of 256 threads. Kernels with larger ones say so in __launch_bounds__,
# which ptxas keeps.
MOST_REGISTERS = 255
MOST_SHARED = 48 * 1024  # static; bytes
COMPILE = re.compile(r"Compiling entry function '(\S+)' for '(sm_\w+)'")
SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers(?:.*?(\d+) bytes smem)?")


def demangled(names):
    lines = subprocess.run(["c++filt", "-p"], input="\n".join(names), capture_output=True, text=True, check=True)
    return [re.sub(r"strata::kernels::(cuda::)?|\(anonymous namespace\)::|_GLOBAL__N__\w+::", "", line) for line in lines.stdout.splitlines()]


def kernels_of(path):
    """(mangled name, architecture) -> [registers, stack, spills, shared memory], and what else nvcc had to say."""
    kernels, other, current = {}, [], None
    for line in path.read_text().splitlines():
        if match := COMPILE.search(line):
            current = (match[1], match[2])
            kernels[current] = [0, 0, 0, 0]
        elif match := SPILLS.search(line):
            kernels[current][1:3] = int(match[1]), int(match[2]) + int(match[3])
        elif match := USED.search(line):
            kernels[current][0], kernels[current][3] = int(match[1]), int(match[2] or 0)
        elif "warning" in line or "error" in line:
            other.append(line)
    return kernels, other


def findings_of(numbers):
    registers, stack, spills, shared = numbers
    return [
        text
        for wrong, text in (
            (registers > MOST_REGISTERS, f"more than {MOST_REGISTERS} registers"),
            (stack > 0, "uses a stack"),
            (spills > 0, "spills"),
            (shared > MOST_SHARED, f"more than {MOST_SHARED} bytes of shared memory"),
        )
        if wrong
    ]


def main(folder):
    reports = sorted((folder / "cuda").glob("*.ptxas"))
    if not reports:
        sys.exit(f"kernel_table: {folder}/cuda has no *.ptxas: this build has no CUDA kernels")
    failed = 0
    print(f"{'kernel':<78} {'arch':<7} {'registers':>9} {'stack':>6} {'spills':>6} {'shared':>7}")
    for report in reports:
        kernels, other = kernels_of(report)
        print(f"{report.name.removesuffix('.o.ptxas')}")
        names = demangled([name for name, _ in kernels])
        for name, ((_, architecture), numbers) in sorted(zip(names, kernels.items())):
            found = findings_of(numbers)
            registers, stack, spills, shared = numbers
            print(f"  {name:<76} {architecture:<7} {registers:>9} {stack:>6} {spills:>6} {shared:>7}  {', '.join(found)}")
            failed += bool(found)
        for line in other:
            print(f"  nvcc: {line}")
            failed += 1
    if failed:
        sys.exit(f"kernel_table: {failed} findings")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/dev"))
