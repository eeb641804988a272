#!/usr/bin/env bash
# Usage: scripts/gpu_check.sh [RESULTS_FOLDER]
# What of several workers can only be seen on a machine with NVIDIA GPUs: whether collectives over NCCL keep their
# contract (ctest -L gpu; with one GPU only a world of one), and GB/s of gradients among all GPUs (from two on). About
# eight minutes: up to three to install CUDA's libraries (scripts/install.sh --cuda), the rest to build and to run.
#
# It does not show training on a GPU: models train on the CPU, and the GPUs carry only what workers tell each other.
#
# Writes results.json, and the logs that it is made from, to RESULTS_FOLDER (default: build/gpu_check). Exit codes: 0 all
# was run and passed, 1 there is no GPU or something failed, which the last line says.
set -euo pipefail
cd "$(dirname "$0")/.."
results=${1:-build/gpu_check}

fail() { echo "gpu_check: $*" >&2 && exit 1; }
say() { printf '\n== %s\n' "$*"; }

shopt -s nullglob
gpus=(/dev/nvidia[0-9]*)
[ ${#gpus[@]} -gt 0 ] || gpus=(/proc/driver/nvidia/gpus/*)
[ -n "${CUDA_VISIBLE_DEVICES-all}" ] || gpus=()
[ ${#gpus[@]} -gt 0 ] || fail "no NVIDIA GPU is visible on this machine: nothing was checked"
mkdir -p "$results"
rm -f "$results"/*.log "$results/results.json"
trap 'fail "FAILED in \"$step\"; see $results"' ERR
start=$SECONDS

step="install"
say "1/4 $step: scripts/install.sh --cuda"
scripts/install.sh --cuda

step="build"
say "2/4 $step: release, with libstrata_nccl.so"
scripts/install.sh
cmake --preset release -DSTRATA_CUDA=ON >"$results/configure.log"
cmake --build --preset release --target strata_program strata_nccl test_dist | tail -n 3
build/release/strata doctor | tee "$results/doctor.log"

step="tests"
say "3/4 $step: ctest -L gpu"
timeout 180 ctest --test-dir build/release -L gpu --no-tests=error --output-on-failure | tee "$results/tests.log"
! grep -q '\*\*\*Skipped' "$results/tests.log" || fail "tests were skipped; $results/tests.log says why"

step="bandwidth"
say "4/4 $step: strata bench collectives"
visible=$(sed -nE 's/^gpus .*; ([0-9]+) visible$/\1/p' "$results/doctor.log")
if [ "$visible" -gt 1 ]; then
  for backend in nccl gloo; do
    timeout 60 build/release/strata launch --nproc-per-node gpu bench collectives --backend "$backend" |
      tee "$results/$backend.log"
  done
else
  echo "one GPU: nothing travels" | tee "$results/nccl.log"
fi

python3 - "$results" $((SECONDS - start)) <<'PYTHON'
import json, platform, subprocess, sys
from pathlib import Path
folder = Path(sys.argv[1])
commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
logs = {path.stem: path.read_text().splitlines() for path in sorted(folder.glob("*.log"))}
results = {"commit": commit, "host": platform.node(), "seconds": int(sys.argv[2]), **logs}
(folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
PYTHON
say "gpu_check: passed in $((SECONDS - start)) s; $results/results.json"
