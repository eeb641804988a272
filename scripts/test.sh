#!/usr/bin/env bash
# Usage: scripts/test.sh [--preset PRESET] [CTEST ARGUMENT...], for instance: scripts/test.sh --preset asan -L unit
# Installs what is missing, builds the preset (default: dev) and runs its tests; fails if none ran.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=dev
if [ "${1:-}" = --preset ]; then
  preset=${2:?--preset takes a name}
  shift 2
fi
scripts/build.sh "$preset"
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j2 "$@"
