"""A run of `voiceflow bench release` as it could have been."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.bench.decode import SIDES, DecodeTimes, Side
from voiceflow_daemon.bench.release import Run, Samples
from voiceflow_daemon.bench.release_daemon import Spoken
from voiceflow_daemon.bench.release_report import Report, report
from voiceflow_daemon.bench.sequential import Answered
from voiceflow_daemon.bench.subject import DictationSubject
from voiceflow_daemon.bench.utterances import LEAD_S, Clip, Utterance
from voiceflow_daemon.bench.word_errors import WordErrors
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import Rung
from voiceflow_daemon.storage.paths import user_paths

OURS_MS = {5: 500.0, 60: 600.0, 180: 650.0}
SEQUENTIAL_MS = {5: 2_500.0, 60: 12_000.0, 180: 36_000.0}
ERRORS = {"streamed": 1, "one_pass": 5, "clip_by_clip": 1, "sequential": 10, "sequential_tuned": 4}
TOKENS_PER_S = {
    "plain": 40.0,
    "copy_edit": 130.0,
    "copy_edit_right_draft": 240.0,
    "copy_edit_wrong_draft": 39.0,
}


def run(seconds: int, share: float = 1.0, rung: Rung = Rung.MODEL) -> Run:
    """All times by `share`."""
    ours, others = share * OURS_MS[seconds], share * SEQUENTIAL_MS[seconds]
    sound = np.zeros(round((seconds + LEAD_S) * SAMPLE_RATE_HZ), np.int16)
    clip = Clip("clip", "one two three", sound, 1.0)
    spoken = Spoken(
        dictated=Dictated("one two three", "One, two, three.", rung),
        release_ms=ours,
        stages_ms={"grace": 40.0, "tail": 120.0, "queue": ours - 160.0},
        work_ms={"wait": 50.0, "recognise": ours - 250.0, "read": 80.0, "write": 120.0},
        cpu_s=0.6 * seconds,
        counted={"tokens_written": 6, "tokens_drafted": 6, "tokens_accepted": 4},
        writing_s=0.1,
    )
    return Run(
        Utterance((clip,), (), sound),
        spoken,
        Answered("one two", {"transcribe": 0.4 * others, "format": 0.6 * others}, 0.5 * seconds),
        Answered("one two", {"transcribe": 0.2 * others, "format": 0.3 * others}, 0.4 * seconds),
    )


def samples(lengths: tuple[int, ...] = (5, 60, 180)) -> Samples:
    """Each time once as it is, once a tenth less and once a tenth more."""
    made = Samples(speech_threads=4, llm_threads=4, prompt_tokens=480)
    for seconds in lengths:
        made.runs[seconds] = [run(seconds, share) for share in (1.0, 0.9, 1.1)]
        made.heard[seconds] = {way: WordErrors(errors, 50) for way, errors in ERRORS.items()}
    if {5, 60} <= set(lengths):
        made.same_end = [(run(5).ours, run(60, share=7 / 6).ours)]
    return made


def decode_times(tokens_per_s: Mapping[str, float] = TOKENS_PER_S) -> DecodeTimes:
    sides = {name: Side(tokens=round(10 * tokens_per_s[name]), seconds=[10.0]) for name in SIDES}
    return DecodeTimes(12, 1, {}, sides, 0)


def subject(*, is_stand_in: bool = True) -> DictationSubject:
    return DictationSubject("Stand-ins of <some> shapes", Settings(), user_paths(), is_stand_in=is_stand_in)


def figures(made: Samples | None = None) -> Report:
    return report(subject(), made or samples(), decode_times(), "GOMP_SPINCOUNT=1000")
