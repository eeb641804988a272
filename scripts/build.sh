#!/usr/bin/env bash
# Usage: scripts/build.sh [PRESET [TARGET...]]
# Installs what is missing and builds a preset of CMakePresets.json (default: release) into build/PRESET, or these
# targets of it.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
scripts/install.sh
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" ${2:+--target "${@:2}"}
