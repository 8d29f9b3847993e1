"""Copy-editing on real llama.cpp: token for token what plain decoding of the same prompt writes.

By one thread, bit for bit, without exception. By several, llama.cpp rounds a single row otherwise than a
row among others. There a difference must begin where the two best candidates lie within that rounding,
which is measured on other texts; such places are counted.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.scripted_model import SMALL, seconds_of
from tests.llm import tiny_models
from tests.llm.native_context import logits
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.decoding import Decoder
from voiceflow_daemon.llm.draft_size import BatchCosts
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.text.rules import format_by_rules

RECORDINGS = Path(__file__).parents[2] / "assets/demo/recordings/index.toml"
SPOKEN = (
    "um so we need ten chairs by noon no wait twenty please tell anna the train is late"
    " at half past four and i think it's fine new line is the invoice paid question mark"
)
LIMIT = 60

WRITERS: dict[str, Callable[[Path], None]] = {
    "demo": lambda path: path.symlink_to(tiny_models.DEMO),
    "llama": tiny_models.write_llama,
    "tagged": tiny_models.write_tagged,
    "sliding window": tiny_models.write_sliding_window,
}
"""The demo formats; the others have random weights and write nonsense until they are cut."""


class RecordingModel(LlamaCppModel):
    """Remembers its sequence; its clock is a table, so that each run takes the same batches."""

    def __init__(self, path: Path, threads: int) -> None:
        self.sequence: list[int] = []
        self.now = 0.0
        super().__init__(path, context_tokens=1024, threads=threads, gpu_layers=0, repacked_kernels=True)

    def evaluate(self, tokens: Sequence[int]) -> int:
        likeliest = super().evaluate(tokens)
        self._note(tokens)
        return likeliest

    def evaluate_each(self, tokens: Sequence[int]) -> list[int]:
        likeliest = super().evaluate_each(tokens)
        self._note(tokens)
        return likeliest

    def truncate(self, length: int) -> None:
        super().truncate(length)
        del self.sequence[self.length() :]

    def _note(self, tokens: Sequence[int]) -> None:
        self.sequence += tokens
        self.now += seconds_of(SMALL, len(tokens))
        assert len(self.sequence) == self.length()


class Desk:
    """One model, asked to write out transcripts with all kinds of drafts."""

    def __init__(self, model: RecordingModel) -> None:
        self.model = model
        self.metrics = Metrics()
        self._end = next(token for token in range(model._vocab_size) if model.is_end(token))
        self._plain = Decoder(model, Metrics(), None)
        self._edited = Decoder(model, self.metrics, BatchCosts(SMALL), lambda: model.now)

    def prompt(self, transcript: str) -> list[int]:
        """Make the sequence the prompt without its last token, and return the prompt.

        It is long: by two threads llama.cpp shares out the keys from about 256 on.
        """
        chat = self.model.render_chat(f"Context: default\n{SPOKEN}\n{SPOKEN}\n{SPOKEN}", transcript)
        *before, last = self.model.tokenize(chat, special=True)
        if self.model.sequence[: len(before)] == before:
            self.model.truncate(len(before))
        else:
            self.model.truncate(0)
            self.model.evaluate(before)
        return [*before, last]

    def source(self, transcript: str) -> list[int]:
        return self.model.tokenize(transcript, special=False)

    def plain(self, transcript: str) -> tuple[list[int] | None, list[int]]:
        prompt = self.prompt(transcript)
        text = self._plain.decode(self.model.evaluate(prompt[-1:]), LIMIT)
        return text, self._written(text, prompt)

    def edited(self, transcript: str, draft: Sequence[int]) -> tuple[list[int] | None, list[int]]:
        prompt = self.prompt(transcript)
        token = self.model.evaluate(prompt[-1:])
        text = self._edited.decode(token, LIMIT, draft, self.source(transcript))
        return text, self._written(text, prompt)

    def _written(self, text: list[int] | None, prompt: list[int]) -> list[int]:
        """With the end of the turn, where it came."""
        return self.model.sequence[len(prompt) :] + ([] if text is None else [self._end])

    def gap(self, transcript: str, written: Sequence[int], first: int, second: int) -> float:
        """Between two candidates' logits behind `written`, by plain decoding."""
        self.model.evaluate(self.prompt(transcript)[-1:])
        for token in written:
            self.model.evaluate([token])
        values = logits(self.model)
        return abs(float(values[first] - values[second]))

    def rounding(self, transcript: str, written: Sequence[int]) -> float:
        """The most that any logit differs when the same tokens come in batches instead of singly."""
        self.model.evaluate(self.prompt(transcript)[-1:])
        start, single = self.model.length(), []
        for token in written:
            self.model.evaluate([token])
            single.append(logits(self.model))
        most = 0.0
        for rows in (4, 8, 16):
            self.model.truncate(start)
            for first in range(0, len(written) - rows + 1, rows):
                self.model.evaluate_each(written[first : first + rows])
                most = max(most, float(np.abs(logits(self.model) - single[first + rows - 1]).max()))
        return most


def transcripts(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(SPOKEN.split(), k=chance.randint(1, 40))) for _ in range(count)]


def drafts(desk: Desk, transcript: str, right: list[int], chance: random.Random) -> Iterator[list[int]]:
    """By the rules, right, empty, wrong and adversarial."""
    source = desk.source(transcript)
    end = desk.model.tokenize("<|im_end|>", special=True)
    yield desk.source(format_by_rules(transcript))
    yield right
    yield []
    yield desk.source(format_by_rules(transcripts(1, chance.randrange(1000))[0]))
    yield chance.sample(right, len(right))
    yield right[:3] * 40
    yield right[: len(right) // 2] + source
    yield right + source * 20
    yield right[: len(right) // 2] + end + right[len(right) // 2 :]
    yield [token if chance.random() > 0.1 else chance.choice(source) for token in right]
    yield [chance.randrange(desk.model._vocab_size) for _ in range(60)]


def differences(desk: Desk, spoken: Sequence[str]) -> Iterator[tuple[str, list[int], list[int]]]:
    """Transcripts with what is written plainly and otherwise with a draft."""
    chance = random.Random(1)
    for transcript in spoken:
        text, right = desk.plain(transcript)
        for draft in drafts(desk, transcript, right, chance):
            edited, written = desk.edited(transcript, draft)
            if (edited, written) != (text, right):
                yield transcript, right, written


@pytest.fixture(scope="module", params=WRITERS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.gguf"
    WRITERS[request.param](file)
    return file


def test_by_one_thread_no_token_ever_differs(path: Path) -> None:
    with closing(RecordingModel(path, threads=1)) as model:
        desk = Desk(model)
        assert list(differences(desk, transcripts(6, seed=2))) == []
        assert desk.metrics.counter("tokens_accepted") > 300


def test_the_demo_dictations_by_one_thread() -> None:
    recordings = tomllib.loads(RECORDINGS.read_text(encoding="utf-8"))["recording"]
    with closing(RecordingModel(tiny_models.DEMO, threads=1)) as model:
        desk = Desk(model)
        assert list(differences(desk, [recording["heard"] for recording in recordings])) == []
        assert desk.metrics.counter("tokens_written") > 3 * desk.metrics.counter("decode_steps")


def test_by_several_threads_only_near_ties_differ(path: Path) -> None:
    with closing(RecordingModel(path, threads=2)) as model:
        desk = Desk(model)
        found = list(differences(desk, transcripts(3, seed=3)))
        rounding = max(desk.rounding(other, desk.plain(other)[1]) for other in transcripts(4, seed=4))
        print(f"{len(found)} answers differ; rounding moves a logit by up to {rounding:.3f}")  # see with -rP
        for transcript, right, written in found:
            same = next(at for at, pair in enumerate(zip(right, written, strict=False)) if pair[0] != pair[1])
            gap = desk.gap(transcript, right[:same], right[same], written[same])
            print(f"token {same}: {gap:.4f} between the two candidates")
            assert gap <= 2 * rounding
