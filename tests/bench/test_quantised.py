"""Packed weights are what llama.cpp reads, as the gguf package reads them back."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voiceflow_daemon.bench.quantised import Floats, pack, packed_width, unpack

SIZES = st.floats(-8, 8, width=32)


@given(arrays(np.float32, (3, 512), elements=SIZES))
def test_q4_k_is_off_by_less_than_a_step(weights: Floats) -> None:
    packed = pack(weights, Kind.Q4_K)
    assert packed.shape == (3, packed_width(512, Kind.Q4_K))
    off = np.abs(unpack(packed, Kind.Q4_K) - weights).reshape(-1, 8, 32).max(axis=(1, 2))
    groups = weights.reshape(-1, 8, 32)
    widest = np.maximum(0, groups.max(axis=2)) - np.minimum(0, groups.min(axis=2))
    # Half a 4-bit step, and what 6-bit steps and offsets are off by; where all weights are tiny, the
    # 16-bit scale is off by half of its own least step, 63 * 15 times.
    assert (off <= widest.max(axis=1) * (1 / 30 + 1.5 / 63) + 63 * 15 * 2.0**-25 + 1e-5).all()


@pytest.mark.parametrize("kind", [Kind.Q4_0, Kind.Q4_K, Kind.Q8_0])
def test_zeros_stay_zeros(kind: Kind) -> None:
    assert not unpack(pack(np.zeros((2, 256), np.float32), kind), kind).any()


def test_a_large_weight_does_not_disturb_the_next_block() -> None:
    weights = np.zeros((1, 512), np.float32)
    weights[0, 3], weights[0, 256:] = 1000.0, 0.25
    back = unpack(pack(weights, Kind.Q4_K), Kind.Q4_K)
    assert abs(back[0, 3] - 1000.0) < 20
    assert np.abs(back[0, 256:] - 0.25).max() < 0.01


def test_columns_that_are_no_whole_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="896"):
        packed_width(896, Kind.Q4_K)
