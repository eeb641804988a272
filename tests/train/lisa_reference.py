"""LISA fine-tuning in plain PyTorch with autograd: what `strata sft` is compared with.

Usage: lisa_reference.py INPUT.json [--dtype float64] [--final FILE.safetensors]
Prints {"losses": [...], "grad_norms": [...]}, one number a step; --final writes the parameters after the last step.

INPUT.json:
  model        folder with model.safetensors, Hugging Face's names and <layer>.gpas_block.gate
  dims         hidden, intermediate, layers, heads, kv_heads, vocab, norm_eps, rope_theta
  gpas         true: scheme pre+gpas, else pre
  train_gates  true: gates train with their layer; default false
  states       keep: a sleeping layer's moments and step count wait for it; drop: they are forgotten when it falls asleep
  optimizer    beta1, beta2, eps, weight_decay (AdamW's, of matrices), clip (global L2 norm; 0: none)
  steps        each {rate, active: layers that train, rows: [{ids, labels}]}. labels are not shifted: the logits at t are
               scored against labels[t + 1]; -100: not scored. Every row is a sequence of its own.
"""
import argparse
import json
import math
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from safetensors_file import DTYPES, read_safetensors

IGNORED = -100


def write_safetensors(file, tensors):
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, data = {}, b""
    for name, tensor in tensors.items():
        content = bytes(tensor.detach().flatten().view(torch.uint8).tolist())
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(file).write_bytes(len(text).to_bytes(8, "little") + text + data)


class Decoder:
    """A LLaMA decoder, Pre-LN or Pre-LN + GPAS. T tokens of one row, D hidden, H heads, V vocabulary."""

    def __init__(self, dims, gpas, weights, dtype):
        self.dims, self.gpas = dims, gpas
        self.parameters = {name: torch.nn.Parameter(value.to(dtype)) for name, value in weights.items()}

    def linear(self, x, name):
        return F.linear(x, self.parameters[name + ".weight"])

    def norm(self, x_TD, name):
        scale = torch.rsqrt(x_TD.square().mean(-1, keepdim=True) + self.dims["norm_eps"])
        return self.parameters[name + ".weight"] * (x_TD * scale)

    def rotated(self, x_HTd):
        """Rotary embedding, rotate-half layout: the pair (j, j + d/2) turns by t * theta^(-2j/d)."""
        length, size = x_HTd.shape[-2:]
        frequency = self.dims["rope_theta"] ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        angle = torch.outer(torch.arange(length, dtype=torch.float64), frequency)
        cos, sin = angle.cos().to(x_HTd.dtype), angle.sin().to(x_HTd.dtype)
        low, high = x_HTd.chunk(2, -1)
        return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)

    def attention(self, x_TD, name):
        heads, kv_heads = self.dims["heads"], self.dims["kv_heads"]
        split = lambda projection, count: self.linear(x_TD, f"{name}.{projection}").unflatten(-1, (count, -1)).transpose(0, 1)
        q, k, v = split("q_proj", heads), split("k_proj", kv_heads), split("v_proj", kv_heads)
        k, v = (x.repeat_interleave(heads // kv_heads, 0) for x in (self.rotated(k), v))
        scores = self.rotated(q) @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        future = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        return self.linear(mixed.transpose(0, 1).flatten(1), name + ".o_proj")

    def feed_forward(self, x_TD, name):
        return self.linear(F.silu(self.linear(x_TD, name + ".gate_proj")) * self.linear(x_TD, name + ".up_proj"), name + ".down_proj")

    def gate(self, x_TD, layer):
        return x_TD - F.silu(self.parameters[layer + ".gpas_block.gate"]) * x_TD.detach() if self.gpas else x_TD

    def logits(self, ids_T):
        x = F.embedding(ids_T, self.parameters["model.embed_tokens.weight"])
        for i in range(self.dims["layers"]):
            layer = f"model.layers.{i}"
            x = self.gate(x + self.attention(self.norm(x, layer + ".input_layernorm"), layer + ".self_attn"), layer)
            x = self.gate(x + self.feed_forward(self.norm(x, layer + ".post_attention_layernorm"), layer + ".mlp"), layer)
        return self.linear(self.norm(x, "model.norm"), "lm_head")


class AdamW:
    """AdamW with moments and a step count for each parameter of its own: one without a gradient stands still."""

    def __init__(self, beta1, beta2, eps, weight_decay):
        self.beta1, self.beta2, self.eps, self.weight_decay = beta1, beta2, eps, weight_decay
        self.states = {}

    @torch.no_grad()
    def update(self, parameters, rate):
        for name, p in parameters.items():
            if p.grad is None:
                continue
            state = self.states.setdefault(name, {"step": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            state["step"] += 1
            state["m"].mul_(self.beta1).add_(p.grad, alpha=1 - self.beta1)
            state["v"].mul_(self.beta2).addcmul_(p.grad, p.grad, value=1 - self.beta2)
            m = state["m"] / (1 - self.beta1 ** state["step"])
            v = state["v"] / (1 - self.beta2 ** state["step"])
            if p.dim() > 1:  # gains and gates never decay
                p.mul_(1 - rate * self.weight_decay)
            p.sub_(rate * m / (v.sqrt() + self.eps))


def trains(name, active, train_gates):
    """Embedding, final norm and head always, layers while they are drawn."""
    if name.endswith(".gate") and not train_gates:
        return False
    return not name.startswith("model.layers.") or int(name.split(".")[2]) in active


def backward(decoder, rows):
    """The mean loss over all targets of all rows; its gradient is in .grad."""
    targets = sum(label != IGNORED for row in rows for label in row["labels"][1:])
    loss = 0.0
    for row in rows:
        logits_TV = decoder.logits(torch.tensor(row["ids"]))
        labels = torch.tensor(row["labels"])
        part = F.cross_entropy(logits_TV[:-1], labels[1:], ignore_index=IGNORED, reduction="sum") / targets
        part.backward()
        loss += part.item()
    return loss


def clip(parameters, limit):
    """Scales the gradients to a joint L2 norm of at most `limit` and gives the norm that they had."""
    gradients = [p.grad for p in parameters.values() if p.grad is not None]
    norm = math.sqrt(sum(g.double().square().sum().item() for g in gradients))
    if limit > 0 and (factor := limit / (norm + 1e-6)) < 1:
        for gradient in gradients:
            gradient.mul_(factor)
    return norm


def train(run, decoder):
    parameters = decoder.parameters
    limit = run["optimizer"]["clip"]
    adam = AdamW(**{key: value for key, value in run["optimizer"].items() if key != "clip"})
    losses, norms = [], []
    for step in run["steps"]:
        for name, p in parameters.items():
            p.grad = None
            p.requires_grad_(trains(name, step["active"], run.get("train_gates", False)))
            if not p.requires_grad and run["states"] == "drop":
                adam.states.pop(name, None)
        losses.append(backward(decoder, step["rows"]))
        norms.append(clip(parameters, limit))
        adam.update(parameters, step["rate"])
    return {"losses": losses, "grad_norms": norms}


def open_decoder(run, dtype):
    return Decoder(run["dims"], run["gpas"], read_safetensors(Path(run["model"]) / "model.safetensors"), dtype)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("input", type=Path)
    arguments.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    arguments.add_argument("--final", type=Path)
    arguments = arguments.parse_args()
    torch.set_num_threads(1)
    run = json.loads(arguments.input.read_text())
    if run["states"] not in ("keep", "drop"):
        raise SystemExit(f"states: {run['states']!r} is neither keep nor drop")
    decoder = open_decoder(run, getattr(torch, arguments.dtype))
    print(json.dumps(train(run, decoder)))
    if arguments.final:
        write_safetensors(arguments.final, decoder.parameters)


if __name__ == "__main__":
    main()
