"""Renders a model's own chat template (Jinja, from the GGUF's metadata)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from voiceflow_daemon.errors import ModelError


class ChatTemplate:
    """A compiled chat template. Rendering is sandboxed: the template comes with the model."""

    def __init__(self, source: str, *, bos: str, eos: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
        self._bos, self._eos = bos, eos
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise ModelError(f"The model's chat template cannot be read: {error}.") from error

    def render(self, system: str, user: str) -> str:
        """The prompt for one system and one user message, up to where the answer begins."""
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        try:
            return self._render(messages)
        except jinja2.TemplateError:
            # Some templates (Gemma's first ones) refuse a system message: it goes before the user's.
            return self._render([{"role": "user", "content": f"{system}\n\n{user}"}])

    def _render(self, messages: list[dict[str, str]]) -> str:
        variables: dict[str, Any] = {
            "messages": messages,
            "add_generation_prompt": True,
            "bos_token": self._bos,
            "eos_token": self._eos,
            # Qwen3 and others think aloud unless told not to; unknown to other templates.
            "enable_thinking": False,
        }
        return self._template.render(variables)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
