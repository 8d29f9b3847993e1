"""A dictation while it is spoken: what is heard and written early, and what the release has left to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.config.schema import Settings, SpeechSettings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import ALONE, Formatter, Rung, Within
from voiceflow_daemon.daemon.live import LiveDictation, NotWantedError
from voiceflow_daemon.llm.turns import Turn
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import RecognitionAbortedError, Transcript, always
from voiceflow_daemon.text.seams import Rule

WORD = 1600
"""Samples of a spoken word; its number is its amplitude."""
WORDS = (
    *("the report is ready now", "please call the office tomorrow", "scratch that", "and bring the keys"),
    *("we met in paris last year", "it was very quiet there"),
)
TEXT = " ".join(WORDS).split()


def spoken(first: int, last: int) -> NDArray[np.int16]:
    """The words first..last-1 of `TEXT` as sound."""
    return np.repeat(np.arange(first + 1, last + 1, dtype=np.int16), WORD)


class Ears:
    """Recognises `spoken`, in its `language`."""

    def __init__(self) -> None:
        self.language = "en"
        self.heard: list[str] = []
        self.languages: list[list[str]] = []
        self.loudness: list[float] = []
        self.before: Callable[[], None] = lambda: None
        """Runs at each call."""

    def warm_up(self) -> None:
        pass

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        self.before()
        if not wanted():
            raise RecognitionAbortedError
        numbers = np.rint(samples[::WORD] * 32768).astype(int)
        text = " ".join(TEXT[number - 1] for number in numbers if number > 0)
        self.heard.append(text)
        self.languages.append(settings.languages)
        self.loudness.append(loudness)
        return Transcript(text, self.language if text else settings.languages[0], len(samples) / 16_000)

    def close(self) -> None:
        pass


class Scribe(Formatter):
    """Writes rules' text and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__(None, None, Metrics())
        self.given: list[str] = []
        self.drafts: list[str] = []
        self.earlier: list[list[tuple[str, str]]] = []
        """What each text was given as the sentences before it."""
        self.read_ahead: list[tuple[list[tuple[str, str]], str]] = []
        """The sentences before, and what comes behind them so far, of all that was read ahead."""
        self.most_words = 1000
        """What fits."""
        self.latest_of: list[float | None] = []

    def fits(self, raw: str, context: str, settings: Settings) -> bool:
        return len(raw.split()) <= self.most_words

    def latest(self, texts: Sequence[str], context: str, settings: Settings) -> float | None:
        return float(len(texts))

    def format(
        self,
        raw: str,
        context: str,
        settings: Settings,
        language: str = "en",
        wanted: Callable[[], bool] = lambda: True,
        draft: str = "",
        within: Within = ALONE,
    ) -> tuple[str, Rung]:
        self.given.append(raw)
        self.latest_of.append(within.latest)
        self.drafts.append(draft)
        self.earlier.append([(turn.transcript, turn.text) for turn in within.earlier])
        assert within.goes_on
        return super().format(raw, context, settings, language, wanted)

    def prepare(
        self,
        context: str,
        settings: Settings,
        wanted: Callable[[], bool],
        earlier: Sequence[Turn] = (),
        said: str = "",
    ) -> bool:
        self.read_ahead.append(([(turn.transcript, turn.text) for turn in earlier], said))
        return super().prepare(context, settings, wanted, earlier, said)


class World:
    def __init__(self, settings: Settings | None = None) -> None:
        self.ears, self.scribe, self.metrics = Ears(), Scribe(), Metrics()
        self.live = LiveDictation("default", settings or Settings(), self.ears, self.scribe, self.metrics)
        self.until = 0

    def close_silence(self, words: int) -> None:
        first, self.until = self.until, self.until + words
        samples = np.zeros(words * WORD, np.int16)
        self.live.hear(
            SegmentClosed(
                1, first * WORD, self.until * WORD, samples, speech_ms=0, pause_ms=3000, loudness=0.1
            )
        )

    def close_segment(self, words: int, pause_ms: int = 900, speech_ms: int = 100) -> None:
        first, self.until = self.until, self.until + words
        samples = spoken(first, self.until)
        self.live.hear(
            SegmentClosed(
                *(1, first * WORD, self.until * WORD, samples),
                speech_ms=speech_ms,
                pause_ms=pause_ms,
                loudness=0.1,
            )
        )

    def write_all(self) -> None:
        while self.live.has_pending:
            self.live.write_next()

    def finish(self, words: int = 0) -> Dictated:
        return self.live.finish(spoken(0, self.until + words))


def test_without_segments_all_is_heard_and_written_at_once() -> None:
    world = World()
    done = world.finish(9)
    assert world.ears.heard == [" ".join(TEXT[:9])] == world.scribe.given == [done.raw]
    assert done.text == "The report is ready now please call the office."
    assert set(done.stages_ms) == {"transcribe", "format"}


def pending(world: World) -> bool:
    return world.live.has_pending


def test_after_a_pause_only_the_rest_is_left() -> None:
    world = World()
    world.close_segment(5)
    assert pending(world)
    world.write_all()
    assert not pending(world)
    assert world.scribe.given == ["the report is ready now"]
    done = world.finish(5)
    assert world.ears.heard == ["the report is ready now", "please call the office tomorrow"]
    assert world.scribe.given == ["the report is ready now", "please call the office tomorrow"]
    assert done.text == "The report is ready now. Please call the office tomorrow."
    assert done.raw == "the report is ready now please call the office tomorrow"
    assert [(one.sentence.raw, one.sentence.rule, one.text) for one in done.sentences] == [
        ("the report is ready now", Rule.PAUSE, "The report is ready now."),
        ("please call the office tomorrow", Rule.RELEASE, "Please call the office tomorrow."),
    ]


def test_each_sentence_is_given_the_finished_ones_before_it() -> None:
    world = World()
    world.close_segment(5)
    world.write_all()
    first = ("the report is ready now", "The report is ready now.")
    assert world.scribe.earlier == [[]]
    assert world.scribe.read_ahead == [([first], "")]
    world.finish(5)
    assert world.scribe.earlier == [[], [first]]


def test_what_is_heard_but_not_settled_is_read_ahead() -> None:
    world = World()
    world.close_segment(5)
    world.close_segment(3, pause_ms=0)
    world.write_all()
    first = ("the report is ready now", "The report is ready now.")
    assert world.scribe.read_ahead == [([first], "please call the")]
    world.close_segment(1, pause_ms=0)
    world.write_all()
    world.live.write_next()
    assert world.scribe.read_ahead[1:] == [([first], "please call the office")]
    assert not pending(world)


def test_reading_ahead_that_gave_way_is_begun_anew() -> None:
    world = World()
    world.close_segment(3, pause_ms=0)
    world.live.write_next(lambda: False)
    assert pending(world)
    world.write_all()
    assert world.scribe.read_ahead == [([], "the report is")] * 2


def test_what_is_too_long_for_the_model_is_not_read_ahead() -> None:
    world = World()
    world.scribe.most_words = 4
    world.close_segment(3, pause_ms=0)
    world.write_all()
    world.close_segment(2, pause_ms=0)
    world.write_all()
    assert [said for _, said in world.scribe.read_ahead] == ["the report is", ""]


def test_when_all_is_written_the_release_has_nothing_to_do() -> None:
    world = World()
    world.close_segment(5)
    world.write_all()
    done = world.finish()
    assert done.text == "The report is ready now."
    assert len(world.ears.heard) == len(world.scribe.given) == 1


def test_a_context_that_needs_the_whole_text_gets_it_with_the_sentences_as_its_draft() -> None:
    world = World()
    settings = Settings.model_validate({"contexts": {"default": {"whole": True}}})
    world.live = LiveDictation("default", settings, world.ears, world.scribe, world.metrics)
    world.close_segment(5)
    world.write_all()
    done = world.finish(5)
    assert world.scribe.given[-1] == "the report is ready now. please call the office tomorrow"
    assert world.scribe.drafts == ["", "The report is ready now. Please call the office tomorrow."]
    assert done.text == "The report is ready now. Please call the office tomorrow."


def test_a_whole_text_that_is_too_long_for_the_model_stays_as_its_sentences_were_written() -> None:
    world = World(Settings.model_validate(WHOLE))
    world.scribe.most_words = 9
    world.close_segment(5)
    world.write_all()
    done = world.finish(5)
    assert world.scribe.given == ["the report is ready now", "please call the office tomorrow"]
    assert world.scribe.earlier[-1] == [("the report is ready now", "The report is ready now.")]
    assert done.text == "The report is ready now. Please call the office tomorrow."


def test_what_is_too_long_for_the_model_is_written_sentence_by_sentence_within_one_time() -> None:
    world = World()
    world.scribe.most_words = 9
    world.close_segment(5)
    world.close_segment(5)
    done = world.finish()
    assert world.scribe.given == ["the report is ready now", "please call the office tomorrow"]
    assert world.scribe.earlier == [[], [("the report is ready now", "The report is ready now.")]]
    assert world.scribe.latest_of == [2.0, 2.0]
    assert done.text == "The report is ready now. Please call the office tomorrow."
    assert [one.sentence.raw for one in done.sentences] == world.scribe.given


def test_words_that_take_a_sentence_back_have_it_written_again() -> None:
    world = World()
    world.close_segment(5)
    world.close_segment(5)
    world.write_all()
    world.close_segment(2)
    world.write_all()
    done = world.finish()
    assert done.text == "The report is ready now."
    assert world.scribe.given[-1].endswith("scratch that")


def test_a_segment_behind_a_gap_is_left_to_the_release() -> None:
    world = World()
    world.close_segment(5)
    world.until += 2
    world.close_segment(3)
    done = world.finish(1)
    assert world.ears.heard == [" ".join(TEXT[:5]), " ".join(TEXT[5:11])]
    assert done.raw == " ".join(TEXT[:11])


def test_a_sentence_whose_writing_was_interrupted_is_written_later() -> None:
    world = World()
    world.close_segment(5)
    world.live.write_next(lambda: False)
    assert world.live.has_pending
    assert world.finish().text == "The report is ready now."


def test_pieces_are_heard_as_parts_of_their_recording() -> None:
    """A faint voice in the background must not be raised to the speaker's level."""
    world = World()
    world.close_segment(5)
    world.finish(2)
    assert world.ears.loudness == [0.1, 0.1]


def test_nobody_is_asked_what_was_said_in_a_silence() -> None:
    world = World()
    world.close_segment(5, pause_ms=0)
    world.write_all()
    assert world.scribe.given == []
    world.close_silence(20)
    world.write_all()
    assert world.scribe.given == world.ears.heard == [" ".join(TEXT[:5])]


def test_a_guess_changes_nothing() -> None:
    world = World()
    world.close_segment(5)
    early = world.live.finish(spoken(0, 7))
    assert early.raw == " ".join(TEXT[:7])
    assert world.finish(5).raw == " ".join(TEXT[:10])


def test_a_language_without_spaces_gets_none_and_is_written_as_a_whole() -> None:
    world = World()
    world.ears.language = "ja"
    world.close_segment(5)
    world.write_all()
    assert world.scribe.given == []
    assert world.scribe.read_ahead == [([], "")]
    done = world.finish(5)
    assert done.raw == " ".join(TEXT[:5]) + " ".join(TEXT[5:10])
    assert world.scribe.given == [done.raw]


def test_what_was_written_before_such_a_language_is_written_once() -> None:
    world = World()
    settings = Settings.model_validate({"speech": {"languages": ["en", "ja"]}})
    world.live = LiveDictation("default", settings, world.ears, world.scribe, world.metrics)
    world.close_segment(5, pause_ms=3000)
    world.write_all()
    world.ears.language = "ja"
    done = world.finish(5)
    assert done.raw == " ".join(TEXT[:5]) + " ".join(TEXT[5:10])
    assert world.scribe.given == [" ".join(TEXT[:5]), done.raw]
    assert len(done.sentences) == 1


def test_nobody_spoke() -> None:
    world = World()
    done = world.live.finish(np.zeros(WORD, np.int16))
    assert (done.text, done.rung) == ("", Rung.NOTHING)


def test_what_is_not_wanted_any_more_is_not_written() -> None:
    world = World()
    with pytest.raises(NotWantedError):
        world.live.finish(spoken(0, 5), 0.0, lambda: False)
    assert not world.scribe.given


def test_a_dictation_stays_in_its_language() -> None:
    world = World()
    settings = Settings.model_validate({"speech": {"languages": ["de", "en"]}})
    world.live = LiveDictation("default", settings, world.ears, world.scribe, world.metrics)
    world.close_segment(5, speech_ms=2000)
    world.finish(2)
    assert world.ears.languages == [["de", "en"], ["en"]]


def test_a_short_beginning_does_not_tell_the_language() -> None:
    world = World()
    settings = Settings.model_validate({"speech": {"languages": ["de", "en"]}} | BY_SENTENCE)
    world.live = LiveDictation("default", settings, world.ears, world.scribe, world.metrics)
    world.ears.language = "de"
    world.close_segment(5)
    world.write_all()
    world.ears.language = "en"
    world.close_segment(5, speech_ms=1900)
    world.write_all()
    assert world.live.fixed == "The report is ready now."
    world.finish(2)
    assert world.ears.languages == [["de", "en"], ["de", "en"], ["en"]]


def test_nothing_is_fixed_before_the_language_is_known() -> None:
    world = World()
    settings = Settings.model_validate({"speech": {"languages": ["de", "en"]}} | BY_SENTENCE)
    world.live = LiveDictation("default", settings, world.ears, world.scribe, world.metrics)
    for _ in range(2):
        world.close_segment(5)
        world.write_all()
    assert world.live.fixed == ""


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 300, 600, 1500]), st.booleans()), max_size=5)
)
def test_no_word_is_lost_or_doubled(segments: Sequence[tuple[int, int, bool]]) -> None:
    world = World()
    for words, pause_ms, writes in segments:
        if world.until + words > len(TEXT):
            break
        world.close_segment(words, pause_ms)
        if writes:
            world.write_all()
    done = world.finish(len(TEXT) - world.until)
    assert done.raw.split() == TEXT


BY_SENTENCE = {"delivery": {"by_sentence": True}}


def test_a_sentence_is_fixed_when_the_next_one_has_settled() -> None:
    world = World(Settings.model_validate(BY_SENTENCE))
    world.close_segment(5)
    world.write_all()
    assert world.live.fixed == ""
    world.close_segment(5)
    assert world.live.fixed == "The report is ready now."
    world.write_all()
    assert world.live.fixed == "The report is ready now."
    assert world.finish().text == "The report is ready now. Please call the office tomorrow."


def test_a_sentence_that_is_not_written_is_not_fixed() -> None:
    world = World(Settings.model_validate(BY_SENTENCE))
    world.close_segment(5)
    world.close_segment(5)
    assert world.live.fixed == ""
    world.live.write_next()
    assert world.live.fixed == "The report is ready now."


WHOLE = {"contexts": {"default": {"whole": True}}}


def test_of_a_text_that_is_written_as_a_whole_all_is_read_ahead() -> None:
    world = World(Settings.model_validate(WHOLE))
    for words in (5, 3):
        world.close_segment(words, pause_ms=900 if words == 5 else 0)
        world.write_all()
    assert world.scribe.read_ahead == [
        ([], "the report is ready now"),
        ([], "the report is ready now. please call the"),
    ]
    world.finish(1)
    assert world.scribe.given[-1] == "the report is ready now. please call the office"
    assert world.scribe.earlier[-1] == []


@pytest.mark.parametrize("settings", [Settings(), Settings.model_validate(BY_SENTENCE | WHOLE)])
def test_nothing_is_fixed_where_all_is_delivered_at_once(settings: Settings) -> None:
    world = World(settings)
    for _ in range(2):
        world.close_segment(5)
        world.write_all()
    assert world.live.fixed == ""


def test_nothing_is_fixed_in_a_language_without_spaces() -> None:
    world = World(Settings.model_validate(BY_SENTENCE))
    world.ears.language = "ja"
    for _ in range(2):
        world.close_segment(5, 3000)
        world.write_all()
    assert world.live.fixed == ""


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 300, 600, 1500]), st.booleans()), max_size=6)
)
def test_the_text_begins_with_all_that_was_ever_fixed(segments: Sequence[tuple[int, int, bool]]) -> None:
    world = World(Settings.model_validate(BY_SENTENCE))
    fixed = [""]
    for words, pause_ms, writes in segments:
        if world.until + words > len(TEXT):
            break
        world.close_segment(words, pause_ms)
        fixed.append(world.live.fixed)
        if writes:
            world.write_all()
            fixed.append(world.live.fixed)
    fixed.append(world.finish(len(TEXT) - world.until).text)
    assert all(later.startswith(earlier) for earlier, later in pairwise(fixed))
