#!/usr/bin/env bash
# Usage: run.sh SOURCE_FOLDER PRESET [CMAKE ARGUMENT...]
# A new scheme is one new file: a copy of the sources with one file more, and no other edit, passes the contract test
# under that scheme and its +gpas version.
set -euo pipefail
source=$1 preset=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cp -r "$source"/{CMakeLists.txt,CMakePresets.json,cmake,include,src,tests,tools} "$scratch"
cp "$source/tests/new_scheme/reordered.cpp" "$scratch/src/norm/schemes/"
cd "$scratch"
cmake --preset "$preset" "$@" >/dev/null
cmake --build --preset "$preset" --target test_nn

contract="build/$preset/test_nn"
tests_of() { "$contract" --gtest_list_tests --gtest_filter="*SchemeContract.*/$1" | grep -c "/$1 " || true; }
for scheme in reordered reordered_gpas; do
  if [ "$(tests_of "$scheme")" = 0 ] || [ "$(tests_of "$scheme")" != "$(tests_of pre)" ]; then
    echo "the contract test has $(tests_of "$scheme") tests for $scheme, $(tests_of pre) for pre"
    exit 1
  fi
done
"$contract" --gtest_filter="*SchemeContract.*/reordered:*SchemeContract.*/reordered_gpas" --gtest_brief=1
