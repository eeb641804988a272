#!/usr/bin/env bash
# Usage: run.sh BUILD_FOLDER
# What users of an installed Strata rely on: find_package(Strata), and programs that find their libraries by themselves.
set -euo pipefail
unset LD_LIBRARY_PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$1" --prefix "$scratch/prefix" >/dev/null
"$scratch/prefix/bin/strata" --version
"$scratch/prefix/bin/strata" inspect "$scratch/prefix/share/strata/configs/pretrain/71m.yaml" >/dev/null

cmake -G Ninja -S "$(dirname "$0")" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
cmake --build "$scratch/build"

mkdir "$scratch/work"
(
  cd "$scratch/work"
  words=(apple bread cherry dough eggs flour grape honey)
  for number in {1..400}; do
    line=
    for ((word = 0; word < 8 + number % 9; ++word)); do
      line+="${words[(number * number + word * (1 + number % 3)) % 8]} "
    done
    echo "{\"text\": \"$line\"}"
  done > text.jsonl
  "$scratch/prefix/bin/strata" train-tokenizer --input text.jsonl --vocab-size 32 --output tokenizer.model
  cat > config.yaml <<'END'
model: {vocab: 64, hidden: 64, intermediate: 96, layers: 2, heads: 2}
data: {tokenizer: tokenizer.model, train: [text.jsonl], cache: cache, sequence_length: 32}
train: {steps: 20, global_batch: 16, micro_batch: 8}
optimizer: {lr: 1.0e-2}
run: {dir: run}
END
  "$scratch/build/outside" config.yaml
)

if LD_DEBUG=files "$scratch/prefix/bin/strata" help plan 2>&1 | grep libtorch; then
  echo "libtorch is loaded for help"
  exit 1
fi
loaded=$(ldd "$scratch/build/outside" "$scratch/prefix/bin/strata" "$scratch/prefix/"lib*/libstrata_commands.so)
if [ "$(grep -c "libstrata.so.* => $scratch/prefix/" <<<"$loaded")" != 2 ] || grep "not found" <<<"$loaded"; then
  echo "not the installed library, or one is missing:"
  echo "$loaded"
  exit 1
fi
