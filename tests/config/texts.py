"""Hypothesis strategies for settings."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from voiceflow_daemon.config.schema import BUILT_IN_CONTEXTS, Settings

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9 _.-]{0,12}\Z")
WORDS = st.text(max_size=30)


@st.composite
def good_settings(draw: st.DrawFn) -> Settings:
    """Settings of which any may differ from the defaults."""
    contexts: dict[str, dict[str, Any]] = {}
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        contexts[name] = draw(
            st.one_of(
                st.fixed_dictionaries({"prompt": st.text(min_size=1, max_size=80).filter(str.strip)}),
                st.fixed_dictionaries({"prompt_file": NAMES}),
            )
        )
    return Settings.model_validate(
        {
            "context": draw(st.sampled_from([*BUILT_IN_CONTEXTS, *contexts])),
            "notifications": draw(st.booleans()),
            "hotkey": {
                "key": draw(st.text(min_size=1, max_size=20)),
                "mode": draw(st.sampled_from(["hold", "toggle"])),
                "min_hold_ms": draw(st.integers(0, 2000)),
                "max_recording_s": draw(st.floats(0.01, 3600)),
            },
            "audio": {"microphone": draw(WORDS), "keep_open": draw(st.booleans())},
            "speech": {
                "languages": draw(st.lists(st.sampled_from(["en", "de", "yue"]), min_size=1, max_size=3)),
                "vocabulary": draw(st.lists(WORDS, max_size=3)),
                "vad_threshold": draw(st.floats(0.001, 0.999)),
            },
            "prompt_cache": {
                "ttl_s": draw(st.floats(min_value=0.001, allow_nan=False, allow_infinity=False))
            },
            "contexts": contexts,
        }
    )
