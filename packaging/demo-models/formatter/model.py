# ruff: noqa: N806, N812 - a tensor's dimensions are capital letters, torch's functions are F, as everywhere
"""The formatter's network: a small qwen2.

RMSNorm, rotate-half RoPE, grouped queries, SwiGLU, biases on q, k and v, tied embedding.

All samples of a micro-batch share one system prompt, whose keys and values are computed once, with gradients.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = {
    "vocab": 1472,
    "d": 256,
    "layers": 4,
    "heads": 4,
    "kv": 2,
    "hd": 64,
    "ff": 512,
    "theta": 10000.0,
    "eps": 1e-6,
}


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))


def norm(x, w):
    f = x.float()
    return (f * torch.rsqrt(f.square().mean(-1, keepdim=True) + CONFIG["eps"])).to(x.dtype) * w


@torch.compile(dynamic=True)
def project(x, w_norm, w, b, cos, sin, heads: int, kv: int, hd: int):
    """Normed q, k, v with positions."""
    y = F.linear(norm(x, w_norm), w, b).view(x.shape[0], x.shape[1], heads + 2 * kv, hd).transpose(1, 2)
    qk, v = y[:, : heads + kv], y[:, heads + kv :]
    f = qk.float()
    p, q = f.chunk(2, -1)
    f = f * cos + torch.cat((-q, p), -1) * sin
    f = f.to(x.dtype)
    return f[:, :heads], f[:, heads:], v


@torch.compile(dynamic=True)
def weights(scores_prefix, scores, mask, scale: float):
    """Attention weights over the shared prefix and over the sample itself."""
    a = scores_prefix.float() * scale
    b = scores.float() * scale + mask
    m = torch.maximum(a.amax(-1, keepdim=True), b.amax(-1, keepdim=True)).detach()
    a, b = (a - m).exp(), (b - m).exp()
    t = 1 / (a.sum(-1, keepdim=True) + b.sum(-1, keepdim=True))
    return (a * t).to(scores.dtype), (b * t).to(scores.dtype)


@torch.compile(dynamic=True)
def causal_weights(scores, mask, scale: float):
    return torch.softmax(scores.float() * scale + mask, -1).to(scores.dtype)


def attend(q, k, v, kp, vp, mask):
    """q (B, H, S, D) over the prefix's kp, vp (1, G, P, D) and its own k, v (B, G, S, D).

    Written as plain products, which run on AMX where there is one.
    """
    B, H, S, D = q.shape
    G, P = k.shape[1], kp.shape[2]
    q = q.reshape(B, G, H // G * S, D)
    flat = q.transpose(0, 1).reshape(G, -1, D)
    sp = (flat @ kp[0].transpose(1, 2)).view(G, B, H // G, S, P)
    ss = (q @ k.transpose(2, 3)).view(B, G, H // G, S, S).transpose(0, 1)
    wp, ws = weights(sp, ss, mask, D**-0.5)
    yp = (wp.reshape(G, -1, P) @ vp[0]).view(G, B, H // G, S, D)
    ys = (ws.transpose(0, 1).reshape(B, G, -1, S) @ v).view(B, G, H // G, S, D).transpose(0, 1)
    return (yp + ys).permute(1, 0, 2, 3, 4).reshape(B, H, S, D)


def attend_self(q, k, v, mask):
    B, H, S, D = q.shape
    G = k.shape[1]
    w = causal_weights((q.reshape(B, G, -1, D) @ k.transpose(2, 3)).view(B, G, H // G, S, S), mask, D**-0.5)
    return (w.reshape(B, G, -1, S) @ v).reshape(B, H, S, D)


@torch.compile(dynamic=True)
def finish_layer(x, y, w_o, w_norm, w_gu, w_down):
    x = x + F.linear(y.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1), w_o)
    g, u = F.linear(norm(x, w_norm), w_gu).chunk(2, -1)
    return x + F.linear(F.silu(g) * u, w_down)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.attn_norm, self.ffn_norm = Norm(c["d"]), Norm(c["d"])
        self.qkv = nn.Linear(c["d"], (c["heads"] + 2 * c["kv"]) * c["hd"], bias=True)
        self.o = nn.Linear(c["heads"] * c["hd"], c["d"], bias=False)
        self.gate_up = nn.Linear(c["d"], 2 * c["ff"], bias=False)
        self.down = nn.Linear(c["ff"], c["d"], bias=False)

    def project(self, x, cos, sin):
        c = self.c
        return project(
            x, self.attn_norm.weight, self.qkv.weight, self.qkv.bias, cos, sin, c["heads"], c["kv"], c["hd"]
        )

    def finish(self, x, y):
        return finish_layer(x, y, self.o.weight, self.ffn_norm.weight, self.gate_up.weight, self.down.weight)


class Model(nn.Module):
    def __init__(self, c=CONFIG):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c["vocab"], c["d"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["layers"]))
        self.norm = Norm(c["d"])
        for n, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(
                    p,
                    std=0.04
                    if "embed" in n
                    else p.shape[1] ** -0.5 * (0.4 if n.endswith(("o.weight", "down.weight")) else 1.0),
                )
            elif "bias" in n:
                nn.init.zeros_(p)
        inv = c["theta"] ** (-torch.arange(0, c["hd"], 2).float() / c["hd"])
        ang = torch.arange(2048).float()[:, None] * inv
        ang = torch.cat((ang, ang), -1)
        self.cos, self.sin = ang.cos(), ang.sin()  # stay fp32

    def forward(self, prefix, suffix):
        """prefix (P,) shared by all rows of suffix (B, S); hidden states of the suffix."""
        P, S = prefix.shape[0], suffix.shape[1]
        xp, xs = self.embed(prefix)[None], self.embed(suffix)
        cp, sp, cs, ss = self.cos[:P], self.sin[:P], self.cos[P : P + S], self.sin[P : P + S]
        mask_p, mask = (torch.full((n, n), -1e9).triu(1) for n in (P, S))
        for i, layer in enumerate(self.layers):
            qp, kp, vp = layer.project(xp, cp, sp)
            q, k, v = layer.project(xs, cs, ss)
            if i + 1 < len(self.layers):
                xp = layer.finish(xp, attend_self(qp, kp, vp, mask_p))
            xs = layer.finish(xs, attend(q, k, v, kp, vp, mask))
        return norm(xs, self.norm.weight)

    def logits(self, h):
        return F.linear(h, self.embed.weight)
