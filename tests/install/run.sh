#!/usr/bin/env bash
# Usage: run.sh BUILD_FOLDER
# What users of an installed Strata rely on: find_package(Strata), and programs that find their libraries by themselves.
set -euo pipefail
unset LD_LIBRARY_PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$1" --prefix "$scratch/prefix" >/dev/null
"$scratch/prefix/bin/strata" --version

cmake -G Ninja -S "$(dirname "$0")" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
cmake --build "$scratch/build"
mkdir "$scratch/work"
"$scratch/build/outside" "$scratch/work"

loaded=$(ldd "$scratch/build/outside" "$scratch/prefix/bin/strata")
if [ "$(grep -c "libstrata.so.* => $scratch/prefix/" <<<"$loaded")" != 2 ] || grep "not found" <<<"$loaded"; then
  echo "not the installed library, or one is missing:"
  echo "$loaded"
  exit 1
fi
