#!/usr/bin/env python3
"""Trains a LLaMA decoder, Pre-LN with or without GPAS, in plain PyTorch: the peer of scripts/bench/compare_pytorch.py.

Usage: pytorch_llama.py JOB.json. Prints a line of JSON after each step: {"loss", "tokens", "seconds"}.

JOB.json:
  model      folder with model.safetensors, Hugging Face's names and <layer>.gpas_block.gate
  dims       hidden, layers, heads, kv_heads, norm_eps, rope_theta
  gpas       true: pre+gpas, else pre
  mode       eager: rows padded to `length`, as the lineage of the paper's code does; compiled: the same under
             torch.compile; packed: rows end to end without pads, attention row by row
  precision  fp32; mixed: autocast to bf16 over fp32 weights; bf16: weights and states too
  optimizer  kind (adam, adamw), beta1, beta2, eps, weight_decay (of matrices)
  clip       global L2 norm; 0: none
  steps      each {lr, micro_batches: lists of rows of ids}; every row is a sequence of its own
"""
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from safetensors_file import read_safetensors

IGNORED = -100


class Norm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.empty(size)), eps

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, hidden, heads, kv_heads):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, hidden // heads
        self.q_proj = nn.Linear(hidden, heads * self.size, bias=False)
        self.k_proj = nn.Linear(hidden, kv_heads * self.size, bias=False)
        self.v_proj = nn.Linear(hidden, kv_heads * self.size, bias=False)
        self.o_proj = nn.Linear(heads * self.size, hidden, bias=False)

    def forward(self, x, cos, sin, lengths):
        """x: [B, T, D]; or, with the rows' lengths, [1, N, D] of rows end to end. cos, sin: of each position, [T, size]."""
        split = lambda y, heads: y.unflatten(-1, (heads, self.size)).transpose(-2, -3)
        turn = lambda y: y * cos + torch.cat([-y[..., self.size // 2 :], y[..., : self.size // 2]], -1) * sin
        q, k = turn(split(self.q_proj(x), self.heads)), turn(split(self.k_proj(x), self.kv_heads))
        v = split(self.v_proj(x), self.kv_heads)
        grouped = self.heads != self.kv_heads
        if lengths is None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        else:
            rows = zip(q.split(lengths, -2), k.split(lengths, -2), v.split(lengths, -2))
            y = torch.cat([F.scaled_dot_product_attention(*row, is_causal=True, enable_gqa=grouped) for row in rows], -2)
        return self.o_proj(y.transpose(-2, -3).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, hidden, intermediate):
        super().__init__()
        self.gate_proj = nn.Linear(hidden, intermediate, bias=False)
        self.up_proj = nn.Linear(hidden, intermediate, bias=False)
        self.down_proj = nn.Linear(intermediate, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Gate(nn.Module):
    """y = h - SiLU(alpha) stop_grad(h)."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Parameter(torch.empty(()))

    def forward(self, h):
        return h - F.silu(self.gate) * h.detach()


class Layer(nn.Module):
    def __init__(self, dims, intermediate, gpas):
        super().__init__()
        self.input_layernorm = Norm(dims["hidden"], dims["norm_eps"])
        self.self_attn = Attention(dims["hidden"], dims["heads"], dims["kv_heads"])
        self.post_attention_layernorm = Norm(dims["hidden"], dims["norm_eps"])
        self.mlp = FeedForward(dims["hidden"], intermediate)
        self.gpas_block = Gate() if gpas else nn.Identity()

    def forward(self, x, cos, sin, lengths):
        x = self.gpas_block(x + self.self_attn(self.input_layernorm(x), cos, sin, lengths))
        return self.gpas_block(x + self.mlp(self.post_attention_layernorm(x)))


class Llama(nn.Module):
    def __init__(self, dims, gpas, weights, longest):
        super().__init__()
        vocab, hidden = weights["model.embed_tokens.weight"].shape
        intermediate = weights["model.layers.0.mlp.gate_proj.weight"].shape[0]
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(vocab, hidden)
        self.model.layers = nn.ModuleList(Layer(dims, intermediate, gpas) for _ in range(dims["layers"]))
        self.model.norm = Norm(hidden, dims["norm_eps"])
        self.lm_head = nn.Linear(hidden, vocab, bias=False)
        self.load_state_dict(weights)
        size = hidden // dims["heads"]
        frequency = dims["rope_theta"] ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        angle = torch.outer(torch.arange(longest, dtype=torch.float64), frequency).repeat(1, 2)
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, ids, labels, positions, lengths=None):
        """The sum of the losses of all labels; labels are shifted already."""
        cos, sin = self.cos[positions], self.sin[positions]
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, cos, sin, lengths)
        logits = self.lm_head(self.model.norm(x))
        return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum")


def padded(rows, length):
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        labels[i, : len(row) - 1] = ids[i, 1 : len(row)]
    return ids, labels, torch.arange(length), None


def packed(rows):
    ids = torch.tensor([token for row in rows for token in row])
    labels = torch.tensor([token for row in rows for token in row[1:] + [IGNORED]])
    positions = torch.cat([torch.arange(len(row)) for row in rows])
    return ids[None], labels[None], positions, [len(row) for row in rows]


def optimizer_of(model, numbers):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[numbers["kind"]]
    return kind(groups, betas=(numbers["beta1"], numbers["beta2"]), eps=numbers["eps"],
                weight_decay=numbers["weight_decay"], fused=True)


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    weights = read_safetensors(Path(job["model"]) / "model.safetensors")
    assert all(weight.dtype == torch.float32 for weight in weights.values()), "weights are not fp32"
    model = Llama(job["dims"], job["gpas"], weights, job["length"])
    if job["precision"] == "bf16":
        model.to(torch.bfloat16)
    optimizer = optimizer_of(model, job["optimizer"])
    run = torch.compile(model) if job["mode"] == "compiled" else model
    for step in job["steps"]:
        start = time.perf_counter()
        rows = [row for micro_batch in step["micro_batches"] for row in micro_batch]
        targets = sum(len(row) - 1 for row in rows)
        for group in optimizer.param_groups:
            group["lr"] = step["lr"]
        total = 0.0
        for micro_batch in step["micro_batches"]:
            batch = packed(micro_batch) if job["mode"] == "packed" else padded(micro_batch, job["length"])
            with torch.autocast("cpu", torch.bfloat16, enabled=job["precision"] == "mixed"):
                loss = run(*batch) / targets
            loss.backward()
            total += loss.item()
        if job["clip"] > 0:
            nn.utils.clip_grad_norm_(model.parameters(), job["clip"])
        optimizer.step()
        optimizer.zero_grad()
        line = {"loss": total, "tokens": sum(map(len, rows)), "seconds": time.perf_counter() - start}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
