"""`voiceflow bench cache`: the order in which all sides are measured, in one run and by turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.bench.first_token import FirstTokenModel
from voiceflow_daemon.bench.folder import own_folder
from voiceflow_daemon.bench.ours import FirstToken, Ours, no_reuse
from voiceflow_daemon.bench.phases import Phases, PhaseTimes
from voiceflow_daemon.bench.restart import after_restart
from voiceflow_daemon.bench.subject import Subject, patient, shorten_prompts
from voiceflow_daemon.bench.transcripts import EARLIER, RESTS, Rest
from voiceflow_daemon.llm.probe import kernels_for
from voiceflow_daemon.llm.processor import default_threads
from voiceflow_daemon.llm.prompts import BUILT_IN
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefixes import PrefixStore

if TYPE_CHECKING:
    from voiceflow_daemon.bench._llama_class import LlamaClass

SIDES = (
    "no_reuse",
    "llama_same",
    "llama_alternating",
    "ram_cache_alternating",
    "ours_hot",
    "ours_alternating",
    "ours_ram",
    "ours_disk_restart",
    "ours_after_ttl",
)
"""In the order of the report."""

Progress = Callable[[int, int], None]
"""Called with how many measurements are done, and how many there are."""


@dataclass
class Samples:
    """All that was measured. `ttft_ms[key of the rest][side]` has one value a run, as `tiers` has."""

    threads: int
    prefix_tokens: dict[str, int]
    rest_tokens: dict[str, int]
    ours_bytes: dict[str, int]
    ram_cache_bytes: int
    ram_cache_resident_bytes: int | None
    ram_cache_save_ms: list[float]
    ttft_ms: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {rest.key: {side: [] for side in SIDES} for rest in RESTS}
    )
    tiers: dict[str, set[str]] = field(default_factory=dict)
    disk_read_ms: list[float] = field(default_factory=list)
    restart_stages_ms: dict[str, list[float]] = field(default_factory=dict)
    phases: list[PhaseTimes] = field(default_factory=list)


def measure(
    subject: Subject, runs: int, progress: Progress, most_prefix_tokens: int | None = None
) -> Samples:
    """Measure `runs` times, and once before that which does not count.

    With `most_prefix_tokens` the prompts are shortened to that. Raises `VoiceflowError`.
    """
    total = (runs + 1) * len(RESTS)
    with _opened(replace(subject, settings=patient(subject.settings)), most_prefix_tokens) as bench:
        for number in range(runs + 1):
            for position, rest in enumerate(RESTS):
                progress(number * len(RESTS) + position, total)
                bench.measure(number, rest, counts=number > 0)
        progress(total, total)
        return bench.samples


@dataclass(frozen=True)
class _Bench:
    """All sides, loaded and with every context prepared."""

    subject: Subject
    model: FirstTokenModel
    ours: Ours
    llama: LlamaClass
    phases: Phases
    prefixes: Path
    systems: dict[str, str]
    samples: Samples

    def measure(self, number: int, rest: Rest, *, counts: bool) -> None:
        """Each side once, in a context that changes from run to run."""
        context, other, third = (BUILT_IN[(number + step) % len(BUILT_IN)] for step in (0, 1, 2))
        ttft_ms = self._others(self.systems[context], self.systems[third], rest)
        ours = self._ours(context, other, rest)
        restarted = after_restart(self.subject, self.prefixes, context, rest.transcript)
        ours["ours_disk_restart"] = FirstToken(restarted.ttft_ms, restarted.tier)
        phases = self.phases.measure(context) if rest is RESTS[0] else None
        if not counts:
            return
        samples = self.samples
        for side, first in ours.items():
            ttft_ms[side] = first.ms
            samples.tiers.setdefault(side, set()).add(first.tier)
        for side, ms in ttft_ms.items():
            samples.ttft_ms[rest.key][side].append(ms)
        samples.disk_read_ms.append(restarted.read_ms)
        if phases is not None:
            samples.phases.append(phases)
            for stage, took_ms in restarted.stages_ms.items():
                samples.restart_stages_ms.setdefault(stage, []).append(took_ms)

    def _others(self, system: str, third: str, rest: Rest) -> dict[str, float]:
        """Those without our caches. The RAM cache's turn ends in a third context, so that the next
        turn of the class alternates, too."""
        llama, spoken = self.llama, rest.transcript
        times = {"no_reuse": no_reuse(self.model, system, spoken)}
        times["llama_alternating"] = llama.first_token_ms(self.model, system, spoken)
        llama.first_token_ms(self.model, system, EARLIER)
        times["llama_same"] = llama.first_token_ms(self.model, system, spoken)
        times["ram_cache_alternating"] = llama.ram_cache_ms(self.model, third, spoken)
        return times

    def _ours(self, context: str, other: str, rest: Rest) -> dict[str, FirstToken]:
        ours, spoken = self.ours, rest.transcript
        return {
            "ours_hot": ours.hot(context, spoken),
            "ours_alternating": ours.alternating(context, other, spoken),
            "ours_ram": ours.from_ram(context, spoken),
            "ours_after_ttl": ours.after_ttl(context, spoken),
        }


@contextmanager
def _opened(subject: Subject, most_prefix_tokens: int | None) -> Iterator[_Bench]:
    with ExitStack() as stack:
        folder = stack.enter_context(own_folder(subject.cache_dir / "bench"))
        model = stack.enter_context(closing(FirstTokenModel(subject.load())))
        if most_prefix_tokens is not None:
            shorten_prompts(subject, model, folder, most_prefix_tokens)
            subject = replace(subject, prompts_dir=folder)
        prompts, settings, metrics = subject.prompts(model), subject.settings, Metrics()
        prefixes = folder / "prefixes"
        store = stack.enter_context(
            closing(PrefixStore(prefixes, settings.prompt_cache.disk_mb << 20, metrics))
        )
        ours = Ours(model, store, prompts, settings, metrics)
        for context in BUILT_IN:
            ours.prepare(context)
        store.flush()
        systems = {context: prompts.system_prompt(context, settings) for context in BUILT_IN}
        threads = settings.llm.threads or default_threads(subject.model.stat().st_size)
        llama = stack.enter_context(closing(_load_class(subject, model.context_tokens, threads)))
        cost = llama.fill_ram_cache(model, list(systems.values()))
        samples = Samples(
            threads=threads,
            prefix_tokens=ours.prefix_tokens(),
            rest_tokens=_rest_tokens(model, systems[BUILT_IN[0]], ours.prefix_tokens()[BUILT_IN[0]]),
            ours_bytes=ours.state_bytes(),
            ram_cache_bytes=cost.entry_bytes,
            ram_cache_resident_bytes=cost.resident_bytes,
            ram_cache_save_ms=cost.save_ms,
        )
        phases = Phases(model, prompts, settings)
        yield _Bench(subject, model, ours, llama, phases, prefixes, systems, samples)


def _load_class(subject: Subject, context_tokens: int, threads: int) -> LlamaClass:
    from voiceflow_daemon.bench._llama_class import LlamaClass

    return LlamaClass(
        subject.model,
        context_tokens=context_tokens,
        threads=threads,
        gpu_layers=subject.settings.llm.gpu_layers,
        repacked_kernels=kernels_for(subject.model, subject.settings.llm, subject.cache_dir).repacked,
    )


def _rest_tokens(model: FirstTokenModel, system: str, prefix_tokens: int) -> dict[str, int]:
    """How many tokens follow the prefix, by the rest's key."""
    return {
        rest.key: len(model.tokenize(model.render_chat(system, rest.transcript), special=True))
        - prefix_tokens
        for rest in RESTS
    }
