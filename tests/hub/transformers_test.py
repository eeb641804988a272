"""Exports of every golden scheme, read by transformers: usage: transformers_test.py STRATA [unittest arguments].

Exits with 77 where transformers cannot be imported; `scripts/install.sh --transformers` installs it.
"""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

missing = [name for name in ("torch", "transformers", "safetensors") if importlib.util.find_spec(name) is None]
if missing:
    print(f"NOT tested: {sys.executable} cannot import {', '.join(missing)}; `scripts/install.sh --transformers` does it")
    sys.exit(77)

os.environ["HF_HUB_OFFLINE"] = "1"
cache = tempfile.TemporaryDirectory()
os.environ["HF_HOME"] = cache.name  # where transformers copies modeling_strata.py to

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

STRATA = sys.argv.pop(1)
GOLDEN = Path(__file__).resolve().parents[1] / "golden/model/scheme"
MODEL = "{vocab: 96, hidden: 32, intermediate: 88, layers: 8, heads: 4, norm_eps: 1e-6, rope_theta: 1e4}"
# The paper's name, ours, whether it becomes a stock model, how far its logits may lie from the golden ones: float32 in
# another order, and the eps of RMSNorm where gates are folded (tests/golden/model/README.md).
SCHEMES = [("pre", "pre", True, 2e-5), ("lns", "lns", True, 2e-5), ("scale_pre", "scaled_init", True, 2e-5),
           ("pre_gpas", "pre+gpas", True, 5e-5), ("lns_gpas", "lns+gpas", True, 1.2e-4),
           ("post", "post", False, 2e-5), ("deeppost", "deepnorm", False, 2e-5), ("sandwich", "sandwich", False, 2e-5),
           ("post_pre", "mix", False, 2e-5), ("deeppost_gpas", "deepnorm+gpas", False, 2e-5),
           ("sandwich_gpas", "sandwich+gpas", False, 3e-5), ("post_pre_gpas", "mix+gpas", False, 3e-5)]
GOLDEN2 = Path(__file__).resolve().parents[1] / "golden2"
# Likewise: the file, our scheme and what else of norm.*, of model.*, the class of transformers.
SCHEMES2 = [("keel/keel", "keel", "", "StrataForCausalLM"), ("peri/peri_embedding_norm", "peri", "", "StrataForCausalLM"),
            ("layerscale/layerscale", "layerscale", "", "LlamaForCausalLM"),
            ("rezero/rezero", "rezero", "", "StrataForCausalLM"),
            ("rezero/pre_scalar", "pre_scalar", "", "LlamaForCausalLM"),
            ("qknorm/qwen3", "pre", ", qk_norm: head", "Qwen3ForCausalLM"),
            ("qknorm/olmo2", "olmo2", "", "Olmo2ForCausalLM"), ("hybrid/hybrid", "hybrid", "", "StrataForCausalLM"),
            ("hybrid/hybrid_star", "hybrid_star", "", "StrataForCausalLM"), ("dyt/dyt", "dyt", "", "StrataForCausalLM"),
            ("dyt/dyt_embed_scale", "dyt, options: {embed_scale: 7}", "", "StrataForCausalLM"),
            ("derf/derf", "derf", "", "StrataForCausalLM")]
TEST_DATA = os.environ.get("STRATA_TEST_DATA")


def strata(*arguments, input=""):
    ran = subprocess.run([STRATA, *map(str, arguments)], input=input, capture_output=True, text=True)
    if ran.returncode != 0:
        raise AssertionError(f"strata {' '.join(map(str, arguments))}: {ran.stderr}")
    return ran.stdout


def write_ours(theirs, ours, folder):
    folder.mkdir()
    tensors = {}
    for name in "_shared", theirs:
        file = load_file(GOLDEN / f"{name}.safetensors")
        tensors |= {key.removeprefix("param."): value for key, value in file.items() if key.startswith("param.")}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.yaml").write_text(f"model: {MODEL}\nnorm: {{scheme: {ours}}}\n")


def write_ours2(name, scheme, model, folder):
    folder.mkdir()
    said = json.loads((GOLDEN2 / f"{name}.json").read_text())
    tensors = {}
    for file in *said["shared"], f"{name}.safetensors":
        golden = load_file(GOLDEN2 / file)
        tensors |= {key.removeprefix("param."): value for key, value in golden.items() if key.startswith("param.")}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.yaml").write_text(
        "model: {vocab: 80, hidden: 48, intermediate: 130, layers: 6, heads: 3, norm_eps: 1e-5, rope_theta: "
        f"{said['config']['rope_theta']}{model}}}\nnorm: {{scheme: {scheme}}}\n")


def load(folder, dtype=torch.float32):
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, torch_dtype=dtype)
    return model.eval()


class Exports(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def export(self, theirs, ours, *arguments):
        write_ours(theirs, ours, self.folder / "ours")
        strata("export", self.folder / "ours", "--to", "hf", self.folder / "hf", *arguments)
        return load(self.folder / "hf")

    def test_logits_and_loss_of_every_scheme(self):
        for theirs, ours, is_stock, bound in SCHEMES:
            with self.subTest(ours):
                self.setUp()
                model = self.export(theirs, ours)
                self.assertEqual(type(model).__name__, "LlamaForCausalLM" if is_stock else "StrataForCausalLM")
                golden = load_file(GOLDEN / f"{theirs}.safetensors")
                with torch.no_grad():
                    out = model(input_ids=golden["input_ids"], labels=golden["labels"])
                difference = (out.logits - golden["logits"]).abs().max().item()
                print(f"{ours:16} {type(model).__name__:18} largest logit difference {difference:.2g}", flush=True)
                self.assertLess(difference, bound)
                self.assertAlmostEqual(out.loss.item(), golden["loss"].item(), delta=bound)

    def test_logits_and_loss_of_other_peoples_schemes(self):
        for name, scheme, model_keys, kind in SCHEMES2:
            with self.subTest(name):
                self.setUp()
                write_ours2(name, scheme, model_keys, self.folder / "ours")
                strata("export", self.folder / "ours", self.folder / "hf")
                model = load(self.folder / "hf")
                self.assertEqual(type(model).__name__, kind)
                golden = load_file(GOLDEN2 / f"{name}.safetensors")
                with torch.no_grad():
                    out = model(input_ids=golden["input_ids"], labels=golden["labels"])
                difference = (out.logits - golden["logits"]).abs().max().item()
                print(f"{name:26} {kind:18} largest logit difference {difference:.2g}", flush=True)
                self.assertLess(difference, 3e-5)
                self.assertAlmostEqual(out.loss.item(), golden["loss"].item(), delta=2e-5)

    def test_stock_folders_go_in_and_out(self):
        for name in "qwen3", "qwen3_head_dim", "olmo2":
            with self.subTest(name):
                self.setUp()
                theirs = GOLDEN2 / "qknorm/hf" / name
                strata("import", theirs, self.folder / "ours")
                strata("export", self.folder / "ours", self.folder / "hf")
                golden = load_file(theirs / "logits.safetensors")
                for folder in theirs, self.folder / "hf":
                    with torch.no_grad():
                        logits = load(folder)(input_ids=golden["input_ids"]).logits
                    self.assertLess((logits - golden["logits"]).abs().max().item(), 1e-5)

    def test_logits_of_what_the_paper_has_not(self):
        """Against Strata's own: the other schemes, gates in every place, of every kind, one for each sub-layer."""
        ids = torch.arange(40).reshape(2, 20) * 7 % 96
        (self.folder / "ids.json").write_text(json.dumps(ids.tolist()))
        (self.folder / "model.yaml").write_text("model: {vocab: 96, hidden: 32, intermediate: 88, layers: 3, heads: 4, "
                                                "kv_heads: 2}\n")
        cases = [["norm.scheme=" + scheme] for scheme in ("lns_fixed", "lns_fixed+gpas", "scaled_init+gpas", "post+gpas")]
        for place in ("sum", "skip", "branch", "norm", "input"):
            cases.append(["norm.scheme=sandwich+gpas", "norm.gpas.position=" + place, "norm.gpas.per=sublayer"])
        for activation in ("identity", "relu", "tanh", "leaky_relu", "scaled_silu"):
            cases.append(["norm.scheme=deepnorm+gpas", "norm.gpas.activation=" + activation])
        for number, overrides in enumerate(cases):
            with self.subTest(overrides=overrides):
                ours, theirs, trace = (self.folder / f"{name}{number}" for name in ("ours", "hf", "trace"))
                strata("init", self.folder / "model.yaml", ours, *overrides, "norm.gpas.start=0.4")
                strata("export", ours, theirs)
                strata("trace", ours, "--ids", self.folder / "ids.json", "--out", trace)
                with torch.no_grad():
                    logits = load(theirs)(input_ids=ids).logits
                self.assertLess((logits - load_file(trace)["logits"]).abs().max().item(), 2e-5)

    def test_shards_and_half_precision(self):
        for arguments in ("--max-shard-size", "0.1MB"), ("--dtype", "bf16"), ("--dtype", "fp16"):
            for theirs, ours in ("pre_gpas", "pre+gpas"), ("sandwich_gpas", "sandwich+gpas"):
                with self.subTest(ours, arguments=arguments):
                    self.setUp()
                    model = self.export(theirs, ours, *arguments)
                    golden = load_file(GOLDEN / f"{theirs}.safetensors")
                    with torch.no_grad():
                        logits = model(input_ids=golden["input_ids"]).logits
                    bound = 5e-5 if arguments[0] == "--max-shard-size" else 0.3
                    self.assertLess((logits - golden["logits"]).abs().max().item(), bound)

    def test_generate(self):
        for theirs, ours in ("pre_gpas", "pre+gpas"), ("post_pre_gpas", "mix+gpas"):
            with self.subTest(ours):
                self.setUp()
                model = self.export(theirs, ours)
                ids = load_file(GOLDEN / f"{theirs}.safetensors")["input_ids"][:1, :5]
                grown = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, do_sample=False,
                                       eos_token_id=None)
                expected = ids
                for _ in range(6):
                    with torch.no_grad():
                        best = model(input_ids=expected).logits[:, -1].argmax(-1)
                    expected = torch.cat([expected, best[:, None]], dim=1)
                self.assertEqual(grown.tolist(), expected.tolist())
                # A padded row beside a longer one goes on as it does alone.
                if type(model).__name__ == "StrataForCausalLM":
                    pads = torch.zeros(1, 3, dtype=ids.dtype)
                    both = torch.cat([torch.cat([pads, ids], 1), torch.full((1, 8), 7)])
                    mask = torch.cat([torch.cat([pads, torch.ones_like(ids)], 1), torch.ones(1, 8, dtype=ids.dtype)])
                    padded = model.generate(both, attention_mask=mask, max_new_tokens=6, do_sample=False, eos_token_id=None)
                    self.assertEqual(padded[0, 3:].tolist(), expected[0].tolist())

    def test_gradients_pass_gates_by(self):
        model = self.export("sandwich_gpas", "sandwich+gpas")
        golden = load_file(GOLDEN / "sandwich_gpas.safetensors")
        model(input_ids=golden["input_ids"], labels=golden["labels"]).loss.backward()
        for name, parameter in model.named_parameters():
            if f"grad.{name}" in golden and parameter.dim() > 0:
                wanted = golden[f"grad.{name}"]
                self.assertLess(((parameter.grad - wanted).norm() / wanted.norm()).item(), 1e-3, name)

    def test_import_of_what_torch_saves(self):
        """A checkpoint of the paper's code: parameters, buffers, views, and whatever else a state dict has in it."""
        write_ours("pre_gpas", "pre+gpas", self.folder / "ours")
        weights = load_file(self.folder / "ours/model.safetensors")
        root = torch.nn.Module()
        state = root.state_dict()  # with _metadata
        for name, value in weights.items():
            state[name] = torch.nn.Parameter(value) if name.endswith("q_proj.weight") else value
        wide = torch.zeros(96, 40)
        wide[:, 4:36] = state["lm_head.weight"]
        state["lm_head.weight"] = wide[:, 4:36]  # not contiguous
        state["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
        config = {"architectures": ["LLaMAForCausalLM"], "hidden_act": "silu", "hidden_size": 32, "intermediate_size": 88,
                  "max_sequence_length": 1024, "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 8,
                  "pad_token_id": -1, "rms_norm_eps": 1e-6, "vocab_size": 96}
        for dtype in torch.float32, torch.bfloat16:
            folder = self.folder / str(dtype)
            folder.mkdir()
            (folder / "config.json").write_text(json.dumps(config))
            torch.save({name: value.to(dtype) for name, value in state.items()} if dtype == torch.bfloat16 else state,
                       folder / "pytorch_model.bin")
            strata("import", folder, folder / "imported", "--scheme", "pre+gpas")
            imported = load_file(folder / "imported/model.safetensors")
            self.assertEqual(imported.keys(), weights.keys())
            for name, value in weights.items():
                self.assertTrue(torch.equal(imported[name], value.to(dtype).float()), name)

    @unittest.skipUnless(TEST_DATA, "NOT tested: STRATA_TEST_DATA is not set")
    def test_tokenizer_has_stratas_ids(self):
        spiece = Path(TEST_DATA) / "t5/spiece.model"
        (self.folder / "wide.yaml").write_text("model: {hidden: 8, intermediate: 8, layers: 1, heads: 2}\n")
        strata("init", self.folder / "wide.yaml", self.folder / "ours")
        strata("export", self.folder / "ours", self.folder / "hf", "--tokenizer", spiece)
        tokenizer = AutoTokenizer.from_pretrained(self.folder / "hf")
        self.assertEqual((len(tokenizer), tokenizer.pad_token_id, tokenizer.eos_token_id), (32000, 0, 1))
        cases = json.loads((Path(TEST_DATA) / "golden/t5_ids.json").read_text())
        # "</s>" written in a text is a piece to Strata and the end to T5's tokenizer; a no-break space at the end is one
        # to sentencepiece and nothing to the tokenizers library.
        texts = [case["text"] for case in cases if "</s>" not in case["text"] and not case["text"].endswith("\u00a0")]
        self.assertGreater(len(texts), 40)
        encoded = strata("encode", "--tokenizer", spiece, input="".join(json.dumps(text) + "\n" for text in texts))
        for text, line in zip(texts, encoded.splitlines(), strict=True):
            self.assertEqual(tokenizer.encode(text), json.loads(line), text)

    @unittest.skipUnless(TEST_DATA, "NOT tested: STRATA_TEST_DATA is not set")
    def test_sentencepiece_of_another_kind_than_t5s(self):
        """BPE with a token for the beginning: Llama 2's. Texts that name special tokens mean them, to transformers."""
        golden = Path(TEST_DATA) / "golden2/tokenizer"
        (self.folder / "model.yaml").write_text("model: {vocab: 2048, hidden: 8, intermediate: 8, layers: 1, heads: 2}\n")
        strata("init", self.folder / "model.yaml", self.folder / "ours")
        strata("export", self.folder / "ours", self.folder / "hf", "--tokenizer", golden / "llama2.model")
        self.assertEqual((self.folder / "hf/tokenizer.model").read_bytes(), (golden / "llama2.model").read_bytes())
        tokenizer = AutoTokenizer.from_pretrained(self.folder / "hf")
        self.assertEqual((len(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id),
                         (2000, 1, 2, None))
        cases = json.loads((golden / "ids.json").read_text())["texts"]
        texts = [case["text"] for case in cases if not any(name in case["text"] for name in ("<s>", "</s>", "<unk>"))]
        self.assertGreater(len(texts), 30)
        encoded = strata("encode", "--tokenizer", self.folder / "hf", input="".join(json.dumps(text) + "\n" for text in texts))
        for text, line in zip(texts, encoded.splitlines(), strict=True):
            self.assertEqual(tokenizer.encode(text), json.loads(line), text)
            self.assertEqual(tokenizer.decode(json.loads(line), skip_special_tokens=True), text)

    @unittest.skipUnless(TEST_DATA, "NOT tested: STRATA_TEST_DATA is not set")
    def test_tokenizer_json_goes_out_as_it_is(self):
        (self.folder / "model.yaml").write_text("model: {vocab: 2048, hidden: 8, intermediate: 8, layers: 1, heads: 2}\n")
        strata("init", self.folder / "model.yaml", self.folder / "ours")
        golden = Path(TEST_DATA) / "golden2/tokenizer"
        texts = [case["text"] for case in json.loads((golden / "ids.json").read_text())["texts"]]
        for kind, bos, eos in ("gpt2", None, 1999), ("llama3", 1996, 1997), ("qwen2", None, 1996):
            with self.subTest(kind):
                file = golden / f"{kind}.tokenizer.json"
                folder = self.folder / kind
                strata("export", self.folder / "ours", folder, "--tokenizer", file)
                self.assertEqual((folder / "tokenizer.json").read_bytes(), file.read_bytes())
                tokenizer = AutoTokenizer.from_pretrained(folder)
                self.assertEqual((len(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id), (2000, bos, eos))
                settings = json.loads((folder / "generation_config.json").read_text())
                self.assertEqual((settings["bos_token_id"], settings["eos_token_id"], settings["pad_token_id"]),
                                 (bos, eos, None))
                self.assertEqual(load(folder).config.eos_token_id, eos)
                encoded = strata("encode", "--tokenizer", folder, input="".join(json.dumps(text) + "\n" for text in texts))
                for text, line in zip(texts, encoded.splitlines(), strict=True):
                    self.assertEqual(tokenizer.encode(text), json.loads(line), text)


if __name__ == "__main__":
    unittest.main()
