"""A LLaMA decoder as Strata trains it, for transformers 4.31 and later (trust_remote_code=True).

A decoder is a line of branches, attention and feed-forward in turn, with a junction after each, and one before all:

    s  = skip_scale * x + branch_scale * branch_norm(f)      f: output of the branch just left
    x' = out_norm(s)                                         x': the residual stream from here on
    n  = next_scale * next_norm(x')                          n: what the next branch reads; at last the head

What a normalisation scheme is stands in config.json, a record for every junction: its factors, the gain of each norm or
null (a branch may only be scaled by it), norms that are no RMSNorm, whose other parameters stand beside their gain, a
learned number that multiplies the branch or the sum, and the parameter and place of a GPAS gate alpha,
y - activation(alpha) * stop_gradient(y) with y one of the sum s, the skip, the branch, or the norm's output n.
"""
import torch
import torch.nn.functional as F
from torch import nn
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

ACTIVATIONS = {
    "silu": F.silu,
    "identity": lambda alpha: alpha,
    "relu": F.relu,
    "tanh": torch.tanh,
    "leaky_relu": F.leaky_relu,
    "scaled_silu": lambda alpha: alpha * torch.sigmoid(8.0 * alpha),
}


class StrataConfig(PretrainedConfig):
    model_type = "strata"

    def __init__(self, junctions=(), gate_activation="silu", gate_stop_gradient=True, vocab_size=32000, hidden_size=512,
                 intermediate_size=1368, num_hidden_layers=0, num_attention_heads=8, num_key_value_heads=8,
                 rms_norm_eps=1e-6, rope_theta=10000.0, max_position_embeddings=2048, initializer_range=0.02,
                 head_dim=None, qk_norm="none", v_norm=False, **others):
        self.junctions = list(junctions)
        self.gate_activation = gate_activation
        self.gate_stop_gradient = gate_stop_gradient
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads
        self.rms_norm_eps = rms_norm_eps
        self.rope_theta = rope_theta
        self.max_position_embeddings = max_position_embeddings
        self.initializer_range = initializer_range
        self.head_dim = head_dim or hidden_size // num_attention_heads
        self.qk_norm = qk_norm
        self.v_norm = v_norm
        super().__init__(**others)


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


def rotate(x_BHTD, cos_BTD, sin_BTD):
    """Rotary positions: pairs (j, j + D/2)."""
    first, second = x_BHTD.chunk(2, dim=-1)
    return x_BHTD * cos_BTD[:, None] + torch.cat((-second, first), dim=-1) * sin_BTD[:, None]


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        """Of groups as wide as the gain: of each head, or of all together."""
        return rms_norm(x.unflatten(-1, (-1, self.weight.numel())), self.weight, self.eps).flatten(-2)


def rms_norm(x, gain, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return gain * wide.to(x.dtype)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.head_dim = config.head_dim
        queries = config.num_attention_heads * self.head_dim
        keys = config.num_key_value_heads * self.head_dim
        self.q_proj = linear(config.hidden_size, queries)
        self.k_proj = linear(config.hidden_size, keys)
        self.v_proj = linear(config.hidden_size, keys)
        self.o_proj = linear(queries, config.hidden_size)
        if config.qk_norm != "none":
            by_head = config.qk_norm == "head"
            self.q_norm = RMSNorm(self.head_dim if by_head else queries, config.rms_norm_eps)
            self.k_norm = RMSNorm(self.head_dim if by_head else keys, config.rms_norm_eps)
        if config.v_norm:
            self.v_norm = RMSNorm(self.head_dim, config.rms_norm_eps)

    def projected(self, which, n):
        x = self._modules[which + "_proj"](n)
        norm = self._modules.get(which + "_norm")
        return (x if norm is None else norm(x)).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, n, cos, sin, visible):
        q, k, v = (self.projected(which, n) for which in "qkv")
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        queries_per_key = q.shape[1] // k.shape[1]
        k, v = (x.repeat_interleave(queries_per_key, dim=1) for x in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return self.o_proj(out.transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gate_proj = linear(config.hidden_size, config.intermediate_size)
        self.up_proj = linear(config.hidden_size, config.intermediate_size)
        self.down_proj = linear(config.intermediate_size, config.hidden_size)

    def forward(self, n):
        return self.down_proj(F.silu(self.gate_proj(n)) * self.up_proj(n))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = FeedForward(config)


# Of norms that are no RMSNorm, beside their gain; None: as wide as a row.
OTHER_PARAMETERS = {"tanh": {"alpha": (1,)}, "erf": {"alpha": (1,), "shift": (1,), "bias": None}}


def beside(gain, name):
    return gain.rpartition(".")[0] + "." + name


def add_parameter(module, name, shape):
    """Under its dotted name, with plain modules on the way. Junctions may share one."""
    *path, last = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module._modules[part]
    if last not in module._parameters:
        module.register_parameter(last, nn.Parameter(torch.empty(shape)))


class StrataForCausalLM(PreTrainedModel, GenerationMixin):
    config_class = StrataConfig
    _no_split_modules = ["Layer"]

    def __init__(self, config):
        super().__init__(config)
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.model.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.lm_head = linear(config.hidden_size, config.vocab_size)
        for junction in config.junctions:
            for norm in ("branch_norm", "out_norm", "next_norm"):
                if junction[norm] is not None:
                    add_parameter(self, junction[norm], (config.hidden_size,))
                    kind = junction.get("norm_kinds", {}).get(norm)
                    for other, shape in OTHER_PARAMETERS.get(kind, {}).items():
                        add_parameter(self, beside(junction[norm], other), shape or (config.hidden_size,))
            if junction["gate"] is not None:
                add_parameter(self, junction["gate"], ())
            if junction.get("weight") is not None:
                add_parameter(self, junction["weight"], (1,) if junction.get("weight_position") == "sum" else ())
        self.post_init()

    def _init_weights(self, module):
        for parameter in module.parameters(recurse=False):
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0.0, self.config.initializer_range)
            else:  # a gain, or a gate
                nn.init.constant_(parameter, float(parameter.dim()))

    def get_input_embeddings(self):
        return self.model.embed_tokens

    def get_output_embeddings(self):
        return self.lm_head

    def norm(self, x, junction, place):
        name = junction[place]
        if name is None:
            return x
        gain = self.get_parameter(name)
        other = {key: self.get_parameter(beside(name, key))
                 for key in OTHER_PARAMETERS.get(junction.get("norm_kinds", {}).get(place), {})}
        if "shift" in other:
            return gain * torch.erf(other["alpha"] * x + other["shift"]) + other["bias"]
        if "alpha" in other:
            return gain * torch.tanh(other["alpha"] * x)
        return rms_norm(x, gain, self.config.rms_norm_eps)

    def gated(self, y, junction, position):
        if junction.get("weight") is not None and junction.get("weight_position", "branch") == position:
            return self.get_parameter(junction["weight"]) * y
        if junction["gate_position"] != position:
            return y
        strength = ACTIVATIONS[self.config.gate_activation](self.get_parameter(junction["gate"]))
        return y - strength * (y.detach() if self.config.gate_stop_gradient else y)

    def junction(self, junction, x, f=None):
        s = self.gated(junction["skip_scale"] * x, junction, "skip")
        if f is not None:
            if junction.get("branch_is_scaled"):
                branch = self.get_parameter(junction["branch_norm"]) * f
            else:
                branch = self.norm(f, junction, "branch_norm")
            branch = self.gated(branch, junction, "branch")
            s = s + junction.get("branch_scale", 1.0) * branch
        x = self.norm(self.gated(s, junction, "sum"), junction, "out_norm")
        n = self.gated(junction["next_scale"] * self.norm(x, junction, "next_norm"), junction, "norm")
        return x, n

    def rotary_table(self, position_ids_BT, like):
        size = self.config.head_dim
        powers = torch.arange(0, size, 2, dtype=torch.float32, device=like.device) / size
        angles_BTD = (position_ids_BT[..., None].float() / self.config.rope_theta**powers).repeat(1, 1, 2)
        return angles_BTD.cos().to(like.dtype), angles_BTD.sin().to(like.dtype)

    @staticmethod
    def visible_keys(ids_BT, attention_mask):
        """[B or 1, 1, T, T]: causal, without keys that are masked; a query always sees itself."""
        length = ids_BT.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=ids_BT.device).tril()[None, None]
        if attention_mask is None:
            return causal
        return causal & attention_mask[:, None, None, :length].bool() | torch.eye(
            length, dtype=torch.bool, device=ids_BT.device)

    def forward(self, input_ids, attention_mask=None, position_ids=None, labels=None, return_dict=True, **_):
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        x = self.model.embed_tokens(input_ids)
        cos, sin = self.rotary_table(position_ids, x)
        visible = self.visible_keys(input_ids, attention_mask)
        junctions = iter(self.config.junctions)
        x, n = self.junction(next(junctions), x)
        for layer in self.model.layers:
            x, n = self.junction(next(junctions), x, layer.self_attn(n, cos, sin, visible))
            x, n = self.junction(next(junctions), x, layer.mlp(n))
        logits = self.lm_head(n)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        if return_dict is False:
            return (logits,) if loss is None else (loss, logits)
        return CausalLMOutput(loss=loss, logits=logits)

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, **_):
        """All tokens every time: there is no cache."""
        position_ids = None if attention_mask is None else (attention_mask.cumsum(-1) - 1).clamp(min=0)
        return {"input_ids": input_ids, "attention_mask": attention_mask, "position_ids": position_ids}
