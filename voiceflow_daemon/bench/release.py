"""`voiceflow bench release`: the same utterances spoken to the daemon and given to others, by turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.audio.voice import load_voice_detector
from voiceflow_daemon.bench import decode
from voiceflow_daemon.bench.decode import DecodeTimes, demo_dictations
from voiceflow_daemon.bench.folder import own_folder
from voiceflow_daemon.bench.place import NOWHERE, Place
from voiceflow_daemon.bench.recognition import Piece, Remembering, clip_pieces, heard
from voiceflow_daemon.bench.release_daemon import ReleaseDaemon, Spoken, release_daemon
from voiceflow_daemon.bench.release_goals import LONG_S, SHORT_S
from voiceflow_daemon.bench.sequential import Answered, Models
from voiceflow_daemon.bench.subject import DictationSubject, patient
from voiceflow_daemon.bench.utterances import Utterance, join_clips, sample_clips
from voiceflow_daemon.bench.word_errors import ErrorsByWay, in_all, word_errors
from voiceflow_daemon.config.schema import HistorySettings, Settings, SpeechSettings
from voiceflow_daemon.llm.probe import kernels_for
from voiceflow_daemon.llm.processor import default_threads
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.llm.select import load_language_model
from voiceflow_daemon.speech import Transcriber
from voiceflow_daemon.speech.processors import model_threads
from voiceflow_daemon.speech.select import load_transcriber
from voiceflow_daemon.storage.paths import assets_dir

if TYPE_CHECKING:
    from voiceflow_daemon.bench._sequential import Sequential

LONGEST_RECORDING_S = 3600.0
WARM_UP_S, WARM_UP_SEED = 2.0, 0

Progress = Callable[[int, int], None]
"""Called with how many seconds of speech are through, and how many there are."""


@dataclass(frozen=True)
class Run:
    """One utterance, three ways."""

    utterance: Utterance
    ours: Spoken
    sequential: Answered
    tuned: Answered


@dataclass
class Samples:
    """All that was measured, by the length asked for in seconds."""

    speech_threads: int
    llm_threads: int
    is_desktop: bool = False
    """Whether the daemon's texts were put into an editor."""
    prompt_tokens: int = 0
    runs: dict[int, list[Run]] = field(default_factory=dict)
    same_end: list[tuple[Spoken, Spoken]] = field(default_factory=list)
    """The daemon alone: an utterance of `SHORT_S`, and one of `LONG_S` with the same last words."""
    heard: dict[int, ErrorsByWay] = field(default_factory=dict)


def measure(
    subject: DictationSubject, runs: Mapping[int, int], progress: Progress, place: Place = NOWHERE
) -> Samples:
    """Speak utterances of each length that often; once before that, which does not count.

    The daemon delivers them to the `place`. Raises `VoiceflowError`.
    """
    subject = replace(subject, settings=_measurable(subject.settings))
    clips = sample_clips(_recordings())
    samples = Samples(_speech_threads(subject), _llm_threads(subject), place.is_desktop)
    through, total = 0, spoken_seconds(runs)
    with ExitStack() as stack:
        folder = stack.enter_context(own_folder(subject.paths.cache_dir / "bench"))
        daemon = stack.enter_context(release_daemon(subject.settings, subject.paths, folder, place))
        others = stack.enter_context(closing(_sequential(subject)))
        three_ways = _ThreeWays(daemon, others, _system_prompt(subject))
        samples.prompt_tokens = others.tokens(three_ways.system)
        three_ways.run(join_clips(clips, WARM_UP_S, WARM_UP_SEED), lambda _: None)
        for number in range(max(runs.values())):
            for seconds in (length for length, count in runs.items() if number < count):
                listening = partial(_tell, progress, through, seconds, total)
                one = three_ways.run(join_clips(clips, seconds, seed=number + 1), listening)
                samples.runs.setdefault(seconds, []).append(one)
                through += seconds
                progress(through, total)
            if number < _same_ends(runs):
                ours = samples.runs[SHORT_S][number]
                long = join_clips(clips, LONG_S, seed=number + 1, last=ours.utterance.clips[-1])
                listening = partial(_tell, progress, through, LONG_S, total)
                samples.same_end.append((ours.ours, daemon.dictate(long, listening)))
                through += LONG_S
                progress(through, total)
    return samples


def spoken_seconds(runs: Mapping[int, int]) -> int:
    """How much is spoken in all, by how often each length is."""
    return sum(seconds * count for seconds, count in runs.items()) + LONG_S * _same_ends(runs)


def _same_ends(runs: Mapping[int, int]) -> int:
    """How often the last words of a short utterance are spoken again at the end of a long one."""
    return min(runs.get(SHORT_S, 0), runs.get(LONG_S, 0))


def measure_recognition(subject: DictationSubject, samples: Samples, progress: Progress) -> None:
    """What the same recogniser makes of each utterance in one pass and clip by clip; adds the word errors.

    Raises `VoiceflowError`.
    """
    speech = subject.settings.speech
    through, total = 0, sum(seconds * len(runs) for seconds, runs in samples.runs.items())
    transcriber = Remembering(load_transcriber(subject.speech_path, speech, load_voice_detector()))
    with closing(transcriber):
        for seconds, runs in samples.runs.items():
            errors = []
            for run in runs:
                progress(through, total)
                errors.append(_word_errors(run, transcriber, speech))
                through += seconds
            samples.heard[seconds] = in_all(errors)
    progress(through, total)


def _word_errors(run: Run, transcriber: Transcriber, speech: SpeechSettings) -> ErrorsByWay:
    said, whole = run.utterance.said, [Piece(run.utterance.samples)]
    texts = {
        "streamed": run.ours.dictated.raw,
        "one_pass": heard(whole, transcriber, speech),
        "clip_by_clip": heard(clip_pieces(run.utterance), transcriber, speech),
        "sequential": run.sequential.heard,
        "sequential_tuned": run.tuned.heard,
    }
    return {way: word_errors(said, text) for way, text in texts.items()}


def measure_decoding(subject: DictationSubject, runs: int, progress: Progress) -> DecodeTimes:
    """How fast the language model writes, with drafts and without; raises `VoiceflowError`."""
    settings = patient(subject.settings)
    model = load_language_model(subject.llm_path, settings.llm, subject.paths.cache_dir)
    with closing(model):
        prompts = ContextPrompts(model.render_chat, assets_dir() / "prompts", subject.paths.config_dir)
        dictations = demo_dictations(_recordings())
        return decode.measure(model, prompts.template, settings, dictations, runs, progress)


def _recordings() -> Path:
    return assets_dir() / "demo" / "recordings"


def _tell(progress: Progress, through: int, seconds: int, total: int, spoken_s: float) -> None:
    progress(through + min(seconds, int(spoken_s)), total)


@dataclass(frozen=True)
class _ThreeWays:
    daemon: ReleaseDaemon
    others: Sequential
    system: str

    def run(self, utterance: Utterance, listening: Callable[[float], None]) -> Run:
        """Ours in real time; the others get the recording as it was at the release."""
        ours = self.daemon.dictate(utterance, listening)
        raw, written = ours.dictated.raw, ours.dictated.text
        sequential = self.others.defaults(utterance.samples, self.system, raw, written)
        tuned = self.others.tuned(utterance.samples, self.system, raw, written)
        return Run(utterance, ours, sequential, tuned)


def _measurable(settings: Settings) -> Settings:
    """The user's own settings, but for what would end a recording, cut a text short or keep it."""
    hotkey = settings.hotkey.model_copy(update={"mode": "hold", "max_recording_s": LONGEST_RECORDING_S})
    delivery = settings.delivery.model_copy(update={"method": "paste"})
    return patient(settings).model_copy(
        update={"hotkey": hotkey, "delivery": delivery, "history": HistorySettings(enabled=False)}
    )


def _speech_threads(subject: DictationSubject) -> int:
    return model_threads(subject.settings.speech.threads)


def _llm_threads(subject: DictationSubject) -> int:
    return subject.settings.llm.threads or default_threads(subject.llm_path.stat().st_size)


def _system_prompt(subject: DictationSubject) -> str:
    """What the daemon tells its language model."""
    prompts = ContextPrompts(
        lambda *texts: "".join(map(str, texts)), assets_dir() / "prompts", subject.paths.config_dir
    )
    return prompts.system_prompt(subject.settings.context, subject.settings)


def _sequential(subject: DictationSubject) -> Sequential:
    from voiceflow_daemon.bench._sequential import Sequential

    settings = subject.settings
    return Sequential(
        Models(
            speech=subject.speech_path,
            compute_type=settings.speech.compute_type,
            speech_threads=_speech_threads(subject),
            are_stand_ins=subject.is_stand_in,
            language=settings.speech.languages[0],
            llm=subject.llm_path,
            llm_threads=_llm_threads(subject),
            context_tokens=settings.llm.context_tokens,
            gpu_layers=settings.llm.gpu_layers,
            repacked_kernels=kernels_for(subject.llm_path, settings.llm, subject.paths.cache_dir).repacked,
        )
    )
