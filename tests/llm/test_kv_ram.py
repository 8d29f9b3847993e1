"""The RAM tier keeps to its limit and forgets what was used least recently."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voiceflow_daemon.llm.kv_ram import EvaluatedPrefix, KvRam, Prefix

prefixes = st.integers(0, 5).map(lambda number: (number,))


class Ram(RuleBasedStateMachine):
    """Against an ordered dict of sizes."""

    @initialize(limit=st.integers(0, 100))
    def start(self, limit: int) -> None:
        self.limit = limit
        self.ram = KvRam(limit)
        self.known: OrderedDict[Prefix, int] = OrderedDict()

    def _shrink(self) -> int:
        evicted = 0
        while sum(self.known.values()) > self.limit:
            self.known.popitem(last=False)
            evicted += 1
        return evicted

    @rule(prefix=prefixes, size=st.integers(0, 60))
    def put(self, prefix: Prefix, size: int) -> None:
        evicted = self.ram.put(prefix, EvaluatedPrefix(np.zeros(size, np.uint8), 0.0))
        self.known.pop(prefix, None)
        if size <= self.limit:
            self.known[prefix] = size
        assert evicted == self._shrink()

    @rule(prefix=prefixes)
    def get(self, prefix: Prefix) -> None:
        entry = self.ram.get(prefix)
        assert (entry.state.nbytes if entry else None) == self.known.get(prefix)
        if prefix in self.known:
            self.known.move_to_end(prefix)

    @rule(prefix=prefixes)
    def discard(self, prefix: Prefix) -> None:
        self.ram.discard(prefix)
        self.known.pop(prefix, None)

    @rule(limit=st.integers(0, 100))
    def set_limit(self, limit: int) -> None:
        self.limit = limit
        assert self.ram.set_limit(limit) == self._shrink()

    @rule()
    def clear(self) -> None:
        self.ram.clear()
        self.known.clear()

    @invariant()
    def keeps_to_its_limit(self) -> None:
        held = {prefix: entry.state.nbytes for prefix, entry in self.ram.entries()}
        assert held == self.known
        assert sum(held.values()) <= self.limit
        assert all(((number,) in self.ram) == ((number,) in self.known) for number in range(6))


TestRam = Ram.TestCase
TestRam.settings = hypothesis_settings(max_examples=100, stateful_step_count=30, deadline=None)
