"""The models that we know, what they need, and what each is good for. Pure data and choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

DEMO = "demo"
"""The small models that come with the program: they know the sample voice only."""


class ModelKind(StrEnum):
    """What a model does."""

    SPEECH = "speech"
    LANGUAGE = "language"


@dataclass(frozen=True)
class CatalogueModel:
    """One entry. `file` is the GGUF file of a language model and empty for a speech model's folder.

    `memory_bytes` is a rough figure for the loaded model with its buffers at the default settings
    (int8 speech, a context of 4,096 tokens).
    """

    name: str
    kind: ModelKind
    repository: str
    file: str
    download_bytes: int
    memory_bytes: int
    licence: str
    good_for: str


_MB = 1_000_000

# Sizes are those of the files on the hub (speech: model.bin with its tokenizer).
CATALOGUE: tuple[CatalogueModel, ...] = (
    CatalogueModel(
        "tiny.en",
        ModelKind.SPEECH,
        "Systran/faster-whisper-tiny.en",
        "",
        78 * _MB,
        250 * _MB,
        "MIT",
        "English, slow machines; mishears names",
    ),
    CatalogueModel(
        "base.en",
        ModelKind.SPEECH,
        "Systran/faster-whisper-base.en",
        "",
        148 * _MB,
        350 * _MB,
        "MIT",
        "English, fast; a clear voice, a good microphone",
    ),
    CatalogueModel(
        "small.en",
        ModelKind.SPEECH,
        "Systran/faster-whisper-small.en",
        "",
        486 * _MB,
        800 * _MB,
        "MIT",
        "English, the best balance on a CPU",
    ),
    CatalogueModel(
        "small",
        ModelKind.SPEECH,
        "Systran/faster-whisper-small",
        "",
        486 * _MB,
        800 * _MB,
        "MIT",
        "99 languages, balanced",
    ),
    CatalogueModel(
        "distil-large-v3",
        ModelKind.SPEECH,
        "Systran/faster-distil-whisper-large-v3",
        "",
        1_516 * _MB,
        1_600 * _MB,
        "MIT",
        "English, accurate; a fast CPU",
    ),
    CatalogueModel(
        "large-v3-turbo",
        ModelKind.SPEECH,
        # The repository that faster-whisper itself names for this model; Systran publishes none.
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "",
        1_622 * _MB,
        1_800 * _MB,
        "MIT",
        "99 languages, the most accurate; a fast CPU",
    ),
    CatalogueModel(
        "qwen2.5-0.5b-instruct",
        ModelKind.LANGUAGE,
        "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        491 * _MB,
        900 * _MB,
        "Apache-2.0",
        "fillers and punctuation on slow machines",
    ),
    CatalogueModel(
        "qwen2.5-1.5b-instruct",
        ModelKind.LANGUAGE,
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        1_117 * _MB,
        1_700 * _MB,
        "Apache-2.0",
        "everyday dictation, the best balance on a CPU",
    ),
    CatalogueModel(
        "qwen2.5-3b-instruct",
        ModelKind.LANGUAGE,
        "Qwen/Qwen2.5-3B-Instruct-GGUF",
        "qwen2.5-3b-instruct-q4_k_m.gguf",
        2_105 * _MB,
        2_700 * _MB,
        "Qwen Research (no commercial use)",
        "better style; a fast CPU",
    ),
    CatalogueModel(
        "qwen3-4b-instruct-2507",
        ModelKind.LANGUAGE,
        # Qwen publishes no GGUF of this release; this conversion is the one most in use.
        "unsloth/Qwen3-4B-Instruct-2507-GGUF",
        "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        2_497 * _MB,
        3_500 * _MB,
        "Apache-2.0",
        "the best style, many languages; a fast CPU or GPU",
    ),
)


def find(name: str) -> CatalogueModel | None:
    """The entry of that name, whatever its capitals."""
    return next((model for model in CATALOGUE if model.name == name.lower()), None)


@dataclass(frozen=True)
class Recommendation:
    """A pair that fits together, and why."""

    speech: CatalogueModel
    language: CatalogueModel
    reason: str


_FITTING: tuple[tuple[int, str, str], ...] = (
    (24_000 * _MB, "small.en", "qwen3-4b-instruct-2507"),
    (11_000 * _MB, "small.en", "qwen2.5-1.5b-instruct"),
    (5_500 * _MB, "base.en", "qwen2.5-1.5b-instruct"),
    (0, "base.en", "qwen2.5-0.5b-instruct"),
)
"""From so many bytes of memory on. Both models stay loaded beside all that the user runs, so a pair
takes at most a third of the memory. The 3B model's licence keeps it from being recommended."""


def recommended(memory_bytes: int, languages: Sequence[str]) -> Recommendation:
    """The pair for a machine with so much memory and a user of those languages (codes)."""
    speech, language = next((row[1], row[2]) for row in _FITTING if memory_bytes >= row[0])
    spoken = "English"
    if set(languages) != {"en"}:
        speech, spoken = "small", f"the languages {', '.join(languages)}"
    chosen_speech, chosen_language = find(speech), find(language)
    assert chosen_speech is not None
    assert chosen_language is not None
    gigabytes = memory_bytes / 1e9
    return Recommendation(
        chosen_speech,
        chosen_language,
        f"This machine has {gigabytes:.0f} GB of memory, and the settings name {spoken}.",
    )
