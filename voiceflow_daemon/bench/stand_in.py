"""Stand-in models: the demo formatter with a real model's shape and cost, made on the spot and kept.

Speed does not depend on what the weights are, so a stand-in costs what the real model costs, needs no
download, and still formats as the demo formatter does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, LlamaFileType, TokenType
from gguf.constants import Keys

from voiceflow_daemon.bench import quantised, widening
from voiceflow_daemon.bench.widening import Planned, Shape, SmallModel, Widening, plan
from voiceflow_daemon.errors import VoiceflowError

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("qwen2.5-0.5b", 896, 4864, 24, 14, 2, 64, 151936, GGMLQuantizationType.Q4_0),
        Shape("qwen2.5-1.5b", 1536, 8960, 28, 12, 2, 128, 151936, GGMLQuantizationType.Q4_K),
        Shape("qwen2.5-3b", 2048, 11008, 36, 16, 2, 128, 151936, GGMLQuantizationType.Q4_K),
    )
}
"""By name. The embedding is stored as Q8_0. The rows of the smallest are no multiple of Q4_K's blocks."""

TRAINED_CONTEXT = 32768
SPARE_BYTES = 100_000_000
"""Left free on the disk."""

Progress = Callable[[int, int], None]
"""Called with bytes written and bytes in all."""

_FILE_TYPES = {
    GGMLQuantizationType.Q4_0: LlamaFileType.MOSTLY_Q4_0,
    GGMLQuantizationType.Q4_K: LlamaFileType.MOSTLY_Q4_K_M,
}
_TOKENS, _TOKEN_TYPES = Keys.Tokenizer.LIST, Keys.Tokenizer.TOKEN_TYPE
_BYTE = np.dtype(np.uint8)
_PARTIAL = ".partial"
_ABANDONED_S = 3600.0


def stand_in(shape: Shape, small: Path, folder: Path, progress: Progress) -> Path:
    """The stand-in's file in `folder`, made now if it is not there.

    Made anew when the demo formatter `small` or the making has changed. Raises `VoiceflowError` when
    there is no room, OSError when the folder cannot be written.
    """
    path = folder / f"{shape.name}-{_digest(shape, small)}.gguf"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _tidy(folder, shape)
    _demand_room(folder, size_bytes(shape))
    partial = path.with_suffix(f".{os.getpid()}{_PARTIAL}")
    try:
        write(partial, shape, small, progress)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def size_bytes(shape: Shape) -> int:
    """About the size of the file: its tensors and its vocabulary."""
    return _tensor_bytes(plan(shape)) + 20 * shape.vocabulary


def write(path: Path, shape: Shape, small: Path, progress: Progress) -> None:
    """Write the model, tensor by tensor, and sync it."""
    reader = GGUFReader(small)
    model = SmallModel(reader)
    widened, planned = Widening(model, shape), plan(shape)
    total = _tensor_bytes(planned)
    writer = GGUFWriter(path, "qwen2")
    try:
        _describe(writer, reader, widened, model, shape)
        for each in planned:
            size = _tensor_bytes([each])
            writer.add_tensor_info(each.name, each.packed_shape, _BYTE, size, raw_dtype=each.kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        done = 0
        for tensor in widened.tensors():
            writer.write_tensor_data(tensor)
            done += tensor.nbytes
            progress(done, total)
        writer.flush()
    finally:
        writer.close()
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _describe(
    writer: GGUFWriter, reader: GGUFReader, widened: Widening, model: SmallModel, shape: Shape
) -> None:
    writer.add_name(f"demo formatter with the shape of {shape.name}")
    writer.add_context_length(TRAINED_CONTEXT)
    writer.add_embedding_length(shape.embedding)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(widened.epsilon)
    writer.add_rope_freq_base(model.rope_base)
    writer.add_file_type(_FILE_TYPES[shape.weights])
    for key, field in reader.fields.items():
        if key.startswith("tokenizer."):
            content = _filled_up(key, field.contents(), shape.vocabulary)
            writer.add_key_value(key, content, field.types[0])


def _filled_up(key: str, content: Any, vocabulary: int) -> Any:
    """Lists of tokens get unused ones at their end."""
    if key == _TOKENS:
        return [*content, *(f"[unused {number}]" for number in range(vocabulary - len(content)))]
    if key == _TOKEN_TYPES:
        return [*content, *[int(TokenType.UNUSED)] * (vocabulary - len(content))]
    return content


def _tensor_bytes(planned: Sequence[Planned]) -> int:
    total = 0
    for each in planned:
        rows = each.shape[0] if len(each.shape) == 2 else 1
        total += rows * each.packed_shape[-1]
    return total


def _digest(shape: Shape, small: Path) -> str:
    """Of everything that decides what is in the file."""
    digest = hashlib.sha256(repr(shape).encode())
    for source in (small, *(Path(module.__file__ or "") for module in (quantised, widening))):
        digest.update(source.read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()[:12]


def _tidy(folder: Path, shape: Shape) -> None:
    """Remove what is not used any more: earlier makings of this shape, and what a killed one has left."""
    for old in folder.glob(f"{shape.name}-*.gguf"):
        old.unlink(missing_ok=True)
    for partial in folder.glob(f"*{_PARTIAL}"):
        if time.time() - partial.stat().st_mtime > _ABANDONED_S:
            partial.unlink(missing_ok=True)


def _demand_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise VoiceflowError(
            f"The stand-in model needs {(needed + SPARE_BYTES) // 1_000_000} MB in {folder},"
            f" where {free // 1_000_000} MB are free.",
            "Make room, choose a smaller --shape, or set XDG_CACHE_HOME to another disk.",
        )
