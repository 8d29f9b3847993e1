"""Write the small formatter at the size of a real model: the same outputs at a real cost.

    python -m formatter.inflate ../../assets/demo/formatter.gguf big.gguf --shape qwen2.5-0.5b --type q4_0

How the numbers stay the same:
* The small residual stream sits in the first columns (twice, see below), zeros elsewhere.  RMSNorm then
  divides by sqrt(copies*S/E) instead of sqrt(S/e), so norm weights and epsilon are scaled to make up for
  it.
* Layers after the small model's have zero output projections: they cost time and add nothing.
* A wider head is filled so that its RoPE frequencies are the small ones (every m-th pair), with the
  attention scale folded into q.
* Rows of the vocabulary beyond the small one are zero: logit 0, never the best.
* 4-bit weights would change a model of 3 M parameters too much.  So every input (residual stream, heads,
  hidden units) exists twice: the first copy meets quant(W), the second quant(W - quant(W)); together about
  8 bits.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader, GGUFWriter, quants

from . import gguf_file


@dataclass(frozen=True)
class Shape:
    """A real model's dimensions."""

    embedding: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int

    @property
    def q_rows(self):
        """Rows of the query projection."""
        return self.heads * self.head_width

    @property
    def kv_rows(self):
        """Rows of the key and of the value projection."""
        return self.kv_heads * self.head_width


SHAPES = {
    "qwen2.5-0.5b": Shape(896, 4864, 24, 14, 2, 64, 151936),
    "qwen2.5-1.5b": Shape(1536, 8960, 28, 12, 2, 128, 151936),
    "qwen2.5-3b": Shape(2048, 11008, 36, 16, 2, 128, 151936),
}


def read_small(path):
    """(dimensions with the keys of `train.CONFIG`, {name: float32 array}) of a GGUF file."""
    reader = GGUFReader(path)

    def get(key):
        return reader.fields["qwen2." + key].contents()

    config = {
        "d": get("embedding_length"),
        "ff": get("feed_forward_length"),
        "layers": get("block_count"),
        "heads": get("attention.head_count"),
        "kv": get("attention.head_count_kv"),
        "eps": get("attention.layer_norm_rms_epsilon"),
        "theta": get("rope.freq_base"),
    }
    config["hd"] = config["d"] // config["heads"]
    arrays = {t.name: quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    return config, arrays


def spread(array, height, places):
    """The array's rows at each of the places among `height` rows, zeros elsewhere."""
    out = np.zeros((height, *array.shape[1:]), np.float32)
    for at in places:
        out[at] = array
    return out


class Inflater:
    """Knows where each number of the small model goes in the big one."""

    def __init__(self, small_path, shape, file_type, copies=2):
        self.config, self.arrays = read_small(small_path)
        self.shape, self.file_type = shape, file_type
        c, width = self.config, self.config["hd"]
        self.stretch = shape.head_width // width
        small_group, big_group = c["heads"] // c["kv"], shape.heads // shape.kv_heads
        assert copies * c["d"] <= shape.embedding and copies * c["ff"] <= shape.hidden  # noqa: PT018
        assert c["layers"] <= shape.layers and c["kv"] <= shape.kv_heads and copies * small_group <= big_group  # noqa: PT018
        assert shape.head_width % width == 0 and c["d"] % 32 == 0  # noqa: PT018
        self.norm_scale = np.sqrt(copies * c["d"] / shape.embedding)
        self.eps = c["eps"] * copies * c["d"] / shape.embedding
        self.streams = [np.arange(c["d"]) + k * c["d"] for k in range(copies)]
        self.hidden_at = [np.arange(c["ff"]) + k * c["ff"] for k in range(copies)]
        self.q_at = [
            self.head_rows(
                h // small_group * big_group + k * small_group + h % small_group for h in range(c["heads"])
            )
            for k in range(copies)
        ]
        self.kv_at = self.head_rows(range(c["kv"]))

    def head_rows(self, big_heads):
        """Rows of the big projection for the small heads' dimensions, one big head for each small one."""
        half = self.config["hd"] // 2
        within = [self.stretch * i for i in range(half)]
        within += [self.shape.head_width // 2 + at for at in within]
        return np.array([head * self.shape.head_width + at for head in big_heads for at in within])

    def columns(self, array, width, places):
        """The columns at places[0]; what quantisation leaves over at places[1], ...; zeros elsewhere."""
        out, rest = np.zeros((array.shape[0], width), np.float32), array
        for at in places:
            part = np.zeros_like(out)
            part[:, at] = rest
            out += part
            rest = rest - gguf_file.packed(part, self.file_type)[1][:, at]
        return out

    def norm(self, array, streams):
        """A norm's weights, scaled for the wider stream."""
        return spread(array * self.norm_scale, self.shape.embedding, streams)

    def real_layer(self, i):
        """The tensors of a layer that the small model has."""
        shape, streams = self.shape, self.streams
        small = {name.split(".", 2)[2]: a for name, a in self.arrays.items() if name.startswith(f"blk.{i}.")}
        for kind in ("weight", "bias"):
            small[f"attn_q.{kind}"] = small[f"attn_q.{kind}"] * self.stretch**0.5
        out = {name: self.norm(small[name], streams) for name in ("attn_norm.weight", "ffn_norm.weight")}
        rows_at = {
            "attn_q": (shape.q_rows, self.q_at),
            "attn_k": (shape.kv_rows, [self.kv_at]),
            "attn_v": (shape.kv_rows, [self.kv_at]),
            "ffn_gate": (shape.hidden, self.hidden_at),
            "ffn_up": (shape.hidden, self.hidden_at),
        }
        for name, (height, places) in rows_at.items():
            wide = self.columns(small[name + ".weight"], shape.embedding, streams)
            out[name + ".weight"] = spread(wide, height, places)
            if name + ".bias" in small:
                out[name + ".bias"] = spread(small[name + ".bias"], height, places)
        inputs_at = {
            "attn_output.weight": (shape.q_rows, self.q_at),
            "ffn_down.weight": (shape.hidden, self.hidden_at),
        }
        for name, (width, places) in inputs_at.items():
            out[name] = spread(self.columns(small[name], width, places), shape.embedding, streams)
        return out

    def idle_layer(self):
        """The tensors of a layer that costs time and adds nothing."""
        shape, rng = self.shape, np.random.default_rng(0)
        heights = {
            "attn_q": shape.q_rows,
            "attn_k": shape.kv_rows,
            "attn_v": shape.kv_rows,
            "ffn_gate": shape.hidden,
            "ffn_up": shape.hidden,
        }
        out = {f"{n}.weight": rng.normal(0, 0.02, (h, shape.embedding)) for n, h in heights.items()}
        out |= {f"{n}.bias": np.zeros(heights[n]) for n in ("attn_q", "attn_k", "attn_v")}
        out |= {f"{n}.weight": np.ones(shape.embedding) for n in ("attn_norm", "ffn_norm")}
        out["attn_output.weight"] = np.zeros((shape.embedding, shape.q_rows))
        out["ffn_down.weight"] = np.zeros((shape.embedding, shape.hidden))
        return out

    def write(self, path):
        """Write the big model."""
        shape, file_type = self.shape, self.file_type
        big = {"d": shape.embedding, "ff": shape.hidden, "layers": shape.layers, "heads": shape.heads}
        big |= {"kv": shape.kv_heads, "eps": self.eps, "theta": self.config["theta"]}
        writer = GGUFWriter(path, "qwen2")
        gguf_file.write_header(writer, big, "dictation-formatter-inflated", file_type, context=32768)
        gguf_file.write_tokenizer(writer, shape.vocabulary)
        tokens = self.arrays["token_embd.weight"]
        embedding = np.zeros((shape.vocabulary, shape.embedding), np.float32)
        for at in self.streams:
            embedding[: len(tokens), at] = tokens
        precise = Type.Q8_0 if file_type == Type.Q4_0 else file_type
        gguf_file.add_tensor(writer, "token_embd.weight", embedding, precise)
        # The output is tied to the embedding, and must see one copy only.
        output_norm = self.norm(self.arrays["output_norm.weight"], self.streams[:1])
        gguf_file.add_tensor(writer, "output_norm.weight", output_norm, file_type)
        idle = self.idle_layer()
        for i in range(shape.layers):
            layer = self.real_layer(i) if i < self.config["layers"] else idle
            for name, array in layer.items():
                gguf_file.add_tensor(writer, f"blk.{i}.{name}", array, file_type)
        gguf_file.finish(writer)


def main():
    """Write one inflated model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("small")
    parser.add_argument("out")
    parser.add_argument("--shape", default="qwen2.5-0.5b", choices=SHAPES)
    parser.add_argument("--type", default="q4_0", choices=gguf_file.QUANTISATIONS)
    args = parser.parse_args()
    Inflater(args.small, SHAPES[args.shape], gguf_file.QUANTISATIONS[args.type]).write(args.out)
    print(args.out, Path(args.out).stat().st_size // 1_000_000, "MB")


if __name__ == "__main__":
    main()
