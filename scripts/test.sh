#!/usr/bin/env bash
# Usage: scripts/test.sh [CTEST ARGUMENT...], for instance: scripts/test.sh -L unit
# Installs what is missing, builds the dev preset and runs its tests; fails if none ran.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh dev
exec ctest --test-dir build/dev --output-on-failure --no-tests=error -j2 "$@"
