"""A child process that offers a model states it must refuse; prints how many it has refused.

python -m tests.llm.damaged_states MODEL
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.llm.native_context import load, logits
from tests.llm.tiny_models import DEMO
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.backend import StateBytes

PREFIX, REST = list(range(300, 360)), list(range(320, 340))


def damaged(state: StateBytes, other: StateBytes) -> Iterator[tuple[StateBytes, int]]:
    """States with the length they claim."""
    random = np.random.default_rng(0)
    count = len(PREFIX)
    for size in [*range(40), *random.integers(0, state.size, 80).tolist(), state.size - 1]:
        yield state[:size].copy(), count
    for extra in (1, 7, 4096):
        yield np.concatenate([state, np.zeros(extra, np.uint8)]), count
    for wrong in (-1, 0, 1, count - 1, count + 1, 1024, 1 << 40):
        yield state, wrong
    for size in (1, 16, 1000, state.size):
        yield random.integers(0, 256, size, np.uint8), count
    yield other, count


def state_of_another_model(path: Path) -> StateBytes:
    """Of the demo; for the demo itself, of a cut copy that has another number of tokens."""
    model = load(DEMO)
    model.evaluate(PREFIX if path.resolve() != DEMO else PREFIX[:-1])
    state = model.state()
    model.close()
    return state


def right(model: LlamaCppModel) -> bytes:
    model.evaluate(PREFIX)
    model.evaluate(REST)
    return logits(model).tobytes()


def main(path: Path) -> None:
    model = load(path)
    expected = right(model)
    model.truncate(0)
    model.evaluate(PREFIX)
    refused = 0
    for state, length in damaged(model.state(), state_of_another_model(path)):
        if model.restore(state, length) or model.length() != 0:
            sys.exit(f"{state.size} bytes were taken for {length} tokens")
        refused += 1
        if refused % 8 == 0:
            if right(model) != expected:
                sys.exit(f"{state.size} bytes for {length} tokens left a trace")
            model.truncate(0)
    model.close()
    print(refused)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
