"""Damaged files under the whole cache with llama.cpp: refused, removed, evaluated again, and no bit of
the output changed. (Tens of thousands of damages more go through the store alone, without a model.)
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.llm.test_exactness import DEMO, PLENTY, load, logits_of, some_tokens
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.kv_cache import KvCache
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefixes import PrefixStore

ROUNDS = 800
PREFIX, OTHER, REST = some_tokens(1, 12), some_tokens(2, 12), some_tokens(3, 4)


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCppModel]:
    model = load(DEMO)
    yield model
    model.close()


@pytest.fixture
def folder_in_memory(tmp_path: Path) -> Iterator[Path]:
    """Hundreds of files are each synced: on a disk that takes minutes."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def flip(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def truncate(file: Path, dice: random.Random) -> None:
    os.truncate(file, dice.randrange(file.stat().st_size))


def extend(file: Path, dice: random.Random) -> None:
    with file.open("ab") as end:
        end.write(dice.randbytes(dice.randrange(1, 100)))


def overwrite(file: Path, dice: random.Random) -> None:
    file.write_bytes(dice.randbytes(file.stat().st_size))


def swap(file: Path, dice: random.Random) -> None:
    (other,) = set(file.parent.glob("*.kv")) - {file}
    file.write_bytes(other.read_bytes())


def open_to_others(file: Path, dice: random.Random) -> None:
    file.chmod(dice.choice([0o644, 0o660, 0o666, 0o777]))


def link(file: Path, dice: random.Random) -> None:
    aside = file.with_suffix(".aside")
    file.rename(aside)
    file.symlink_to(aside)


def folder(file: Path, dice: random.Random) -> None:
    file.unlink()
    file.mkdir()
    (file / "within").touch()


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (
    flip,
    truncate,
    extend,
    overwrite,
    swap,
    open_to_others,
    link,
    folder,
)


def write_after(model: LlamaCppModel, cache: KvCache) -> tuple[int, bytes]:
    cache.make_hot(PREFIX)
    token = model.evaluate(REST)
    return token, logits_of(model)


def test_each_is_refused_removed_and_made_again(model: LlamaCppModel, folder_in_memory: Path) -> None:
    store = PrefixStore(folder_in_memory, PLENTY, Metrics())
    cache = KvCache(model, Metrics(), store, PLENTY)
    right = write_after(model, cache)
    store.flush()
    (file,) = folder_in_memory.glob("*.kv")
    whole = file.read_bytes()
    cache.make_hot(OTHER)
    store.close()
    dice = random.Random(1)
    for number in range(ROUNDS):
        DAMAGES[number % len(DAMAGES)](file, dice)
        metrics = Metrics()
        store = PrefixStore(folder_in_memory, PLENTY, metrics)
        assert write_after(model, KvCache(model, metrics, store, PLENTY)) == right
        store.close()
        assert (metrics.counter("prefix_refused"), metrics.counter("prefix_misses")) == (1, 1)
        assert len(file.read_bytes()) == len(whole)


def test_an_undamaged_one_is_used(model: LlamaCppModel, tmp_path: Path) -> None:
    for misses in (1, 0):
        metrics = Metrics()
        store = PrefixStore(tmp_path, PLENTY, metrics)
        write_after(model, KvCache(model, metrics, store, PLENTY))
        store.close()
        assert metrics.counter("prefix_misses") == misses
        assert metrics.counter("prefix_refused") == 0


def test_a_state_of_another_model_is_never_asked_for(model: LlamaCppModel, tmp_path: Path) -> None:
    """The same prompt, other kernels: its file is there, under another key."""
    plain = LlamaCppModel(DEMO, context_tokens=1024, threads=2, gpu_layers=0, repacked_kernels=False)
    try:
        for each in (model, plain):
            metrics = Metrics()
            store = PrefixStore(tmp_path, PLENTY, metrics)
            write_after(each, KvCache(each, metrics, store, PLENTY))
            store.close()
            assert metrics.counter("prefix_misses") == 1
    finally:
        plain.close()
    assert len(list(tmp_path.glob("*.kv"))) == 2
