#!/usr/bin/env python3
"""What the house is like, as a table: a column for each checkout, so that before stands beside after.

Usage: house.py [--deps BUILD] [--build PRESET] [CHECKOUT...]   (default: this checkout)
  --deps BUILD    a build folder in each checkout whose headers are counted, such as build/dev; it must be built
  --build PRESET  also build the program and then all of it from nothing, without ccache, in build/house of each
                  checkout: CPU seconds and wall time, and what one changed file costs. Takes a while; leave the
                  machine alone meanwhile.
"""
import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check_layers import SOURCE_SUFFIXES, FunctionFinder, code_of  # noqa: E402

TOPS = ("include", "src", "tools", "tests")
SMALL = 40  # lines
WORST = 10  # headers shown
ENUM = re.compile(r"^\s*enum (?:class |struct )?(\w+)", re.MULTILINE)
CHANGED = {"src/nn/decoder.cpp": "one changed part of the model", "src/norm/schemes/sandwich.cpp": "one changed scheme"}


def sources(root):
    files = [path for top in TOPS for path in sorted((root / top).rglob("*")) if path.suffix in SOURCE_SUFFIXES]
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def text_rows(root):
    texts = sources(root)
    lines = {file: len(text.splitlines()) for file, text in texts.items()}
    lengths = sorted(length for text in texts.values() for _, length, _ in FunctionFinder(code_of(text)).find())
    own = {file: text for file, text in texts.items() if not file.startswith("tests/")}
    enums = [name for text in own.values() for name in ENUM.findall(code_of(text))]
    return [
        ("files", len(texts)),
        ("files without tests", len(own)),
        ("lines", sum(lines.values())),
        ("lines without tests", sum(lines[file] for file in own)),
        (f"files under {SMALL} lines, without tests", sum(lines[file] < SMALL for file in own)),
        ("function length: median", round(statistics.median(lengths))),
        ("function length: 90 of 100", lengths[len(lengths) * 9 // 10]),
        ("function length: longest", lengths[-1]),
        ("public headers", sum(file.startswith("include/") for file in texts)),
        ("enums without tests", len(enums)),
        ("files in tools/", sum(file.startswith("tools/") for file in texts)),
    ]


def header_rows(root, build):
    """How many objects see each of the project's headers, by ninja's record of a build."""
    record = subprocess.run(["ninja", "-C", root / build, "-t", "deps"], capture_output=True, text=True, check=True)
    seen, units = {}, 0
    for block in record.stdout.split("\n\n"):
        target, *names = block.splitlines() or [""]
        if ".cpp.o:" not in target:
            continue
        units += 1
        paths = {os.path.relpath(os.path.join(root / build, name.strip()), root) for name in names}
        for path in paths:
            if path.endswith(".h") and path.startswith(("include/", "src/", "tools/")):
                seen[path] = seen.get(path, 0) + 1
    worst = sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:WORST]
    named = ("nn/attention.h", "kernels/attention.h", "nn/feed_forward.h", "norm/scheme.h", "config/train.h")
    rows = [("objects", units)]
    rows += [(f"objects that see {name}", max([n for h, n in seen.items() if h.endswith(name)] or [0])) for name in named]
    return rows + [(f"header {place}", f"{count} {path}") for place, (path, count) in enumerate(worst, 1)]


def timed(command, root):
    """CPU seconds, and seconds, of a command with all its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{root}: {' '.join(map(str, command))} failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return f"{cpu:.0f} CPU s, {time.monotonic() - start:.0f} s"


def build_rows(root, preset):
    build = root / "build/house"
    shutil.rmtree(build, ignore_errors=True)
    timed(["cmake", "--preset", preset, "-B", build, "-DSTRATA_CUDA=OFF"], root)
    rows = [
        (f"{preset}: the program, from nothing", timed(["cmake", "--build", build, "--target", "strata_program"], root)),
        (f"{preset}: all the rest", timed(["cmake", "--build", build], root)),
    ]
    for file, what in CHANGED.items():
        (root / file).touch()
        rows.append((f"{preset}: {what}", timed(["cmake", "--build", build], root)))
    shutil.rmtree(build)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[Path(__file__).resolve().parent.parent])
    parser.add_argument("--deps", metavar="BUILD")
    parser.add_argument("--build", metavar="PRESET")
    arguments = parser.parse_args()
    columns = []
    for root in (path.resolve() for path in arguments.checkouts):
        rows = text_rows(root)
        rows += header_rows(root, arguments.deps) if arguments.deps else []
        rows += build_rows(root, arguments.build) if arguments.build else []
        columns.append(dict(rows))
    print("| | " + " | ".join(path.name for path in arguments.checkouts) + " |")
    print("|---|" + "---|" * len(columns))
    for name in dict.fromkeys(name for column in columns for name in column):
        print(f"| {name} | " + " | ".join(str(column.get(name, "")) for column in columns) + " |")


if __name__ == "__main__":
    main()
