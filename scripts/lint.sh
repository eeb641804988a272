#!/usr/bin/env bash
# Usage: scripts/lint.sh [SOURCE...]
# Formatting, house rules, clang-tidy. Sources narrow what clang-tidy reads; without them it reads all of src/ and tools/.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "lint: clang-format"
git ls-files '*.h' '*.cpp' '*.inl' '*.cu' '*.cuh' | xargs clang-format --dry-run -Werror

echo "lint: check_layers"
scripts/check_layers.py

# The commands of the dev build, without what only GCC understands. Its precompiled headers go too:
# a source that does not include what it uses is found here.
cmake --preset dev >/dev/null
mkdir -p build/lint
sources=$(python3 - "$PWD" "$@" <<'PYTHON'
import json, os, re, sys
root, *wanted = map(os.path.realpath, sys.argv[1:])
gcc_only = re.compile(r" (-include \S+|-Winvalid-pch|-fpch-preprocess|-fopenmp|-Werror|-Wno-stringop-overflow|-Wno-restrict)(?= )")
commands = []
for entry in json.load(open("build/dev/compile_commands.json")):
    in_tree = entry["file"].startswith((f"{root}/src/", f"{root}/tools/")) and entry["file"].endswith(".cpp")
    if in_tree and (not wanted or entry["file"] in wanted):
        commands.append({**entry, "command": gcc_only.sub("", entry["command"])})
unknown = set(wanted) - {entry["file"] for entry in commands}
if unknown:
    sys.exit(f"lint: the dev build does not compile {', '.join(sorted(unknown))}")
json.dump(commands, open("build/lint/compile_commands.json", "w"))
print(*sorted({entry["file"] for entry in commands}), sep="\n")
PYTHON
)

echo "lint: clang-tidy, $(wc -w <<<"$sources") sources"
# It counts on stderr the warnings that it leaves out, those of other people's headers.
xargs --no-run-if-empty -P "$(nproc)" -n 1 clang-tidy-19 -p build/lint --quiet <<<"$sources" \
  2> >(grep -vE '^[0-9]+ warnings? .*generated' >&2)
echo "lint: no findings"
