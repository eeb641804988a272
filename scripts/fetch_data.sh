#!/usr/bin/env bash
# Usage: scripts/fetch_data.sh [--shards N] [--out DIR] [--dry-run] [tokenizer|c4|commonsense|eval|all]
# Downloads the T5 tokenizer and English C4 from the Hugging Face hub into DIR/t5 and DIR/c4, where configs/pretrain
# looks for them, Commonsense170K (LLM-Adapters, arXiv 2304.01933) into DIR/commonsense for configs/sft, and what
# `strata eval` asks into DIR/eval. Started again, it goes on where it was stopped.
#   --shards N   training shards, of 1024 (default 15, about 5 GB: what 71m reads; 7b reads 863)
#   --out DIR    default: data
#   --dry-run    print the addresses, download nothing
# HF_ENDPOINT and GITHUB_ENDPOINT, where set, name mirrors of https://huggingface.co and
# https://raw.githubusercontent.com; ORIGINALS_ENDPOINT one of other hosts, asked for https://HOST/PATH as
# $ORIGINALS_ENDPOINT/HOST/PATH.
#
# eval fetches what the authors of each task published into DIR/eval/originals, 920 MB, most of it ARC's corpus, but for
# what lies there already; scripts/convert_eval.py brings it into Strata's layout, 30 MB, and the originals are removed.
# Items are of the splits that lm-evaluation-harness asks, few-shot examples come from the training splits.
#   BoolQ        3,270 validation, 9,427 train     dl.fbaipublicfiles.com, SuperGLUE's: passages begin with a title
#   PIQA         1,838 validation, 16,113 train    storage.googleapis.com/ai2-mosaic
#   SIQA         1,954 validation, 33,410 train    storage.googleapis.com/ai2-mosaic
#   HellaSwag    10,042 validation, 39,905 train   GitHub, rowanz/hellaswag
#   WinoGrande   1,267 validation, 40,398 train    storage.googleapis.com/ai2-mosaic, its size xl
#   ARC-e        2,376 test, 2,251 train           s3-us-west-2.amazonaws.com/ai2-website
#   ARC-c        1,172 test, 1,119 train           the same archive
#   OpenBookQA   500 test, 4,957 train             s3-us-west-2.amazonaws.com/ai2-website
#   MMLU         14,042 test, 285 dev              Hugging Face hub, cais/mmlu: the authors' data.tar
set -euo pipefail

hub=${HF_ENDPOINT:-https://huggingface.co}
github=${GITHUB_ENDPOINT:-https://raw.githubusercontent.com}
originals=${ORIGINALS_ENDPOINT:-https:/}  # /HOST/PATH follows
shards=15 out=data dry_run=false what=

wrong_usage() {
  echo "fetch_data: $* (--help explains)" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --shards | --out)
      [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
      if [ "$1" = --out ]; then out=$2; else shards=$2; fi
      shift
      ;;
    --dry-run) dry_run=true ;;
    -h | --help) sed -n '2,/^set/{s/^# \?//p}' "$0" && exit ;;
    tokenizer | c4 | commonsense | eval | all)
      [ -z "$what" ] || wrong_usage "\"$what\" and \"$1\": one of them"
      what=$1
      ;;
    *) wrong_usage "unknown argument \"$1\"" ;;
  esac
  shift
done
[[ $shards =~ ^[1-9][0-9]{0,3}$ && $shards -le 1024 ]] || wrong_usage "--shards=$shards is not a number from 1 to 1024"

failed() {
  echo "fetch_data: $*" >&2
  exit 1
}

# The hub names a large file's SHA-256 in the answer that redirects to its content.
published_sha256() {
  curl -sSfI --retry 5 "$1" | tr -d '"\r' | sed -n 's/^x-linked-etag: \([0-9a-f]\{64\}\)$/\1/Ip'
}

# fetch ADDRESS FILE [SHA256]
fetch() {
  if $dry_run; then
    echo "$1"
    return
  fi
  [ ! -e "$2" ] || return 0
  mkdir -p "$(dirname "$2")"
  echo "$2"
  curl -sI --connect-timeout 10 -o /dev/null "$1" || [ $? != 6 ] || failed "$1: no such host; is there a network?"
  local expected
  expected=${3:-$(published_sha256 "$1")} || failed "$1 does not answer"
  curl -fL --retry 8 --retry-connrefused -C - --no-progress-meter -o "$2.part" "$1" ||
    failed "$1: the download broke off; start again to go on"
  if [ -n "$expected" ] && ! sha256sum --status -c <<<"$expected  $2.part"; then
    rm "$2.part"
    failed "$2: SHA-256 is not $expected; removed, start again"
  fi
  if [[ $2 == *.gz ]] && ! gzip -qt "$2.part"; then
    rm "$2.part"
    failed "$2: not a whole gzip file; removed, start again"
  fi
  mv "$2.part" "$2"
}

$dry_run || command -v curl >/dev/null || failed "curl is missing: apt-get install curl"

# Whether what convert_eval.py makes of a task is there.
is_converted() {
  if [ "$1" = mmlu ]; then
    [ -e "$out/eval/mmlu.zip" ]
  else
    [ -e "$out/eval/$1.fewshot.jsonl.gz" ] && [ -e "$out/eval/$1.jsonl.gz" ]
  fi
}

# fetch_task "TASK..." ADDRESS SHA256 [ADDRESS SHA256]: the originals that these tasks are converted from
fetch_task() {
  local task tasks=() files=()
  for task in $1; do
    if $dry_run || ! is_converted "$task"; then tasks+=("$task"); fi
  done
  [ ${#tasks[@]} -gt 0 ] || return 0
  shift
  while [ $# -gt 0 ]; do
    files+=("$out/eval/originals/$(basename "$1")")
    fetch "$1" "${files[-1]}" "$2"
    shift 2
  done
  if $dry_run; then return; fi
  for task in "${tasks[@]}"; do
    "$(dirname "$0")/convert_eval.py" "$task" "$out/eval" "${files[@]}"
  done
  rm "${files[@]}"
  rmdir --ignore-fail-on-non-empty "$out/eval/originals"
}

is_wanted() { [ -z "$what" ] || [ "$what" = all ] || [ "$what" = "$1" ]; }

if is_wanted tokenizer; then
  fetch "$hub/t5-base/resolve/main/spiece.model" "$out/t5/spiece.model" \
    d60acb128cf7b7f2536e8f38a5b18a05535c9e14c7a355904270e15b0945ea86
fi
if is_wanted c4; then
  c4=$hub/datasets/allenai/c4/resolve/main/en
  for shard in 0 1; do  # together just over the 10M tokens of an evaluation
    name=$(printf 'c4-validation.%05d-of-00008.json.gz' $shard)
    fetch "$c4/$name" "$out/c4/$name"
  done
  for ((shard = 0; shard < shards; shard++)); do
    name=$(printf 'c4-train.%05d-of-01024.json.gz' $shard)
    fetch "$c4/$name" "$out/c4/$name"
  done
fi
if is_wanted commonsense; then
  fetch "$github/AGI-Edgerunners/LLM-Adapters/main/ft-training_set/commonsense_170k.json" \
    "$out/commonsense/commonsense_170k.json"
fi
if is_wanted eval; then
  $dry_run || command -v python3 >/dev/null || failed "python3 is missing: apt-get install python3"
  mosaic=$originals/storage.googleapis.com/ai2-mosaic/public
  ai2=$originals/s3-us-west-2.amazonaws.com/ai2-website/data
  hellaswag=$github/rowanz/hellaswag/master/data
  fetch_task boolq "$originals/dl.fbaipublicfiles.com/glue/superglue/data/v2/BoolQ.zip" \
    853fbe7922f70c59629f06a39e8d9ca440c3d740e760fd3b87a5ddf3dcba2436
  fetch_task piqa "$mosaic/physicaliqa/physicaliqa-train-dev.zip" \
    54d32a04f59a7e354396f321723c8d7ec35cc6b08506563d8d1ffcc15ce98ddd
  fetch_task siqa "$mosaic/socialiqa/socialiqa-train-dev.zip" \
    ee073914a0fc33265cfbcfc50ec20df9b2e07809c3f420f599138d1f394ef5c3
  fetch_task hellaswag \
    "$hellaswag/hellaswag_val.jsonl" 0aa3b88843990f3f10a97b9575c94d7b71fb2205240ba04ae4884d9e9c992588 \
    "$hellaswag/hellaswag_train.jsonl" dae5e69249868cb9fe4e23ff925c60b66169564cfb7072d793cd7356a2b69f8d
  fetch_task winogrande "$mosaic/winogrande/winogrande_1.1.zip" \
    3619ab104d8be2977b25c90ff420cb42d491707dcc75362a1e5d22bc082b7318
  fetch_task openbookqa "$ai2/OpenBookQA-V1-Sep2018.zip" \
    82368cf05df2e3b309c17d162e10b888b4d768fad6e171e0a041954c8553be46
  fetch_task mmlu "$hub/datasets/cais/mmlu/resolve/c30699e8356da336a370243923dbaf21066bb9fe/data.tar" \
    bec563ba4bac1d6aaf04141cd7d1605d7a5ca833e38f994051e818489592989b
  fetch_task "arc_easy arc_challenge" "$ai2/ARC-V1-Feb2018.zip" \
    6d2d5ab50b2ceec6ba5f79c921be77cf2de712ea25a2b3f4fff3acc101cecfa0
fi
