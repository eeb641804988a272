#!/usr/bin/env bash
# Usage: scripts/fetch_data.sh [--shards N] [--out DIR] [--dry-run] [tokenizer|c4|commonsense|all]
# Downloads the T5 tokenizer and English C4 from the Hugging Face hub into DIR/t5 and DIR/c4, where configs/pretrain
# looks for them, and Commonsense170K (LLM-Adapters, arXiv 2304.01933) into DIR/commonsense for configs/sft. Started
# again, it goes on where it was stopped.
#   --shards N   training shards, of 1024 (default 15, about 5 GB: what 71m reads; 7b reads 863)
#   --out DIR    default: data
#   --dry-run    print the addresses, download nothing
# HF_ENDPOINT and GITHUB_ENDPOINT, where set, name mirrors of https://huggingface.co and
# https://raw.githubusercontent.com.
set -euo pipefail

hub=${HF_ENDPOINT:-https://huggingface.co}
github=${GITHUB_ENDPOINT:-https://raw.githubusercontent.com}
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
    tokenizer | c4 | commonsense | all)
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
