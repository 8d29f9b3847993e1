"""The sound server's microphones (PulseAudio, or PipeWire in its place), by description.

Asked by `pactl` in its plain format: the JSON of pactl 16 loses every description with a letter
beyond ASCII ("(null)"), and older ones have no JSON.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from voiceflow_daemon.audio.source import Microphone

ANSWER_LIMIT_S = 2.0

_SAMPLE_SPECIFICATION = re.compile(r"\S+ (\d+)ch (\d+)Hz")


def sound_server_microphones() -> tuple[Microphone, ...]:
    """The server's sources without the monitors of its sinks; () without a server or without pactl."""
    default = _ask("get-default-source")
    sources = _ask("list", "sources")
    if sources is None:
        return ()
    return parse_sources(sources, (default or "").strip())


def parse_sources(listing: str, default: str) -> tuple[Microphone, ...]:
    """Read what `pactl list sources` says in English; whatever is not understood is left out."""
    found = (_parse_source(block, default) for block in re.split(r"^Source #\d+\n", listing, flags=re.M))
    return distinct(microphone for microphone in found if microphone is not None)


def distinct(microphones: Iterable[Microphone]) -> tuple[Microphone, ...]:
    """Number those that have the same description, so that each can be chosen."""
    seen: Counter[str] = Counter()
    numbered = []
    for microphone in microphones:
        seen[microphone.description] += 1
        count = seen[microphone.description]
        description = microphone.description if count == 1 else f"{microphone.description} ({count})"
        numbered.append(replace(microphone, description=description))
    return tuple(numbered)


def _parse_source(block: str, default: str) -> Microphone | None:
    fields = dict(re.findall(r"^\t(\S[^:\n]*): (.*)$", block, flags=re.M))
    name = fields.get("Name", "").strip()
    if not name or fields.get("Monitor of Sink", "n/a").strip() != "n/a":
        return None
    specification = _SAMPLE_SPECIFICATION.fullmatch(fields.get("Sample Specification", "").strip())
    channels, rate = map(int, specification.groups()) if specification else (1, 48_000)
    description = fields.get("Description", "").strip() or name
    return Microphone(description, name, name == default, rate, channels)


def _ask(*question: str) -> str | None:
    try:
        answer = subprocess.run(
            ["pactl", *question],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode(errors="replace")
