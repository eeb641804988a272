#!/usr/bin/env bash
# Usage: scripts/quickstart.sh
# From a bare Debian 12 to a small trained model: installs, builds, makes a corpus, trains for two minutes, generates.
# What is already there is not made again.
set -euo pipefail
cd "$(dirname "$0")/.."
data=data/demo run=runs/demo strata=build/release/strata
config=configs/pretrain/demo.yaml

say() { printf '\n== %s\n' "$*"; }

say "1/5 build $strata"
scripts/install.sh --demo
scripts/build.sh release strata_program

say "2/5 corpus in $data: the King James Bible, from Debian's package bible-kjv"
if [ ! -e "$data/demo-validation.00000-of-00001.json.gz" ]; then  # the last one written
  bible -f gen1:1-rev22:21 | scripts/make_demo_corpus.py "$data"
fi
ls -sh "$data"/*.json.gz

say "3/5 tokenizer $data/tokenizer.model"
if [ ! -e "$data/tokenizer.model" ]; then
  $strata train-tokenizer --input "$data/demo-train.*.json.gz" --vocab-size 4096 --output "$data/tokenizer.model"
fi
ls -sh "$data/tokenizer.model"

say "4/5 train: strata pretrain $config"
$strata pretrain "$config"
echo "on chapters that it has not seen ($run/eval.jsonl):"
grep -o "step .* validation loss .*" "$run/log.txt"

say "5/5 generate: strata generate"
checkpoint=$(printf '%s\n' "$run"/checkpoints/step_* | tail -n 1)
$strata generate "$checkpoint" --prompt "In the beginning" --tokens 80 --temperature 0.7 --seed 1

say "done. It is small and has read one book for two minutes; what it shows is the way."
where() { printf '  %-36s %s\n' "$@"; }
where "$strata" "the program; --help lists its commands" \
  "$run/metrics.jsonl" "every step: loss, learning rate, gradient norm, speed" \
  "$run/layers.jsonl" "every layer: activation variance, gradient norm, the GPAS gate" \
  "$run/tb" "the same for TensorBoard" \
  "$checkpoint" "the model"
cat <<END

Try next:
  # more of its text
  $strata generate $checkpoint --prompt "And the king said" --temperature 0.7
  # the same training without GPAS
  $strata pretrain $config norm.scheme=pre run.dir=runs/demo-pre
  # any scheme in any size: parameters and memory
  $strata inspect configs/pretrain/71m.yaml norm.scheme=sandwich+gpas
  # the paper's data and recipe
  scripts/fetch_data.sh && $strata pretrain configs/pretrain/71m.yaml norm.scheme=pre+gpas
END
