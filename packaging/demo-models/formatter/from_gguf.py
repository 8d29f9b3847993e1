"""A GGUF file of this network as a checkpoint, to train on where the original one is lost.

python -m formatter.from_gguf ../../assets/demo/formatter.gguf work/shipped.pt
"""

import sys

import gguf
import numpy as np
import torch

from .model import CONFIG, Model

PARTS = {"qkv": ("attn_q", "attn_k", "attn_v"), "gate_up": ("ffn_gate", "ffn_up")}
NAMES = {"embed": "token_embd", "norm": "output_norm", "o": "attn_output", "down": "ffn_down"}


def sources(name):
    """The GGUF tensors that a parameter of `Model` is made of, one below the other."""
    *path, module, kind = name.split(".")
    block = f"blk.{path[1]}." if path else ""
    return [f"{block}{part}.{kind}" for part in PARTS.get(module, (NAMES.get(module, module),))]


def weights(path):
    """{name of a tensor: float32 array} of a GGUF file."""
    found = gguf.GGUFReader(path).tensors
    return {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in found}


def main(path, out):
    """Write the checkpoint."""
    arrays, model = weights(path), Model()
    state = {
        name: torch.from_numpy(np.concatenate([arrays[source] for source in sources(name)]))
        for name, _ in model.named_parameters()
    }
    model.load_state_dict(state)
    torch.save({"model": state, "cfg": CONFIG, "step": 0}, out)
    print(out, len(state), "tensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
