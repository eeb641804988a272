"""From parquet and a tokenizer.json of byte-level BPE to transformers: usage: whole_way_test.py STRATA

A tokenizer is trained, a model trains on parquet in two workers, is killed in the middle and taken up again, scored on
a task, exported, and computes the same in transformers, from the same text. Exits with 77 where transformers or pyarrow
cannot be imported; `scripts/install.sh --transformers` and `--parquet` install them.
"""
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

missing = [name for name in ("torch", "transformers", "pyarrow") if importlib.util.find_spec(name) is None]
if missing:
    print(f"NOT tested: {sys.executable} cannot import {', '.join(missing)}; `scripts/install.sh --transformers` and "
          "`--parquet` do it")
    sys.exit(77)

os.environ["HF_HUB_OFFLINE"] = "1"
cache = tempfile.TemporaryDirectory()
os.environ["HF_HOME"] = cache.name

import pyarrow
import pyarrow.parquet
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

STRATA = sys.argv.pop(1)
STEPS = 24


def documents(count, seed):
    """Made-up sentences of a few hundred words, of two scripts, with digits and marks."""
    pick = random.Random(seed)
    words = ["".join(pick.choice("abcdefghij") for _ in range(pick.randint(2, 7))) for _ in range(200)]
    words += ["".join(pick.choice("αβγδεζηθ") for _ in range(pick.randint(2, 5))) for _ in range(50)]
    for _ in range(count):
        sentence = [pick.choice(words) for _ in range(pick.randint(20, 60))]
        yield " ".join(sentence) + f", {pick.randint(0, 9999)}!\n"


def strata(*arguments, **more):
    ran = subprocess.run([STRATA, *map(str, arguments)], capture_output=True, text=True, **more)
    if ran.returncode != 0:
        raise AssertionError(f"strata {' '.join(map(str, arguments))}: {ran.stderr}")
    return ran.stdout


def steps_logged(run):
    file = run / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.exists() else 0


class WholeWay(unittest.TestCase):
    def test_from_parquet_to_transformers(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.write_data(folder)
            strata("train-tokenizer", "--kind", "bpe", "--input", folder / "text.jsonl", "--vocab-size", 400, "--output",
                   folder / "tokenizer.json")
            self.train(folder, "whole")
            self.train(folder, "killed", kill_at=8)
            weights = [(folder / run / f"checkpoints/step_{STEPS:08}/model.safetensors").read_bytes()
                       for run in ("whole", "killed")]
            self.assertEqual(*weights)
            self.assertEqual(self.ids_from(folder, "whole"), self.ids_from(folder, "lines"))
            self.score(folder)
            self.compare_with_transformers(folder)

    def write_data(self, folder):
        texts = list(documents(400, 1))
        (folder / "text.jsonl").write_text("".join(json.dumps({"content": text, "text": text}) + "\n" for text in texts))
        for part in range(2):
            table = pyarrow.table({"id": list(range(200)), "content": texts[200 * part:200 * part + 200]})
            pyarrow.parquet.write_table(table, folder / f"part-{part}.parquet", row_group_size=64, compression="zstd")
        (folder / "held-out.jsonl").write_text(
            "".join(json.dumps({"content": text}) + "\n" for text in documents(20, 2)))
        (folder / "run.yaml").write_text(f"""
model: {{vocab: auto, hidden: 32, intermediate: 88, layers: 2, heads: 4}}
norm: {{scheme: pre+gpas}}
data: {{tokenizer: {folder}/tokenizer.json, train: ["{folder}/part-*.parquet"], validation: ["{folder}/held-out.jsonl"],
       field: content, cache: {folder}/cache, sequence_length: 64, rows: packed}}
train: {{steps: {STEPS}, global_batch: 8, micro_batch: 2}}
optimizer: {{lr: 0.01}}
checkpoint: {{every: 4}}
evaluate: {{every: 12, tokens: 1000}}
""")

    def train(self, folder, run, kill_at=None):
        command = [STRATA, "launch", "--nproc-per-node", "2", "--", "pretrain", folder / "run.yaml",
                   f"run.dir={folder / run}"]
        if kill_at is not None:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            while steps_logged(folder / run) < kill_at and process.poll() is None:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        finished = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(finished.returncode, 0, finished.stderr)

    def ids_from(self, folder, run):
        """The first rows that a run reads: of the parquet files, or of the same text as lines."""
        train = f'data.train=["{folder}/text.jsonl"]' if run == "lines" else f'data.train=["{folder}/part-*.parquet"]'
        strata("pretrain", folder / "run.yaml", train, f"run.dir={folder}/ids-{run}", "train.steps=1", "evaluate.every=0",
               f"data.cache={folder}/cache-{run}", "data.shuffle=false")
        shards = sorted((folder / f"cache-{run}").glob("*.tokens"))
        return sum((self.ids_in(shard) for shard in shards), [])

    @staticmethod
    def ids_in(shard):
        data = shard.read_bytes()
        count = int.from_bytes(data[-16:-8], "little")
        width = int.from_bytes(data[12:16], "little")
        return [int.from_bytes(data[16 + width * i:16 + width * (i + 1)], "little") for i in range(count)]

    def score(self, folder):
        items = [{"goal": text[:30], "sol1": text[30:60], "sol2": text[60:90], "label": index % 2}
                 for index, text in enumerate(documents(10, 3))]
        (folder / "tasks").mkdir()
        (folder / "tasks/piqa.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
        said = strata("eval", folder / "whole", "--data", folder / "tasks", "--tasks", "piqa")
        self.assertIn("piqa", said)

    def compare_with_transformers(self, folder):
        strata("export", folder / "whole", folder / "hf")
        tokenizer = AutoTokenizer.from_pretrained(folder / "hf")
        model = AutoModelForCausalLM.from_pretrained(folder / "hf", torch_dtype=torch.float32).eval()
        self.assertEqual(type(model).__name__, "LlamaForCausalLM")
        for text in documents(5, 4):
            ours = json.loads(strata("encode", "--tokenizer", folder / "tokenizer.json", input=json.dumps(text) + "\n"))
            self.assertEqual(tokenizer.encode(text), ours)
            self.assertEqual(tokenizer.decode(ours), text)
            (folder / "ids.json").write_text(json.dumps([ours]))
            strata("trace", folder / "whole", "--ids", folder / "ids.json", "--out", folder / "trace")
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([ours])).logits
            self.assertLess((logits - load_file(folder / "trace")["logits"]).abs().max().item(), 2e-5)


if __name__ == "__main__":
    unittest.main()
