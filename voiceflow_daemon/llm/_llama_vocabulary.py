"""The vocabulary of a model in llama.cpp: text to token ids and back, and its chat template."""

from __future__ import annotations

import ctypes
from typing import Any

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm._llama_library import llama_cpp
from voiceflow_daemon.llm.chat_template import ChatTemplate
from voiceflow_daemon.llm.plain_text import cut_markers

_CONTROL = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
_USER_DEFINED = llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED


class LlamaVocabulary:
    """Valid as long as the native model is; `size` is 0 for a model without text."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.size = int(llama_cpp.llama_vocab_n_tokens(self._vocab)) if self._vocab else 0

    def chat_template(self) -> ChatTemplate | None:
        """The model's own template, with the texts of its BOS and EOS; None when it has none."""
        source = llama_cpp.llama_model_chat_template(self._model, None)
        if not source:
            return None
        return ChatTemplate(
            source.decode("utf-8", "replace"),
            bos=self._text(llama_cpp.llama_vocab_bos(self._vocab)),
            eos=self._text(llama_cpp.llama_vocab_eos(self._vocab)),
            always_bos=bool(llama_cpp.llama_vocab_get_add_bos(self._vocab)),
        )

    def _text(self, token: int) -> str:
        text = llama_cpp.llama_vocab_get_text(self._vocab, token) if 0 <= token < self.size else b""
        return (text or b"").decode("utf-8", "replace")

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids, without a BOS of llama.cpp's own: the template writes it."""
        if special:
            return self.ids(text, special=True)
        return cut_markers(text, lambda part: self.ids(part, special=False), self._marker)

    def ids(self, text: str, *, special: bool) -> list[int]:
        """What llama.cpp makes of the text; without `special` it still finds user-defined tags."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, special)
        if count < 0:
            raise ModelError("llama.cpp cannot tokenize the text.")
        return list(ids[:count])

    def _marker(self, token: int) -> str | None:
        """The text of a control token or a user-defined tag; None for an ordinary token."""
        attributes = llama_cpp.llama_vocab_get_attr(self._vocab, token)
        if not attributes & (_CONTROL | _USER_DEFINED) and not self.is_end(token):
            return None
        text = self.bytes_of(token, special=True).decode("utf-8", "replace")
        # Some vocabularies have single letters as user-defined tokens: they open and close nothing.
        return None if attributes & _USER_DEFINED and len(text) <= 1 else text

    def bytes_of(self, token: int, *, special: bool) -> bytes:
        """The bytes of one token; a control token has some only with `special`."""
        size = 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def is_end(self, token: int) -> bool:
        """Whether the token ends the model's turn."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))
