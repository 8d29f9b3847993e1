"""The demo recogniser at the size of a real Whisper model: the same words at a real model's cost.

How the numbers stay the same:
* The residual stream exists several times side by side, so the layer norms' means and variances are the
  small model's. Hence the width is a multiple of the small one.
* What reads the stream reads its first copy (zeros elsewhere), what writes it writes all copies; the
  8-bit rows keep their scales.
* Further heads, hidden units and layers are zero: they cost time and add nothing.
* The final norm is divided by the number of copies, for the embedding that makes the logits of it has them
  all.
* Words beyond the small vocabulary have one logit that never wins: a row of 1/gamma makes of the
  normalised stream, whose sum is 0, the constant sum(beta / gamma).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from voiceflow_daemon.bench.ctranslate_file import Array, ModelFile

HEAD_WIDTH = 64
"""Of every Whisper model."""

_IN_LAYER = re.compile(r"(en|de)coder/layer_\d+/")

UNUSED_LOGIT = -20.0
"""So many unused words together must still be too unlikely to count."""


@dataclass(frozen=True)
class SpeechShape:
    """Dimensions of a Whisper model."""

    name: str
    width: int
    hidden: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int

    @property
    def heads(self) -> int:
        """Heads of each attention."""
        return self.width // HEAD_WIDTH


def widened(small: ModelFile, shape: SpeechShape) -> ModelFile:
    """The small model with the shape; raises ValueError when its width is no multiple of the small one's."""
    return ModelFile(small.specification, small.revision, _Widening(small, shape).variables(), small.aliases)


class _Widening:
    def __init__(self, small: ModelFile, shape: SpeechShape) -> None:
        self._small = small.variables
        self._shape = shape
        self._width = self._small["encoder/conv1/bias"].shape[0]
        self._copies, rest = divmod(shape.width, self._width)
        if rest or self._copies == 0:
            raise ValueError(f"{shape.width} is no multiple of {self._width}")

    def variables(self) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for name, value in self._small.items():
            if not _IN_LAYER.match(name):
                found[name] = self._outside_layers(name, value)
        for room, layers in (
            ("encoder", self._shape.encoder_layers),
            ("decoder", self._shape.decoder_layers),
        ):
            for layer in range(layers):
                found |= self._layer(room, layer)
        return found

    def _outside_layers(self, name: str, value: Array) -> Array:
        match name.split("/")[1:]:
            case ["num_heads"]:
                return np.array(self._shape.heads, value.dtype)
            case ["conv1", "weight" | "weight_scale" | "bias"] | ["conv2", "weight_scale" | "bias"]:
                return self._written(value)
            case ["conv2", "weight"]:
                return self._written(_filled(value, 1, self._shape.width))
            case ["position_encodings", _]:
                return np.tile(value, (1, self._copies))
            case ["embeddings", "weight"]:
                return self._embedding()[0]
            case ["embeddings", "weight_scale"]:
                return self._embedding()[1]
            case ["layer_norm", _]:
                divisor = self._copies if name.startswith("decoder") else 1
                return (np.tile(value.astype(np.float32), self._copies) / divisor).astype(value.dtype)
        return value

    def _embedding(self) -> tuple[Array, Array]:
        """8-bit rows and their scales (weight = row / scale), the unused words' behind the small ones."""
        rows, scales = (self._small[f"decoder/embeddings/weight{end}"] for end in ("", "_scale"))
        gamma, beta = (
            self._small[f"decoder/layer_norm/{name}"].astype(np.float64) for name in ("gamma", "beta")
        )
        row = UNUSED_LOGIT / float((beta / gamma).sum()) / gamma
        scale = 127 / np.abs(row).max()
        unused = self._shape.vocabulary - len(rows)
        all_rows = np.concatenate([rows, np.tile(np.rint(row * scale).astype(np.int8), (unused, 1))])
        all_scales = np.concatenate([scales, np.full(unused, scale, scales.dtype)])
        return np.tile(all_rows, (1, self._copies)), all_scales

    def _layer(self, room: str, layer: int) -> dict[str, Array]:
        prefix = f"{room}/layer_{layer}/"
        known = f"{prefix}ffn/layer_norm/gamma" in self._small
        template = prefix if known else f"{room}/layer_0/"
        found: dict[str, Array] = {}
        for name, value in self._small.items():
            if name.startswith(template):
                part = name.removeprefix(template)
                wide = self._in_layer(part, value)
                found[prefix + part] = wide if known or part.endswith("_scale") else np.zeros_like(wide)
        return found

    def _in_layer(self, part: str, value: Array) -> Array:
        sublayer, linear, kind = part.split("/")
        if linear == "layer_norm":
            return np.tile(value, self._copies)
        if sublayer == "ffn":
            reads, written = linear == "linear_0", linear == "linear_1"
            columns = self._shape.width if reads else self._shape.hidden
            if written:
                return self._written(_filled(value, 1, columns) if kind == "weight" else value)
            rows = self._shape.hidden
            fill = 1.0 if kind == "weight_scale" else 0.0
            value = _filled(value, 1, columns) if kind == "weight" else value
            return _filled(value, 0, rows, fill)
        if kind == "weight":
            value = _filled(value, 1, self._shape.width)
        # The last linear of an attention writes the stream; those before make queries, keys, values.
        if linear == ("linear_1" if sublayer == "self_attention" else "linear_2"):
            return self._written(value)
        blocks = len(value) // self._width
        fill = 1.0 if kind == "weight_scale" else 0.0
        parts = np.split(value, blocks)
        return np.concatenate([_filled(block, 0, self._shape.width, fill) for block in parts])

    def _written(self, value: Array) -> Array:
        """Rows that write the stream, once for each copy."""
        return np.concatenate([value] * self._copies)


def _filled(value: Array, axis: int, size: int, fill: float = 0.0) -> Array:
    """As long as `size` along the axis, by `fill` behind it."""
    added = [(0, size - length if each == axis else 0) for each, length in enumerate(value.shape)]
    return np.pad(value, added, constant_values=value.dtype.type(fill))
