"""The composition root: starts everything in reading order and stops it in reverse."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from voiceflow_daemon.audio.recorder import Recorder, Spool
from voiceflow_daemon.config.load import load_settings
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.coordinator import Coordinator
from voiceflow_daemon.daemon.deliverer import Deliverer
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.daemon.session import HotkeyRules
from voiceflow_daemon.daemon.worker import Worker
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.llm.prompts import load_prompt
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.journal import Journal
from voiceflow_daemon.storage.paths import Paths, assets_dir

log = logging.getLogger(__name__)

_TRANSCRIPT = "\x02transcript\x03"


def run(paths: Paths) -> int:
    """Run the daemon until SIGINT or SIGTERM; returns the exit code."""
    settings = load_settings(paths.config_file)
    quit_requested = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: quit_requested.set())
    with ExitStack() as running:
        start(settings, paths, running)
        log.info("ready")
        quit_requested.wait()
    return 0


def start(settings: Settings, paths: Paths, running: ExitStack) -> Coordinator:
    """Start all threads; leaving `running` stops them in reverse."""
    from voiceflow_daemon.audio._sounddevice import SoundDeviceSource
    from voiceflow_daemon.desktop._x11 import X11ActiveWindow, X11Inserter
    from voiceflow_daemon.hotkey._pynput import PynputListener

    journal = Journal(paths.journal_dir)
    metrics = Metrics()

    def open_spool(recording_id: int, context: str) -> Spool:
        return journal.begin(f"{os.getpid()}-{recording_id}", context, 16_000)

    def watch_cancel(watch: bool) -> None:
        listener.watch_cancel(watch)

    coordinator = Coordinator(
        settings,
        hotkey_rules(settings),
        X11ActiveWindow,
        open_spool,
        watch_cancel,
    )
    listener = PynputListener(settings.hotkey.key, coordinator.emit)
    coordinator.recorder = Recorder(SoundDeviceSource(), coordinator.emit)
    coordinator.worker = Worker(lambda: load_pipeline(settings, metrics), coordinator.emit)
    coordinator.deliverer = Deliverer(X11Inserter, listener.is_down, coordinator.emit)
    for part in (
        coordinator.deliverer,
        coordinator.worker,
        coordinator.recorder,
        coordinator,
        listener,
    ):
        part.start()
        running.callback(part.stop)
    return coordinator


def hotkey_rules(settings: Settings) -> HotkeyRules:
    """The stage machine's rules from the settings."""
    key = settings.hotkey
    return HotkeyRules(
        mode=key.mode,
        single_modifier=key.key.split("_")[0] in {"ctrl", "alt", "shift", "cmd"} and "+" not in key.key,
        min_hold_s=key.min_hold_ms / 1000,
        release_grace_s=key.release_grace_ms / 1000,
        max_recording_s=key.max_recording_s,
    )


def load_pipeline(settings: Settings, metrics: Metrics) -> Pipeline:
    """Load both models."""
    from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
    from voiceflow_daemon.speech._faster_whisper import FasterWhisperTranscriber

    demo = assets_dir() / "demo"
    threads = os.cpu_count() or 4
    transcriber = FasterWhisperTranscriber(
        demo / "speech" if settings.speech.model == "demo" else Path(settings.speech.model),
        compute_type=settings.speech.compute_type,
        threads=threads,
    )
    model = LlamaCppModel(
        demo / "formatter.gguf" if settings.llm.model == "demo" else Path(settings.llm.model),
        context_tokens=settings.llm.context_tokens,
        threads=threads,
        gpu_layers=settings.llm.gpu_layers,
        repacked_kernels=settings.llm.repacked_kernels != "off",
    )

    def format_template(context: str, _settings: Settings) -> PromptTemplate:
        rendered = model.render_chat(load_prompt(assets_dir() / "prompts", context), _TRANSCRIPT)
        prefix, suffix = rendered.split(_TRANSCRIPT)
        return PromptTemplate(context, prefix, suffix)

    return Pipeline(transcriber, LlmEngine(model, metrics), PromptCache(format_template, metrics), metrics)
