"""The settings, their defaults, limits, explanations, and what a change of each one takes.

One frozen model a table of the TOML file. Each field declares its effect, so that a reload does
exactly the union of the changed fields' effects, and its description, which becomes the comment
in the file that the first run writes.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

BUILT_IN_CONTEXTS = ("default", "email", "slack", "code")
"""Contexts that ship with a prompt, in menu order."""


class Effect(StrEnum):
    """What the daemon has to do when a field has changed."""

    LIVE = "live"
    """Nothing: the next dictation reads the new value."""
    PROMPTS = "prompts"
    """Invalidate the prompt cache and prepare the prompts again."""
    HOTKEY = "hotkey"
    """Let go of the hotkey and take the new one."""
    MODELS = "models"
    """Load the models again."""
    RESTART = "restart"
    """Takes effect at the daemon's next start."""


def setting(default: Any, effect: Effect, description: str, **limits: Any) -> Any:
    """A pydantic field with its effect and its explanation."""
    return Field(default, description=description, json_schema_extra={"effect": effect.value}, **limits)


class Table(BaseModel):
    """One table of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HotkeySettings(Table):
    """The push-to-talk key."""

    key: str = setting(
        "ctrl_r",
        Effect.HOTKEY,
        "The key to hold: a single modifier (ctrl_r, alt_r, ...), a key (f9, pause, scroll_lock)"
        ' or a combination ("ctrl+alt+space").',
        min_length=1,
        max_length=100,
    )
    mode: Literal["hold", "toggle"] = setting(
        "hold", Effect.HOTKEY, '"hold": speak while the key is down; "toggle": press to start, press to end.'
    )
    min_hold_ms: int = setting(
        200,
        Effect.HOTKEY,
        "A single modifier counts only when held alone for this long; a shorter tap is dropped.",
        ge=0,
        le=2000,
    )
    release_grace_ms: int = setting(
        40, Effect.HOTKEY, "How long a release must last before it is believed (auto-repeat).", ge=0, le=500
    )
    max_recording_s: float = setting(
        300.0, Effect.HOTKEY, "A recording whose release was never seen ends after this time.", gt=0, le=3600
    )


class AudioSettings(Table):
    """The microphone."""

    microphone: str = setting(
        "", Effect.LIVE, 'Description of the microphone; "" follows the sound server\'s default.'
    )
    tail_ms: int = setting(
        120, Effect.LIVE, "Recorded after the release, so that the last word is whole.", ge=0, le=2000
    )
    keep_open: bool = setting(
        False, Effect.LIVE, "Keep the microphone open between dictations; then preroll_ms applies."
    )
    preroll_ms: int = setting(
        300, Effect.LIVE, "With keep_open: how much before the key press is used.", ge=0, le=2000
    )


LANGUAGE_CODE_PATTERN = r"^[a-z]{2,3}$"
_WRITTEN = """
af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr
ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc
pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh
yue
"""
LANGUAGE_CODES = frozenset(_WRITTEN.split())
"""The languages that multilingual Whisper models know, as its tokenizer spells them."""


def _known_to_whisper(code: str) -> str:
    if code not in LANGUAGE_CODES:
        raise ValueError(f'Whisper knows no language "{code}"; codes are such as en, de, fr, es, ja, zh')
    return code


LanguageCode = Annotated[
    str, StringConstraints(pattern=LANGUAGE_CODE_PATTERN), AfterValidator(_known_to_whisper)
]
"""A Whisper language code: en, de, yue, ..."""


LEAST_SEGMENT_PAUSE_MS = 250
"""Where words are parted from each other: inside them it is silent for up to 192 ms."""


def _none_or_longer_than_in_words(pause_ms: int) -> int:
    if 0 < pause_ms < LEAST_SEGMENT_PAUSE_MS:
        raise ValueError(
            f"expected 0 or at least {LEAST_SEGMENT_PAUSE_MS}, found {pause_ms}; so short a silence may be"
            " inside a word"
        )
    return pause_ms


class SpeechSettings(Table):
    """The speech model: sound to raw transcript."""

    model: str = setting(
        "",
        Effect.MODELS,
        'Name from `voiceflow models list`, a folder, or a repository id; "demo" for the demo model;'
        ' "" for none yet.',
    )
    languages: list[LanguageCode] = setting(
        ["en"],
        Effect.LIVE,
        "One language is fixed; of several, each dictation's is detected among them.",
        min_length=1,
    )
    vocabulary: list[str] = setting(
        [], Effect.LIVE, "Names and terms that the recogniser should expect.", max_length=200
    )
    compute_type: Literal["int8", "int8_float32", "float32"] = setting(
        "int8", Effect.MODELS, "Precision of the speech model on the CPU."
    )
    threads: int = setting(0, Effect.MODELS, "CPU threads; 0 takes the physical cores.", ge=0, le=256)
    window_floor_s: float = setting(
        10.0,
        Effect.LIVE,
        "Whisper's window is shortened to the speech, but never below this; 30 switches shortening off.",
        ge=1,
        le=30,
    )
    window_padding_s: float = setting(
        2.0, Effect.LIVE, "Silence kept after the speech in a shortened window.", ge=0, le=10
    )
    vad_threshold: float = setting(
        0.5, Effect.LIVE, "Probability from which the voice detector calls a sound speech.", gt=0, lt=1
    )
    segment_pause_ms: Annotated[int, AfterValidator(_none_or_longer_than_in_words)] = setting(
        500,
        Effect.LIVE,
        "While you speak, a pause of this length (250 or more) has what was said so far recognised; 0"
        " recognises all after the release.",
        ge=0,
        le=5000,
    )
    segment_max_s: float = setting(
        12.0, Effect.LIVE, "Speech without pauses is cut after this time, where it is quietest.", ge=5, le=28
    )


class LlmSettings(Table):
    """The language model: raw transcript to finished text."""

    model: str = setting(
        "",
        Effect.MODELS,
        'Name from `voiceflow models list`, a GGUF file, or a repository id; "demo" for the demo model;'
        ' "" writes rule-formatted text.',
    )
    threads: int = setting(0, Effect.MODELS, "CPU threads; 0 takes the physical cores.", ge=0, le=256)
    context_tokens: int = setting(
        4096, Effect.MODELS, "Size of the model's context window, prompt included.", ge=512, le=131072
    )
    gpu_layers: int = setting(
        0, Effect.MODELS, "Layers on the GPU where llama.cpp was built for one; -1 for all.", ge=-1, le=1000
    )
    repacked_kernels: Literal["auto", "on", "off"] = setting(
        "auto",
        Effect.MODELS,
        'llama.cpp\'s fast CPU kernels; "auto" switches them off where a probe finds that they crash.',
    )
    deadline_s: float = setting(
        4.0,
        Effect.LIVE,
        "Time for formatting, beside a per-token allowance measured at load; after it, rules format.",
        gt=0,
        le=120,
    )


class ModelsSettings(Table):
    """Both models in memory."""

    unload_after_min: float = setting(
        0.0,
        Effect.LIVE,
        "For machines with little memory: after so many minutes without a dictation the models are freed,"
        " and loaded again when you press the hotkey, while you speak; 0 keeps them.",
        ge=0,
        le=10_080,
    )


class PromptCacheSettings(Table):
    """The prompt cache."""

    ttl_s: float = setting(
        300.0, Effect.PROMPTS, "How long a formatted template is used before it is made again.", gt=0
    )
    capacity: int = setting(
        32, Effect.PROMPTS, "How many templates are kept (least recently used goes first).", ge=1, le=10000
    )
    memory_mb: int = setting(
        512, Effect.PROMPTS, "Memory for evaluated prompts; 0 keeps only the one in use.", ge=0, le=1_000_000
    )
    disk_mb: int = setting(
        1024,
        Effect.PROMPTS,
        "Disk space for evaluated prompts, which then outlive a restart; 0 keeps none on disk.",
        ge=0,
        le=1_000_000,
    )


def _a_path(text: str) -> str:
    if "\0" in text:
        raise ValueError("no file has such a name")
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f'there is no user of the name in "{text}"') from error
    return text


class ContextSettings(Table):
    """One context of the user's own, or a change to a built-in one."""

    prompt: str = setting("", Effect.PROMPTS, "The system prompt.", max_length=20000)
    prompt_file: Annotated[str, AfterValidator(_a_path)] = setting(
        "", Effect.PROMPTS, "A text file with the system prompt, beside the config file or absolute."
    )
    whole: bool = setting(
        False,
        Effect.LIVE,
        "Format a dictation as one text after the release, not sentence by sentence while you speak: for"
        " styles that need to know the end, at the price of a wait.",
    )


CONTEXT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$"
ContextName = Annotated[str, StringConstraints(pattern=CONTEXT_NAME_PATTERN)]


class DeliverySettings(Table):
    """How the text gets to the cursor."""

    method: Literal["paste", "type", "copy"] = setting(
        "paste",
        Effect.LIVE,
        '"paste" by the clipboard, which is restored; "type" key by key; "copy" leaves it on the clipboard.',
    )
    paste_keys: str = setting("ctrl+v", Effect.LIVE, "What pastes in most programs.", min_length=1)
    restore_clipboard: bool = setting(True, Effect.LIVE, "Give the clipboard back after pasting.")
    by_sentence: bool = setting(
        False,
        Effect.LIVE,
        "Of a long dictation, put the sentences that are finished at the cursor as soon as the key is"
        " released, and the others behind them; else all at once.",
    )


class HistorySettings(Table):
    """The list of past dictations on this machine."""

    enabled: bool = setting(True, Effect.LIVE, "Keep finished texts in a private database.")
    keep_days: int = setting(30, Effect.LIVE, "Delete entries older than this.", ge=1, le=36500)


class LogSettings(Table):
    """The log file."""

    level: Literal["debug", "info", "warning", "error"] = setting("info", Effect.LIVE, "What is logged.")
    show_text: bool = setting(
        False, Effect.LIVE, "For debugging only: write dictated words into the log. They stay there!"
    )


class Settings(Table):
    """The whole file."""

    context: ContextName = setting("default", Effect.LIVE, "The context that dictations use.")
    notifications: bool = setting(True, Effect.LIVE, "Show desktop notifications.")
    hotkey: HotkeySettings = HotkeySettings()
    audio: AudioSettings = AudioSettings()
    speech: SpeechSettings = SpeechSettings()
    llm: LlmSettings = LlmSettings()
    models: ModelsSettings = ModelsSettings()
    prompt_cache: PromptCacheSettings = PromptCacheSettings()
    delivery: DeliverySettings = DeliverySettings()
    history: HistorySettings = HistorySettings()
    log: LogSettings = LogSettings()
    contexts: dict[ContextName, ContextSettings] = Field(default_factory=dict)
