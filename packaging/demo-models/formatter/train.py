# ruff: noqa: N812 - torch's functions are F, as everywhere
"""Train the formatter on samples of `prepare_data`.

    python -m formatter.train --data 'work/part*.npz' --minutes 33 --out work/first.pt [--init work/old.pt]

Runs as two single-threaded processes, each with two of the four contexts, which on a shared machine is twice
as fast as one process with two threads.  Loss on the finished text only; bf16 weights and activations, fp32
master weights.
"""

import argparse
import glob
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from tokenizers import Tokenizer

from . import chat, corpus, lexicon, reference
from .model import CONFIG, Model

RANKS = 2


class Data:
    """Samples in memory, handed out in batches of one context and of about one length."""

    def __init__(self, files, tokenizer):
        loaded = [np.load(f) for f in files]
        self.contexts = np.concatenate([z["ctx"] for z in loaded])
        self.ids = np.concatenate([z["ids"] for z in loaded]).astype(np.int64)
        lengths = np.concatenate([np.diff(z["off"]) for z in loaded])
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        self.start, self.end = offsets[:-1].reshape(-1, 2), offsets[1:].reshape(-1, 2)
        self.size = lengths.reshape(-1, 2).sum(1)
        self.middle = np.array(tokenizer.encode(chat.middle()).ids)
        self.eos = tokenizer.token_to_id("<|im_end|>")
        self.waiting = [[], [], [], []]

    def batch(self, rng, context, tokens):
        """Samples of one context, at most about `tokens` tokens: (inputs, targets)."""
        if not self.waiting[context]:
            self.waiting[context] = self._chunks(rng, context, tokens)
        pick = self.waiting[context].pop()
        width = (int(self.size[pick].max()) + len(self.middle) + 7) // 8 * 8
        inputs = np.full((len(pick), width), self.eos, np.int64)
        targets = np.full((len(pick), width), -100, np.int64)
        for row, i in enumerate(pick):
            raw, finished = (self.ids[self.start[i, k] : self.end[i, k]] for k in (0, 1))
            sequence = np.concatenate((raw, self.middle, finished))
            inputs[row, : len(sequence)] = sequence
            first = len(raw) + len(self.middle) - 1
            targets[row, first : first + len(finished)] = finished
            targets[row, first + len(finished)] = self.eos
        return torch.from_numpy(inputs), torch.from_numpy(targets)

    def _chunks(self, rng, context, tokens):
        samples = np.where(self.contexts == context)[0]
        rng.shuffle(samples)
        chunks = []
        for part in np.array_split(samples, max(1, len(samples) // 4000)):
            by_size = part[np.argsort(self.size[part], kind="stable")]
            i = 0
            while i < len(by_size):
                j = i
                while (
                    j < len(by_size) and (j - i + 1) * (self.size[by_size[j]] + 6) <= tokens and j - i < 128
                ):
                    j += 1
                j = max(j, i + 1)
                chunks.append(by_size[i:j])
                i = j
        rng.shuffle(chunks)
        return chunks


class Trainer:
    """One of the processes: its model, its optimiser and its place in time."""

    def __init__(self, rank, args):
        self.rank, self.args = rank, args
        self.rng = random.Random(args.seed * 10 + rank)
        self.shuffler = np.random.default_rng(args.seed * 10 + rank)
        self.tokenizer = Tokenizer.from_file(str(Path(__file__).parent / "tokenizer.json"))
        self.data = Data(sorted(glob.glob(args.data)), self.tokenizer)
        self.model = Model()
        if args.init:
            self.model.load_state_dict(torch.load(args.init)["model"])
        master = {n: p.detach().clone().requires_grad_() for n, p in self.model.named_parameters()}
        self.master = master
        self.model.bfloat16()
        self.pairs = [(master[n], p) for n, p in self.model.named_parameters()]
        groups = [
            {"params": [m for m in master.values() if m.dim() == 2], "weight_decay": 0.05},
            {"params": [m for m in master.values() if m.dim() != 2], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), eps=1e-8, fused=True)
        self.step, self.progress = 0, 0.0

    def run(self):
        """Train for the given time."""
        started, history = time.time(), []
        while self.progress < 1:
            lr = self._set_rate()
            loss, right = self._backward(self._parts())
            self.progress, loss, accuracy = self._average(
                (time.time() - started) / (60 * self.args.minutes), loss, right
            )
            self._update()
            history.append((loss, accuracy))
            if self.step % 50 == 0 and self.rank == 0:
                loss, accuracy = np.mean(history[-50:], 0)
                minutes = (time.time() - started) / 60
                print(
                    f"{minutes:5.1f} min step {self.step} loss {loss:.4f} acc {accuracy:.5f} lr {lr:.2e}",
                    flush=True,
                )
            if self.step % 200 == 0:
                self.save()
        self.save()

    def save(self):
        """Write the checkpoint (first process only)."""
        if self.rank == 0:
            state = {name: weights.detach() for name, weights in self.master.items()}
            torch.save({"model": state, "cfg": CONFIG, "step": self.step}, self.args.out)

    def _set_rate(self):
        args = self.args
        lr = args.lr * min(1, (self.step + 1) / args.warm) * min(1, max(0, 1 - self.progress) / 0.7)
        lr = max(lr, args.lr * 0.005)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        return lr

    def _parts(self):
        """One (inputs, targets, system prompt) for each of this process's contexts."""
        share = self.args.full if self.progress > self.args.ramp else self.args.full * 0.15
        parts = []
        for c in range(self.rank * 4 // RANKS, (self.rank + 1) * 4 // RANKS):
            inputs, targets = self.data.batch(self.shuffler, c, self.args.tokens)
            make = chat.full_system if self.rng.random() < share else chat.random_system
            system = make(
                self.rng, lexicon.CONTEXTS[c], lambda context=lexicon.CONTEXTS[c]: self._example(context)
            )
            parts.append((inputs, targets, torch.tensor(self.tokenizer.encode(chat.head(system)).ids)))
        return parts

    def _example(self, context):
        raw = corpus.transcript(self.rng, self.rng.choice((3, 6, 10)), context)
        return raw, reference.reference_format(raw, context)

    def _backward(self, parts):
        """Gradients of all parts in the master weights; returns (loss, share of tokens right)."""
        total = sum(int((targets >= 0).sum()) for _, targets, _ in parts)
        loss_sum, right = 0.0, 0
        for inputs, targets, prefix in parts:
            keep = targets >= 0
            logits = self.model.logits(self.model(prefix, inputs)[keep])
            loss = F.cross_entropy(logits.float(), targets[keep], reduction="sum") / total
            loss.backward()
            for m, p in self.pairs:
                m.grad = p.grad.float() if m.grad is None else m.grad + p.grad
                p.grad = None
            loss_sum += loss.item()
            right += int((logits.argmax(-1) == targets[keep]).sum())
        return loss_sum, right / total

    def _average(self, *figures):
        """Average gradients and figures over the processes; returns the figures."""
        flat = torch.cat([m.grad.view(-1) for m, _ in self.pairs] + [torch.tensor(figures)])
        dist.all_reduce(flat)
        flat /= RANKS
        at = 0
        for m, _ in self.pairs:
            m.grad.copy_(flat[at : at + m.numel()].view_as(m))
            at += m.numel()
        return flat[at:].tolist()

    def _update(self):
        torch.nn.utils.clip_grad_norm_([m for m, _ in self.pairs], 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            for m, p in self.pairs:
                p.copy_(m)
        self.step += 1


def work(rank, args):
    """One process."""
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    Trainer(rank, args).run()
    dist.destroy_process_group()


def main():
    """Start the processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--data", default="work/part*.npz")
    parser.add_argument("--init", help="checkpoint to go on from")
    parser.add_argument("--out", default="work/formatter.pt")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--full", type=float, default=0.3, help="share of full-length system prompts")
    parser.add_argument("--ramp", type=float, default=0.6, help="share of the time after which that applies")
    parser.add_argument("--warm", type=int, default=200, help="steps until the full learning rate")
    parser.add_argument("--tokens", type=int, default=6000, help="in a micro-batch")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29577")
    torch.multiprocessing.start_processes(work, (args,), RANKS, start_method="spawn")


if __name__ == "__main__":
    main()
