#!/usr/bin/env bash
# Usage: scripts/gpu_check.sh [RESULTS_FOLDER]
# What can only be seen on a machine with NVIDIA GPUs, in at most eight minutes, those to install and build included:
#   the tests of what runs on GPUs (ctest -L gpu)
#   200 steps of 71m and 350m: tokens/s, share of the card's rate (MFU), memory against its plan
#   ten steps of 71m in fp32 on a GPU and on the CPU: the same losses
#   GB/s of kernels, where this build measures them, and of gradients among several GPUs
# A part that fails or has no time left does not keep the others from running.
#
# Trains on C4 under $STRATA_TEST_DATA, else on the corpus that scripts/quickstart.sh makes. Writes results.json, and
# the logs that it is made from, to RESULTS_FOLDER (default: build/gpu_check). Exit codes: 0 all was run and passed, 1
# there is no GPU or something failed, which the last line says.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
results=${1:-build/gpu_check}
strata=build/release/strata
deadline=$((SECONDS + 470))
failed=()

fail() { echo "gpu_check: $*" >&2 && exit 1; }
say() { printf '\n== %s\n' "$*"; }

# part NAME SECONDS COMMAND...: runs it for so long at most, into NAME.log, and notes whether it failed.
part() {
  local name=$1 limit=$2 left=$((deadline - SECONDS)) status
  shift 2
  say "$name: $*"
  if [ "$left" -le 0 ]; then
    failed+=("$name (no time left)")
    return 1
  fi
  timeout --kill-after=5 "$((limit < left ? limit : left))" "$@" 2>&1 | tee "$results/$name.log"
  status=${PIPESTATUS[0]}
  [ "$status" -ne 0 ] || return 0
  failed+=("$name ($([ "$status" -eq 124 ] && echo "took too long" || echo "exit code $status"))")
  return 1
}

# pretrain NAME SECONDS CONFIG OVERRIDE...: such a run, in runs/NAME.
pretrain() {
  part "$1" "$2" $strata pretrain "configs/pretrain/$3.yaml" "${data[@]}" run.dir="$results/runs/$1" \
    norm.scheme=pre+gpas checkpoint.every=0 checkpoint.asynchronous=false evaluate.every=0 evaluate.tokens=2000 "${@:4}"
}

shopt -s nullglob
gpus=(/dev/nvidia[0-9]*)
[ ${#gpus[@]} -gt 0 ] || gpus=(/proc/driver/nvidia/gpus/*)
[ -n "${CUDA_VISIBLE_DEVICES-all}" ] || gpus=()
[ ${#gpus[@]} -gt 0 ] || fail "no NVIDIA GPU is visible on this machine: nothing was checked"
mkdir -p "$results"
rm -rf "$results"/*.log "$results/results.json" "$results/runs"
started=$SECONDS

targets=(strata_program strata_cuda strata_nccl test_kernels test_kernels_on_gpu test_models_on_gpu test_training_on_gpu test_train test_workers)
ready() {
  part install 240 scripts/install.sh --cuda && part install_demo 60 scripts/install.sh --demo &&
    part configure 60 cmake --preset release -DSTRATA_CUDA=ON &&
    part build 300 cmake --build --preset release --target "${targets[@]}"
}
ready || fail "FAILED: ${failed[*]}; see $results"
part doctor 30 $strata doctor

if part tests 150 ctest --test-dir build/release -L gpu --no-tests=error --output-on-failure; then
  ! grep -q '\*\*\*Skipped' "$results/tests.log" || failed+=("tests (some were skipped)")
fi

c4=${STRATA_TEST_DATA:-none}/c4
if [ -d "$c4" ]; then
  data=(data.tokenizer="$STRATA_TEST_DATA/t5/spiece.model" "data.train=[$c4/c4-train.*.json.gz]"
    "data.validation=[$c4/c4-validation.*.json.gz]" data.cache="$results/cache")
else
  demo=data/demo
  [ -e $demo/demo-validation.00000-of-00001.json.gz ] || bible -f gen1:1-rev22:21 | scripts/make_demo_corpus.py $demo
  [ -e $demo/tokenizer.model ] || part tokenizer 60 $strata train-tokenizer --input "$demo/demo-train.*.json.gz" \
    --vocab-size 4096 --output $demo/tokenizer.model
  data=(data.tokenizer="$demo/tokenizer.model" "data.train=[$demo/demo-train.*.json.gz]"
    "data.validation=[$demo/demo-validation.*.json.gz]" data.cache="$demo/cache")
fi
data+=(data.rows=packed)  # every row is full, so that rates can be compared

pretrain train_71m 90 71m run.device=cuda train.steps=200 train.global_batch=128 train.micro_batch=64
exact=(train.precision=fp32 train.steps=10 train.global_batch=4 train.micro_batch=2 schedule.warmup_steps=5)
pretrain fp32_gpu 40 71m run.device=cuda "${exact[@]}"
pretrain fp32_cpu 90 71m run.device=cpu "${exact[@]}"
pretrain train_350m 120 350m run.device=cuda train.steps=200 train.global_batch=64 train.micro_batch=32

if $strata bench kernels --help >/dev/null 2>&1; then part kernels 60 $strata bench kernels; fi
visible=$(sed -nE 's/^gpus .*; ([0-9]+) visible$/\1/p' "$results/doctor.log")
if [ "${visible:-1}" -gt 1 ]; then
  for backend in nccl gloo; do
    part $backend 60 $strata launch --nproc-per-node gpu bench collectives --backend $backend
  done
fi

say "results"
scripts/gpu_report.py "$results" || failed+=("report (see above)")
[ ${#failed[@]} -eq 0 ] || fail "FAILED in $((SECONDS - started)) s: $(printf '%s; ' "${failed[@]}")see $results"
say "gpu_check: passed in $((SECONDS - started)) s; $results/results.json"
