"""Safetensors files, without the package: {name: tensor}."""
import json
import math
from pathlib import Path

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "BF16": torch.bfloat16, "I64": torch.int64}


def read_safetensors(file):
    content = bytearray(Path(file).read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            count = math.prod(entry["shape"])
            flat = torch.frombuffer(content, dtype=DTYPES[entry["dtype"]], count=count, offset=start + entry["data_offsets"][0])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors
