#!/usr/bin/env bash
# Usage: scripts/bench/tokenize.sh SPIECE_MODEL SHARD.json.gz...
# Tokenization on one thread: strata tokenize (gunzip, JSON, encoding, token shard) against the bare library
# (spm_encode of Debian's package sentencepiece, of the same text as plain lines). Three alternating runs, best of each.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 2 ] || { sed -n 2p "$0" >&2 && exit 2; }
command -v spm_encode >/dev/null || { echo "needs spm_encode: apt-get install sentencepiece" >&2 && exit 1; }
model=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zcat "$@" | python3 -c 'import json, sys
for line in sys.stdin: print(" ".join(json.loads(line)["text"].split("\n")))' >"$work/text"

seconds() {
  local start=$EPOCHREALTIME
  "$@" >/dev/null 2>&1
  python3 -c "print(f'{$EPOCHREALTIME - $start:.2f}')"
}
strata() { rm -rf "$work/cache" && build/release/strata tokenize "$@" --tokenizer "$model" --cache "$work/cache" --threads 1; }
ours=() theirs=()
for _ in 1 2 3; do
  ours+=("$(seconds strata "$@")")
  theirs+=("$(seconds spm_encode --model="$model" --output_format=id --input="$work/text")")
done
echo "strata tokenize: ${ours[*]} s; spm_encode: ${theirs[*]} s"
python3 -c 'import sys
ours, theirs = (min(map(float, text.split())) for text in sys.argv[1:])
print(f"throughput {theirs / ours:.2f} of the bare library")' "${ours[*]}" "${theirs[*]}"
