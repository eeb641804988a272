#!/usr/bin/env bash
# Usage: bundle.sh BUILD_FOLDER TORCH_FOLDER
# What users of the bundle rely on, of this build as scripts/bundle.sh packs it: it runs elsewhere, beside a torch wheel,
# and installed by pip, without what is around it here; where it cannot run, it says so in one line.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "$1") torch=$(realpath "$2") site=$(dirname "$(realpath "$2")")
unset LD_LIBRARY_PATH STRATA_TORCH_DIR
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
fail() { echo "bundle: $*" >&2 && exit 1; }

"$source/scripts/bundle.sh" --from "$build" "$scratch/out"
mkdir "$scratch/elsewhere"
for archive in "$scratch"/out/*.tgz; do tar -xzf "$archive" -C "$scratch/elsewhere"; done
strata=$(echo "$scratch"/elsewhere/*/strata)
chmod -R a-w "$scratch/elsewhere"  # nothing is written there

echo "== as unpacked, with nothing in the environment"
run() { env -i "${@:2}" PATH=/usr/bin:/bin sh -c "cd $scratch && $1"; }
run "$strata --version" STRATA_TORCH_DIR="$torch"
run "$strata doctor" STRATA_TORCH_DIR="$torch" | grep "^libtorch"
run "LD_DEBUG=libs $strata doctor" STRATA_TORCH_DIR="$torch" 2>&1 | grep -E "calling init: .*/(libstrata|libgloo)[^/]*$" |
  grep -v "$scratch/elsewhere" && fail "a library of the build was loaded"
config=$(dirname "$strata")/share/strata/configs/pretrain/demo.yaml
cat > "$scratch/tiny.yaml" <<END
base: $config
model: {hidden: 32, intermediate: 64, layers: 2, heads: 2, vocab: auto}
data: {tokenizer: tokenizer.model, train: [text.txt], validation: [], cache: cache, sequence_length: 32}
train: {steps: 4, global_batch: 4, micro_batch: 2}
schedule: {warmup_steps: 1}
END
for number in {1..300}; do echo "In the beginning was word $((number * number % 97)), and $number more of them."; done \
  > "$scratch/text.txt"
run "$strata train-tokenizer --input text.txt --vocab-size 80 --output tokenizer.model" STRATA_TORCH_DIR="$torch"
run "$strata launch --nproc-per-node 2 -- pretrain tiny.yaml run.dir=two" STRATA_TORCH_DIR="$torch" |
  grep "^done: step 4" || fail "two workers did not train"

echo "== what it says where it cannot run"
expect() { grep -q "$1" <<<"$2" || fail "said \"$2\", not \"$1\""; }
expect "error: STRATA_TORCH_DIR=/nowhere: has no lib/libtorch_cpu.so" \
  "$(run "$strata --version" STRATA_TORCH_DIR=/nowhere 2>&1)"
mkdir -p "$scratch/old/lib" && touch "$scratch/old/lib/libtorch_cpu.so" && echo "__version__ = '2.6.0'" > "$scratch/old/version.py"
expect "is torch 2.6.0; strata needs 2.11" "$(run "$strata --version" STRATA_TORCH_DIR="$scratch/old" 2>&1)"
expect "error: python3 has no torch: .pip install torch==2.11.0." \
  "$(run "$strata --version" STRATA_PYTHON=/usr/bin/python3 2>&1)"

echo "== by pip"
/usr/bin/python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --no-index --no-deps "$scratch"/out/*.whl
echo "$site" > "$(echo "$scratch"/venv/lib/python3*/site-packages)/torch_of_the_build.pth"  # instead of 3 GB from PyPI
run "$scratch/venv/bin/strata pretrain tiny.yaml run.dir=by_pip" | grep "^done: step 4" || fail "the wheel did not train"
run "$scratch/venv/bin/python -m strata_lm --version"
requires=$("$scratch/venv/bin/python" -c 'import importlib.metadata as m; print(m.requires("strata-lm"))')
expect "torch==2.11" "$requires"

if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
  echo "NOT tested in a bare root: mounting is not permitted here"
else
  echo "== in a bare root, as nobody, read-only, without /etc/hosts, HOME, or anything but /dev, /proc, the C library, sh and torch"
  root=$scratch/root
  mkdir -p "$root"/{bin,lib64,lib/x86_64-linux-gnu,usr/bin,usr/lib/x86_64-linux-gnu,dev,proc,strata,torch,work}
  for program in /bin/sh /usr/bin/readlink /usr/bin/dirname /bin/grep /bin/sed; do cp -L "$program" "$root/bin/"; done
  for library in $(ldd /bin/sh /usr/bin/readlink /bin/grep /bin/sed | grep -oE '/[^ ]+\.so[^ ]*' | sort -u) \
    /lib/x86_64-linux-gnu/{libm.so.6,libdl.so.2,libpthread.so.0,librt.so.1,libutil.so.1,libresolv.so.2}; do
    mkdir -p "$root/$(dirname "$library")" && cp -L "$library" "$root/$library"
  done
  cp -r "$scratch"/elsewhere/*/. "$root/strata" && cp "$scratch"/{tiny.yaml,text.txt,tokenizer.model} "$root/work"
  sed -i "s,^base: .*,base: /strata/share/strata/configs/pretrain/demo.yaml," "$root/work/tiny.yaml"
  chmod -R a+rX "$root" && chmod 777 "$root/work"
  unshare --mount bash -c "
    mount --rbind /proc '$root/proc' && mount --rbind /dev '$root/dev' && mkdir -p '$root/site' && mount --rbind '$site' '$root/site' || exit 77
    cd / && env -i STRATA_TORCH_DIR=/site/torch /usr/bin/timeout 120 /usr/sbin/chroot --userspec=65534:65534 '$root' /bin/sh -c '
      cd /work && /strata/strata pretrain tiny.yaml run.dir=run &&
      /strata/strata launch --nproc-per-node 2 -- pretrain tiny.yaml run.dir=two'" > "$scratch/bare.log" 2>&1 && status=0 || status=$?
  cat "$scratch/bare.log"
  if [ $status -eq 77 ]; then
    echo "NOT tested in a bare root: mounting is not permitted here"
  else
    [ "$(grep -c '^done: step 4' "$scratch/bare.log")" = 2 ] || fail "it did not train in a bare root"
  fi
fi
