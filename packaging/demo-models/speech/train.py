# ruff: noqa: N812 - torch's functions are F, as everywhere
"""Train the demo recogniser from nothing, on the clips of `speech.data`.

    python -m speech.train --work work --minutes 10 20 25

How it learns quickly on two CPU threads:

* espeak-ng reports when each phoneme and word is spoken, so the encoder gets a frame-wise loss (which
  phoneme, which word, which came before, what time; auxiliary heads, thrown away at export) and one
  cross-attention head of each decoder layer is told where each word is. Those heads are the
  `alignment_heads` that word timestamps use.
* Phase "short" trains on single sentences, not padded to 30 s. The encoder's positions are sinusoids, so
  every batch is placed at a random offset in the 30 s window and positions are learnt for all of it.
* Phase "long" fine-tunes on real 30 s windows, zero padded as faster-whisper pads them (zeros *after*
  log-mel normalisation), holding one or many sentences, silence, prompts, and speech cut at the window's
  end.

Seeds are fixed; runs are limited by time, so weights differ between machines.
"""

import argparse
import math
import os
import pickle
import random
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from .batches import batches_long, prefetch
from .data import SEED
from .model import GUIDED_HEADS, Whisper
from .tokenizer import Vocab

LOSSES = ("text", "stamp", "phone", "word", "guide", "place", "accuracy")


class Store:
    """Clips in memory; a thread picks up new pickles while they are being written."""

    def __init__(self, work, rank=0, procs=1):
        self.rank, self.procs = rank, procs
        self.work, self.seen, self.clips = work, set(), {"short": [], "long": []}
        self.poll()
        threading.Thread(target=self._watch, daemon=True).start()

    def poll(self):
        """Read the pickles that are this process's share and new."""
        for path in sorted(self.work.glob("*-*.pkl")):
            kind, number = path.stem.split("-")
            if path not in self.seen and int(number) % self.procs == self.rank:
                self.seen.add(path)
                self.clips[kind] += pickle.loads(path.read_bytes())

    def _watch(self):
        while True:
            time.sleep(20)
            self.poll()


def losses(model, batch, ts0, smoothing=0.05):
    """Text, timestamp, phoneme, frame word and attention losses, and word accuracy."""
    mel, phones, heard, tokens, labels, guide, offset = batch
    with torch.autocast("cpu", torch.bfloat16):
        logits, attention, memory = model(mel, tokens, offset)
        frames = model.phone_head(memory)
        some = slice(random.randrange(3), None, 3)  # every third frame will do
        embed = model.model.decoder.embed_tokens.weight[:ts0]
        words = [F.linear(head(memory[:, some]), embed) for head in (model.word_head, model.previous_head)]
        place = model.place_head(memory).float()
    place = F.mse_loss(
        place, model.model.encoder.embed_positions.weight[offset : offset + place.shape[1]].expand_as(place)
    )
    word = sum(
        F.cross_entropy(w.float().flatten(0, 1), t[:, some].flatten(), ignore_index=-100)
        for w, t in zip(words, heard, strict=True)
    )
    logp, flat = logits.float().flatten(0, 1).log_softmax(-1), labels.flatten()
    is_text, is_time = (flat >= 0) & (flat < ts0), flat >= ts0
    right = logp[is_text].gather(1, flat[is_text, None]).mean()
    text = -(1 - smoothing) * right - smoothing * logp[is_text].mean()
    stamp = torch.zeros(())
    if is_time.any():  # a few frames to either side are nearly as good
        near = torch.arange(-4, 5)
        weight = torch.softmax(-(near**2) / (2 * 1.5**2), 0)
        index = (flat[is_time, None] + near).clamp(ts0, logp.shape[1] - 1)
        stamp = -(logp[is_time].gather(1, index) * weight).sum(1).mean()
    phone = F.cross_entropy(frames.float().flatten(0, 1), phones.flatten(), ignore_index=-100)
    guided = torch.zeros(())
    if len(guide):
        row, pos, a, b = guide.unbind(1)
        inside = torch.arange(mel.shape[2] // 2)
        inside = (inside >= a[:, None]) & (inside < b[:, None])
        for layer, head in GUIDED_HEADS:
            w = attention[layer][row, head, pos].exp()
            guided = guided - ((w * inside).sum(-1) + 1e-4).log().mean() / len(GUIDED_HEADS)
    acc = (logp[is_text].argmax(-1) == flat[is_text]).float().mean()
    return text, stamp, phone, word, guided, place, acc


def average(params, progress):
    """Average gradients and progress over the processes; returns the progress."""
    if not dist.is_initialized():
        return progress
    flat = torch.cat([p.grad.flatten() for p in params] + [torch.tensor([progress])])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, g in zip(params, flat[:-1].split([p.numel() for p in params]), strict=True):
        p.grad.copy_(g.view_as(p))
    return flat[-1].item()


def optimisers(model, peak):
    """Muon for the layers' matrices, AdamW for the rest."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in named if p.ndim == 2 and ".layers." in name]
    others = [p for name, p in named if not (p.ndim == 2 and ".layers." in name)]
    groups = [
        {"params": [p for p in others if p.ndim > 1], "weight_decay": 0.02},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [
        torch.optim.Muon(matrices, lr=peak, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), eps=1e-8),
    ]


def train_phase(model, batches, minutes, peak, floor, ckpt, ts0, warmup=60):
    """One phase: cosine from `peak` to `peak * floor` over `minutes`; saves `ckpt` every two minutes."""
    params = [p for p in model.parameters() if p.requires_grad]
    opts = optimisers(model, peak)
    start, step, last, sums = time.time(), 0, time.time(), np.zeros(7)
    model.train()
    progress, main = 0.0, not dist.is_initialized() or dist.get_rank() == 0
    while progress < 1:
        lr = (
            peak
            * min(1.0, (step + 1) / warmup)
            * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))
        )
        for opt in opts:
            opt.zero_grad(set_to_none=True)
            for g in opt.param_groups:
                g["lr"] = lr
        text, stamp, phone, word, guided, place, acc = losses(model, next(batches), ts0)
        loss = text + 0.25 * stamp + 0.1 * phone + 0.4 * word + 0.3 * guided + 0.5 * place
        loss.backward()
        progress = average(params, (time.time() - start) / (60 * minutes))
        nn.utils.clip_grad_norm_(params, 1.0)
        for opt in opts:
            opt.step()
        step += 1
        sums += [x.item() for x in (text, stamp, phone, word, guided, place, acc)]
        if step % 50 == 0 and main:
            figures = ", ".join(f"{name} {s / 50:.3f}" for name, s in zip(LOSSES, sums, strict=True))
            print(f"{time.time() - start:6.0f}s step {step} lr {lr:.1e} {figures}", flush=True)
            sums[:] = 0
        if main and time.time() - last > 120:
            last = time.time()
            torch.save(model.state_dict(), f"{ckpt}.tmp")
            Path(f"{ckpt}.tmp").rename(ckpt)
    if main:
        torch.save(model.state_dict(), ckpt)


def train_worker(rank, args):
    """One process: two single-threaded ones make better use of two cores than one with two threads."""
    if args.procs > 1:
        dist.init_process_group(
            "gloo",
            init_method=f"file://{args.work.resolve()}/rendezvous-{os.getppid()}",
            rank=rank,
            world_size=args.procs,
        )
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    random.seed(SEED + rank)
    rng = random.Random(SEED + rank)
    voc = Vocab(args.work / "tokenizer.json")
    model = Whisper(voc.size)
    print(sum(p.numel() for p in model.parameters()), "parameters, vocabulary", voc.size, flush=True)
    if args.resume:
        print(model.load_state_dict(torch.load(args.resume), strict=False))
    store = Store(args.work, rank, args.procs)
    phases = [
        ("short", (0, 0, 1), args.minutes[0], 2e-3, 0.6),
        ("mixed", (1, 3, 4), args.minutes[1], 1.3e-3, 0.5),
        ("long", (2, 4, 2), args.minutes[2], 1e-3, 0.02),
    ]
    for name, mix, minutes, peak, floor in phases:
        if minutes:
            print("phase", name, flush=True)
            train_phase(
                model,
                prefetch(batches_long(store, rng, voc, mix)),
                minutes,
                peak,
                floor,
                args.work / f"{name}.pt",
                voc.ts0,
            )


def main():
    """Start the processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--procs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--minutes", type=float, nargs=3, default=(10, 20, 25), help="of the three phases")
    parser.add_argument("--resume", help="checkpoint to go on from")
    args = parser.parse_args()
    if args.procs > 1:
        torch.multiprocessing.spawn(train_worker, (args,), nprocs=args.procs)
    else:
        train_worker(0, args)


if __name__ == "__main__":
    main()
