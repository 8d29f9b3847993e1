# ruff: noqa: N812 - torch's functions are F, as everywhere
"""Train the formatter on samples of `prepare_data`.

    python -m formatter.train --data 'work/part*.npz' --minutes 33 --out work/first.pt [--init work/old.pt]

Runs as single-threaded processes, which on a shared machine is twice as fast as one process with as many
threads; the four contexts take turns.  Loss on the finished texts only.  bf16 weights and activations with
fp32 master weights where the processor has AMX, fp32 elsewhere: there bf16 is emulated.  Muon for the
layers' matrices, AdamW for the rest.
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
from .muon import Muon

CPUINFO = Path("/proc/cpuinfo")


class Data:
    """Samples in memory, handed out in batches of one context and of about one length."""

    def __init__(self, files, tokenizer):
        loaded = [np.load(f) for f in files]
        self.contexts = np.concatenate([z["ctx"] for z in loaded])
        self.ids = np.concatenate([z["ids"] for z in loaded])
        self.learnt = np.concatenate([z["learnt"] for z in loaded])
        self.size = np.concatenate([np.diff(z["off"]) for z in loaded])
        self.start = np.cumsum(self.size) - self.size
        self.end_of_text = tokenizer.token_to_id("<|im_end|>")
        self.waiting = [[], [], [], []]

    def batch(self, rng, context, tokens):
        """Samples of one context, at most about `tokens` tokens: (inputs, targets)."""
        if not self.waiting[context]:
            self.waiting[context] = self._chunks(rng, context, tokens)
        pick = self.waiting[context].pop()
        width = (int(self.size[pick].max()) + 6) // 8 * 8
        inputs = np.full((len(pick), width), self.end_of_text, np.int64)
        targets = np.full((len(pick), width), -100, np.int64)
        for row, i in enumerate(pick):
            part = slice(self.start[i], self.start[i] + self.size[i])
            ids = self.ids[part].astype(np.int64)
            inputs[row, : len(ids) - 1] = ids[:-1]
            targets[row, : len(ids) - 1] = np.where(self.learnt[part], ids, -100)[1:]
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
                while j < len(by_size) and (j - i + 1) * self.size[by_size[j]] <= tokens and j - i < 128:
                    j += 1
                j = max(j, i + 1)
                chunks.append(by_size[i:j])
                i = j
        rng.shuffle(chunks)
        return chunks


def optimisers(weights, rate):
    """Muon for the layers' matrices, AdamW for the rest; {name: weights}."""
    matrices = [w for name, w in weights.items() if w.dim() == 2 and name.startswith("layers.")]
    groups = [
        {"params": [weights["embed.weight"]], "weight_decay": 0.05},
        {"params": [w for w in weights.values() if w.dim() != 2], "weight_decay": 0.0},
    ]
    return [
        Muon(matrices, rate),
        torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-8, fused=True),
    ]


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
        if args.number == "bf16":
            self.model.bfloat16()
        self.pairs = [(master[n], p) for n, p in self.model.named_parameters()]
        self.optimisers = optimisers(master, args.lr)
        self.step, self.progress = 0, 0.0

    def run(self):
        """Train for the given time."""
        started, history, tokens = time.time(), [], 0
        while self.progress < 1:
            lr = self._set_rate()
            part = self._part()
            tokens += part[0].numel() * self.args.processes
            loss, right = self._backward(*part)
            self.progress, loss, accuracy = self._average(
                (time.time() - started) / (60 * self.args.minutes), loss, right
            )
            self._update()
            history.append((loss, accuracy))
            if self.step % 50 == 0 and self.rank == 0:
                loss, accuracy = np.mean(history[-50:], 0)
                minutes = (time.time() - started) / 60
                print(
                    f"{minutes:5.1f} min step {self.step} loss {loss:.4f} acc {accuracy:.5f} lr {lr:.2e}"
                    f" {tokens / minutes / 60:.0f} tokens/s",
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
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = lr
        return lr

    def _part(self):
        """(inputs, targets, system prompt) of the context whose turn it is in this process."""
        share = self.args.full if self.progress >= self.args.ramp else self.args.full * 0.15
        c = (self.step * self.args.processes + self.rank) % len(lexicon.CONTEXTS)
        context = lexicon.CONTEXTS[c]
        inputs, targets = self.data.batch(self.shuffler, c, self.args.tokens)
        make = chat.full_system if self.rng.random() < share else chat.random_system
        system = make(self.rng, context, lambda: self._example(context))
        return inputs, targets, torch.tensor(self.tokenizer.encode(chat.head(system)).ids)

    def _example(self, context):
        raw = corpus.transcript(self.rng, self.rng.choice((3, 6, 10)), context)
        return raw, reference.reference_format(raw, context)

    def _backward(self, inputs, targets, prefix):
        """Gradients in the master weights; returns (loss, share of tokens right)."""
        keep = targets >= 0
        logits = self.model.logits(self.model(prefix, inputs)[keep])
        loss = F.cross_entropy(logits.float(), targets[keep])
        loss.backward()
        for m, p in self.pairs:
            m.grad, p.grad = p.grad.float(), None
        return loss.item(), float((logits.argmax(-1) == targets[keep]).float().mean())

    def _average(self, *figures):
        """Average gradients and figures over the processes; returns the figures."""
        flat = torch.cat([m.grad.view(-1) for m, _ in self.pairs] + [torch.tensor(figures)])
        dist.all_reduce(flat)
        flat /= self.args.processes
        at = 0
        for m, _ in self.pairs:
            m.grad.copy_(flat[at : at + m.numel()].view_as(m))
            at += m.numel()
        return flat[at:].tolist()

    def _update(self):
        torch.nn.utils.clip_grad_norm_([m for m, _ in self.pairs], 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        with torch.no_grad():
            for m, p in self.pairs:
                p.copy_(m)
        self.step += 1


def work(rank, args):
    """One process."""
    dist.init_process_group("gloo", rank=rank, world_size=args.processes)
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
    parser.add_argument("--tokens", type=int, default=6000, help="of a process in a step")
    parser.add_argument("--processes", type=int, default=2, help="each with one thread")
    parser.add_argument(
        "--number", choices=("bf16", "fp32"), default="bf16" if "amx_bf16" in CPUINFO.read_text() else "fp32"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29577")
    torch.multiprocessing.start_processes(work, (args,), args.processes, start_method="spawn")


if __name__ == "__main__":
    main()
