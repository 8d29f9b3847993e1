"""Phase 3 of the prompt cache: evaluated prefixes in three tiers, hot, in RAM and on disk.

Hot is the one prefix that stands in the model's sequence. The other tiers hold copies of states, which
are put back whole. Entries are keyed by content, so they stay valid when a template is formatted
again, and never outlive what they depend on. Only static prefixes are ever kept: what was dictated is
cut off the sequence after each use, and states are taken before it comes.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import LanguageModel, StateBytes
from voiceflow_daemon.llm.kv_ram import EvaluatedPrefix, KvRam, Prefix
from voiceflow_daemon.metrics import Metrics

log = logging.getLogger(__name__)

Tier = Literal["hot", "ram", "disk", "none"]

REMEMBERED = 256
"""Of how many prefixes age and hits are known; a prompt that is edited often leaves many behind."""


class Stored(Protocol):
    """What the disk tier gives back: checked, and in memory."""

    @property
    def payload(self) -> StateBytes:
        """The state's bytes."""

    @property
    def created_at(self) -> float:
        """When it was evaluated, in `time.time`."""


class DiskTier(Protocol):
    """Evaluated prefixes on disk, by key; any thread may call any method, none raises."""

    @property
    def problem(self) -> str:
        """Why nothing can be kept on disk now; empty when all is well."""

    def read(self, key: str) -> Stored | None:
        """The entry; None where there is none, or none that checks out."""

    def write(self, key: str, payload: StateBytes, created_at: float) -> None:
        """Keep it; returns at once."""

    def discard(self, key: str) -> None:
        """Remove the entry."""

    def size(self, key: str) -> int | None:
        """The payload's bytes on disk."""

    def purge(self) -> None:
        """Remove all; nothing written before appears afterwards."""

    def set_limit(self, limit_bytes: int) -> None:
        """Keep to another limit; 0 keeps nothing."""

    def close(self) -> None:
        """Finish what is being written."""


@dataclass(frozen=True)
class PromptEntry:
    """What is known of a context's evaluated prefix, for `voiceflow status`.

    `tier` is the fastest one that has it, `bytes` its state's size (0 where it was never taken),
    `age_s` the time since it was evaluated, `hits` how often it was used without being evaluated.
    """

    context: str
    tier: Tier
    tokens: int
    bytes: int
    age_s: float | None
    hits: int


@dataclass(frozen=True)
class SequenceCopy:
    """The state of a hot prefix and what stood `behind` it, in tokens: dictated ones, so it is in no tier."""

    prefix: Prefix
    behind: int
    state: StateBytes
    generation: int


@dataclass
class _Record:
    created_at: float
    bytes: int
    hits: int = 0


class KvCache:
    """The model's thread uses it; `invalidate` and `entry` may be called from any."""

    def __init__(
        self,
        model: LanguageModel,
        metrics: Metrics,
        disk: DiskTier,
        memory_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._metrics = metrics
        self._disk = disk
        self._clock = clock
        self._lock = threading.Lock()
        self._ram = KvRam(memory_bytes)
        self._limits = (memory_bytes, -1)
        self._generation = 0
        self._hot: Prefix = ()
        self._hot_generation = 0
        self._takes_states = True
        self._cuts_restored = True
        self._records: OrderedDict[Prefix, _Record] = OrderedDict()

    def set_limits(self, memory_bytes: int, disk_bytes: int) -> None:
        """How much the tiers may hold from now on."""
        if (memory_bytes, disk_bytes) == self._limits:
            return
        self._limits = (memory_bytes, disk_bytes)
        with self._lock:
            evicted = self._ram.set_limit(memory_bytes)
        self._metrics.count("prefix_evictions_ram", evicted)
        self._disk.set_limit(disk_bytes)

    def invalidate(self) -> None:
        """Drop every tier, files included; nothing that was evaluated before is used again."""
        with self._lock:
            self._generation += 1
            self._ram.clear()
            self._records.clear()
        # A slow disk must not hold up a dictation, so what is evaluated from here on may go as well.
        self._disk.purge()
        with self._lock:
            for prefix, entry in self._ram.entries():
                self._disk.write(self._key(prefix), entry.state, entry.created_at)

    def make_hot(self, prefix: Prefix, behind: int = 0) -> int:
        """Make the model's sequence the prefix, by the fastest tier that has it.

        Where the prefix is hot and at least `behind` tokens stand behind it, as many of them are kept.
        Returns how many are: `behind` or 0. Raises what `LanguageModel.evaluate` raises; then nothing is
        hot.
        """
        with self._lock:
            generation = self._generation
        if self.keep(prefix, behind):
            self._used("hot", prefix)
            return behind
        self.forget_hot()
        if not self._restore_from_ram(prefix) and not self._restore_from_disk(prefix, generation):
            self._evaluate(prefix)
            self._keep(prefix, generation)
        with self._lock:
            self._hot, self._hot_generation = prefix, generation
        return 0

    def keep(self, prefix: Prefix, behind: int) -> bool:
        """Cut the sequence `behind` tokens behind the prefix; False where that cannot be.

        A model that cannot go back loses the prefix then.
        """
        with self._lock:
            is_hot = self._is_hot(prefix)
        return is_hot and self._cut_to(len(prefix) + behind)

    def copy(self, prefix: Prefix, behind: int) -> SequenceCopy | None:
        """The hot prefix and `behind` tokens behind it; what stands further behind is cut off.

        None where it cannot be had, or is by itself more than the RAM tier may hold. It is the caller's
        to forget.
        """
        with self._lock:
            record = self._records.get(prefix)
            bytes_at_least = record.bytes if record is not None else 1
        takes_copies = self._takes_states and self._cuts_restored
        if not takes_copies or bytes_at_least > self._limits[0] or not self.keep(prefix, behind):
            return None
        try:
            state = self._model.state()
        except (ModelError, MemoryError):
            return None
        with self._lock:
            fits = state.nbytes <= self._limits[0] and self._is_hot(prefix)
            return SequenceCopy(prefix, behind, state, self._generation) if fits else None

    def put_back(self, copy: SequenceCopy, behind: int) -> bool:
        """Make the sequence what was copied, `behind` tokens behind its prefix, where that is hot.

        False where it cannot be. Nothing that was evaluated before an `invalidate` is put back. Raises
        `ModelError` as `LanguageModel.restore` does.
        """
        with self._lock:
            if not self._is_hot(copy.prefix) or copy.generation != self._generation:
                return False
        if not self._cuts_restored:
            return False
        self.forget_hot()
        if not self._model.restore(copy.state, len(copy.prefix) + copy.behind):
            return False
        if behind < copy.behind and not self._cut_to(len(copy.prefix) + behind):
            # A sliding window, or recurrent: each more would cost the prefix again.
            self._cuts_restored = False
            return False
        with self._lock:
            self._hot, self._hot_generation = copy.prefix, copy.generation
        return True

    def rewind(self) -> None:
        """Cut what followed the prefix off the sequence; a model that cannot loses the prefix too."""
        if not self._cut_to(len(self._hot)):
            self.forget_hot()

    def forget_hot(self) -> None:
        """Empty the sequence."""
        with self._lock:
            self._hot = ()
        self._model.truncate(0)

    def entry(self, context: str, prefix: Prefix) -> PromptEntry:
        """Where the context's prefix is now."""
        with self._lock:
            is_hot, in_ram = self._is_hot(prefix), prefix in self._ram
            record = self._records.get(prefix)
        on_disk = self._disk.size(self._key(prefix))
        tier: Tier = "hot" if is_hot else "ram" if in_ram else "none" if on_disk is None else "disk"
        if record is None:
            return PromptEntry(context, tier, len(prefix), on_disk or 0, None, 0)
        age_s = max(0.0, self._clock() - record.created_at)
        return PromptEntry(context, tier, len(prefix), record.bytes, age_s, record.hits)

    def close(self) -> None:
        """Finish what is being written to disk; what is in memory is freed."""
        self._disk.close()
        with self._lock:
            self._hot = ()
            self._ram.clear()

    def _cut_to(self, length: int) -> bool:
        """Keep the first `length` tokens of the sequence; whether they are there then."""
        self._model.truncate(length)
        return self._model.length() == length

    def _is_hot(self, prefix: Prefix) -> bool:
        return self._hot == prefix and self._hot_generation == self._generation

    def _key(self, prefix: Prefix) -> str:
        """All that the state's bytes depend on; the ids by their digest: a file needs no copy of the text."""
        tokens = hashlib.sha256(np.array(prefix, "<i4").tobytes()).hexdigest()
        return f"voiceflow prefix\nmodel={self._model.state_identity}\ntokens={tokens}\nlength={len(prefix)}"

    def _used(self, tier: Tier, prefix: Prefix) -> None:
        self._metrics.count(f"prefix_hits_{tier}")
        with self._lock:
            if prefix in self._records:
                self._records[prefix].hits += 1

    def _restore_from_ram(self, prefix: Prefix) -> bool:
        with self._lock:
            entry = self._ram.get(prefix)
        if entry is None:
            return False
        if self._restore(prefix, entry.state):
            self._used("ram", prefix)
            return True
        # It was given by this very model a moment ago: so it takes none, and each try costs.
        self._takes_states = False
        with self._lock:
            self._ram.clear()
        return False

    def _restore_from_disk(self, prefix: Prefix, generation: int) -> bool:
        key = self._key(prefix)
        stored = self._disk.read(key) if self._takes_states else None
        if stored is None:
            return False
        if not self._restore(prefix, stored.payload):
            self._disk.discard(key)
            return False
        self._hold(prefix, EvaluatedPrefix(stored.payload, stored.created_at), generation)
        self._used("disk", prefix)
        return True

    def _restore(self, prefix: Prefix, state: StateBytes) -> bool:
        with self._metrics.timed("prefix_restore_ms"):
            restored = self._model.restore(state, len(prefix))
        if not restored:
            log.warning("the model did not take the state of a prompt; it is evaluated again")
            self._metrics.count("prefix_restores_failed")
        return restored

    def _evaluate(self, prefix: Prefix) -> None:
        self._metrics.count("prefix_misses")
        with self._metrics.timed("prompt_prefill_ms"):
            if prefix:
                self._model.evaluate(prefix)

    def _keep(self, prefix: Prefix, generation: int) -> None:
        """Into RAM and onto disk, unless all was invalidated since the evaluation began."""
        if not prefix or not self._takes_states:
            return
        try:
            state = self._model.state()
        except (ModelError, MemoryError) as error:
            log.warning("prompts are kept in the model alone: %s", error)
            self._takes_states = False
            return
        self._hold(prefix, EvaluatedPrefix(state, self._clock()), generation, key=self._key(prefix))

    def _hold(self, prefix: Prefix, entry: EvaluatedPrefix, generation: int, key: str = "") -> None:
        """Into RAM and, by `key`, onto disk; under the lock, so that no invalidation comes between."""
        with self._lock:
            if generation != self._generation:
                return
            self._records[prefix] = _Record(entry.created_at, entry.state.nbytes)
            self._records.move_to_end(prefix)
            if len(self._records) > REMEMBERED:
                self._records.popitem(last=False)
            evicted = self._ram.put(prefix, entry)
            if key:
                self._disk.write(key, entry.state, entry.created_at)
        self._metrics.count("prefix_evictions_ram", evicted)
