#!/usr/bin/env bash
# Usage: scripts/gpu_check.sh [--bundle] [RESULTS_FOLDER]
# What can only be seen on a machine with NVIDIA GPUs:
#   rates of matrix products of the models' shapes, and of every kernel
#   the tests of what runs on GPUs; compute-sanitizer over a small one, where it is installed
#   71m, with and without a CUDA graph, 350m and 1b: tokens/s, share of the card's rate (MFU) and milliseconds beside
#   those that `strata plan --device` predicts, memory against its plan
#   20 steps of 71m in fp32 on a GPU and on the CPU: the same losses
#   NCCL with one worker; with two and four where there are as many GPUs: GB/s, and the fixed order against the fast one
#   last, 200 steps of 71m
# Every part has a time limit; one that fails, or has no time left, does not keep the others from running.
#
# --bundle, and in a bundle without being asked: with the program of an unpacked archive of scripts/bundle.sh (this
# folder's, else build/bundle's), needs no network and no compiler, and takes seven minutes at most. Else it installs
# and builds first, and takes eight with that.
# Trains on C4 under $STRATA_TEST_DATA, else on the demo's corpus. RESULTS_FOLDER (default: build/gpu_check) gets logs
# and, anew after every part, results.json and report.html. Exit codes: 0 all was run and passed, 1 there is no GPU or
# something failed, which the last line says. For its test: STRATA_CHECK_PARTS, only these, and no GPU is asked for;
# STRATA_CHECK_SECONDS, the limit of every part.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bundle=
if [ -x "$here/strata" ]; then bundle=$here; else cd "$here/.." || exit 1; fi
if [ "${1:-}" = --bundle ]; then
  shift
  if [ -z "$bundle" ]; then
    bundles=(build/bundle/strata-*-linux-x86_64)
    bundle=$(realpath "${bundles[-1]}")
    [ -x "$bundle/strata" ] || { echo "gpu_check: no bundle in build/bundle: scripts/bundle.sh makes one" >&2; exit 1; }
  fi
fi
results=${1:-$([ -n "$bundle" ] && echo gpu_check || echo build/gpu_check)}
strata=build/release/strata configs=configs report=$here/gpu_report.py deadline=$((SECONDS + 470))
if [ -n "$bundle" ]; then
  strata=$bundle/strata configs=$bundle/share/strata/configs deadline=$((SECONDS + 415))
fi
failed=()

fail() { echo "gpu_check: $*" >&2 && exit 1; }
say() { printf '\n== %s\n' "$*"; }

# part NAME SECONDS COMMAND...: runs it for so long at most, into NAME.log, and notes how it ended.
part() {
  local name=$1 limit=${STRATA_CHECK_SECONDS:-$2} left=$((deadline - SECONDS)) begun=$SECONDS status outcome=passed
  shift 2
  [ -z "${STRATA_CHECK_PARTS:-}" ] || [[ " $STRATA_CHECK_PARTS " == *" $name "* ]] || return 0
  say "$name: $*"
  if [ "$left" -le 0 ]; then
    outcome="no time left"
  else
    timeout --kill-after=5 "$((limit < left ? limit : left))" "$@" 2>&1 | tee "$results/$name.log"
    status=${PIPESTATUS[0]}
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
      outcome="took longer than $((limit < left ? limit : left)) s"
    elif [ "$status" -ne 0 ]; then
      outcome="exit code $status"
    elif [[ $name == test_* ]] && grep -qE 'NOT tested|\[  SKIPPED \]' "$results/$name.log"; then
      outcome="some were skipped"
    fi
  fi
  printf '%s\t%s\t%s\n' "$name" "$((SECONDS - begun))" "$outcome" >> "$results/parts.tsv"
  "$report" "$results" >"$results/summary.txt" 2>&1
  [ "$outcome" != passed ] || return 0
  failed+=("$name ($outcome)")
  return 1
}

# pretrain NAME SECONDS CONFIG OVERRIDE...: such a run, in runs/NAME.
pretrain() {
  part "$1" "$2" "$strata" pretrain "$configs/pretrain/$3.yaml" "${data[@]}" run.dir="$results/runs/$1" \
    norm.scheme=pre+gpas checkpoint.every=0 checkpoint.asynchronous=false evaluate.every=0 evaluate.tokens=2000 "${@:4}"
}

# predict NAME CONFIG OVERRIDE...: what a step of that run should take on this card.
predict() {
  [ -n "$card" ] || return 0
  part "predict_$1" 20 "$strata" plan "$configs/pretrain/$2.yaml" --gpus 1 --device "$card" norm.scheme=pre+gpas \
    data.rows=packed "${@:3}"
}

shopt -s nullglob
gpus=(/dev/nvidia[0-9]*)
[ ${#gpus[@]} -gt 0 ] || gpus=(/proc/driver/nvidia/gpus/*)
[ -n "${CUDA_VISIBLE_DEVICES-all}" ] || gpus=()
[ ${#gpus[@]} -gt 0 ] || [ -n "${STRATA_CHECK_PARTS:-}" ] ||
  fail "no NVIDIA GPU is visible on this machine: nothing was checked"
mkdir -p "$results"
results=$(realpath "$results")
rm -rf "$results"/*.log "$results"/{parts.tsv,results.json,report.html,summary.txt,runs}
started=$SECONDS

tests=(test_kernels_on_gpu test_models_on_gpu test_training_on_gpu)
if [ -z "$bundle" ]; then
  ready() {
    part install 240 scripts/install.sh --cuda && part install_demo 60 scripts/install.sh --demo &&
      part configure 60 cmake --preset release -DSTRATA_CUDA=ON &&
      part build 300 cmake --build --preset release --target strata_program strata_cuda strata_nccl "${tests[@]}"
  }
  ready || fail "FAILED: ${failed[*]}; see $results"
fi
run_test() {  # PROGRAM ARGUMENT...
  if [ -n "$bundle" ]; then STRATA_PROGRAM=$1 "$strata" "${@:2}"; else "build/release/$1" "${@:2}"; fi
}
export -f run_test
export bundle strata

part doctor 30 "$strata" doctor
name=$(sed -nE 's/^gpus? +[0-9]* *(.*)/\1/p' "$results/doctor.log" 2>/dev/null)
card=
for known in a100 a800 h100 h800 h200; do
  if [[ ${name,,} == *$known* ]]; then card=$known; fi
done

c4=${STRATA_TEST_DATA:-none}/c4
if [ -d "$c4" ]; then
  data=(data.tokenizer="$STRATA_TEST_DATA/t5/spiece.model" "data.train=[$c4/c4-train.*.json.gz]"
    "data.validation=[$c4/c4-validation.*.json.gz]" data.cache="$results/cache")
else
  demo=$results/data/demo
  part corpus 30 "$strata" quickstart --corpus-only --folder "$results"
  part tokenizer 60 "$strata" train-tokenizer --input "$demo/demo-train.*.json.gz" --vocab-size 4096 \
    --output "$demo/tokenizer.model"
  data=(data.tokenizer="$demo/tokenizer.model" "data.train=[$demo/demo-train.*.json.gz]"
    "data.validation=[$demo/demo-validation.*.json.gz]" data.cache="$demo/cache")
fi
data+=(data.rows=packed)  # every row is full, so that rates can be compared

part gemm 40 "$strata" bench gemm --device cuda
part kernels 40 "$strata" bench kernels --device cuda
for test in "${tests[@]}"; do part "$test" 60 bash -c "run_test $test"; done
if command -v compute-sanitizer >/dev/null; then
  part sanitizer 40 compute-sanitizer --target-processes all --error-exitcode 9 bash -c \
    'run_test test_kernels_on_gpu "--gtest_filter=*Adam*"'
fi

of_71m=(train.global_batch=128 train.micro_batch=64 run.device=cuda)
pretrain 71m 40 71m "${of_71m[@]}" train.steps=20
pretrain 71m_graph 40 71m "${of_71m[@]}" train.steps=20 train.cuda_graph=true
pretrain 350m 40 350m train.global_batch=64 train.micro_batch=32 run.device=cuda train.steps=10
pretrain 1b 50 1b train.global_batch=32 train.micro_batch=16 run.device=cuda train.steps=10
predict 71m 71m train.global_batch=128 train.micro_batch=64
predict 71m_graph 71m train.global_batch=128 train.micro_batch=64 train.cuda_graph=true
predict 350m 350m train.global_batch=64 train.micro_batch=32
predict 1b 1b train.global_batch=32 train.micro_batch=16
exact=(train.precision=fp32 train.steps=20 train.global_batch=4 train.micro_batch=2 schedule.warmup_steps=5)
pretrain fp32_gpu 40 71m run.device=cuda "${exact[@]}"
pretrain fp32_cpu 90 71m run.device=cpu "${exact[@]}"

part nccl_1 30 "$strata" launch --nproc-per-node 1 pretrain "$configs/pretrain/71m.yaml" "${data[@]}" \
  run.dir="$results/runs/nccl_1" parallel.backend=nccl run.device=cuda train.steps=5 train.global_batch=64 \
  train.micro_batch=32 checkpoint.every=0 checkpoint.asynchronous=false evaluate.every=0 evaluate.tokens=2000
for workers in 2 4; do
  [ ${#gpus[@]} -ge $workers ] || continue
  part "collectives_$workers" 30 "$strata" launch --nproc-per-node $workers bench collectives --backend nccl
  for order in fixed fast; do
    part "71m_${workers}_$order" 40 "$strata" launch --nproc-per-node $workers pretrain "$configs/pretrain/71m.yaml" \
      "${data[@]}" run.dir="$results/runs/71m_${workers}_$order" parallel.order=$order run.device=cuda train.steps=20 \
      train.global_batch=256 train.micro_batch=32 checkpoint.every=0 evaluate.every=0 evaluate.tokens=2000
  done
done
pretrain 71m_long 120 71m "${of_71m[@]}" train.steps=200

say "results"
"$report" "$results" || failed+=("report (see above)")
[ ${#failed[@]} -eq 0 ] || fail "FAILED in $((SECONDS - started)) s: $(printf '%s; ' "${failed[@]}")see $results"
say "gpu_check: passed in $((SECONDS - started)) s; $results/report.html"
