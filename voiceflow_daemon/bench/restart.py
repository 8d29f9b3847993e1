"""The first dictation after a restart: in a process of its own, with the prompt on disk.

Run as a module it is that process: a request as JSON on stdin, the figures as JSON on stdout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from voiceflow_daemon.bench.first_token import FirstTokenModel
from voiceflow_daemon.bench.ours import FirstToken, Ours
from voiceflow_daemon.bench.subject import Subject
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefixes import PrefixStore

CHILD = (sys.executable, "-P", "-m", "voiceflow_daemon.bench.restart")
TIME_LIMIT_S = 600.0

STAGES = (
    "prompt_format_ms",
    "prompt_tokenize_ms",
    "prompt_seam_ms",
    "prefix_read_ms",
    "prefix_restore_ms",
    "transcript_prefill_ms",
)
"""Metrics of what a first dictation does, in order, up to its first token."""


@dataclass(frozen=True)
class FirstDictation:
    """Milliseconds to the first token, the tier that the prompt came from, and what took how long of it."""

    ttft_ms: float
    tier: str
    stages_ms: dict[str, float]

    @property
    def read_ms(self) -> float:
        """Reading and checking the file; 0 where none was read."""
        return self.stages_ms.get("prefix_read_ms", 0.0)


def after_restart(subject: Subject, prefixes: Path, context: str, transcript: str) -> FirstDictation:
    """Start a process that loads the model, warms it up and dictates once; raises `VoiceflowError`."""
    request = {
        "name": subject.name,
        "model": str(subject.model),
        "settings": subject.settings.model_dump(mode="json"),
        "prompts_dir": str(subject.prompts_dir),
        "config_dir": str(subject.config_dir),
        "cache_dir": str(subject.cache_dir),
        "prefixes": str(prefixes),
        "context": context,
        "transcript": transcript,
    }
    try:
        ended = subprocess.run(
            CHILD, input=json.dumps(request), capture_output=True, text=True, timeout=TIME_LIMIT_S, check=True
        )
        return FirstDictation(**json.loads(ended.stdout))
    except subprocess.TimeoutExpired as error:
        raise VoiceflowError(f"A restarted process was not ready within {TIME_LIMIT_S:.0f} s.") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise VoiceflowError(f"A restarted process ended with {error.returncode}: {last}.") from error


def main() -> int:
    """The child."""
    request = json.load(sys.stdin)
    subject = Subject(
        request["name"],
        Path(request["model"]),
        Settings.model_validate(request["settings"]),
        Path(request["prompts_dir"]),
        Path(request["config_dir"]),
        Path(request["cache_dir"]),
    )
    metrics = Metrics()
    store = PrefixStore(Path(request["prefixes"]), subject.settings.prompt_cache.disk_mb << 20, metrics)
    model = FirstTokenModel(subject.load())
    try:
        ours = Ours(model, store, subject.prompts(model), subject.settings, metrics)
        first = ours.dictate(request["context"], request["transcript"])
    finally:
        store.close()
        model.close()
    print(json.dumps(asdict(_figures(first, metrics))))
    return 0


def _figures(first: FirstToken, metrics: Metrics) -> FirstDictation:
    timings = metrics.timings()
    return FirstDictation(
        first.ms, first.tier, {name: timings[name].total for name in STAGES if name in timings}
    )


if __name__ == "__main__":
    sys.exit(main())
