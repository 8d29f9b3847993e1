# ruff: noqa: N812 - torch's functions are F, as everywhere
"""Whisper's architecture at a small size.

The parameters have the names of transformers' WhisperForConditionalGeneration, so that the state dict moves
over unchanged.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .data import N_PHONES
from .tokenizer import WINDOW

D_MODEL, HEADS, ENC_LAYERS, DEC_LAYERS, ENC_FFN, DEC_FFN = 192, 3, 4, 2, 768, 768
MAX_TEXT = 448
GUIDED_HEADS = [(0, 0), (1, 0)]  # (decoder layer, head): supervised, exported as alignment heads
# Per encoder layer: how many frames away some heads look at first.
LOCAL_HEADS = [
    {0: -3, 2: 3},
    {0: -6, 2: 6},
    {0: -9, 1: 0, 2: 9},
    {0: -14, 2: 14},
]


def sinusoids(length, channels):
    step = math.log(10000) / (channels // 2 - 1)
    inv = torch.exp(-step * torch.arange(channels // 2))
    t = torch.arange(length)[:, None] * inv[None]
    return torch.cat([t.sin(), t.cos()], 1)


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(d, d, bias=False)
        self.v_proj, self.q_proj, self.out_proj = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x, memory=None, causal=False, weights=False):
        memory = x if memory is None else memory
        projected = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in projected)
        if weights:
            logw = F.log_softmax((q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5, -1)
            y = logw.exp().to(v.dtype) @ v
        else:
            logw, y = None, F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(y.transpose(1, 2).flatten(2)), logw


class EncoderLayer(nn.Module):
    def __init__(self, d, heads, ffn):
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(d, heads), nn.LayerNorm(d)
        self.fc1, self.fc2, self.final_layer_norm = nn.Linear(d, ffn), nn.Linear(ffn, d), nn.LayerNorm(d)

    def forward(self, x, drop):
        x = x + drop(self.self_attn(self.self_attn_layer_norm(x))[0])
        return x + drop(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))))


class DecoderLayer(nn.Module):
    def __init__(self, d, heads, ffn):
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(d, heads), nn.LayerNorm(d)
        self.encoder_attn, self.encoder_attn_layer_norm = Attention(d, heads), nn.LayerNorm(d)
        self.fc1, self.fc2, self.final_layer_norm = nn.Linear(d, ffn), nn.Linear(ffn, d), nn.LayerNorm(d)

    def forward(self, x, memory, drop):
        x = x + drop(self.self_attn(self.self_attn_layer_norm(x), causal=True)[0])
        y, logw = self.encoder_attn(self.encoder_attn_layer_norm(x), memory, weights=True)
        x = x + drop(y)
        return x + drop(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))), logw


class Encoder(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(80, d, 3, padding=1), nn.Conv1d(d, d, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(WINDOW, d)
        self.embed_positions.weight = nn.Parameter(sinusoids(WINDOW, d), requires_grad=False)
        self.layers = nn.ModuleList(EncoderLayer(d, HEADS, ENC_FFN) for _ in range(ENC_LAYERS))
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, mel, drop, offset=0):
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        x = drop(x + self.embed_positions.weight[offset : offset + x.shape[1]])
        for layer in self.layers:
            x = layer(x, drop)
        return self.layer_norm(x)


class Decoder(nn.Module):
    def __init__(self, d, vocab):
        super().__init__()
        self.embed_tokens, self.embed_positions = nn.Embedding(vocab, d), nn.Embedding(MAX_TEXT, d)
        self.layers = nn.ModuleList(DecoderLayer(d, HEADS, DEC_FFN) for _ in range(DEC_LAYERS))
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, tokens, memory, drop):
        x = drop(self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]])
        attention = []
        for layer in self.layers:
            x, logw = layer(x, memory, drop)
            attention.append(logw)
        return self.layer_norm(x), attention


class Whisper(nn.Module):
    def __init__(self, vocab, dropout=0.0):
        super().__init__()
        self.model = nn.Module()
        self.model.encoder, self.model.decoder = Encoder(D_MODEL), Decoder(D_MODEL, vocab)
        # Training only: phoneme, word and previous word at every frame.
        self.phone_head = nn.Linear(D_MODEL, N_PHONES)
        self.word_head, self.previous_head = nn.Linear(D_MODEL, D_MODEL), nn.Linear(D_MODEL, D_MODEL)
        self.place_head = nn.Linear(D_MODEL, D_MODEL)  # the position itself, which timestamps are made of
        self.drop = nn.Dropout(dropout)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.04)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        embed = self.model.decoder.embed_tokens.weight
        nn.init.normal_(embed, std=0.05)
        with torch.no_grad():  # timestamps start out as what they name: positions in the window
            embed[-(WINDOW + 1) :] = 0.07 * sinusoids(WINDOW + 1, D_MODEL)
            self._look_nearby()

    def _look_nearby(self, strength=1.1):
        """Start some encoder heads off attending a few frames to the left or right.

        Whisper's encoder has absolute positions only, and from a random start
        its attention stays nearly uniform for hours.  But q.k of two sinusoids
        depends on their distance, so projecting k to some of the sinusoids and
        q to the same, rotated, gives a head that looks `delta` frames away.
        """
        half, pairs = D_MODEL // 2, D_MODEL // HEADS // 2
        for i, (layer, heads) in enumerate(zip(self.model.encoder.layers, LOCAL_HEADS, strict=True)):
            index = torch.arange(pairs) + 3 * i
            omega = torch.exp(-math.log(10000) / (half - 1) * index)
            sin, cos = torch.eye(D_MODEL)[index], torch.eye(D_MODEL)[index + half]
            for head, delta in heads.items():
                rows = slice(head * 2 * pairs, (head + 1) * 2 * pairs)
                c, s = (omega * delta).cos()[:, None], (omega * delta).sin()[:, None]
                layer.self_attn.k_proj.weight[rows] = strength * torch.cat([sin, cos])
                layer.self_attn.q_proj.weight[rows] = strength * torch.cat(
                    [sin * c + cos * s, cos * c - sin * s]
                )
        nn.init.normal_(self.model.decoder.embed_positions.weight, std=0.01)

    def forward(self, mel, tokens, offset=0):
        memory = self.model.encoder(mel, self.drop, offset)
        x, attention = self.model.decoder(tokens, memory, self.drop)
        return F.linear(x, self.model.decoder.embed_tokens.weight), attention, memory
