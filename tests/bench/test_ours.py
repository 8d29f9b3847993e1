"""Our side dictates by the engine, and each way finds the prompt in the tier it is named after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes.disk_tier import FakeDiskTier
from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.bench.first_token import NOTHING, FirstTokenModel
from voiceflow_daemon.bench.ours import Ours, no_reuse
from voiceflow_daemon.bench.transcripts import EARLIER, RESTS, Rest
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import EvaluationAbortedError
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.paths import assets_dir


@pytest.fixture
def fake() -> FakeLanguageModel:
    return FakeLanguageModel()


@pytest.fixture
def disk() -> FakeDiskTier:
    return FakeDiskTier()


def opened(fake: FakeLanguageModel, disk: FakeDiskTier) -> Ours:
    model = FirstTokenModel(fake)
    prompts = ContextPrompts(model.render_chat, assets_dir() / "prompts", Path())
    return Ours(model, disk, prompts, Settings(), Metrics())


@pytest.fixture
def ours(fake: FakeLanguageModel, disk: FakeDiskTier) -> Ours:
    made = opened(fake, disk)
    for context in ("email", "slack"):
        made.prepare(context)
    fake.evaluated.clear()
    return made


@pytest.mark.parametrize("rest", RESTS, ids=lambda rest: rest.title)
def test_each_way_has_its_tier(ours: Ours, fake: FakeLanguageModel, disk: FakeDiskTier, rest: Rest) -> None:
    spoken = rest.transcript
    ways = [
        (ours.hot("email", spoken), "hot"),
        (ours.alternating("email", "slack", spoken), "ram"),
        (ours.from_ram("email", spoken), "ram"),
        (ours.after_ttl("email", spoken), "hot"),
        (opened(fake, disk).dictate("email", spoken), "disk"),
        (opened(fake, FakeDiskTier()).dictate("email", spoken), "none"),
    ]
    assert [first.tier for first, _ in ways] == [tier for _, tier in ways]
    assert all(first.ms > 0 for first, _ in ways)


def test_only_the_rest_is_evaluated_and_nothing_is_written(ours: Ours, fake: FakeLanguageModel) -> None:
    ours.hot("email", "so")
    earlier, measured = fake.evaluated
    assert bytes(token for token in earlier if token < 256).decode().startswith(EARLIER)
    assert bytes(token for token in measured if token < 256).decode() == "soassistant\n"


def test_nothing_dictated_leaves_the_suffix(ours: Ours, fake: FakeLanguageModel) -> None:
    ours.hot("email", "")
    assert bytes(token for token in fake.evaluated[-1] if token < 256).decode() == "assistant\n"
    assert FirstTokenModel(fake).tokenize(NOTHING, special=False) == []


def test_the_ttl_makes_the_template_again(ours: Ours, fake: FakeLanguageModel) -> None:
    rendered: list[str] = []
    render = fake.render_chat

    def counting(system: str, user: str, earlier: Sequence[tuple[str, str]] = ()) -> str:
        rendered.append(user)
        return render(system, user, earlier)

    fake.render_chat = counting  # type: ignore[method-assign]
    ours.hot("email", "so")
    assert rendered == []
    ours.after_ttl("email", "so")
    assert rendered


def test_what_is_known_of_the_prompts(ours: Ours, disk: FakeDiskTier) -> None:
    assert set(ours.prefix_tokens()) == set(ours.state_bytes()) == {"email", "slack"}
    assert sorted(ours.state_bytes().values()) == sorted(
        each.payload.nbytes for each in disk.entries.values()
    )


def test_a_model_that_does_not_answer_gives_no_figure(ours: Ours, fake: FakeLanguageModel) -> None:
    def stopped() -> None:
        raise EvaluationAbortedError

    fake.before_evaluation = stopped
    with pytest.raises(ModelError, match="first token"):
        ours.dictate("email", "so")


def test_without_reuse_the_whole_prompt_is_evaluated_at_once(fake: FakeLanguageModel) -> None:
    model = FirstTokenModel(fake)
    assert no_reuse(model, "Be brief.", "so") > 0
    assert fake.evaluated == [tuple(fake.tokenize(fake.render_chat("Be brief.", "so"), special=True))]
    assert fake.length() == 0
