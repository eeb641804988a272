#!/usr/bin/env bash
# Usage: scripts/lint.sh [SOURCE...]
# Formatting, house rules, clang-tidy. Sources narrow what clang-tidy reads; without them it reads all of src/ and tools/.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "lint: clang-format"
git ls-files '*.h' '*.cpp' '*.inl' '*.cu' '*.cuh' | xargs clang-format --dry-run -Werror

echo "lint: check_layers"
scripts/check_layers.py

# The commands of the dev build, without what only GCC understands, and without its precompiled headers. All sources are
# read in groups, as the release build compiles them: what they include is then read once for each group.
cmake --preset dev >/dev/null
mkdir -p build/lint
sources=$(python3 - "$PWD" "$@" <<'PYTHON'
import collections, json, os, re, sys
root, *wanted = map(os.path.realpath, sys.argv[1:])
GROUP = 12
gcc_only = re.compile(r" (-include \S+|-Winvalid-pch|-fpch-preprocess|-fopenmp|-Werror|-Wno-stringop-overflow|-Wno-restrict)(?= )")
commands = []
for entry in json.load(open("build/dev/compile_commands.json")):
    in_tree = entry["file"].startswith((f"{root}/src/", f"{root}/tools/")) and entry["file"].endswith(".cpp")
    if in_tree and (not wanted or entry["file"] in wanted):
        commands.append({**entry, "command": gcc_only.sub("", entry["command"])})
unknown = set(wanted) - {entry["file"] for entry in commands}
if unknown:
    sys.exit(f"lint: the dev build does not compile {', '.join(sorted(unknown))}")


def grouped(entries):
    """One source that includes those of a module whose commands are the same but for the file, at most GROUP."""
    groups = collections.defaultdict(list)
    for entry in entries:
        file = entry["file"]
        module = re.match(r"(?:src/)?(\w+)", os.path.relpath(file, root))[1]
        flags = re.sub(r" -o \S+ -c \S+$", "", entry["command"])
        if file not in groups[module, flags]:  # several programs may have it
            groups[module, flags].append(file)
    for number, ((module, flags), files) in enumerate(sorted(groups.items())):
        for begin in range(0, len(files), GROUP):
            source = f"{root}/build/lint/{module}_{number}_{begin}.cpp"
            with open(source, "w") as out:
                out.writelines(f'#include "{file}"\n' for file in files[begin : begin + GROUP])
            yield {"directory": entries[0]["directory"], "file": source, "command": f"{flags} -c {source}"}


read = commands if wanted else list(grouped(commands))
json.dump(read, open("build/lint/compile_commands.json", "w"))
print(*sorted({entry["file"] for entry in read}), sep="\n")
PYTHON
)

echo "lint: clang-tidy, $(wc -w <<<"$sources") sources, or groups of them"
# It counts on stderr the warnings that it leaves out, those of other people's headers.
xargs --no-run-if-empty -P "$(nproc)" -n 1 clang-tidy-19 -p build/lint --quiet <<<"$sources" \
  2> >(grep -vE '^[0-9]+ warnings? .*generated' >&2)
echo "lint: no findings"
