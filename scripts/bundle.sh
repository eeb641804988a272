#!/usr/bin/env bash
# Usage: scripts/bundle.sh [--from BUILD_FOLDER] [FOLDER]
# One archive that runs where nothing can be installed, beside a torch 2.11 wheel: program, modules, configs, the demo's
# corpus, tests for GPUs and scripts/gpu_check.sh, and the libraries that neither glibc nor torch has. Into FOLDER
# (default: build/bundle):
#   strata-VERSION-linux-x86_64.tgz        unpack, run ./strata
#   strata-VERSION-linux-x86_64-tests.tgz  into the same folder: what ./gpu_check.sh runs besides
#   strata_lm-VERSION-py3-none-*.whl       the program for pip, with the command `strata`
#
# Builds for processors with AVX2, and the library once more for those with AVX-512, between which the system's loader
# chooses (glibc-hwcaps); --from packs a build as it is, which may be for this machine's processor alone.
set -euo pipefail
cd "$(dirname "$0")/.."
from=
if [ "${1:-}" = --from ]; then
  from=${2:?--from takes a build folder}
  shift 2
fi
out=${1:-build/bundle}
tests=(test_kernels_on_gpu test_models_on_gpu test_training_on_gpu)

portable() {  # FOLDER MARCH TARGET...
  cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTRATA_UNITY=ON -DSTRATA_MARCH="$2" >/dev/null
  cmake --build "$1" --target "${@:3}"
}

scripts/install.sh --demo
wide=
if [ -z "$from" ]; then
  from=$out/x86-64-v3 wide=$out/x86-64-v4
  portable "$from" x86-64-v3 help >/dev/null
  targets=(strata_program "${tests[@]}")
  if grep -q "strata_parquet:" <<<"$(cmake --build "$from" --target help)"; then targets+=(strata_parquet); fi
  if grep -q "strata_cuda:" <<<"$(cmake --build "$from" --target help)"; then targets+=(strata_cuda strata_nccl); fi
  portable "$from" x86-64-v3 "${targets[@]}"
  portable "$wide" x86-64-v4 libstrata.so  # `strata` is the program there
fi
[ -x "$from/strata" ] || { echo "bundle: $from has no strata" >&2 && exit 1; }
version=$(sed -nE 's/^project\(Strata VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
scripts/bundle/pack.py --build "$from" ${wide:+--wide "$wide"} --version "$version" --out "$out" "${tests[@]}"
