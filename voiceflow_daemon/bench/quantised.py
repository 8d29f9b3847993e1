"""Weights in the forms that llama.cpp computes with."""

from __future__ import annotations

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Packed = NDArray[np.uint8]

_LEAST_STEP = 1e-12


def packed_width(columns: int, kind: GGMLQuantizationType) -> int:
    """Bytes of one row; `columns` must be a multiple of the kind's block."""
    block, block_bytes = GGML_QUANT_SIZES[kind]
    if columns % block:
        raise ValueError(f"{columns} columns cannot be stored as {kind.name}")
    return columns // block * block_bytes


def pack(weights: Floats, kind: GGMLQuantizationType) -> Packed:
    """Shape (rows, columns) to (rows, bytes)."""
    if kind is GGMLQuantizationType.Q4_K:
        return _pack_q4_k(weights)
    return quants.quantize(weights, kind)


def unpack(packed: Packed, kind: GGMLQuantizationType) -> Floats:
    """The values that the bytes stand for."""
    return quants.dequantize(packed, kind)


def _pack_q4_k(weights: Floats) -> Packed:
    """Q4_K, which the gguf package can only read (ggml's `block_q4_K`).

    256 weights share two half-precision factors, each 32 of them a 6-bit step and a 6-bit offset, and
    a weight is step x 4 bits - offset. The steps are simply those that span the 32 weights.
    """
    rows = weights.shape[0]
    groups = weights.reshape(-1, 8, 32)
    offset = np.maximum(0, -groups.min(axis=2))
    step = (np.maximum(0, groups.max(axis=2)) + offset) / 15
    step_unit, step_bits = _six_bits(step)
    offset_unit, offset_bits = _six_bits(offset)
    step = step_unit.astype(np.float32)[:, None] * step_bits
    offset = offset_unit.astype(np.float32)[:, None] * offset_bits
    scaled = (groups + offset[:, :, None]) / np.maximum(step, _LEAST_STEP)[:, :, None]
    fours = np.clip(np.rint(scaled), 0, 15).astype(np.uint8).reshape(-1, 4, 2, 32)
    parts = (
        step_unit.view(np.uint8).reshape(-1, 2),
        offset_unit.view(np.uint8).reshape(-1, 2),
        _pack_six_bits(step_bits.astype(np.uint8), offset_bits.astype(np.uint8)),
        (fours[:, :, 0] | fours[:, :, 1] << 4).reshape(-1, 128),
    )
    return np.concatenate(parts, axis=1).reshape(rows, -1)


def _six_bits(values: Floats) -> tuple[NDArray[np.float16], Floats]:
    """(unit of each block, whole numbers of 0 to 63) that stand for values of shape (blocks, 8)."""
    unit = (values.max(axis=1) / 63).astype(np.float16)
    whole = np.rint(values / np.maximum(unit.astype(np.float32), _LEAST_STEP)[:, None])
    return unit, np.clip(whole, 0, 63).astype(np.float32)


def _pack_six_bits(steps: Packed, offsets: Packed) -> Packed:
    """Two times eight 6-bit numbers in 12 bytes; the last four of each lend their high bits to the first."""
    high_steps = steps[:, 4:] >> 4 << 6
    high_offsets = offsets[:, 4:] >> 4 << 6
    low = steps[:, 4:] & 15 | (offsets[:, 4:] & 15) << 4
    return np.concatenate([steps[:, :4] | high_steps, offsets[:, :4] | high_offsets, low], axis=1)
