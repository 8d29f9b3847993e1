"""The figures of one run of `voiceflow bench release`: what is written as JSON, shown and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from voiceflow_daemon.bench.decode import SIDES as DECODE_SIDES
from voiceflow_daemon.bench.decode import DecodeTimes
from voiceflow_daemon.bench.goals import Goal, goals_as_json
from voiceflow_daemon.bench.release import Run, Samples
from voiceflow_daemon.bench.release_goals import LONG_S, SHORT_S, release_goals
from voiceflow_daemon.bench.spread import Spread, medians, quartiles, rounded, spread
from voiceflow_daemon.bench.subject import DictationSubject
from voiceflow_daemon.bench.word_errors import in_all, percents

RELEASE_SIDES: dict[str, Callable[[Run], float]] = {
    "ours": lambda run: run.ours.release_ms,
    "sequential": lambda run: run.sequential.release_ms,
    "sequential_prompt_kept": lambda run: (
        run.sequential.stages_ms["transcribe"] + run.tuned.stages_ms["format"]
    ),
    "sequential_tuned": lambda run: run.tuned.release_ms,
}
"""In the order of the report. The third is a sum: the defaults' hearing, and writing where the prompt is
the one of the dictation before, which `Llama` then keeps by itself."""

CPU_SIDES: dict[str, Callable[[Run], float]] = {
    "ours": lambda run: run.ours.cpu_s,
    "sequential": lambda run: run.sequential.cpu_s,
    "sequential_tuned": lambda run: run.tuned.cpu_s,
}

Measured = Mapping[int, Mapping[str, Spread]]
"""By the length in seconds, then by the side or kind."""


@dataclass(frozen=True)
class Report:
    """Medians and quartiles by the length in seconds; `stages_ms[seconds][side][stage]` are medians too.

    `drafted` is in words a second of writing; `unlike_model` counts texts that rules wrote wholly or in
    part.
    """

    subject: DictationSubject
    waiting: str
    samples: Samples
    decoding: DecodeTimes
    release_ms: Measured
    work_ms: Measured
    stages_ms: Mapping[int, Mapping[str, Mapping[str, float]]]
    cpu: Measured
    cpu_in_all: Mapping[str, float]
    drafted: Measured
    word_error_rate: Mapping[str, float]
    unlike_model: int
    goals: Sequence[Goal]


def report(subject: DictationSubject, samples: Samples, decoding: DecodeTimes, waiting: str) -> Report:
    """Sum up; `waiting` says how the models' threads wait for each other."""
    release_ms = _by_length(samples, RELEASE_SIDES)
    everything = [run for runs in samples.runs.values() for run in runs]
    cpu_in_all = {
        side: sum(map(of, everything)) / sum(run.utterance.seconds for run in everything)
        for side, of in CPU_SIDES.items()
    }
    per_speech = {side: _per_speech(of) for side, of in CPU_SIDES.items()}
    return Report(
        subject=subject,
        waiting=waiting,
        samples=samples,
        decoding=decoding,
        release_ms=release_ms,
        work_ms=_by_length(samples, {kind: _work(kind) for kind in everything[0].ours.work_ms}),
        stages_ms={seconds: _stages(runs) for seconds, runs in samples.runs.items()},
        cpu=_by_length(samples, per_speech),
        cpu_in_all=cpu_in_all,
        drafted=_by_length(samples, {kind: _words_per_s(kind) for kind in ("drafted", "accepted")}),
        word_error_rate=percents(in_all(samples.heard.values())),
        unlike_model=sum(run.ours.dictated.rung != "model" for run in everything),
        goals=release_goals(_medians(release_ms), _times_same_end(samples), cpu_in_all, decoding),
    )


def as_json(figures: Report) -> dict[str, Any]:
    """Medians; under "spread", in the same places, the quartiles between which half of the runs lie."""
    samples, decoding = figures.samples, figures.decoding
    measured = {
        "release_ms": figures.release_ms,
        "work_ms": figures.work_ms,
        "cpu_s_per_speech_s_of": figures.cpu,
        "words_per_s": figures.drafted,
    }
    found = {
        "models": figures.subject.name,
        "context": figures.subject.settings.context,
        "runs": {seconds: len(runs) for seconds, runs in samples.runs.items()},
        "seconds": {
            seconds: round(fmean(run.utterance.seconds for run in runs), 2)
            for seconds, runs in samples.runs.items()
        },
        "threads": {"speech": samples.speech_threads, "llm": samples.llm_threads},
        "delivered_to": "desktop" if samples.is_desktop else "sink",
        "waiting": figures.waiting,
        "prompt_tokens": samples.prompt_tokens,
        **{name: _medians(of) for name, of in measured.items()},
        "decode_tokens_per_s": {side: round(decoding.sides[side].tokens_per_s, 2) for side in DECODE_SIDES},
        "cpu_s_per_speech_s": figures.cpu_in_all,
        "word_error_rate": figures.word_error_rate,
        "word_error_rate_of": {seconds: percents(heard) for seconds, heard in samples.heard.items()},
        "stages_ms": figures.stages_ms,
        "same_end_ms": [
            {SHORT_S: short.release_ms, LONG_S: long.release_ms} for short, long in samples.same_end
        ],
        "texts_by_rules": figures.unlike_model,
        "spread": {
            name: {seconds: quartiles(sides) for seconds, sides in of.items()}
            for name, of in measured.items()
        },
        "goals": goals_as_json(figures.goals),
    }
    return dict(rounded(found))


def _by_length(samples: Samples, figures: Mapping[str, Callable[[Run], float]]) -> Measured:
    return {
        seconds: {name: spread([of(run) for run in runs]) for name, of in figures.items()}
        for seconds, runs in samples.runs.items()
    }


def _times_same_end(samples: Samples) -> float | None:
    """Median of the long ones by the median of the short ones; none where they were not spoken."""
    if not samples.same_end:
        return None
    short, long = (spread([each.release_ms for each in ends]) for ends in zip(*samples.same_end, strict=True))
    return long.median / short.median


def _medians(measured: Measured) -> dict[int, dict[str, float]]:
    return {seconds: medians(sides) for seconds, sides in measured.items()}


def _work(kind: str) -> Callable[[Run], float]:
    return lambda run: run.ours.work_ms[kind]


def _per_speech(cpu_s: Callable[[Run], float]) -> Callable[[Run], float]:
    return lambda run: cpu_s(run) / run.utterance.seconds


def _words_per_s(kind: str) -> Callable[[Run], float]:
    """Tokens as words of the text that was written."""

    def words_per_s(run: Run) -> float:
        counted, written = run.ours.counted, len(run.ours.dictated.text.split())
        words = counted.get(f"tokens_{kind}", 0) * written / max(1, counted.get("tokens_written", 0))
        return words / run.ours.writing_s if run.ours.writing_s else 0.0

    return words_per_s


def _stages(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    sides = {
        "ours": [run.ours.stages_ms for run in runs],
        "sequential": [run.sequential.stages_ms for run in runs],
        "sequential_tuned": [run.tuned.stages_ms for run in runs],
    }
    return {side: _stage_medians(stages) for side, stages in sides.items()}


def _stage_medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Not every dictation has every stage."""
    names = dict.fromkeys(name for stages in runs for name in stages)
    return {name: spread([stages.get(name, 0.0) for stages in runs]).median for name in names}
