"""lisa_reference.py against the paper's own training loop, stock LLaMA, and torch.optim.AdamW.

Exits with 77 where torch cannot be imported.
"""
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("typing_extensions") is None:
    print(f"NOT tested: {sys.executable} cannot import torch; `scripts/install.sh --cuda` installs what torch needs")
    sys.exit(77)

import lisa_reference
import torch

SCRIPT = Path(lisa_reference.__file__)
GOLDEN = SCRIPT.parents[1] / "golden/model"
LAYERS = list(range(8))
DIMS = {"hidden": 32, "intermediate": 88, "layers": 8, "heads": 4, "kv_heads": 4, "vocab": 96, "norm_eps": 1e-6,
        "rope_theta": 10000.0}
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "clip": 0.0}


def golden_weights(scheme):
    files = [lisa_reference.read_safetensors(GOLDEN / "scheme" / f"{name}.safetensors") for name in ("_shared", scheme)]
    return {name.removeprefix("param."): value for file in files for name, value in file.items() if name.startswith("param.")}


def golden_rows(step):
    ids_RT = lisa_reference.read_safetensors(GOLDEN / "trajectory/batches.safetensors")["ids"][step].tolist()
    return [{"ids": ids, "labels": [-100 if id == 0 else id for id in ids]} for ids in ids_RT]


def lisa_run(periods, states, **changes):
    """Three steps for each list of active layers."""
    steps = [{"rate": 1e-3, "active": active, "rows": golden_rows(3 * p + k)} for p, active in enumerate(periods) for k in range(3)]
    return {"gpas": True, "dims": DIMS, "states": states, "optimizer": ADAM, "steps": steps, **changes}


def decoder_of(run, dtype=torch.float64):
    return lisa_reference.Decoder(run["dims"], run["gpas"], golden_weights("pre_gpas" if run["gpas"] else "pre"), dtype)


def trained(run):
    """Losses, norms, and the decoder at the end; float64."""
    decoder = decoder_of(run)
    return lisa_reference.train(run, decoder), decoder


def same_by_torch(run, drop):
    """The losses as torch.optim.AdamW and torch.nn.utils.clip_grad_norm_ have them."""
    decoder, numbers = decoder_of(run), run["optimizer"]
    matrices = [p for p in decoder.parameters.values() if p.dim() > 1]
    others = [p for p in decoder.parameters.values() if p.dim() <= 1]
    adam = torch.optim.AdamW([{"params": matrices}, {"params": others, "weight_decay": 0.0}], eps=numbers["eps"],
                             betas=(numbers["beta1"], numbers["beta2"]), weight_decay=numbers["weight_decay"])
    losses = []
    for step in run["steps"]:
        frozen = [p for name, p in decoder.parameters.items() if name.endswith("gate") or
                  name.startswith("model.layers.") and not any(name.startswith(f"model.layers.{i}.") for i in step["active"])]
        adam.zero_grad(set_to_none=True)
        losses.append(lisa_reference.backward(decoder, step["rows"]))
        for p in frozen:
            p.grad = None
            if drop:
                adam.state.pop(p, None)
        torch.nn.utils.clip_grad_norm_(decoder.parameters.values(), numbers["clip"])
        for group in adam.param_groups:
            group["lr"] = step["rate"]
        adam.step()
    return losses


class AgainstGolden(unittest.TestCase):
    def compare(self, name, dtype, loss_bound, parameter_bound):
        golden = json.loads((GOLDEN / f"trajectory/{name}.json").read_text())
        steps = [{"rate": step["lr"], "active": LAYERS, "rows": golden_rows(k)} for k, step in enumerate(golden["steps"])]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            run = {"model": str(folder), "dims": DIMS, "gpas": "gpas" in name, "train_gates": True, "states": "keep",
                   "optimizer": {**ADAM, "clip": golden["grad_clipping"]}, "steps": steps}
            (folder / "input.json").write_text(json.dumps(run))
            lisa_reference.write_safetensors(folder / "model.safetensors", golden_weights(golden["scheme"]))
            ran = subprocess.run([sys.executable, SCRIPT, folder / "input.json", "--dtype", dtype, "--final", folder / "final"],
                                 capture_output=True, text=True)
            self.assertEqual((ran.returncode, ran.stderr), (0, ""))
            final = lisa_reference.read_safetensors(folder / "final")
        ours = json.loads(ran.stdout)
        self.assertEqual(len(ours["losses"]), 12)
        for loss, norm, step in zip(ours["losses"], ours["grad_norms"], golden["steps"]):
            self.assertAlmostEqual(loss, step["loss"], delta=loss_bound)
            self.assertAlmostEqual(norm / step["grad_norm"], 1.0, delta=10 * loss_bound)
        for key, value in lisa_reference.read_safetensors(GOLDEN / f"trajectory/{name}.final.safetensors").items():
            kind, _, parameter = key.partition(".")
            mine = final[parameter].double() if kind == "param" else final[parameter].double().sum(0 if kind == "paramsum0" else 1)
            self.assertLess((mine - value).abs().max().item(), parameter_bound, key)

    def test_the_papers_training_loop(self):
        for name in ("pre", "pre_gpas", "pre_clip"):
            with self.subTest(name, dtype="float64"):
                self.compare(name, "float64", 1e-12, 1e-6)  # the golden parameters were rounded to float32
            with self.subTest(name, dtype="float32"):
                self.compare(name, "float32", 2e-6, 2e-5)

    def test_logits_of_stock_llama(self):
        for kind, kv_heads in ("gqa", 2), ("mha", 4):
            with self.subTest(kind):
                run = {"model": GOLDEN / "hf" / kind, "dims": {**DIMS, "layers": 3, "kv_heads": kv_heads}, "gpas": False}
                decoder = lisa_reference.open_decoder(run, torch.float32)
                golden = lisa_reference.read_safetensors(GOLDEN / "hf" / kind / "logits.safetensors")
                for ids_T, logits_TV in zip(golden["input_ids"], golden["logits"]):
                    self.assertLess((decoder.logits(ids_T) - logits_TV).abs().max().item(), 1e-5)


@unittest.skipIf(importlib.util.find_spec("sympy") is None,
                 "NOT tested: torch.optim lacks sympy; `scripts/install.sh --cuda` installs it")
class AgainstTorchOptim(unittest.TestCase):
    def test_both_ways_with_sleeping_layers(self):
        for drop, states in enumerate(("keep", "drop")):
            with self.subTest(states):
                run = lisa_run([[0, 1], [1, 2], [0, 7], [1, 2]], states, optimizer={**ADAM, "weight_decay": 0.1, "clip": 1.0})
                ours, _ = trained(run)
                self.assertGreater(min(ours["grad_norms"]), 1.0)  # every step is clipped
                for mine, theirs in zip(ours["losses"], same_by_torch(run, drop)):
                    self.assertAlmostEqual(mine, theirs, delta=1e-12)


class Lisa(unittest.TestCase):
    def test_dropped_states_are_missed_only_when_a_layer_comes_back(self):
        in_one_go = [[0, 1], [0, 2], [0, 3]]
        self.assertEqual(*(trained(lisa_run(in_one_go, states))[0] for states in ("keep", "drop")))
        keep, drop = (trained(lisa_run([[0, 1], [0, 2], [0, 1]], states))[0]["losses"] for states in ("keep", "drop"))
        self.assertEqual(keep[:7], drop[:7])  # step 6 is the first to update layer 1 again, its loss comes before
        for step in range(7, 9):
            self.assertGreater(abs(keep[step] - drop[step]), 1e-5)

    def test_only_what_is_drawn_moves(self):
        run = lisa_run([[2, 5]], "keep")
        _, decoder = trained(run)
        for name, start in decoder_of(run).parameters.items():
            layer = int(name.split(".")[2]) if name.startswith("model.layers.") else None
            moves = layer in (2, 5, None) and not name.endswith(".gate")
            self.assertEqual(not torch.equal(start, decoder.parameters[name]), moves, name)

    def test_what_sleeps_is_not_in_the_norm(self):
        norms = [trained(lisa_run([active], "keep", steps=lisa_run([active], "keep")["steps"][:1]))[0]["grad_norms"][0]
                 for active in ([], [3], LAYERS)]
        self.assertLess(norms[0], norms[1])
        self.assertLess(norms[1], norms[2])


if __name__ == "__main__":
    unittest.main()
