#!/usr/bin/env bash
# Usage: scripts/install.sh [--lint | --demo | --fuzz | --browser | --cuda | --parquet | --transformers]
# Installs what Strata needs on Debian 12: packages, with what scripts/lint.sh, scripts/quickstart.sh or scripts/fuzz.sh
# uses besides, and LibTorch from the torch wheel into a cache folder. --browser: also Chromium, in which a test opens
# pages. --cuda: also the libraries of CUDA and NCCL that the wheel names, headers, and nvcc (3 GB more): what GPUs
# need, and what compiles for them. --parquet: also Arrow from the pyarrow wheel (165 MB more), into the same folder: what
# reads parquet files. --transformers: Hugging Face's, into the same folder, with all that torch needs to
# be imported: what a test of exports uses.
# Does nothing that is already done.
# STRATA_TORCH_DIR, where set, names an unpacked torch wheel to use instead, with what lies beside it.
set -euo pipefail

packages=(g++ cmake ninja-build ccache git pkg-config python3-venv
  libyaml-cpp-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libgtest-dev libgmock-dev
  libsentencepiece-dev libpcre2-dev libutf8proc-dev libsimdjson-dev libcsv-dev libzip-dev zlib1g-dev libzstd-dev libxxhash-dev libcurl4-openssl-dev libssl-dev
  libgloo-dev libblis4-openmp libopenblas0-openmp libboost-dev)
[ "${1:-}" != --demo ] || packages+=(bible-kjv)
[ "${1:-}" != --lint ] || packages+=(clang-format clang-tidy-19)  # 14 cannot compile <ranges>
[ "${1:-}" != --fuzz ] || packages+=(clang-19 libclang-rt-19-dev llvm-19)
[ "${1:-}" != --browser ] || packages+=(chromium fonts-dejavu-core)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing Debian packages: ${missing[*]}"
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

version=2.11.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/strata/libtorch-$version

# install_wheels MARK PIP_ARGUMENT...: installs into $home unless it says there that this was done.
install_wheels() {
  if [ -n "${STRATA_TORCH_DIR:-}" ] || [ -e "$home/$1" ]; then return; fi
  mkdir -p "$(dirname "$home")"
  exec 9>"$home.lock"
  flock 9  # two scripts at once: the second waits and finds it done
  if [ ! -e "$home/$1" ]; then
    echo "installing ${*:2} into $home"
    if [ ! -e "$home/complete" ]; then
      rm -rf "$home"
      /usr/bin/python3 -m venv "$home"
    fi
    "$home/bin/pip" install --quiet "${@:2}"
    touch "$home/$1"
  fi
  exec 9>&-
}

install_wheels complete --no-deps "torch==$version" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
[ "${1:-}" != --cuda ] || install_wheels complete-nvcc "torch==$version" nvidia-cuda-crt==13.0.88 \
  nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-cccl==13.0.85
[ "${1:-}" != --parquet ] || install_wheels complete-parquet --no-deps pyarrow==26.0.1
[ "${1:-}" != --transformers ] || install_wheels complete-transformers "torch==$version" transformers==5.23.0 \
  tokenizers==0.23.3 safetensors==0.8.0
