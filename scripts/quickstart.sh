#!/usr/bin/env bash
# Usage: scripts/quickstart.sh
# From a bare Debian 12 to a small trained model: installs, builds, then `strata quickstart`, which makes a corpus,
# trains for two minutes and generates. What is already there is not made again.
set -euo pipefail
cd "$(dirname "$0")/.."
strata=build/release/strata

printf '\n== build %s\n' "$strata"
scripts/install.sh --demo
scripts/build.sh release strata_program
"$strata" quickstart "$@"
printf '\n  PATH="$PWD/build/release:$PATH" makes `strata` the name of the program.\n'
