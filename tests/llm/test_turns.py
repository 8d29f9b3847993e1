"""Which earlier sentences the next one is given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.llm.turns import MOST_WORDS, Turn, chain


def turns(lengths: list[int]) -> list[Turn]:
    return [Turn(" ".join([f"w{at}"] * length), "Text.") for at, length in enumerate(lengths)]


LENGTHS = st.lists(st.integers(1, MOST_WORDS + 10), max_size=30)


@given(LENGTHS)
def test_the_last_sentence_and_those_before_it_as_far_as_they_fit(lengths: list[int]) -> None:
    said = turns(lengths)
    given_ = list(chain(said))
    assert given_ == said[len(said) - len(given_) :]
    assert sum(len(turn.transcript.split()) for turn in given_) <= MOST_WORDS
    if lengths and lengths[-1] <= MOST_WORDS:
        assert given_


@given(LENGTHS, st.integers(1, MOST_WORDS + 10))
def test_a_chain_grows_or_begins_anew_with_the_latest(lengths: list[int], more: int) -> None:
    said = turns([*lengths, more])
    before, after = list(chain(said[:-1])), list(chain(said))
    assert after in ([*before, said[-1]], said[-1:], [])


def test_when_no_more_fit_a_new_chain_begins() -> None:
    said = turns([20, 20, 20, 10, 10])
    assert [len(chain(said[:end])) for end in range(6)] == [0, 1, 2, 3, 1, 2]
