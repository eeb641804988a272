"""Ids of tokenizer.json files against Hugging Face's library: tokenizers_wheel_test.py STRATA [--strings N] [--seed N].

Random and real texts, for the parts of GPT-2, Llama 3, Qwen2, GPT-NeoX, SmolLM and others, in both readings of special
tokens; then sentencepiece models that `strata export` wrote, and what `strata train-tokenizer --kind bpe` learns. Not
one id may differ. Exits with 77 where `tokenizers`
cannot be imported; `scripts/install.sh --transformers` installs it. The tokenizers are trained here, on made-up text.
"""
import argparse
import copy
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

if importlib.util.find_spec("tokenizers") is None:
    print(f"NOT tested: {sys.executable} cannot import tokenizers; `scripts/install.sh --transformers` does it")
    sys.exit(77)

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
WORDS = ("the of and to in a is that for it was on are as with be at this have from or by one had not but what all were "
         "when we there can an your which their said if do will each about how up out them then she many some so these "
         "would other into has more her two like him see time could no make than first been its who now people").split()
SPACES = ["  ", "   ", "\n", "\r\n", "\t", " \n", "\n ", "\r", "\x0b", "\x0c", "\u0085", "\u00a0", "\u1680", "\u180e",
          "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"] + [" "] * 9
ODD = (list("\u200b\u200c\u200d\u2060\ufeff\x00\x1c\x1f\x7f\u017f\u212a\u0130\u0131\u1e9e\ufb05\ufb06\u0345\u0301\u0327"
            "\u0334\u1161\u11a8\uac00\u1100\u093c\u0958\u2126\u212b\ufb1d\ufffd\uffff\U0010ffff\U0001f468\U0001f3fd\ufe0f"
            "\u20e3\u0344\u0f73\u0f75\u0f81") + ["'s", "'S", "'\u017f", "'T", "'ll", "'LL", "'Re", "'VE", "'d", "'M"])
TOKENS = ["<|endoftext|>", "<tool_call>", "<|", "|>", "<|end", "of", "text|>", "<|pad|>", "|>x", "<e>", "e\u0301x",
          "\u00e9x", " " * 5, " " * 24, "<", "EOS"]
BLOCKS = [(0x20, 0x7f), (0xa0, 0x250), (0x250, 0x590), (0x590, 0x900), (0x900, 0x1200), (0x1100, 0x1200),
          (0x1200, 0x2000), (0x1ab0, 0x1b00), (0x2000, 0x2c00), (0x3000, 0x3400), (0x4e00, 0x9fff), (0xa000, 0xac00),
          (0xac00, 0xd7a4), (0xf900, 0x10000), (0x10000, 0x12000), (0x1d000, 0x1d400), (0x1e000, 0x1f000),
          (0x1f000, 0x1fb00), (0x20000, 0x32000), (0xe0000, 0xe0200)]


def piece(chance):
    kind = chance.random()
    if kind < 0.25:
        word = chance.choice(WORDS)
        return word if chance.random() < 0.8 else word.title()
    if kind < 0.45:
        return chance.choice(SPACES)
    if kind < 0.55:
        return chance.choice(ODD)
    if kind < 0.62:
        return chance.choice(TOKENS)
    if kind < 0.70:
        return str(chance.randrange(10 ** chance.randrange(1, 9)))
    if kind < 0.80:
        return "".join(chr(chance.randrange(33, 127)) for _ in range(chance.randrange(1, 5)))
    if kind < 0.83:
        return chance.choice([" ", "a", "ab", "!", "\n", "\u00e9", "\u0301", "\u0327\u0301", "\u4eba", "7"]) * chance.randrange(1, 80)
    block = chance.choice(BLOCKS)
    return "".join(chr(chance.randrange(*block)) for _ in range(chance.randrange(1, 6)))


def made_up(chance):
    return "".join(piece(chance) for _ in range(chance.randrange(1, 14)))


def corpus():
    chance = random.Random(1)
    return [" ".join(chance.choice(WORDS) + chance.choice(["", "", "s", "'s", ",", "ing", "\n", " 12", "\u00e9"])
                     for _ in range(200)) + " ".join(made_up(chance) for _ in range(40)) for _ in range(60)]


def trained():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=1200, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    return json.loads(tokenizer.to_str())


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def split(expression):
    return {"type": "Split", "pattern": expression, "behavior": "Isolated", "invert": False}


def with_parts(base, pre, tokens, nfc=False, ignore_merges=False, begins=False):
    made = copy.deepcopy(base)
    ids = dict(made["model"]["vocab"])
    first = len(ids)
    made["added_tokens"] = [
        {"id": ids.setdefault(content, len(ids)), "content": content, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": normalized, "special": special} for content, special, normalized in tokens]
    made["normalizer"] = {"type": "NFC"} if nfc else None
    made["pre_tokenizer"] = pre[0] if len(pre) == 1 else {"type": "Sequence", "pretokenizers": pre}
    made["decoder"] = made["post_processor"] = byte_level()
    if begins:
        name = tokens[0][0]
        start, text = {"SpecialToken": {"id": name, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
        made["post_processor"] = {"type": "TemplateProcessing", "single": [start, text], "pair": [start, text],
                                  "special_tokens": {name: {"id": name, "ids": [first], "tokens": [name]}}}
    made["model"]["ignore_merges"] = ignore_merges
    return made


def all_tokenizers(base):
    end, tool = ("<|endoftext|>", True, False), ("<tool_call>", False, False)
    runs_of_spaces = [(" " * k, False, True) for k in range(24, 1, -1)]
    odd = [("<|pad|>", True, False), ("e\u0301x", False, True), ("<e>", False, True), ("<|", False, True),
           ("|>x", False, False)]
    return {"gpt2": with_parts(base, [byte_level()], [end]),
            "llama3": with_parts(base, [split({"Regex": LLAMA3}), byte_level(regex=False)], [end, tool],
                                 ignore_merges=True, begins=True),
            "qwen2": with_parts(base, [split({"Regex": LLAMA3.replace("{1,3}", "")}), byte_level(regex=False)],
                                [end, tool], nfc=True),
            "neox": with_parts(base, [byte_level()], [end, *runs_of_spaces, *odd], nfc=True),
            "smollm": with_parts(base, [{"type": "Digits", "individual_digits": True}, byte_level()], [end]),
            "spaced": with_parts(base, [{"type": "Digits", "individual_digits": False}, byte_level(prefix=True)], [end]),
            "gpt4o": with_parts(base, [split({"Regex": GPT4O}), byte_level(regex=False)], [end, ("EOS", True, False)],
                                ignore_merges=True),
            "split": with_parts(base, [split({"String": "()"}), split({"Regex": "[\u4e00-\u9fa5]+|\\d{2}|\\v"}),
                                       byte_level()], [end])}


def ids_of(strata, path, texts, *options):
    ran = subprocess.run([strata, "encode", "--tokenizer", str(path), *options], capture_output=True, text=True,
                         input="".join(json.dumps(text) + "\n" for text in texts))
    if ran.returncode != 0:
        raise SystemExit(f"strata encode: {ran.stderr}")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def differences(strata, name, path, texts):
    marked, plain = Tokenizer.from_file(str(path)), Tokenizer.from_file(str(path))
    plain.encode_special_tokens = True
    end = marked.token_to_id("<|endoftext|>")
    start = [end] if name == "llama3" else []
    found = 0
    for text, wanted, as_text, ours, document in zip(
            texts, marked.encode_batch(texts), plain.encode_batch(texts, add_special_tokens=False),
            ids_of(strata, path, texts), ids_of(strata, path, texts, "--document"), strict=True):
        for given, expected in ((ours, wanted.ids), (document, [*start, *as_text.ids, end])):
            if given != expected:
                found += 1
                print(f"{name}: {text!a}: {given} instead of {expected}", flush=True)
    return found


def learned_alike(strata, folder):
    texts = [text.replace("\r", " ") for text in corpus()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    subprocess.run([strata, "train-tokenizer", "--kind", "bpe", "--input", str(folder / "corpus.jsonl"), "--vocab-size",
                    "1000", "--output", str(folder / "learned.json")], check=True, capture_output=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=999, min_frequency=2, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    theirs = [" ".join(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]
    return json.loads((folder / "learned.json").read_text())["model"]["merges"] == theirs


# What is put behind the bytes of a sentencepiece model to change its settings: in a protocol buffer the last one counts.
CHANGES = {"as-it-is": b"", "no-prefix": b"\x1a\x02\x18\x00", "unigram": b"\x12\x02\x18\x01"}


def export_differences(strata, folder, texts):
    """Of sentencepiece models and the tokenizer.json that `strata export` makes of them."""
    if "STRATA_TEST_DATA" not in os.environ:
        print("NOT tested: exports of sentencepiece models, since STRATA_TEST_DATA is not set", flush=True)
        return 0
    model = (Path(os.environ["STRATA_TEST_DATA"]) / "golden2/tokenizer/llama2.model").read_bytes()
    (folder / "model.yaml").write_text("model: {hidden: 8, intermediate: 8, layers: 1, heads: 2}\n")
    subprocess.run([strata, "init", folder / "model.yaml", folder / "model"], check=True, capture_output=True)
    found = 0
    for change, bytes_of_change in CHANGES.items():
        file = folder / f"{change}.model"
        file.write_bytes(model + bytes_of_change)
        subprocess.run([strata, "export", folder / "model", folder / change, "--tokenizer", file], check=True,
                       capture_output=True)
        theirs = Tokenizer.from_file(str(folder / change / "tokenizer.json"))
        for text, wanted, encoding in zip(texts, ids_of(strata, file, texts), theirs.encode_batch(texts), strict=True):
            if encoding.ids != wanted:
                found += 1
                print(f"export {change}: {text!a}: {encoding.ids} instead of {wanted}", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("strata")
    parser.add_argument("--strings", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--characters", action="store_true", help="also every code point between two letters")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    found = count = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizers = all_tokenizers(trained())
        for kind, made in tokenizers.items():
            (folder / f"{kind}.json").write_text(json.dumps(made))
        every = [f"x{chr(code)}y" for code in range(0x110000) if not 0xD800 <= code < 0xE000]
        while count < arguments.strings or (arguments.characters and every):
            texts = [made_up(chance) for _ in range(min(20000, max(arguments.strings - count, 0)))]
            if arguments.characters:
                texts += every[:20000]
                del every[:20000]
            for kind in tokenizers:
                found += differences(arguments.strata, kind, folder / f"{kind}.json", texts)
            count += len(texts)
        exported = export_differences(arguments.strata, folder, [made_up(chance) for _ in range(arguments.strings)])
        learned = learned_alike(arguments.strata, folder)
    print(f"{count} strings, {len(tokenizers)} tokenizers, 2 readings: {found} differences; of exported sentencepiece "
          f"models {exported}; merges are learned {'alike' if learned else 'otherwise'}")
    return 1 if found or exported or not learned else 0


if __name__ == "__main__":
    sys.exit(main())
