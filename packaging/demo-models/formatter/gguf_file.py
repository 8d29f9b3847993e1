"""The parts of the exported GGUF file: header, tokenizer, tensors."""

import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from . import chat

FILE_TYPES = {
    Type.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    Type.F16: gguf.LlamaFileType.MOSTLY_F16,
}
QUANTISATIONS = {"q8_0": Type.Q8_0, "f16": Type.F16}


def vocabulary():
    """(tokens, their types, merges) of the training tokenizer."""
    tokenizer = json.loads((Path(__file__).parent / "tokenizer.json").read_text())
    special = {added["content"]: added["id"] for added in tokenizer["added_tokens"]}
    ids = tokenizer["model"]["vocab"] | special
    tokens = sorted(ids, key=ids.get)
    assert [ids[token] for token in tokens] == list(range(len(tokens)))
    merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]]
    types = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    return tokens, types, merges


def write_header(writer, config, name, file_type):
    """The model's dimensions; `config` has the keys of `train.CONFIG`."""
    writer.add_name(name)
    writer.add_context_length(2048)
    writer.add_embedding_length(config["d"])
    writer.add_feed_forward_length(config["ff"])
    writer.add_block_count(config["layers"])
    writer.add_head_count(config["heads"])
    writer.add_head_count_kv(config["kv"])
    writer.add_layer_norm_rms_eps(config["eps"])
    writer.add_rope_freq_base(config["theta"])
    writer.add_file_type(FILE_TYPES[file_type])


def write_tokenizer(writer):
    """The training tokenizer."""
    tokens, types, merges = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    # Given explicitly: llama.cpp's defaults for "gpt2" are other ids.
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat.TEMPLATE)


def packed(array, file_type):
    """The bytes to store."""
    array = np.ascontiguousarray(array, np.float32)
    return array.astype(np.float16) if file_type == Type.F16 else gguf.quants.quantize(array, file_type)


def add_tensor(writer, name, array, file_type):
    """One tensor; vectors stay in full precision."""
    if array.ndim == 1:
        writer.add_tensor(name, array.astype(np.float32))
    else:
        raw = None if file_type == Type.F16 else file_type
        writer.add_tensor(name, packed(array, file_type), raw_dtype=raw)


def finish(writer):
    """Write all that was added."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
