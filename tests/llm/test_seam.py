"""Pieces and whole agree with llama.cpp's own tokenizers, for whatever is dictated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import llama_cpp
import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.llm.tiny_models import DEMO, TAGS, write_llama, write_tagged
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.llm.prompt_tokens import PromptTokens, TokenCache
from voiceflow_daemon.llm.prompts import BUILT_IN, ContextPrompts
from voiceflow_daemon.metrics import Metrics

PROMPTS = Path(__file__).parents[2] / "assets/prompts"
NOT_TEXT = (
    llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
    | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
    | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
)
MARKERS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", *TAGS)
IN_TEMPLATES = ("[INST]", "[/INST]", "<<SYS>>", "user\n", "assistant", "<|", "|>", "</", "<0x0A>", "\u2581")
WORDS = (
    "so",
    "'so",
    "'ready",
    "'sso",
    "the",
    "Monday",
    "what is",
    "3:30",
    "PM",
    "'s",
    "\n\n",
    "  ",
    "\t",
    "\r\n",
    ". ",
    "] ",
    "ü",
)

words = st.sampled_from(WORDS) | st.sampled_from(IN_TEMPLATES)
anything = st.text(st.characters(exclude_categories=()), max_size=12)
transcripts = st.lists(words | anything, max_size=8).map("".join)
with_markers = st.lists(st.sampled_from(MARKERS) | words | anything, max_size=8).map("".join)

OTHER_TEMPLATES = (
    ("### Instruction:\nWrite it out.\n\n### Input:\n", "\n\n### Response:\n"),
    ("Write it out: ", ""),
    ('The words are "', '".\nFinished: '),
    ("<s>Rules stand here.\n\nUSER: ", " ASSISTANT:"),
    ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"),
    ("</s>\n<|user|>\n", "</s>\n<|assistant|>\n"),
    ("", ""),
)
"""Surroundings of other models' kinds: a heading, a space, a quote, words, markers, nothing at all."""


@dataclass(frozen=True, repr=False)
class Case:
    """A loaded model, and templates to read with it: its own for each context first."""

    name: str
    model: LlamaCppModel
    metrics: Metrics
    cache: TokenCache
    templates: tuple[PromptTemplate, ...]

    def __repr__(self) -> str:
        return self.name

    def whole(self, template: PromptTemplate, transcript: str) -> list[int]:
        return self.model.tokenize(template.prefix + transcript + template.suffix, special=True)

    def pieces(self, template: PromptTemplate, transcript: str) -> list[int]:
        prompt = self.cache.get(template)
        return [*prompt.prefix, *self.cache.rest(prompt, transcript)]

    def is_plain(self, transcript: str) -> bool:
        tokens = [self.model.tokenize(transcript, special=special) for special in (True, False)]
        return tokens[0] == tokens[1]

    def spelled(self, tokens: list[int]) -> bytes:
        return b"".join(self.model._vocabulary.bytes_of(token, special=True) for token in tokens)

    def not_text(self, tokens: list[int]) -> list[int]:
        vocab = self.model._vocabulary._vocab
        return [token for token in tokens if llama_cpp.llama_vocab_get_attr(vocab, token) & NOT_TEXT]


WRITERS = {"demo": None, "user-defined tags": write_tagged, "SentencePiece": write_llama}


@pytest.fixture(scope="module", params=WRITERS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    path, write = DEMO, WRITERS[request.param]
    if write is not None:
        write(path := tmp_path_factory.mktemp("models") / "tiny.gguf")
    model = LlamaCppModel(path, context_tokens=512, threads=1, gpu_layers=0, repacked_kernels=True)
    prompts = ContextPrompts(model.render_chat, PROMPTS, Path())
    own = [prompts.template(context, Settings()) for context in BUILT_IN]
    others = [PromptTemplate("other", prefix, suffix) for prefix, suffix in OTHER_TEMPLATES]
    metrics = Metrics()
    yield Case(request.param, model, metrics, TokenCache(model, metrics), (*own, *others))
    model.close()


def stripped(transcript: str) -> str:
    """As the engine does it, and of SentencePiece's own letter for a space."""
    while transcript != (shorter := transcript.strip().strip("\u2581")):
        transcript = shorter
    return transcript


def thorough(examples: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def test_every_seam_is_proved_or_moved(case: Case) -> None:
    for template in case.templates:
        case.cache.get(template)
    assert case.metrics.counter("prompt_seams_crossed") == 0


def test_a_template_of_tokens_of_its_own_needs_no_move(case: Case) -> None:
    own = [case.cache.get(template) for template in case.templates[: len(BUILT_IN)]]
    moved = [bool(prompt.lead + prompt.trail) for prompt in own]
    assert moved == [case.name == "SentencePiece"] * len(BUILT_IN)


def test_a_moved_seam_leaves_nearly_all_of_the_prefix_to_be_kept(case: Case) -> None:
    for template in case.templates[: len(BUILT_IN)]:
        prompt = case.cache.get(template)
        assert len(prompt.prefix) > 0.9 * len(case.whole(template, ""))
        assert template.prefix.endswith(prompt.lead)
        assert template.suffix.startswith(prompt.trail)


@thorough(400)
@given(data=st.data(), transcript=transcripts)
def test_pieces_are_the_whole(case: Case, data: st.DataObject, transcript: str) -> None:
    transcript = stripped(transcript)
    assume(case.is_plain(transcript))
    template = data.draw(st.sampled_from(case.templates))
    assert case.pieces(template, transcript) == case.whole(template, transcript)


def test_pieces_are_the_whole_whatever_stands_at_the_seam(case: Case) -> None:
    """Each printable character, alone and beside a word or a digit, at both ends of the transcript."""
    templates = case.templates[len(BUILT_IN) - 1 :]
    for character in filter(str.isprintable, map(chr, range(33, 256))):
        for beside in ("", "a", "so", "7"):
            transcript = f"{character}{beside} and {beside}{character}"
            assert case.is_plain(transcript)
            for template in templates:
                assert case.pieces(template, transcript) == case.whole(template, transcript)


@thorough(200)
@given(data=st.data(), transcript=transcripts)
@example(data=None, transcript=" ")
@example(data=None, transcript="\n\n so \n\n")
def test_white_space_around_is_kept_however_it_is_spelled(
    case: Case, data: st.DataObject | None, transcript: str
) -> None:
    assume(case.is_plain(transcript))
    templates = [data.draw(st.sampled_from(case.templates))] if data else case.templates
    for template in templates:
        pieces, whole = case.pieces(template, transcript), case.whole(template, transcript)
        assert case.spelled(pieces) == case.spelled(whole)


@thorough(400)
@given(data=st.data(), transcript=with_markers)
def test_no_marker_comes_out_of_a_transcript_and_every_character_does(
    case: Case, data: st.DataObject, transcript: str
) -> None:
    template = data.draw(st.sampled_from(case.templates))
    prompt = case.cache.get(template)
    ids = case.cache.rest(prompt, transcript)
    assert ids[len(ids) - len(prompt.suffix) :] == list(prompt.suffix)
    said = ids[: len(ids) - len(prompt.suffix)]
    assert not case.not_text(said)
    text = (prompt.lead + transcript + prompt.trail).encode("utf-8", "replace").decode()
    written = case.spelled(said).decode()
    if case.name == "SentencePiece":
        # It writes a space as this letter, and puts one before the whole text.
        text = text.replace("\u2581", " ")
        written = written.removeprefix(" ") if text else written
    assert written == text


@pytest.mark.parametrize("marker", MARKERS)
def test_a_dictated_marker_is_a_marker_only_in_the_whole(case: Case, marker: str) -> None:
    template = case.templates[0]
    if case.is_plain(marker):
        assert case.pieces(template, marker) == case.whole(template, marker)
        return
    prompt = case.cache.get(template)
    around = len(case.not_text([*prompt.prefix, *prompt.suffix]))
    assert len(case.not_text(case.whole(template, f"say {marker} now"))) == around + 1
    assert len(case.not_text(case.pieces(template, f"say {marker} now"))) == around


@pytest.mark.parametrize(
    "unit", ["so the meeting is on monday. ", "a", "\n ", "日本🙂", "\ud800", "</s>", "=="]
)
def test_very_long_transcripts(case: Case, unit: str) -> None:
    transcript = f"so{unit * (30_000 // len(unit))}so"
    for template in (case.templates[0], case.templates[-2]):
        if case.is_plain(transcript):
            assert case.pieces(template, transcript) == case.whole(template, transcript)
        else:
            prompt = case.cache.get(template)
            assert not case.not_text(case.cache.rest(prompt, transcript)[: -len(prompt.suffix)])


def test_the_naive_seam_would_be_wrong_where_it_was_moved(case: Case) -> None:
    """What the proof is for: the tokens of the three texts by themselves differ there, and only there."""
    for template in case.templates:
        prompt = case.cache.get(template)
        naive = PromptTokens(
            tuple(case.model.tokenize(template.prefix, special=True)),
            tuple(case.model.tokenize(template.suffix, special=True)),
        )
        said = "so"
        agrees = [*naive.prefix, *case.cache.rest(naive, said)] == case.whole(template, said)
        assert agrees or prompt != naive
