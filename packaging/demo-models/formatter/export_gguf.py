"""A training checkpoint as a GGUF file.

python -m formatter.export_gguf work/checkpoint.pt formatter.gguf [q8_0|f16]
"""

import sys

import gguf
import torch

from . import gguf_file


def tensors(state, config):
    """{GGUF name: float32 array} of a checkpoint."""
    arrays = {name: tensor.float().numpy() for name, tensor in state.items()}
    out = {"token_embd.weight": arrays["embed.weight"], "output_norm.weight": arrays["norm.weight"]}
    q_rows, kv_rows = config["heads"] * config["hd"], config["kv"] * config["hd"]
    for i in range(config["layers"]):
        layer, block = f"layers.{i}.", f"blk.{i}."
        for norm in ("attn_norm", "ffn_norm"):
            out[f"{block}{norm}.weight"] = arrays[f"{layer}{norm}.weight"]
        for kind in ("weight", "bias"):
            qkv = arrays[f"{layer}qkv.{kind}"]
            out[f"{block}attn_q.{kind}"] = qkv[:q_rows]
            out[f"{block}attn_k.{kind}"] = qkv[q_rows : q_rows + kv_rows]
            out[f"{block}attn_v.{kind}"] = qkv[q_rows + kv_rows :]
        out[block + "attn_output.weight"] = arrays[layer + "o.weight"]
        gate_up = arrays[layer + "gate_up.weight"]
        out[block + "ffn_gate.weight"] = gate_up[: config["ff"]]
        out[block + "ffn_up.weight"] = gate_up[config["ff"] :]
        out[block + "ffn_down.weight"] = arrays[layer + "down.weight"]
    return out


def main(checkpoint, out, quantisation="q8_0"):
    """Write the file."""
    loaded = torch.load(checkpoint, map_location="cpu")
    file_type = gguf_file.QUANTISATIONS[quantisation]
    writer = gguf.GGUFWriter(out, "qwen2")
    gguf_file.write_header(writer, loaded["cfg"], "dictation-formatter-demo", file_type)
    gguf_file.write_tokenizer(writer)
    for name, array in tensors(loaded["model"], loaded["cfg"]).items():
        gguf_file.add_tensor(writer, name, array, file_type)
    gguf_file.finish(writer)
    print(out, "step", loaded["step"])


if __name__ == "__main__":
    main(*sys.argv[1:])
