#!/usr/bin/env python3
"""Usage: encode.py STRATA FILE.json.gz... [--tokenizer TOKENIZER_JSON] [--rounds N] [--megabytes N]

Tokens a second of a tokenizer.json on one thread: `strata tokenize` (reading, encoding, token shard, the whole process)
against the encoding alone in Hugging Face's tokenizers. Alternating rounds (default: 5), each a process of its own; the
best of each. The texts are repeated to so many megabytes (default: 50). Without --tokenizer one is trained on them:
32,000 tokens, byte-level BPE as GPT-2 has it. Needs tokenizers: run it by the Python that
scripts/install.sh --transformers made.
"""
import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer


def encode_by_theirs(tokenizer_json, lines):
    """Tokens, and the seconds that encoding took."""
    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    with open(lines, encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    begun = time.perf_counter()
    count = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts, add_special_tokens=False))
    print(count, time.perf_counter() - begun)


def encode_by_ours(strata, tokenizer_json, lines, cache):
    shutil.rmtree(cache, ignore_errors=True)
    begun = time.perf_counter()
    said = subprocess.run([strata, "tokenize", lines, "--tokenizer", tokenizer_json, "--cache", cache, "--eos", "false",
                           "--threads", "1"], check=True, text=True, capture_output=True)
    seconds = time.perf_counter() - begun
    return int(re.search(r"([0-9,]+) tokens", said.stdout + said.stderr)[1].replace(",", "")), seconds


def main():
    if sys.argv[1] == "theirs":
        return encode_by_theirs(*sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("strata")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--tokenizer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [line for file in arguments.files for line in gzip.open(file, "rt", encoding="utf-8")]
        lines *= 1 + arguments.megabytes * 1_000_000 // sum(map(len, lines))
        texts = folder / "texts.jsonl"
        texts.write_text("".join(lines), encoding="utf-8")
        tokenizer = arguments.tokenizer or folder / "tokenizer.json"
        if not arguments.tokenizer:
            subprocess.run([arguments.strata, "train-tokenizer", "--kind", "bpe", "--vocab-size", "32000", "--input",
                            *arguments.files, "--output", tokenizer], check=True, capture_output=True)
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            count, seconds = encode_by_ours(arguments.strata, tokenizer, texts, folder / "cache")
            ours.append(count / seconds / 1e6)
            said = subprocess.run([sys.executable, __file__, "theirs", tokenizer, texts], check=True, text=True,
                                  capture_output=True).stdout.split()
            theirs.append(int(said[0]) / float(said[1]) / 1e6)
            if count != int(said[0]):
                sys.exit(f"strata has {count} tokens, tokenizers {said[0]}")
    best, peer = max(ours), max(theirs)
    print(f"{count:,} tokens: strata {best:.2f} million/s, tokenizers {peer:.2f} million/s: {best / peer:.1f}")


if __name__ == "__main__":
    main()
