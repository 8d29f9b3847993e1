"""A worker on fakes: its models are a recogniser that reads numbers and a language model of bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from tests.fakes.disk_tier import FakeDiskTier
from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.config.schema import Settings, SpeechSettings
from voiceflow_daemon.daemon.formatting import Formatter
from voiceflow_daemon.daemon.loading import LoadedModels
from voiceflow_daemon.daemon.orders import Load, Loaded, Order, WorkerEvent
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.daemon.worker import Worker
from voiceflow_daemon.errors import ConfigError, VoiceflowError
from voiceflow_daemon.llm.budget import Speed
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import RecognitionAbortedError, Transcript, always

Event = TypeVar("Event", bound=WorkerEvent)

SETTINGS = Settings()
LIMIT_S = 30.0
FAST = Speed(1e-6, 1e-5)
SUFFIX = "<|end|><|start|>assistant\n"


def template(context: str, _settings: Settings) -> PromptTemplate:
    """The context's name is all of its prompt."""
    if context.startswith("broken"):
        raise ConfigError(f"The context {context!r} has no prompt.")
    return PromptTemplate(context, f"<|start|>{context}<|end|><|start|>user\n", SUFFIX)


class NumberTranscriber:
    """Hears the recording's first sample as a number; `before` runs at each call."""

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None

    def warm_up(self) -> None:
        """Nothing is cold."""

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 1.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        self.before()
        if not wanted():
            raise RecognitionAbortedError
        return Transcript(str(round(float(samples[0]) * 32768)), "en", 1.0)

    def close(self) -> None:
        """Nothing is held."""


class WorkerBench:
    """A context manager; a worker that has its models unless `loads` is False."""

    def __init__(
        self,
        format_template: Callable[[str, Settings], PromptTemplate] = template,
        answer: Callable[[str], str] = str,
        *,
        loads: bool = True,
    ) -> None:
        self.metrics = Metrics()
        self.models: list[FakeLanguageModel] = []
        self.disk = FakeDiskTier()
        self.transcriber = NumberTranscriber()
        self.before_load: Callable[[], None] = lambda: None
        self.load_error: VoiceflowError | None = None
        self.events: list[WorkerEvent] = []
        self._format_template = format_template
        self._answer = answer
        self._loads = loads
        self._told = threading.Condition()
        self.worker = Worker(self._load, self._emit)

    @property
    def model(self) -> FakeLanguageModel:
        return self.models[-1]

    def _load(self, _settings: Settings) -> LoadedModels:
        self.before_load()
        if self.load_error is not None:
            raise self.load_error
        self.models.append(FakeLanguageModel(self._answer))
        engine = LlmEngine(self.model, self.metrics, self.disk, FAST)
        formatter = Formatter(engine, PromptCache(self._format_template, self.metrics), self.metrics)
        return LoadedModels(Pipeline(self.transcriber, formatter, self.metrics), ())

    def _emit(self, event: WorkerEvent) -> None:
        with self._told:
            self.events.append(event)
            self._told.notify_all()

    def __enter__(self) -> Self:
        self.worker.start()
        if self._loads:
            self.do(Load(SETTINGS))
            self.await_event(Loaded)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.worker.stop()

    def do(self, *orders: Order) -> None:
        for order in orders:
            self.worker.submit(order)

    def await_event(self, kind: type[Event], count: int = 1) -> Event:
        """The `count`th event of its kind."""
        with self._told:
            assert self._told.wait_for(lambda: len(self.of(kind)) >= count, LIMIT_S), f"no {kind.__name__}"
            return self.of(kind)[count - 1]

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def prefixes(self) -> list[str]:
        """What has been evaluated of prompts, in order, by context."""
        pieces = [bytes(token for token in tokens if token < 256) for tokens in self.model.evaluated]
        return [piece.decode().removesuffix("user\n") for piece in pieces if piece.endswith(b"user\n")]


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition without an event of its own."""
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.001)
