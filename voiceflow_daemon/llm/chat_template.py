"""Renders a model's own chat template (Jinja, from the GGUF's metadata)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from voiceflow_daemon.errors import ModelError

_FIXED_DAY = datetime(2025, 1, 1)  # noqa: DTZ001
"""Some templates print today's date. Formatting needs none, and it would spoil every cached prefix
at midnight."""

_RUNTIME_ERRORS = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What a template can raise: its own refusals and Python's errors from its expressions."""

_HINT = "Choose an instruct (chat) model, see `voiceflow models list`."


class ChatTemplate:
    """A compiled chat template. Rendering is sandboxed: the template comes with the model.

    `bos` and `eos` are the texts of those tokens. With `always_bos`, a prompt that the template
    begins without `bos` gets it, as the model was trained with it.
    """

    def __init__(self, source: str, *, bos: str, eos: str, always_bos: bool = False) -> None:
        """Raises `ModelError` when the template cannot be compiled or does not show the user's text."""
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
        )
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _FIXED_DAY.strftime
        self._bos, self._eos, self._always_bos = bos, eos, always_bos
        try:
            self._template = environment.from_string(source)
        except (jinja2.TemplateError, RecursionError) as error:
            raise ModelError(f"The model's chat template cannot be read: {error}.", _HINT) from error
        self._takes_system = self._shows_system()

    def render(self, system: str, user: str, earlier: Sequence[tuple[str, str]] = ()) -> str:
        """The prompt for one system and one user message, up to where the answer begins.

        `earlier` are turns before that message: what the user wrote, and what was answered.
        """
        try:
            text = self._render(self._messages(system, user, earlier))
        except _RUNTIME_ERRORS as error:
            raise ModelError(f"The model's chat template refuses a plain message: {error}.", _HINT) from error
        if self._always_bos and self._bos and not text.startswith(self._bos):
            text = self._bos + text
        return text + _end_of_thinking(text)

    def _messages(
        self, system: str, user: str, earlier: Sequence[tuple[str, str]] = ()
    ) -> list[dict[str, str]]:
        said = [text for asked, answered in earlier for text in (asked, answered)] + [user]
        if not self._takes_system:
            said[0] = f"{system}\n\n{said[0]}"
        turns = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)]
        return [{"role": "system", "content": system}, *turns] if self._takes_system else turns

    def _shows_system(self) -> bool:
        """Whether the template prints a system message: some refuse it, some leave it out."""
        messages = [{"role": "system", "content": "Rules9472"}, {"role": "user", "content": "Words9472"}]
        try:
            return "Rules9472" in self._render(messages)
        except _RUNTIME_ERRORS:
            return False

    def _render(self, messages: list[dict[str, str]]) -> str:
        variables: dict[str, Any] = {
            "messages": messages,
            "add_generation_prompt": True,
            "bos_token": self._bos,
            "eos_token": self._eos,
            # Models that think aloud do so unless told not to; other templates do not look.
            "enable_thinking": False,
            "thinking": False,
        }
        return self._template.render(variables)


def _end_of_thinking(text: str) -> str:
    """What closes a thinking block that the generation prompt has opened; mostly nothing."""
    if not text.rstrip().endswith("<think>"):
        return ""
    return "</think>\n\n" if text.endswith("\n") else "\n</think>\n\n"


class _Generation(Extension):
    """`{% generation %}...{% endgeneration %}`: marks answers for training; here only its body."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Put the body in the tag's place."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
