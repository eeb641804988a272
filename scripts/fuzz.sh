#!/usr/bin/env bash
# Usage: scripts/fuzz.sh [SECONDS [TARGET...]], for instance for an hour each: scripts/fuzz.sh 3600
# Installs what is missing and runs the fuzz targets of tests/fuzz (default: all) for SECONDS each (default: 20), from
# what earlier runs left in build/fuzz/corpus. Says what they reached; fails if there is a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-20}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz: SECONDS=$seconds is not a number from 1" >&2 && exit 2; }
targets=("${@:2}")
[ $# -gt 1 ] || for source in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$source" _fuzz.cpp)"); done

scripts/install.sh --fuzz
scripts/build.sh fuzz
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
cd build/fuzz

# final LOG NAME: a number of the run's end
final() {
  sed -nE "s/^#.*DONE .*$2: ([0-9]+).*|^stat::$2: +([0-9]+)/\1\2/p" "$1"
}

failed=false
for target in "${targets[@]}"; do
  program=./${target}_fuzz log=$target.log dictionary=../../tests/fuzz/$target.dict
  mkdir -p "corpus/$target" "seeds/$target" findings
  $program --make-seeds "seeds/$target"
  # 2 GB is what a zstd frame's window may ask for.
  options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -malloc_limit_mb=4096 -print_final_stats=1
    -artifact_prefix="findings/$target-")
  [ ! -e "$dictionary" ] || options+=(-dict="$dictionary")
  if $program "corpus/$target" "seeds/$target" "${options[@]}" >"$log" 2>&1; then
    printf 'fuzz: %-18s %9s runs, %s a second, %s edges, %s inputs in the corpus\n' "$target" \
      "$(final "$log" number_of_executed_units)" "$(final "$log" average_exec_per_sec)" "$(final "$log" cov)" \
      "$(final "$log" corp)"
  else
    failed=true
    grep -vE '^#[0-9]+\s|NEW_FUNC|^stat::' "$log" | tail -n 60
    echo "fuzz: $target: FAILED; build/fuzz/${target}_fuzz FILE runs the input again that build/fuzz/findings keeps"
  fi
done
! $failed
