"""Small GGUF models with random weights, of the kinds that the demo model is not.

They write nonsense, but their memory behaves as that of the real ones: a recurrent model has one state
for all it read, a hybrid has such layers beside attention, a sliding window forgets in some layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, TokenType, quants
from numpy.typing import NDArray

DEMO = Path(__file__).parents[2] / "assets/demo/formatter.gguf"
TAGS = ("<think>", "</think>", "<tool_call>")
"""User-defined tokens of `write_tagged`: llama.cpp finds them in any text."""

WINDOW = 48
"""How many positions the sliding layers of `write_sliding_window` see."""

INST_TEMPLATE = (
    "{{ bos_token + '[INST] <<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' }}"
    "{{ messages[1]['content'] + ' [/INST]' }}"
)
"""Llama 2's chat template: no token of its own stands between it and the transcript."""

_CONTEXT, _WIDTH, _HIDDEN, _HEADS, _KV_HEADS, _HEAD_WIDTH = 2048, 64, 128, 4, 2, 16
_EPSILON = 1e-5
_WORDS = (
    "the and is to of meeting on monday so what yes no you please write text train late ten chairs we need",
    "hello there über The And What Yes PM INST SYS Context default",
)


def write_mamba(path: Path, seed: int = 0) -> None:
    """A recurrent model: no attention, one state."""
    model = _Model(path, "mamba", seed, layers=3)
    model.writer.add_feed_forward_length(0)
    model.writer.add_head_count(0)
    model.recurrent_dimensions()
    model.demo_vocabulary()
    for layer in range(3):
        model.vector(f"blk.{layer}.attn_norm.weight", _WIDTH)
        model.mamba_layer(layer)
    model.finish()


def write_hybrid(path: Path, seed: int = 0) -> None:
    """Short convolutions and attention by turns, as LFM2 has them."""
    model = _Model(path, "lfm2", seed, layers=4)
    model.writer.add_shortconv_l_cache(3)
    model.attention_dimensions([0, _KV_HEADS, 0, _KV_HEADS])
    model.demo_vocabulary()
    for layer in range(4):
        model.vector(f"blk.{layer}.attn_norm.weight", _WIDTH)
        if layer % 2:
            model.attention(layer)
            for name in ("attn_q_norm", "attn_k_norm"):
                model.vector(f"blk.{layer}.{name}.weight", _HEAD_WIDTH)
        else:
            model.tensor(f"blk.{layer}.shortconv.conv.weight", _WIDTH, 3, precise=True)
            model.tensor(f"blk.{layer}.shortconv.in_proj.weight", 3 * _WIDTH, _WIDTH)
            model.tensor(f"blk.{layer}.shortconv.out_proj.weight", _WIDTH, _WIDTH)
        model.feed_forward(layer)
    model.finish(output_norm="token_embd_norm")


def write_mamba_hybrid(path: Path, seed: int = 0) -> None:
    """Mamba layers and attention by turns, as Jamba has them."""
    model = _Model(path, "jamba", seed, layers=4)
    model.recurrent_dimensions()
    model.attention_dimensions([0, _KV_HEADS, 0, _KV_HEADS])
    model.demo_vocabulary()
    for layer in range(4):
        model.vector(f"blk.{layer}.attn_norm.weight", _WIDTH)
        if layer % 2:
            model.attention(layer)
        else:
            model.mamba_layer(layer)
            for name, size in (("ssm_dt_norm", 4), ("ssm_b_norm", 8), ("ssm_c_norm", 8)):
                model.vector(f"blk.{layer}.{name}.weight", size)
        model.feed_forward(layer)
    model.finish()


def write_sliding_window(path: Path, seed: int = 0) -> None:
    """Every other layer sees the last `WINDOW` positions only, as in Gemma 2."""
    model = _Model(path, "gemma2", seed, layers=4)
    model.writer.add_sliding_window(WINDOW)
    model.attention_dimensions(_KV_HEADS)
    model.demo_vocabulary()
    for layer in range(4):
        model.attention(layer)
        model.feed_forward(layer)
        for name in ("attn_norm", "post_attention_norm", "post_ffw_norm"):
            model.vector(f"blk.{layer}.{name}.weight", _WIDTH)
    model.finish()


def write_llama(path: Path, seed: int = 0) -> None:
    """Plain attention, a SentencePiece vocabulary and Llama 2's template: the seam is not a token."""
    model = _Model(path, "llama", seed, layers=2)
    model.attention_dimensions(_KV_HEADS)
    model.sentencepiece_vocabulary()
    model.llama_layers(2)
    model.finish()


def write_tagged(path: Path, seed: int = 0) -> None:
    """Plain attention; the demo's vocabulary with the user-defined `TAGS` behind it."""
    model = _Model(path, "llama", seed, layers=2)
    model.attention_dimensions(_KV_HEADS)
    model.demo_vocabulary(TAGS)
    model.llama_layers(2)
    model.finish()


class _Model:
    """A GGUF file being written; tensors of one seed are the same in every run."""

    def __init__(self, path: Path, architecture: str, seed: int, layers: int) -> None:
        self.writer = GGUFWriter(path, architecture)
        self._random = np.random.default_rng(seed)
        self._vocabulary = 0
        self.writer.add_name(f"tiny {architecture}")
        self.writer.add_context_length(_CONTEXT)
        self.writer.add_embedding_length(_WIDTH)
        self.writer.add_block_count(layers)
        self.writer.add_layer_norm_rms_eps(_EPSILON)

    def attention_dimensions(self, kv_heads: int | list[int]) -> None:
        self.writer.add_feed_forward_length(_HIDDEN)
        self.writer.add_head_count(_HEADS)
        self.writer.add_head_count_kv(kv_heads)
        self.writer.add_key_length(_HEAD_WIDTH)
        self.writer.add_value_length(_HEAD_WIDTH)
        self.writer.add_rope_dimension_count(_HEAD_WIDTH)
        self.writer.add_rope_freq_base(10_000.0)

    def recurrent_dimensions(self) -> None:
        self.writer.add_ssm_conv_kernel(4)
        self.writer.add_ssm_inner_size(2 * _WIDTH)
        self.writer.add_ssm_state_size(8)
        self.writer.add_ssm_time_step_rank(4)

    def demo_vocabulary(self, tags: Sequence[str] = ()) -> None:
        """The demo model's tokenizer and chat template, with `tags` added as user-defined tokens."""
        fields = GGUFReader(DEMO).fields
        for name, add in (
            ("model", self.writer.add_tokenizer_model),
            ("pre", self.writer.add_tokenizer_pre),
            ("merges", self.writer.add_token_merges),
            ("bos_token_id", self.writer.add_bos_token_id),
            ("eos_token_id", self.writer.add_eos_token_id),
        ):
            add(fields[f"tokenizer.ggml.{name}"].contents())
        self.writer.add_add_bos_token(False)
        self.writer.add_chat_template(fields["tokenizer.chat_template"].contents())
        tokens = [*fields["tokenizer.ggml.tokens"].contents(), *tags]
        types = [*fields["tokenizer.ggml.token_type"].contents(), *[TokenType.USER_DEFINED] * len(tags)]
        self._tokens(tokens, types)

    def sentencepiece_vocabulary(self) -> None:
        """Bytes, single characters, and words grown letter by letter from their first; Llama 2's ids."""
        control = ["<unk>", "<s>", "</s>"]
        pieces = [chr(code) for code in range(33, 127)] + ["▁", "ü"]
        for word in " ".join(_WORDS).split():
            pieces += [f"▁{word}"[:size] for size in range(2, len(word) + 2)]
        pieces += ["▁▁", "▁▁▁▁", "▁[", "[/", "in", "he", "er", "]▁", ".▁"]
        pieces = list(dict.fromkeys(pieces))
        self._tokens(
            control + [f"<0x{byte:02X}>" for byte in range(256)] + pieces,
            [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
            + [TokenType.BYTE] * 256
            + [TokenType.NORMAL] * len(pieces),
        )
        self.writer.add_tokenizer_model("llama")
        self.writer.add_token_scores([0.0] * 259 + [-float(rank) for rank in range(len(pieces))])
        self.writer.add_bos_token_id(1)
        self.writer.add_eos_token_id(2)
        self.writer.add_unk_token_id(0)
        self.writer.add_add_bos_token(True)
        self.writer.add_chat_template(INST_TEMPLATE)

    def _tokens(self, tokens: Sequence[str], types: Sequence[int]) -> None:
        self._vocabulary = len(tokens)
        self.writer.add_vocab_size(len(tokens))
        self.writer.add_token_list(tokens)
        self.writer.add_token_types(types)

    def llama_layers(self, layers: int) -> None:
        for layer in range(layers):
            self.vector(f"blk.{layer}.attn_norm.weight", _WIDTH)
            self.attention(layer)
            self.feed_forward(layer)

    def attention(self, layer: int) -> None:
        for name, rows in (("attn_q", _HEADS), ("attn_k", _KV_HEADS), ("attn_v", _KV_HEADS)):
            self.tensor(f"blk.{layer}.{name}.weight", rows * _HEAD_WIDTH, _WIDTH)
        self.tensor(f"blk.{layer}.attn_output.weight", _WIDTH, _HEADS * _HEAD_WIDTH)

    def feed_forward(self, layer: int) -> None:
        self.vector(f"blk.{layer}.ffn_norm.weight", _WIDTH)
        self.tensor(f"blk.{layer}.ffn_gate.weight", _HIDDEN, _WIDTH)
        self.tensor(f"blk.{layer}.ffn_up.weight", _HIDDEN, _WIDTH)
        self.tensor(f"blk.{layer}.ffn_down.weight", _WIDTH, _HIDDEN)

    def mamba_layer(self, layer: int) -> None:
        inner, states, rank = 2 * _WIDTH, 8, 4
        self.tensor(f"blk.{layer}.ssm_in.weight", 2 * inner, _WIDTH)
        self.tensor(f"blk.{layer}.ssm_conv1d.weight", inner, 4, precise=True)
        self.vector(f"blk.{layer}.ssm_conv1d.bias", inner, middle=0.0)
        self.tensor(f"blk.{layer}.ssm_x.weight", rank + 2 * states, inner, precise=True)
        self.tensor(f"blk.{layer}.ssm_dt.weight", inner, rank, precise=True)
        self.vector(f"blk.{layer}.ssm_dt.bias", inner, middle=-1.0)
        # Negative: the state decays, each of its numbers at its own speed.
        decay = -np.tile(np.arange(1, states + 1, dtype=np.float32), (inner, 1))
        self.writer.add_tensor(f"blk.{layer}.ssm_a", decay)
        self.vector(f"blk.{layer}.ssm_d", inner)
        self.tensor(f"blk.{layer}.ssm_out.weight", _WIDTH, inner)

    def vector(self, name: str, size: int, middle: float = 1.0) -> None:
        self.writer.add_tensor(name, self._normal(size) * np.float32(0.1) + np.float32(middle))

    def tensor(self, name: str, rows: int, columns: int, *, precise: bool = False) -> None:
        """A matrix that keeps its input's size; in 4 bits, as the repacked kernels want it."""
        matrix = self._normal(rows, columns) / np.float32(np.sqrt(columns))
        if precise:
            self.writer.add_tensor(name, matrix)
        else:
            kind = GGMLQuantizationType.Q4_0
            self.writer.add_tensor(name, quants.quantize(matrix, kind), raw_dtype=kind)

    def _normal(self, *shape: int) -> NDArray[np.float32]:
        return self._random.standard_normal(shape, np.float32)

    def finish(self, output_norm: str = "output_norm") -> None:
        self.tensor("token_embd.weight", self._vocabulary, _WIDTH)
        self.vector(f"{output_norm}.weight", _WIDTH)
        self.writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()
