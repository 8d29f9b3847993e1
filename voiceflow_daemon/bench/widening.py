"""The demo formatter at the size of a real model: the same answers at a real model's cost.

How the answers stay the same:
* The small residual stream stands in the first columns (twice, see below), zeros elsewhere. RMSNorm
  then divides by another number, which the norms' weights and epsilon make up for.
* Layers after the small model's have zero output projections: they cost time and add nothing.
* A wider head is filled so that its RoPE frequencies are the small ones (every n-th pair); the attention
  scale goes into the query.
* Rows of the vocabulary beyond the small one are zero: logit 0, never the best.
* 4-bit weights would change a model of 3 million parameters too much. So each input (residual stream,
  heads, hidden units) exists twice: the first copy meets pack(W), the second pack(W - pack(W));
  together about 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, quants
from numpy.typing import NDArray

from voiceflow_daemon.bench.quantised import Floats, Packed, pack, packed_width, unpack

COPIES = 2

Places = NDArray[np.int64]
"""Where rows or columns of the small model stand in the big one."""


@dataclass(frozen=True)
class Shape:
    """A real model's dimensions, and how its weights are stored."""

    name: str
    embedding: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    weights: GGMLQuantizationType

    @property
    def query_rows(self) -> int:
        """Rows of the query projection."""
        return self.heads * self.head_width

    @property
    def kv_rows(self) -> int:
        """Rows of the key and of the value projection."""
        return self.kv_heads * self.head_width


@dataclass(frozen=True)
class Planned:
    """One tensor of the big model; `shape` is (rows, columns), or (length,) for a vector."""

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType

    @property
    def packed_shape(self) -> tuple[int, ...]:
        """The shape of its bytes."""
        return (*self.shape[:-1], packed_width(self.shape[-1], self.kind))


class SmallModel:
    """The demo formatter's dimensions and its tensors in full precision."""

    def __init__(self, reader: GGUFReader) -> None:
        def value(key: str) -> float:
            return float(reader.fields[f"qwen2.{key}"].contents())

        self.embedding = int(value("embedding_length"))
        self.hidden = int(value("feed_forward_length"))
        self.layers = int(value("block_count"))
        self.heads = int(value("attention.head_count"))
        self.kv_heads = int(value("attention.head_count_kv"))
        self.epsilon = value("attention.layer_norm_rms_epsilon")
        self.rope_base = value("rope.freq_base")
        self.head_width = self.embedding // self.heads
        self.tensors: dict[str, Floats] = {
            tensor.name: quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            for tensor in reader.tensors
        }


def plan(shape: Shape) -> list[Planned]:
    """All tensors in the order of the file. The embedding, also the output, is stored in 8 bits."""
    weights, plain = shape.weights, GGMLQuantizationType.F32
    wide, query, kv, hidden = shape.embedding, shape.query_rows, shape.kv_rows, shape.hidden
    layer = [
        Planned("attn_norm.weight", (wide,), plain),
        Planned("ffn_norm.weight", (wide,), plain),
        Planned("attn_q.weight", (query, wide), weights),
        Planned("attn_k.weight", (kv, wide), weights),
        Planned("attn_v.weight", (kv, wide), weights),
        Planned("attn_q.bias", (query,), plain),
        Planned("attn_k.bias", (kv,), plain),
        Planned("attn_v.bias", (kv,), plain),
        Planned("attn_output.weight", (wide, query), weights),
        Planned("ffn_gate.weight", (hidden, wide), weights),
        Planned("ffn_up.weight", (hidden, wide), weights),
        Planned("ffn_down.weight", (wide, hidden), weights),
    ]
    return [
        Planned("token_embd.weight", (shape.vocabulary, wide), GGMLQuantizationType.Q8_0),
        Planned("output_norm.weight", (wide,), plain),
        *(
            Planned(f"blk.{i}.{each.name}", each.shape, each.kind)
            for i in range(shape.layers)
            for each in layer
        ),
    ]


class Widening:
    """Knows where each number of the small model goes in the big one."""

    def __init__(self, small: SmallModel, shape: Shape) -> None:
        """Raises `ValueError` when the small model does not go into the shape."""
        self._small, self._shape = small, shape
        self._group, self._big_group = small.heads // small.kv_heads, shape.heads // shape.kv_heads
        if (
            COPIES * small.embedding > shape.embedding
            or COPIES * small.hidden > shape.hidden
            or COPIES * self._group > self._big_group
            or small.layers > shape.layers
            or small.kv_heads > shape.kv_heads
            or shape.head_width % small.head_width
        ):
            raise ValueError(f"the small model does not go into {shape.name}")
        self._stretch = shape.head_width // small.head_width
        self._norm_scale = float(np.sqrt(COPIES * small.embedding / shape.embedding))
        self._streams = [np.arange(small.embedding) + copy * small.embedding for copy in range(COPIES)]
        self._hidden_at = [np.arange(small.hidden) + copy * small.hidden for copy in range(COPIES)]
        self._query_at = [self._head_rows(self._big_heads(copy)) for copy in range(COPIES)]
        self._kv_at = self._head_rows(range(small.kv_heads))

    @property
    def epsilon(self) -> float:
        """RMSNorm's, for the wider stream."""
        return self._small.epsilon * self._norm_scale**2

    def tensors(self) -> Iterator[Packed]:
        """Each planned tensor's bytes, in order."""
        small, layers = self._small.tensors, self._small.layers
        real: dict[str, Floats] = {}
        for each in plan(self._shape):
            layer, _, name = each.name.removeprefix("blk.").partition(".")
            if each.name == "token_embd.weight":
                yield self._embedding(each)
            elif each.name == "output_norm.weight":
                # The output is the embedding once more, and must see one copy only.
                yield _bytes(self._norm(small[each.name], self._streams[:1]))
            elif int(layer) < layers:
                if name == "attn_norm.weight":
                    real = self._real_layer(int(layer))
                yield _bytes(real[name]) if len(each.shape) == 1 else pack(real[name], each.kind)
            else:
                yield self._idle_layer[name]

    def _big_heads(self, copy: int) -> Iterator[int]:
        for head in range(self._small.heads):
            group, within = divmod(head, self._group)
            yield group * self._big_group + copy * self._group + within

    def _head_rows(self, big_heads: Iterable[int]) -> Places:
        """Rows of the big projection for the small heads' dimensions, one big head for each small one."""
        width, half = self._shape.head_width, self._small.head_width // 2
        first = [self._stretch * pair for pair in range(half)]
        within = first + [width // 2 + at for at in first]
        return np.array([head * width + at for head in big_heads for at in within])

    def _embedding(self, planned: Planned) -> Packed:
        tokens = self._small.tensors[planned.name]
        wide = np.zeros((len(tokens), self._shape.embedding), np.float32)
        for at in self._streams:
            wide[:, at] = tokens
        out = np.zeros(planned.packed_shape, np.uint8)  # zero bytes are zero weights in Q8_0
        out[: len(tokens)] = pack(wide, planned.kind)
        return out

    def _norm(self, weights: Floats, streams: Sequence[Places]) -> Floats:
        return _rows(weights * np.float32(self._norm_scale), self._shape.embedding, streams)

    def _columns(self, weights: Floats, width: int, places: Sequence[Places]) -> Floats:
        """The columns at places[0]; what their packing leaves over at places[1]; zeros elsewhere."""
        out, rest = np.zeros((len(weights), width), np.float32), weights
        for at in places:
            part = np.zeros_like(out)
            part[:, at] = rest
            out += part
            rest = rest - unpack(pack(part, self._shape.weights), self._shape.weights)[:, at]
        return out

    def _real_layer(self, number: int) -> dict[str, Floats]:
        """The tensors of a layer that the small model has."""
        shape, before = self._shape, f"blk.{number}."
        small = {
            name.removeprefix(before): tensor
            for name, tensor in self._small.tensors.items()
            if name.startswith(before)
        }
        for kind in ("weight", "bias"):
            small[f"attn_q.{kind}"] = small[f"attn_q.{kind}"] * np.float32(self._stretch**0.5)
        out = {f"{name}.weight": self._norm(small[f"{name}.weight"], self._streams) for name in _NORMS}
        for name, height, places in (
            ("attn_q", shape.query_rows, self._query_at),
            ("attn_k", shape.kv_rows, [self._kv_at]),
            ("attn_v", shape.kv_rows, [self._kv_at]),
            ("ffn_gate", shape.hidden, self._hidden_at),
            ("ffn_up", shape.hidden, self._hidden_at),
        ):
            wide = self._columns(small[f"{name}.weight"], shape.embedding, self._streams)
            out[f"{name}.weight"] = _rows(wide, height, places)
            if f"{name}.bias" in small:
                out[f"{name}.bias"] = _rows(small[f"{name}.bias"], height, places)
        for name, width, places in (
            ("attn_output.weight", shape.query_rows, self._query_at),
            ("ffn_down.weight", shape.hidden, self._hidden_at),
        ):
            out[name] = _rows(self._columns(small[name], width, places), shape.embedding, self._streams)
        return out

    @cached_property
    def _idle_layer(self) -> dict[str, Packed]:
        """The bytes of a layer that costs time and adds nothing; all such layers are alike."""
        rng = np.random.default_rng(0)
        out: dict[str, Packed] = {}
        for each in plan(self._shape)[-_LAYER_TENSORS:]:
            name = each.name.split(".", 2)[2]
            if len(each.shape) == 1:
                out[name] = _bytes(np.full(each.shape, 0 if name.endswith("bias") else 1, np.float32))
            elif name in ("attn_output.weight", "ffn_down.weight"):
                out[name] = pack(np.zeros(each.shape, np.float32), each.kind)
            else:
                weights = rng.standard_normal(each.shape, np.float32) * np.float32(0.02)
                out[name] = pack(weights, each.kind)
        return out


_NORMS = ("attn_norm", "ffn_norm")
_LAYER_TENSORS = 12


def _rows(weights: Floats, height: int, places: Sequence[Places]) -> Floats:
    """The rows at each of the places among `height` rows, zeros elsewhere."""
    out = np.zeros((height, *weights.shape[1:]), np.float32)
    for at in places:
        out[at] = weights
    return out


def _bytes(vector: Floats) -> Packed:
    return vector.view(np.uint8)
