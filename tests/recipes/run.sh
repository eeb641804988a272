#!/usr/bin/env bash
# Usage: run.sh RECIPE SOURCE_FOLDER PRESET [CMAKE ARGUMENT...]
# Proves a recipe of CONTRIBUTING.md, or `all` of them: a copy of the sources gets the files of tests/recipes/RECIPE and
# the edits of its edits.patch, is built, and what was added is checked. One copy and one build serve all.
set -euo pipefail
recipe=$1 source=$2 preset=$3
shift 3
recipes=(scheme task key kernel optimizer)
[ "$recipe" = all ] || recipes=("$recipe")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cp -r "$source"/{CMakeLists.txt,CMakePresets.json,cmake,include,src,tests,tools} "$scratch"
for name in "${recipes[@]}"; do
  for folder in include src tests; do
    added=$source/tests/recipes/$name/$folder
    [ ! -d "$added" ] || cp -r "$added" "$scratch"
  done
  edits=$source/tests/recipes/$name/edits.patch
  [ ! -e "$edits" ] || (cd "$scratch" && GIT_CEILING_DIRECTORIES=$(dirname "$scratch") git apply -C0 "$edits")
done

declare -A targets=([scheme]="test_nn strata_program" [task]="test_eval strata_program"
  [key]="test_optim strata_program" [kernel]="test_kernels test_kernels_on_host" [optimizer]="test_optim")
wanted=()
for name in "${recipes[@]}"; do wanted+=(${targets[$name]}); done
cd "$scratch"
cmake --preset "$preset" "$@" >/dev/null
cmake --build --preset "$preset" --target "${wanted[@]}"
build=build/$preset strata=build/$preset/strata

failed() {
  echo "recipe $name: $*" >&2
  exit 1
}

# tests PROGRAM FILTER: runs them, and fails where there are none.
tests() {
  "$build/$1" --gtest_list_tests --gtest_filter="$2" | grep '^  ' >/dev/null || failed "$1 has no test $2"
  "$build/$1" --gtest_filter="$2" --gtest_brief=1
}

contract_tests() { "$build/test_nn" --gtest_list_tests --gtest_filter="*SchemeContract.*/$1" | grep -c "/$1 " || true; }

# The contract has the scheme, alone and with gates, and a model of 12 layers has a norm on the stream after 6 and 12.
check_scheme() {
  local scheme
  for scheme in swin_v2 swin_v2_gpas; do
    [ "$(contract_tests $scheme)" = "$(contract_tests pre)" ] || failed "the contract has not all tests for $scheme"
    tests test_nn "*SchemeContract.*/$scheme"
  done
  $strata inspect "$source/configs/model/71m.yaml" norm.scheme=swin_v2 >junctions
  [ "$(grep -c post_feedforward_sum_layernorm junctions)" = 2 ] || failed "inspect does not show two norms of sums"
}

# Three made-up items, asked of a model that was never trained.
check_task() {
  tests test_eval 'Tasks.*:TaskRecords.*'
  local items=$source/tests/recipes/task/items
  python3 - >text.txt <<'PYTHON'
import random
random.seed(1)
word = lambda: "".join(random.choice("bdfgklmnprst") + random.choice("aeiou") for _ in range(random.randint(1, 4)))
words = [word() for _ in range(300)]
for _ in range(400):
    print("The", *random.choices(words, k=8), "because it was so, therefore it is.")
PYTHON
  $strata train-tokenizer --input text.txt --vocab-size 200 --output spiece.model
  $strata init "$source/configs/model/9m.yaml" model model.vocab=200
  $strata eval model --tokenizer spiece.model --tasks copa --data "$items" --shots 1 --output results.json
  python3 - <<'PYTHON' || failed "the items are not scored as they should be"
import json, sys
task = json.load(open("results.json"))["tasks"]["copa"]
right = [item["gold"] for item in task["items"]] == [0, 1, 0]
sys.exit(not (right and all(len(item["log_likelihoods"]) == 2 for item in task["items"]) and 0 <= task["acc"] <= 1))
PYTHON
}

# Read from YAML, printed with its meaning, and in force.
check_key() {
  tests test_optim 'HoldSteps.*'
  printf 'base: %s\nschedule: {hold_steps: 6}\n' "$source/configs/model/9m.yaml" >held.yaml
  $strata inspect held.yaml | grep 'hold_steps: 6' >/dev/null || failed "inspect does not show the key that YAML gives"
  $strata inspect --keys | grep 'schedule.hold_steps .*begins to fall' >/dev/null || failed "inspect --keys does not explain it"
}

check_kernel() {
  tests test_kernels '*SquaredRelu*'
  tests test_kernels_on_host '*SquaredRelu*'
}

check_optimizer() {
  tests test_optim 'Signum.*'
}

for name in "${recipes[@]}"; do
  "check_$name"
  echo "recipe $name: holds"
done
